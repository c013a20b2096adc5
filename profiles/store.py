"""The profile store: one Delta table per source, in buckets of subjects, appended to and merged on read.

A table's rows hold the pseudonym (`subject`), for collections the `item` (and `member`), the data, and what
the store itself needs: `_sequence` (the intake that wrote the row), `_as_of` (the day of that extract),
`_removed` (a tombstone) and `_sealed` (a keyed digest of the contacts, which themselves are in the vault).
Of each subject the rows of its highest `_sequence` count; for collections that is its whole set of items.
`bucket` is the subject's place in the range of pseudonyms, so buckets follow each other in subject order.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import polars as pl
import pyarrow as pa
from deltalake import ColumnProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from policies.errors import StoreError
from profiles.events.patches import TablePatches
from profiles.freshness import Freshness
from profiles.home import Home
from profiles.manifest import Manifest, TableState, read_manifest
from profiles.patched_rows import patched_rows, patched_subject
from profiles.picked_rows import latest, picked_rows
from profiles.point_index import LEFT_OUT, lay_out
from profiles.point_reads import point_rows

SYSTEM_COLUMNS: dict[str, type[pl.DataType]] = {
    "subject": pl.String,
    "_sequence": pl.Int64,
    "_as_of": pl.Date,
    "_removed": pl.Boolean,
    "_sealed": pl.String,
}
ROWS_PER_GROUP = 50_000
WRITER = WriterProperties(
    compression="ZSTD",
    compression_level=1,
    max_row_group_size=ROWS_PER_GROUP,
    # Pseudonyms are all different: a dictionary of them is only a detour.
    column_properties={"subject": ColumnProperties(dictionary_enabled=False)},
)
Schema = Mapping[str, "pl.DataType | type[pl.DataType]"]


def bucket_expression(buckets: int) -> pl.Expr:
    """Return the expression that gives the bucket of the column `subject`, from 0 to `buckets` - 1."""
    first = pl.col("subject").str.head(4).str.to_integer(base=16, strict=True).cast(pl.Int64)
    return (first * buckets // 65_536).cast(pl.Int32).alias("bucket")


def bucket_of(subject: str, buckets: int) -> int:
    """Return the bucket of one subject; -1 for a text that is no pseudonym."""
    try:
        return int(subject[:4], 16) * buckets // 65_536
    except ValueError:
        return -1


def table_folder(home: Home, table: str) -> Path:
    """Return the folder of a table; its name is the source's id."""
    return home.store / "tables" / table


@dataclass(frozen=True, slots=True)
class DataFile:
    """One Parquet file of a table version: where, how many rows, and what its statistics promise."""

    path: str
    rows: int
    oldest_as_of: date | None
    may_hold_removed: bool


