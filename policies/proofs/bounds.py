"""Between which numbers an expression lies, by the bounds of stored data alone."""

from __future__ import annotations

from datetime import date

from policies import tree as t
from policies.types import Date, Number, to_day_number

Bounds = tuple[int, int]
# The days that an intake accepts.
EARLIEST_DAY, LATEST_DAY = to_day_number(date(1800, 1, 1)), to_day_number(date(2999, 12, 31))


def bounds_of(node: t.Node, at_most: int | None = None) -> Bounds | None:
    """Return the inclusive bounds of a number; None if they are not evident.

    Derived data are followed to what they are made of, for nobody checks the bounds that they declare.
    `at_most` is the largest number of items of the collection, for aggregates.
    """
    if isinstance(node, t.Named):
        return bounds_of(node.child, at_most)
    if isinstance(node, t.Literal):
        is_number = isinstance(node.value, int) and not isinstance(node.value, bool)
        return (int(node.value), int(node.value)) if is_number and node.value is not None else None
    if isinstance(node, t.Attribute):
        if isinstance(node.type, Date):
            return EARLIEST_DAY, LATEST_DAY
        return (node.type.low, node.type.high) if isinstance(node.type, Number) else None
    if isinstance(node, t.Add | t.Subtract | t.Multiply):
        return _of_arithmetic(node)
    if isinstance(node, t.Aggregate):
        return _of_aggregate(node, at_most)
    return None


def _of_arithmetic(node: t.Add | t.Subtract | t.Multiply) -> Bounds | None:
    left, right = bounds_of(node.left), bounds_of(node.right)
    if left is None or right is None:
        return None
    if isinstance(node, t.Add):
        return left[0] + right[0], left[1] + right[1]
    if isinstance(node, t.Subtract):
        return left[0] - right[1], left[1] - right[0]
    corners = [one * other for one in left for other in right]
    return min(corners), max(corners)


def _of_aggregate(node: t.Aggregate, at_most: int | None) -> Bounds | None:
    if node.kind == "count":
        return None if at_most is None else (0, at_most)
    value = None if node.value is None else bounds_of(node.value)
    if value is None or node.kind in ("min", "max"):
        return value
    if node.kind == "sum" and at_most is not None:
        return min(0, at_most * value[0]), max(0, at_most * value[1])
    return None


def may_lack_a_value(node: t.Aggregate) -> bool:
    """Return True if the aggregate can be unknown although all data are known."""
    if node.kind in ("min", "max"):
        return True
    return any(is_partial(inner) for root in (node.filter, node.value) if root is not None for inner in t.walk(root))


def is_partial(node: t.Node) -> bool:
    """Return True if the node itself can lack a value although its parts have one."""
    if isinstance(node, t.Literal):
        return node.value is None
    if isinstance(node, t.Round | t.CompareRatio):
        bottom = node.denominator
        return not (isinstance(bottom, t.Literal) and bottom.value)
    if isinstance(node, t.Lookup):
        return node.default is None
    if isinstance(node, t.PrefixLookup):
        return True
    return isinstance(node, t.Aggregate) and node.kind in ("min", "max")
