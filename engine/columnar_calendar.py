"""Dates as column expressions: parts, completed months, and months added."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

from engine.civil_days import days_from_civil, last_day_of_month
from policies.tree import AddMonths, DatePart, MonthsBetween

if TYPE_CHECKING:
    from engine.columnar_expressions import ExpressionCompiler
    from engine.columnar_scopes import Scope


def date_part(compiler: ExpressionCompiler, node: DatePart, scope: Scope) -> nw.Expr:
    part: nw.Expr = compiler.date_parts(node.child, scope)[("year", "month", "day").index(node.part)]
    return part


def months_between(compiler: ExpressionCompiler, node: MonthsBetween, scope: Scope) -> nw.Expr:
    for side in (node.start, node.end):
        if compiler.interner.is_constant(side) and compiler.constant_value(side) is None:
            return nw.lit(None, nw.Int64)
    start_year, start_month, start_day = compiler.date_parts(node.start, scope)
    end_year, end_month, end_day = compiler.date_parts(node.end, scope)
    months: nw.Expr = (end_year * 12 + end_month) - (start_year * 12 + start_month)
    last_day = last_day_of_month(end_year, end_month)
    if isinstance(end_day, int):
        incomplete = None if end_day == last_day else start_day > end_day
    else:
        incomplete = (end_day < start_day) & (end_day != last_day)
    return months if incomplete is None else months - incomplete.cast(nw.Int64)


def add_months(compiler: ExpressionCompiler, node: AddMonths, scope: Scope) -> nw.Expr:
    for side in (node.date, node.months):
        if compiler.interner.is_constant(side) and compiler.constant_value(side) is None:
            return nw.lit(None, nw.Int64)
    year, month, day = compiler.date_parts(node.date, scope)
    counted = compiler.keep(year * 12 + (month - 1) + compiler.compile(node.months, scope), scope)
    year, month = compiler.keep(counted // 12, scope), compiler.keep(counted % 12 + 1, scope)
    last_day = compiler.keep(last_day_of_month(year, month), scope)
    held = nw.min_horizontal(nw.lit(day, nw.Int64) if isinstance(day, int) else day, last_day)
    return days_from_civil(year, month, held)
