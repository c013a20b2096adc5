"""Which announcements belong together: one event, one bundle, one person who is told.

The rule. A grant belongs to a bundle if its policy does, and if the event itself granted it, or if a run granted
it to somebody whom the event changed, not before the day on which the event was recorded and not later than the
bundle's `within_days` after. An event that arrives late is counted from its arrival. Whoever is in two bundles is
told of each grant in one of them: first that of the event which granted it, then the earlier event, then by id.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, select

from engine.events.recording import run_of_event
from engine.ledger import tables
from engine.ledger.ids import announcement_id
from engine.ledger.opening import Ledger, table
from engine.recording import ANNOUNCED
from engine.reference_day import ZONE
from policies.bundles import Bundle
from profiles.events.log import EventLog
from profiles.events.model import StoredEvent

_FEW = 400  # so many values in one IN
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Episode:
    """An event that a bundle is about. `recorded_on` is the day it arrived, `touched` whom it changed."""

    number: int
    key: str
    kind: str
    subject: str
    occurred_on: date
    recorded_on: date
    touched: frozenset[str]

    @property
    def run(self) -> str:
        """The id under which its own grants are recorded."""
        return run_of_event(self.number, self.key)


@dataclass(frozen=True, slots=True)
class Announced:
    """A grant that somebody is to be told of. `told` is who is told, `subject` whose grant it is."""

    id: str
    told: str
    subject: str
    grant: str
    policy: str
    version: str
    unit: str
    period: str
    amount: int | None
    stage: str
    on: date
    run: str
    space: str
    is_routed: bool


@dataclass(frozen=True, slots=True)
class Group:
    """What one person is told together, in the order of the bundle."""

    bundle: Bundle
    episode: Episode
    told: str
    rows: tuple[Announced, ...]

    @property
    def send_on(self) -> date:
        """The day on which the combined notice is sent."""
        return self.episode.recorded_on + timedelta(days=self.bundle.within_days)


def episode_of(stored: StoredEvent) -> Episode:
    """Return a stored event as bundles see it."""
    arrived = datetime.fromisoformat(stored.received_at).astimezone(ZONE).date()
    touched = frozenset({stored.subject, *(subject for _, subject in stored.subjects)})
    return Episode(stored.number, stored.key, stored.kind, stored.subject, stored.occurred_on, arrived, touched)


def episodes_since(log: EventLog, kinds: Collection[str], since: date) -> list[Episode]:
    """Return the events of these kinds that arrived on `since` or later; those that contradict what is known never."""
    found: list[Episode] = []
    for kind in sorted(kinds):
        before: int | None = None
        while True:
            page = log.events(_PAGE, kind=kind, before=before)
            episodes = [episode_of(one) for one in page if one.outcome != "contradictory"]
            found += [one for one in episodes if one.recorded_on >= since]
            # Numbers ascend with the arrival; a clock that was set back by less than a day changes nothing here.
            if len(page) < _PAGE or (episodes and episodes[-1].recorded_on < since - timedelta(days=1)):
                break
            before = page[-1].number
    return sorted(found, key=lambda one: one.number)


def announced_for(ledger: Ledger, episodes: Sequence[Episode], bundles: Iterable[Bundle]) -> list[Announced]:
    """Return the grants of bundle policies that these events granted, or that their people were granted since."""
    if not episodes:
        return []
    names = sorted(frozenset().union(*(one.names for one in bundles)))
    first = min(one.recorded_on for one in episodes).isoformat()
    grants, decisions = table(tables.Grant), table(tables.EventDecision)
    ids: set[str] = set()
    with ledger.reading() as connection:
        for runs in _few(sorted(one.run for one in episodes)):
            for text in connection.execute(select(decisions.c.answer).where(decisions.c.run.in_(runs))).scalars():
                ids.update(one["grant"] for one in json.loads(text)["granted"])
        for subjects in _few(sorted(frozenset().union(*(one.touched for one in episodes)))):
            query = select(grants.c.id).where(
                grants.c.subject.in_(subjects), grants.c.policy.in_(names), grants.c.on >= first
            )
            ids.update(connection.execute(query).scalars())
        return announced(connection, sorted(ids))


def announced(connection: Connection, grant_ids: Sequence[str]) -> list[Announced]:
    """Return the announcements of these grants."""
    announcements, grants = table(tables.Announcement), table(tables.Grant)
    found = []
    for ids in _few(list(grant_ids)):
        query = (
            select(
                announcements.c.id, announcements.c.subject.label("told"), announcements.c.routed,
                announcements.c.space, grants.c.subject, grants.c.id.label("grant"), grants.c.policy,
                grants.c.version, grants.c.unit, grants.c.period, grants.c.amount, grants.c.stage, grants.c.on,
                grants.c.run,
            )
            .join(grants, grants.c.id == announcements.c.grant)
            .where(announcements.c.id.in_([announcement_id(one, ANNOUNCED) for one in ids]))
        )  # fmt: skip
        for row in connection.execute(query):
            found.append(
                Announced(
                    row.id, row.told, row.subject, row.grant, row.policy, row.version, row.unit, row.period,
                    row.amount, row.stage, date.fromisoformat(row.on), row.run, row.space, bool(row.routed),
                )
            )  # fmt: skip
    return sorted(found, key=lambda one: one.id)


def groups_of(rows: Iterable[Announced], episodes: Sequence[Episode], bundles: Mapping[str, Bundle]) -> list[Group]:
    """Return what belongs together, by event, bundle and person."""
    by_run = {one.run: one for one in episodes}
    by_subject: dict[str, list[Episode]] = {}
    for one in episodes:
        for subject in one.touched:
            by_subject.setdefault(subject, []).append(one)
    found: dict[tuple[int, str, str], list[Announced]] = {}
    numbered = {one.number: one for one in episodes}
    for row in rows:
        own = [by_run[row.run]] if row.run in by_run else []
        places = [
            (episode is not by_run.get(row.run), episode.number, bundle.id)
            for episode in [*own, *by_subject.get(row.subject, ())]
            for bundle in bundles.values()
            if episode.kind in bundle.events and row.policy in bundle.names and _belongs(row, episode, bundle)
        ]
        if places:
            _, number, name = min(places)
            found.setdefault((number, name, row.told), []).append(row)
    return [
        Group(bundles[name], numbered[number], told, _in_order(bundles[name], members))
        for (number, name, told), members in sorted(found.items())
    ]


def _belongs(row: Announced, episode: Episode, bundle: Bundle) -> bool:
    if row.run == episode.run:
        return True
    return episode.recorded_on <= row.on <= episode.recorded_on + timedelta(days=bundle.within_days)


def _in_order(bundle: Bundle, rows: Sequence[Announced]) -> tuple[Announced, ...]:
    places = {one.policy: number for number, one in enumerate(bundle.policies)}
    return tuple(sorted(rows, key=lambda one: (places[one.policy], one.period, one.unit, one.id)))


def _few(values: list[str]) -> Iterable[list[str]]:
    return (values[start : start + _FEW] for start in range(0, len(values), _FEW))
