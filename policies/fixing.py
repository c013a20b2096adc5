"""Settling a policy for one reference date: what depends on the date becomes literals and look-ups."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

from policies.calendar_arithmetic import add_months, months_between
from policies.codes import trimmed
from policies.errors import Place, PolicyError
from policies.model_errors import did_you_mean
from policies.operands import aligned
from policies.periods import Period, period_of
from policies.policy import Ceiling, Condition, FixedPolicy, Parameter, Policy
from policies.source import Source, Spot
from policies.table_reading import by_brackets
from policies.tree import (
    Add,
    AddMonths,
    Compare,
    DatePart,
    If,
    IndicatorValue,
    Literal,
    Lookup,
    MonthsBetween,
    Multiply,
    Named,
    Node,
    ParameterValue,
    PrefixLookup,
    Reference,
    Round,
    Subtract,
)
from policies.types import Bool, Date, Number, Type, Value, from_day_number, to_day_number
from policies.vocabulary import Indicator, Vocabulary

_SPOT = Spot(Source("", Place()), ast.Pass())


def fix(
    policy: Policy,
    vocabulary: Vocabulary,
    on: date,
    period: Period | None = None,
    given: Mapping[str, object] | None = None,
) -> FixedPolicy:
    """Return the policy settled for the day `on` and the period (by default the one that holds `on`).

    `given` replaces indicators by values as people write them (`{"cpi_yoy": Decimal("3.6")}`, by region
    `{"dibao_standard": {"31": 1500}}`). Raises PolicyError if it names anything else.
    """
    whole = period or period_of(policy.period, on)
    fixer = _Fixer(policy, vocabulary, on, whole, given or {})
    settled = fixer.settle

    def optional(node: Node | None) -> Node | None:
        return None if node is None else settled(node)

    tiers = tuple(replace(one, when=optional(one.when), amount=settled(one.amount)) for one in policy.benefit.tiers)
    return FixedPolicy(
        policy,
        on,
        whole,
        fixer.condition(policy.eligibility),
        optional(policy.benefit.amount),
        tiers,
        optional(policy.claims.key) if policy.claims else None,
        optional(policy.unit_where),
        optional(policy.order_of_need),
        tuple(replace(one, node=settled(one.node)) for one in policy.benefit.monotone),
        tuple(fixer.ceiling(one) for one in policy.benefit.ceilings),
        _day_of(optional(policy.benefit.obligation.due)) if policy.benefit.obligation else None,
    )


def _day_of(due: Node | None) -> date | None:
    number = constant(due) if due is not None else None
    return from_day_number(number) if isinstance(number, int) else None


@dataclass(slots=True)
class _Fixer:
    policy: Policy
    vocabulary: Vocabulary
    on: date
    period: Period
    given: Mapping[str, object]
    _known: dict[int, tuple[Node, Node]]

    def __init__(
        self, policy: Policy, vocabulary: Vocabulary, on: date, period: Period, given: Mapping[str, object]
    ) -> None:
        self.policy, self.vocabulary, self.on, self.period, self.given = policy, vocabulary, on, period, given
        self._known = {}
        for name in given:
            if name not in vocabulary.indicators:
                raise _unknown_indicator(name, vocabulary)

    def condition(self, condition: Condition) -> Condition:
        """Settle a condition tree."""
        expression = None if condition.expression is None else self.settle(condition.expression)
        return replace(
            condition,
            expression=expression,
            children=tuple(self.condition(one) for one in condition.children),
        )

    def ceiling(self, ceiling: Ceiling) -> Ceiling:
        """Settle the expressions of a ceiling."""
        return replace(
            ceiling,
            amount=self.settle(ceiling.amount),
            measure=None if ceiling.measure is None else self.settle(ceiling.measure),
            keys=tuple(self.settle(one) for one in ceiling.keys),
            when=None if ceiling.when is None else self.settle(ceiling.when),
        )

    def settle(self, node: Node) -> Node:
        """Return `node` without date-dependent parts. Shared parts stay shared."""
        known = self._known.get(id(node))
        if known is None:
            # The original is kept, so that its id is not given to another one.
            known = self._known[id(node)] = (self._settle(node), node)
        return known[0]

    def _settle(self, node: Node) -> Node:
        if isinstance(node, Reference):
            day = {"on": self.on, "period_start": self.period.start, "period_end": self.period.end}[node.which]
            return Literal(Date(), to_day_number(day))
        if isinstance(node, ParameterValue):
            return self._parameter(node)
        if isinstance(node, IndicatorValue):
            return self._indicator(node)
        changed: dict[str, Any] = {}
        for field in fields(node):
            value = getattr(node, field.name)
            if field.name == "type" or value is None:
                continue
            if isinstance(value, tuple) and value and hasattr(value[0], "type"):
                changed[field.name] = tuple(self.settle(item) for item in value)
            elif hasattr(value, "type"):
                changed[field.name] = self.settle(value)
        settled: Node = replace(node, **changed) if changed else node
        return folded(settled)

    # Parameters

    def _parameter(self, node: ParameterValue) -> Node:
        parameter = self.policy.parameters[node.name]
        key = None if node.key is None else self.settle(node.key)
        at = Literal(Date(), to_day_number(self.on)) if node.at is None else self.settle(node.at)
        day = constant(at)
        if isinstance(day, int):
            content = next((value for start, value in reversed(parameter.dated) if start <= day), None)
            return Named(node.type, node.name, content_of(parameter, node.type, content, key))
        # The date depends on the subject: a step for each version, the newest first.
        found: Node = Literal(node.type, None, node.name)
        for start, content in parameter.dated:
            since = Compare(Bool(), ">=", at, Literal(Date(), start))
            found = If(node.type, since, content_of(parameter, node.type, content, key), found)
        return Named(node.type, node.name, found)

    # Indicators

    def _indicator(self, node: IndicatorValue) -> Node:
        indicator = self.vocabulary.indicators[node.name]
        key = None if node.key is None else self.settle(node.key)
        values = self._indicator_values(indicator)
        if key is None:
            value = values.get("")
            return Named(node.type, node.name, Literal(node.type, value, None if value is not None else node.name))
        if not values:
            return Named(node.type, node.name, Literal(node.type, None, node.name))
        return Named(node.type, node.name, PrefixLookup(node.type, key, tuple(values.items())))

    def _indicator_values(self, indicator: Indicator) -> dict[str, Value]:
        if indicator.name in self.given:
            given = self.given[indicator.name]
            by_region = given if isinstance(given, Mapping) else {"": given}
            return {
                trimmed(str(region)): given_value(value, indicator.type, indicator.name)
                for region, value in by_region.items()
                if value is not None
            }
        return dict(published(indicator, self.on))


def content_of(parameter: Parameter, kind: Type, content: object, key: Node | None) -> Node:
    """Return one version of a parameter as an expression of its key; `content` is one of `parameter.dated`."""
    if content is None:
        return Literal(kind, None, parameter.name)
    if parameter.form == "scale":
        assert key is not None and isinstance(kind, Number)
        found = aligned(by_brackets(content, parameter.stepped, key, _SPOT), kind.scale, _SPOT)
        return folded(found)
    if parameter.form == "scalar":
        return Literal(kind, content)  # type: ignore[arg-type]
    assert key is not None and isinstance(content, Mapping)
    if parameter.form == "regional":
        # Opened by the rule, and no place has set it yet.
        return PrefixLookup(kind, key, tuple(content.items())) if content else Literal(kind, None, parameter.name)
    further = None
    if isinstance(parameter.each_further, int):
        further = (max(content), parameter.each_further)
    return Lookup(kind, key, tuple(content.items()), further, parameter.default)


def published(indicator: Indicator, on: date) -> dict[str, int]:
    """Return the values of an indicator that a run on the day `on` reads, by trimmed region ("": everywhere)."""
    months = on.year * 12 + on.month - 1 - indicator.lag_months
    month = f"{months // 12:04d}-{months % 12 + 1:02d}"
    return {trimmed(region): series[month] for region, series in indicator.values.items() if month in series}


def given_value(value: object, kind: Type, name: str) -> Value:
    """Return a value as people write it in the form of the engines. Raises PolicyError `wrong-type`."""
    if isinstance(kind, Number) and isinstance(value, int | Decimal) and not isinstance(value, bool):
        scaled = Decimal(value).scaleb(kind.scale)
        if scaled == scaled.to_integral_value():
            return int(scaled)
    elif isinstance(kind, Date) and isinstance(value, date):
        return to_day_number(value)
    elif (isinstance(kind, Bool) and isinstance(value, bool)) or (
        not isinstance(kind, Number | Date | Bool) and isinstance(value, str)
    ):
        return value
    raise PolicyError.of(
        "wrong-type",
        f"`{value}` 不能作为 `{name}` 的值",
        f"`{value}` cannot be a value of `{name}`",
        help_zh="检查类型和小数位数",
        help_en="look at its type and its number of decimals",
    )


def _unknown_indicator(name: str, vocabulary: Vocabulary) -> PolicyError:
    suggestion = did_you_mean(name, vocabulary.indicators)
    return PolicyError.of(
        "unknown-name",
        f"没有名为 `{name}` 的指标",
        f"there is no indicator called `{name}`",
        help_zh=f"是否想写 `{suggestion}`？" if suggestion else "更正名称",
        help_en=f"did you mean `{suggestion}`?" if suggestion else "correct the name",
    )


# Constants


def constant(node: Node) -> Value:
    """Return the value of a literal, also under a name; None for anything else."""
    while isinstance(node, Named):
        node = node.child
    return node.value if isinstance(node, Literal) else None


def _rounded(node: Round, numerator: int, denominator: int) -> int | None:
    if denominator == 0:
        return None
    if node.mode == "floor":
        return numerator // denominator
    quotient, rest = divmod(abs(numerator), abs(denominator))
    if node.mode == "up":
        quotient += rest != 0
    elif node.mode == "half_up":
        quotient += 2 * rest >= abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def _part_of(node: DatePart, day: int) -> int:
    return int(getattr(from_day_number(day), node.part))


_FOLDS: dict[type, Callable[..., int | None]] = {
    Add: lambda node, left, right: left + right,
    Subtract: lambda node, left, right: left - right,
    Multiply: lambda node, left, right: left * right,
    Round: _rounded,
    DatePart: _part_of,
    AddMonths: lambda node, day, months: add_months(day, months),
    MonthsBetween: lambda node, start, end: months_between(start, end),
}


def folded(node: Node) -> Node:
    """Return arithmetic on literals as one literal; conditions stay, for explanations need them."""
    fold = _FOLDS.get(type(node))
    if fold is None:
        return node
    values = []
    for field in fields(node):
        part = getattr(node, field.name)
        if field.name in ("type", "mode", "part"):
            continue
        if not isinstance(part, Literal) or not isinstance(part.value, int):
            return node
        values.append(part.value)
    try:
        value = fold(node, *values)
    except (OverflowError, ValueError):
        return node
    return node if value is None else Literal(node.type, value)
