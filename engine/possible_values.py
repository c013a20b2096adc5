"""Ranges instead of values: what a datum or an expression may come to, and how such possibilities are joined.

Every possibility is a superset of what can really happen, and exact where it is one single value. With that,
whole ranges of inputs, or of days, are ruled out at once (`engine.possible_evaluation`), and what is left is
halved and looked at again (`engine.searching`): nobody has to try every income or every day, and nothing is
missed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from policies.types import Value

# The truth values that are possible, as a set of bits.
YES, NO, UNKNOWN = 1, 2, 4


class Span(NamedTuple):
    """Integers (dates as day numbers) from `low` to `high`, and perhaps unknown; `low` > `high`: only unknown."""

    low: int
    high: int
    unknown: bool = False

    @property
    def nothing_known(self) -> bool:
        """True if the value can only be unknown."""
        return self.low > self.high


class Choice(NamedTuple):
    """One of these texts or codes, and perhaps unknown."""

    values: frozenset[str]
    unknown: bool = False


# A Bool is a set of bits; the rest is a range or a choice.
Possible: TypeAlias = int | Span | Choice
NEVER = Span(1, 0, True)


def of_value(value: Value, like: Possible | None = None) -> Possible:
    """Return the one possibility that a value is; None is shaped `like` another possibility of its type."""
    if value is None:
        if isinstance(like, Choice):
            return Choice(frozenset(), True)
        return UNKNOWN if isinstance(like, int) else NEVER
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, int):
        return Span(value, value)
    return Choice(frozenset((value,)))


def either(parts: Iterable[Possible]) -> Possible:
    """Return what is possible if any of `parts` may apply; those that are only unknown take the others' shape."""
    found: Possible | None = None
    for part in parts:
        found = part if found is None else _joined(found, part)
    return NEVER if found is None else found


def _joined(left: Possible, right: Possible) -> Possible:
    if isinstance(left, Span) and isinstance(right, Span):
        if left.nothing_known or right.nothing_known:
            kept = right if left.nothing_known else left
            return Span(kept.low, kept.high, True)
        return Span(min(left.low, right.low), max(left.high, right.high), left.unknown or right.unknown)
    if isinstance(left, Choice) and isinstance(right, Choice):
        return Choice(left.values | right.values, left.unknown or right.unknown)
    if isinstance(left, int) and isinstance(right, int):
        return left | right
    # A value without a type that can only be unknown, beside one that has a type.
    return with_unknown(right if isinstance(left, Span) else left)


def with_unknown(possible: Possible) -> Possible:
    """Return `possible`, perhaps unknown."""
    if isinstance(possible, int):
        return possible | UNKNOWN
    if isinstance(possible, Span):
        return Span(possible.low, possible.high, True)
    return Choice(possible.values, True)


def may_be_unknown(possible: Possible) -> bool:
    """Return True if the value may be unknown."""
    return bool(possible & UNKNOWN) if isinstance(possible, int) else possible.unknown


def has_known(possible: Possible) -> bool:
    """Return True if the value may be known."""
    if isinstance(possible, int):
        return bool(possible & (YES | NO))
    return not possible.nothing_known if isinstance(possible, Span) else bool(possible.values)


def all_of(parts: Iterable[int]) -> int:
    """Return what Kleene's conjunction of independent truths may come to."""
    can_no, can_unknown, can_yes, none_must_no = False, False, True, True
    for part in parts:
        can_no = can_no or bool(part & NO)
        can_unknown = can_unknown or bool(part & UNKNOWN)
        can_yes = can_yes and bool(part & YES)
        none_must_no = none_must_no and part != NO
    return (YES if can_yes else 0) | (NO if can_no else 0) | (UNKNOWN if can_unknown and none_must_no else 0)


def opposite(truth: int) -> int:
    """Return the negation of each possible truth."""
    return (YES if truth & NO else 0) | (NO if truth & YES else 0) | (truth & UNKNOWN)


def any_of(parts: Iterable[int]) -> int:
    """Return what Kleene's disjunction of independent truths may come to."""
    return opposite(all_of(opposite(part) for part in parts))
