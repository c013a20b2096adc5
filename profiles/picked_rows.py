"""The rows of some subjects of a large table, found through the layouts of its files instead of decoding the files.

A column file tells what everybody's value is; to see that of one subject in a hundred it has to be decoded all the
same, so that a run after a small intake would cost what the population costs. The layouts that `point_index` keeps
for single look-ups are in order of subject and mapped into memory: looking up many subjects in them costs what the
subjects cost. Files without a layout are decoded as ever.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from profiles.point_index import LEFT_OUT, PointIndex, is_large, open_index
from profiles.pseudonyms import Pseudonyms, pseudonyms

if TYPE_CHECKING:
    from profiles.store import DataFile, Schema, StoredTable

# Looked up are at most as many subjects as one in so many rows; for more of them decoding is quicker.
ONE_IN = 8
# A run reads the same subjects of the same tables for each of its questions; in rows, all tables together.
MOST_ROWS_KEPT = 3_000_000
_ROW = "_row"


class PickedRows:
    """The rows of `asked` in `files`, merged over the layers; columns are fetched when they are first wanted.

    Args:
        table: the table.
        indexes: the layouts of its large files.
        rest: its other files.
        subjects: who is asked for.
        asked: the same.
    """

    def __init__(
        self,
        table: StoredTable,
        indexes: Sequence[PointIndex],
        rest: Sequence[DataFile],
        subjects: pl.Series,
        asked: Pseudonyms,
    ) -> None:
        self._table = table
        self._parts = [(index, index.places(asked)) for index in indexes]
        self._rest: pl.DataFrame | None = None
        if rest:
            everything = {name: kind for name, kind in table.columns.items() if name not in LEFT_OUT}
            self._rest = table.rows_in_files(rest, everything, subjects)
        self._columns: dict[str, pl.Series] = {}
        self._lock = threading.Lock()
        order = ["subject", "item"] if table.is_collection else ["subject"]
        rows = pl.DataFrame([self._fetched(name) for name in (*order, "_sequence", "_removed")]).with_row_index(_ROW)
        rows = latest(rows).sort(order)
        self._order, self._removed = rows[_ROW], rows["_removed"]
        self._columns = {name: rows[name] for name in (*order, "_sequence")}

    def __len__(self) -> int:
        return len(self._order)

    def frame(self, wanted: Schema, with_removed: bool) -> pl.DataFrame:
        """Return the columns `wanted`, in ascending order of subject (and item), with or without tombstones."""
        found = pl.DataFrame([self._column(name, wanted[name]) for name in wanted])
        return found if with_removed else found.filter(~self._removed)

    def _column(self, name: str, kind: pl.DataType | type[pl.DataType]) -> pl.Series:
        if name == "_removed":
            return self._removed
        if name not in self._table.columns:
            return pl.Series(name, [None], dtype=kind).new_from_index(0, len(self))
        with self._lock:
            if name not in self._columns:
                self._columns[name] = self._fetched(name).gather(self._order)
            return self._columns[name]

    def _fetched(self, name: str) -> pl.Series:
        """Return a column of all layers, file after file."""
        kind = self._table.columns[name]
        found = [pl.Series(name, [], dtype=kind)]
        found += [index.column(name, kind, places) for index, places in self._parts]
        if self._rest is not None:
            found.append(self._rest[name])
        return pl.concat(found)


def picked_rows(table: StoredTable, files: Sequence[DataFile], subjects: pl.Series) -> PickedRows | None:
    """Return the rows of `subjects` in those files; None if they are better, or can only be, found by decoding."""
    if not few_of(subjects, files):
        return None
    key = (tuple(file.path for file in files), _digest(subjects))
    found = _kept.get(key)
    if found is None:
        indexes = [open_index(table, file) for file in files if is_large(file)]
        asked = pseudonyms(subjects)
        if asked is None or None in indexes:
            return None
        rest = [file for file in files if not is_large(file)]
        found = PickedRows(table, [index for index in indexes if index is not None], rest, subjects, asked)
        _kept.keep(key, found)
    return found


def latest(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep of each subject the rows of its highest `_sequence`."""
    if rows.is_empty():
        return rows
    oldest = rows["_sequence"].min()
    newer = rows.filter(pl.col("_sequence") != oldest)
    if newer.is_empty():
        return rows
    newest = newer.filter(pl.col("_sequence") == pl.col("_sequence").max().over("subject"))
    untouched = rows.filter(pl.col("_sequence") == oldest).join(newest.select("subject"), on="subject", how="anti")
    return pl.concat([untouched, newest])


def few_of(subjects: pl.Series, files: Sequence[DataFile]) -> bool:
    """Return whether `subjects` are so few beside the rows of the large files that looking them up pays."""
    return 0 < subjects.len() * ONE_IN <= sum(file.rows for file in files if is_large(file))


def _digest(subjects: pl.Series) -> bytes:
    """Return a digest of the texts in their order: cheaper than to pack them each time."""
    told = subjects.drop_nulls().to_arrow(compat_level=pl.CompatLevel.oldest())
    _, places, data = told.buffers()
    starts = np.frombuffer(places, dtype=np.int64)[told.offset : told.offset + len(told) + 1]
    digest = blake2b((starts - starts[0]).tobytes(), digest_size=16)
    digest.update(memoryview(data)[starts[0] : starts[-1]])
    return digest.digest()


class _Kept:
    """What was picked last."""

    def __init__(self) -> None:
        self._picked: OrderedDict[object, PickedRows] = OrderedDict()
        self._rows = 0
        self._lock = threading.Lock()

    def get(self, key: object) -> PickedRows | None:
        with self._lock:
            if key in self._picked:
                self._picked.move_to_end(key)
            return self._picked.get(key)

    def keep(self, key: object, rows: PickedRows) -> None:
        with self._lock:
            if key in self._picked or len(rows) > MOST_ROWS_KEPT:
                return
            self._picked[key] = rows
            self._rows += len(rows)
            while self._rows > MOST_ROWS_KEPT:
                _, old = self._picked.popitem(last=False)
                self._rows -= len(old)


_kept = _Kept()
