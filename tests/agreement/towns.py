"""Small towns: everybody's data as plain values, in the shape that each engine wants, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random

import pandas as pd
import polars as pl

from engine.frames_population import FramesPopulation, column_type
from policies.types import Bool, Code, Date, Number, Text, Type, Value, from_day_number, to_day_number
from policies.vocabulary import Attribute, Collection, Link
from tests.agreement.town_vocabulary import VOCABULARY, WORDS, codes_of, collections_of

Row = dict[str, Value]
DAYS = tuple(
    to_day_number(date.fromisoformat(day))
    for day in (
        "1960-02-29", "1961-02-28", "1961-03-01", "1966-02-28", "1996-02-29", "2000-02-29", "2000-03-01", "2004-03-31",
        "2008-02-29", "2016-02-29", "2024-02-29", "2025-02-28", "2026-01-31", "2026-02-27", "2026-02-28", "2026-03-01",
        "1900-03-01", "1969-12-31", "1970-01-01", "2025-10-31", "2025-11-30", "1800-01-01", "2999-12-31", "2099-12-31",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Town:
    """Attributes and links per subject, items per owner; a collection that is not there is unknown."""

    subjects: dict[str, dict[str, Row]]
    items: dict[str, dict[str, list[Row]]]  # "space.collection" -> owner -> items

    def population(self) -> FramesPopulation:
        """Return the town as Polars frames."""
        spaces = {
            name: _frame([{"subject": one, **row} for one, row in self.subjects[name].items()], ["subject"],
                         stored(space.attributes), space.links)
            for name, space in VOCABULARY.spaces.items()
        }  # fmt: skip
        collections = {}
        for place in self.items:
            space, name = place.split(".")
            declared = collections_of(space)[name]
            keys = ["owner", "item", *(["member"] if declared.member_space else [])]
            collections[space, name] = _frame(self.rows(place), keys, stored(declared.attributes), declared.links)
        return FramesPopulation(VOCABULARY, spaces, collections)

    def rows(self, place: str) -> list[Row]:
        """Return all items of a collection with their owners."""
        return [{"owner": owner, **item} for owner, listed in self.items[place].items() for item in listed]

    def facts(self, space: str, subject: str) -> TownFacts:
        """Return one subject as the interpreter sees it."""
        return TownFacts(self, space, subject)

    def frames(self, space: str) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
        """Return the town as an analyst of `space` would hold it: the main frame, and the related ones."""
        main = _written(list(self.subjects[space].values()), [], stored(VOCABULARY.spaces[space].attributes),
                        VOCABULARY.spaces[space].links)  # fmt: skip
        main.index = pd.Index(list(self.subjects[space]), dtype=object)
        related: dict[str, pd.DataFrame] = {}
        for name, declared in VOCABULARY.spaces.items():
            if name != space:
                rows: list[Row] = [{"subject": one, **row} for one, row in self.subjects[name].items()]
                related[name] = _written(rows, ["subject"], stored(declared.attributes), declared.links)
        for place in self.items:
            owner, name = place.split(".")
            collection = collections_of(owner)[name]
            keys = ["owner", "item", *(["member"] if collection.member_space else [])]
            key = name if owner == space else place
            related[key] = _written(self.rows(place), keys, stored(collection.attributes), collection.links)
        return main, related

    def to_json(self) -> dict[str, object]:
        """Return the town as plain JSON data."""
        return {"subjects": self.subjects, "items": self.items}

    @classmethod
    def from_json(cls, data: dict) -> Town:
        """Return the town that `to_json` has written."""
        return cls(data["subjects"], data["items"])


def stored(attributes: dict[str, Attribute]) -> dict[str, Attribute]:
    """Return the attributes that are data, not worked out."""
    return {name: one for name, one in attributes.items() if one.derivation is None}


def _frame(rows: list[Row], keys: list[str], attributes: dict[str, Attribute], links: dict[str, Link]) -> pl.DataFrame:
    columns = {name: pl.Series(name, [row[name] for row in rows], dtype=pl.String) for name in (*keys, *links)}
    for name, one in attributes.items():
        values = [row[name] for row in rows]
        if isinstance(one.type, Date):
            values = [None if value is None else from_day_number(value) for value in values]
        columns[name] = pl.Series(name, values, dtype=column_type(one.type))
    return pl.DataFrame(columns)


def _written(
    rows: list[Row], keys: list[str], attributes: dict[str, Attribute], links: dict[str, Link]
) -> pd.DataFrame:
    """Return rows as analysts write them: days as dates, numbers with their decimals, nothing as a binary float."""
    columns = {name: [row[name] for row in rows] for name in (*keys, *links)}
    for name, one in attributes.items():
        columns[name] = [_cell(row[name], one.type) for row in rows]
    return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})


def _cell(value: Value, kind: Type) -> object:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(kind, Date):
        return from_day_number(value)
    return Decimal(value).scaleb(-kind.scale) if isinstance(kind, Number) and kind.scale else value


@dataclass(frozen=True)
class TownFacts:
    """The facts of one subject, or of one item, straight from the plain data."""

    town: Town
    space: str | None
    subject: str | None
    item: Row | None = None
    collection: Collection | None = None

    @property
    def id(self) -> Value:
        """The subject's or item's id."""
        return self.subject if self.item is None else self.item["item"]

    def _owns(self, name: str) -> bool:
        return self.collection is not None and (name in self.collection.attributes or name in self.collection.links)

    def _exists(self) -> bool:
        return self.space is not None and self.subject in self.town.subjects[self.space]

    def _target(self, name: str) -> TownFacts | None:
        found = self.value((name,))
        if found is None:
            return None
        links = self.collection.links if self._owns(name) else VOCABULARY.spaces[str(self.space)].links
        return TownFacts(self.town, links[name].target, str(found))

    def value(self, path: tuple[str, ...]) -> Value:
        """See `engine.decision.Facts`."""
        if len(path) > 1:
            target = self._target(path[0])
            return None if target is None else target.value(path[1:])
        if self._owns(path[0]):
            return self.item[path[0]]
        return self.town.subjects[self.space][self.subject][path[0]] if self._exists() else None

    def items(self, path: tuple[str, ...]) -> Sequence[TownFacts] | None:
        """See `engine.decision.Facts`."""
        if len(path) > 1:
            target = self._target(path[0])
            return None if target is None else target.items(path[1:])
        place = f"{self.space}.{path[0]}"
        if not self._exists() or place not in self.town.items:
            return None
        declared = collections_of(str(self.space))[path[0]]
        listed = self.town.items[place].get(str(self.subject), [])
        return [TownFacts(self.town, declared.member_space, item.get("member"), item, declared) for item in listed]


class TownMaker:
    """Draws towns: boundaries and extremes often, unknowns, links that lead nowhere, collections never taken in."""

    def __init__(self, r: Random, subjects: int = 4, *, extreme: bool = False) -> None:
        self.r, self.subjects, self.extreme = r, subjects, extreme
        self.unknown = r.choice([0, 0, 5, 20, 60])  # in 100

    def town(self) -> Town:
        """Return a new town."""
        r = self.r
        ids = {name: [f"{name[0]}{number}" for number in range(r.choice([0, *[2, self.subjects // 2, self.subjects] * 4]))]
               for name in VOCABULARY.spaces}  # fmt: skip
        subjects = {
            name: {one: self._row(stored(space.attributes), space.links, ids) for one in ids[name]}
            for name, space in VOCABULARY.spaces.items()
        }
        items: dict[str, dict[str, list[Row]]] = {}
        for name in VOCABULARY.spaces:
            for collection in collections_of(name).values():
                if r.randint(0, 11):
                    owners = {one: self._items(collection, ids) for one in ids[name]}
                    items[f"{name}.{collection.name}"] = {one: listed for one, listed in owners.items() if listed}
        return Town(subjects, items)

    def _row(self, attributes: dict[str, Attribute], links: dict[str, Link], ids: dict[str, list[str]]) -> Row:
        row: Row = {name: self.value(one.type) for name, one in attributes.items()}
        return row | {name: self._link(ids[link.target]) for name, link in links.items()}

    def _items(self, collection: Collection, ids: dict[str, list[str]]) -> list[Row]:
        listed = []
        # Now and then one more than the catalog allows, which is not believed.
        many = collection.at_most <= 20 and self.r.randint(0, 60) == 0
        for number in range(collection.at_most + 1 if many else self.r.choice([0, 0, 1, 2, 3])):
            item: Row = {"item": str(number + 1)}
            if collection.member_space:
                item["member"] = self._link(ids[collection.member_space]) or "nobody"
            item |= self._row(stored(dict(collection.attributes)), dict(collection.links), ids)
            if collection.name == "grants" and item["policy"] is not None and self.r.randint(0, 1):
                item["policy"] = f"p{self.r.randint(0, 7)}"  # as the policies of a case are called
            listed.append(item)
        return listed

    def _link(self, targets: list[str]) -> Value:
        r = self.r
        if r.randint(0, 99) < self.unknown:
            return None
        return "nobody" if not targets or r.randint(0, 15) == 0 else r.choice(targets)

    def value(self, kind: Type) -> Value:
        """Return one datum; None is unknown, as missing, quarantined and stale data are."""
        r = self.r
        if r.randint(0, 99) < self.unknown:
            return None
        if isinstance(kind, Bool):
            return r.choice([True, False])
        if isinstance(kind, Number):
            return self._number(kind)
        if isinstance(kind, Date):
            return r.choice(DAYS) if r.randint(0, 3) else r.randint(-20_000, 25_000)
        if isinstance(kind, Code):
            return r.choice(codes_of(kind.code_set))
        assert isinstance(kind, Text)
        return r.choice(WORDS)

    def _number(self, kind: Number) -> int:
        r, unit = self.r, 10**kind.scale
        near = [kind.low, kind.low + 1, kind.high - 1, kind.high]
        usual = [number * unit for number in (0, 1, 2, 3, 10, 12, 60, 65, 100, 500, 1_000, 36_000)] + [1, -1, -unit]
        fitting = [number for number in usual if kind.low <= number <= kind.high]
        if self.extreme:
            return r.choice(near)
        if fitting and r.randint(0, 2):
            return r.choice(fitting)
        return r.choice(near) if r.randint(0, 1) else r.randint(max(kind.low, -(10**6)), min(kind.high, 10**6))