@dataclass(frozen=True)
class StoredTable:
    """One pinned version of one table, ready to be read bucket by bucket, under the patches of events.

    `version` is -1 for a table that only events have written to. Without `patches` it is read as stored.
    """

    name: str
    version: int
    full_as_of: date | None
    columns: Mapping[str, pl.DataType]
    files: Mapping[int, tuple[DataFile, ...]]
    patches: TablePatches | None = None
    is_register: bool = False

    @cached_property
    def is_collection(self) -> bool:
        """Whether a subject may have several rows."""
        return "item" in self.columns

    @cached_property
    def is_profile(self) -> bool:
        """Whether it holds subjects' data (and not quarantined rows)."""
        return "_sequence" in self.columns

    def oldest_as_of(self, bucket: int) -> date | None:
        """Return a day that no row of `bucket` is older than (None: it is empty), without reading it."""
        stored = self.stored_as_of(bucket)
        patched = self.patches.oldest(bucket) if self.patches is not None else None
        return min((day for day in (stored, patched) if day is not None), default=None)

    def read(
        self,
        bucket: int,
        schema: Schema,
        *,
        subjects: pl.Series | None = None,
        with_removed: bool = False,
        fresh: Freshness | None = None,
    ) -> pl.DataFrame:
        """Return the current rows of `bucket` in ascending order of subject (and item).

        Args:
            bucket: which bucket.
            schema: the columns to read and their types; one that the table does not have yet is null.
            subjects: only these, if given.
            with_removed: also return tombstones (patches then do not count).
            fresh: values older than their limit are null, if given.
        """
        wanted = {"subject": pl.String, **({"item": pl.String} if self.is_collection else {}), **schema}
        if subjects is not None and subjects.len() == 0:
            return pl.DataFrame(schema=wanted)
        if self.patches is not None and not with_removed:
            found = self.patches.of_bucket(bucket)
            if found and subjects is not None:
                asked = set(subjects.to_list())
                found = {subject: patches for subject, patches in found.items() if subject in asked}
            if found:
                return patched_rows(self, bucket, wanted, found, subjects, fresh)
        return self._unpatched([bucket], wanted, subjects, with_removed, fresh)

    def read_several(
        self, parts: Mapping[int, pl.Series], schema: Schema, fresh: Freshness | None = None
    ) -> pl.DataFrame:
        """Return what `read` returns for some subjects of several buckets, in one pass over the files.

        Args:
            parts: the subjects asked for, by bucket.
            schema: as for `read`.
            fresh: as for `read`.
        """
        patched = [bucket for bucket, part in parts.items() if part.len() and self._says_patches(bucket, part)]
        plain = [bucket for bucket, part in parts.items() if part.len() and bucket not in patched]
        frames = [self.read(bucket, schema, subjects=parts[bucket], fresh=fresh) for bucket in patched]
        if plain:
            wanted = {"subject": pl.String, **({"item": pl.String} if self.is_collection else {}), **schema}
            asked = pl.concat([parts[bucket] for bucket in plain])
            frames.append(self._unpatched(plain, wanted, asked, False, fresh))
        if not frames:
            return self.read(0, schema, subjects=pl.Series("subject", [], dtype=pl.String))
        order = ["subject", "item"] if self.is_collection else ["subject"]
        return frames[0] if len(frames) == 1 else pl.concat(frames).sort(order)

    def _says_patches(self, bucket: int, subjects: pl.Series) -> bool:
        found = self.patches.of_bucket(bucket) if self.patches is not None else {}
        return bool(found) and bool(subjects.is_in(list(found)).any())

    def _unpatched(
        self,
        buckets: Sequence[int],
        wanted: Schema,
        subjects: pl.Series | None,
        with_removed: bool,
        fresh: Freshness | None,
    ) -> pl.DataFrame:
        stale: frozenset[str] = frozenset()
        if fresh is not None:
            stale = frozenset().union(*(fresh.may_be_stale(self.stored_as_of(bucket)) for bucket in buckets))
        if not stale:
            return self.stored_rows(buckets, wanted, subjects, with_removed).select(list(wanted))
        assert fresh is not None
        rows = self.stored_rows(buckets, {**wanted, "_as_of": pl.Date}, subjects, with_removed)
        return fresh.applied(rows, self.full_as_of, stale).select(list(wanted))

    def subject_rows(
        self, bucket: int, subject: str, schema: Schema, fresh: Freshness | None = None
    ) -> list[dict[str, object]]:
        """Return what `read` returns for one subject, as dictionaries; made for single look-ups."""
        wanted = {"subject": pl.String, **({"item": pl.String} if self.is_collection else {}), **schema}
        return patched_subject(self, bucket, subject, wanted, fresh, point_rows(self, bucket, subject))

    def stored_day(self, bucket: int, subject: str) -> date | None:
        """Return the day on which an extract last spoke of `subject`, a tombstone included; None if none did."""
        rows = point_rows(self, bucket, subject)
        if not rows:
            return None
        day = rows[0]["_as_of"]
        assert isinstance(day, date)
        return max(day, self.full_as_of) if self.full_as_of is not None else day

    def stored_as_of(self, bucket: int) -> date | None:
        """Return `oldest_as_of` without patches."""
        days = [file.oldest_as_of for file in self.files.get(bucket, ()) if file.oldest_as_of is not None]
        return max([min(days), *([self.full_as_of] if self.full_as_of else [])]) if days else None

    def stored_rows(
        self, buckets: Sequence[int], wanted: Schema, subjects: pl.Series | None = None, with_removed: bool = False
    ) -> pl.DataFrame:
        """Return the rows of the extracts, merged, without patches: the columns `wanted`, and `_removed` if any."""
        files = [file for bucket in buckets for file in self.files.get(bucket, ())]
        if not files:
            return pl.DataFrame(schema=dict(wanted))
        if subjects is not None and self.is_profile and not LEFT_OUT & set(wanted):
            picked = picked_rows(self, files, subjects)
            if picked is not None:
                return picked.frame(wanted, with_removed)
        needed = dict(wanted)
        layered = len(files) > sum(1 for bucket in buckets if self.files.get(bucket))
        any_removed = any(file.may_hold_removed for file in files)
        if layered:
            needed["_sequence"] = pl.Int64
        if any_removed:
            needed["_removed"] = pl.Boolean
        rows = self.rows_in_files(files, needed, subjects)
        if layered:
            rows = latest(rows)
        if any_removed and not with_removed:
            rows = rows.filter(~pl.col("_removed"))
        order = ["subject", "item"] if self.is_collection else ["subject"]
        if layered or self.is_collection or not rows["subject"].is_sorted():
            rows = rows.sort(order)
        return rows

    def rows_in_files(self, files: Sequence[DataFile], needed: Schema, subjects: pl.Series | None) -> pl.DataFrame:
        """Return the rows of some files as they stand there; StoreError if one is missing or damaged."""
        present = {name: self.columns[name] for name in needed if name in self.columns}
        scan = pl.scan_parquet(
            [file.path for file in files],
            schema=present,
            missing_columns="insert",
            extra_columns="ignore",
            hive_partitioning=False,
            glob=False,
        )
        if subjects is not None:
            one = subjects.len() == 1
            scan = scan.filter(pl.col("subject") == subjects[0] if one else pl.col("subject").is_in(subjects.implode()))
        absent = [pl.lit(None, dtype=kind).alias(name) for name, kind in needed.items() if name not in present]
        try:
            return scan.select(*present, *absent).collect()
        except (pl.exceptions.PolarsError, OSError) as problem:
            raise _damaged(self.name) from problem


