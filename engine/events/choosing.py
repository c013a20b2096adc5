"""Which policies an event concerns, for whom: by what it changed, and by what it triggers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from engine.change_index import ChangeIndex
from engine.change_routes import Read
from engine.events.answer import Linked, NotDecided
from engine.events.linked import Backwards, TooMany
from engine.events.standing import Standing
from profiles.events.model import StoredEvent

# Somebody of a space: its name and the pseudonym.
Subject = tuple[str, str]
# Place -> names that changed there; None: a newcomer, or an item that came or went.
Places = Mapping[str, frozenset[str] | None]

CAME_OR_WENT = "*"  # as `EventLog.changes` writes it
FEW = 100  # so many linked subjects are decided with the event that reaches them


@dataclass(frozen=True, slots=True)
class Chosen:
    """Subject -> the policies to decide, and what is reached through links."""

    policies: Mapping[Subject, frozenset[str]]
    linked: tuple[Linked, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """All policies that are decided for anybody."""
        return frozenset().union(*self.policies.values())


def changes_of(stored: StoredEvent, patches: Mapping[str, pl.DataFrame]) -> dict[Subject, Places]:
    """Return what the event has changed, by subject; `patches` as `EventLog.changes` gives them for it.

    What newer statements overrule is left out.
    """
    found: dict[Subject, dict[str, frozenset[str] | None]] = {}
    for place, frame in patches.items():
        winning = stored.changed.get(place)
        if winning is None:
            continue
        space = place.partition(".")[0]
        for subject, name in frame.iter_rows():
            places = found.setdefault((space, subject), {})
            if name == CAME_OR_WENT:
                places[place] = None
            elif name in winning:
                before = places.get(place, frozenset())
                places[place] = None if before is None else before | {name}
    return dict(found)


def choose(standing: Standing, stored: StoredEvent, changes: Mapping[Subject, Places]) -> Chosen:
    """Return the policies to decide for each subject whose own data changed or who triggers some.

    What is tied to them by exclusion, group or top-up is decided with them, as a run would.
    """
    chosen: dict[Subject, frozenset[str]] = {}
    for subject in dict.fromkeys([(stored.space, stored.subject), *changes]):
        places = changes.get(subject, {})
        names = {
            name
            for name, fixed in standing.fixed.items()
            if fixed.policy.space == subject[0]
            and (
                _touches(standing.index, name, places)
                or (subject[1] == stored.subject and stored.kind in fixed.policy.triggers)
            )
        }
        tied = {name for name in standing.tied(names) if name in standing.fixed}
        mine = frozenset(name for name in tied if standing.fixed[name].policy.space == subject[0])
        if mine:
            chosen[subject] = mine
    return Chosen(chosen)


def with_linked(chosen: Chosen, standing: Standing, changes: Mapping[Subject, Places], backwards: Backwards) -> Chosen:
    """Add those whom the change reaches through a link, if they are few.

    Otherwise the next run of these policies decides them, because the change index names them then. Nobody is
    looked for who might be linked to a newcomer.
    """
    more: dict[Subject, set[str]] = {}
    left: set[str] = set()
    for name, fixed in standing.fixed.items():
        for (space, subject), places in changes.items():
            if places.get(space, frozenset()) is None:
                continue
            routes = {read.route for read in standing.index.reads(name) if read.route and _changed(read, places)}
            try:
                for owner in {one for route in routes for one in backwards.along(route, subject)}:
                    if name not in chosen.policies.get((fixed.policy.space, owner), ()):
                        more.setdefault((fixed.policy.space, owner), set()).add(name)
            except TooMany:
                left.add(name)
    if len(more) > backwards.at_most:
        left.update(name for names in more.values() for name in names)
        more = {}
    decided = {name for names in more.values() for name in names} - left
    policies = dict(chosen.policies)
    for (space, subject), names in sorted(more.items()):
        tied = {name for name in standing.tied(names - left) if name in standing.fixed}
        mine = frozenset(name for name in tied if standing.fixed[name].policy.space == space)
        if mine:
            policies[space, subject] = policies.get((space, subject), frozenset()) | mine
    linked = [Linked(tuple(sorted(left)), False, None)] if left else []
    if decided:
        linked.append(Linked(tuple(sorted(decided)), True, len(more)))
    return Chosen(policies, tuple(linked))


def withheld(standing: Standing, stored: StoredEvent, changes: Mapping[Subject, Places]) -> tuple[NotDecided, ...]:
    """Return the policies that the event concerns and that may not be decided by it, with the reason."""
    found = []
    for name, reason in sorted(standing.withheld.items()):
        policy = standing.index.policies.get(name)
        if policy is None:
            continue
        touched = any(
            _touches(standing.index, name, places) for subject, places in changes.items() if subject[0] == policy.space
        )
        if touched or (stored.kind in policy.triggers and stored.space == policy.space):
            found.append(reason)
    return tuple(found)


def _touches(index: ChangeIndex, policy: str, places: Places) -> bool:
    """Return whether the policy reads, of its own subject, anything that changed."""
    return any(not read.route and _changed(read, places) for read in index.reads(policy))


def _changed(read: Read, places: Places) -> bool:
    if read.place in places:
        names = places[read.place]
        return names is None or "." in read.place or read.name in names
    # A newcomer has other data everywhere: also no items where there might be some.
    space = read.place.partition(".")[0]
    return space in places and places[space] is None
