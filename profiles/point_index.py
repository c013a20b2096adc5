"""A file of the store laid out for look-ups: mapped into memory, found by binary search.

A Parquet file has to be decoded by the thousands of rows before one of them can be seen. For a service that looks up
one person after another, and for a run that looks up the few for whom something has changed, each large file is laid
out a second time, uncompressed and in order of subject, under `points/` of the store; columns that lead to other
subjects also lead back. A data file never changes, so neither does its layout; it is made from the data file alone,
after an intake or when it is first needed, and may be deleted at any time. Small files are laid out in memory only.
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from profiles.pseudonyms import Numbers, Pseudonyms, first_halves, hexadecimal_bytes, ranges

if TYPE_CHECKING:
    from profiles.store import DataFile, StoredTable

FORMAT = b"2"
# Up to this many rows a file is laid out in memory at once; larger ones after a few look-ups.
SMALL_FILE = 8_192
LOOKUPS_BEFORE_LAYOUT = 4
MOST_MAPPED = 8_192
MOST_ROWS_IN_MEMORY = 2_000_000
_FIRST = "_first_half"
# Of a column of pseudonyms: the first half of each, ascending, and the number of its row.
_LED_TO, _LEADING = "_led_to ", "_leading "
# Not laid out: nobody asks for them subject by subject.
LEFT_OUT = frozenset({"bucket", "_sealed"})


@dataclass(frozen=True)
class PointIndex:
    """The rows of one file by subject.

    first_halves  of the pseudonyms, ascending
    columns       the file's columns; those that are `packed` hold hexadecimal digits, two to a byte
    led_to        by column of pseudonyms: their first halves, ascending, and whose row each stands in
    mapped        whether it lies in a file of its own
    """

    first_halves: Numbers
    columns: Mapping[str, pa.Array]
    packed: frozenset[str]
    led_to: Mapping[str, tuple[Numbers, Numbers]]
    mapped: bool

    def rows(self, subject: str) -> list[dict[str, object]]:
        """Return the rows of `subject`, in the file's order."""
        try:
            key, whole = np.uint64(int(subject[:16], 16)), bytes.fromhex(subject)
        except ValueError:
            return []
        start = int(np.searchsorted(self.first_halves, key, side="left"))
        found = []
        subjects = self.columns["subject"]
        while start < len(self.first_halves) and self.first_halves[start] == key:
            if subjects[start].as_py() == whole:
                found.append(self._row(start, subject))
            start += 1
        return found

    def places(self, asked: Pseudonyms) -> Numbers:
        """Return the numbers of the rows of many subjects, ascending."""
        heads, halves = self.first_halves, asked.first_halves
        first, last = np.searchsorted(halves, heads[0], side="left"), np.searchsorted(halves, heads[-1], side="right")
        here = slice(int(first), int(last))
        start = np.searchsorted(heads, halves[here], side="left")
        count = np.searchsorted(heads, halves[here], side="right") - start
        found = ranges(start, count)
        same = (self._wholes[found] == np.repeat(asked.wholes[here], count, axis=0)).all(axis=1)
        kept: Numbers = found[same]
        return kept

    def leading_to(self, name: str, asked: Pseudonyms) -> pl.Series | None:
        """Return the subjects of the rows whose column `name` holds one of these pseudonyms.

        None if it is no column of pseudonyms. Those of a pseudonym that begins with the same eight bytes are
        among the answer.
        """
        if name not in self.led_to:
            column = self.columns.get(name)
            empty = column is None or column.null_count == len(column)
            return pl.Series("subject", [], dtype=pl.String) if empty else None
        heads, rows = self.led_to[name]
        start = np.searchsorted(heads, asked.first_halves, side="left")
        count = np.searchsorted(heads, asked.first_halves, side="right") - start
        return self.column("subject", pl.String(), rows[ranges(start, count)])

    def column(self, name: str, kind: pl.DataType, places: Numbers) -> pl.Series:
        """Return one column of some rows; null where the file is older than the column."""
        column = self.columns.get(name)
        if column is None:
            return pl.Series(name, [None], dtype=kind).new_from_index(0, len(places))
        taken = column.take(pa.array(places))
        if isinstance(taken, pa.DictionaryArray):
            taken = taken.dictionary_decode()
        if name in self.packed:
            return pl.Series(name, taken.cast(pa.binary())).bin.encode("hex")
        return pl.Series(name, taken).cast(kind)

    @cached_property
    def _wholes(self) -> Numbers:
        subjects = self.columns["subject"]
        width, first = subjects.type.byte_width, subjects.offset
        told = np.frombuffer(subjects.buffers()[1], dtype=np.uint8)
        return told[first * width : (first + len(subjects)) * width].reshape(-1, width)

    def _row(self, place: int, subject: str) -> dict[str, object]:
        row: dict[str, object] = {"subject": subject}
        for name, column in self.columns.items():
            if name == "subject":
                continue
            value = column[place].as_py()
            row[name] = value.hex() if value is not None and name in self.packed else value
        return row


