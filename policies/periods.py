"""The periods for which a benefit is granted, and their keys."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

PeriodKind = Literal["once", "month", "quarter", "year", "event"]

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """One period: `key` is `once`, `event`, `2026-11`, `2026Q4` or `2026`; both ends are inclusive."""

    key: str
    kind: PeriodKind
    start: date
    end: date


def period_of(kind: PeriodKind, on: date) -> Period:
    """Return the period of `kind` that holds the day `on`."""
    if kind in ("once", "event"):
        return Period(kind, kind, FIRST_DAY, LAST_DAY)
    if kind == "month":
        last = monthrange(on.year, on.month)[1]
        return Period(f"{on:%Y-%m}", kind, on.replace(day=1), on.replace(day=last))
    if kind == "quarter":
        first_month = 3 * ((on.month - 1) // 3) + 1
        end_month = first_month + 2
        end = date(on.year, end_month, monthrange(on.year, end_month)[1])
        return Period(f"{on.year}Q{(on.month + 2) // 3}", kind, date(on.year, first_month, 1), end)
    return Period(f"{on.year}", kind, date(on.year, 1, 1), date(on.year, 12, 31))


def next_period(period: Period) -> Period | None:
    """Return the period that follows, or None after `once` and `event`."""
    if period.kind in ("once", "event"):
        return None
    return period_of(period.kind, period.end + timedelta(days=1))
