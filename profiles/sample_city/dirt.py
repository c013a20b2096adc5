"""Mistakes as extracts really hold them: one in each soiled row, of a kind that intake can name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from policies.types import Bool, Code, Date, Number
from profiles.catalog_model import Source, SourceField
from profiles.identity import CREDIT_ALPHABET
from profiles.sample_city.chance import Numbers
from profiles.sample_city.writing import FORMATS, is_typed

_FORMULA = "=cmd()"
Change = Callable[[pl.Expr], pl.Expr]


@dataclass(frozen=True, slots=True)
class Soiled:
    """The rows with their mistakes, and how many rows carry each (by intake's word for the reason)."""

    rows: pl.DataFrame
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Mistake:
    reason: str
    column: str
    change: Change


def soil(source: Source, written: pl.DataFrame, chance: np.random.Generator, share: float, on: date) -> Soiled:
    """Return `written` with about `share` of its rows spoilt; contradicting doubles are added at the end."""
    wanted = int(written.height * share)
    mistakes = _mistakes(source, on)
    double = _field_to_contradict(source)
    kinds = len(mistakes) + (double is not None)
    if wanted == 0 or kinds == 0:
        return Soiled(written, {})
    chosen = np.sort(chance.choice(written.height, size=wanted, replace=False))
    counts: dict[str, int] = {}
    rows = written
    for number, mistake in enumerate(mistakes):
        places = chosen[number::kinds]
        if len(places):
            rows = rows.with_columns(_changed(places, rows.height, mistake))
            counts[mistake.reason] = counts.get(mistake.reason, 0) + len(places)
    if double is not None:
        doubtful = chosen[len(mistakes) :: kinds][: wanted // 3 + 1]
        rows, doubled = _with_doubles(rows, doubtful, double.column)
        if doubled:
            # Nobody can say which of two rows is right, so that both of them count.
            counts["duplicate-item" if source.kind == "collection" else "duplicate-subject"] = 2 * doubled
    return Soiled(rows, counts)


def _changed(places: Numbers, height: int, mistake: _Mistake) -> pl.Expr:
    flags = np.zeros(height, dtype=bool)
    flags[places] = True
    column = pl.col(mistake.column)
    return pl.when(pl.lit(pl.Series(flags))).then(mistake.change(column)).otherwise(column).alias(mistake.column)


def _with_doubles(rows: pl.DataFrame, places: Numbers, column: str) -> tuple[pl.DataFrame, int]:
    doubles = rows[places.tolist()]
    doubles = doubles.filter(pl.col(column).is_not_null())
    contradicting = doubles.with_columns(pl.lit(None, dtype=rows.schema[column]).alias(column))
    return pl.concat([rows, contradicting]), doubles.height


def _field_to_contradict(source: Source) -> SourceField | None:
    return next((field for field in source.fields if not field.required), None)


def _mistakes(source: Source, on: date) -> list[_Mistake]:
    """Return the mistakes that rows of `source` can carry."""
    found: list[_Mistake] = []
    if source.space in ("citizen", "enterprise"):
        alphabet = "0123456789X" if source.space == "citizen" else CREDIT_ALPHABET
        following = {one: alphabet[(place + 1) % len(alphabet)] for place, one in enumerate(alphabet)}
        found.append(_Mistake("wrong-checksum", source.key, lambda text: _next_check(text, following)))
    if is_typed(source):
        return found
    # A workbook would take the formula for one; there it could not be told from a computed cell.
    if FORMATS.get(source.id) != "xlsx":
        found.append(_Mistake("formula-in-cell", _formula_column(source), _put(_FORMULA)))
    attributes = [field for field in source.fields if field.role == "attribute"]
    kinds: tuple[tuple[type, str, str], ...] = (
        (Code, "unknown-code", "无此代码"),
        (Number, "not-a-number", "约三成"),
        (Bool, "not-a-boolean", "也许"),
    )
    for kind, reason, text in kinds:
        field = next((one for one in attributes if isinstance(one.type, kind)), None)
        if field is not None:
            found.append(_Mistake(reason, field.column, _put(text)))
    dated = next((one for one in attributes if isinstance(one.type, Date)), None)
    if dated is not None:
        pattern = dated.date_formats[0]
        impossible = pattern.replace("%Y", "1999").replace("%m", "02").replace("%d", "30")
        found.append(_Mistake("impossible-date", dated.column, _put(impossible)))
        if dated.attribute == "birth_date":
            later = (on + timedelta(days=400)).strftime(pattern)
            found.append(_Mistake("future-birth", dated.column, _put(later)))
    return found


def _formula_column(source: Source) -> str:
    """The column in which a formula does most harm: a name, else the identity number."""
    name = source.field_of("name")
    return name.column if name is not None else source.key


def _put(text: str) -> Change:
    return lambda _: pl.lit(text)


def _next_check(text: pl.Expr, following: dict[str, str]) -> pl.Expr:
    return pl.concat_str(text.str.slice(0, 17), text.str.slice(17, 1).replace(following))
