"""On which days a rule is looked at: the parameters of other days may say something else."""

from __future__ import annotations

from datetime import date, timedelta

from policies.policy import Policy
from policies.types import from_day_number

_MONTHS_AHEAD = 12


def proof_day(policy: Policy, on: date) -> date:
    """Return `on`, or the nearest day on which the policy is in force."""
    start, end = policy.in_force
    if on < start:
        return start
    return end if end is not None and on > end else on


def other_days(policy: Policy, on: date) -> tuple[date, ...]:
    """Return the days, besides `on`, on which a rule might mean something else.

    They are the first day of each of the next twelve months and every later change of a parameter, as far
    as the policy is in force. What was possible in the past does not count: it is over.
    """
    end = policy.in_force[1]
    found: set[date] = set()
    first = on.replace(day=1)
    for _ in range(_MONTHS_AHEAD):
        first = (first + timedelta(days=32)).replace(day=1)
        found.add(first)
    for parameter in policy.parameters.values():
        found.update(from_day_number(day) for day, _ in parameter.dated)
    return tuple(sorted(day for day in found if day > on and (end is None or day <= end)))
