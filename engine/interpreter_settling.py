"""Which facts would turn an undetermined answer into a yes, and how few are enough."""

from __future__ import annotations

from collections.abc import Iterable

from engine.interpreter_values import Surroundings, evaluate
from policies.policy import Condition
from policies.tree import And, Named, Node, Not, Or

Facts = frozenset[str]


def settling_facts(condition: Condition, target: bool, at: Surroundings) -> Facts | None:
    """Return the fewest facts which, once known, could make `condition` equal to `target`.

    Empty if it already is; None if it is known to be the opposite.
    """
    if condition.expression is not None:
        return _settling_expression(condition.expression, target, at)
    wanted = not target if condition.kind == "none" else target
    found = [settling_facts(child, wanted, at) for child in condition.children]
    every = target if condition.kind in ("all", "none") else not target
    return _every(found) if every else _fewest(found)


def _settling_expression(node: Node, target: bool, at: Surroundings) -> Facts | None:
    if isinstance(node, Named):
        return _settling_expression(node.child, target, at)
    if isinstance(node, Not):
        return _settling_expression(node.child, not target, at)
    if isinstance(node, And | Or):
        found = [_settling_expression(child, target, at) for child in node.children]
        return _every(found) if isinstance(node, And) is target else _fewest(found)
    value, missing = evaluate(node, at)
    if value is None:
        return missing
    return frozenset() if value is target else None


def _every(found: Iterable[Facts | None]) -> Facts | None:
    """All of them are needed: the union, unless one of them cannot be had."""
    union: Facts = frozenset()
    for one in found:
        if one is None:
            return None
        union |= one
    return union


def _fewest(found: Iterable[Facts | None]) -> Facts | None:
    """Any of them is enough: the smallest, and of equally small ones the first by name."""
    possible = [one for one in found if one is not None]
    return min(possible, key=lambda one: (len(one), sorted(one))) if possible else None