class _Indexes:
    """The indexes that this process has open; the least used are given up first."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, PointIndex] = OrderedDict()
        self._asked: Counter[str] = Counter()
        self._rows_in_memory = 0
        self._lock = threading.Lock()

    def get(self, path: str) -> PointIndex | None:
        with self._lock:
            found = self._open.get(path)
            if found is not None:
                self._open.move_to_end(path)
            return found

    def keep(self, path: str, index: PointIndex) -> None:
        with self._lock:
            if path in self._open:
                return
            self._open[path] = index
            self._rows_in_memory += 0 if index.mapped else len(index.first_halves)
            while len(self._open) > MOST_MAPPED or self._rows_in_memory > MOST_ROWS_IN_MEMORY:
                _, old = self._open.popitem(last=False)
                self._rows_in_memory -= 0 if old.mapped else len(old.first_halves)

    def asked_often(self, path: str) -> bool:
        with self._lock:
            self._asked[path] += 1
            if self._asked[path] < LOOKUPS_BEFORE_LAYOUT:
                return False
            del self._asked[path]
            return True


_indexes = _Indexes()


def point_index(table: StoredTable, file: DataFile, *, make: bool = False) -> PointIndex | None:
    """Return the index of a file, or None as long as it is not worth making one.

    Args:
        table: the table.
        file: one of its files.
        make: make it now, however seldom it was asked for.
    """
    found = _indexes.get(file.path)
    if found is not None:
        return found
    if not is_large(file):
        laid_out = _laid_out(table, file)
        index = _index(laid_out, mapped=False)
    else:
        place = _place(table, file)
        opened = _opened(place, file)
        if opened is None:
            if not make and not _indexes.asked_often(file.path):
                return None
            _write(_laid_out(table, file), place)
            opened = _opened(place, file)
        if opened is None:
            return None
        index = opened
    _indexes.keep(file.path, index)
    return index


def open_index(table: StoredTable, file: DataFile) -> PointIndex | None:
    """Return the index of a large file if it has been laid out; to ask for it is no look-up."""
    found = _indexes.get(file.path)
    if found is None:
        found = _opened(_place(table, file), file)
        if found is not None:
            _indexes.keep(file.path, found)
    return found


def lay_out(table: StoredTable) -> None:
    """Lay out every large file of a table that is not yet. Raises StoreError if one cannot be read."""
    for file in large_files(table):
        point_index(table, file, make=True)


def large_files(table: StoredTable) -> list[DataFile]:
    """Return the large files of a table."""
    return [file for part in table.files.values() for file in part if is_large(file)]


def is_large(file: DataFile) -> bool:
    """Return whether a file is worth a layout of its own."""
    return file.rows > SMALL_FILE


def forget_layouts(store: Path, table: str) -> None:
    """Remove the layouts of a table whose files have been rewritten; readers that have them open keep them."""
    shutil.rmtree(store / "points" / table, ignore_errors=True)


def _place(table: StoredTable, file: DataFile) -> Path:
    path = Path(file.path)
    return path.parents[3] / "points" / table.name / f"{path.stem}.arrow"


def _laid_out(table: StoredTable, file: DataFile) -> pa.Table:
    """Return the file's rows by subject, pseudonyms packed and words of few kinds numbered."""
    present = {name: kind for name, kind in table.columns.items() if name not in LEFT_OUT}
    frame = table.rows_in_files((file,), present, None)
    if not frame["subject"].is_sorted():
        frame = frame.sort("subject", maintain_order=True)
    arrow = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
    wholes = hexadecimal_bytes(frame["subject"])
    assert wholes is not None
    columns: dict[str, pa.Array] = {_FIRST: pa.array(first_halves(wholes))}
    packed = []
    for name in frame.columns:
        told = hexadecimal_bytes(frame[name].drop_nulls()) if frame.schema[name] == pl.String else None
        if told is None:
            column = arrow.column(name).combine_chunks()
            column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
            columns[name] = column.dictionary_encode() if frame.schema[name] == pl.String else column
            continue
        packed.append(name)
        rows = np.flatnonzero(frame[name].is_not_null().to_numpy())
        columns[name] = _binary(told, rows, frame.height)
        if name != "subject" and told.shape[1] == wholes.shape[1]:
            columns |= _led_to(name, told, rows, frame.height)
    metadata = {"format": FORMAT, "rows": str(file.rows).encode(), "packed": ",".join(packed).encode()}
    return pa.table(columns).replace_schema_metadata(metadata)


