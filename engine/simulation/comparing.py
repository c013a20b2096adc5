"""Two versions of a policy over the same people: who gains, loses, gets more or less, and who is not touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl

from engine.simulation.counting import KEY, Counting
from engine.simulation.figures import CHANGES, Against, Moved, Person
from engine.simulation.grouping import BAND, DISTRICT, band_order

CHANGED = CHANGES[:4]


class Comparing:
    """Lays the answers of two versions beside each other, bucket by bucket."""

    def __init__(self, samples: int) -> None:
        """Keep at most so many samples of each kind of change."""
        self._samples = samples
        self._units: Counter[str] = Counter()
        self._difference: Counter[str] = Counter()
        self._groups: dict[str, dict[str, Counter[str]]] = {DISTRICT: {}, BAND: {}}
        self._kept: dict[str, list[Person]] = {change: [] for change in CHANGED}

    def add(self, former: pl.DataFrame, present: pl.DataFrame) -> pl.DataFrame:
        """Add one bucket; return the units that change (columns as in `engine.simulation.figures.Person`)."""
        rows = _beside(former, present)
        for change, units, difference in rows.group_by("change").agg(pl.len(), pl.col("difference").sum()).iter_rows():
            self._units[change] += units
            self._difference[change] += difference
        for name, groups in self._groups.items():
            for group, change, units in rows.group_by(name, "change").len().iter_rows():
                groups.setdefault(group, Counter())[change] += units
        changed = rows.filter(pl.col("change").is_in(CHANGED)).drop("difference").sort(KEY)
        for change, kept in self._kept.items():
            wanted = self._samples - len(kept)
            if wanted > 0:
                kept += people_of(changed.filter(pl.col("change") == change).head(wanted))
        return changed

    def against(self, former: Counting) -> Against:
        """Return the comparison of all buckets added so far."""
        moved = {change: Moved(self._units[change], self._difference[change]) for change in CHANGES}
        groups = {
            name: {group: dict(found[group]) for group in sorted(found, key=band_order)}
            for name, found in self._groups.items()
        }
        samples = tuple(person for kept in self._kept.values() for person in kept)
        return Against(former.decided(), moved, groups[DISTRICT], groups[BAND], samples)


def people_of(rows: pl.DataFrame) -> Iterator[Person]:
    """Yield the rows of changed units as values."""
    return (Person(**row) for row in rows.iter_rows(named=True))


def _beside(former: pl.DataFrame, present: pl.DataFrame) -> pl.DataFrame:
    """Return each unit once with both answers; a unit that only one version has is a no of the other."""
    sides = [
        one.select(*KEY, pl.col("eligible").alias(f"{side} yes"), pl.col("amount").alias(f"{side}_amount"),
                   pl.lit(value=True).alias(f"{side} there"), DISTRICT, BAND)
        for side, one in (("before", former), ("after", present))
    ]  # fmt: skip
    rows = sides[0].join(sides[1], on=list(KEY), how="full", coalesce=True, suffix=" too")
    before, after = (pl.col(f"{side} yes").fill_null(value=False) for side in ("before", "after"))
    less, more = (pl.col(f"{side}_amount").fill_null(0) for side in ("before", "after"))
    change = (
        pl.when(~before & after).then(pl.lit("gains"))
        .when(before & ~after).then(pl.lit("loses"))
        .when(before & after & (more > less)).then(pl.lit("more"))
        .when(before & after & (more < less)).then(pl.lit("less"))
        .when(before & after).then(pl.lit("same"))
        .otherwise(pl.lit("neither"))
    )  # fmt: skip
    return rows.select(
        *KEY,
        change.alias("change"),
        *(_outcome(side).alias(side) for side in ("before", "after")),
        "before_amount",
        "after_amount",
        *(pl.coalesce(name, f"{name} too").alias(name) for name in (DISTRICT, BAND)),
        (more - less).alias("difference"),
    )


def _outcome(side: str) -> pl.Expr:
    yes = pl.col(f"{side} yes")
    return (
        pl.when(pl.col(f"{side} there").is_null()).then(pl.lit("no-unit"))
        .when(yes.is_null()).then(pl.lit("undetermined"))
        .when(yes).then(pl.lit("eligible")).otherwise(pl.lit("ineligible"))
    )  # fmt: skip
