"""The value of one expression for one subject: the reference meaning of every node of the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple

from engine.civil_days import add_months, civil_from_days, months_between
from engine.decision import Facts
from engine.policy_inputs import Input, attribute_name
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
    PrefixLookup,
    Round,
    Subtract,
    Within,
    children,
)
from policies.types import Value

_NOBODY: frozenset[str] = frozenset()


class Found(NamedTuple):
    """A value and, where it is unknown, the names of the data whose absence makes it so."""

    value: Value
    missing: frozenset[str] = _NOBODY


@dataclass(frozen=True, slots=True)
class Log:
    """What an evaluation has looked at: `values` for people (definitions too), `inputs` for evidence."""

    values: dict[str, Value] = field(default_factory=dict)
    inputs: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where an expression is evaluated: the facts of each depth, the names of inputs, and the log.

    `log` is None inside aggregates: there the aggregate as a whole is the input.
    """

    facts: tuple[Facts, ...]
    for_each: bool
    aggregates: Mapping[Aggregate, str]
    log: Log | None


def surroundings(facts: tuple[Facts, ...], inputs: Iterable[Input], log: Log) -> Surroundings:
    """Return the surroundings of a policy's expressions: `facts` is the subject and perhaps a unit."""
    names = {one.node: one.name for one in inputs if isinstance(one.node, Aggregate)}
    return Surroundings(facts, len(facts) > 1, names, log)


def evaluate(node: Node, at: Surroundings) -> Found:
    """Return the value of `node`. Every operand is evaluated, except the branch an `If` does not take."""
    return _MEANINGS[type(node)](node, at)


def _literal(node: Literal, at: Surroundings) -> Found:
    if node.value is not None:
        return Found(node.value)
    if node.missing is None:
        return Found(None)
    _note(at, node.missing, None, is_input=True)
    return Found(None, frozenset((node.missing,)))


def _attribute(node: Attribute, at: Surroundings) -> Found:
    value = at.facts[node.depth].value(node.path)
    if value is not None and at.log is None:
        return Found(value)
    name = attribute_name(node, at.for_each)
    _note(at, name, value, is_input=True)
    return _input(name, value)


def _named(node: Named, at: Surroundings) -> Found:
    # The place in the log is taken before the child is evaluated: the name comes before its parts.
    if at.log is not None:
        at.log.values.setdefault(node.name, None)
    found = evaluate(node.child, at)
    if at.log is not None:
        at.log.values[node.name] = found.value
    if found.value is None and isinstance(node.child, Lookup | PrefixLookup):
        # A table without a value for a known key: not the key is missing, but the parameter's value.
        silent = Surroundings(at.facts, at.for_each, at.aggregates, None)
        if evaluate(node.child.key, silent).value is not None:
            return Found(None, frozenset((node.name,)))
    return found


def _not(node: Not, at: Surroundings) -> Found:
    found = evaluate(node.child, at)
    return found if found.value is None else Found(not found.value)


def _and(node: And, at: Surroundings) -> Found:
    return _kleene(node.children, at, decisive=False)


def _or(node: Or, at: Surroundings) -> Found:
    return _kleene(node.children, at, decisive=True)


def _kleene(parts: tuple[Node, ...], at: Surroundings, decisive: bool) -> Found:
    found = [evaluate(part, at) for part in parts]
    if any(one.value is decisive for one in found):
        return Found(decisive)
    if any(one.value is None for one in found):
        return Found(None, frozenset().union(*(one.missing for one in found)))
    return Found(not decisive)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def _strict(compute: Callable[..., Value], *operands: str) -> Callable[[Any, Surroundings], Found]:
    """Return the meaning of a node that is unknown as soon as one operand is; `operands` are its fields, if not all."""
    several = attrgetter(*operands) if len(operands) > 1 else None
    only = attrgetter(operands[0]) if len(operands) == 1 else None

    def meaning(node: Node, at: Surroundings) -> Found:
        parts = several(node) if several else (only(node),) if only else children(node)
        found = [_MEANINGS[type(part)](part, at) for part in parts]
        values = [one[0] for one in found]
        if None in values:
            return Found(None, frozenset().union(*(one.missing for one in found)))
        value = compute(node, *values)
        if value is None:
            return Found(None, _data_below(node, at))
        return Found(value)

    return meaning


def _compare_ratio(node: CompareRatio, numerator: int, denominator: int, right: int) -> Value:
    if denominator == 0:
        return None
    operator = node.operator if denominator > 0 else TURNED[node.operator]
    return COMPARISONS[operator](numerator, right * denominator)


def round_quotient(numerator: int, denominator: int, mode: str) -> int | None:
    """Return numerator / denominator as an integer, rounded by `mode`; None for a zero denominator."""
    if denominator == 0:
        return None
    if mode == "floor":
        return numerator // denominator
    negative = (numerator < 0) != (denominator < 0)
    quotient, rest = divmod(abs(numerator), abs(denominator))
    if mode == "up":
        quotient += rest != 0
    elif mode == "half_up":
        quotient += 2 * rest >= abs(denominator)
    return -quotient if negative else quotient


