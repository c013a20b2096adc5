"""The profiles as they were at pinned versions, seen on one reference date.

A snapshot never changes while it is used, whatever is taken in meanwhile. It reads only the tables and
columns that it is asked for, bucket by bucket; data past its freshness limit on the date is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from policies.errors import StoreError
from policies.vocabulary import Attribute, Collection, Space
from profiles.catalog_model import Catalog, Source
from profiles.facts import SubjectFacts
from profiles.home import Home
from profiles.manifest import full_as_of, read_manifest
from profiles.population import BucketPopulation
from profiles.quarantine import QUARANTINE_TABLE
from profiles.snapshot_types import PolarsType
from profiles.store import StoredTable, bucket_expression, bucket_of, open_table

# Beside the tables, `versions` holds the last intake: an extract that changed no row has still dated them.
SEQUENCE = "_sequence"


def open_snapshot(home: Home, catalog: Catalog, on: date, versions: Mapping[str, int] | None = None) -> Snapshot:
    """Open the store as it is now, or as it was at `versions` (see `Snapshot.versions`).

    Raises:
        StoreError: nothing was ever taken in, or a version is not there any more.
    """
    manifest = read_manifest(home)
    if not manifest.tables:
        raise StoreError.of(
            "store-empty",
            "档案库还是空的",
            "the profile store is empty",
            help_zh="先用 `mianshen profiles import` 导入数据",
            help_en="take data in first: `mianshen profiles import`",
        )
    sequence = manifest.sequence if versions is None else versions.get(SEQUENCE, manifest.sequence)
    pinned = (
        {name: state.version for name, state in manifest.tables.items() if name != QUARANTINE_TABLE}
        if versions is None
        else {name: version for name, version in versions.items() if name != SEQUENCE}
    )
    tables = {
        name: open_table(home, name, version, full_as_of(home, manifest, name, sequence))
        for name, version in pinned.items()
    }
    rows = {name: state.rows for name, state in manifest.tables.items() if pinned.get(name) == state.version}
    return Snapshot(catalog, on, tables, manifest.buckets, sequence, rows)


@dataclass(frozen=True, repr=False)
class Snapshot:
    """The pinned tables of all sources. `buckets` is the range of bucket numbers."""

    catalog: Catalog
    on: date
    tables: Mapping[str, StoredTable]
    bucket_count: int
    sequence: int
    _known_rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def versions(self) -> dict[str, int]:
        """The Delta version of each table, and the number of the last intake: enough to open it again."""
        return {SEQUENCE: self.sequence} | {name: table.version for name, table in sorted(self.tables.items())}

    @property
    def buckets(self) -> range:
        """The bucket numbers; together they hold every subject once."""
        return range(self.bucket_count)

    def bucket(self, number: int) -> BucketPopulation:
        """Return the subjects of one bucket (the protocol `Population` of the compilers)."""
        return BucketPopulation(self, number)

    def facts(self, space: str, subject: str) -> SubjectFacts:
        """Return what is known of one subject (the protocol `Facts`); read lazily, source by source."""
        return SubjectFacts(self, space, subject)

    def exists(self, space: str, subject: str) -> bool:
        """Return whether the register of `space` knows `subject`."""
        table = self.tables.get(self.register(space).id)
        if table is None:
            return False
        return table.read(self.bucket_of(subject), {}, subjects=pl.Series([subject])).height > 0

    def space_of(self, subject: str) -> str | None:
        """Return the space whose register knows `subject`, or None."""
        return next((space for space in self.catalog.spaces if self.exists(space, subject)), None)

    def count(self, space: str) -> int:
        """Return how many subjects `space` has."""
        register = self.register(space).id
        if register in self._known_rows:
            return self._known_rows[register]
        table = self.tables.get(register)
        return sum(table.read(bucket, {}).height for bucket in self.buckets) if table is not None else 0

    def sample(self, space: str, n: int) -> list[str]:
        """Return the first `n` pseudonyms of `space` in their order, which is as good as random."""
        table = self.tables.get(self.register(space).id)
        found: list[str] = []
        for bucket in self.buckets if table is not None else ():
            assert table is not None
            found += table.read(bucket, {})["subject"].head(n - len(found)).to_list()
            if len(found) >= n:
                break
        return found

    def as_of(self, space: str, subject: str | None = None) -> dict[str, date]:
        """Return, per source that speaks about `space`, the day its data describes.

        For one subject: the day of its own rows (sources that say nothing of it are left out). Without a
        subject: a day that no row is older than.
        """
        days: dict[str, date] = {}
        for source in self.catalog.sources.values():
            table = self.tables.get(source.id)
            if source.space != space or source.kind == "identity" or table is None:
                continue
            day = self._as_of_subject(table, subject) if subject is not None else self._oldest(table)
            if day is not None:
                days[source.id] = day
        return days

    def _oldest(self, table: StoredTable) -> date | None:
        days = [day for bucket in self.buckets if (day := table.oldest_as_of(bucket)) is not None]
        return min(days) if days else None

    def _as_of_subject(self, table: StoredTable, subject: str) -> date | None:
        rows = table.read(self.bucket_of(subject), {"_as_of": pl.Date}, subjects=pl.Series([subject]))
        if rows.is_empty():
            return None
        day: date = rows["_as_of"][0]
        return max(day, table.full_as_of) if table.full_as_of is not None else day

    # --- what population and facts share ------------------------------------------------------------------

    def bucket_of(self, subject: str) -> int:
        """Return the bucket of a pseudonym."""
        return bucket_of(subject, self.bucket_count)

    def buckets_of(self, subjects: pl.Series) -> dict[int, pl.Series]:
        """Return the distinct subjects by bucket."""
        distinct = subjects.drop_nulls().unique().to_frame("subject")
        parts = distinct.with_columns(bucket_expression(self.bucket_count)).partition_by(
            "bucket", as_dict=True, include_key=False
        )
        return {int(bucket): part["subject"] for (bucket,), part in sorted(parts.items())}

    def register(self, space: str) -> Source:
        """Return the source that says who exists in `space`."""
        self.space(space)
        return self.catalog.register_of(space)

    def space(self, name: str) -> Space:
        """Return the declaration of a space; StoreError if there is none."""
        found = self.catalog.spaces.get(name)
        if found is None:
            raise StoreError.of(
                "unknown-space",
                f"目录中没有空间 `{name}`",
                f"the catalog has no space `{name}`",
                help_zh=f"可用：{' '.join(self.catalog.spaces)}",
                help_en=f"known are {' '.join(self.catalog.spaces)}",
            )
        return found

    def collection(self, space: str, name: str) -> Collection:
        """Return the declaration of a collection; StoreError if there is none."""
        found = self.space(space).collections.get(name)
        if found is None:
            raise StoreError.of(
                "unknown-collection",
                f"空间 `{space}` 没有集合 `{name}`",
                f"the space `{space}` has no collection `{name}`",
            )
        return found

    def source_of_datum(self, space: str, name: str, collection: str | None = None) -> Source | None:
        """Return the source that delivers an attribute or link, or None if none does."""
        return next(
            (source for source in self.catalog.sources_of(space, collection) if source.field_of(name) is not None),
            None,
        )

    def freshness_limits(self, names: list[str], attributes: Mapping[str, Attribute]) -> dict[str, int]:
        """Return the freshness limits in days of those names that have one."""
        return {
            name: limit
            for name in names
            if name in attributes and (limit := attributes[name].freshness_days) is not None
        }

    def read(
        self,
        table: StoredTable,
        bucket: int,
        schema: Mapping[str, PolarsType | pl.DataType],
        limits: Mapping[str, int],
        subjects: pl.Series | None = None,
    ) -> pl.DataFrame:
        """Read columns of one bucket; values older on the reference date than their limit are null."""
        oldest = table.oldest_as_of(bucket)
        stale = {name for name, days in limits.items() if oldest is None or (self.on - oldest).days > days}
        if not stale:
            return table.read(bucket, schema, subjects=subjects)
        rows = table.read(bucket, {**schema, "_as_of": pl.Date}, subjects=subjects)
        told = pl.col("_as_of")
        if table.full_as_of is not None:
            told = pl.max_horizontal(told, pl.lit(table.full_as_of))
        age = (pl.lit(self.on) - told).dt.total_days()
        fresh = [pl.when(age <= limits[name]).then(pl.col(name)).alias(name) for name in sorted(stale)]
        return rows.with_columns(fresh).drop("_as_of")
