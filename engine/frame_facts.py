"""Facts of many subjects, read in bulk: the protocol `Facts` over a `Population`.

The interpreter asks subject by subject, path by path. Whatever it first asks of a space or a collection is read for
all subjects that have been mentioned so far, so that a sample costs a few reads of the store, not one per subject.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from engine.decision import Population
from policies.errors import StoreError
from policies.policy import FixedPolicy
from policies.scopes import GRANTS
from policies.types import Value
from policies.vocabulary import Collection, Link, Space, Vocabulary

Row = Mapping[str, Value]


@dataclass(slots=True, repr=False)
class FactsInBulk:
    """The facts of some subjects of a population.

    Args:
        population: where they are read.
        vocabulary: the names of spaces, links and collections.
        names: what is read of each space (`citizen`) or collection (`enterprise.hires`); a name that is asked for
            beyond these is read when it is first missed.
    """

    population: Population
    vocabulary: Vocabulary
    names: dict[str, set[str]]
    _mentioned: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _rows: dict[str, dict[str, Row | None]] = field(default_factory=lambda: defaultdict(dict))
    _items: dict[tuple[str, str], dict[str, list[ItemInBulk]]] = field(default_factory=lambda: defaultdict(dict))
    _collections: dict[tuple[str, str], bool] = field(default_factory=dict)
    _facts: dict[tuple[str, str], SubjectInBulk] = field(default_factory=dict)

    def of(self, space: str, subjects: Iterable[str]) -> list[SubjectInBulk]:
        """Return the facts of some subjects, which are read together when the first is asked."""
        wanted = list(subjects)
        self._mentioned[space].update(wanted)
        return [self.one(space, subject) for subject in wanted]

    def one(self, space: str, subject: str) -> SubjectInBulk:
        """Return the facts of one subject."""
        key = (space, subject)
        if key not in self._facts:
            self._facts[key] = SubjectInBulk(self, space, subject)
        return self._facts[key]

    def row(self, space: str, subject: str, name: str) -> Row | None:
        """Return what is known of a subject, `name` included; None if it does not exist."""
        known = self._rows[space]
        names = self.names.get(space, ())
        if name not in names:
            self.names[space] = {*names, name}
            known.clear()
        if subject not in known:
            self._mentioned[space].add(subject)
            self._read_subjects(space)
        return known[subject]

    def exists(self, space: str, subject: str) -> bool:
        """Return whether the register of the space knows a subject."""
        if subject not in self._rows[space]:
            self._mentioned[space].add(subject)
            self._read_subjects(space)
        return self._rows[space][subject] is not None

    def items(self, space: str, collection: str, owner: str) -> list[ItemInBulk] | None:
        """Return the items of one subject; None if the collection is unknown for it."""
        key = (space, collection)
        if key not in self._collections:
            self.declared_collection(space, collection)
            self._collections[key] = self.population.collection_known(space, collection)
        if not self._collections[key] or not self.exists(space, owner):
            return None
        known = self._items[key]
        if owner not in known:
            self._mentioned[space].add(owner)
            self._read_items(space, collection)
        return known[owner]

    def declared_collection(self, space: str, name: str) -> Collection:
        """Return a collection's declaration. Raises StoreError if there is none."""
        found = self.vocabulary.spaces[space].collections.get(name)
        if found is None and name == GRANTS.name:
            return GRANTS
        if found is None:
            raise _unknown(space, name)
        return found

    def _read_subjects(self, space: str) -> None:
        known, declared = self._rows[space], self.vocabulary.spaces[space]
        missing = sorted(one for one in self._mentioned[space] if one not in known)
        names = sorted(self.names.get(space, ()))
        links = {name: link for name, link in declared.links.items() if name in names}
        frame = self.population.attributes(space, names, pl.Series("subject", missing, pl.String))
        known.update(dict.fromkeys(missing))
        for row in _plain(frame).iter_rows(named=True):
            known[row["subject"]] = row
            self._mention(row, links)

    def _read_items(self, space: str, collection: str) -> None:
        known, declared = self._items[space, collection], self.declared_collection(space, collection)
        missing = sorted(one for one in self._mentioned[space] if one not in known)
        names = sorted(self.names.get(f"{space}.{collection}", set()) | set(declared.attributes) | set(declared.links))
        frame = self.population.items(space, collection, names, pl.Series("owner", missing, pl.String))
        known.update({owner: [] for owner in missing})
        for row in _plain(frame).iter_rows(named=True):
            known[row["owner"]].append(ItemInBulk(self, declared, row))
            self._mention(row, declared.links)
            if declared.member_space is not None and row["member"] is not None:
                self._mentioned[declared.member_space].add(str(row["member"]))

    def _mention(self, row: Row, links: Mapping[str, Link]) -> None:
        """Whoever a link leads to is read together with all others that links of that kind lead to."""
        for name, link in links.items():
            target = row.get(name)
            if target is not None:
                self._mentioned[link.target].add(str(target))


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Dates become day numbers, in bulk."""
    return frame.with_columns(pl.col(pl.Date).cast(pl.Int32))


@dataclass(slots=True, eq=False, repr=False)
class SubjectInBulk:
    """The facts of one subject (`engine.decision.Facts`)."""

    store: FactsInBulk
    space: str
    subject: str
    _row: Row = field(default_factory=dict)  # what was last read of it

    def __repr__(self) -> str:
        # What is known of somebody must not slip into a log.
        return f"SubjectInBulk({self.space!r}, {self.subject!r})"

    @property
    def id(self) -> str:
        """The pseudonym."""
        return self.subject

    def value(self, path: tuple[str, ...]) -> Value:
        """Return the datum at the end of `path`; None if unknown."""
        name = path[0]
        if len(path) > 1:
            target = self._target(name)
            return None if target is None else target.value(path[1:])
        if name not in self._row:
            row = self.store.row(self.space, self.subject, name)
            if row is None:
                return None
            self._row = row
        return self._row[name]

    def items(self, path: tuple[str, ...]) -> Sequence[ItemInBulk] | None:
        """Return the items at the end of `path`; None if the collection is unknown."""
        name = path[0]
        if len(path) > 1:
            target = self._target(name)
            return None if target is None else target.items(path[1:])
        return self.store.items(self.space, name, self.subject)

    def _target(self, name: str) -> SubjectInBulk | None:
        link = self._declared().links.get(name)
        if link is None:
            raise _unknown(self.space, name)
        target = self.value((name,))
        return None if target is None else self.store.one(link.target, str(target))

    def _declared(self) -> Space:
        return self.store.vocabulary.spaces[self.space]


@dataclass(frozen=True, slots=True, repr=False)
class ItemInBulk:
    """One item of a collection; with a member space it also answers for the member it stands for."""

    store: FactsInBulk
    declared: Collection
    row: Row

    def __repr__(self) -> str:
        return f"ItemInBulk({self.declared.name!r})"

    @property
    def id(self) -> str:
        """The item's id, unique for its owner."""
        return str(self.row["item"])

    def value(self, path: tuple[str, ...]) -> Value:
        """Return the datum at the end of `path`; None if unknown."""
        name = path[0]
        if name in self.declared.links and len(path) > 1:
            target = self._target(name)
            return None if target is None else target.value(path[1:])
        if name in self.declared.attributes or name in self.declared.links:
            return self.row.get(name)
        member = self._member(name)
        return None if member is None else member.value(path)

    def items(self, path: tuple[str, ...]) -> Sequence[ItemInBulk] | None:
        """Return the items at the end of `path`, seen from this item's link or member."""
        name = path[0]
        if name in self.declared.links and len(path) > 1:
            target = self._target(name)
            return None if target is None else target.items(path[1:])
        member = self._member(name)
        return None if member is None else member.items(path)

    def _target(self, name: str) -> SubjectInBulk | None:
        target = self.row.get(name)
        return None if target is None else self.store.one(self.declared.links[name].target, str(target))

    def _member(self, name: str) -> SubjectInBulk | None:
        if self.declared.member_space is None:
            raise _unknown(self.declared.name, name)
        member = self.row.get("member")
        return None if member is None else self.store.one(self.declared.member_space, str(member))


def facts_in_bulk(population: Population, vocabulary: Vocabulary, policies: Iterable[FixedPolicy]) -> FactsInBulk:
    """Return facts that are read with the names which the policies read."""
    names: dict[str, set[str]] = {}
    for fixed in policies:
        for place, read in fixed.policy.reads.items():
            names.setdefault(place, set()).update(read)
    return FactsInBulk(population, vocabulary, names)


def _unknown(place: str, name: str) -> StoreError:
    error = StoreError.of("unknown-datum", f"`{place}` 没有数据项 `{name}`", f"`{place}` has no datum `{name}`")
    assert isinstance(error, StoreError)
    return error
