"""Calendar arithmetic on day numbers, with integer operators only.

The same formulas serve Python integers and column expressions, so that neither compiler can leave the
range of a date type: they hold for every day of the proleptic Gregorian calendar.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import narwhals as nw

Whole = TypeVar("Whole", int, nw.Expr)

_DAYS_TO_EPOCH = 719_468  # from 0000-03-01 to 1970-01-01
_DAYS_OF_400_YEARS = 146_097


def civil_from_days(days: Whole, keep: Callable[[Whole], Whole] = lambda value: value) -> tuple[Whole, Whole, Whole]:
    """Return year, month (1-12) and day (1-31) of a day number.

    `keep` is handed every intermediate value that is used more than once; the columnar compiler makes
    columns of them, so that no formula is worked out twice.
    """
    shifted = keep(days + _DAYS_TO_EPOCH)
    era = keep(shifted // _DAYS_OF_400_YEARS)
    day_of_era = keep(shifted - era * _DAYS_OF_400_YEARS)
    leap_days = day_of_era // 1460 - day_of_era // 36_524 + day_of_era // 146_096
    year_of_era = keep((day_of_era - leap_days) // 365)
    day_of_year = keep(day_of_era - (year_of_era * 365 + year_of_era // 4 - year_of_era // 100))
    month_from_march = keep((day_of_year * 5 + 2) // 153)
    day = day_of_year - (month_from_march * 153 + 2) // 5 + 1
    next_year = month_from_march // 10  # 1 in January and February
    return year_of_era + era * 400 + next_year, month_from_march + 3 - next_year * 12, day


def days_from_civil(year: Whole, month: Whole, day: Whole) -> Whole:
    """Return the day number of a calendar day."""
    before_march = (month * -1 + 14) // 12
    march_year = year - before_march
    era = march_year // 400
    year_of_era = march_year - era * 400
    day_of_year = ((month + before_march * 12 - 3) * 153 + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * _DAYS_OF_400_YEARS + day_of_era - _DAYS_TO_EPOCH


def last_day_of_month(year: Whole, month: Whole) -> Whole:
    """Return the number of days of a month: 28 to 31."""
    # (x + k - 1) // k is 0 for x = 0 and 1 for 0 < x <= k: a comparison in integer arithmetic.
    not_leap = (year % 4 + 3) // 4 - (year % 100 + 99) // 100 + (year % 400 + 399) // 400
    from_february = month - 2
    is_february = (from_february * from_february + 100) // 101 * -1 + 1
    return (month + month // 8) % 2 + 30 - is_february * (not_leap + 1)


def add_months(days: int, months: int) -> int:
    """Return the day `months` later, held back to the last day of its month where needed."""
    year, month, day = civil_from_days(days)
    count = year * 12 + month - 1 + months
    year, month = count // 12, count % 12 + 1
    return days_from_civil(year, month, min(day, last_day_of_month(year, month)))


def months_between(start: int, end: int) -> int:
    """Return the completed months from `start` to `end`: the largest n with add_months(start, n) <= end."""
    start_year, start_month, start_day = civil_from_days(start)
    end_year, end_month, end_day = civil_from_days(end)
    months = (end_year - start_year) * 12 + end_month - start_month
    completed = start_day <= end_day or end_day == last_day_of_month(end_year, end_month)
    return months if completed else months - 1
