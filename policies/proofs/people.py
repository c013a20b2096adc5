"""From a solution to a person: a profile as an example of a rule file has it, confirmed by an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import z3

from policies.errors import PolicyError
from policies.examples import Decide, facts_from_example
from policies.fixing import fix
from policies.policy import FixedPolicy
from policies.proofs.report import Sample
from policies.proofs.symbols import SUBJECT, Symbols
from policies.proofs.terms import Quantity, Term, Truth
from policies.types import Code, Date, Number, Text, Type, from_day_number, to_day_number
from policies.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Person:
    """A profile, and what the indicators are assumed to be, as examples of rule files have them."""

    profile: Mapping[str, object]
    given: Mapping[str, object]


def person_of(symbols: Symbols, model: Any) -> Person:
    """Read the person off a solution."""
    profile: dict[str, Any] = {}
    places: dict[str, dict[str, Any]] = {SUBJECT: profile}
    for made in symbols.every_collection():
        if made.scope not in places:
            continue
        items: list[dict[str, Any]] = []
        _put(places[made.scope], made.path, items)
        for item in made.items:
            if z3.is_true(model.eval(item.exists, model_completion=True)):
                items.append({})
                places[item.scope] = items[-1]
    for datum in symbols.every_datum():
        if datum.scope in places:
            _put(places[datum.scope], datum.path, _written(symbols, datum.term, datum.type, model))
    return Person(profile, _given(symbols, model))


def _put(place: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    for link in path[:-1]:
        inner = place.get(link)
        # A link that is itself compared has an id; an id alone is told from a subject with data.
        if not isinstance(inner, dict):
            inner = place[link] = {}
        place = inner
    if not isinstance(place.get(path[-1]), dict):
        place[path[-1]] = value


def _written(symbols: Symbols, term: Term, kind: Type, model: Any) -> object:
    if isinstance(term, Truth):
        return bool(z3.is_true(model.eval(term.true, model_completion=True)))
    return as_written(symbols, term, kind, model)


def as_written(symbols: Symbols, term: Quantity, kind: Type, model: Any) -> object:
    """Return a value of a solution as people write it: a date, a decimal in its unit, a code."""
    number = int(model.eval(term.value, model_completion=True).as_long())
    if isinstance(kind, Date):
        return from_day_number(number)
    if isinstance(kind, Code | Text):
        return symbols.numberings.of(kind).text(number)
    assert isinstance(kind, Number)
    return number if kind.scale == 0 else _plain(Decimal(number).scaleb(-kind.scale))


def _plain(value: Decimal) -> Decimal | int:
    return int(value) if value == value.to_integral_value() else value.normalize()


def _given(symbols: Symbols, model: Any) -> dict[str, object]:
    given: dict[str, object] = {}
    for one in symbols.every_indicator():
        value = as_written(symbols, Quantity(one.value, None), one.type, model)
        if one.key is None or one.key_type is None:
            given[one.name] = value
            continue
        key = as_written(symbols, Quantity(one.key, None), one.key_type, model)
        by_region = given.setdefault(one.name, {})
        assert isinstance(by_region, dict)
        by_region[key] = value
    return {"indicators": given} if given else {}


def outcomes_of_examples(fixed: FixedPolicy, vocabulary: Vocabulary, decide: Decide) -> frozenset[str]:
    """Return what the engine decides, on the day of `fixed`, for the people in the policy's own examples."""
    found: set[str] = set()
    for example in fixed.policy.examples:
        given = {"indicators": example.given} if example.given else {}
        sample = confirmed(fixed, vocabulary, Person(example.profile, given), decide)
        if sample is not None:
            found.update([sample.outcome] if sample.units is None else (one for one, _ in sample.units.values()))
    return frozenset(found)


def confirmed(fixed: FixedPolicy, vocabulary: Vocabulary, person: Person, decide: Decide) -> Sample | None:
    """Return the person as a sample, with what the engine decides; None if it cannot decide the person at all."""
    policy, indicators = fixed.policy, person.given.get("indicators", {})
    assert isinstance(indicators, Mapping)
    try:
        subject = facts_from_example(policy, vocabulary, person.profile)
        again = fix(policy, vocabulary, fixed.on, fixed.period, given=indicators) if indicators else fixed
        if policy.for_each is None:
            decided = decide(again, subject)
            return Sample(fixed.on, person.profile, str(decided.outcome.value), decided.amount, person.given)
        answers = [(unit.id, decide(again, subject, unit)) for unit in subject.items((policy.for_each,)) or ()]
    except PolicyError:
        return None
    if not answers:
        return None
    units = {name: (str(one.outcome.value), one.amount) for name, one in answers}
    outcome, amount = next(iter(units.values()))
    return Sample(fixed.on, person.profile, outcome, amount, person.given, units)


def in_years(on: date) -> tuple[int, int]:
    """Return the days between which dates of living people lie: a hundred years back, up to the day itself."""
    return to_day_number(on) - 36_500, to_day_number(on)


def plausible(symbols: Symbols, on: date) -> list[Any]:
    """Return what would make a person look like one: dates of the last hundred years."""
    low, high = in_years(on)
    dates = (one.term for one in symbols.every_datum() if isinstance(one.type, Date))
    return [z3.And(one.value >= low, one.value <= high) for one in dates if isinstance(one, Quantity)]
