"""One column of an analyst's DataFrame as values of the rule language, or what is wrong with it.

Unknown is whatever pandas calls missing (None, NaN, NaT, NA) and the empty text. Everything else must say
exactly what the catalog declares: nothing is rounded, cut or guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl

from engine.frames_population import column_type
from policies.codes import is_code
from policies.document_errors import shortened
from policies.errors import Diagnostic
from policies.model_errors import did_you_mean
from policies.operands import type_name
from policies.text import Bilingual
from policies.types import Bool, Code, Date, Number, Type
from policies.vocabulary import Vocabulary
from profiles.catalog_model import NO_WORDS, YES_WORDS

_EXACT = 2**53  # binary floats beyond it no longer hold every integer
_FIRST_DAY, _LAST_DAY = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")
_DAY = re.compile(r"(\d{4})([-/]?)(\d{2})\2(\d{2})(?:[ T]00:00(?::00(?:\.0+)?)?)?")
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")


class Unfit(ValueError):
    """A cell that is not what the catalog declares; `code` and the remedy as in a diagnostic."""

    def __init__(self, code: str, help_zh: str, help_en: str) -> None:
        super().__init__(code)
        self.code, self.help = code, Bilingual(help_zh, help_en)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a frame: where it stands (for messages), what it is called there, and its cells."""

    frame: str
    label: object
    cells: pd.Series

    @property
    def place(self) -> Bilingual:
        """The column in words, with the frame it stands in."""
        inside = Bilingual("", "") if not self.frame else Bilingual(f"`{self.frame}` 的", f" of `{self.frame}`")
        return Bilingual(f"{inside.zh}列 `{self.label}`", f"column `{self.label}`{inside.en}")


def is_missing(cell: object) -> bool:
    """Return whether a cell says nothing: None, NaN, NaT, NA, or an empty text."""
    if isinstance(cell, str):
        return not cell.strip()
    if isinstance(cell, Decimal):
        return cell.is_nan()
    return cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and cell != cell)


def read_column(column: Column, kind: Type, vocabulary: Vocabulary) -> pl.Series | Diagnostic:
    """Return the column as a Polars series of the type that engines expect, or the first thing wrong with it."""
    quick = _quick(column.cells, kind)
    if quick is not None:
        return quick
    convert = _converter(kind, vocabulary)
    known: dict[tuple[type, object], object] = {}
    values: list[object] = []
    faults: list[tuple[int, object, Unfit]] = []
    for number, cell in enumerate(cells(column.cells)):
        if is_missing(cell):
            values.append(None)
            continue
        try:
            key = (type(cell), cell)
            if key not in known:
                known[key] = convert(cell)
            values.append(known[key])
        except Unfit as fault:
            values.append(None)
            faults.append((number, cell, fault))
        except TypeError:  # a list or a dict in a cell cannot be a key
            faults.append((number, cell, _wrong_type(kind)))
    if faults:
        return _diagnostic(column, kind, faults)
    return pl.Series(values, dtype=column_type(kind))


def identifier(cell: object) -> str:
    """Return the id of a subject or item as text; 12 and 12.0 (an integer beside missing ones) are the same."""
    if isinstance(cell, float | np.floating) and float(cell).is_integer():
        return str(int(cell))
    return str(cell)


def cells(series: pd.Series) -> Iterator[object]:
    """Yield the cells as Python objects; numpy's scalars become Python's."""
    for cell in series.astype(object).array:
        yield cell.item() if isinstance(cell, np.generic) and not isinstance(cell, np.datetime64) else cell


def _quick(series: pd.Series, kind: Type) -> pl.Series | None:
    """Convert whole columns of the usual types at once; None if there is doubt, or for any other type."""
    dtype = series.dtype
    if isinstance(kind, Bool) and dtype == np.dtype(bool):
        return pl.Series(series.to_numpy())
    if isinstance(kind, Number) and isinstance(dtype, np.dtype) and dtype.kind in "iu" and len(series):
        power = 10**kind.scale
        values = series.to_numpy()
        if kind.low <= int(values.min()) * power and int(values.max()) * power <= kind.high:
            whole: pl.Series = pl.Series(values.astype(np.int64)) * power
            return whole
    if isinstance(kind, Date) and isinstance(dtype, np.dtype) and dtype.kind == "M":
        values = series.to_numpy()
        days = values.astype("datetime64[D]")
        usual = (days >= _FIRST_DAY) & (days <= _LAST_DAY) & (days == values)
        if bool((np.isnat(values) | usual).all()):
            return pl.Series(days).cast(pl.Date)
    return None


def _converter(kind: Type, vocabulary: Vocabulary) -> Callable[[object], object]:
    if isinstance(kind, Bool):
        return _truth
    if isinstance(kind, Number):
        return lambda cell: _number(cell, kind)
    if isinstance(kind, Date):
        return _day
    if isinstance(kind, Code):
        return lambda cell: _code(cell, kind, vocabulary)
    return lambda cell: _text(cell, kind)


