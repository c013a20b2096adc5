"""The statistical size class of firms (国统字〔2017〕213号), as the statistics office of the city gives it.

Only staff and revenue are known here, so that industries measured by assets are left without a class, as
are those that the table does not cover (finance, education, health, public bodies).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from profiles.sample_city.chance import Numbers, words

# Divisions from, to; lower bounds of large, medium and small for staff (people) and revenue (10,000 yuan).
_TABLE: tuple[tuple[int, int, tuple[int, int, int], tuple[int, int, int]], ...] = (
    (1, 5, (0, 0, 0), (20_000, 500, 50)),
    (6, 46, (1_000, 300, 20), (40_000, 2_000, 300)),
    (47, 50, (0, 0, 0), (80_000, 6_000, 300)),
    (51, 51, (200, 20, 5), (40_000, 5_000, 1_000)),
    (52, 52, (300, 50, 10), (20_000, 500, 100)),
    (54, 58, (1_000, 300, 20), (30_000, 3_000, 200)),
    (59, 59, (200, 100, 20), (30_000, 1_000, 100)),
    (60, 60, (1_000, 300, 20), (30_000, 2_000, 100)),
    (61, 62, (300, 100, 10), (10_000, 2_000, 100)),
    (63, 64, (2_000, 100, 10), (100_000, 1_000, 100)),
    (65, 65, (300, 100, 10), (10_000, 1_000, 50)),
    (70, 70, (1_000, 300, 100), (5_000, 1_000, 500)),
    (71, 72, (300, 100, 10), (0, 0, 0)),
    (73, 82, (300, 100, 10), (0, 0, 0)),
    (85, 90, (300, 100, 10), (0, 0, 0)),
)
_CLASSES = ("L", "M", "S", "XS", None)


def size_classes(division: Numbers, employees: Numbers, revenue: Numbers) -> pl.Series:
    """Return L, M, S, XS or null; `revenue` in fen. Every listed bound must be reached for a class."""
    in_ten_thousands = revenue // (10_000 * 100)
    found = np.full(len(division), 4)
    for low, high, staff, turnover in _TABLE:
        here = (division >= low) & (division <= high)
        reached = [(employees >= staff[rank]) & (in_ten_thousands >= turnover[rank]) for rank in range(len(staff))]
        found = np.where(here, np.select(reached, [0, 1, 2], default=3), found)
    return words(_CLASSES, found)
