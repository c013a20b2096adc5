"""Excel workbooks and Parquet files as batches of text cells."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from policies.errors import IntakeError
from profiles import intake_refusals as refusals
from profiles.intake_texts import MALFORMED, ROW

Batches = Callable[[], Iterator[pl.DataFrame]]
_CHUNK = 2**20
_FORMULA = re.compile(rb"<f[ >/]")
_ROW = re.compile(rb'<row[^>]{0,200}? r="([0-9]{1,9})"')
_FAR_COLUMN = re.compile(rb' r="([A-Z]{2,4})[0-9]')
# A sheet is unfolded to a full rectangle: two cells in opposite corners must not fill the memory.
MOST_CELLS = 20_000_000


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
            header = tuple(name.strip() for name in schema.names)
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
                    # Damaged texts, and damaged notes in the schema, would stop the process further on.
                    batch.validate(full=True)
                    plain = pa.RecordBatch.from_arrays(batch.columns, names=list(header))
                    frame = pl.DataFrame(pl.from_arrow(plain)).select(pl.all().cast(pl.String))
                    yield frame.with_columns(pl.int_range(first, first + frame.height, dtype=pl.Int64).alias(ROW))
                    first += frame.height
        except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError) as problem:
            raise refusals.damaged(file, "Parquet") from problem

    return header, rows, batches


def read_excel(file: Path, unpacked_bytes: int) -> tuple[tuple[str, ...], int, Batches]:
    """Return header, row count and the one batch of the only visible sheet with content.

    `_row` is the row of the sheet. Cells come as a reader of text sees them: `011` typed as text stays, dates
    are ISO. A cell with a formula comes as the formula (`=A1+1`), never as its last result.

    Raises:
        IntakeError: damaged, too large when unpacked, or several sheets with content.
    """
    look = _look_into(file, unpacked_bytes)
    name, cells = _only_sheet(file)
    if look.has_formulas:
        _show_formulas(file, name, cells)
    top = next(place for place, row in enumerate(cells) if any(cell.strip() for cell in row))
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


@contextmanager
def _parsing(file: Path) -> Iterator[None]:
    """Turn whatever a parser of foreign bytes may raise into the refusal of a damaged file."""
    try:
        yield
    except IntakeError:
        raise
    except Exception as problem:
        # zlib, zipfile, XML and calamine each have errors of their own, and not all are documented.
        raise refusals.damaged(file, "Excel") from problem


def _only_sheet(file: Path) -> tuple[str, list[list[str]]]:
    """Return the name and the cells of the only visible sheet with content."""
    import pandas as pd  # type: ignore[import-untyped]

    filled: dict[str, Any] = {}
    with _parsing(file), pd.ExcelFile(file, engine="calamine") as book:
        for each in book.book.sheets_metadata:
            if str(each.visible).endswith("Visible"):
                sheet = pd.read_excel(book, sheet_name=each.name, header=None, dtype=str, keep_default_na=False)
                if any(str(cell).strip() for column in sheet for cell in sheet[column]):
                    filled[each.name] = sheet
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
    return name, [[str(cell) for cell in row] for row in sheet.itertuples(index=False, name=None)]


@dataclass
class _Look:
    """What the bytes of a workbook say before anything unfolds it."""

    has_formulas: bool = False
    last_row: int = 0
    last_column: bytes = b"Z"

    def at(self, content: bytes) -> None:
        """Take note of a piece of a sheet."""
        self.has_formulas = self.has_formulas or _FORMULA.search(content) is not None
        rows = _ROW.findall(content)
        self.last_row = max(self.last_row, content.count(b"<row"), *(int(row) for row in rows[-1:]))
        for column in set(_FAR_COLUMN.findall(content)):
            self.last_column = max(self.last_column, column, key=lambda name: (len(name), name))

    def cells(self) -> int:
        """Return the size of the rectangle, rows times columns."""
        columns = 0
        for letter in self.last_column:
            columns = columns * 26 + letter - 64
        return self.last_row * columns


def _look_into(file: Path, unpacked_bytes: int) -> _Look:
    """Look at the sheets' bytes, proving that the workbook unpacks and unfolds within the limits."""
    unpacked, whole = 0, _Look()
    with _parsing(file), zipfile.ZipFile(file) as packed:
        for member in packed.infolist():
            is_sheet = member.filename.startswith("xl/worksheets/")
            look, tail = _Look(), b""
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
                    if is_sheet:
                        look.at(tail + chunk)
                        tail = chunk[-256:]
            if look.cells() > MOST_CELLS:
                raise refusals.too_large(file, f"{look.cells()} 个单元格", f"{look.cells()} cells")
            whole.has_formulas = whole.has_formulas or look.has_formulas
    return whole


def _show_formulas(file: Path, sheet: str, cells: list[list[str]]) -> None:
    """Put the formula texts where `cells` has their results."""
    from openpyxl import load_workbook

    with _parsing(file):
        book = load_workbook(file, read_only=True, data_only=False)
        try:
            for row in book[sheet].iter_rows():
                for cell in row:
                    if cell.data_type == "f" and cell.row <= len(cells) and cell.column <= len(cells[0]):
                        text = str(cell.value)
                        cells[cell.row - 1][cell.column - 1] = text if text.startswith("=") else f"={text}"
        finally:
            book.close()
