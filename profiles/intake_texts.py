"""CSV and JSON Lines as batches of text cells, in UTF-8 (with or without a mark) or GB18030."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import polars as pl

from profiles import intake_refusals as refusals

Batches = Callable[[], Iterator[pl.DataFrame]]
ROW, MALFORMED = "_row", "_malformed"
SEPARATORS = ",\t;|"
LONGEST_LINE = 4 * 2**20
_CHUNK = 4 * 2**20
# After this many good UTF-8 characters beyond ASCII, a bad byte means damage, not another encoding.
_SURELY_UTF8 = 16


def read_csv(file: Path, scratch: Path, batch_rows: int) -> tuple[tuple[str, ...], int, Batches]:
    """Return header, estimated row count and batches of a CSV file; `_row` counts from 2.

    Raises:
        IntakeError: the encoding is neither UTF-8 nor GB18030, or the file is blank.
    """
    text, lines = _as_utf8(file, scratch)
    with text.open(encoding="utf-8-sig", newline="") as stream:
        first_line = stream.readline(LONGEST_LINE)
        if not first_line.strip():
            raise refusals.empty_file(file)
        if len(first_line) >= LONGEST_LINE:
            raise refusals.too_large(file, "第一行过长", "the first line is too long")
        has_rows = any(line.strip() for line in iter(lambda: stream.readline(LONGEST_LINE), ""))
    separator = max(SEPARATORS, key=first_line.count)
    try:
        header = tuple(name.strip() for name in next(csv.reader([first_line], delimiter=separator)))
    except csv.Error as problem:
        raise refusals.damaged(file, "CSV") from problem

    def batches() -> Iterator[pl.DataFrame]:
        done = 0
        try:
            for frame in _fast_csv(text, header, separator, batch_rows):
                yield _numbered(frame, done + 2)
                done += frame.height
        except pl.exceptions.PolarsError:
            # Rows with too many cells, or stray quotes: read on row by row, so that only those suffer.
            yield from _slow_csv(file, text, header, separator, batch_rows, done)

    return header, max(lines - 1, 1) if has_rows else 0, batches


def _fast_csv(text: Path, header: tuple[str, ...], separator: str, batch_rows: int) -> Iterator[pl.DataFrame]:
    if len(set(header)) != len(header):
        raise pl.exceptions.DuplicateError
    names = list(header)
    scan = pl.scan_csv(text, infer_schema=False, new_columns=names, separator=separator, glob=False)
    if scan.collect_schema().names() != names:
        raise pl.exceptions.ShapeError
    yield from scan.collect_batches(chunk_size=batch_rows, maintain_order=True)


def _slow_csv(
    file: Path, text: Path, header: tuple[str, ...], separator: str, batch_rows: int, skip: int
) -> Iterator[pl.DataFrame]:
    width = len(header)
    with text.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, delimiter=separator, strict=False)
        rows: list[list[str | None]] = []
        malformed: list[str | None] = []
        first = skip + 2
        try:
            for number, row in enumerate(reader, start=1):
                if number < first:
                    continue
                wrong = "wrong-cell-count" if row and len(row) != width else None
                malformed.append(wrong)
                rows.append([None] * width if wrong or not row else list(row))
                if len(rows) >= batch_rows:
                    yield _numbered(_frame(header, rows, malformed), first)
                    first += len(rows)
                    rows, malformed = [], []
        except csv.Error as problem:
            raise refusals.refusal(
                "broken-quotes",
                file,
                f"第 {reader.line_num} 行附近引号不成对，或单元格过长",
                f"a quote without its partner, or an overlong cell, near line {reader.line_num}",
                "请重新导出该文件",
                "export the file again",
            ) from problem
        if rows:
            yield _numbered(_frame(header, rows, malformed), first)


def _frame(header: tuple[str, ...], rows: list[list[str | None]], malformed: list[str | None]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row")
    return frame.with_columns(pl.Series(MALFORMED, malformed, dtype=pl.String))


def _numbered(frame: pl.DataFrame, first: int) -> pl.DataFrame:
    return frame.with_columns(pl.int_range(first, first + frame.height, dtype=pl.Int64).alias(ROW))


def read_json_lines(file: Path, scratch: Path, batch_rows: int) -> tuple[tuple[str, ...], int, Batches]:
    """Return the keys of the first lines, the estimated row count and batches of a JSON Lines file.

    Numbers are kept as they are written. A line that is no flat JSON object becomes a malformed row.
    """
    text, lines = _as_utf8(file, scratch)
    with text.open(encoding="utf-8-sig", newline="\n") as stream:
        sample = [_object(line) for line in _lines(file, stream, 1_000)]
    if not sample:
        raise refusals.empty_file(file)
    header = tuple(dict.fromkeys(key for cells, _ in sample for key in cells))
    if not header:
        raise refusals.wrong_format(file, "JSON Lines", "text")

    def batches() -> Iterator[pl.DataFrame]:
        with text.open(encoding="utf-8-sig", newline="\n") as stream:
            columns: dict[str, list[str | None]] = {}
            numbers: list[int] = []
            malformed: list[str | None] = []
            for number, line in enumerate(_lines(file, stream, None, keep_blank=True), start=1):
                if not line.strip():
                    continue
                cells, wrong = _object(line)
                for key, cell in cells.items():
                    column = columns.get(key)
                    if column is None:
                        column = columns[key] = [None] * len(numbers)
                    column.append(cell)
                numbers.append(number)
                malformed.append(wrong)
                if len(cells) < len(columns):
                    for column in columns.values():
                        if len(column) < len(numbers):
                            column.append(None)
                if len(numbers) >= batch_rows:
                    yield _of_columns(file, columns, numbers, malformed)
                    columns, numbers, malformed = {}, [], []
            if numbers:
                yield _of_columns(file, columns, numbers, malformed)

    return header, max(lines, 1), batches


def _of_columns(
    file: Path, columns: dict[str, list[str | None]], numbers: list[int], malformed: list[str | None]
) -> pl.DataFrame:
    refusals.check_columns(file, [name for name in (ROW, MALFORMED) if name in columns], ())
    series = [pl.Series(name, cells, dtype=pl.String) for name, cells in columns.items()]
    return pl.DataFrame(
        [*series, pl.Series(MALFORMED, malformed, dtype=pl.String), pl.Series(ROW, numbers, dtype=pl.Int64)]
    )


def _lines(file: Path, stream: TextIO, at_most: int | None, keep_blank: bool = False) -> Iterator[str]:
    given = 0
    while at_most is None or given < at_most:
        line = stream.readline(LONGEST_LINE)
        if not line:
            return
        if len(line) >= LONGEST_LINE:
            raise refusals.too_large(file, "某一行过长", "a line is too long")
        if keep_blank or line.strip():
            given += 1
            yield line


def _object(line: str) -> tuple[dict[str, str | None], str | None]:
    try:
        value = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return {}, "not-json"
    if not isinstance(value, dict):
        return {}, "not-an-object"
    cells: dict[str, str | None] = {}
    for key, cell in value.items():
        if isinstance(cell, (dict, list)):
            return {}, "nested-value"
        cells[key.strip()] = ("true" if cell else "false") if isinstance(cell, bool) else cell
    return cells, None


def _as_utf8(file: Path, scratch: Path) -> tuple[Path, int]:
    """Return a path to the file's text in UTF-8 (itself, or a copy in `scratch`) and its number of lines."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    lines, beyond_ascii, last = 1, 0, b"\n"
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            if b"\0" in chunk:
                raise refusals.wrong_encoding(file, lines + chunk[: chunk.index(b"\0")].count(b"\n"))
            try:
                beyond_ascii += len(chunk) - len(decoder.decode(chunk))
            except UnicodeDecodeError as problem:
                good = problem.object[: problem.start].decode("utf-8", "ignore")
                if beyond_ascii + problem.start - len(good) > 2 * _SURELY_UTF8:
                    raise refusals.wrong_encoding(file, lines + good.count("\n")) from problem
                return _transcoded(file, scratch)
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as problem:
        if beyond_ascii > 2 * _SURELY_UTF8:
            raise refusals.wrong_encoding(file, lines) from problem
        return _transcoded(file, scratch)
    return file, lines - (last == b"\n")


def _transcoded(file: Path, scratch: Path) -> tuple[Path, int]:
    copy = scratch / f"{file.stem}.utf8{file.suffix}"
    decoder = codecs.getincrementaldecoder("gb18030")()
    lines, last = 1, ""
    with file.open("rb") as stream, copy.open("w", encoding="utf-8", newline="") as target:
        while True:
            chunk = stream.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as problem:
                raise refusals.wrong_encoding(file, lines) from problem
            target.write(text)
            lines += text.count("\n")
            last = text[-1:] or last
            if not chunk:
                return copy, lines - (last == "\n")
