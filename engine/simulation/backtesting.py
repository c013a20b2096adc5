"""Backtest: a policy over the periods of last year, beside what the ledger really granted in them.

Where a finished run of the policy pinned the store for a period, the store is read as it was then; else as it
stands now, with the ages and parameters of that period, and the answer says so. Nothing is written.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl
from sqlalchemy import select

from engine.columnar import Compiled
from engine.ledger import tables
from engine.ledger.earlier import PastGrants, still_counting
from engine.ledger.grants import grants, waiting
from engine.ledger.opening import Ledger, table
from engine.matching import Profiles, Progress
from engine.past_grants import WithPastGrants
from engine.planning import is_in_force
from engine.simulation.counting import KEY
from policies.errors import SettingsError, StoreError
from policies.fixing import fix
from policies.periods import Period, next_period, period_of
from policies.policy import Policy
from policies.vocabulary import Vocabulary

KINDS = ("both", "missed", "unfounded", "amount")
MOST_PERIODS = 60
Present = Callable[[date], Profiles]
Reopen = Callable[[date, Mapping[str, int]], Profiles]


@dataclass(frozen=True, slots=True)
class Differing:
    """One unit on which ledger and rule differ: `missed` (would be, was not), `unfounded` (was, would not be) or
    `amount`. Amounts are in fen; `reason` is why allocation turned it down, or what the rule says now."""

    period: str
    subject: str
    unit: str
    kind: str
    granted: int | None
    would: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class PeriodTest:
    """One period: counts of units and sums in fen.

    `both` were granted and would be (`amount_differs` of them with another amount), `missed` would be but were not
    (`waiting` of them because allocation turned them down), `unfounded` were but would not be (`open` of them cannot
    be told from the data). `run` is the run whose store was read, in its `versions`; None: the store as it stands now.
    """

    period: str
    on: date
    run: str | None
    both: int
    amount_differs: int
    missed: int
    waiting: int
    unfounded: int
    open: int
    granted_amount: int
    would_amount: int
    samples: tuple[Differing, ...]
    versions: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Backtest:
    """All periods looked at. `skipped` are those in which the policy was not in force."""

    policy: str
    version: str
    since: date
    until: date
    periods: tuple[PeriodTest, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Pinned:
    run: str
    on: date
    versions: Mapping[str, int]


def backtest(
    policy: Policy,
    ledger: Ledger,
    vocabulary: Vocabulary,
    present: Present,
    reopen: Reopen,
    since: date,
    until: date,
    *,
    samples: int = 3,
    on_differing: Callable[[pl.DataFrame], None] | None = None,
    on_progress: Progress | None = None,
) -> Backtest:
    """Decide `policy` for every period between two days and compare with the grants of the same policy id.

    Args:
        policy: the version to test; it need not be approved.
        ledger: what was granted; only read.
        vocabulary: the catalog's names, with the indicators published so far.
        present: opens the store as it stands now, for a reference date.
        reopen: opens the store in the versions that a run had pinned.
        since: the first day; the period that holds it is the first one.
        until: the last day; no later day is a reference date.
        samples: so many differing units of each kind and period are kept in the result.
        on_differing: called with all differing units of a bucket (columns as in `Differing`).
        on_progress: called with `backtest`, the number of periods done, and of all.

    Raises:
        PolicyError: the policy cannot be evaluated.
        SettingsError: `until` lies before `since`, or there are too many periods.
        StoreError: the profiles cannot be read.
    """
    periods = _periods(policy, since, until)
    pinned = _pinned_runs(ledger, policy.id)
    found: list[PeriodTest] = []
    skipped: list[str] = []
    for done, period in enumerate(periods):
        if on_progress is not None:
            on_progress("backtest", done, len(periods))
        of_period = [one for one in pinned.get(period.key, ()) if since <= one.on <= until]
        run = of_period[-1] if of_period else None
        day = run.on if run is not None else min(period.end, until)
        if not is_in_force(policy, day):
            skipped.append(period.key)
            continue
        profiles, run = _profiles(run, day, present, reopen)
        test = _Test(policy, ledger, vocabulary, period, day, samples, on_differing)
        found.append(test.over(profiles, run))
    if on_progress is not None:
        on_progress("backtest", len(periods), len(periods))
    return Backtest(policy.id, policy.version, since, until, tuple(found), tuple(skipped))


def _profiles(run: _Pinned | None, day: date, present: Present, reopen: Reopen) -> tuple[Profiles, _Pinned | None]:
    """Return the store as the run had pinned it; as it stands now if those versions have been cleaned away."""
    if run is not None:
        try:
            return reopen(day, run.versions), run
        except StoreError:
            pass
    return present(day), None


def _periods(policy: Policy, since: date, until: date) -> list[Period]:
    first = period_of(policy.period, since)
    found: list[Period] = []
    period: Period | None = first
    while period is not None and (not found or period.start <= until):
        found.append(period)
        period = next_period(period)
    if until < since or len(found) > MOST_PERIODS:
        raise SettingsError.of(
            "wrong-span",
            f"回测须从早到晚，且不超过 {MOST_PERIODS} 个期间；这里是 {since} 至 {until}",
            f"a backtest goes from an earlier to a later day over at most {MOST_PERIODS} periods, "
            f"not from {since} to {until}",
            help_zh="改 --from 或 --until", help_en="change --from or --until",
        )  # fmt: skip
    return found


def _pinned_runs(ledger: Ledger, policy: str) -> dict[str, list[_Pinned]]:
    """Return by period the finished runs that decided this policy, in the order in which they started."""
    runs = table(tables.Run)
    query = select(runs).where(runs.c.state == "finished").order_by(runs.c.started_at, runs.c.id)
    found: dict[str, list[_Pinned]] = {}
    with ledger.reading() as connection:
        for row in connection.execute(query):
            planned = {name for name, _ in json.loads(row.plan).get("policies", ())}
            if policy not in planned:
                continue
            on = date.fromisoformat(row.on)
            one = _Pinned(row.id, on, json.loads(row.store_version))
            for kind in ("once", "event", "month", "quarter", "year"):
                found.setdefault(period_of(kind, on).key, []).append(one)
    return found


def runs_from(ledger: Ledger, day: date) -> frozenset[str]:
    """Return the runs of this day and later ones: what they granted was not yet granted on it."""
    runs = table(tables.Run)
    with ledger.reading() as connection:
        return frozenset(connection.execute(select(runs.c.id).where(runs.c.on >= day.isoformat())).scalars())


@dataclass(slots=True)
class _Test:
    """The comparison of one period."""

    policy: Policy
    ledger: Ledger
    vocabulary: Vocabulary
    period: Period
    day: date
    samples: int
    on_differing: Callable[[pl.DataFrame], None] | None

    def over(self, profiles: Profiles, run: _Pinned | None) -> PeriodTest:
        """Decide everybody and compare."""
        granted = still_counting(grants(self.ledger, policy=self.policy.id, period=self.period.key))
        granted = granted.filter(pl.col("on") <= self.day.isoformat()).select(*KEY, pl.col("amount").alias("granted"))
        waits = waiting(self.ledger, policy=self.policy.id).filter(pl.col("period") == self.period.key)
        waits = waits.select(*KEY, pl.col("reason").alias("waits"))
        compiled = Compiled([fix(self.policy, self.vocabulary, self.day, self.period)], self.vocabulary)
        counts: Counter[str] = Counter()
        kept: dict[str, list[Differing]] = {"missed": [], "unfounded": [], "amount": []}
        seen: list[pl.DataFrame] = []
        with self.ledger.reading() as connection:
            past = PastGrants(connection, None, runs_from(self.ledger, self.day))
            for bucket in profiles.buckets:
                matches = compiled.decide(WithPastGrants(profiles.bucket(bucket), past))
                outcomes = matches.outcomes(self.policy.id)
                seen.append(outcomes.select(KEY).join(granted, on=list(KEY), how="semi"))
                here = granted.join(seen[-1], on=list(KEY), how="semi")
                self._add(_compared(outcomes, here, waits), counts, kept)
        # Granted to somebody whom the store that was read does not know (any more).
        gone = granted.join(pl.concat(seen), on=list(KEY), how="anti") if seen else granted
        nobody = pl.DataFrame(
            schema={"subject": pl.String, "unit": pl.String, "eligible": pl.Boolean, "amount": pl.Int64}
        )
        self._add(_compared(nobody, gone, waits), counts, kept)
        return PeriodTest(
            self.period.key, self.day, None if run is None else run.run, counts["both"], counts["amount"], counts["missed"], counts["waiting"],
            counts["unfounded"], counts["open"], counts["granted amount"], counts["would amount"],
            tuple(one for found in kept.values() for one in found),
            None if run is None else run.versions,
        )  # fmt: skip

    def _add(self, rows: pl.DataFrame, counts: Counter[str], kept: dict[str, list[Differing]]) -> None:
        for kind, units in rows.group_by("kind").len().iter_rows():
            counts[kind] += units
        counts["both"] += rows.filter(pl.col("kind") == "amount").height
        missed = rows.filter(pl.col("kind") == "missed")
        counts["waiting"] += missed.filter(pl.col("reason") != "never-decided").height
        counts["open"] += rows.filter(pl.col("reason") == "undetermined").height
        counts["granted amount"] += int(rows["granted"].sum())
        counts["would amount"] += int(rows["would"].sum())
        differing = rows.filter(pl.col("kind").is_in(tuple(kept))).with_columns(period=pl.lit(self.period.key))
        differing = differing.select("period", *KEY, "kind", "granted", "would", "reason").sort(KEY)
        if self.on_differing is not None and differing.height:
            self.on_differing(differing)
        for kind, found in kept.items():
            wanted = max(0, self.samples - len(found))
            found += _differing(differing.filter(pl.col("kind") == kind).head(wanted))


def _differing(rows: pl.DataFrame) -> Iterator[Differing]:
    return (Differing(**row) for row in rows.iter_rows(named=True))


def _compared(outcomes: pl.DataFrame, granted: pl.DataFrame, waits: pl.DataFrame) -> pl.DataFrame:
    """Return the units that were granted or would be: `kind`, `granted` and `would` in fen, `reason`."""
    sides = granted.with_columns(was=pl.lit(value=True))
    decided = outcomes.with_columns(there=pl.lit(value=True))
    rows = decided.join(sides, on=list(KEY), how="full", coalesce=True)
    rows = rows.join(waits, on=list(KEY), how="left")
    would, was = pl.col("eligible").fill_null(value=False), pl.col("was").fill_null(value=False)
    same = pl.col("granted").fill_null(0) == pl.col("amount").fill_null(0)
    kind = (
        pl.when(would & was & same).then(pl.lit("both"))
        .when(would & was).then(pl.lit("amount"))
        .when(would).then(pl.lit("missed"))
        .otherwise(pl.lit("unfounded"))
    )  # fmt: skip
    reason = (
        pl.when(would & was).then(pl.lit(""))
        .when(would).then(pl.col("waits").fill_null("never-decided"))
        .when(pl.col("there").is_null()).then(pl.lit("not-in-the-store"))
        .when(pl.col("eligible").is_null()).then(pl.lit("undetermined"))
        .otherwise(pl.lit("ineligible"))
    )  # fmt: skip
    return rows.filter(would | was).select(
        *KEY, kind.alias("kind"), "granted",
        pl.when(would).then(pl.col("amount")).alias("would"), reason.alias("reason"),
    )  # fmt: skip
