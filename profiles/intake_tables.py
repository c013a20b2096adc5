"""Excel workbooks and Parquet files as batches of text cells."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from profiles import intake_refusals as refusals
from profiles.intake_texts import MALFORMED, ROW

Batches = Callable[[], Iterator[pl.DataFrame]]
_CHUNK = 2**20
_FORMULA = re.compile(rb"<f[ >/]")


def read_parquet(file: Path, batch_rows: int) -> tuple[tuple[str, ...], int, Batches]:
    """Return header, row count and batches of a Parquet file; `_row` counts from 1.

    Raises:
        IntakeError: the file is truncated or damaged, or a column is not a plain value.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            schema, rows = opened.schema_arrow, opened.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as problem:
        raise refusals.damaged(file, "Parquet") from problem
    for column in schema:
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
            raise refusals.refusal(
                "unreadable-column",
                file,
                f"列 `{column.name}` 不是普通值（{column.type}）",
                f"the column `{column.name}` does not hold plain values ({column.type})",
                "请只导出文本、数字、日期和布尔列",
                "export only text, number, date and boolean columns",
            )

    def batches() -> Iterator[pl.DataFrame]:
        first = 1
        try:
            with pq.ParquetFile(file) as opened:
                for batch in opened.iter_batches(batch_size=batch_rows):
                    frame = pl.DataFrame(pl.from_arrow(batch)).select(pl.all().cast(pl.String))
                    yield frame.with_columns(
                        pl.int_range(first, first + frame.height, dtype=pl.Int64).alias(ROW)
                    )
                    first += frame.height
        except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError) as problem:
            raise refusals.damaged(file, "Parquet") from problem

    return tuple(name.strip() for name in schema.names), rows, batches


def read_excel(file: Path, unpacked_bytes: int) -> tuple[tuple[str, ...], int, Batches]:
    """Return header, row count and the one batch of the only visible sheet with content; `_row` from 2.

    Cells come as they are shown to a reader of text: `011` typed as text stays, dates are ISO. A cell with
    a formula comes as the formula (`=A1+1`), never as its last result.

    Raises:
        IntakeError: damaged, too large when unpacked, or several sheets with content.
    """
    import pandas as pd  # type: ignore[import-untyped]
    from python_calamine import CalamineError

    has_formulas = _look_into(file, unpacked_bytes)
    try:
        with pd.ExcelFile(file, engine="calamine") as book:
            visible = [
                sheet.name for sheet in book.book.sheets_metadata if str(sheet.visible).endswith("Visible")
            ]
            filled: dict[str, Any] = {}
            for name in visible:
                sheet = book.parse(name, header=None, dtype=str, keep_default_na=False)
                if not sheet.empty:
                    filled[name] = sheet
    except (CalamineError, ValueError, KeyError, OSError, zipfile.BadZipFile) as problem:
        raise refusals.damaged(file, "Excel") from problem
    if not filled:
        raise refusals.empty_file(file)
    if len(filled) > 1:
        listed = ", ".join(f"`{name}`" for name in filled)
        raise refusals.refusal(
            "several-sheets",
            file,
            f"有数据的工作表不止一张：{listed}",
            f"more than one sheet has content: {listed}",
            "请只保留一张工作表",
            "keep one sheet only",
        )
    ((name, sheet),) = filled.items()
    cells = [[str(cell) for cell in row] for row in sheet.itertuples(index=False, name=None)]
    if has_formulas:
        _show_formulas(file, name, cells)
    header = tuple(title.strip() for title in cells[0])
    # Formatted but empty columns at the right edge have no title and no content: they are not columns.
    while header and not header[-1] and not any(row[len(header) - 1].strip() for row in cells[1:]):
        header = header[:-1]
    rows = [row[: len(header)] for row in cells[1:]]

    def batches() -> Iterator[pl.DataFrame]:
        frame = pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row")
        yield frame.with_columns(
            pl.lit(None, dtype=pl.String).alias(MALFORMED),
            pl.int_range(2, 2 + frame.height, dtype=pl.Int64).alias(ROW),
        )

    return header, len(rows), batches


def _look_into(file: Path, unpacked_bytes: int) -> bool:
    """Return whether any sheet has formulas, having proved that the workbook unpacks within the limit."""
    unpacked, has_formulas = 0, False
    try:
        with zipfile.ZipFile(file) as packed:
            for member in packed.infolist():
                tail = b""
                with packed.open(member) as stream:
                    # The sizes in the directory may lie, so the bytes themselves are counted.
                    while chunk := stream.read(_CHUNK):
                        unpacked += len(chunk)
                        if unpacked > unpacked_bytes:
                            raise refusals.too_large(
                                file,
                                f"解压后超过 {unpacked_bytes} 字节",
                                f"more than {unpacked_bytes} bytes unpacked",
                            )
                        if member.filename.startswith("xl/worksheets/"):
                            has_formulas = has_formulas or _FORMULA.search(tail + chunk) is not None
                            tail = chunk[-4:]
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as problem:
        raise refusals.damaged(file, "Excel") from problem
    return has_formulas


def _show_formulas(file: Path, sheet: str, cells: list[list[str]]) -> None:
    """Put the formula texts where `cells` has their results."""
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    book = load_workbook(file, read_only=True, data_only=False)
    try:
        top, left = _first_used(cells, book[sheet])
        for row_number, row in enumerate(book[sheet].iter_rows()):
            for cell in row:
                if cell.data_type == "f" and 0 <= row_number - top < len(cells):
                    column = cell.column - 1 - left
                    if 0 <= column < len(cells[row_number - top]):
                        text = str(cell.value)
                        cells[row_number - top][column] = text if text.startswith("=") else f"={text}"
    finally:
        book.close()


def _first_used(cells: list[list[str]], sheet: Any) -> tuple[int, int]:
    """Return how many blank rows and columns calamine has left out before the first cell."""
    first = cells[0]
    for row_number, row in enumerate(sheet.iter_rows(values_only=True)):
        texts = ["" if value is None else str(value).strip() for value in row]
        if any(texts):
            title = next(text for text in texts if text)
            offset = next((place for place, text in enumerate(first) if text.strip()), 0)
            return row_number, texts.index(title) - offset
    return 0, 0
