"""Years, months and days in formulas are those of the civil calendar: leap days, ends of months, centuries."""

from __future__ import annotations

import random
from datetime import date

import pytest
import z3

from policies.calendar_arithmetic import add_months, months_between
from policies.proofs.whole_numbers import Calendar, day_number, days_in_month, rounded
from policies.types import from_day_number, to_day_number

r = random.Random(20_260_228)
EDGES = [
    to_day_number(date(year, month, day))
    for year in (1800, 1899, 1900, 1969, 1970, 1999, 2000, 2023, 2024, 2026, 2096, 2100, 2400, 2999)
    for month, day in ((1, 1), (1, 31), (2, 28), (3, 1), (4, 30), (12, 31))
] + [to_day_number(date(year, 2, 29)) for year in (1804, 1904, 2000, 2024, 2028, 2096, 2400)]


def plain(formula: z3.ExprRef) -> int:
    return z3.simplify(formula).as_long()


def test_every_day_of_nine_hundred_years_has_its_number() -> None:
    year, month, day = z3.Int("year"), z3.Int("month"), z3.Int("day")
    number, longest = z3.simplify(day_number(year, month, day)), z3.simplify(days_in_month(year, month))
    first, last = to_day_number(date(1800, 1, 1)), to_day_number(date(2700, 1, 1))
    for one in [*EDGES, *(r.randrange(first, last) for _ in range(1_000))]:
        there = from_day_number(one)
        parts = [(year, z3.IntVal(there.year)), (month, z3.IntVal(there.month)), (day, z3.IntVal(there.day))]
        assert plain(z3.substitute(number, *parts)) == one
        next_month = to_day_number(date(there.year + there.month // 12, there.month % 12 + 1, 1))
        days = next_month - to_day_number(there.replace(day=1))
        assert plain(z3.substitute(longest, *parts)) == days


@pytest.mark.parametrize("one", EDGES)
def test_the_solver_finds_exactly_one_civil_day(one: int) -> None:
    calendar, symbol = Calendar(), z3.Int("day")
    year, month, day = calendar.parts(symbol)
    there = from_day_number(one)
    solver = z3.Solver()
    solver.add(symbol == one, *calendar.definitions)
    assert solver.check() == z3.sat
    model = solver.model()
    assert [model.eval(part).as_long() for part in (year, month, day)] == [there.year, there.month, there.day]
    solver.add(z3.Or(year != there.year, month != there.month, day != there.day))
    assert solver.check() == z3.unsat


def test_months_are_counted_and_added_as_fixing_does() -> None:
    for _ in range(500):
        start, end = (r.choice(EDGES) if r.random() < 0.7 else r.randrange(-60_000, 300_000) for _ in range(2))
        months = r.choice([-25, -13, -12, -1, 0, 1, 11, 12, 13, 48, 1200])
        calendar = Calendar()
        assert plain(calendar.months_between(z3.IntVal(start), z3.IntVal(end))) == months_between(start, end)
        assert plain(calendar.add_months(z3.IntVal(start), z3.IntVal(months))) == add_months(start, months)


@pytest.mark.parametrize("mode", ["floor", "down", "up", "half_up"])
def test_a_quotient_is_rounded_as_the_interpreter_rounds(mode: str) -> None:
    from engine.interpreter_values import round_quotient

    top, bottom = z3.Int("top"), z3.Int("bottom")
    general = rounded(top, bottom, mode)
    for numerator in range(-13, 14):
        for denominator in (-7, -4, -3, -2, -1, 1, 2, 3, 4, 5, 10):
            expected = round_quotient(numerator, denominator, mode)
            values = [(top, z3.IntVal(numerator)), (bottom, z3.IntVal(denominator))]
            assert plain(z3.substitute(general, *values)) == expected
            constant = rounded(top, z3.IntVal(denominator), mode)
            assert plain(z3.substitute(constant, *values)) == expected
