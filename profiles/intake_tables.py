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
                sheet = pd.read_excel(book, sheet_name=name, header=None, dtype=str, keep_default_na=False)
                if any(str(cell).strip() for column in sheet for cell in sheet[column]):
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
    top = next((place for place, row in enumerate(cells) if any(cell.strip() for cell in row)), None)
    if top is None:
        raise refusals.empty_file(file)
    # Columns without a title and without content, left or right of the table, are not columns.
    used = [
        place
        for place, title in enumerate(cells[top])
        if title.strip() or any(row[place].strip() for row in cells[top + 1 :])
    ]
    header = tuple(cells[top][place].strip() for place in used)
    rows = [[row[place] for place in used] for row in cells[top + 1 :]]
    first = top + 2

    def batches() -> Iterator[pl.DataFrame]:
        frame = pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row")
        yield frame.with_columns(
            pl.lit(None, dtype=pl.String).alias(MALFORMED),
            pl.int_range(first, first + frame.height, dtype=pl.Int64).alias(ROW),
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
        for row in book[sheet].iter_rows():
            for cell in row:
                if cell.data_type == "f" and cell.row <= len(cells) and cell.column <= len(cells[0]):
                    text = str(cell.value)
                    cells[cell.row - 1][cell.column - 1] = text if text.startswith("=") else f"={text}"
    finally:
        book.close()
