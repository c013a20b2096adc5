"""Simulate: a policy, approved or not, over the present population, bucket by bucket; nothing is written.

What is counted are eligibility and amounts *before* allocation: that another benefit excludes this one, is taken
off it, or that a fund runs dry, shows only in a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from engine.columnar import Compiled
from engine.decision import Population
from engine.ledger.earlier import PastGrants
from engine.ledger.funds import Balance
from engine.matching import Profiles, Progress
from engine.past_grants import WithPastGrants
from engine.planning import is_in_force
from engine.simulation.comparing import Comparing
from engine.simulation.counting import KEY, Counting
from engine.simulation.figures import FundOutlook, Month, Simulation
from engine.simulation.grouping import grouping_of
from policies.errors import Place, PolicyError, SettingsError
from policies.fixing import fix
from policies.periods import next_period, period_of
from policies.policy import Policy
from policies.vocabulary import Vocabulary

# Called with the frame of changed units of each bucket.
Changed = Callable[[pl.DataFrame], None]
MOST_MONTHS = 120


def simulate(
    policy: Policy,
    profiles: Profiles,
    vocabulary: Vocabulary,
    on: date,
    past: PastGrants,
    *,
    against: Policy | None = None,
    until: date | None = None,
    balance: Balance | None = None,
    samples: int = 3,
    on_changed: Changed | None = None,
    on_progress: Progress | None = None,
) -> Simulation:
    """Decide a policy for everybody on the day `on`, and again on every coming due day up to `until`.

    Args:
        policy: the version to simulate; it need not be approved, nor in force on the day.
        profiles: the pinned profile store.
        vocabulary: the catalog's names, with the indicators published so far.
        on: the reference date.
        past: earlier grants, for policies that ask for them.
        against: a former version, or another policy about the same units.
        until: the last day of the projection; only the date moves, data do not age. None: no projection.
        balance: the policy's fund, if there is one.
        samples: at most so many changed units of each kind are kept in the result.
        on_changed: called with the changed units of each bucket.
        on_progress: called with `simulate`, the number of buckets done, and of all.

    Raises:
        PolicyError: a version cannot be evaluated, or the two are not about the same units.
        SettingsError: `until` lies before `on`, or too far ahead.
        StoreError: the profiles cannot be read.
    """
    if against is not None:
        refuse_strangers(policy, against)
    present = Counting(fix(policy, vocabulary, on), vocabulary)
    former = None if against is None else Counting(fix(against, vocabulary, on), vocabulary)
    comparing = Comparing(samples)
    grouping = grouping_of(policy.space, vocabulary, on)
    ahead = _Ahead(policy, vocabulary, on, until)
    buckets = list(profiles.buckets)
    for done, bucket in enumerate(buckets):
        if on_progress is not None:
            on_progress("simulate", done, len(buckets))
        population = WithPastGrants(profiles.bucket(bucket), past)
        groups = grouping.of(population)
        rows = present.add(population, groups)
        if former is not None:
            changed = comparing.add(former.add(population, groups), rows)
            if on_changed is not None and changed.height:
                on_changed(changed)
        ahead.add(population, rows)
    if on_progress is not None:
        on_progress("simulate", len(buckets), len(buckets))
    decided = present.decided()
    months = ahead.months()
    fund = None if policy.fund is None else fund_outlook(policy.fund, balance, decided.yearly, months)
    return Simulation(decided, None if former is None else comparing.against(former), months, fund)


def refuse_strangers(one: Policy, other: Policy) -> None:
    """Raise PolicyError `not-comparable` for two policies that are not about the same units."""
    if (one.space, one.for_each) == (other.space, other.for_each):
        return
    mine, theirs = (f"{each.space}.{each.for_each}" if each.for_each else each.space for each in (one, other))
    raise PolicyError.of(
        "not-comparable",
        f"`{one.id}` 针对 `{mine}`，`{other.id}` 针对 `{theirs}`，无法比较",
        f"`{one.id}` is about `{mine}` and `{other.id}` about `{theirs}`; they cannot be compared",
        help_zh="比较同一空间、同一 `for_each` 的政策",
        help_en="compare policies of one space and one `for_each`",
        place=Place(other.file),
    )


def due_days(policy: Policy, on: date, until: date) -> tuple[date, ...]:
    """Return the days looked at: `on`, then the first day of every period up to `until`.

    What is granted once, or for each event, has no next period: there the first of every month is looked at.
    Days on which the policy is out of force are left out, but for `on`.
    Raises SettingsError if `until` lies before `on`, or more than `MOST_MONTHS` months ahead.
    """
    months = (until.year - on.year) * 12 + until.month - on.month
    if until < on or months > MOST_MONTHS:
        raise SettingsError.of(
            "wrong-until",
            f"推算的终止日 {until} 须在 {on} 之后、{MOST_MONTHS} 个月之内",
            f"the projection must end after {on} and within {MOST_MONTHS} months, not on {until}",
            help_zh="改 --until", help_en="change --until",
        )  # fmt: skip
    kind = policy.period if policy.period in ("month", "quarter", "year") else "month"
    found = [on]
    period = next_period(period_of(kind, on))
    while period is not None and period.start <= until:
        if is_in_force(policy, period.start):
            found.append(period.start)
        period = next_period(period)
    return tuple(found)


@dataclass(slots=True)
class _Ahead:
    """The projection. What is granted once counts on the first day on which somebody is eligible."""

    policy: Policy
    vocabulary: Vocabulary
    on: date
    until: date | None
    days: tuple[date, ...] = ()
    compiled: list[tuple[date, Compiled]] = field(default_factory=list)
    units: Counter[date] = field(default_factory=Counter)
    amounts: Counter[date] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if self.until is None:
            return
        self.days = due_days(self.policy, self.on, self.until)
        for day in self.days[1:]:
            self.compiled.append((day, Compiled([fix(self.policy, self.vocabulary, day)], self.vocabulary)))

    def add(self, population: Population, today: pl.DataFrame) -> None:
        if self.until is None:
            return
        rows = today.filter(pl.col("eligible")).select(*KEY, "amount")
        self._count(self.on, rows)
        once = self.policy.period in ("once", "event")
        seen = rows.select(KEY)
        for day, compiled in self.compiled:
            rows = compiled.decide(population).rows(self.policy.id).select(*KEY, "amount")
            if once:
                rows = rows.join(seen, on=list(KEY), how="anti")
                seen = pl.concat([seen, rows.select(KEY)])
            self._count(day, rows)

    def _count(self, day: date, rows: pl.DataFrame) -> None:
        self.units[day] += rows.height
        self.amounts[day] += int(rows["amount"].sum())

    def months(self) -> tuple[Month, ...]:
        found: list[Month] = []
        total = 0
        for day in self.days:
            total += self.amounts[day]
            found.append(Month(day, self.units[day], self.amounts[day], total))
        return tuple(found)


def fund_outlook(fund: str, balance: Balance | None, yearly: int, months: tuple[Month, ...]) -> FundOutlook:
    """Return how long a fund lasts if this policy alone draws on it, as it does today."""
    if balance is None:
        return FundOutlook(fund, None, None, None, None)
    years = balance.appropriation * 100 // yearly if yearly else None
    exhausted = next((month.on for month in months if month.total > balance.available), None)
    return FundOutlook(fund, balance.appropriation, balance.available, years, exhausted)
