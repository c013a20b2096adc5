"""Who is undetermined in the same way: rows of a batch grouped by which parts of a policy are true, false, unknown.

A million undetermined people fall into a handful of patterns. Each is looked at once, by the reference, on the
inputs of one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import polars as pl

from engine.matches import Matches, input_rows
from engine.policy_inputs import deciding_expressions
from policies.policy import Condition, FixedPolicy
from policies.tree import (
    Aggregate,
    And,
    Compare,
    Literal,
    Lookup,
    Named,
    Node,
    Not,
    Or,
    PrefixLookup,
    Round,
    children,
)
from policies.types import Bool, Value

_TRUTH = Bool()
_ALWAYS = Condition("leaf", expression=Literal(_TRUTH, True), text="true")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Undetermined units that are alike.

    `inputs` are those of one of them. `units` counts them, `priced` those whose amount could be computed all the
    same, and `amount` is the sum of these amounts in fen.
    """

    inputs: Mapping[str, Value]
    units: int
    priced: int
    amount: int


@dataclass(frozen=True, slots=True)
class Probes:
    """One policy, and the policies made of its parts that tell its undetermined units apart.

    `parts` answer what each part comes to; `priced` grants its amount to everybody, if it has one.
    """

    fixed: FixedPolicy
    parts: tuple[FixedPolicy, ...]
    priced: FixedPolicy | None

    @property
    def all(self) -> tuple[FixedPolicy, ...]:
        """Every policy that has to be decided in one pass, so that rows stand beside each other."""
        return (self.fixed, *self.parts, *([] if self.priced is None else [self.priced]))


def probes_of(fixed: FixedPolicy) -> Probes:
    """Return what to decide in order to group the undetermined units of a policy."""
    telling = dict.fromkeys(node for root in deciding_expressions(fixed) for node in _telling(root))
    parts = tuple(
        _probe(fixed, f"{fixed.policy.id} | {number}", Condition("leaf", expression=node))
        for number, node in enumerate(telling)
    )
    priced = None
    if fixed.amount is not None:
        priced = replace(_probe(fixed, f"{fixed.policy.id} | amount", _ALWAYS), amount=fixed.amount)
    return Probes(fixed, parts, priced)


def _probe(fixed: FixedPolicy, id: str, condition: Condition) -> FixedPolicy:
    policy = replace(fixed.policy, id=id, payee=())
    return FixedPolicy(policy, fixed.on, fixed.period, condition, None)


def _telling(node: Node) -> Iterator[Node]:
    """Yield, as Boolean expressions, the parts of which it matters whether they hold, or are known at all."""
    if isinstance(node, Round | Lookup | PrefixLookup):
        # They may have no value although everything below them is known.
        yield Compare(_TRUTH, "==", node, node)
    elif isinstance(node.type, Bool) and not isinstance(node, And | Or | Not | Named | Literal):
        yield node
    if not isinstance(node, Aggregate):
        for child in children(node):
            yield from _telling(child)


def patterns(probes: Probes, matches: Matches) -> Iterator[Pattern]:
    """Yield the patterns of the undetermined units of one policy in one pass over some subjects.

    `matches` must be of a pass over `probes.all`. Raises the policy's error if it could not be evaluated.
    """
    result = matches.result(probes.fixed.policy.id)
    undetermined = result.eligible.is_null()
    if not undetermined.any():
        return
    if result.frame is None:
        yield Pattern({str(probes.fixed.policy.for_each): None}, len(result.subjects), 0, 0)
        return
    told = [matches.result(part.policy.id).eligible.filter(undetermined) for part in probes.parts]
    answers = [one.alias(f"part {number}") for number, one in enumerate(told)]
    inputs = input_rows(result, undetermined).drop("subject", "unit")
    amount = _amounts(probes, matches, undetermined)
    names = [one.name for one in result.program.readings]
    keys = [pl.col(f"input {number}").is_null().alias(f"unknown {number}") for number in range(len(names))]
    together = pl.concat([inputs, amount], how="horizontal").with_columns(*answers, *keys)
    by = [*(one.name for one in answers), *(f"unknown {number}" for number in range(len(names)))]
    first = [pl.col(column).first() for column in inputs.columns]
    sums = [pl.len().alias("units"), pl.col("amount").count().alias("priced"), pl.col("amount").sum().alias("amount")]
    grouped = together.group_by(by, maintain_order=True).agg(*first, *sums) if by else together.select(*first, *sums)
    for row in grouped.iter_rows(named=True):
        values = {name: row[f"input {number}"] for number, name in enumerate(names)}
        yield Pattern(values, row["units"], row["priced"], row["amount"])


def _amounts(probes: Probes, matches: Matches, chosen: pl.Series) -> pl.DataFrame:
    """Return what each of the chosen rows would be granted; null where that cannot be computed."""
    height = int(chosen.sum())
    unknown = pl.Series("amount", [None], pl.Int64).new_from_index(0, height)
    if probes.priced is None or matches.error(probes.priced.policy.id) is not None:
        return unknown.to_frame()
    result = matches.result(probes.priced.policy.id)
    constant = result.program.constant_amount
    if result.amount is None:
        return unknown.to_frame() if constant is None else pl.repeat(int(constant), height, dtype=pl.Int64, eager=True).alias("amount").to_frame()  # fmt: skip
    granted = result.eligible.fill_null(False)
    spread = pl.Series("amount", [None], pl.Int64).new_from_index(0, len(granted))
    spread = spread.scatter(granted.arg_true(), result.amount)
    return spread.filter(chosen).alias("amount").to_frame()
