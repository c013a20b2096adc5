"""Months and ages are counted as Civil Code art. 200-204 says, on every day of a long calendar."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.civil_days import add_months, civil_from_days, days_from_civil, last_day_of_month, months_between
from policies.types import from_day_number, to_day_number

DAYS = st.integers(to_day_number(date(1, 1, 1)), to_day_number(date(9999, 12, 31)))


def test_every_day_of_two_centuries_is_taken_apart_rightly() -> None:
    day = date(1899, 12, 1)
    while day < date(2101, 3, 1):
        number = to_day_number(day)
        assert civil_from_days(number) == (day.year, day.month, day.day)
        assert days_from_civil(day.year, day.month, day.day) == number
        day += timedelta(days=1)


@given(DAYS)
def test_any_day_is_taken_apart_rightly(number: int) -> None:
    day = from_day_number(number)
    assert civil_from_days(number) == (day.year, day.month, day.day)
    assert last_day_of_month(day.year, day.month) == monthrange(day.year, day.month)[1]


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        (date(2004, 2, 29), date(2005, 2, 27), 11),
        (date(2004, 2, 29), date(2005, 2, 28), 12),  # a leap day's year is complete on 28 February
        (date(2004, 2, 29), date(2008, 2, 28), 47),
        (date(2004, 2, 29), date(2008, 2, 29), 48),
        (date(2025, 1, 31), date(2025, 2, 28), 1),
        (date(2025, 1, 31), date(2025, 3, 30), 1),
        (date(2025, 3, 31), date(2025, 2, 28), -1),
        (date(2025, 3, 30), date(2025, 3, 29), -1),
        (date(2025, 3, 30), date(2025, 3, 30), 0),
    ],
)
def test_completed_months_are_counted_to_the_last_day_of_a_short_month(start: date, end: date, months: int) -> None:
    assert months_between(to_day_number(start), to_day_number(end)) == months


@given(DAYS, DAYS)
def test_completed_months_are_the_most_that_fit(start: int, end: int) -> None:
    months = months_between(start, end)
    assert add_months(start, months) <= end < add_months(start, months + 1)