def _truth(cell: object) -> bool:
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, str | int):
        word = str(cell).strip()
        if word in YES_WORDS:
            return True
        if word in NO_WORDS:
            return False
    raise _wrong_type(Bool())


def _number(cell: object, kind: Number) -> int:
    if isinstance(cell, bool):
        raise _wrong_type(kind)
    if isinstance(cell, float):
        scaled = _exact(cell, kind)
    elif isinstance(cell, int | Decimal):
        scaled = _scaled(Decimal(cell), kind)
    elif isinstance(cell, str) and _NUMBER.fullmatch(cell.strip()):
        scaled = _scaled(Decimal(cell.strip()), kind)
    else:
        raise _wrong_type(kind)
    if not kind.low <= scaled <= kind.high:
        raise _out_of_range(kind)
    return scaled


def _scaled(number: Decimal, kind: Number) -> int:
    try:
        scaled = Fraction(number) * 10**kind.scale
    except (ValueError, OverflowError, InvalidOperation):  # infinite
        raise _out_of_range(kind) from None
    if scaled.denominator != 1:
        raise Unfit(
            "too-many-decimals",
            f"至多 {kind.scale} 位小数：先按政策规定取整",
            f"at most {kind.scale} decimals: round it first as the rules say",
        )
    return int(scaled.numerator)


def _exact(cell: float, kind: Number) -> int:
    scaled = Fraction(cell) * 10**kind.scale if np.isfinite(cell) else None
    if scaled is None or abs(scaled) > _EXACT:
        raise _out_of_range(kind)
    if scaled.denominator != 1:
        raise Unfit(
            "binary-float",
            "二进制浮点数不能准确表示它：用 Decimal 或文字（如 dtype=str 读入），不要用 float",
            "a binary float cannot hold it exactly: use Decimal or text (read the column with dtype=str), not float",
        )
    return int(scaled.numerator)


def _day(cell: object) -> date:
    if isinstance(cell, np.datetime64):
        cell = pd.Timestamp(cell)
    if isinstance(cell, datetime):
        if cell.tzinfo is not None or cell != datetime(cell.year, cell.month, cell.day):
            raise Unfit(
                "not-a-day",
                "应为不带时区和时刻的日期：用 .dt.tz_localize(None).dt.normalize()",
                "a day has no time and no zone: use .dt.tz_localize(None).dt.normalize()",
            )
        return cell.date()
    if isinstance(cell, date):
        return cell
    written = _DAY.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if written is not None:
        try:
            return date(int(written[1]), int(written[3]), int(written[4]))
        except ValueError:
            raise Unfit("no-such-day", "日历上没有这一天", "the calendar has no such day") from None
    raise _wrong_type(Date())


def _code(cell: object, kind: Code, vocabulary: Vocabulary) -> str:
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise _wrong_type(kind)
    if isinstance(cell, float) and not cell.is_integer():
        raise _wrong_type(kind)
    code = identifier(cell).strip()
    code_set = vocabulary.code_sets.get(kind.code_set)
    if code_set is not None and not is_code(code, code_set):
        suggestion = did_you_mean(code, code_set.codes)
        listed = ", ".join(list(code_set.codes)[:8])
        raise Unfit(
            "unknown-code",
            f"是否想写 `{suggestion}`？" if suggestion else f"可用的有：{listed}",
            f"did you mean `{suggestion}`?" if suggestion else f"there are, among others: {listed}",
        )
    return code


def _text(cell: object, kind: Type) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    raise _wrong_type(kind)


def _wrong_type(kind: Type) -> Unfit:
    remedies = {
        Bool: ("写 True 或 False；缺失写 None", "write True or False, and None where it is not known"),
        Number: ("用 int、Decimal 或 12.34 这样的文字", "use int, Decimal, or text such as 12.34"),
        Date: ("用 datetime64、date 或 2026-05-20 这样的文字", "use datetime64, date, or text such as 2026-05-20"),
    }
    zh, en = remedies.get(type(kind), ("写成文字，例如用 .astype('string')", "make it text, with .astype('string')"))
    return Unfit("wrong-type", zh, en)


def _out_of_range(kind: Number) -> Unfit:
    least, most = (Decimal(bound).scaleb(-kind.scale) for bound in (kind.low, kind.high))
    return Unfit("out-of-range", f"目录声明的范围是 {least} 至 {most}", f"the catalog allows {least} to {most}")


def _diagnostic(column: Column, kind: Type, faults: list[tuple[int, object, Unfit]]) -> Diagnostic:
    number, cell, fault = faults[0]
    label, shown, expected = column.cells.index[number], shortened(repr(cell)), type_name(kind)
    more = len(faults) - 1
    zh = f"{column.place.zh}第 `{label}` 行是 {shown}，应为{expected.zh}"
    en = f"{column.place.en}, row `{label}`: found {shown}, expected {expected.en}"
    if more:
        zh, en = f"{zh}（另有 {more} 行有误）", f"{en} (and so on in {more} more)"
    return Diagnostic(fault.code, Bilingual(zh, en), fault.help)
