"""The interpreter's answers without its explanations: for many subjects, where nobody will read a trace.

The same evaluation of the same expressions; only what is noted on the way, and conditions that cannot matter any
more, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.decision import Facts, Outcome
from engine.interpreter import negative_amount, tier_of
from engine.interpreter_values import Surroundings, evaluate
from engine.policy_inputs import whole_condition
from policies.errors import PolicyError
from policies.policy import Condition, FixedPolicy


@dataclass(frozen=True, slots=True)
class PlainAnswer:
    """Outcome, amount (fen) and tier as in `engine.decision.Decision`."""

    outcome: Outcome
    amount: int | None = None
    tier: int | None = None


class Unnamed(dict[Any, str]):
    """Stands in for the names of aggregates, which only a log would show; it never computes a deep hash."""

    def get(self, key: object, default: Any = None) -> Any:
        """Return the default."""
        return default


_UNNAMED = Unnamed()


def plain_answers(fixed: FixedPolicy, subject: Facts) -> dict[str, PlainAnswer]:
    """Return the answers of one policy by unit, equal to those of `interpreter.decide_units`.

    Raises PolicyError if an amount comes out negative, or the policy nests too deeply.
    """
    try:
        return _answers(fixed, subject)
    except RecursionError:
        raise too_deep(fixed) from None


def _answers(fixed: FixedPolicy, subject: Facts) -> dict[str, PlainAnswer]:
    name = fixed.policy.for_each
    if name is None:
        return {"": _answer(fixed, fixed.eligibility, Surroundings((subject,), False, _UNNAMED, None))}
    units = subject.items((name,))
    if units is None:
        return {"": PlainAnswer(Outcome.UNDETERMINED)}
    condition = whole_condition(fixed)
    found = {}
    for unit in units:
        at = Surroundings((subject, unit), True, _UNNAMED, None)
        if fixed.unit_where is not None and evaluate(fixed.unit_where, at).value is False:
            continue
        found[str(getattr(unit, "id", ""))] = _answer(fixed, condition, at)
    return found


def _answer(fixed: FixedPolicy, condition: Condition, at: Surroundings) -> PlainAnswer:
    holds = _holds(condition, at)
    if holds is None:
        return PlainAnswer(Outcome.UNDETERMINED)
    if not holds:
        return PlainAnswer(Outcome.INELIGIBLE)
    if fixed.amount is None:
        return PlainAnswer(Outcome.ELIGIBLE)
    amount = evaluate(fixed.amount, at).value
    if amount is None:
        return PlainAnswer(Outcome.UNDETERMINED)
    if int(amount) < 0:
        raise negative_amount(fixed, int(amount))
    return PlainAnswer(Outcome.ELIGIBLE, int(amount), tier_of(fixed, at))


def _holds(condition: Condition, at: Surroundings) -> bool | None:
    if condition.expression is not None:
        value = evaluate(condition.expression, at).value
        return None if value is None else bool(value)
    decisive = condition.kind != "all"
    result: bool | None = not decisive
    for child in condition.children:
        found = _holds(child, at)
        if found is decisive:
            result = decisive
            break
        if found is None:
            result = None
    return not result if condition.kind == "none" and result is not None else result


def too_deep(fixed: FixedPolicy) -> PolicyError:
    """Return the error of a policy that nests too deeply to be evaluated."""
    error = PolicyError.of(
        "policy-too-deep",
        f"政策 `{fixed.policy.id}` 的条件嵌套过深，无法计算",
        f"policy `{fixed.policy.id}` nests too deeply to be evaluated",
        help_zh="减少定义之间的层层引用",
        help_en="shorten the chain of definitions that refer to each other",
    )
    assert isinstance(error, PolicyError)
    return error
