"""A policy over a range of days: what it may answer for one subject if nothing changes but the date."""

from __future__ import annotations

from datetime import date

from engine.decision import Facts
from engine.possible_evaluation import Possibilities
from engine.possible_values import (
    NEVER,
    NO,
    UNKNOWN,
    YES,
    Possible,
    Span,
    all_of,
    any_of,
    either,
    has_known,
    may_be_unknown,
    of_value,
    with_unknown,
)
from policies.fixing import content_of, published
from policies.periods import period_of
from policies.policy import Condition, Policy
from policies.tree import (
    Aggregate,
    Attribute,
    IndicatorValue,
    Node,
    ParameterValue,
    PrefixLookup,
    Reference,
)
from policies.types import from_day_number, to_day_number
from policies.vocabulary import Vocabulary

_MOST_MONTHS = 36  # of an indicator, read one by one; a longer range is looked at in parts anyway


class DaysOfPolicy:
    """One policy, one subject (and unit), any days. Data stay as they are, and do not age."""

    def __init__(self, policy: Policy, vocabulary: Vocabulary, subject: Facts, unit: Facts | None = None) -> None:
        self.policy, self.vocabulary = policy, vocabulary
        self.facts: tuple[Facts, ...] = (subject,) if unit is None else (subject, unit)
        condition = policy.eligibility
        if policy.unit_where is not None:
            condition = Condition("all", (Condition("leaf", expression=policy.unit_where), condition))
        self.condition = condition
        # Versions of parameters as trees, made once; the node is kept, so that its id is not given to another.
        self.contents: dict[tuple[int, int], tuple[Node, Node]] = {}

    def over(self, first: int, last: int) -> int:
        """Return which outcomes are possible from day `first` to day `last`."""
        try:
            return _OverDays(self, first, last, self.facts).answer(self.condition, self.policy.benefit.amount)
        except RecursionError:
            return YES | NO | UNKNOWN  # nothing is ruled out

    def content(self, node: ParameterValue, version: int) -> Node:
        """Return one version of a parameter as an expression of its key, which still depends on the date."""
        found = self.contents.get((id(node), version))
        if found is None:
            parameter = self.policy.parameters[node.name]
            made = content_of(parameter, node.type, parameter.dated[version][1], node.key)
            found = self.contents[id(node), version] = (made, node)
        return found[0]


class _OverDays(Possibilities):
    def __init__(self, days: DaysOfPolicy, first: int, last: int, facts: tuple[Facts, ...]) -> None:
        self.days, self.first, self.last, self.facts = days, first, last, facts
        self._known: dict[int, Possible] = {}

    def evaluate(self, node: Node) -> Possible:
        found = self._known.get(id(node))
        if found is None:
            found = self._known[id(node)] = super().evaluate(node)
        return found

    def attribute(self, node: Attribute) -> Possible:
        value = self.facts[node.depth].value(node.path)
        return of_value(value)

    def unfixed(self, node: Reference | ParameterValue | IndicatorValue) -> Possible:
        if isinstance(node, Reference):
            return self._reference(node)
        if isinstance(node, ParameterValue):
            return self._parameter(node)
        return self._indicator(node)

    def _reference(self, node: Reference) -> Possible:
        if node.which == "on":
            return Span(self.first, self.last)
        kind = self.days.policy.period
        early, late = period_of(kind, from_day_number(self.first)), period_of(kind, from_day_number(self.last))
        if node.which == "period_start":
            return Span(to_day_number(early.start), to_day_number(late.start))
        return Span(to_day_number(early.end), to_day_number(late.end))

    def _parameter(self, node: ParameterValue) -> Possible:
        at = Span(self.first, self.last) if node.at is None else self.span(node.at)
        if at.nothing_known:
            return NEVER
        dated = self.days.policy.parameters[node.name].dated
        parts: list[Possible] = []
        if not dated or at.low < dated[0][0]:
            parts.append(NEVER)
        for version, (start, _) in enumerate(dated):
            end = dated[version + 1][0] - 1 if version + 1 < len(dated) else at.high
            if start <= at.high and end >= at.low:
                parts.append(self.evaluate(self.days.content(node, version)))
        found = either(parts)
        return with_unknown(found) if at.unknown else found

    def _indicator(self, node: IndicatorValue) -> Possible:
        indicator = self.days.vocabulary.indicators[node.name]
        first, last = from_day_number(self.first), from_day_number(self.last)
        months = [divmod(first.year * 12 + first.month - 1 + ahead, 12) for ahead in range(_months(first, last) + 1)]
        if len(months) > _MOST_MONTHS:
            values = [value for series in indicator.values.values() for value in series.values()]
            return Span(min(values), max(values), True) if values else NEVER
        parts: list[Possible] = []
        for year, month in months:
            values_then = published(indicator, date(year, month + 1, 1))
            if node.key is None:
                parts.append(of_value(values_then.get("")))
            elif values_then:
                lookup = PrefixLookup(node.type, node.key, tuple(values_then.items()))
                parts.append(super().evaluate(lookup))
            else:
                parts.append(NEVER)
        return either(parts)

    # Aggregates: the items are as they are, only what is asked of them depends on the date.

    def aggregate(self, node: Aggregate) -> Possible:
        items = self.facts[node.from_depth].items(node.path)
        if items is None or (node.at_most is not None and len(items) > node.at_most):
            return UNKNOWN if node.kind in ("any", "all") else NEVER
        kept: list[tuple[int, Possible]] = []
        for item in items:
            inside = _OverDays(self.days, self.first, self.last, (*self.facts[: node.depth], item))
            truth = YES if node.filter is None else inside.truth(node.filter)
            value = of_value(True) if node.value is None else inside.evaluate(node.value)
            kept.append((truth, value))
        if node.kind in ("any", "all"):
            # They have no filter.
            truths = [value if isinstance(value, int) else UNKNOWN for _, value in kept]
            return any_of(truths) if node.kind == "any" else all_of(truths)
        unknown = any(truth & UNKNOWN or (truth & YES and may_be_unknown(value)) for truth, value in kept)
        if any(truth == UNKNOWN or (truth == YES and not has_known(value)) for truth, value in kept):
            return NEVER
        if node.kind == "count":
            low = sum(truth == YES for truth, _ in kept)
            return Span(low, sum(bool(truth & YES) for truth, _ in kept), unknown)
        spans = [(truth == YES, value) for truth, value in kept if truth & YES and isinstance(value, Span)]
        known = [(surely, value) for surely, value in spans if not value.nothing_known]
        if node.kind == "sum":
            low = sum(value.low if surely else min(0, value.low) for surely, value in known)
            return Span(low, sum(value.high if surely else max(0, value.high) for surely, value in known), unknown)
        return _extreme(node.kind == "min", known, unknown)


def _extreme(smallest: bool, known: list[tuple[bool, Span]], unknown: bool) -> Possible:
    """Return the range of the smallest or largest of values of which only some are surely there."""
    if not known:
        return NEVER
    choose = min if smallest else max
    sure = [value for surely, value in known if surely]
    near = [value.low if smallest else value.high for _, value in known]
    # What is surely there bounds the other end; else any of them may be the only one.
    far = [value.high if smallest else value.low for value in sure]
    everything = [value.high if smallest else value.low for _, value in known]
    other = choose(far) if far else (max if smallest else min)(everything)
    low, high = sorted((choose(near), other))
    return Span(low, high, unknown or not sure)


def _months(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month
