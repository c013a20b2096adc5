"""One tree to one column expression (Narwhals), equal in meaning to the interpreter.

Booleans follow Kleene's logic by themselves in Polars; every other node gets its unknowns here. Dates are
day numbers, except stored dates, which stay native as long as they are only compared or taken apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

import narwhals as nw

from engine.civil_days import civil_from_days, days_from_civil, last_day_of_month
from engine.columnar_dates import (
    FIRST_DAY,
    LAST_DAY,
    as_date_comparison,
    day_numbers,
    day_range,
    native_parts,
)
from engine.columnar_interning import Interner
from engine.columnar_scopes import ITSELF, Fold, FoldGroup, Scope, Scopes, carry
from engine.columnar_tables import lookup, prefix_lookup, starts_with_any
from engine.interpreter_values import TURNED, Surroundings, evaluate
from policies.tree import (
    Add,
    AddMonths,
    Aggregate,
    And,
    Attribute,
    Compare,
    CompareRatio,
    DatePart,
    If,
    In,
    Lookup,
    Maximum,
    Minimum,
    MonthsBetween,
    Multiply,
    Named,
    Node,
    Not,
    Or,
    PrefixLookup,
    Round,
    Subtract,
    Within,
    walk,
)
from policies.types import Bool, Code, Date, Number, Text, Type, Value, from_day_number


def column_type(type_: Type) -> type[nw.Boolean | nw.Int64 | nw.String]:
    """Return the column type of computed values: dates are day numbers here."""
    if isinstance(type_, Bool):
        return nw.Boolean
    if isinstance(type_, Number | Date):
        return nw.Int64
    assert isinstance(type_, Text | Code)
    return nw.String


def constant(type_: Type, value: Value) -> nw.Expr:
    """Return a literal of the right column type."""
    return nw.lit(value, dtype=column_type(type_)) if value is not None else nw.lit(None, column_type(type_))


class ExpressionCompiler:
    """Compiles trees to expressions; equal trees in one scope are compiled once."""

    def __init__(self, scopes: Scopes) -> None:
        self.scopes = scopes
        self.interner = Interner()
        self._compiled: dict[tuple[int, int], nw.Expr] = {}
        self._kept: dict[tuple[int, int], nw.Expr] = {}
        self._folds: dict[tuple[int, int], str] = {}
        self._groups: dict[tuple[int, int, int, tuple[str, ...]], FoldGroup] = {}
        self._scopes: list[Scope] = []  # keeps the ids in the keys above unique

    def compile(self, node: Node, scope: Scope) -> nw.Expr:
        """Return the expression of `node` over the frame of `scope`.

        Raises PolicyError if the tree names what the vocabulary does not hold.
        """
        key = (id(scope), self.interner.number(node))
        if key not in self._compiled:
            self._scopes.append(scope)
            if self.interner.is_constant(node):
                found = constant(node.type, self.constant_value(node))
            else:
                found = _COMPILERS[type(node)](self, node, scope)
            self._compiled[key] = found
        return self._compiled[key]

    def constant_value(self, node: Node) -> Value:
        """Return the value of a node that reads no data."""
        return evaluate(node, Surroundings((), False, {}, None)).value

    def keep(self, expression: nw.Expr, scope: Scope) -> nw.Expr:
        """Make an intermediate column of `expression`, because it will be used several times."""
        name = self.scopes.new_column("d")
        scope.derived.append((name, expression))
        return nw.col(name)

    def once(self, node: Node, scope: Scope) -> nw.Expr:
        """Return the expression of an operand that is used several times: a column unless it is simple."""
        inner = node
        while isinstance(inner, Named):
            inner = inner.child
        simple = isinstance(inner, Attribute | Aggregate) or self.interner.is_constant(inner)
        if simple:
            return self.compile(node, scope)
        key = (id(scope), self.interner.number(node))
        if key not in self._kept:
            self._kept[key] = self.keep(self.compile(node, scope), scope)
        return self._kept[key]

    def all_of(self, nodes: Sequence[Node], scope: Scope) -> nw.Expr:
        """Return the conjunction of several conditions."""
        return reduce(and_, (self.compile(node, scope) for node in nodes))

    def column(self, node: Attribute, scope: Scope) -> nw.Expr:
        """Return the stored column of an attribute, native dates included."""
        return nw.col(self.scopes.column(scope.stack[node.depth], node.path, scope))

    def stored_date(self, node: Node, scope: Scope) -> nw.Expr | None:
        """Return the native column if `node` is a stored date."""
        while isinstance(node, Named):
            node = node.child
        if isinstance(node, Attribute) and isinstance(node.type, Date):
            return self.column(node, scope)
        return None

    def date_parts(self, node: Node, scope: Scope) -> tuple[Any, Any, Any]:
        """Return year, month and day: Python integers if constant, expressions otherwise."""
        if self.interner.is_constant(node):
            day = self.constant_value(node)
            if day is not None:
                return civil_from_days(int(day))
        stored = self.stored_date(node, scope)
        if stored is not None:
            return native_parts(stored)
        return civil_from_days(self.once(node, scope), keep=lambda part: self.keep(part, scope))

    def column_of_aggregate(self, node: Aggregate, scope: Scope) -> str:
        """Return the column of `scope`'s frame that holds an aggregate's result."""
        self.compile(node, scope)
        return self._folds[id(scope), self.interner.number(node)]

    def remember_fold(self, node: Aggregate, scope: Scope, column: str) -> None:
        """Note where the result of an aggregate is found in the frame of `scope`."""
        self._folds[id(scope), self.interner.number(node)] = column

    def fold_group(self, node: Aggregate, scope: Scope) -> FoldGroup:
        """Return the group that works out `node`, registered with the scope it is attached to."""
        depth, mixed = _reach(node)
        attached, origin = scope.stack[depth], scope.stack[node.from_depth]
        key = (id(attached), id(origin), node.depth, node.path)
        if not mixed and key in self._groups:
            return self._groups[key]
        links, name = node.path[:-1], node.path[-1]
        owner_space = self.scopes.space_at(origin, links)
        owner = self.scopes.column(origin, (*links, ITSELF), attached)
        items = self.scopes.items(attached, scope.stack[: node.depth], owner_space, name)
        group = FoldGroup(items, owner, owner_space)
        self._scopes += [attached, origin, items]
        if not mixed:
            self._groups[key] = group
            attached.groups.append(group)
        return group


def _reach(node: Aggregate) -> tuple[int, bool]:
    """Return the deepest outer scope that `node` depends on, and whether an aggregate inside looks outward.

    Only what looks outward must wait for other aggregates; it gets a group of its own.
    """
    depth, mixed = node.from_depth, False
    for inner in walk(node):
        if isinstance(inner, Attribute) and inner.depth < node.depth:
            depth = max(depth, inner.depth)
        elif isinstance(inner, Aggregate) and inner is not node:
            if inner.from_depth < node.depth:
                depth = max(depth, inner.from_depth)
            mixed = mixed or _reach(inner)[0] < node.depth
    return depth, mixed


def _attribute(compiler: ExpressionCompiler, node: Attribute, scope: Scope) -> nw.Expr:
    column = compiler.column(node, scope)
    return day_numbers(column) if isinstance(node.type, Date) else column


def _named(compiler: ExpressionCompiler, node: Named, scope: Scope) -> nw.Expr:
    return compiler.compile(node.child, scope)


def _not(compiler: ExpressionCompiler, node: Not, scope: Scope) -> nw.Expr:
    return ~compiler.compile(node.child, scope)


def _and(compiler: ExpressionCompiler, node: And, scope: Scope) -> nw.Expr:
    return compiler.all_of(node.children, scope)


def _or(compiler: ExpressionCompiler, node: Or, scope: Scope) -> nw.Expr:
    return reduce(or_, (compiler.compile(child, scope) for child in node.children))


_OPERATORS: dict[str, Callable[[Any, Any], nw.Expr]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}


def _compare(compiler: ExpressionCompiler, node: Compare, scope: Scope) -> nw.Expr:
    dates = as_date_comparison(node, compiler.interner)
    if dates is not None:
        attribute, first, last = dates
        return day_range(compiler.column(attribute, scope), first, last)
    left, right = (_native_side(compiler, side, scope) for side in (node.left, node.right))
    if left is None or right is None:
        left, right = compiler.compile(node.left, scope), compiler.compile(node.right, scope)
    return _OPERATORS[node.operator](left, right)


def _native_side(compiler: ExpressionCompiler, node: Node, scope: Scope) -> nw.Expr | None:
    stored = compiler.stored_date(node, scope)
    if stored is None and isinstance(node.type, Date) and compiler.interner.is_constant(node):
        day = compiler.constant_value(node)
        if day is not None and FIRST_DAY <= int(day) <= LAST_DAY:
            return nw.lit(from_day_number(int(day)))
    return stored


def _compare_ratio(compiler: ExpressionCompiler, node: CompareRatio, scope: Scope) -> nw.Expr:
    compare, turned = _OPERATORS[node.operator], _OPERATORS[TURNED[node.operator]]
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


def _add(compiler: ExpressionCompiler, node: Add, scope: Scope) -> nw.Expr:
    return compiler.compile(node.left, scope) + compiler.compile(node.right, scope)


def _subtract(compiler: ExpressionCompiler, node: Subtract, scope: Scope) -> nw.Expr:
    return compiler.compile(node.left, scope) - compiler.compile(node.right, scope)


def _multiply(compiler: ExpressionCompiler, node: Multiply, scope: Scope) -> nw.Expr:
    return compiler.compile(node.left, scope) * compiler.compile(node.right, scope)


def _round(compiler: ExpressionCompiler, node: Round, scope: Scope) -> nw.Expr:
    numerator = compiler.once(node.numerator, scope)
    if compiler.interner.is_constant(node.denominator):
        value = compiler.constant_value(node.denominator)
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


def _extreme(compiler: ExpressionCompiler, node: Minimum | Maximum, scope: Scope) -> nw.Expr:
    parts = [compiler.once(child, scope) for child in node.children]
    together = nw.min_horizontal(*parts) if isinstance(node, Minimum) else nw.max_horizontal(*parts)
    varying = [
        part
        for part, child in zip(parts, node.children, strict=True)
        if not (compiler.interner.is_constant(child) and compiler.constant_value(child) is not None)
    ]
    unknown = reduce(or_, (part.is_null() for part in varying))
    return nw.when(~unknown).then(together).otherwise(nw.lit(None, column_type(node.type)))


def _if(compiler: ExpressionCompiler, node: If, scope: Scope) -> nw.Expr:
    if compiler.interner.is_constant(node.condition):
        holds = compiler.constant_value(node.condition)
        if holds is None:
            return constant(node.type, None)
        return compiler.compile(node.then if holds else node.otherwise, scope)
    condition = compiler.once(node.condition, scope)
    then, otherwise = compiler.compile(node.then, scope), compiler.compile(node.otherwise, scope)
    return nw.when(condition).then(then).when(~condition).then(otherwise).otherwise(constant(node.type, None))


def _in(compiler: ExpressionCompiler, node: In, scope: Scope) -> nw.Expr:
    child = compiler.compile(node.child, scope)
    return child == node.values[0] if len(node.values) == 1 else child.is_in(list(node.values))


def _within(compiler: ExpressionCompiler, node: Within, scope: Scope) -> nw.Expr:
    return starts_with_any(compiler.once(node.child, scope), node.prefixes)


def _date_part(compiler: ExpressionCompiler, node: DatePart, scope: Scope) -> nw.Expr:
    part: nw.Expr = compiler.date_parts(node.child, scope)[("year", "month", "day").index(node.part)]
    return part


def _months_between(compiler: ExpressionCompiler, node: MonthsBetween, scope: Scope) -> nw.Expr:
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


def _add_months(compiler: ExpressionCompiler, node: AddMonths, scope: Scope) -> nw.Expr:
    for side in (node.date, node.months):
        if compiler.interner.is_constant(side) and compiler.constant_value(side) is None:
            return nw.lit(None, nw.Int64)
    year, month, day = compiler.date_parts(node.date, scope)
    counted = compiler.keep(year * 12 + (month - 1) + compiler.compile(node.months, scope), scope)
    year, month = compiler.keep(counted // 12, scope), compiler.keep(counted % 12 + 1, scope)
    last_day = compiler.keep(last_day_of_month(year, month), scope)
    held = nw.min_horizontal(nw.lit(day, nw.Int64) if isinstance(day, int) else day, last_day)
    return days_from_civil(year, month, held)


def _lookup(compiler: ExpressionCompiler, node: Lookup, scope: Scope) -> nw.Expr:
    return lookup(compiler.once(node.key, scope), node, column_type(node.type))


def _prefix_lookup(compiler: ExpressionCompiler, node: PrefixLookup, scope: Scope) -> nw.Expr:
    return prefix_lookup(compiler.once(node.key, scope), node, column_type(node.type))


def _aggregate(compiler: ExpressionCompiler, node: Aggregate, scope: Scope) -> nw.Expr:
    group = compiler.fold_group(node, scope)
    attached = group.items.parent
    assert attached is not None
    filter_ = None if node.filter is None else compiler.compile(node.filter, group.items)
    value = None if node.value is None else compiler.compile(node.value, group.items)
    if group not in attached.groups:
        attached.groups.append(group)
    column = _fold_column(compiler, node, group, filter_, value)
    carry(column, attached, scope)
    compiler.remember_fold(node, scope, column)
    return nw.col(column)


def _fold_column(
    compiler: ExpressionCompiler,
    node: Aggregate,
    group: FoldGroup,
    filter_: nw.Expr | None,
    value: nw.Expr | None,
) -> str:
    """Return the column of the fold; the same aggregate seen from two scopes is worked out once."""
    for fold in group.folds:
        # Expressions are compiled once per scope and tree, so that equal folds hold the same objects.
        if fold.kind == node.kind and fold.filter is filter_ and fold.value is value:
            return fold.column
    column = compiler.scopes.new_column("a")
    group.folds.append(Fold(column, node.type, node.kind, filter_, value))
    return column


_COMPILERS: dict[type, Callable[[ExpressionCompiler, Any, Scope], nw.Expr]] = {
    Attribute: _attribute,
    Named: _named,
    Not: _not,
    And: _and,
    Or: _or,
    Compare: _compare,
    CompareRatio: _compare_ratio,
    Add: _add,
    Subtract: _subtract,
    Multiply: _multiply,
    Round: _round,
    Minimum: _extreme,
    Maximum: _extreme,
    If: _if,
    In: _in,
    Within: _within,
    DatePart: _date_part,
    MonthsBetween: _months_between,
    AddMonths: _add_months,
    Lookup: _lookup,
    PrefixLookup: _prefix_lookup,
    Aggregate: _aggregate,
}
