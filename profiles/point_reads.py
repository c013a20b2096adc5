"""The rows of one subject in a table, merged over its layers as a bulk read merges them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from profiles.point_index import point_index

if TYPE_CHECKING:
    from profiles.store import DataFile, StoredTable


def point_rows(table: StoredTable, bucket: int, subject: str) -> list[dict[str, object]]:
    """Return the newest stored rows of `subject` with all columns, a tombstone included; [] if there is none."""
    found = [row for file in table.files.get(bucket, ()) for row in _rows_in(table, file, subject)]
    if len(found) < 2:
        return found
    newest = max(_sequence(row) for row in found)
    found = [row for row in found if row["_sequence"] == newest]
    return sorted(found, key=lambda row: str(row["item"])) if table.is_collection else found


def _sequence(row: dict[str, object]) -> int:
    sequence = row["_sequence"]
    assert isinstance(sequence, int)
    return sequence


def _rows_in(table: StoredTable, file: DataFile, subject: str) -> list[dict[str, object]]:
    index = point_index(table, file)
    if index is not None:
        return index.rows(subject)
    wanted = {name: kind for name, kind in table.columns.items() if name != "bucket"}
    return table.rows_in_files((file,), wanted, pl.Series([subject])).rows(named=True)
