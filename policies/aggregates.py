"""Aggregates over collections: count, sum, any, all, min, max, also through a collection of a collection."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies.arithmetic import numeric, rounded_number
from policies.operands import check_range, number_of
from policies.operators import as_condition
from policies.scopes import Scope
from policies.source import Spot
from policies.tree import Aggregate, AggregateKind, Node
from policies.types import Bool, Date, Number
from policies.vocabulary import Collection, Link

if TYPE_CHECKING:
    from policies.expression import Lowering

AGGREGATES: dict[str, tuple[int, int, str]] = {
    "count": (1, 2, "count(collection[, condition])"),
    "sum": (2, 3, "sum(collection, value[, condition])"),
    "any": (2, 2, "any(collection, condition)"),
    "all": (2, 2, "all(collection, condition)"),
    "min": (2, 3, "min(collection, value[, condition])"),
    "max": (2, 3, "max(collection, value[, condition])"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One collection on the way: how to reach it from the scope before, and the scope of its items."""

    path: tuple[str, ...]
    from_depth: int
    item: Scope
    at_most: int


def is_collection(lowering: Lowering, node: ast.expr) -> bool:
    """Return whether a path leads to a collection (so that min and max can be told apart)."""
    parts = lowering.path_of(node)
    if parts is None or (parts[0][0] == "subject" and len(parts) == 1):
        return False
    scope, rest = lowering.start(parts)
    for name, _ in rest:
        found = scope.find(name)
        if found is None:
            return False
        if isinstance(found.what, Collection):
            return True
        if not isinstance(found.what, Link):
            return False
        scope = scope.follow(found.what, lowering.context.vocabulary)
    return False


def _steps(lowering: Lowering, node: ast.expr) -> list[Step]:
    """Return the collections on a path such as `household.members.incomes`, outermost first."""
    spot = lowering.source.at(node)
    parts = lowering.path_of(node)
    if parts is None:
        raise _no_collection(spot)
    scope, rest = lowering.start(parts)
    steps: list[Step] = []
    level = lowering.level
    for name, where in rest:
        found = lowering.find(scope, name, where)
        if isinstance(found.what, Link):
            lowering.context.reads.add(found.owner, name)
            scope = scope.follow(found.what, lowering.context.vocabulary)
        elif isinstance(found.what, Collection):
            level += 1
            item = scope.item_of(found.what, found.owner, level, lowering.context.vocabulary)
            lowering.context.reads.add(item.collection_key)
            steps.append(Step((*scope.prefix, name), scope.depth, item, found.what.at_most))
            scope = item
        else:
            raise _no_collection(spot)
    if not steps or scope is not steps[-1].item:
        raise _no_collection(spot)
    return steps


def _no_collection(spot: Spot) -> Exception:
    return spot.error(
        "not-a-collection",
        f"`{spot.text}` 不是一组记录",
        f"`{spot.text}` is not a collection",
        "写目录中声明的集合，例如 hires 或 household.members",
        "name a collection of the catalog, such as hires or household.members",
    )


def aggregate(lowering: Lowering, kind: str, node: ast.Call) -> Node:
    """Return the aggregate of a call. Raises PolicyError."""
    spot = lowering.source.at(node)
    steps = _steps(lowering, node.args[0])
    if len(steps) > 1 and kind in ("min", "max"):
        raise spot.error(
            "nested-min-max",
            f"`{spot.text}`：min 和 max 不能跨两层集合",
            f"`{spot.text}`: min and max cannot reach through two collections",
            "先在内层集合上计算，或改用 any(…)",
            "compute over one collection, or use any(...)",
        )
    inner = lowering.inside(steps[-1].item)
    rest = list(node.args[1:])
    value = None if kind == "count" else rest.pop(0)
    lowered_filter = inner.condition(rest[0]) if rest else None
    lowered_value = _value(inner, kind, value)
    found = _fold(kind, steps[-1], lowered_filter, lowered_value, spot)
    for step in reversed(steps[:-1]):
        # A count of counts is a sum; sums, any and all nest as they are.
        found = _fold("sum" if kind == "count" else kind, step, None, found, spot)
    return found


def _value(inner: Lowering, kind: str, node: ast.expr | None) -> Node | None:
    if node is None:
        return None
    spot = inner.source.at(node)
    operand = inner.lower(node)
    if kind in ("any", "all"):
        return as_condition(operand, spot)
    if kind in ("min", "max") and isinstance(getattr(operand, "type", None), Date):
        return operand  # type: ignore[return-value]
    return rounded_number(numeric(operand, spot), spot)


def _fold(kind: str, step: Step, condition: Node | None, value: Node | None, spot: Spot) -> Aggregate:
    result: Bool | Number | Date = Bool()
    if kind == "count":
        result = Number(0, None, 0, step.at_most)
    elif value is not None and isinstance(value.type, Date):
        result = Date()
    elif value is not None and isinstance(value.type, Number):
        result = number_of(value)
        if kind == "sum":
            low, high = min(0, result.low) * step.at_most, max(0, result.high) * step.at_most
            check_range(low, high, spot)
            result = Number(result.scale, result.unit, low, high)
    name: AggregateKind = kind  # type: ignore[assignment]
    return Aggregate(
        result,
        name,
        step.path,
        step.from_depth,
        step.item.depth,
        condition,
        value,
        " ".join(spot.text.split()),
        step.at_most,
    )
