"""What a whole aggregate says about single items, where the collection may be of any length.

An aggregate that stands for itself is a free symbol. Were it quite free, `any(certificates, level >= 3)` and
the `max` of the same certificates' levels could contradict each other. So each aggregate names an item that
it stands for (its witness: one that makes `any` true, one at which `min` is reached), and keeps to what
follows for every item that has been named. All of it is true of every collection: a proof stays a proof.
"""

from __future__ import annotations

from collections.abc import Iterator

import z3

from policies.proofs.bounds import bounds_of, is_partial
from policies.proofs.folding import Kept
from policies.proofs.terms import Formula, Quantity, Term, Truth, both, either, is_known, negated
from policies.tree import Aggregate, walk


def about_item(node: Aggregate, whole: Term, item: Kept) -> Iterator[Formula]:
    """Yield what follows from the aggregate for one item, and from the item for the aggregate."""
    kept = both((item.exists, item.passes.true))
    if isinstance(whole, Truth):
        assert isinstance(item.value, Truth)
        if node.kind == "any":
            yield z3.Implies(both((kept, item.value.true)), whole.true)
            yield z3.Implies(both((whole.false, kept)), item.value.false)
        else:
            yield z3.Implies(both((kept, item.value.false)), whole.false)
            yield z3.Implies(both((whole.true, kept)), item.value.true)
        return
    value_known = either((negated(item.passes.true), is_known(item.value))) if item.value is not None else None
    settled = either((item.passes.true, item.passes.false))
    yield z3.Implies(both((whole.known, item.exists)), both((settled, *([] if value_known is None else [value_known]))))
    here = both((whole.known, kept))
    if node.kind == "count":
        yield z3.Implies(here, whole.value >= 1)
        return
    assert isinstance(item.value, Quantity)
    if node.kind == "sum":
        if _never_negative(node):
            yield z3.Implies(here, whole.value >= item.value.value)
        return
    reached = whole.value <= item.value.value if node.kind == "min" else whole.value >= item.value.value
    yield z3.Implies(here, reached)
    if not _is_partial(node):
        yield z3.Implies(kept, whole.known)


def about_witness(node: Aggregate, whole: Term, witness: Kept) -> Iterator[Formula]:
    """Yield that the witness is an item which makes the aggregate what it is."""
    kept = both((witness.exists, witness.passes.true))
    if isinstance(whole, Truth):
        assert isinstance(witness.value, Truth)
        if node.kind == "any":
            yield z3.Implies(whole.true, both((kept, witness.value.true)))
        else:
            yield z3.Implies(whole.false, both((kept, witness.value.false)))
    elif node.kind == "count":
        yield z3.Implies(both((whole.known, whole.value >= 1)), kept)
    else:
        assert isinstance(witness.value, Quantity)
        value = witness.value.value
        if node.kind == "sum":
            yield z3.Implies(both((whole.known, whole.value > 0)), both((kept, value > 0)))
            yield z3.Implies(both((whole.known, whole.value < 0)), both((kept, value < 0)))
        else:
            yield z3.Implies(whole.known, both((kept, value == whole.value)))


def _never_negative(node: Aggregate) -> bool:
    bounds = None if node.value is None else bounds_of(node.value)
    return bounds is not None and bounds[0] >= 0


def _is_partial(node: Aggregate) -> bool:
    return any(is_partial(inner) for root in (node.filter, node.value) if root is not None for inner in walk(root))
