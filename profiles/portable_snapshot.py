"""A snapshot that can be sent to other machines: they need the Parquet files and nothing else of the home."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from profiles.snapshot import Snapshot
from profiles.store import DataFile, StoredTable


def portable(snapshot: Snapshot) -> Snapshot:
    """Return `snapshot` with absolute paths and with the patches of all events in it.

    The event log itself stays where it is: a SQLite file in use must not be read over a network file system.
    """
    tables = {name: _portable_table(table, snapshot.buckets) for name, table in snapshot.tables.items()}
    return replace(snapshot, tables=tables, home=None)


def _portable_table(table: StoredTable, buckets: range) -> StoredTable:
    files = {bucket: tuple(map(_absolute, listed)) for bucket, listed in table.files.items()}
    patches = table.patches
    if patches is not None:
        patches = replace(patches, _buckets={bucket: dict(patches.of_bucket(bucket)) for bucket in buckets})
    return replace(table, files=files, patches=patches)


def _absolute(file: DataFile) -> DataFile:
    return replace(file, path=str(Path(file.path).absolute()))
