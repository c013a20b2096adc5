"""Which clauses a proof rests on: a smallest set of them that already makes the claim impossible."""

from __future__ import annotations

from collections.abc import Sequence

import z3

from policies.proofs.clauses import clause_of
from policies.proofs.encoding import EncodedPolicy
from policies.proofs.questions import contradicting
from policies.proofs.report import Clause
from policies.proofs.searching import Asked
from policies.proofs.terms import Formula, Truth, both, either, negated


def loose_leaves(policy: EncodedPolicy) -> tuple[list[Truth], list[Formula]]:
    """Return a free truth value for every leaf, and for each the link that ties it to what the leaf says.

    What cannot hold with the links cannot hold; the links that a proof needs are the clauses involved.
    """
    loose: list[Truth] = []
    links: list[Formula] = []
    for number, (_, truth) in enumerate(policy.leaves):
        true, false = z3.Bool(f"leaf {number} true"), z3.Bool(f"leaf {number} false")
        loose.append(Truth(true, false))
        links.append(both((true == truth.true, false == truth.false)))
    return loose, links


def apart(loose: Sequence[Truth]) -> list[Formula]:
    """Return that no free truth value is true and false at once."""
    return [negated(both((one.true, one.false))) for one in loose]


def involved(
    asked: Asked,
    claim: Formula,
    loose: Sequence[Truth],
    links: Sequence[Formula],
    others: Sequence[tuple[Formula, Clause]],
    timeout_ms: int,
) -> tuple[Clause, ...]:
    """Return the clauses without which the claim would not be impossible; all of them if that takes too long."""
    policy = asked.policies[0]
    parts = [*links, *(formula for formula, _ in others)]
    clauses = [*(clause_of(leaf) for leaf, _ in policy.leaves), *(clause for _, clause in others)]
    found = contradicting([*asked.world.facts, *apart(loose), claim], parts, timeout_ms)
    return tuple(clauses if found is None else [clauses[position] for position in found])


def differs(one: Truth, other: Truth) -> Formula:
    """Return that two conditions give different answers."""
    return either((one.true != other.true, one.false != other.false))
