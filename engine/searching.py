"""Looking for values of some inputs with which a policy answers as wanted, without trying all of them.

Ranges that cannot give the answer are ruled out whole (`engine.possible_values`), the others are halved. An
answer of None is therefore certain, and so is the nearest value that is returned. Work is counted: who runs out
of it is told so (`OutOfWork`) and says "there may be more" instead of guessing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.decision import Facts
from engine.input_domains import domain_of, mentioned_by
from engine.interpreter_values import Log, Surroundings, evaluate
from engine.policy_inputs import attribute_name, deciding_expressions, inputs_of, whole_condition
from engine.possible_evaluation import Possibilities
from engine.possible_values import (
    NO,
    YES,
    Choice,
    Possible,
    Span,
    either,
    has_known,
    may_be_unknown,
    of_value,
    with_unknown,
)
from policies.policy import Condition, FixedPolicy
from policies.tree import (
    Aggregate,
    Attribute,
    IndicatorValue,
    Literal,
    Lookup,
    Named,
    Node,
    ParameterValue,
    PrefixLookup,
    Reference,
    children,
)
from policies.types import Type, Value
from policies.vocabulary import Vocabulary

Box = dict[str, Possible]


class OutOfWork(Exception):
    """The search has looked at as many ranges as it was allowed to."""


@dataclass(slots=True)
class Work:
    """How many ranges may still be looked at."""

    left: int

    def spend(self) -> None:
        """Count one range. Raises OutOfWork."""
        self.left -= 1
        if self.left < 0:
            raise OutOfWork


@dataclass(frozen=True, slots=True)
class Datum:
    """One thing a decision hangs on: an input, or a value the policy itself should have set."""

    name: str
    type: Type


class _OverInputs(Possibilities):
    """A fixed policy over a box: each input by its name."""

    def __init__(self, box: Mapping[str, Possible], for_each: bool, aggregates: Mapping[Aggregate, str]) -> None:
        self.box, self.for_each, self.aggregates = box, for_each, aggregates
        self._known: dict[int, Possible] = {}

    def evaluate(self, node: Node) -> Possible:
        # Definitions are shared between conditions: each is worked out once.
        found = self._known.get(id(node))
        if found is None:
            found = self._known[id(node)] = super().evaluate(node)
        return found

    def attribute(self, node: Attribute) -> Possible:
        return self.box[attribute_name(node, self.for_each)]

    def aggregate(self, node: Aggregate) -> Possible:
        return self.box[self.aggregates[node]]

    def silent(self, node: Literal) -> Possible:
        found = None if node.missing is None else self.box.get(node.missing)
        return super().silent(node) if found is None else found

    def named(self, node: Named) -> Possible:
        found = self.evaluate(node.child)
        if not isinstance(node.child, Lookup | PrefixLookup) or node.name not in self.box:
            return found
        # A table without a value for the key: the value that somebody would set stands in for it.
        key = self.evaluate(node.child.key)
        if not has_known(key) or not may_be_unknown(found):
            return found
        known = found if has_known(found) else self.box[node.name]
        supplied = either((_known_part(known), self.box[node.name]))
        return with_unknown(supplied) if may_be_unknown(key) else supplied

    def unfixed(self, node: Reference | ParameterValue | IndicatorValue) -> Possible:
        raise TypeError(f"{type(node).__name__} in a fixed policy")


def _known_part(possible: Possible) -> Possible:
    if isinstance(possible, int):
        return possible & (YES | NO)
    return Span(possible.low, possible.high) if isinstance(possible, Span) else Choice(possible.values)


@dataclass(frozen=True, slots=True)
class Question:
    """One policy and one subject (and unit): what its answer may be if some inputs were otherwise.

    `data` are the inputs in order of appearance, then the values that the policy should have set but did not;
    `now` holds the present value of each; `domains` what it may become.
    """

    fixed: FixedPolicy
    condition: Condition
    data: tuple[Datum, ...]
    now: Mapping[str, Value]
    domains: Mapping[str, Possible]
    aggregates: Mapping[Aggregate, str]
    work: Work = field(compare=False)

    def answer(self, box: Mapping[str, Possible]) -> int:
        """Return which outcomes are possible in `box`; inputs that it does not name keep their values."""
        self.work.spend()
        whole = {**{name: of_value(value, self.domains[name]) for name, value in self.now.items()}, **box}
        over = _OverInputs(whole, self.fixed.policy.for_each is not None, self.aggregates)
        try:
            return over.answer(self.condition, self.fixed.amount)
        except RecursionError:
            # A deep search into a deep policy; what was found before is right.
            raise OutOfWork from None

    def witness(self, box: Box, wanted: int) -> dict[str, Value] | None:
        """Return values inside `box` that give an answer of `wanted` (a set of bits), or None: there are none.

        Raises OutOfWork.
        """
        answer = self.answer(box)
        if not answer & wanted:
            return None
        if not answer & ~wanted:
            return {name: first_of(possible) for name, possible in box.items()}
        for part in self._parts(box, answer):
            found = self.witness(part, wanted)
            if found is not None:
                return found
        return None

    def _parts(self, box: Box, answer: int) -> list[Box]:
        """Return `box` in two, along an input that tells answers apart if one does."""
        fallback: list[Box] = []
        for name in sorted(box, key=lambda name: size_of(box[name])):
            halves = halved(box[name])
            if not halves:
                continue
            parts = [{**box, name: half} for half in halves]
            if not fallback:
                fallback = parts
            if any(self.answer(part) != answer for part in parts):
                return parts
        return fallback

    def nearest(self, box: Box, name: str, wanted: int) -> Iterator[Value]:
        """Yield values of `name` inside `box` that allow an answer of `wanted`, the nearest to its present first.

        Numbers and dates: the nearest below and the nearest above, or the smallest if none is known now. Codes,
        texts and truths: all. The other inputs of `box` are free. Raises OutOfWork.
        """
        domain = box[name]
        now = self.now[name]
        if not isinstance(domain, Span):
            values = sorted(domain.values) if isinstance(domain, Choice) else [True, False]
            for value in values:
                if self._allows(box, name, of_value(value), wanted):
                    yield value
            return
        centre = now if isinstance(now, int) else domain.low
        above = self.first({**box, name: Span(centre, domain.high)}, name, wanted)
        below = None
        if centre > domain.low and above != centre:
            below = self.first({**box, name: Span(domain.low, centre - 1)}, name, wanted, backwards=True)
        found = [value for value in (below, above) if value is not None]
        yield from sorted(found, key=lambda value: (abs(value - centre), value))

    def first(self, box: Box, name: str, wanted: int, *, backwards: bool = False) -> int | None:
        """Return the first value of a number or date in its range that allows `wanted`; None: none does."""
        span = box[name]
        assert isinstance(span, Span)
        if not self.answer(box) & wanted:
            return None
        if span.low == span.high:
            return span.low if self.witness(box, wanted) is not None else None
        halves = halved(span)
        for half in reversed(halves) if backwards else halves:
            found = self.first({**box, name: half}, name, wanted, backwards=backwards)
            if found is not None:
                return found
        return None

    def _allows(self, box: Box, name: str, value: Possible, wanted: int) -> bool:
        return self.witness({**box, name: value}, wanted) is not None

    def free(self, names: Iterator[str] | tuple[str, ...] | frozenset[str] | set[str] | list[str]) -> Box:
        """Return the box in which these inputs may take any value."""
        return {name: self.domains[name] for name in sorted(names)}


def size_of(possible: Possible) -> int:
    """Return how many known values are possible."""
    if isinstance(possible, int):
        return (possible & YES) + ((possible & NO) >> 1)
    return possible.high - possible.low + 1 if isinstance(possible, Span) else len(possible.values)


def halved(possible: Possible) -> list[Possible]:
    """Return the two halves of what is possible; nothing for a single value."""
    if size_of(possible) < 2:
        return []
    if isinstance(possible, int):
        return [YES, NO]
    if isinstance(possible, Span):
        middle = (possible.low + possible.high) // 2
        return [Span(possible.low, middle), Span(middle + 1, possible.high)]
    values = sorted(possible.values)
    return [Choice(frozenset(values[: len(values) // 2])), Choice(frozenset(values[len(values) // 2 :]))]


def first_of(possible: Possible) -> Value:
    """Return the first known value that is possible."""
    if isinstance(possible, int):
        return bool(possible & YES)
    return possible.low if isinstance(possible, Span) else min(possible.values)


def input_values(fixed: FixedPolicy, subject: Facts, unit: Facts | None = None) -> dict[str, Value]:
    """Return the present value of every input of the policy, also of those its decision did not need."""
    inputs = inputs_of(fixed)
    names = {one.node: one.name for one in inputs if isinstance(one.node, Aggregate)}
    facts = (subject,) if unit is None else (subject, unit)
    at = Surroundings(facts, unit is not None, names, Log())
    return {one.name: evaluate(one.node, at).value for one in inputs}


def question_of(fixed: FixedPolicy, now: Mapping[str, Value], vocabulary: Vocabulary, work: int) -> Question:
    """Return what can be asked about a policy and the inputs `now` (see `input_values`).

    Args:
        fixed: the policy, settled for the reference date.
        now: every input by name.
        vocabulary: says which codes there are.
        work: how many ranges may be looked at before the search gives up.
    """
    inputs = inputs_of(fixed)
    data = [Datum(one.name, one.type) for one in inputs]
    values: dict[str, Value] = {one.name: now.get(one.name) for one in inputs}
    for silent in unset_values(fixed):
        if silent.name not in values:
            data.append(silent)
            values[silent.name] = None
    mentioned = mentioned_by(fixed, values)
    domains = {one.name: domain_of(one.type, values[one.name], mentioned, vocabulary) for one in data}
    names: dict[Aggregate, str] = {one.node: one.name for one in inputs if isinstance(one.node, Aggregate)}
    return Question(fixed, whole_condition(fixed), tuple(data), values, domains, names, Work(work))


def unset_values(fixed: FixedPolicy) -> Iterator[Datum]:
    """Yield the parameters and indicators that the policy looks at and that may have no value on its date."""
    for root in deciding_expressions(fixed):
        yield from _unset_below(root)


def _unset_below(node: Node) -> Iterator[Datum]:
    if isinstance(node, Literal) and node.value is None and node.missing is not None:
        yield Datum(node.missing, node.type)
    if isinstance(node, Named) and isinstance(node.child, Lookup | PrefixLookup):
        yield Datum(node.name, node.type)
    if not isinstance(node, Aggregate):
        for child in children(node):
            yield from _unset_below(child)
