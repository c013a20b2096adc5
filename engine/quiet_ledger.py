"""When a run cannot come to anything else than the run before: then not even those who wait are decided.

Whoever waits is a candidate of every run, because a place may have become free. But a run is a function of what
it reads: if the run before found nothing new to do, and neither a profile, nor a rule, nor the ledger has
changed since, this one would find the same again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256

from engine.ledger.earlier import PastGrants
from engine.planning import Plan
from engine.run_basis import Basis


def terms_digest(plan: Plan) -> str:
    """Return a digest (SHA-256) of what allocation knows of all policies, planned or not."""
    said = [
        (
            name,
            terms.fund,
            terms.for_each,
            terms.claim_group,
            terms.excludes,
            terms.exclusive,
            terms.net_of,
            terms.span if terms.net_of else None,
            *((one, terms.ceiling_span(one.within)) for one in terms.ceilings),
        )
        for name, terms in sorted(plan.terms.items())
    ]
    return sha256(repr(said).encode()).hexdigest()


def nothing_to_settle(plan: Plan, bases: Mapping[str, Basis], past: PastGrants) -> bool:
    """Return whether allocation would come to what it came to in the run that all planned policies build upon.

    Presupposes that no policy has anybody to decide anew.
    """
    runs = {basis.run for basis in bases.values()}
    if len(runs) != 1 or plan.release or {item.id for item in plan.policies} != set(bases):
        return False
    (one,) = {(basis.nothing_new, basis.terms, basis.planned, basis.seen) for basis in bases.values()}
    nothing_new, terms, planned, seen = one
    return nothing_new and planned == set(bases) and terms == terms_digest(plan) and _is_untouched(past.actions(seen))


def _is_untouched(actions: Collection[str]) -> bool:
    """Return whether actions of the audit log leave everything as it is that allocation reads."""
    return all(action in ("run-started", "run-finished") or action.startswith("slot-") for action in actions)
