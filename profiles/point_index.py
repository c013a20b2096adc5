"""A file of the store laid out for single look-ups: mapped into memory, found by binary search.

A Parquet file has to be decoded by the thousands of rows before one of them can be seen. For a service that
looks up one person after another, each large file is laid out a second time, uncompressed and in order of
subject, under `points/` of the store. A data file never changes, so neither does its layout; it is made from
the data file alone and may be deleted at any time. Small files are laid out in memory only.
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from profiles.store import DataFile, StoredTable

FORMAT = b"1"
# Up to this many rows a file is laid out in memory at once; larger ones after a few look-ups.
SMALL_FILE = 8_192
LOOKUPS_BEFORE_LAYOUT = 4
MOST_MAPPED = 8_192
MOST_ROWS_IN_MEMORY = 2_000_000
_FIRST = "_first_half"
# Never asked for one subject at a time.
_LEFT_OUT = ("bucket", "_sealed")


@dataclass(frozen=True)
class PointIndex:
    """The rows of one file by subject. `packed` columns hold hexadecimal digits, two to a byte."""

    first_halves: np.ndarray[Any, Any]
    columns: Mapping[str, pa.Array]
    packed: frozenset[str]
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
    if file.rows <= SMALL_FILE:
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


def forget_layouts(store: Path, table: str) -> None:
    """Remove the layouts of a table whose files have been rewritten; readers that have them open keep them."""
    shutil.rmtree(store / "points" / table, ignore_errors=True)


def _place(table: StoredTable, file: DataFile) -> Path:
    path = Path(file.path)
    return path.parents[3] / "points" / table.name / f"{path.stem}.arrow"


def _laid_out(table: StoredTable, file: DataFile) -> pa.Table:
    """Return the file's rows by subject, pseudonyms packed and words of few kinds numbered."""
    present = {name: kind for name, kind in table.columns.items() if name not in _LEFT_OUT}
    frame = table.rows_in_files((file,), present, None)
    if not frame["subject"].is_sorted():
        frame = frame.sort("subject", maintain_order=True)
    arrow = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
    heads = b"".join(frame["subject"].str.head(16).str.decode("hex").to_list())
    first = pa.array(np.frombuffer(heads, dtype=">u8").astype(np.uint64))
    columns, packed = {_FIRST: first}, []
    for name in frame.columns:
        column = arrow.column(name).combine_chunks()
        column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
        if frame.schema[name] == pl.String:
            digits = _hexadecimal_digits(frame[name])
            if digits:
                decoded = frame[name].str.decode("hex").to_arrow(compat_level=pl.CompatLevel.oldest())
                column = decoded.cast(pa.binary(digits // 2))
                packed.append(name)
            else:
                column = column.dictionary_encode()
        columns[name] = column
    metadata = {"format": FORMAT, "rows": str(file.rows).encode(), "packed": ",".join(packed).encode()}
    return pa.table(columns).replace_schema_metadata(metadata)


def _hexadecimal_digits(texts: pl.Series) -> int:
    """Return how many digits each text has if all are hexadecimal numbers of one even length, else 0."""
    told = texts.drop_nulls()
    lengths = told.str.len_bytes().unique()
    if lengths.len() != 1 or lengths[0] % 2 or lengths[0] < 16:
        return 0
    return int(lengths[0]) if told.str.contains(r"^[0-9a-f]+$").all() else 0


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
    return PointIndex(first, columns, frozenset(packed), mapped)