def _lookup(node: Lookup, key: int | str) -> Value:
    for case, value in node.cases:
        if case == key:
            return value
    if node.each_further is not None and isinstance(key, int):
        last, increment = node.each_further
        base = dict(node.cases).get(last)
        if key > last and isinstance(base, int):
            return base + (key - last) * increment
    return node.default


def _prefix_lookup(node: PrefixLookup, key: str) -> Value:
    matching = [(len(prefix), value) for prefix, value in node.cases if key.startswith(prefix)]
    return max(matching, key=lambda one: one[0])[1] if matching else None


def _date_part(node: DatePart, day: int) -> Value:
    return civil_from_days(day)[("year", "month", "day").index(node.part)]


def _if(node: If, at: Surroundings) -> Found:
    condition = evaluate(node.condition, at)
    if condition.value is None:
        return condition
    return evaluate(node.then if condition.value else node.otherwise, at)


def _aggregate(node: Aggregate, at: Surroundings) -> Found:
    name = at.aggregates.get(node, node.text)
    answered = getattr(at.facts[node.from_depth], "aggregate", None)
    value = answered(name) if answered is not None else fold(node, at)
    _note(at, name, value, is_input=True)
    return _input(name, value)


def fold(node: Aggregate, at: Surroundings) -> Value:
    """Return the aggregate's value over the items that the facts hold."""

    def inside(node: Node) -> Callable[[tuple[Facts, ...]], Value]:
        return lambda facts: evaluate(node, Surroundings(facts, at.for_each, at.aggregates, None)).value

    kept = None if node.filter is None else inside(node.filter)
    value = None if node.value is None else inside(node.value)
    return folded(node, at.facts, kept, value)


def folded(
    node: Aggregate,
    facts: tuple[Facts, ...],
    filter_of: Callable[[tuple[Facts, ...]], Value] | None,
    value_of: Callable[[tuple[Facts, ...]], Value] | None,
) -> Value:
    """Return the aggregate's value over the items that the facts hold, its filter and its value given as functions."""
    items = facts[node.from_depth].items(node.path)
    if items is None or (node.at_most is not None and len(items) > node.at_most):
        return None
    outer = facts[: node.depth]
    values: list[Value] = []
    unknown_filter = False
    for item in items:
        inside = (*outer, item)
        kept = True if filter_of is None else filter_of(inside)
        if kept is None:
            unknown_filter = True
        elif kept:
            values.append(True if value_of is None else value_of(inside))
    if node.kind in ("any", "all"):
        decisive = node.kind == "any"
        if any(value is decisive for value in values):
            return decisive
        return None if any(value is None for value in values) else not decisive
    if unknown_filter or any(value is None for value in values):
        return None
    known: list[int] = [int(value) for value in values if value is not None]
    if node.kind in ("count", "sum"):
        return sum(known)
    if not known:
        return None
    return min(known) if node.kind == "min" else max(known)


def _input(name: str, value: Value) -> Found:
    return Found(None, frozenset((name,))) if value is None else Found(value)


def _note(at: Surroundings, name: str, value: Value, *, is_input: bool) -> None:
    if at.log is not None:
        at.log.values[name] = value
        if is_input:
            at.log.inputs[name] = value


def _data_below(node: Node, at: Surroundings) -> frozenset[str]:
    """Return the inputs under a node that has no value although all of them are known: one must change."""
    log = Log()
    quiet = Surroundings(at.facts, at.for_each, at.aggregates, log)
    for child in children(node):
        evaluate(child, quiet)
    return frozenset(log.inputs)


# What a node that is unknown as soon as one operand is comes to, and the fields that are its operands, if not all.
STRICT: dict[type, tuple[Callable[..., Value], tuple[str, ...]]] = {
    Compare: (lambda node, left, right: COMPARISONS[node.operator](left, right), ("left", "right")),
    CompareRatio: (_compare_ratio, ("numerator", "denominator", "right")),
    Add: (lambda node, left, right: left + right, ("left", "right")),
    Subtract: (lambda node, left, right: left - right, ("left", "right")),
    Multiply: (lambda node, left, right: left * right, ("left", "right")),
    Round: (lambda node, above, below: round_quotient(above, below, node.mode), ("numerator", "denominator")),
    Minimum: (lambda node, *values: min(values), ()),
    Maximum: (lambda node, *values: max(values), ()),
    In: (lambda node, value: value in node.values, ("child",)),
    Within: (lambda node, value: value.startswith(node.prefixes), ("child",)),
    DatePart: (_date_part, ("child",)),
    MonthsBetween: (lambda node, start, end: months_between(start, end), ("start", "end")),
    AddMonths: (lambda node, day, months: add_months(day, months), ("date", "months")),
    Lookup: (_lookup, ("key",)),
    PrefixLookup: (_prefix_lookup, ("key",)),
}

_MEANINGS: dict[type, Callable[[Any, Surroundings], Found]] = {
    Literal: _literal,
    Attribute: _attribute,
    Named: _named,
    Not: _not,
    And: _and,
    Or: _or,
    If: _if,
    Aggregate: _aggregate,
    **{kind: _strict(compute, *operands) for kind, (compute, operands) in STRICT.items()},
}
