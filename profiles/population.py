"""Many subjects at once: the protocol `Population` of the compilers, over one bucket of a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from policies.errors import StoreError
from policies.vocabulary import Collection, Space
from profiles.catalog_model import Source
from profiles.snapshot_types import polars_type
from profiles.store import StoredTable

if TYPE_CHECKING:
    from profiles.snapshot import Snapshot


@dataclass(frozen=True)
class BucketPopulation:
    """The subjects of bucket `number`; others are reached through their pseudonyms, wherever they lie."""

    snapshot: Snapshot
    number: int

    def attributes(self, space: str, names: Iterable[str], subjects: pl.Series | None = None) -> pl.DataFrame:
        """Return `subject` and the named attributes and links, ascending by subject.

        Without `subjects`: all subjects of `space` in this bucket. With `subjects`: those that exist.

        Raises:
            StoreError: a name that the catalog does not declare, or a derived one.
        """
        wanted = list(dict.fromkeys(names))
        declared = self.snapshot.space(space)
        schema = {name: _type_of(declared, name) for name in wanted}
        place = self.number if subjects is None else self.snapshot.buckets_of(subjects)
        return self._joined(space, declared, schema, place)

    def _joined(
        self, space: str, declared: Space, schema: dict[str, type[pl.DataType]], place: int | Mapping[int, pl.Series]
    ) -> pl.DataFrame:
        snapshot = self.snapshot
        by_source = self._by_source(space, schema)
        register = snapshot.register(space).id
        found: dict[str, pl.Series] = {}
        table = snapshot.tables.get(register)
        if table is None:
            return pl.DataFrame(schema={"subject": pl.String, **schema})
        result = self._read(table, place, schema, by_source.pop(register, []), declared)
        known = result["subject"]
        for source, names in by_source.items():
            other = snapshot.tables.get(source)
            if other is None:
                continue
            rows = self._read(other, place, schema, names, declared)
            if rows["subject"].equals(known):
                found |= {name: rows[name] for name in names}
            else:
                beside = known.to_frame("subject").join(rows, on="subject", how="left", maintain_order="left")
                found |= {name: beside[name] for name in names}
        absent = [
            pl.lit(None, dtype=kind).alias(name)
            for name, kind in schema.items()
            if name not in found and name not in result.columns
        ]
        return result.with_columns(*found.values(), *absent).select("subject", *schema)

    def _by_source(self, space: str, schema: dict[str, type[pl.DataType]]) -> dict[str, list[str]]:
        grouped: dict[str, list[str]] = {}
        for name in schema:
            source = self.snapshot.source_of_datum(space, name)
            if source is not None:
                grouped.setdefault(source.id, []).append(name)
        return grouped

    def _read(
        self,
        table: StoredTable,
        place: int | Mapping[int, pl.Series],
        schema: dict[str, type[pl.DataType]],
        names: list[str],
        declared: Space,
    ) -> pl.DataFrame:
        limits = self.snapshot.freshness_limits(names, declared.attributes)
        return self.snapshot.read(table, place, {name: schema[name] for name in names}, limits)

    def items(self, space: str, collection: str, names: Iterable[str], owners: pl.Series) -> pl.DataFrame:
        """Return `owner`, `item`, the named columns and, for member collections, `member` of these owners."""
        snapshot = self.snapshot
        declared = snapshot.collection(space, collection)
        wanted = list(dict.fromkeys(names))
        schema: dict[str, type[pl.DataType]] = {"member": pl.String} if declared.member_space else {}
        schema |= {name: _type_of(declared, name) for name in wanted if name not in schema}
        limits = snapshot.freshness_limits(wanted, declared.attributes)
        empty = pl.DataFrame(schema={"subject": pl.String, "item": pl.String, **schema})
        place = snapshot.buckets_of(owners)
        frames = [
            snapshot.read(snapshot.tables[source.id], place, schema, limits)
            for source in self._sources(space, collection)
        ]
        return pl.concat([empty, *frames]).rename({"subject": "owner"})

    def _sources(self, space: str, collection: str) -> list[Source]:
        catalog, tables = self.snapshot.catalog, self.snapshot.tables
        return [source for source in catalog.sources_of(space, collection) if source.id in tables]

    def collection_known(self, space: str, collection: str) -> bool:
        """Return False if no source of the collection was ever taken in."""
        self.snapshot.collection(space, collection)
        return bool(self._sources(space, collection))

    def as_of(self, space: str) -> dict[str, date]:
        """Return, per source about `space`, a day that no row of this bucket is older than."""
        days = {}
        for source in self.snapshot.catalog.sources.values():
            table = self.snapshot.tables.get(source.id)
            if source.space == space and source.kind != "identity" and table is not None:
                day = table.oldest_as_of(self.number)
                if day is not None:
                    days[source.id] = day
        return days


def _type_of(declared: Space | Collection, name: str) -> type[pl.DataType]:
    if name in declared.links:
        return pl.String
    attribute = declared.attributes.get(name)
    if attribute is None or attribute.derivation is not None:
        raise StoreError.of(
            "unknown-datum",
            f"`{declared.name}` 没有可读取的数据项 `{name}`",
            f"`{declared.name}` has no stored datum `{name}`",
        )
    return polars_type(attribute.type)
