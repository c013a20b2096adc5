"""Folds over the possible items of a collection."""

from __future__ import annotations

from dataclasses import dataclass

import z3

from policies.proofs.terms import (
    NO,
    YES,
    Formula,
    Quantity,
    Term,
    Truth,
    both,
    chosen,
    either,
    is_known,
    negated,
    whole,
)
from policies.tree import Aggregate


@dataclass(frozen=True, slots=True)
class Kept:
    """One possible item: when it exists, whether the filter keeps it, and its value (None for a count)."""

    exists: Formula
    passes: Truth
    value: Term | None


def folded(node: Aggregate, items: list[Kept]) -> Term:
    """Return the aggregate over the items; the collection itself is taken to be known."""
    if node.kind in ("any", "all"):
        return _any_or_all(node, items)
    known = both(_is_settled(one) for one in items)
    counted = [(both((one.exists, one.passes.true)), one.value) for one in items]
    if node.kind == "count":
        return Quantity(_sum([chosen(counts, whole(1), whole(0)) for counts, _ in counted]), known)
    values = [(counts, value) for counts, value in counted if isinstance(value, Quantity)]
    if node.kind == "sum":
        return Quantity(_sum([chosen(counts, value.value, whole(0)) for counts, value in values]), known)
    return _extreme(node, values, known)


def _is_settled(one: Kept) -> Formula:
    """An item lets count, sum, min and max be known: it is absent, left out, or kept with a known value."""
    value_known = YES if one.value is None else is_known(one.value)
    return either((negated(one.exists), one.passes.false, both((one.passes.true, value_known))))


def _any_or_all(node: Aggregate, items: list[Kept]) -> Truth:
    true: list[Formula] = []
    false: list[Formula] = []
    for one in items:
        assert isinstance(one.value, Truth)
        # A filter never stands beside any and all in the language; the interpreter leaves out what it leaves out.
        true.append(both((one.exists, one.passes.true, one.value.true)))
        false.append(both((one.exists, one.passes.true, one.value.false)))
    if node.kind == "any":
        others = both(
            either((negated(one.exists), negated(one.passes.true), part))
            for one, part in zip(items, false, strict=True)
        )
        return Truth(either(true), both((negated(either(true)), others)))
    others = both(
        either((negated(one.exists), negated(one.passes.true), part)) for one, part in zip(items, true, strict=True)
    )
    return Truth(both((negated(either(false)), others)), either(false))


def _sum(parts: list[Formula]) -> Formula:
    return z3.simplify(z3.Sum(parts)) if parts else whole(0)


def _extreme(node: Aggregate, values: list[tuple[Formula, Quantity]], known: Formula) -> Quantity:
    found, reached = whole(0), NO
    for counts, value in values:
        better = value.value < found if node.kind == "min" else value.value > found
        found = z3.If(both((counts, either((negated(reached), better)))), value.value, found)
        reached = either((reached, counts))
    return Quantity(found, both((known, reached)))