def _binary(told: Numbers, rows: Numbers, height: int) -> pa.Array:
    """Return a column that holds `told` in `rows`, and null in the others."""
    width = told.shape[1]
    if len(rows) == height:
        return pa.Array.from_buffers(pa.binary(width), height, [None, pa.py_buffer(told.tobytes())])
    spread = np.zeros((height, width), dtype=np.uint8)
    spread[rows] = told
    present = np.zeros(height, dtype=bool)
    present[rows] = True
    bits = pa.py_buffer(np.packbits(present, bitorder="little").tobytes())
    return pa.Array.from_buffers(pa.binary(width), height, [bits, pa.py_buffer(spread.tobytes())])


def _led_to(name: str, told: Numbers, rows: Numbers, height: int) -> dict[str, pa.Array]:
    """Return the two columns that lead from a pseudonym to the rows that hold it; they end in nulls."""
    heads = first_halves(told)
    order = np.argsort(heads, kind="stable")
    absent = pa.nulls(height - len(rows), pa.uint64())
    found = {_LED_TO: pa.array(heads[order]), _LEADING: pa.array(rows[order].astype(np.uint64))}
    return {f"{prefix}{name}": pa.concat_arrays([column, absent]) for prefix, column in found.items()}


def _write(laid_out: pa.Table, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with draft.open("wb") as file:
            with pa.ipc.new_file(file, laid_out.schema) as writer:
                writer.write_table(laid_out, max_chunksize=max(laid_out.num_rows, 1))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place)
    except OSError:
        # Without room for it look-ups are slower and just as right.
        draft.unlink(missing_ok=True)


def _opened(place: Path, file: DataFile) -> PointIndex | None:
    try:
        laid_out = pa.ipc.open_file(pa.memory_map(str(place))).read_all()
    except (OSError, pa.ArrowInvalid):
        return None
    metadata = laid_out.schema.metadata or {}
    if (metadata.get(b"format"), metadata.get(b"rows")) != (FORMAT, str(file.rows).encode()):
        return None
    return _index(laid_out, mapped=True)


def _index(laid_out: pa.Table, *, mapped: bool) -> PointIndex:
    columns = {name: laid_out.column(name).chunk(0) for name in laid_out.column_names}
    first = columns.pop(_FIRST).to_numpy(zero_copy_only=True)
    packed = (laid_out.schema.metadata or {}).get(b"packed", b"").decode().split(",")
    led_to = {name.removeprefix(_LED_TO): name for name in columns if name.startswith(_LED_TO)}
    reverse = {
        name: (_told(columns.pop(heads)), _told(columns.pop(f"{_LEADING}{name}"))) for name, heads in led_to.items()
    }
    return PointIndex(first, columns, frozenset(packed), reverse, mapped)


def _told(column: pa.Array) -> Numbers:
    """Return the numbers of a column that ends in nulls."""
    numbers: Numbers = column.slice(0, len(column) - column.null_count).to_numpy(zero_copy_only=True)
    return numbers
