"""Dates in the columnar compiler: parts of dates, and comparisons of ages turned into date comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import narwhals as nw

from engine.columnar_interning import Interner
from engine.decision import Facts
from engine.interpreter_values import Surroundings, evaluate
from policies.tree import (
    Add,
    AddMonths,
    Attribute,
    Compare,
    DatePart,
    Maximum,
    Minimum,
    MonthsBetween,
    Multiply,
    Named,
    Node,
    Round,
    Subtract,
)
from policies.types import Date, Value, from_day_number, to_day_number

FIRST_DAY, LAST_DAY = to_day_number(date.min), to_day_number(date.max)


@dataclass(frozen=True, slots=True)
class _OneDate:
    """Facts that answer every question with one day number."""

    day: int

    def value(self, path: tuple[str, ...]) -> Value:
        return self.day

    def items(self, path: tuple[str, ...]) -> Sequence[Facts] | None:
        return None


def as_date_comparison(node: Compare, interner: Interner) -> tuple[Attribute, int | None, int | None] | None:
    """Return (date attribute, first day, last day) such that `node` is true exactly on those days, or None.

    Ages, completed months and days between are monotone in the date they start from, so that comparing
    them with a constant is the same as comparing the date with a boundary, which is found by bisection
    with the interpreter itself. None as a bound means no bound on that side; first > last: never true.
    Only for `<`, `<=`, `>`, `>=`.
    """
    if node.operator in ("==", "!="):
        return None
    attribute = _only_date(node.left, interner) if interner.is_constant(node.right) else None
    if attribute is None and interner.is_constant(node.left):
        attribute = _only_date(node.right, interner)
    if attribute is None:
        return None
    first_holds, last_holds = _holds(node, attribute, FIRST_DAY), _holds(node, attribute, LAST_DAY)
    if first_holds is None or last_holds is None:
        return None
    if first_holds == last_holds:
        return (attribute, None, None) if first_holds else (attribute, 1, 0)
    low, high = FIRST_DAY, LAST_DAY  # the answer changes once between them
    while high - low > 1:
        middle = (low + high) // 2
        if _holds(node, attribute, middle) == first_holds:
            low = middle
        else:
            high = middle
    return (attribute, None, low) if first_holds else (attribute, high, None)


def _holds(node: Compare, attribute: Attribute, day: int) -> bool | None:
    facts: tuple[Facts, ...] = (_OneDate(day),) * (attribute.depth + 1)
    value = evaluate(node, Surroundings(facts, False, {}, None)).value
    return None if value is None else bool(value)


def _only_date(node: Node, interner: Interner) -> Attribute | None:
    """Return the one date attribute that `node` is a monotone function of, or None."""
    match node:
        case Attribute(type=Date()):
            return node
        case Named(child=child) | DatePart(part="year", child=child):
            return _only_date(child, interner)
        case (
            Add(left=left, right=right)
            | Subtract(left=left, right=right)
            | Multiply(left=left, right=right)
            | Minimum(children=(left, right))
            | Maximum(children=(left, right))
            | MonthsBetween(start=left, end=right)
        ):
            if interner.is_constant(left):
                return _only_date(right, interner)
            return _only_date(left, interner) if interner.is_constant(right) else None
        case AddMonths(date=left, months=right) | Round(numerator=left, denominator=right):
            return _only_date(left, interner) if interner.is_constant(right) else None
    return None


def day_range(column: nw.Expr, first: int | None, last: int | None) -> nw.Expr:
    """Return whether a native date column lies from `first` to `last` (None: no bound), both inclusive."""
    if first is None and last is None:
        return column >= nw.lit(date.min)
    if first is not None and last is not None and first > last:
        return column < nw.lit(date.min)
    lower = None if first is None else column >= nw.lit(from_day_number(first))
    if last is None:
        assert lower is not None
        return lower
    upper = column <= nw.lit(from_day_number(last))
    return upper if lower is None else lower & upper


def day_numbers(column: nw.Expr) -> nw.Expr:
    """Return a native date column as day numbers since 1970-01-01."""
    return column.cast(nw.Int32).cast(nw.Int64)


def native_parts(column: nw.Expr) -> tuple[nw.Expr, nw.Expr, nw.Expr]:
    """Return year, month and day of a native date column, as 64-bit integers."""
    return (
        column.dt.year().cast(nw.Int64),
        column.dt.month().cast(nw.Int64),
        column.dt.day().cast(nw.Int64),
    )
