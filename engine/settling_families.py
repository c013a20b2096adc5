"""All smallest sets of facts that could turn an undetermined condition into a yes, condition by condition.

The plural of `engine.interpreter_settling`: it too takes conditions one by one and does not try values against
each other (`engine.settling_sets` does, for one subject). What it answers depends only on which parts of the
policy are true, false or unknown, so that it can be asked once for all subjects who are alike in that.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from engine.interpreter_values import Surroundings, evaluate
from policies.policy import Condition, FixedPolicy
from policies.tree import And, Named, Node, Not, Or

Facts = frozenset[str]
Family = frozenset[Facts]

MOST_SETS = 64
_DONE: Family = frozenset((frozenset(),))
_BARRED: Family = frozenset()


def families_to_yes(fixed: FixedPolicy, condition: Condition, at: Surroundings) -> Family:
    """Return the smallest sets of facts which, once known, could make the policy's decision a yes.

    What only the amount lacks belongs to every set. At most 64 sets, the smallest; empty if a yes is barred.
    """
    found = _of_condition(condition, True, at)
    if fixed.amount is not None and found:
        found = _smallest(one | evaluate(fixed.amount, at).missing for one in found)
    return found


def _of_condition(condition: Condition, target: bool, at: Surroundings) -> Family:
    if condition.expression is not None:
        return _of_expression(condition.expression, target, at)
    wanted = not target if condition.kind == "none" else target
    parts = (_of_condition(child, wanted, at) for child in condition.children)
    every = target if condition.kind in ("all", "none") else not target
    return _every(parts) if every else _any(parts)


def _of_expression(node: Node, target: bool, at: Surroundings) -> Family:
    if isinstance(node, Named):
        return _of_expression(node.child, target, at)
    if isinstance(node, Not):
        return _of_expression(node.child, not target, at)
    if isinstance(node, And | Or):
        parts = (_of_expression(child, target, at) for child in node.children)
        return _every(parts) if isinstance(node, And) is target else _any(parts)
    value, missing = evaluate(node, at)
    if value is None:
        return frozenset((missing,))
    return _DONE if value is target else _BARRED


def _every(parts: Iterable[Family]) -> Family:
    return reduce(lambda one, other: _smallest(left | right for left in one for right in other), parts, _DONE)


def _any(parts: Iterable[Family]) -> Family:
    return _smallest(one for part in parts for one in part)


def _smallest(sets: Iterable[Facts]) -> Family:
    """Return the sets of which no part is among them."""
    kept: list[Facts] = []
    for one in sorted(set(sets), key=lambda one: (len(one), sorted(one))):
        if len(kept) < MOST_SETS and not any(other <= one for other in kept):
            kept.append(one)
    return frozenset(kept)
