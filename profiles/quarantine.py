"""Quarantine: every cell that could not be taken in, with its row, its field and the reason.

A value is never kept as it was: identity numbers are masked, names and words become their shape. What is
left is enough for the agency to find and mend the cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from policies.text import Bilingual
from profiles.home import Home
from profiles.intake_texts import ROW
from profiles.manifest import read_manifest
from profiles.store import table_folder

QUARANTINE_TABLE = "_quarantine"
FAULT_SCHEMA = {
    ROW: pl.Int64,
    "field": pl.String,
    "column": pl.String,
    "value": pl.String,
    "reason": pl.String,
}
QUARANTINE_SCHEMA: dict[str, type[pl.DataType]] = {
    "intake": pl.Int64,
    "source": pl.String,
    "file": pl.String,
    "as_of": pl.Date,
    "row": pl.Int64,
    "field": pl.String,
    "column": pl.String,
    "value_class": pl.String,
    "masked": pl.String,
    "reason": pl.String,
    "reason_zh": pl.String,
    "reason_en": pl.String,
}

REASONS: Mapping[str, Bilingual] = {
    "wrong-checksum": Bilingual("校验码不符", "the check character is wrong"),
    "wrong-shape": Bilingual("号码的位数或字符不对", "the number has a wrong length or character"),
    "impossible-date": Bilingual("日历上没有这一天", "no such day in the calendar"),
    "future-birth": Bilingual("出生日期晚于数据日期", "born after the day of the extract"),
    "not-a-date": Bilingual("不是日期", "not a date"),
    "not-a-number": Bilingual("不是数字", "not a number"),
    "not-a-boolean": Bilingual("不是“是”或“否”", "neither yes nor no"),
    "too-many-decimals": Bilingual("小数位数过多", "too many decimal places"),
    "out-of-range": Bilingual("超出目录规定的范围", "outside the range that the catalog allows"),
    "unknown-code": Bilingual("代码集中没有这个代码", "not in the code set"),
    "missing-required": Bilingual("必填项为空", "a required value is missing"),
    "duplicate-subject": Bilingual(
        "同一主体出现多次且内容不一", "the subject occurs several times with different content"
    ),
    "duplicate-item": Bilingual("同一编号出现多次且内容不一", "the item occurs several times with different content"),
    "formula-in-cell": Bilingual("单元格中是公式", "a formula stands in the cell"),
    "control-character": Bilingual("含有不可见的控制字符", "an invisible control character stands in the cell"),
    "too-long": Bilingual("文字过长", "the text is too long"),
    "malformed-contact": Bilingual("联系方式的格式不对", "the contact is malformed"),
    "wrong-cell-count": Bilingual("该行单元格数与表头不符", "the row has another number of cells than the header"),
    "not-json": Bilingual("该行不是 JSON", "the line is not JSON"),
    "not-an-object": Bilingual("该行不是 JSON 对象", "the line is not a JSON object"),
    "nested-value": Bilingual("单元格里是嵌套结构", "a cell holds a nested structure"),
}


def no_faults() -> pl.DataFrame:
    """Return an empty frame of faults."""
    return pl.DataFrame(schema=FAULT_SCHEMA)


def to_quarantine_rows(
    faults: pl.DataFrame, intake: int, source: str, file: str, as_of: date, identity_fields: set[str]
) -> pl.DataFrame:
    """Return the rows to keep for `faults`; `identity_fields` are masked as numbers, contacts too."""
    text = pl.col("value")
    shaped = (
        text.str.head(60)
        .str.replace_all(r"[\p{Han}]", "某")
        .str.replace_all(r"[^\x20-\x7e某]", "?")
        .str.replace_all(r"[A-Za-z]", "x")
    )
    # From nine digits on it may be a number of somebody, whatever column it stands in.
    shown = shaped.str.replace_all(r"([0-9]{2})[0-9]{7,}", "${1}*******")
    number = pl.concat_str(
        text.str.head(6).str.replace_all(r"[^0-9A-Za-z]", "?"),
        pl.lit("********"),
        text.str.tail(4).str.replace_all(r"[^0-9A-Za-z]", "?"),
    )
    long_enough = text.str.len_chars() >= 15
    masked = (
        pl.when(text == "")
        .then(pl.lit(""))
        .when(pl.col("reason") == "formula-in-cell")
        .then(pl.lit("=…"))
        .when(pl.col("field").is_in(list(identity_fields)))
        .then(pl.when(long_enough).then(number).otherwise(pl.lit("********")))
        .otherwise(shown)
    )
    value_class = (
        pl.when(text == "")
        .then(pl.lit("empty"))
        .when(pl.col("reason") == "formula-in-cell")
        .then(pl.lit("formula"))
        .when(text.str.contains(r"^[0-9]{15}$|^[0-9]{17}[0-9Xx]$|^[0-9A-Z]{18}$"))
        .then(pl.lit("identity number"))
        .when(text.str.contains(r"^[0-9]{4}[-/.年]?[0-9]{1,2}[-/.月]?[0-9]{1,2}(?:[日T ].*)?$"))
        .then(pl.lit("date"))
        .when(text.str.contains(r"^[+-]?[0-9.,]+$"))
        .then(pl.lit("number"))
        .otherwise(pl.lit("text"))
    )
    reason = pl.col("reason")
    rows = faults.select(
        intake=pl.lit(intake, dtype=pl.Int64),
        source=pl.lit(source),
        file=pl.lit(file),
        as_of=pl.lit(as_of),
        row=pl.col(ROW),
        field=pl.col("field"),
        column=pl.col("column"),
        value_class=value_class,
        masked=masked,
        reason=reason,
        reason_zh=reason.replace_strict({code: words.zh for code, words in REASONS.items()}, default=reason),
        reason_en=reason.replace_strict({code: words.en for code, words in REASONS.items()}, default=reason),
    )
    return rows.sort("row", "field")


def quarantined(home: Home, source: str | None = None) -> pl.DataFrame:
    """Return the quarantined cells (`QUARANTINE_SCHEMA`) of all finished intakes, of one source if given."""
    state = read_manifest(home).tables.get(QUARANTINE_TABLE)
    if state is None:
        return pl.DataFrame(schema=QUARANTINE_SCHEMA)
    rows = pl.scan_delta(str(table_folder(home, QUARANTINE_TABLE)), version=state.version)
    if source is not None:
        rows = rows.filter(pl.col("source") == source)
    return rows.select(list(QUARANTINE_SCHEMA)).sort("intake", "row", "field").collect()
