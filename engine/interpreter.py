"""The reference compiler: one subject at a time, exact, with a trace of every condition."""

from __future__ import annotations

from collections.abc import Mapping

from engine.decision import Decision, Facts, Outcome, TraceStep, ValueUsed
from engine.interpreter_settling import settling_facts
from engine.interpreter_values import Log, Surroundings, evaluate, surroundings
from engine.policy_inputs import inputs_of, whole_condition
from policies.errors import MianshenError, PolicyError
from policies.policy import Condition, FixedPolicy
from policies.types import Value


def decide(fixed: FixedPolicy, subject: Facts, unit: Facts | None = None) -> Decision:
    """Decide one policy for one subject, and for one unit of it if the policy has `for_each`.

    Raises PolicyError if a unit is missing or superfluous, if the policy nests too deeply to be evaluated,
    or if its amount comes out negative.
    """
    facts = _facts(fixed, subject, unit)
    log = Log()
    condition = whole_condition(fixed)
    try:
        at = surroundings(facts, inputs_of(fixed), log)
        trace = _trace(condition, at)
        if trace.result is None:
            settled_by = settling_facts(condition, True, at) or frozenset()
            return _decision(Outcome.UNDETERMINED, trace, log, settled_by=settled_by)
        if not trace.result:
            return _decision(Outcome.INELIGIBLE, trace, log)
        return _with_amount(fixed, trace, at, log)
    except RecursionError:
        raise PolicyError.of(
            "policy-too-deep",
            f"政策 `{fixed.policy.id}` 的条件嵌套过深，无法计算",
            f"policy `{fixed.policy.id}` nests too deeply to be evaluated",
            help_zh="减少定义之间的层层引用",
            help_en="shorten the chain of definitions that refer to each other",
        ) from None


def decide_units(fixed: FixedPolicy, subject: Facts) -> list[tuple[str, Decision]]:
    """Decide one policy for every unit of one subject: pairs of unit id and decision.

    Without `for_each` there is one pair with the id "". An unknown collection of units gives one
    undetermined pair with the id "". Units that `unit_where` leaves out are not units: they do not appear.
    """
    name = fixed.policy.for_each
    if name is None:
        return [("", decide(fixed, subject))]
    units = subject.items((name,))
    if units is None:
        return [("", units_unknown(fixed))]
    pairs = []
    for unit in units:
        if fixed.unit_where is not None:
            at = surroundings((subject, unit), inputs_of(fixed), Log())
            if evaluate(fixed.unit_where, at).value is False:
                continue
        pairs.append((str(getattr(unit, "id", "")), decide(fixed, subject, unit)))
    return pairs


def units_unknown(fixed: FixedPolicy) -> Decision:
    """Return the decision of a `for_each` policy for a subject whose units are not known."""
    name = str(fixed.policy.for_each)
    trace = TraceStep(whole_condition(fixed), None, (ValueUsed(name, None),))
    return Decision(Outcome.UNDETERMINED, None, trace, (name,), {name: None})


def claim_key_and_need(fixed: FixedPolicy, subject: Facts, unit: Facts | None = None) -> tuple[str | None, int | None]:
    """Return the claim key and the order of need, as in `Matches.rows`; None where absent or unknown."""
    at = surroundings(_facts(fixed, subject, unit), inputs_of(fixed), Log())
    key = None if fixed.claim_key is None else evaluate(fixed.claim_key, at).value
    need = None if fixed.order_of_need is None else evaluate(fixed.order_of_need, at).value
    if isinstance(key, bool):
        key = "true" if key else "false"
    return None if key is None else str(key), None if need is None else int(need)


def amount_steps(fixed: FixedPolicy, subject: Facts, unit: Facts | None = None) -> list[tuple[str, Value]]:
    """Return the named values of the amount's computation in the order they are met, inputs included.

    The last step is ("amount", the amount in fen or None). Empty for benefits without an amount.
    """
    if fixed.amount is None:
        return []
    log = Log()
    at = surroundings(_facts(fixed, subject, unit), inputs_of(fixed), log)
    amount = evaluate(fixed.amount, at).value
    return [*log.values.items(), ("amount", amount)]


