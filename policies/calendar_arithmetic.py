"""Months and days of the civil calendar, for settling constant dates."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from policies.types import from_day_number, to_day_number


def add_months(day: int, months: int) -> int | None:
    """Return the day `months` later, held back to the month's last day; None beyond the calendar."""
    start = from_day_number(day)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if not 1 <= year <= 9_999:
        return None
    return to_day_number(date(year, month + 1, min(start.day, monthrange(year, month + 1)[1])))


def months_between(start: int, end: int) -> int:
    """Return the completed months from `start` to `end`: the largest n with add_months(start, n) <= end."""
    first, last = from_day_number(start), from_day_number(end)
    months = (last.year - first.year) * 12 + last.month - first.month
    reached = add_months(start, months)
    return months if reached is not None and reached <= end else months - 1
