"""The day on which somebody will become eligible, or cease to be, if nothing but the date changes.

The days of a policy are its subject's ages and anniversaries, the starts of its periods, its dated parameters,
the indicators that are published already, and its own first and last day in force. Nothing else moves: data
do not age (a datum that will have become stale by then is taken as it is), nothing new is granted, and a
parameter keeps its last value until the file says otherwise.

The day is exact. Ranges of days on which the answer cannot be the wanted one are ruled out whole; the day that
is returned, and the day before it, have been decided by the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from engine.decision import Decision, Facts, Outcome, TraceStep, ValueUsed
from engine.interpreter import decide
from engine.planning import is_in_force
from engine.possible_days import DaysOfPolicy
from engine.possible_values import NO, UNKNOWN, YES
from policies.fixing import fix
from policies.periods import LAST_DAY
from policies.policy import Condition, Policy
from policies.types import from_day_number, to_day_number
from policies.vocabulary import Vocabulary

HORIZON = timedelta(days=5 * 366)


@dataclass(frozen=True, slots=True)
class Turn:
    """A condition whose answer is another on the day than on the day before, with what it looked at on both."""

    condition: Condition
    before: tuple[ValueUsed, ...]
    then: tuple[ValueUsed, ...]


@dataclass(frozen=True, slots=True)
class Upcoming:
    """The first day on which the answer is another.

    `decision` is what will be decided on that day (amounts in fen), `turns` are the conditions that turn on it;
    empty if the policy itself comes into force, or goes out of it.
    """

    policy: str
    on: date
    decision: Decision
    turns: tuple[Turn, ...]


def upcoming(
    policy: Policy,
    vocabulary: Vocabulary,
    facts: Facts,
    today: date,
    horizon: timedelta = HORIZON,
    unit: Facts | None = None,
) -> Upcoming | None:
    """Return the first day after `today`, within `horizon`, on which the subject will be eligible.

    None if there is none, or if the subject is eligible today.

    Args:
        policy: the policy, with its dated parameters.
        vocabulary: the catalog's names, with the indicators published so far.
        facts: the subject, as it is known today.
        today: the day from which one looks ahead.
        horizon: how far.
        unit: the unit of a `for_each` policy.
    """
    looking = _Looking(policy, vocabulary, facts, unit)
    if looking.granted(today):
        return None
    return looking.first_day(today, horizon, YES, looking.granted)


def ending(
    policy: Policy,
    vocabulary: Vocabulary,
    facts: Facts,
    today: date,
    horizon: timedelta = HORIZON,
    unit: Facts | None = None,
) -> Upcoming | None:
    """Return the first day after `today`, within `horizon`, on which the subject will not be eligible any more.

    None if there is none, or if the subject is not eligible today. Arguments as for `upcoming`.
    """
    looking = _Looking(policy, vocabulary, facts, unit)
    if not looking.granted(today):
        return None
    return looking.first_day(today, horizon, NO | UNKNOWN, lambda day: not looking.granted(day))


@dataclass(slots=True)
class _Looking:
    """One policy and one subject; days may be asked about singly or as ranges."""

    policy: Policy
    vocabulary: Vocabulary
    facts: Facts
    unit: Facts | None
    days: DaysOfPolicy

    def __init__(self, policy: Policy, vocabulary: Vocabulary, facts: Facts, unit: Facts | None) -> None:
        self.policy, self.vocabulary, self.facts, self.unit = policy, vocabulary, facts, unit
        self.days = DaysOfPolicy(policy, vocabulary, facts, unit)

    def decide(self, day: date) -> Decision:
        return decide(fix(self.policy, self.vocabulary, day), self.facts, self.unit)

    def granted(self, day: date) -> bool:
        return is_in_force(self.policy, day) and self.decide(day).outcome is Outcome.ELIGIBLE

    def first_day(self, today: date, horizon: timedelta, wanted: int, test: Callable[[date], bool]) -> Upcoming | None:
        first, last = to_day_number(today) + 1, min(to_day_number(today) + horizon.days, to_day_number(LAST_DAY))
        day = self._first(first, last, wanted, test)
        if day is None:
            return None
        on = from_day_number(day)
        then, before = self.decide(on), self.decide(on - timedelta(days=1))
        return Upcoming(self.policy.id, on, then, _turns(before.trace, then.trace))

    def _possible(self, first: int, last: int) -> int:
        """Return the possible outcomes of a range of days; days out of force are a no."""
        start, end = self.policy.in_force
        low = max(first, to_day_number(start))
        high = last if end is None else min(last, to_day_number(end))
        outside = NO if (low, high) != (first, last) else 0
        return outside | (self.days.over(low, high) if low <= high else 0)

    def _first(self, first: int, last: int, wanted: int, test: Callable[[date], bool]) -> int | None:
        if first > last or not self._possible(first, last) & wanted:
            return None
        if first == last:
            return first if test(from_day_number(first)) else None
        middle = (first + last) // 2
        found = self._first(first, middle, wanted, test)
        return found if found is not None else self._first(middle + 1, last, wanted, test)


def _turns(before: TraceStep, then: TraceStep) -> tuple[Turn, ...]:
    if not then.children:
        return () if before.result is then.result else (Turn(then.condition, before.used, then.used),)
    pairs = zip(before.children, then.children, strict=True)
    return tuple(one for left, right in pairs for one in _turns(left, right))
