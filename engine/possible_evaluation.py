"""What an expression may come to while its inputs are only narrowed down: every node of the tree over ranges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.civil_days import add_months, civil_from_days, months_between
from engine.interpreter_values import TURNED, round_quotient
from engine.possible_values import (
    NEVER,
    NO,
    UNKNOWN,
    YES,
    Choice,
    Possible,
    Span,
    all_of,
    any_of,
    either,
    has_known,
    may_be_unknown,
    of_value,
    opposite,
    with_unknown,
)
from policies.policy import Condition
from policies.tree import (
    Add,
    AddMonths,
    Aggregate,
    And,
    Attribute,
    Compare,
    CompareRatio,
    DatePart,
    If,
    In,
    IndicatorValue,
    Literal,
    Lookup,
    Maximum,
    Minimum,
    MonthsBetween,
    Multiply,
    Named,
    Node,
    Not,
    Or,
    ParameterValue,
    PrefixLookup,
    Reference,
    Round,
    Subtract,
    Within,
)


class Possibilities:
    """Evaluates trees over what is possible. Who inherits says what data, dates and aggregates may be."""

    def attribute(self, node: Attribute) -> Possible:
        """Return what a stored datum may be."""
        raise NotImplementedError

    def aggregate(self, node: Aggregate) -> Possible:
        """Return what an aggregate may be."""
        raise NotImplementedError

    def silent(self, node: Literal) -> Possible:
        """Return what a constant without a value may be; it is unknown unless somebody supplies it."""
        return NEVER

    def unfixed(self, node: Reference | ParameterValue | IndicatorValue) -> Possible:
        """Return what a date-dependent node may be. Fixed trees hold none."""
        raise NotImplementedError

    def named(self, node: Named) -> Possible:
        """Return what a named expression may be."""
        return self.evaluate(node.child)

    def evaluate(self, node: Node) -> Possible:
        """Return what `node` may come to."""
        return _MEANINGS[type(node)](node, self)

    def truth(self, node: Node) -> int:
        """Return which truths a Boolean node may come to."""
        found = self.evaluate(node)
        # Without a type: a parameter that has no value at all.
        return found if isinstance(found, int) else UNKNOWN

    def span(self, node: Node) -> Span:
        """Return the range of a number or date."""
        found = self.evaluate(node)
        return found if isinstance(found, Span) else NEVER

    def condition(self, condition: Condition) -> int:
        """Return which answers a condition may have."""
        if condition.expression is not None:
            return self.truth(condition.expression)
        parts = (self.condition(child) for child in condition.children)
        if condition.kind == "all":
            return all_of(parts)
        found = any_of(parts)
        return found if condition.kind == "any" else opposite(found)

    def answer(self, condition: Condition, amount: Node | None) -> int:
        """Return which outcomes a policy may have: a yes whose amount is not known is undetermined."""
        found = self.condition(condition)
        if found & YES and amount is not None:
            owed = self.evaluate(amount)
            if may_be_unknown(owed):
                found |= UNKNOWN
                if not has_known(owed):
                    found &= ~YES
        return found


def _literal(node: Literal, at: Possibilities) -> Possible:
    return at.silent(node) if node.value is None else of_value(node.value)


def _if(node: If, at: Possibilities) -> Possible:
    condition = at.truth(node.condition)
    parts: list[Possible] = []
    if condition & YES:
        parts.append(at.evaluate(node.then))
    if condition & NO:
        parts.append(at.evaluate(node.otherwise))
    if not parts:
        return of_value(None, at.evaluate(node.then))
    found = either(parts)
    return with_unknown(found) if condition & UNKNOWN else found


def _compare(node: Compare, at: Possibilities) -> int:
    left, right = at.evaluate(node.left), at.evaluate(node.right)
    unknown = UNKNOWN if may_be_unknown(left) or may_be_unknown(right) else 0
    if not has_known(left) or not has_known(right):
        return UNKNOWN
    return unknown | _comparison(node.operator, left, right)


def _comparison(operator: str, left: Possible, right: Possible) -> int:
    """Return how a comparison of known values may come out."""
    if isinstance(left, Span) and isinstance(right, Span):
        return ordered(operator, left, right)
    if isinstance(left, Choice) and isinstance(right, Choice):
        same = bool(left.values & right.values)
        other = not (len(left.values) == 1 and left.values == right.values)
    else:
        assert isinstance(left, int) and isinstance(right, int)
        same = bool(left & right & (YES | NO))
        other = bool((left & YES and right & NO) or (left & NO and right & YES))
    equal = (YES if same else 0) | (NO if other else 0)
    return equal if operator == "==" else opposite(equal)


def ordered(operator: str, left: Span, right: Span) -> int:
    """Return how a comparison of two ranges may come out, each value known."""
    if operator in (">", ">=", "!="):
        if operator == "!=":
            return opposite(ordered("==", left, right))
        return ordered(TURNED[operator], right, left)
    if operator == "==":
        can = left.low <= right.high and right.low <= left.high
        cannot = not left.low == left.high == right.low == right.high
    elif operator == "<":
        can, cannot = left.low < right.high, left.high >= right.low
    else:
        can, cannot = left.low <= right.high, left.high > right.low
    return (YES if can else 0) | (NO if cannot else 0)


def _signs(span: Span) -> tuple[list[Span], bool]:
    """Return the parts of a known range below and above zero, and whether zero lies in it."""
    parts = []
    if span.low < 0:
        parts.append(Span(span.low, min(span.high, -1)))
    if span.high > 0:
        parts.append(Span(max(span.low, 1), span.high))
    return parts, span.low <= 0 <= span.high


def _ratio(node: CompareRatio, at: Possibilities) -> int:
    numerator, denominator, right = at.span(node.numerator), at.span(node.denominator), at.span(node.right)
    found = UNKNOWN if numerator.unknown or denominator.unknown or right.unknown else 0
    if numerator.nothing_known or denominator.nothing_known or right.nothing_known:
        return UNKNOWN
    parts, zero = _signs(denominator)
    for part in parts:
        operator = node.operator if part.low > 0 else TURNED[node.operator]
        found |= ordered(operator, numerator, _product(right, part))
    return found | (UNKNOWN if zero else 0)


def _product(left: Span, right: Span) -> Span:
    corners = [one * other for one in left[:2] for other in right[:2]]
    return Span(min(corners), max(corners))


def _round(node: Round, at: Possibilities) -> Possible:
    numerator, denominator = at.span(node.numerator), at.span(node.denominator)
    if numerator.nothing_known or denominator.nothing_known:
        return NEVER
    parts, zero = _signs(denominator)
    # Every way of rounding keeps the order, so that the extremes lie at the corners.
    corners = [
        found
        for part in parts
        for one in numerator[:2]
        for other in part[:2]
        if (found := round_quotient(one, other, node.mode)) is not None
    ]
    if not corners:
        return NEVER
    return Span(min(corners), max(corners), numerator.unknown or denominator.unknown or zero)


def _spans(compute: Callable[..., tuple[int, int]], *names: str) -> Callable[[Any, Possibilities], Possible]:
    """Return the meaning of a node of ranges: unknown as soon as one operand is."""

    def meaning(node: Node, at: Possibilities) -> Possible:
        parts = [at.span(getattr(node, name)) for name in names]
        if any(part.nothing_known for part in parts):
            return NEVER
        low, high = compute(node, *parts)
        return Span(low, high, any(part.unknown for part in parts))

    return meaning


def _extreme(choose: Callable[[Iterable[int]], int]) -> Callable[[Any, Possibilities], Possible]:
    def meaning(node: Minimum | Maximum, at: Possibilities) -> Possible:
        parts = [at.span(child) for child in node.children]
        if any(part.nothing_known for part in parts):
            return NEVER
        unknown = any(part.unknown for part in parts)
        return Span(choose(part.low for part in parts), choose(part.high for part in parts), unknown)

    return meaning


def _in(node: In, at: Possibilities) -> int:
    found = at.evaluate(node.child)
    if not has_known(found):
        return UNKNOWN
    result = UNKNOWN if may_be_unknown(found) else 0
    if isinstance(found, Span):
        inside = {value for value in node.values if isinstance(value, int) and found.low <= value <= found.high}
        return result | (YES if inside else 0) | (NO if found.high - found.low >= len(inside) else 0)
    assert isinstance(found, Choice)
    members = found.values.intersection(value for value in node.values if isinstance(value, str))
    return result | (YES if members else 0) | (NO if members != found.values else 0)


def _within(node: Within, at: Possibilities) -> int:
    found = at.evaluate(node.child)
    if not isinstance(found, Choice) or not found.values:
        return UNKNOWN
    result = UNKNOWN if found.unknown else 0
    for value in found.values:
        result |= YES if value.startswith(node.prefixes) else NO
    return result


def _date_part(node: DatePart, span: Span) -> tuple[int, int]:
    first, last = civil_from_days(span.low), civil_from_days(span.high)
    if node.part == "year":
        return first[0], last[0]
    if node.part == "month":
        return (first[1], last[1]) if first[0] == last[0] else (1, 12)
    return (first[2], last[2]) if first[:2] == last[:2] else (1, 31)


def _lookup(node: Lookup, at: Possibilities) -> Possible:
    key = at.evaluate(node.key)
    if not has_known(key):
        return NEVER
    parts: list[Possible] = []
    if isinstance(key, Span):
        inside = [(case, value) for case, value in node.cases if isinstance(case, int) and key.low <= case <= key.high]
        parts += [of_value(value) for _, value in inside]
        uncovered = key.high - key.low + 1 - len(inside)
        if node.each_further is not None:
            last, increment = node.each_further
            base = dict(node.cases).get(last)
            low = max(key.low, last + 1)
            if isinstance(base, int) and low <= key.high:
                ends = [base + (one - last) * increment for one in (low, key.high)]
                parts.append(Span(min(ends), max(ends)))
                uncovered -= key.high - low + 1
        if uncovered > 0:
            parts.append(of_value(node.default))
    else:
        assert isinstance(key, Choice)
        cases = dict(node.cases)
        parts += [of_value(cases.get(value, node.default)) for value in sorted(key.values)]
    found = either(parts)
    return with_unknown(found) if may_be_unknown(key) else found


def _prefix_lookup(node: PrefixLookup, at: Possibilities) -> Possible:
    key = at.evaluate(node.key)
    if not isinstance(key, Choice) or not key.values:
        return NEVER
    parts = []
    for code in sorted(key.values):
        matching = [(len(prefix), value) for prefix, value in node.cases if code.startswith(prefix)]
        parts.append(of_value(max(matching, key=lambda one: one[0])[1] if matching else None))
    found = either(parts)
    return with_unknown(found) if key.unknown else found


def _unfixed(node: Reference | ParameterValue | IndicatorValue, at: Possibilities) -> Possible:
    return at.unfixed(node)


_MEANINGS: Mapping[type, Callable[[Any, Possibilities], Possible]] = {
    Literal: _literal,
    Attribute: lambda node, at: at.attribute(node),
    Named: lambda node, at: at.named(node),
    Not: lambda node, at: opposite(at.truth(node.child)),
    And: lambda node, at: all_of(at.truth(child) for child in node.children),
    Or: lambda node, at: any_of(at.truth(child) for child in node.children),
    Compare: _compare,
    CompareRatio: _ratio,
    Add: _spans(lambda node, one, two: (one.low + two.low, one.high + two.high), "left", "right"),
    Subtract: _spans(lambda node, one, two: (one.low - two.high, one.high - two.low), "left", "right"),
    Multiply: _spans(lambda node, one, two: _product(one, two)[:2], "left", "right"),
    Round: _round,
    Minimum: _extreme(min),
    Maximum: _extreme(max),
    If: _if,
    In: _in,
    Within: _within,
    DatePart: _spans(_date_part, "child"),
    MonthsBetween: _spans(
        lambda node, start, end: (months_between(start.high, end.low), months_between(start.low, end.high)),
        "start",
        "end",
    ),
    AddMonths: _spans(
        lambda node, day, months: (add_months(day.low, months.low), add_months(day.high, months.high)),
        "date",
        "months",
    ),
    Lookup: _lookup,
    PrefixLookup: _prefix_lookup,
    Aggregate: lambda node, at: at.aggregate(node),
    Reference: _unfixed,
    ParameterValue: _unfixed,
    IndicatorValue: _unfixed,
}
