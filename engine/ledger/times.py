"""Times as the ledger writes them: ISO-8601 in UTC, to the second, so that texts sort like times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

# Returns the present moment, aware of its time zone. Injected everywhere, so that tests can turn it.
Clock: TypeAlias = Callable[[], datetime]


def now_in_utc() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """Return `2026-11-22T02:00:00Z` for an aware datetime."""
    if moment.tzinfo is None:
        raise ValueError("a time without its zone is ambiguous")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_text(text: str) -> datetime:
    """Return the aware datetime of a text that `to_text` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
