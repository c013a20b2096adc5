"""Deciding again from evidence: the inputs of a decision stand in for the person."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from engine.decision import Decision, Facts
from engine.interpreter import decide, units_unknown
from engine.policy_inputs import inputs_of
from policies.errors import MianshenError, PolicyError
from policies.policy import FixedPolicy
from policies.types import Date, Value, to_day_number


@dataclass(frozen=True, slots=True)
class EvidenceFacts:
    """Facts made of a decision's inputs (`Decision.inputs`): name to value, dates as day numbers.

    For a `for_each` policy use two: `EvidenceFacts(inputs, "subject.")` and `EvidenceFacts(inputs)` as unit.
    Aggregates are not computed again; they are answered by their name.
    """

    inputs: Mapping[str, Value]
    prefix: str = ""

    def value(self, path: tuple[str, ...]) -> Value:
        """Return the recorded datum. Raises PolicyError if the evidence does not hold it."""
        return self._recorded(self.prefix + ".".join(path))

    def aggregate(self, name: str) -> Value:
        """Return the recorded value of an aggregate. Raises PolicyError if the evidence does not hold it."""
        return self._recorded(name)

    def items(self, path: tuple[str, ...]) -> Sequence[Facts] | None:
        """Raise PolicyError: evidence holds the values of aggregates, never the items."""
        raise _not_recorded(".".join(path))

    def _recorded(self, name: str) -> Value:
        if name not in self.inputs:
            raise _not_recorded(name)
        return self.inputs[name]


def decide_again(fixed: FixedPolicy, inputs: Mapping[str, Value]) -> Decision:
    """Decide from recorded inputs alone. Raises PolicyError if the evidence is incomplete."""
    name = fixed.policy.for_each
    if name is None:
        return decide(fixed, EvidenceFacts(inputs))
    if name in inputs and inputs[name] is None:
        return units_unknown(fixed)
    return decide(fixed, EvidenceFacts(inputs, "subject."), EvidenceFacts(inputs))


def inputs_from_json(fixed: FixedPolicy, evidence: str) -> dict[str, Value]:
    """Read the evidence column of `Matches.rows`: ISO dates become day numbers.

    Raises PolicyError if the text is not a JSON object of plain values.
    """
    dates = {one.name for one in inputs_of(fixed) if isinstance(one.type, Date)}
    try:
        recorded = json.loads(evidence)
        return {
            name: to_day_number(date.fromisoformat(value)) if name in dates and value is not None else value
            for name, value in recorded.items()
        }
    except (ValueError, TypeError, AttributeError) as problem:
        raise PolicyError.of(
            "evidence-unreadable",
            f"政策 `{fixed.policy.id}` 的证据无法读取：{problem}",
            f"the evidence of policy `{fixed.policy.id}` cannot be read: {problem}",
            help_zh="用审计命令检查账本是否被改动",
            help_en="verify the ledger with the audit command",
        ) from None


def _not_recorded(name: str) -> MianshenError:
    return PolicyError.of(
        "evidence-incomplete",
        f"证据里没有 `{name}` 的记录",
        f"the evidence does not record `{name}`",
        help_zh="用作出决定时的那个政策版本重新判定",
        help_en="decide again with the version of the policy that made the decision",
    )