def _facts(fixed: FixedPolicy, subject: Facts, unit: Facts | None) -> tuple[Facts, ...]:
    if (fixed.policy.for_each is None) == (unit is None):
        return (subject,) if unit is None else (subject, unit)
    if unit is None:
        raise PolicyError.of(
            "unit-needed",
            f"政策 `{fixed.policy.id}` 按 `{fixed.policy.for_each}` 逐条判定，缺少条目",
            f"policy `{fixed.policy.id}` is decided for each of `{fixed.policy.for_each}`; no unit was given",
            help_zh="请指明条目，或改用对全部条目的判定",
            help_en="name the unit, or decide all units",
        )
    raise PolicyError.of(
        "unit-not-expected",
        f"政策 `{fixed.policy.id}` 以对象本身判定，不接受条目",
        f"policy `{fixed.policy.id}` is decided for the subject itself; it takes no unit",
        help_zh="去掉条目",
        help_en="leave out the unit",
    )


def _trace(condition: Condition, at: Surroundings) -> TraceStep:
    if condition.expression is not None:
        # Every leaf has its own list of values used; what decides is collected in the shared log.
        own = Log()
        found = evaluate(condition.expression, Surroundings(at.facts, at.for_each, at.aggregates, own))
        if at.log is not None:
            at.log.inputs.update(own.inputs)
        used = tuple(ValueUsed(name, value) for name, value in own.values.items())
        return TraceStep(condition, None if found.value is None else bool(found.value), used)
    steps = tuple(_trace(child, at) for child in condition.children)
    results = [step.result for step in steps]
    decisive = condition.kind != "all"
    result: bool | None
    if any(one is decisive for one in results):
        result = decisive
    else:
        result = None if any(one is None for one in results) else not decisive
    if condition.kind == "none" and result is not None:
        result = not result
    return TraceStep(condition, result, (), steps)


def _with_amount(fixed: FixedPolicy, trace: TraceStep, at: Surroundings, log: Log) -> Decision:
    if fixed.amount is None:
        return _decision(Outcome.ELIGIBLE, trace, log)
    amount, missing = evaluate(fixed.amount, at)
    if amount is None:
        return _decision(Outcome.UNDETERMINED, trace, log, settled_by=missing)
    if int(amount) < 0:
        raise negative_amount(fixed, int(amount))
    return _decision(Outcome.ELIGIBLE, trace, log, amount=int(amount), tier=tier_of(fixed, at))


def tier_of(fixed: FixedPolicy, at: Surroundings) -> int | None:
    """Return which tier applies, counted from 0; None without tiers, or where that is not known."""
    for number, tier in enumerate(fixed.tiers):
        applies = True if tier.when is None else evaluate(tier.when, at).value
        if applies is None:
            return None
        if applies:
            return number
    return None


def negative_amount(fixed: FixedPolicy, amount: int) -> MianshenError:
    """Return the error of a policy whose amount came out negative."""
    return PolicyError.of(
        "negative-amount",
        f"政策 `{fixed.policy.id}` 算出了负的金额：{amount} 分",
        f"policy `{fixed.policy.id}` computed a negative amount: {amount} fen",
        help_zh="在 `benefit` 里写 `floor: 0`，或更正公式",
        help_en="give `floor: 0` in `benefit`, or correct the formula",
    )


def _decision(
    outcome: Outcome,
    trace: TraceStep,
    log: Log,
    *,
    settled_by: frozenset[str] = frozenset(),
    amount: int | None = None,
    tier: int | None = None,
) -> Decision:
    inputs: Mapping[str, Value] = dict(log.inputs)
    return Decision(outcome, amount, trace, tuple(sorted(settled_by)), inputs, tier)
