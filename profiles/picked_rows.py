"""The rows of some subjects of a large table, found through the layouts of its files instead of decoding the files.

A column file tells what everybody's value is; to see that of one subject in a hundred it has to be decoded all the
same, so that a run after a small intake would cost what the population costs. The layouts that `point_index` keeps
for single look-ups are in order of subject and mapped into memory: looking up many subjects in them costs what the
subjects cost. Files without a layout are decoded as ever.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence, Sized
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
import polars as pl

from profiles.point_index import LEFT_OUT, PointIndex, is_large, open_index
from profiles.pseudonyms import Pseudonyms, pseudonyms

if TYPE_CHECKING:
    from profiles.store import DataFile, Schema, StoredTable

# Looked up are at most as many subjects as one in so many rows; for more of them decoding is quicker (measured:
# a look-up costs as much as decoding the few columns that are wanted of about 50 rows).
ONE_IN = 50
# A run reads the same subjects of the same tables for each of its questions; in rows, all tables together.
MOST_ROWS_KEPT = 3_000_000
MOST_ROWS_OF_SMALL_FILES = 1_000_000
_ROW = "_row"

Rows = TypeVar("Rows", bound=Sized)


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
            self._rest = _rows_in_small_files(table, rest).filter(pl.col("subject").is_in(subjects.implode()))
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
    found = _picked.get(key)
    if found is None:
        indexes = [open_index(table, file) for file in files if is_large(file)]
        asked = pseudonyms(subjects)
        if asked is None or None in indexes:
            return None
        rest = [file for file in files if not is_large(file)]
        found = PickedRows(table, [index for index in indexes if index is not None], rest, subjects, asked)
        _picked.keep(key, found)
    return found


def _rows_in_small_files(table: StoredTable, files: Sequence[DataFile]) -> pl.DataFrame:
    """Return all rows of some small files: those of the last intakes, which everybody asks for."""
    key = tuple(file.path for file in files)
    found = _small_files.get(key)
    if found is None:
        everything = {name: kind for name, kind in table.columns.items() if name not in LEFT_OUT}
        found = table.rows_in_files(files, everything, None)
        _small_files.keep(key, found)
    return found


@contextmanager
def picking_rows() -> Iterator[None]:
    """Let go in the end of what has been looked up: whoever asks next asks for others."""
    try:
        yield
    finally:
        _picked.clear()
        _small_files.clear()


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


class _Kept(Generic[Rows]):
    """What was read last, up to so many rows in all."""

    def __init__(self, most_rows: int) -> None:
        self._found: OrderedDict[object, Rows] = OrderedDict()
        self._most = most_rows
        self._rows = 0
        self._lock = threading.Lock()

    def get(self, key: object) -> Rows | None:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def keep(self, key: object, rows: Rows) -> None:
        with self._lock:
            if key in self._found or len(rows) > self._most:
                return
            self._found[key] = rows
            self._rows += len(rows)
            while self._rows > self._most:
                _, old = self._found.popitem(last=False)
                self._rows -= len(old)

    def clear(self) -> None:
        with self._lock:
            self._found.clear()
            self._rows = 0


_picked: _Kept[PickedRows] = _Kept(MOST_ROWS_KEPT)
_small_files: _Kept[pl.DataFrame] = _Kept(MOST_ROWS_OF_SMALL_FILES)
