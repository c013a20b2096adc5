"""The translation agrees with the interpreter, node by node, unknowns included: on trees and people at random.

Every symbol of the formulas is replaced by what the interpreter's person has there; what is left is a constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.civil_days import civil_from_days
from engine.interpreter_values import Log, Surroundings, evaluate
from policies import tree as t
from policies.proofs.code_numbers import Numberings
from policies.proofs.symbols import Symbols
from policies.proofs.terms import Term, Truth
from policies.proofs.translation import MEANINGS, Translation
from policies.proofs.whole_numbers import Calendar
from policies.types import Code, Text, Type, Value
from tests.engine_compilers.generated_trees import (
    BOOL,
    DATE,
    NUMBER,
    REGION,
    REGIONS,
    SIZE,
    SIZES,
    TEXTS,
    VOCABULARY,
    Seen,
    TreeMaker,
    WorldFacts,
    make_world,
)

ALSO = {"": (*TEXTS, "nobody"), "region": REGIONS, "size": SIZES}


@dataclass
class Person:
    """The formulas about one person of a generated world."""

    symbols: Symbols
    numberings: Numberings
    calendar: Calendar
    facts: WorldFacts

    def number(self, value: Value, kind: Type) -> int:
        """Return a known value as the formulas have it."""
        if isinstance(kind, Code | Text):
            number = self.numberings.of(kind).number(str(value))
            assert number is not None
            return number
        return int(value)  # type: ignore[arg-type]

    def values(self) -> list[tuple[z3.ExprRef, z3.ExprRef]]:
        """Return what each symbol is to be replaced by; data of items that do not exist are unknown."""
        found: list[tuple[z3.ExprRef, z3.ExprRef]] = []
        seen: dict[str, WorldFacts | None] = {"": self.facts}
        for (scope, path), made in self.symbols.collections.items():
            facts = seen[scope]
            items = facts.items(path) if facts is not None else None
            found.append((made.known, z3.BoolVal(items is not None)))
            for number, item in enumerate(made.items):
                here = items[number] if items is not None and number < len(items) else None
                found.append((item.exists, z3.BoolVal(here is not None)))
                seen[item.scope] = here
        for (scope, path), datum in self.symbols.data.items():
            facts = seen[scope]
            value = facts.value(path) if facts is not None else None
            if isinstance(datum.term, Truth):
                known, holds = datum.term.true.children()
                found += [(known, z3.BoolVal(value is not None)), (holds, z3.BoolVal(bool(value)))]
            else:
                whole = 0 if value is None else self.number(value, datum.type)
                found += [(datum.term.known, z3.BoolVal(value is not None)), (datum.term.value, z3.IntVal(whole))]
        for civil in self.calendar.days.values():
            day = settled(civil.day, found)
            # A quotient by zero has no value; the dates that hang on it are unknown, and any will do.
            parts = civil_from_days(day.as_long() if z3.is_int_value(day) else 0)
            found += zip((civil.year, civil.month, civil.of_month), map(z3.IntVal, parts), strict=True)
        return found


def settled(formula: z3.ExprRef, values: list[tuple[z3.ExprRef, z3.ExprRef]]) -> z3.ExprRef:
    return z3.simplify(z3.substitute(formula, *values))


def value_of(term: Term, values: list[tuple[z3.ExprRef, z3.ExprRef]]) -> object:
    if isinstance(term, Truth):
        true, false = settled(term.true, values), settled(term.false, values)
        assert z3.is_true(true) or z3.is_false(true), true
        assert z3.is_true(false) or z3.is_false(false), false
        assert not (z3.is_true(true) and z3.is_true(false))
        return True if z3.is_true(true) else False if z3.is_true(false) else None
    known = settled(term.known, values)
    assert z3.is_true(known) or z3.is_false(known), known
    return settled(term.value, values).as_long() if z3.is_true(known) else None


def check_tree(seed: int, kind: Type) -> None:
    world = make_world(seed, size=3)
    node = TreeMaker(seed).tree(kind, (Seen("citizen"),), 4)
    numberings = Numberings(VOCABULARY, [node], ALSO)
    for subject in sorted(world.subjects["citizen"])[:2]:
        facts = world.facts("citizen", subject)
        symbols = Symbols(VOCABULARY, numberings, "citizen", longest=4, unknowns=True)
        person = Person(symbols, numberings, Calendar(), facts)
        term = Translation(symbols, numberings, person.calendar).term(node, ("",))
        values = person.values()
        expected = evaluate(node, Surroundings((facts,), False, {}, Log())).value
        if expected is not None and isinstance(kind, Code | Text):
            expected = person.number(expected, kind)
        assert value_of(term, values) == expected, (seed, subject)
        for definition in person.calendar.definitions:
            # What is neither true nor false hangs on a quotient by zero.
            assert not z3.is_false(settled(definition, values)), (seed, subject, definition)


@pytest.mark.parametrize("kind", [BOOL, NUMBER, DATE, REGION, SIZE], ids=["bool", "number", "date", "region", "size"])
@given(seed=st.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_every_expression_has_the_value_that_the_interpreter_finds(kind: Type, seed: int) -> None:
    check_tree(seed, kind)


def test_every_kind_of_node_has_a_meaning() -> None:
    gone_after_fixing = {t.Reference, t.ParameterValue, t.IndicatorValue}
    assert set(MEANINGS) == set(t.Node.__args__) - gone_after_fixing
