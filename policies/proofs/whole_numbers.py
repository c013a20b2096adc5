"""Division, rounding and the civil calendar on Z3's unbounded integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import z3

from policies.proofs.terms import Formula, Whole, both, chosen, constant_of, either, negated, whole
from policies.tree import RoundingMode
from policies.types import from_day_number

_DAYS_BEFORE_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_DAYS_OF_400_YEARS = 146_097
_DAY_ONE_OF_YEAR_ONE = -719_162  # 0001-01-01, as days since 1970-01-01


def absolute(value: Whole) -> Whole:
    """Return the value without its sign."""
    return z3.If(value < 0, -value, value)


def rounded(numerator: Whole, denominator: Whole, mode: RoundingMode) -> Whole:
    """Return numerator / denominator as an integer; it means nothing for a zero denominator.

    Z3 divides towards minus infinity for positive divisors, which all four modes are built on.
    """
    divisor = constant_of(denominator)
    if divisor is not None and divisor < 0:
        return rounded(-numerator, whole(-divisor), mode)
    if divisor is None:
        numerator = z3.If(denominator < 0, -numerator, numerator)
        denominator = absolute(denominator)
    if mode == "floor":
        return numerator / denominator
    size = absolute(numerator)
    if mode == "down":
        quotient = size / denominator
    elif mode == "up":
        quotient = (size + denominator - 1) / denominator
    else:
        quotient = (2 * size + denominator) / (2 * denominator)
    return z3.If(numerator < 0, -quotient, quotient)


@dataclass(frozen=True, slots=True)
class CivilDay:
    """A day number and the symbols of its parts."""

    day: Whole
    year: Whole
    month: Whole
    of_month: Whole


class Calendar:
    """Years, months and days of day numbers, exact for every day of the proleptic Gregorian calendar.

    The parts of a day are new integers, bound to the day by equations that have exactly one solution.
    The equations are collected in `definitions`; whoever asks the solver hands them over too.
    """

    def __init__(self) -> None:
        self.definitions: list[Formula] = []
        self.days: dict[int, CivilDay] = {}

    def parts(self, day: Whole) -> tuple[Whole, Whole, Whole]:
        """Return year, month (1-12) and day (1-31)."""
        number = constant_of(day)
        if number is not None:
            return _parts_of_constant(number)
        key = day.get_id()
        if key not in self.days:
            name = f"civil {len(self.days)}"
            year, month, of_month = (z3.Int(f"{name} {part}") for part in ("year", "month", "day"))
            self.days[key] = CivilDay(day, year, month, of_month)
            self.definitions += [
                day == day_number(year, month, of_month),
                month >= 1,
                month <= 12,
                of_month >= 1,
                of_month <= days_in_month(year, month),
                # These follow from the rest (a year has 146097 / 400 days); with them the search is short.
                _DAYS_OF_400_YEARS * (year - 1) - 800 <= 400 * (day - _DAY_ONE_OF_YEAR_ONE),
                400 * (day - _DAY_ONE_OF_YEAR_ONE) <= _DAYS_OF_400_YEARS * (year - 1) + 800 + 400 * 366,
            ]
        found = self.days[key]
        return found.year, found.month, found.of_month

    def part(self, day: Whole, which: Literal["year", "month", "day"]) -> Whole:
        """Return one part of a day."""
        return self.parts(day)[("year", "month", "day").index(which)]

    def months_between(self, start: Whole, end: Whole) -> Whole:
        """Return the completed months from `start` to `end`, as `policies.calendar_arithmetic` does."""
        start_year, start_month, start_day = self.parts(start)
        end_year, end_month, end_day = self.parts(end)
        months = 12 * (end_year - start_year) + end_month - start_month
        completed = either((start_day <= end_day, end_day == days_in_month(end_year, end_month)))
        return months + chosen(z3.simplify(completed), whole(0), whole(-1))

    def add_months(self, day: Whole, months: Whole) -> Whole:
        """Return the day so many months later, held back to the last day of its month."""
        year, month, of_month = self.parts(day)
        count = 12 * year + month - 1 + months
        new_year, new_month = count / 12, count % 12 + 1
        longest = days_in_month(new_year, new_month)
        return day_number(new_year, new_month, z3.If(of_month <= longest, of_month, longest))


def _parts_of_constant(number: int) -> tuple[Whole, Whole, Whole]:
    # Shifted by whole cycles of 400 years into the years that Python's calendar has.
    cycles = (number - _DAY_ONE_OF_YEAR_ONE) // _DAYS_OF_400_YEARS
    day = from_day_number(number - cycles * _DAYS_OF_400_YEARS)
    return whole(day.year + 400 * cycles), whole(day.month), whole(day.day)


def is_leap(year: Whole) -> Formula:
    """Return when a year has 366 days."""
    return either((both((year % 4 == 0, negated(year % 100 == 0))), year % 400 == 0))


def days_in_month(year: Whole, month: Whole) -> Whole:
    """Return 28 to 31."""
    short = either(month == one for one in (4, 6, 9, 11))
    february = z3.If(is_leap(year), whole(29), whole(28))
    return z3.If(month == 2, february, z3.If(short, whole(30), whole(31)))


def day_number(year: Whole, month: Whole, day: Whole) -> Whole:
    """Return the days since 1970-01-01 of a day of the calendar."""
    past = year - 1
    before_year = 365 * past + past / 4 - past / 100 + past / 400 + _DAY_ONE_OF_YEAR_ONE
    before_month = whole(_DAYS_BEFORE_MONTH[11])
    for number in range(11, 0, -1):
        before_month = z3.If(month == number, whole(_DAYS_BEFORE_MONTH[number - 1]), before_month)
    leap_day = z3.If(both((month > 2, is_leap(year))), whole(1), whole(0))
    return before_year + before_month + leap_day + day - 1
