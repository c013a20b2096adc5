"""Adds the answers of bucket after bucket up to the figures of one version; memory holds sums, not people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from engine.columnar import Compiled
from engine.decision import Population
from engine.simulation.conditions import Conditions
from engine.simulation.figures import PERIODS_IN_A_YEAR, Barrier, Cell, Decided
from engine.simulation.grouping import BAND, DISTRICT, band_order
from policies.policy import FixedPolicy
from policies.vocabulary import Vocabulary

KEY = ("subject", "unit")
_SUMS = (
    pl.col("eligible").eq(True).sum().alias("yes"),
    pl.col("eligible").eq(False).sum().alias("no"),
    pl.col("eligible").is_null().sum().alias("undetermined"),
    pl.col("amount").sum().alias("amount"),
)


@dataclass(slots=True)
class _Sums:
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, row: Mapping[str, object]) -> None:
        for name in ("yes", "no", "undetermined", "amount"):
            self.counts[name] += int(row[name] or 0)  # type: ignore[call-overload]

    def cell(self) -> Cell:
        counts = self.counts
        return Cell(counts["yes"], counts["no"], counts["undetermined"], counts["amount"])


class Counting:
    """One settled policy, decided bucket by bucket, and its sums."""

    def __init__(self, fixed: FixedPolicy, vocabulary: Vocabulary) -> None:
        """Compile the policy. Raises PolicyError."""
        self.fixed = fixed
        self._compiled = Compiled([fixed], vocabulary)
        self._conditions = Conditions(fixed, vocabulary)
        self._subjects = 0
        self._total = _Sums()
        self._groups: dict[str, dict[object, _Sums]] = {DISTRICT: {}, BAND: {}, "tier": {}}
        self._amounts: Counter[int] = Counter()
        self._missing: Counter[str] = Counter()
        self._barriers = [[0, 0, 0] for _ in self._conditions.parts]

    def add(self, population: Population, groups: pl.DataFrame) -> pl.DataFrame:
        """Decide one bucket, add it up, and return `subject`, `unit`, `eligible`, `amount`, `district`, `band`.

        Raises the policy's error if it cannot be evaluated.
        """
        matches = self._compiled.decide(population)
        policy = self.fixed.policy.id
        rows = matches.outcomes(policy).join(groups, on="subject", how="left", maintain_order="left")
        self._subjects += matches.counts(policy).subjects
        self._missing.update(matches.missing(policy))
        self._add_groups(rows, (DISTRICT, BAND))
        self._total.add(rows.select(_SUMS).row(0, named=True))
        for amount, count in rows["amount"].drop_nulls().value_counts().iter_rows():
            self._amounts[amount] += count
        parts = self._conditions.of(population)
        if parts is not None:
            self._add_parts(rows.join(parts, on=list(KEY), how="inner"))
        return rows

    def _add_groups(self, rows: pl.DataFrame, names: Iterable[str]) -> None:
        for name in names:
            for row in rows.group_by(name).agg(*_SUMS).iter_rows(named=True):
                self._groups[name].setdefault(row[name], _Sums()).add(row)

    def _add_parts(self, rows: pl.DataFrame) -> None:
        if self._conditions.tiers:
            self._add_groups(rows.filter(pl.col("eligible")), ("tier",))
        columns = [f"condition {number}" for number in range(len(self._barriers))]
        failing = pl.sum_horizontal(pl.col(one).eq(False).fill_null(value=False).cast(pl.Int64) for one in columns)
        rows = rows.with_columns(failing.alias("failing"))
        for number, one in enumerate(columns):
            fails = pl.col(one).eq(False).fill_null(value=False)
            others = [pl.col(other) for other in columns if other != one]
            alone = fails & (pl.all_horizontal(others).fill_null(value=False) if others else pl.lit(value=True))
            found = rows.select(
                fails.sum().alias("fails"), alone.sum().alias("alone"), pl.col(one).is_null().sum().alias("unknown")
            ).row(0)
            for position, count in enumerate(found):
                self._barriers[number][position] += int(count)

    def decided(self) -> Decided:
        """Return the figures of all buckets added so far."""
        policy = self.fixed.policy
        total = self._total.cell()
        amounts = self._amounts
        count = sum(amounts.values())
        districts = {str(name): one.cell() for name, one in sorted(self._groups[DISTRICT].items(), key=str)}
        bands = {str(name): self._groups[BAND][name].cell() for name in sorted(self._groups[BAND], key=_band)}
        tiers = {number: self._groups["tier"][number].cell() for number in self._groups["tier"] if number is not None}
        parts = zip(self._conditions.parts, self._barriers, strict=True)
        return Decided(
            policy.id, policy.version, self.fixed.on, self.fixed.period.key, self._subjects, total, districts, bands,
            {int(str(number)): tiers[number] for number in sorted(tiers, key=lambda one: int(str(one)))},
            tuple(Barrier(part, *found) for part, found in parts),
            {name: found for name, found in self._missing.most_common() if found},
            sum(amount * times for amount, times in amounts.items()) // count if count else None,
            _median(amounts, count), min(amounts, default=None), max(amounts, default=None),
            total.amount * PERIODS_IN_A_YEAR[policy.period],
        )  # fmt: skip


def _band(name: object) -> tuple[int, str]:
    return band_order(str(name))


def _median(amounts: Counter[int], count: int) -> int | None:
    """Return the middle amount, of two middle ones the lower."""
    seen = 0
    for amount in sorted(amounts):
        seen += amounts[amount]
        if 2 * seen >= count:
            return amount
    return None
