"""From values to files as each agency writes them: its headers, words, units, encoding and format."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from pathlib import Path

import polars as pl

from policies.types import Bool, Code, Date, Number
from profiles.catalog_model import Source, SourceField

# How each source of the sample city is delivered; the mix is what a city meets in practice.
FORMATS: dict[str, str] = {
    "population": "gb18030.csv",
    "civil_affairs": "csv",
    "disability": "parquet",
    "social_insurance": "csv",
    "education": "jsonl",
    "veterans": "parquet",
    "health": "gb18030.csv",
    "births": "xlsx",
    "incomes": "csv",
    "certificates": "jsonl",
    "loans": "gb18030.csv",
    "households": "parquet",
    "household_members": "csv",
    "citizen_contacts": "csv",
    "enterprises": "gb18030.csv",
    "enterprise_statistics": "parquet",
    "enterprise_credit": "csv",
    "enterprise_insurance": "csv",
    "tax": "marked.csv",
    "srdi": "jsonl",
    "hires": "csv",
    "qualifications": "xlsx",
    "enterprise_contacts": "jsonl",
}
_ENDINGS = {"gb18030.csv": "csv", "marked.csv": "csv"}
_SLICE = 500_000
# Archives carry the time of writing; the same city must give the same bytes.
_ARCHIVE_TIME = (2000, 1, 1, 0, 0, 0)


def is_typed(source: Source) -> bool:
    """Whether the file of `source` keeps types of its own (Parquet): no cell can be just any text."""
    return FORMATS.get(source.id) == "parquet"


def to_written(source: Source, frame: pl.DataFrame) -> pl.DataFrame:
    """Return `frame` (columns by catalog name, `key`, `item`, `member`) as the agency of `source` writes it.

    Values come as the catalog stores them (scaled integers, dates, codes); null stays null.
    """
    typed = is_typed(source)
    identities = [("key", source.key), ("item", source.item), ("member", source.member)]
    columns = [pl.col(name).alias(header) for name, header in identities if header is not None]
    return frame.select(*columns, *(_written(field, typed).alias(field.column) for field in source.fields))


def _written(field: SourceField, typed: bool) -> pl.Expr:
    value = pl.col(field.name)
    if field.role != "attribute":
        return value
    if isinstance(field.type, Bool):
        return value if typed else pl.when(value).then(pl.lit(field.yes[-1])).when(~value).then(pl.lit(field.no[-1]))
    if isinstance(field.type, Number):
        return _number(value.cast(pl.Int64), field.type.scale + field.power, typed)
    if isinstance(field.type, Date):
        return value if typed else value.dt.strftime(field.date_formats[0])
    if isinstance(field.type, Code) and field.codes:
        words: dict[str, str] = {code: word for word, code in field.codes.items()}
        translated: pl.Expr = value.replace(words)
        return translated
    return value


def _number(value: pl.Expr, places: int, typed: bool) -> pl.Expr:
    if places <= 0:
        whole: pl.Expr = value * 10**-places
        return whole if typed else whole.cast(pl.String)
    unit = 10**places
    # All written numbers of the city are zero or more, so that no sign can stand in the way.
    text: pl.Expr = pl.concat_str(
        (value // unit).cast(pl.String), pl.lit("."), (value % unit).cast(pl.String).str.zfill(places)
    )
    return text.cast(pl.Decimal(28, places)) if typed else text


def path_of(source: Source, folder: Path, stem: str) -> Path:
    """Return where the file of `source` goes: `<source>-<stem>.<ending>`."""
    form = FORMATS.get(source.id, "csv")
    return folder / f"{source.id}-{stem}.{_ENDINGS.get(form, form)}"


def write_file(source: Source, written: pl.DataFrame, folder: Path, stem: str) -> Path:
    """Write `written` in the format of `source`; return the path. A file is there whole or not at all."""
    form = FORMATS.get(source.id, "csv")
    path = path_of(source, folder, stem)
    part = folder / f".{path.name}.part"
    if form == "parquet":
        written.write_parquet(part, compression="zstd")
    elif form == "jsonl":
        written.write_ndjson(part)
    elif form == "xlsx":
        part.write_bytes(_workbook(written))
    elif form == "gb18030.csv":
        _write_encoded(written, part)
    else:
        written.write_csv(part, include_bom=form == "marked.csv")
    part.replace(path)
    return path


def _write_encoded(written: pl.DataFrame, path: Path) -> None:
    with path.open("wb") as out:
        for start in range(0, max(written.height, 1), _SLICE):
            text = written.slice(start, _SLICE).write_csv(include_header=start == 0)
            out.write(text.encode("gb18030"))


def _workbook(written: pl.DataFrame) -> bytes:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("数据")
    sheet.append(written.columns)
    for row in written.iter_rows():
        sheet.append(row)
    raw = BytesIO()
    book.save(raw)
    steady = BytesIO()
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(steady, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2000-01-01T00:00:00Z", data)
            entry = zipfile.ZipInfo(name, _ARCHIVE_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, data)
    return steady.getvalue()
