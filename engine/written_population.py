"""One subject's facts, written out as frames, so that the batch compiler can be asked about a single case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.columnar import decide_all
from engine.frames_population import FramesPopulation, column_type
from policies.example_facts import ExampleFacts
from policies.policy import FixedPolicy
from policies.scopes import GRANTS
from policies.types import Date, from_day_number
from policies.vocabulary import Attribute, Collection, Vocabulary

if TYPE_CHECKING:
    from engine.difference_cases import EngineAnswer

SUBJECT = "subject"


@dataclass(slots=True)
class WrittenPopulation:
    """Frames in the making: rows by space and by collection."""

    vocabulary: Vocabulary
    subjects: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    items: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    _next: int = 0

    def answer(self, fixed: FixedPolicy, unit: str) -> EngineAnswer:
        """Return what the batch compiler answers for one unit ("" without `for_each`)."""
        from engine.difference_cases import NO_UNIT, EngineAnswer

        matches = decide_all([fixed], self.frames(), self.vocabulary)
        error = matches.error(fixed.policy.id)
        if error is not None:
            return EngineAnswer(f"error: {error.diagnostics[0].code}")
        rows = matches.outcomes(fixed.policy.id)
        found = rows.filter((pl.col("subject") == SUBJECT) & (pl.col("unit") == unit)).to_dicts()
        if not found:
            return NO_UNIT
        words = {True: "eligible", False: "ineligible", None: "undetermined"}
        return EngineAnswer(words[found[0]["eligible"]], found[0]["amount"])

    def frames(self) -> FramesPopulation:
        """Return the population."""
        spaces = {
            name: _frame(
                [{"subject": one, **row} for one, row in self.subjects.get(name, {}).items()],
                ["subject"],
                space.attributes,
                list(space.links),
            )
            for name, space in self.vocabulary.spaces.items()
        }
        collections = {}
        for (space, name), rows in self.items.items():
            declared = GRANTS if name == GRANTS.name else self.vocabulary.spaces[space].collections[name]
            keys = ["owner", "item", *(["member"] if declared.member_space else [])]
            collections[space, name] = _frame(rows, keys, declared.attributes, list(declared.links))
        return FramesPopulation(self.vocabulary, spaces, collections)

    def write(self, facts: ExampleFacts, space: str, name: str) -> None:
        """Write one subject, and whatever it is linked with."""
        declared = self.vocabulary.spaces[space]
        row: dict[str, Any] = {one: facts.values.get(one) for one in declared.attributes}
        # Entered before its links are followed: they may lead back.
        self.subjects.setdefault(space, {})[name] = row
        for link in declared.links.values():
            row[link.name] = self._link(facts, link.name, link.target)
        for key, items in facts.collections.items():
            collection = GRANTS if key == GRANTS.name else declared.collections.get(key)
            if collection is not None:
                self._write_items(items, collection, space, name)

    def _write_items(self, items: tuple[ExampleFacts, ...], collection: Collection, space: str, owner: str) -> None:
        rows = self.items.setdefault((space, collection.name), [])
        for item in items:
            row: dict[str, Any] = {"owner": owner, "item": item.id}
            row |= {one: item.values.get(one) for one in collection.attributes}
            for link in collection.links.values():
                row[link.name] = self._link(item, link.name, link.target)
            if collection.member_space is not None:
                row["member"] = self._fresh()
                self.write(item, collection.member_space, row["member"])
            rows.append(row)

    def _link(self, facts: ExampleFacts, name: str, target: str) -> str | None:
        other = facts.links.get(name)
        if other is None:
            return None
        if not (other.values or other.links or other.collections):
            return other.id
        # Every mention is written for itself: it holds what was looked at from there.
        fresh = self._fresh()
        self.write(other, target, fresh)
        return fresh

    def _fresh(self) -> str:
        self._next += 1
        return f"other {self._next}"


def written_population(facts: ExampleFacts, space: str, vocabulary: Vocabulary) -> WrittenPopulation:
    """Return the population of one subject and all that its facts mention."""
    written = WrittenPopulation(vocabulary)
    written.write(facts, space, SUBJECT)
    return written


def _frame(
    rows: list[dict[str, Any]], keys: list[str], attributes: Mapping[str, Attribute], links: list[str]
) -> pl.DataFrame:
    schema: dict[str, Any] = dict.fromkeys([*keys, *links], pl.String)
    schema |= {name: column_type(one.type) for name, one in attributes.items()}
    columns = {}
    for name in schema:
        dated = name in attributes and isinstance(attributes[name].type, Date)
        cells = [row.get(name) for row in rows]
        columns[name] = [from_day_number(one) if dated and one is not None else one for one in cells]
    return pl.DataFrame(columns, schema=schema)
