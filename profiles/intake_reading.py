"""Extract files as batches of text cells: CSV, Excel, Parquet and JSON Lines, whatever the encoding.

Nothing is interpreted here. A cell is text or null, so that `011` stays `011` and the name `NA` stays a
name. Files are read in batches and never whole, except Excel workbooks, whose size is limited instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from policies.errors import IntakeError
from profiles import intake_refusals as refusals
from profiles.intake_tables import read_excel, read_parquet
from profiles.intake_texts import read_csv, read_json_lines

ROWS_PER_BATCH = 100_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still accepted: bytes of the file, bytes of an unpacked workbook, columns of a table."""

    file_bytes: int = 256 * 2**30
    unpacked_bytes: int = 2 * 2**30
    columns: int = 2_000


@dataclass(frozen=True, slots=True)
class Extract:
    """An opened extract file.

    `header` holds the column names as found, `rows` how many there are (an estimate for text files),
    `first_row` the number that the first row has for its sender: 2 below a header, else 1.
    `complete_header` is False where rows may leave columns out (JSON Lines).
    `batches` yields frames of text columns named as in the header; a column `_malformed`, where present,
    says why a row could not be split into cells.
    """

    header: tuple[str, ...]
    rows: int
    first_row: int
    batches: Callable[[], Iterator[pl.DataFrame]]
    complete_header: bool = True


FORMATS = {
    ".csv": "CSV",
    ".xlsx": "Excel",
    ".parquet": "Parquet",
    ".jsonl": "JSON Lines",
    ".ndjson": "JSON Lines",
}
_SIGNS = {
    b"PAR1": "Parquet",
    b"PK\x03\x04": "Excel",
    b"\xd0\xcf\x11\xe0": "Excel 97 (.xls)",
    b"\x1f\x8b": "gzip",
}


def open_extract(file: Path, scratch: Path, limits: Limits = Limits()) -> Extract:
    """Open `file` by the ending of its name.

    Args:
        file: the extract file.
        scratch: an existing folder for a transcoded copy; the caller removes it.
        limits: what is still accepted.

    Raises:
        IntakeError: the file is missing, empty, of another format, encoding or size.
    """
    promised = FORMATS.get(file.suffix.lower())
    if promised is None:
        raise refusals.unknown_format(file, FORMATS)
    _check_start(file, promised, limits)
    if promised == "Parquet":
        header, rows, batches = read_parquet(file, ROWS_PER_BATCH)
        return _checked(file, Extract(header, rows, 1, batches), limits)
    if promised == "Excel":
        header, rows, batches = read_excel(file, limits.unpacked_bytes)
        return _checked(file, Extract(header, rows, 2, batches), limits)
    if promised == "JSON Lines":
        header, rows, batches = read_json_lines(file, scratch, ROWS_PER_BATCH)
        return _checked(file, Extract(header, rows, 1, batches, complete_header=False), limits)
    header, rows, batches = read_csv(file, scratch, ROWS_PER_BATCH)
    return _checked(file, Extract(header, rows, 2, batches), limits)


def digest_of(file: Path) -> str:
    """Return the SHA-256 of the file's bytes in hexadecimal."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as problem:
        raise _unreadable(file) from problem


def _check_start(file: Path, promised: str, limits: Limits) -> None:
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            start = stream.read(4)
    except OSError as problem:
        raise _unreadable(file) from problem
    if size == 0:
        raise refusals.empty_file(file)
    if size > limits.file_bytes:
        raise refusals.too_large(file, f"{size} 字节", f"{size} bytes")
    found = next((kind for sign, kind in _SIGNS.items() if start.startswith(sign)), "text")
    if found != (promised if promised in ("Parquet", "Excel") else "text"):
        raise refusals.wrong_format(file, promised, found)


def _checked(file: Path, extract: Extract, limits: Limits) -> Extract:
    if len(extract.header) > limits.columns:
        raise refusals.too_large(file, f"{len(extract.header)} 列", f"{len(extract.header)} columns")
    if extract.rows == 0:
        raise refusals.header_only(file)
    return extract


def _unreadable(file: Path) -> IntakeError:
    return refusals.refusal(
        "unreadable-file",
        file,
        f"无法读取文件 `{file}`",
        f"the file `{file}` cannot be read",
        "请检查路径和权限",
        "check the path and its permissions",
    )
