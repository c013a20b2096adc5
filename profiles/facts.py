"""One subject at a time: the protocol `Facts` of the interpreter, with paths over links and collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from policies.errors import StoreError
from policies.types import Value, to_day_number
from policies.vocabulary import Attribute, Collection, Space
from profiles.freshness import Freshness
from profiles.snapshot_types import polars_type

if TYPE_CHECKING:
    from profiles.snapshot import Snapshot

Row = Mapping[str, Value]


def to_value(cell: object) -> Value:
    """Return a cell of a Polars frame as a value of the rule language (dates as day numbers)."""
    if isinstance(cell, date):
        return to_day_number(cell)
    assert cell is None or isinstance(cell, (bool, int, str))
    return cell


@dataclass(repr=False)
class SubjectFacts:
    """What is known of `subject` of `space`. Each source is read once, when first asked for."""

    snapshot: Snapshot
    space: str
    subject: str
    _rows: dict[str, Row] = field(default_factory=dict)
    _targets: dict[tuple[str, str], SubjectFacts] = field(default_factory=dict)
    _collections: dict[str, list[ItemFacts] | None] = field(default_factory=dict)

    def __repr__(self) -> str:
        # What is known of somebody must not slip into a log.
        return f"SubjectFacts({self.space!r}, {self.subject!r})"

    @property
    def id(self) -> str:
        """The pseudonym."""
        return self.subject

    def value(self, path: tuple[str, ...]) -> Value:
        """Return the datum at the end of `path` (links, then attribute or link); None if unknown."""
        name, *rest = path
        declared = self.snapshot.space(self.space)
        if not rest:
            return self._datum(name)
        target = self._target(declared, name)
        return None if target is None else target.value(tuple(rest))

    def items(self, path: tuple[str, ...]) -> Sequence[ItemFacts] | None:
        """Return the items at the end of `path` (links, then collection); None if unknown."""
        name, *rest = path
        if rest:
            target = self._target(self.snapshot.space(self.space), name)
            return None if target is None else target.items(tuple(rest))
        if name not in self._collections:
            self._collections[name] = self._read_items(name)
        return self._collections[name]

    def _target(self, declared: Space, link: str) -> SubjectFacts | None:
        if link not in declared.links:
            raise _unknown(declared.name, link)
        subject = self._datum(link)
        return None if subject is None else self.of_link(declared.links[link].target, str(subject))

    def of_link(self, space: str, subject: str) -> SubjectFacts:
        """Return the facts of a linked subject, read once."""
        key = (space, subject)
        if key not in self._targets:
            self._targets[key] = SubjectFacts(self.snapshot, space, subject, _targets=self._targets)
        return self._targets[key]

    def _datum(self, name: str) -> Value:
        declared = self.snapshot.space(self.space)
        if name not in declared.attributes and name not in declared.links:
            raise _unknown(declared.name, name)
        source = self.snapshot.source_of_datum(self.space, name)
        if source is None or source.id not in self.snapshot.tables:
            return None
        if source.id not in self._rows:
            names = [each.name for each in source.stored_fields]
            schema = _schema(names, declared)
            self._rows[source.id] = self._read_row(source.id, schema, names, declared)
        return self._rows[source.id].get(name)

    def _read_row(self, source: str, schema: dict[str, type[pl.DataType]], names: list[str], declared: Space) -> Row:
        snapshot = self.snapshot
        # Who is not in the register does not exist, whatever another source still says of them.
        if source != snapshot.register(self.space).id and not self._exists():
            return {}
        fresh = Freshness(snapshot.on, snapshot.freshness_limits(names, declared.attributes))
        bucket = snapshot.bucket_of(self.subject)
        rows = snapshot.tables[source].subject_rows(bucket, self.subject, schema, fresh)
        return {name: to_value(cell) for name, cell in rows[0].items()} if rows else {}

    def _exists(self) -> bool:
        register = self.snapshot.register(self.space).id
        if register not in self._rows:
            declared = self.snapshot.space(self.space)
            names = [each.name for each in self.snapshot.register(self.space).stored_fields]
            self._rows[register] = (
                self._read_row(register, _schema(names, declared), names, declared)
                if register in self.snapshot.tables
                else {}
            )
        return bool(self._rows[register])

    def _read_items(self, name: str) -> list[ItemFacts] | None:
        snapshot = self.snapshot
        declared = snapshot.collection(self.space, name)
        sources = [s for s in snapshot.catalog.sources_of(self.space, name) if s.id in snapshot.tables]
        # A link may lead to nobody: what is not known to exist has no known items, rather than none.
        if not sources or not self._exists():
            return None
        names = [*declared.attributes, *declared.links]
        schema = _schema(names, declared) | ({"member": pl.String} if declared.member_space else {})
        fresh = Freshness(snapshot.on, snapshot.freshness_limits(names, declared.attributes))
        bucket = snapshot.bucket_of(self.subject)
        found: list[ItemFacts] = []
        for source in sources:
            for row in snapshot.tables[source.id].subject_rows(bucket, self.subject, schema, fresh):
                cells = {key: to_value(cell) for key, cell in row.items()}
                found.append(ItemFacts(self, declared, str(cells["item"]), cells))
        return found


@dataclass(frozen=True, repr=False)
class ItemFacts:
    """One item of a collection; with a member space it also answers for the member it stands for."""

    owner: SubjectFacts
    declared: Collection
    id: str
    row: Row

    def __repr__(self) -> str:
        return f"ItemFacts({self.declared.name!r}, {self.id!r})"

    def value(self, path: tuple[str, ...]) -> Value:
        """Return the datum at the end of `path`; see `SubjectFacts.value`."""
        name, *rest = path
        if not rest and (name in self.declared.attributes or name in self.declared.links):
            return self.row.get(name)
        if rest and name in self.declared.links:
            subject = self.row.get(name)
            if subject is None:
                return None
            return self.owner.of_link(self.declared.links[name].target, str(subject)).value(tuple(rest))
        member = self._member(name)
        return None if member is None else member.value(path)

    def items(self, path: tuple[str, ...]) -> Sequence[ItemFacts] | None:
        """Return the items at the end of `path`, seen from this item's link or member."""
        name, *rest = path
        if rest and name in self.declared.links:
            subject = self.row.get(name)
            if subject is None:
                return None
            return self.owner.of_link(self.declared.links[name].target, str(subject)).items(tuple(rest))
        member = self._member(name)
        return None if member is None else member.items(path)

    def _member(self, name: str) -> SubjectFacts | None:
        if self.declared.member_space is None:
            raise _unknown(self.declared.name, name)
        subject = self.row.get("member")
        return None if subject is None else self.owner.of_link(self.declared.member_space, str(subject))


def _schema(names: Sequence[str], declared: Space | Collection) -> dict[str, type[pl.DataType]]:
    attributes: Mapping[str, Attribute] = declared.attributes
    return {name: polars_type(attributes[name].type) if name in attributes else pl.String for name in names}


def _unknown(place: str, name: str) -> StoreError:
    error = StoreError.of("unknown-datum", f"`{place}` 没有数据项 `{name}`", f"`{place}` has no datum `{name}`")
    assert isinstance(error, StoreError)
    return error
