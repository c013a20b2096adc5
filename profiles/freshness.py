"""Freshness: a datum older on the reference date than its limit is unknown."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from policies.types import to_day_number


@dataclass(frozen=True)
class Freshness:
    """The reference date, and the limits in days of the data that have one."""

    on: date
    limits: Mapping[str, int]

    def may_be_stale(self, oldest: date | None) -> frozenset[str]:
        """Return the names that may be stale in rows of which none is older than `oldest`."""
        return frozenset(name for name, days in self.limits.items() if oldest is None or (self.on - oldest).days > days)

    def applied(self, rows: pl.DataFrame, full_as_of: date | None, stale: Collection[str]) -> pl.DataFrame:
        """Return `rows` (with `_as_of`) with the stale ones among the data `stale` made null."""
        told = pl.col("_as_of")
        if full_as_of is not None:
            told = pl.max_horizontal(told, pl.lit(full_as_of))
        age = (pl.lit(self.on) - told).dt.total_days()
        return rows.with_columns(
            pl.when(age <= self.limits[name]).then(pl.col(name)).alias(name) for name in sorted(stale)
        )

    def is_stale(self, name: str, day: int | None) -> bool:
        """Return whether the datum `name`, told on the day number `day`, is stale."""
        limit = self.limits.get(name)
        return limit is not None and (day is None or to_day_number(self.on) - day > limit)