def open_table(home: Home, name: str, version: int, full_as_of: date | None) -> StoredTable:
    """Open `version` of the table `name`.

    Raises:
        StoreError: the table or the version does not exist, or its log is damaged.
    """
    folder = table_folder(home, name)
    try:
        delta = DeltaTable(folder, version=version)
        actions = pl.DataFrame(delta.get_add_actions(flatten=True))
        columns = pl.DataFrame(pa.schema(delta.schema().to_arrow()).empty_table()).schema
    except TableNotFoundError as problem:
        raise _damaged(name) from problem
    except (DeltaError, OSError, ValueError) as problem:
        raise StoreError.of(
            "version-missing",
            f"表 `{name}` 没有版本 {version}，或其日志已损坏",
            f"the table `{name}` has no version {version}, or its log is damaged",
            help_zh="请从备份恢复档案库",
            help_en="restore the store from a backup",
        ) from problem
    files: dict[int, list[DataFile]] = {}
    for row in actions.iter_rows(named=True):
        data_file = DataFile(
            str(folder / row["path"]),
            row["num_records"],
            row.get("min._as_of"),
            row.get("max._removed") is not False,
        )
        files.setdefault(int(row["partition.bucket"]), []).append(data_file)
    kept = {bucket: tuple(sorted(listed, key=lambda file: file.path)) for bucket, listed in files.items()}
    return StoredTable(name, version, full_as_of, columns, kept)


