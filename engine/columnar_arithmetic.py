"""Sums, quotients and extremes as column expressions, exact in 64-bit integers."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import narwhals as nw

from engine.columnar_types import OPERATORS, column_type
from engine.interpreter_values import TURNED
from policies.tree import (
    Add,
    CompareRatio,
    Maximum,
    Minimum,
    Multiply,
    Round,
    RoundingMode,
    Subtract,
)
from policies.types import INT64_HIGH, Number, Value

if TYPE_CHECKING:
    from engine.columnar_expressions import ExpressionCompiler
    from engine.columnar_scopes import Scope


def add(compiler: ExpressionCompiler, node: Add, scope: Scope) -> nw.Expr:
    return compiler.compile(node.left, scope) + compiler.compile(node.right, scope)


def subtract(compiler: ExpressionCompiler, node: Subtract, scope: Scope) -> nw.Expr:
    return compiler.compile(node.left, scope) - compiler.compile(node.right, scope)


def multiply(compiler: ExpressionCompiler, node: Multiply, scope: Scope) -> nw.Expr:
    return compiler.compile(node.left, scope) * compiler.compile(node.right, scope)


def _is_plain_quotient(node: Round, divisor: Value) -> bool:
    """Return True if the ranges proved by the checker leave neither signs nor 64 bits to care for."""
    if not divisor or int(divisor) < 0:
        return False
    bounds = node.numerator.type
    proved = isinstance(bounds, Number) and bounds.low >= 0 and bounds.high + int(divisor) <= INT64_HIGH
    return node.mode == "floor" or proved


def _plain_quotient(numerator: nw.Expr, divisor: int, mode: RoundingMode) -> nw.Expr:
    added = {"floor": 0, "down": 0, "up": divisor - 1, "half_up": divisor // 2}[mode]
    raised = numerator + nw.lit(added, nw.Int64) if added else numerator
    return raised // nw.lit(divisor, nw.Int64)


def round_(compiler: ExpressionCompiler, node: Round, scope: Scope) -> nw.Expr:
    if compiler.interner.is_constant(node.denominator):
        value = compiler.constant_value(node.denominator)
        if _is_plain_quotient(node, value):
            return _plain_quotient(compiler.compile(node.numerator, scope), int(value or 1), node.mode)
    numerator = compiler.once(node.numerator, scope)
    if compiler.interner.is_constant(node.denominator):
        if not value:
            return nw.lit(None, nw.Int64)
        divisor, size = nw.lit(int(value), nw.Int64), nw.lit(abs(int(value)), nw.Int64)
        negative = numerator < 0 if int(value) > 0 else numerator > 0
    else:
        given = compiler.once(node.denominator, scope)
        # Without this guard a zero divisor would be an error on backends stricter than Polars.
        divisor = compiler.keep(nw.when(given != 0).then(given).otherwise(nw.lit(None, nw.Int64)), scope)
        size = divisor.abs()
        negative = (numerator < 0) != (divisor < 0)
    quotient = numerator // divisor
    if node.mode == "floor":
        return quotient
    quotient = compiler.keep(quotient, scope)
    rest = compiler.keep((numerator - quotient * divisor).abs(), scope)
    if node.mode == "down":
        step = (rest > 0) & negative
    elif node.mode == "up":
        step = (rest > 0) & ~negative
    else:
        # The quotient was rounded to minus infinity; a tie goes away from zero. No doubling: no overflow.
        left_over = rest - size
        step = ((rest + left_over > 0) & negative) | ((rest + left_over >= 0) & ~negative)
    return quotient + step.cast(nw.Int64)


def extreme(compiler: ExpressionCompiler, node: Minimum | Maximum, scope: Scope) -> nw.Expr:
    parts = [compiler.once(child, scope) for child in node.children]
    together = nw.min_horizontal(*parts) if isinstance(node, Minimum) else nw.max_horizontal(*parts)
    varying = [
        part
        for part, child in zip(parts, node.children, strict=True)
        if not (compiler.interner.is_constant(child) and compiler.constant_value(child) is not None)
    ]
    unknown = reduce(or_, (part.is_null() for part in varying))
    return nw.when(~unknown).then(together).otherwise(nw.lit(None, column_type(node.type)))


def compare_ratio(compiler: ExpressionCompiler, node: CompareRatio, scope: Scope) -> nw.Expr:
    compare, turned = OPERATORS[node.operator], OPERATORS[TURNED[node.operator]]
    if compiler.interner.is_constant(node.denominator):
        denominator = compiler.constant_value(node.denominator)
        if not denominator:
            return nw.lit(None, nw.Boolean)
        product = compiler.compile(node.right, scope) * int(denominator)
        chosen = compare if int(denominator) > 0 else turned
        return chosen(compiler.compile(node.numerator, scope), product)
    numerator = compiler.once(node.numerator, scope)
    divisor = compiler.once(node.denominator, scope)
    product = compiler.once(node.right, scope) * divisor
    return (
        nw.when(divisor > 0)
        .then(compare(numerator, product))
        .when(divisor < 0)
        .then(turned(numerator, product))
        .otherwise(nw.lit(None, nw.Boolean))
    )
