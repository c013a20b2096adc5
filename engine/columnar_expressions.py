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

from engine.civil_days import civil_from_days
from engine.columnar_aggregates import aggregate, reach
from engine.columnar_arithmetic import add, compare_ratio, extreme, multiply, round_, subtract
from engine.columnar_calendar import add_months, date_part, months_between
from engine.columnar_dates import (
    FIRST_DAY,
    LAST_DAY,
    as_date_comparison,
    day_numbers,
    day_range,
    native_parts,
)
from engine.columnar_interning import Interner
from engine.columnar_scopes import ITSELF, Derived, FoldGroup, Scope, Scopes
from engine.columnar_tables import lookup, prefix_lookup, starts_with_any
from engine.columnar_types import OPERATORS, column_type, constant
from engine.interpreter_values import Surroundings, evaluate
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
)
from policies.types import Code, Date, Value, from_day_number


class ExpressionCompiler:
    """Compiles trees to expressions; equal trees in one scope are compiled once."""

    def __init__(self, scopes: Scopes) -> None:
        self.scopes = scopes
        self.interner = Interner()
        self._compiled: dict[tuple[int, int], nw.Expr] = {}
        self._kept: dict[tuple[int, int], str] = {}
        self._uses: dict[tuple[int, int], frozenset[str]] = {}
        self._using: list[set[str]] = [set()]  # the intermediate columns of each node being compiled
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
            self._using.append(set())
            if self.interner.is_constant(node):
                found = constant(node.type, self.constant_value(node))
            else:
                found = _COMPILERS[type(node)](self, node, scope)
            self._compiled[key] = found
            self._uses[key] = frozenset(self._using.pop())
        self._using[-1] |= self._uses[key]
        return self._compiled[key]

    def uses(self, node: Node | None, scope: Scope) -> frozenset[str]:
        """Return the intermediate columns that a compiled node needs, those that they need included."""
        return frozenset() if node is None else self._uses[id(scope), self.interner.number(node)]

    def constant_value(self, node: Node) -> Value:
        """Return the value of a node that reads no data."""
        return evaluate(node, Surroundings((), False, {}, None)).value

    def keep(self, expression: nw.Expr, scope: Scope) -> nw.Expr:
        """Make an intermediate column of `expression`, because it will be used several times."""
        return nw.col(self._kept_column(expression, scope))

    def _kept_column(self, expression: nw.Expr, scope: Scope) -> str:
        name = self.scopes.new_column("d")
        # Whatever the expression is made of was compiled for the node at hand.
        uses = frozenset(self._using[-1])
        level = 1 + max((scope.derived[one].level for one in uses if one in scope.derived), default=0)
        scope.derived[name] = Derived(expression, uses, level)
        self._using[-1].add(name)
        return name

    def once(self, node: Node, scope: Scope) -> nw.Expr:
        """Return the expression of an operand that is used several times: a column unless it is simple."""
        inner = node
        while isinstance(inner, Named):
            inner = inner.child
        simple = isinstance(inner, Attribute | Aggregate) or self.interner.is_constant(inner)
        if simple:
            return self.compile(node, scope)
        key = (id(scope), self.interner.number(node))
        compiled = self.compile(node, scope)
        if key not in self._kept:
            self._kept[key] = self._kept_column(compiled, scope)
        self._using[-1].add(self._kept[key])
        return nw.col(self._kept[key])

    def code_test(self, child: Node, test: Callable[[nw.Expr], nw.Expr], scope: Scope) -> nw.Expr:
        """Return a test of one code; that of a stored code gets a column, to be worked out per distinct code.

        The test must be known for every known code, and unknown for an unknown one.
        """
        inner = child
        while isinstance(inner, Named):
            inner = inner.child
        if not isinstance(inner, Attribute) or not isinstance(inner.type, Code):
            return test(self.once(child, scope))
        column = self.scopes.column(scope.stack[inner.depth], inner.path, scope)
        name = self.scopes.new_column("k")
        scope.derived[name] = Derived(test(nw.col(column)), frozenset(), 0, tested=column)
        self._using[-1].add(name)
        return nw.col(name)

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
        depth, mixed = reach(node)
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


def _compare(compiler: ExpressionCompiler, node: Compare, scope: Scope) -> nw.Expr:
    dates = as_date_comparison(node, compiler.interner)
    if dates is not None:
        attribute, first, last = dates
        return day_range(compiler.column(attribute, scope), first, last)
    if isinstance(node.left.type, Code) and compiler.interner.is_constant(node.right):
        value = constant(node.right.type, compiler.constant_value(node.right))
        if compiler.constant_value(node.right) is not None:
            return compiler.code_test(node.left, lambda child: OPERATORS[node.operator](child, value), scope)
    left, right = (_native_side(compiler, side, scope) for side in (node.left, node.right))
    if left is None or right is None:
        left, right = compiler.compile(node.left, scope), compiler.compile(node.right, scope)
    return OPERATORS[node.operator](left, right)


def _native_side(compiler: ExpressionCompiler, node: Node, scope: Scope) -> nw.Expr | None:
    stored = compiler.stored_date(node, scope)
    if stored is None and isinstance(node.type, Date) and compiler.interner.is_constant(node):
        day = compiler.constant_value(node)
        if day is not None and FIRST_DAY <= int(day) <= LAST_DAY:
            return nw.lit(from_day_number(int(day)))
    return stored


def _if(compiler: ExpressionCompiler, node: If, scope: Scope) -> nw.Expr:
    if compiler.interner.is_constant(node.condition):
        holds = compiler.constant_value(node.condition)
        if holds is None:
            return constant(node.type, None)
        return compiler.compile(node.then if holds else node.otherwise, scope)
    condition = compiler.once(node.condition, scope)
    then, otherwise = compiler.compile(node.then, scope), compiler.compile(node.otherwise, scope)
    unknown = constant(node.type, None)
    return nw.when(condition).then(then).when(condition.is_null()).then(unknown).otherwise(otherwise)


def _in(compiler: ExpressionCompiler, node: In, scope: Scope) -> nw.Expr:
    def test(child: nw.Expr) -> nw.Expr:
        return child == node.values[0] if len(node.values) == 1 else child.is_in(list(node.values))

    return compiler.code_test(node.child, test, scope)


def _within(compiler: ExpressionCompiler, node: Within, scope: Scope) -> nw.Expr:
    return compiler.code_test(node.child, lambda child: starts_with_any(child, node.prefixes), scope)


def _lookup(compiler: ExpressionCompiler, node: Lookup, scope: Scope) -> nw.Expr:
    return lookup(compiler.once(node.key, scope), node, column_type(node.type))


def _prefix_lookup(compiler: ExpressionCompiler, node: PrefixLookup, scope: Scope) -> nw.Expr:
    return prefix_lookup(compiler.once(node.key, scope), node, column_type(node.type))


_COMPILERS: dict[type, Callable[[ExpressionCompiler, Any, Scope], nw.Expr]] = {
    Attribute: _attribute,
    Named: _named,
    Not: _not,
    And: _and,
    Or: _or,
    Compare: _compare,
    CompareRatio: compare_ratio,
    Add: add,
    Subtract: subtract,
    Multiply: multiply,
    Round: round_,
    Minimum: extreme,
    Maximum: extreme,
    If: _if,
    In: _in,
    Within: _within,
    DatePart: date_part,
    MonthsBetween: months_between,
    AddMonths: add_months,
    Lookup: _lookup,
    PrefixLookup: _prefix_lookup,
    Aggregate: aggregate,
}