def open_current(home: Home, manifest: Manifest, name: str) -> StoredTable | None:
    """Open the committed version of a table, or return None if nothing was ever taken in for it."""
    state = manifest.tables.get(name)
    if state is None:
        return None
    return open_table(home, name, state.version, date.fromisoformat(state.full_as_of) if state.full_as_of else None)


def lay_out_current(home: Home, name: str) -> None:
    """Lay out the large files of the committed version of a table for look-ups, as far as there is room."""
    # What has been committed counts; without layouts it is only read more slowly.
    with contextlib.suppress(StoreError):
        table = open_current(home, read_manifest(home), name)
        if table is not None and table.is_profile:
            lay_out(table)


def append_rows(
    home: Home, name: str, committed: TableState | None, frames: Iterator[pl.DataFrame], schema: Schema
) -> int | None:
    """Append `frames` as one new version; return it, or None if there was no row. The caller holds the lock.

    Args:
        home: the installation.
        name: the table.
        committed: what the manifest says of it; later versions are the remains of unfinished work.
        frames: one frame per bucket, with all columns of `schema` and `bucket`.
        schema: the columns of the table.

    Raises:
        StoreError: a column has another type than in the table.
    """
    first = next((frame for frame in frames if frame.height), None)
    if first is None:
        return None
    clear_unfinished(home, name, committed)
    order = [*schema, "bucket"]
    failures: list[BaseException] = []

    def batches() -> Iterator[pa.RecordBatch]:
        # An error inside the writer would come out as the writer's own; it is kept and raised as it was.
        try:
            yield from to_arrow(first.select(order))
            for frame in frames:
                if frame.height:
                    yield from to_arrow(frame.select(order))
        except BaseException as problem:
            failures.append(problem)
            raise

    columns = arrow_schema({**schema, "bucket": pl.Int32})
    folder = table_folder(home, name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_deltalake(
            folder,
            pa.RecordBatchReader.from_batches(columns, batches()),
            partition_by=["bucket"],
            mode="append",
            schema_mode="merge" if committed else None,
            writer_properties=WRITER,
        )
    except (DeltaError, ValueError, pa.ArrowException, OSError) as problem:
        if failures:
            raise failures[0] from None
        raise StoreError.of(
            "write-failed",
            f"无法写入表 `{name}`：{_short(problem)}",
            f"the table `{name}` could not be written: {_short(problem)}",
            help_zh="请检查磁盘空间；若目录中改了字段类型，请换新字段名",
            help_en="check the disk; if the catalog changed the type of a field, give the field a new name",
        ) from problem
    return int(DeltaTable(folder).version())


def clear_unfinished(home: Home, name: str, committed: TableState | None) -> None:
    """Take back what unfinished work has left in a table; the caller holds the lock."""
    folder = table_folder(home, name)
    if not folder.exists():
        return
    if committed is None:
        shutil.rmtree(folder)
        return
    delta = DeltaTable(folder)
    if delta.version() > committed.version:
        delta.restore(committed.version)


def to_arrow(frame: pl.DataFrame) -> list[pa.RecordBatch]:
    """Return the frame as Arrow batches without string views, which Parquet writers do not know."""
    batches: list[pa.RecordBatch] = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches()
    return batches


def arrow_schema(schema: Schema) -> pa.Schema:
    """Return the Arrow schema of `to_arrow` for these columns."""
    return pl.DataFrame(schema=dict(schema)).to_arrow(compat_level=pl.CompatLevel.oldest()).schema


def _damaged(name: str) -> StoreError:
    error = StoreError.of(
        "table-damaged",
        f"表 `{name}` 的数据文件缺失或已损坏",
        f"data files of the table `{name}` are missing or damaged",
        help_zh="请从备份恢复档案库",
        help_en="restore the store from a backup",
    )
    assert isinstance(error, StoreError)
    return error


def _short(problem: BaseException) -> str:
    return str(problem).splitlines()[0][:200] if str(problem) else type(problem).__name__
