"""Functions of dates: parts, completed years and months, and days ahead."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from policies.operands import integer_literal, number_of, type_name, type_of
from policies.operators import DATE_DIFFERENCE, day_count
from policies.tree import Add, AddMonths, DatePart, MonthsBetween, Multiply, Node, Round, Subtract
from policies.tree import Literal as Constant
from policies.types import Date, Number

if TYPE_CHECKING:
    from policies.expression import Lowering

MONTHS_LIMIT, YEARS_LIMIT = 36_000, 3_000
MONTH_SPAN = 26_400  # more months than lie between the first and the last day of the calendar

Lower = Callable[["Lowering", ast.Call], Node]


def _day(lowering: Lowering, node: ast.expr) -> Node:
    found = lowering.lower(node)
    kind = type_of(found)
    if isinstance(kind, Date):
        return found  # type: ignore[return-value]
    spot = lowering.source.at(node)
    name = type_name(kind)
    raise spot.error(
        "wrong-type",
        f"`{spot.text}` 是{name.zh}，这里需要日期",
        f"`{spot.text}` is {name.en}; a date is needed here",
        "日期写成 date(2025, 1, 1)、on，或用日期属性",
        "write date(2025, 1, 1) or on, or use an attribute that is a date",
    )


def _part(part: str, low: int, high: int) -> Lower:
    def lower(lowering: Lowering, node: ast.Call) -> Node:
        return DatePart(Number(0, None, low, high), part, _day(lowering, node.args[0]))  # type: ignore[arg-type]

    return lower


def _months_between(lowering: Lowering, node: ast.Call) -> Node:
    start, end = _day(lowering, node.args[0]), _day(lowering, node.args[1])
    return MonthsBetween(Number(0, "months", -MONTH_SPAN, MONTH_SPAN), start, end)


def _years_between(lowering: Lowering, node: ast.Call) -> Node:
    months = _months_between(lowering, node)
    span = MONTH_SPAN // 12
    return Round(Number(0, "years", -span, span), months, integer_literal(12), "floor")


def _calendar_months(lowering: Lowering, node: ast.Call) -> Node:
    start, end = _day(lowering, node.args[0]), _day(lowering, node.args[1])
    years = Number(0, None, -3_000, 3_000)
    year, month = Number(0, None, 0, 9_999), Number(0, None, 1, 12)
    whole = Subtract(years, DatePart(year, "year", end), DatePart(year, "year", start))
    rest = Subtract(Number(0, None, -11, 11), DatePart(month, "month", end), DatePart(month, "month", start))
    wide = Number(0, None, -MONTH_SPAN, MONTH_SPAN)
    sum_of_both = Add(wide, Multiply(wide, whole, integer_literal(12)), rest)
    return Add(Number(0, "months", -MONTH_SPAN, MONTH_SPAN), sum_of_both, integer_literal(1))


def _days_between(lowering: Lowering, node: ast.Call) -> Node:
    start, end = _day(lowering, node.args[0]), _day(lowering, node.args[1])
    return Subtract(Number(0, "days", -DATE_DIFFERENCE, DATE_DIFFERENCE), end, start)


def _add_days(lowering: Lowering, node: ast.Call) -> Node:
    start = _day(lowering, node.args[0])
    return Add(Date(), start, day_count(lowering.lower(node.args[1]), lowering.source.at(node.args[1])))


def _add_months(lowering: Lowering, node: ast.Call) -> Node:
    start = _day(lowering, node.args[0])
    spot = lowering.source.at(node.args[1])
    return AddMonths(Date(), start, day_count(lowering.lower(node.args[1]), spot, "months", MONTHS_LIMIT))


def _add_years(lowering: Lowering, node: ast.Call) -> Node:
    start = _day(lowering, node.args[0])
    spot = lowering.source.at(node.args[1])
    years = day_count(lowering.lower(node.args[1]), spot, "years", YEARS_LIMIT)
    kind = number_of(years)
    if isinstance(years, Constant) and isinstance(years.value, int):
        return AddMonths(Date(), start, integer_literal(12 * years.value))
    months = Multiply(Number(0, None, 12 * kind.low, 12 * kind.high), years, integer_literal(12))
    return AddMonths(Date(), start, months)


def month_start(day: Node) -> Node:
    """Return the first day of the month of `day`."""
    back = Subtract(Number(0, "days", 0, 30), DatePart(Number(0, "days", 1, 31), "day", day), integer_literal(1))
    return Subtract(Date(), day, back)


def month_end(day: Node) -> Node:
    """Return the last day of the month of `day`."""
    next_month = AddMonths(Date(), month_start(day), integer_literal(1))
    return Subtract(Date(), next_month, integer_literal(1, "days"))


DATE_FUNCTIONS: dict[str, tuple[int, int, str, Lower]] = {
    "year": (1, 1, "year(date)", _part("year", 0, 9_999)),
    "month": (1, 1, "month(date)", _part("month", 1, 12)),
    "day": (1, 1, "day(date)", _part("day", 1, 31)),
    "years_between": (2, 2, "years_between(earlier, later)", _years_between),
    "months_between": (2, 2, "months_between(earlier, later)", _months_between),
    "calendar_months": (2, 2, "calendar_months(earlier, later)", _calendar_months),
    "days_between": (2, 2, "days_between(earlier, later)", _days_between),
    "add_years": (2, 2, "add_years(date, n)", _add_years),
    "add_months": (2, 2, "add_months(date, n)", _add_months),
    "add_days": (2, 2, "add_days(date, n)", _add_days),
    "month_start": (
        1,
        1,
        "month_start(date)",
        lambda lowering, node: month_start(_day(lowering, node.args[0])),
    ),
    "month_end": (1, 1, "month_end(date)", lambda lowering, node: month_end(_day(lowering, node.args[0]))),
}
