"""Estimated tables fitted to certain totals: the pyramid of ages, and education by age."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from profiles.sample_city.chance import Reals
from profiles.sample_city.statistics import Statistics, age_range, published

MEN, WOMEN = 0, 1
COLLEGE, SENIOR, JUNIOR, PRIMARY, NO_SCHOOL = range(5)
_ROUNDS = 200
# Until 20 the stage of school follows from the age; at 15 to 19 some have left school for work.
_YOUNG: dict[str, tuple[float, ...]] = {
    "0-4": (0, 0, 0, 0, 1),
    "5-9": (0, 0, 0, 0.72, 0.28),
    "10-14": (0, 0, 0.52, 0.48, 0),
    "15-19": (0.33, 0.50, 0.16, 0.01, 0),
}


@dataclass(frozen=True, slots=True)
class Pyramid:
    """People by age group and sex.

    lows, highs  first and last completed year of each group; people  groups by (men, women), in people
    """

    lows: tuple[int, ...]
    highs: tuple[int, ...]
    people: Reals

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups as they are printed: `0-4`."""
        return tuple(f"{low}-{high}" for low, high in zip(self.lows, self.highs, strict=True))


def fitted(table: Reals, rows: Reals, columns: Reals) -> Reals:
    """Return `table` scaled by rows and by columns until its sums are `rows` and `columns` (iterative fitting).

    Both must add up to the same; cells of nought stay nought.
    """
    result = table.astype(np.float64)
    for _ in range(_ROUNDS):
        result = result * _ratio(rows, result.sum(axis=1))[:, None]
        result = result * _ratio(columns, result.sum(axis=0))[None, :]
    return result


def _ratio(wanted: Reals, found: Reals) -> Reals:
    return np.divide(wanted, found, out=np.ones_like(found), where=found > 0)


@cache
def pyramid() -> Pyramid:
    """Return the pyramid: five-year groups as estimated, bands and both sexes exactly as published."""
    figures = published()
    men, women = figures.table("age_men"), figures.table("age_women")
    bounds = [age_range(key) for key in men]
    cells = np.array([[men[key], women[key]] for key in men])
    bands = [(*age_range(key), people) for key, people in figures.table("age_bands").items()]
    band = np.array(
        [next(at for at, (low, high, _) in enumerate(bands) if low <= first <= high) for first, _ in bounds]
    )
    in_band = np.zeros((len(bands), cells.size))
    in_band[np.repeat(band, 2), np.arange(cells.size)] = cells.ravel()
    sexes = figures.table("sex")
    # Bands and sexes are fitted in turn; within a band the estimated groups keep their proportions.
    by_band = np.stack([in_band[:, 0::2].sum(axis=1), in_band[:, 1::2].sum(axis=1)], axis=1)
    wanted = fitted(by_band, np.array([people for _, _, people in bands]), np.array([sexes["men"], sexes["women"]]))
    people = cells * (wanted / by_band)[band]
    return Pyramid(tuple(low for low, _ in bounds), tuple(high for _, high in bounds), people)


@dataclass(frozen=True, slots=True)
class Schooling:
    """Chances of college, senior, junior, primary school and none, by age group."""

    lows: tuple[int, ...]
    chances: Reals


@cache
def schooling() -> Schooling:
    """Return education by age: the totals as published, the ages as estimated."""
    figures = published()
    rows = _YOUNG | {key: tuple(float(one) for one in row) for key, row in _by_age(figures).items()}
    ages = pyramid()
    people = ages.people.sum(axis=1)
    by_age = np.array(
        [people[[low <= first <= high for first in ages.lows]].sum() for low, high in map(age_range, rows)]
    )
    cells = np.array(list(rows.values()), dtype=np.float64)
    cells = cells / cells.sum(axis=1, keepdims=True) * by_age[:, None]
    totals = figures.table("education")
    known = np.array([totals[key] for key in ("college", "senior", "junior", "primary")])
    columns = np.append(known, by_age.sum() - known.sum())
    young = len(_YOUNG)
    grown = fitted(cells[young:], by_age[young:], columns - cells[:young].sum(axis=0))
    chances = np.concatenate([cells[:young], grown])
    return Schooling(tuple(age_range(key)[0] for key in rows), chances / chances.sum(axis=1, keepdims=True))


def _by_age(figures: Statistics) -> dict[str, list[Any]]:
    return dict(figures.figures["education_by_age"].value)
