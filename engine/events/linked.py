"""Whom a change reaches through a link, found without searching a whole city.

A household reads its members, so a member's change may change what the household gets. Who the owners of a
link are is not recorded at its end; but profiles mostly know a relation from both sides (a member names its
household, an employer its hires). These are looked at and verified. Whoever is linked from one side only is
left to the next run, whose change index reads the whole column of the link.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.change_routes import MEMBER, Route, Step
from policies.vocabulary import Vocabulary
from profiles.facts import ItemFacts, SubjectFacts
from profiles.snapshot import Snapshot


class TooMany(Exception):
    """More are linked than can be decided with one event. Never leaves this package."""


@dataclass(slots=True)
class Backwards:
    """Follows routes from their ends to their starts, through relations that are known from both sides."""

    snapshot: Snapshot
    vocabulary: Vocabulary
    at_most: int
    _facts: dict[tuple[str, str], SubjectFacts] = field(default_factory=dict)
    _owners: dict[tuple[Step, str], list[str]] = field(default_factory=dict)

    def along(self, route: Route, end: str) -> list[str]:
        """Return the subjects at the start of `route` that are known to lead to the subject `end`.

        Raises TooMany if they are more than `at_most`.
        """
        found = [end]
        for step in reversed(route):
            found = sorted({owner for one in found for owner in self._owners_of(step, one)})
            if len(found) > self.at_most:
                raise TooMany
        return found

    def facts(self, space: str, subject: str) -> SubjectFacts:
        """Return a subject's facts, read once."""
        if (space, subject) not in self._facts:
            self._facts[space, subject] = self.snapshot.facts(space, subject)
        return self._facts[space, subject]

    def _owners_of(self, step: Step, target: str) -> list[str]:
        key = (step, target)
        if key not in self._owners:
            candidates = dict.fromkeys(self._named_by(step.target, target, step.space))
            if len(candidates) > self.at_most:
                raise TooMany
            self._owners[key] = [one for one in candidates if self._leads(step, one, target)]
        return self._owners[key]

    def _named_by(self, space: str, subject: str, wanted: str) -> Iterator[str]:
        """Yield the subjects of the space `wanted` that this one names, by its links and its items."""
        declared, facts = self.vocabulary.spaces[space], self.facts(space, subject)
        for link in declared.links.values():
            named = facts.value((link.name,)) if link.target == wanted else None
            if named is not None:
                yield str(named)
        for collection in declared.collections.values():
            columns = [link.name for link in collection.links.values() if link.target == wanted]
            if collection.member_space == wanted:
                columns.append(MEMBER)
            for item in (facts.items((collection.name,)) or ()) if columns else ():
                cells = [_cell(item, column) for column in columns]
                yield from (str(cell) for cell in cells if cell is not None)

    def _leads(self, step: Step, owner: str, target: str) -> bool:
        space, _, collection = step.place.partition(".")
        facts = self.facts(space, owner)
        if not collection:
            return facts.value((step.column,)) == target
        return any(_cell(item, step.column) == target for item in facts.items((collection,)) or ())


def _cell(item: ItemFacts, column: str) -> object:
    row: Mapping[str, object] = item.row
    return row.get(column)
