"""Size classes by the printed table (国统字〔2017〕213号), as the social insurance of the city has noted them.

The catalog derives the statistical class by a rule of its own from staff, revenue and assets; the social insurance
keeps a class from the people it insures. Sectors outside the table have none. The bounds stand here a second time
because profiles are made below the engines that could work out the catalog's rule; a test holds the two equal.
"""

from __future__ import annotations

import numpy as np

from profiles.sample_city.chance import Numbers

_Bounds = tuple[int, int, int]
_ANY: _Bounds = (0, 0, 0)
# Groups (three digits of GB/T 4754) from, to; lower bounds of large, medium and small for staff (people), and for
# revenue and assets (10,000 yuan).
_TABLE: tuple[tuple[int, int, _Bounds, _Bounds, _Bounds], ...] = (
    (10, 59, _ANY, (20_000, 500, 50), _ANY),
    (60, 469, (1_000, 300, 20), (40_000, 2_000, 300), _ANY),
    (470, 509, _ANY, (80_000, 6_000, 300), (80_000, 5_000, 300)),
    (510, 519, (200, 20, 5), (40_000, 5_000, 1_000), _ANY),
    (520, 529, (300, 50, 10), (20_000, 500, 100), _ANY),
    (540, 589, (1_000, 300, 20), (30_000, 3_000, 200), _ANY),
    (590, 599, (200, 100, 20), (30_000, 1_000, 100), _ANY),
    (591, 591, (1_000, 300, 20), (30_000, 3_000, 200), _ANY),  # of two rows for one group the later counts
    (600, 609, (1_000, 300, 20), (30_000, 2_000, 100), _ANY),
    (610, 629, (300, 100, 10), (10_000, 2_000, 100), _ANY),
    (630, 649, (2_000, 100, 10), (100_000, 1_000, 100), _ANY),
    (650, 659, (300, 100, 10), (10_000, 1_000, 50), _ANY),
    (701, 701, _ANY, (200_000, 1_000, 100), (10_000, 5_000, 2_000)),
    (702, 702, (1_000, 300, 100), (5_000, 1_000, 500), _ANY),
    (703, 704, (300, 100, 10), _ANY, _ANY),
    (709, 709, (300, 100, 10), _ANY, _ANY),
    (710, 729, (300, 100, 10), _ANY, (120_000, 8_000, 100)),
    (730, 829, (300, 100, 10), _ANY, _ANY),
    (850, 909, (300, 100, 10), _ANY, _ANY),
)
SIZE_CLASSES = ("L", "M", "S", "XS", "none")
NO_CLASS = SIZE_CLASSES.index("none")


def size_classes(group: Numbers, employees: Numbers, revenue: Numbers, assets: Numbers) -> Numbers:
    """Return positions in `SIZE_CLASSES` for firms of `group` (three digits); `revenue` and `assets` in fen.

    Every listed bound must be reached for a class, else the next lower one is tried.
    """
    turnover, wealth = revenue // (10_000 * 100), assets // (10_000 * 100)
    found = np.full(len(group), NO_CLASS)
    for low, high, staff, sold, owned in _TABLE:
        here = (group >= low) & (group <= high)
        reached = [(employees >= staff[rank]) & (turnover >= sold[rank]) & (wealth >= owned[rank]) for rank in range(3)]
        found = np.where(here, np.select(reached, [0, 1, 2], default=3), found)
    return found
