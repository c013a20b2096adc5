"""The profiles as they were at pinned versions, seen on one reference date.

A snapshot never changes while it is used, whatever is taken in meanwhile. It reads only the tables and
columns that it is asked for, bucket by bucket; data past its freshness limit on the date is null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import polars as pl

from policies.errors import StoreError
from policies.vocabulary import Attribute, Collection, Space
from profiles.catalog_model import Catalog, Source
from profiles.events.patches import Patch, TablePatches, event_database, patch_reader
from profiles.facts import SubjectFacts
from profiles.freshness import Freshness
from profiles.home import Home
from profiles.manifest import full_as_of, read_manifest
from profiles.point_index import large_files, point_index
from profiles.population import BucketPopulation
from profiles.quarantine import QUARANTINE_TABLE
from profiles.snapshot_tables import patched_tables
from profiles.snapshot_types import PolarsType
from profiles.store import StoredTable, bucket_expression, bucket_of

# Beside the tables, `versions` holds the last intake: an extract that changed no row has still dated them.
SEQUENCE = "_sequence"
# And the last event whose patches are seen.
EVENTS = "_events"


def open_snapshot(home: Home, catalog: Catalog, on: date, versions: Mapping[str, int] | None = None) -> Snapshot:
    """Open the store as it is now, or as it was at `versions` (see `Snapshot.versions`).

    Raises:
        StoreError: nothing was ever taken in, or a version is not there any more.
    """
    manifest = read_manifest(home)
    log = event_database(home)
    reader = patch_reader(log)
    latest = reader.latest() if reader is not None else 0
    if not manifest.tables and latest == 0:
        raise StoreError.of(
            "store-empty",
            "档案库还是空的",
            "the profile store is empty",
            help_zh="先用 `mianshen profiles import` 导入数据",
            help_en="take data in first: `mianshen profiles import`",
        )
    sequence = manifest.sequence if versions is None else versions.get(SEQUENCE, manifest.sequence)
    events = latest if versions is None else versions.get(EVENTS, 0)
    if events > latest:
        raise StoreError.of(
            "event-log-missing",
            f"需要前 {events} 个事件，事件日志中只有 {latest} 个",
            f"{events} events are needed and the event log has only {latest}",
            help_zh=f"请从备份恢复 `{log}`",
            help_en=f"restore `{log}` from a backup",
        )
    pinned = (
        {name: state.version for name, state in manifest.tables.items() if name != QUARANTINE_TABLE}
        if versions is None
        else {name: version for name, version in versions.items() if name not in (SEQUENCE, EVENTS)}
    )
    dated = {name: (version, full_as_of(home, manifest, name, sequence)) for name, version in pinned.items()}
    patched = reader.patched_sources(events) if reader is not None and events else []
    tables = patched_tables(home, catalog, dated, patched, log, events)
    rows = {name: state.rows for name, state in manifest.tables.items() if pinned.get(name) == state.version}
    return Snapshot(catalog, on, tables, manifest.buckets, sequence, rows, events, home)


@dataclass(frozen=True, repr=False)
class Snapshot:
    """The pinned tables of all sources. `buckets` is the range of bucket numbers, `events` the last event seen."""

    catalog: Catalog
    on: date
    tables: Mapping[str, StoredTable]
    bucket_count: int
    sequence: int
    _known_rows: Mapping[str, int] = field(default_factory=dict)
    events: int = 0
    home: Home | None = None

    @property
    def versions(self) -> dict[str, int]:
        """The Delta version of each table, the last intake and the last event: enough to open it again."""
        stored = {name: table.version for name, table in sorted(self.tables.items()) if table.version >= 0}
        return {SEQUENCE: self.sequence, EVENTS: self.events} | stored

    def refreshed(self, on: date | None = None) -> Snapshot:
        """Return the profiles as they are now, on the same date or on `on`; tables that stayed are not reopened."""
        assert self.home is not None
        return open_snapshot(self.home, self.catalog, on or self.on)

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

    def prepare_point_reads(self, on_progress: Callable[[int, int], None] | None = None) -> None:
        """Lay out every large file for single look-ups, as a service does when it starts.

        Without it the first few look-ups in each file are slower. `on_progress` gets files done and in all.
        """
        files = [(table, file) for table in self.tables.values() for file in large_files(table)]
        for done, (table, file) in enumerate(files, 1):
            point_index(table, file, make=True)
            if on_progress is not None:
                on_progress(done, len(files))

    def exists(self, space: str, subject: str) -> bool:
        """Return whether the register of `space` knows `subject`."""
        table = self.tables.get(self.register(space).id)
        if table is None:
            return False
        return bool(table.subject_rows(self.bucket_of(subject), subject, {}))

    def space_of(self, subject: str) -> str | None:
        """Return the space whose register knows `subject`, or None."""
        return next((space for space in self.catalog.spaces if self.exists(space, subject)), None)

    def count(self, space: str) -> int:
        """Return how many subjects `space` has."""
        register = self.register(space).id
        table = self.tables.get(register)
        if register in self._known_rows and table is not None:
            return self._known_rows[register] + sum(
                self._registered_by_events(table, bucket) for bucket in self.buckets
            )
        return sum(table.read(bucket, {}).height for bucket in self.buckets) if table is not None else 0

    def _registered_by_events(self, table: StoredTable, bucket: int) -> int:
        """Return by how many subjects patches change the number of rows of one bucket of a register."""
        if table.patches is None or not table.patches.of_bucket(bucket):
            return 0
        subjects = pl.Series(sorted(table.patches.of_bucket(bucket)))
        stored = table.stored_rows([bucket], {"subject": pl.String}, subjects).height
        return table.read(bucket, {}, subjects=subjects).height - stored

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
        rows = table.subject_rows(self.bucket_of(subject), subject, {"_as_of": pl.Date})
        days = [day for row in rows if isinstance(day := row["_as_of"], date)]
        return max(days, default=None)

    def patches_of(self, source: str, subject: str) -> list[Patch]:
        """Return the newest patch of each datum of a subject in `source`, even where a newer extract overrules it."""
        if self.home is None or self.events == 0:
            return []
        patches = TablePatches(event_database(self.home), source, self.events)
        return patches.of_subject(self.bucket_of(subject), subject)

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
        return self._deliveries.get((space, collection, name))

    @cached_property
    def _deliveries(self) -> dict[tuple[str, str | None, str], Source]:
        """(space, collection, name) -> the source that delivers it."""
        found: dict[tuple[str, str | None, str], Source] = {}
        for source in self.catalog.sources.values():
            for one in source.fields if source.kind != "identity" else ():
                found.setdefault((source.space, source.collection, one.name), source)
        return found

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
        place: int | Mapping[int, pl.Series],
        schema: Mapping[str, PolarsType | pl.DataType],
        limits: Mapping[str, int],
    ) -> pl.DataFrame:
        """Read columns of one bucket, or of some subjects by bucket; what is past its limit on the date is null."""
        fresh = Freshness(self.on, limits)
        if isinstance(place, int):
            return table.read(place, schema, fresh=fresh)
        return table.read_several(place, schema, fresh)
