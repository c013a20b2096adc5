"""How many will become eligible, or cease to be, month by month, if nothing but the date changes.

Everybody is decided today, on the first day of every coming month, and on the last day looked at; who is
eligible on such a day, but neither today nor on an earlier one, counts as coming on it. These are decisions, not
forecasts: exact for these days. Who would be eligible only for some days between two of them is not seen. As in
`engine.upcoming`, data do not age and nothing is granted meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from engine.columnar import Compiled
from engine.ledger.earlier import PastGrants
from engine.matches import Matches
from engine.matching import Profiles, Progress
from engine.past_grants import WithPastGrants
from engine.planning import is_in_force
from policies.errors import Diagnostic, MianshenError
from policies.fixing import fix
from policies.periods import period_of
from policies.policy import FixedPolicy, Policy
from policies.vocabulary import Vocabulary

_KEY = ("subject", "unit")


@dataclass(frozen=True, slots=True)
class Coming:
    """One policy on one day: units that become eligible, with their amount in fen, and units that cease to be.

    `ceasing` are then a no; `open` cannot be told yet, because an indicator of that day is not published, say.
    """

    policy: str
    on: date
    becoming: int
    amount: int
    ceasing: int
    open: int


@dataclass(frozen=True, slots=True)
class ComingReport:
    """The days that were decided, and what changes on them, by day and policy; nothing changing is left out.

    `errors` says which policies could not be evaluated: they have no rows.
    """

    days: tuple[date, ...]
    changes: tuple[Coming, ...]
    errors: Mapping[str, tuple[Diagnostic, ...]]


@dataclass(slots=True)
class _Adding:
    becoming: int = 0
    amount: int = 0
    ceasing: int = 0
    open: int = 0


@dataclass(slots=True)
class _Batch:
    """The policies of each day, compiled; policies whose day is like today's are not decided again."""

    today: Compiled
    later: list[tuple[date, Compiled]]
    sums: dict[tuple[date, str], _Adding] = field(default_factory=dict)
    errors: dict[str, tuple[Diagnostic, ...]] = field(default_factory=dict)


def days_ahead(today: date, days: int) -> tuple[date, ...]:
    """Return the first day of every month within so many days from `today`, and the last day of all."""
    last = today + timedelta(days=days)
    found = []
    month = period_of("month", today)
    while (first := month.end + timedelta(days=1)) < last:
        found.append(first)
        month = period_of("month", first)
    return (*found, last)


def upcoming_of(
    profiles: Profiles,
    policies: Sequence[Policy],
    vocabulary: Vocabulary,
    today: date,
    days: int,
    past: PastGrants,
    on_progress: Progress | None = None,
) -> ComingReport:
    """Return how many units become eligible and cease to be on the days of `days_ahead`.

    Args:
        profiles: the profile store as it is known today.
        policies: the policies to look at.
        vocabulary: the catalog's names, with the indicators published so far.
        today: the day from which one looks ahead.
        days: how many days ahead.
        past: earlier grants, for policies that ask for them.
        on_progress: called with `upcoming`, the number of buckets done, and of all.

    Raises:
        StoreError: the profiles cannot be read. A policy that fails is reported with its error instead.
    """
    listed = days_ahead(today, days)
    batch = _prepared(policies, vocabulary, today, listed)
    buckets = list(profiles.buckets)
    for done, bucket in enumerate(buckets):
        if on_progress is not None:
            on_progress("upcoming", done, len(buckets))
        population = WithPastGrants(profiles.bucket(bucket), past)
        if batch.later:
            _add_bucket(batch, batch.today.decide(population), population)
    if on_progress is not None:
        on_progress("upcoming", len(buckets), len(buckets))
    changes = [
        Coming(policy, on, one.becoming, one.amount, one.ceasing, one.open)
        for (on, policy), one in sorted(batch.sums.items())
        if (one.becoming or one.ceasing or one.open) and policy not in batch.errors
    ]
    return ComingReport(listed, tuple(changes), batch.errors)


def _prepared(policies: Sequence[Policy], vocabulary: Vocabulary, today: date, listed: Sequence[date]) -> _Batch:
    errors: dict[str, tuple[Diagnostic, ...]] = {}
    by_day: dict[date, dict[str, FixedPolicy | None]] = {}
    for policy in policies:
        try:
            fixed = {
                day: fix(policy, vocabulary, day) if is_in_force(policy, day) else None for day in (today, *listed)
            }
        except MianshenError as problem:
            errors[policy.id] = problem.diagnostics
            continue
        if all(_like(fixed[today], fixed[day]) for day in listed):
            continue
        for day, one in fixed.items():
            by_day.setdefault(day, {})[policy.id] = one
    compiled = {
        day: Compiled([one for one in of_day.values() if one is not None], vocabulary) for day, of_day in by_day.items()
    }
    batch = _Batch(
        compiled.get(today, Compiled((), vocabulary)), [(day, compiled[day]) for day in listed if day in compiled]
    )
    batch.errors = errors
    return batch


def _like(one: FixedPolicy | None, other: FixedPolicy | None) -> bool:
    """Return whether two days decide alike: the same trees after settling, or both out of force."""
    if one is None or other is None:
        return one is other
    return (one.eligibility, one.amount, one.unit_where) == (other.eligibility, other.amount, other.unit_where)


def _add_bucket(batch: _Batch, now: Matches, population: WithPastGrants) -> None:
    nobody = pl.DataFrame(schema={"subject": pl.String, "unit": pl.String, "amount": pl.Int64})
    policies = {one.policy.id for _, compiled in batch.later for one in compiled.fixed}
    policies |= {one.policy.id for one in batch.today.fixed}
    present = {id: _granted(batch, now, id, nobody) for id in sorted(policies)}
    seen = {id: frame.select(_KEY) for id, frame in present.items()}
    staying = dict(seen)
    for day, compiled in batch.later:
        then = compiled.decide(population)
        for id in sorted(policies):
            granted = _granted(batch, then, id, nobody)
            new = granted.join(seen[id], on=_KEY, how="anti")
            gone = staying[id].join(granted, on=_KEY, how="anti")
            adding = batch.sums.setdefault((day, id), _Adding())
            adding.becoming += new.height
            adding.amount += int(new["amount"].sum())
            still_open = _open(then, id, gone)
            adding.open += still_open
            adding.ceasing += gone.height - still_open
            seen[id] = pl.concat([seen[id], new.select(_KEY)])
            staying[id] = staying[id].join(gone, on=_KEY, how="anti")


def _open(matches: Matches, policy: str, units: pl.DataFrame) -> int:
    """Return how many of the units are undetermined."""
    if units.is_empty() or policy not in matches.policies:
        return 0
    return matches.outcomes(policy).filter(pl.col("eligible").is_null()).join(units, on=_KEY, how="semi").height


def _granted(batch: _Batch, matches: Matches, policy: str, nobody: pl.DataFrame) -> pl.DataFrame:
    """Return subject, unit and amount of the eligible; nobody for a policy that is out of force or has failed."""
    error = matches.error(policy)
    if error is not None:
        batch.errors[policy] = error.diagnostics
    if error is not None or policy not in matches.policies:
        return nobody
    return matches.rows(policy).select("subject", "unit", "amount")
