"""What is in the store, counted the way statistics offices print it: ages by sex, and a few shares.

Only counts leave this module; no subject can be told from them. Beside each count stands what was published
about the city that the sample city is modelled on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from policies.text import Bilingual
from profiles.sample_city.fitting import pyramid
from profiles.sample_city.statistics import Certainty, age_range, published

if TYPE_CHECKING:
    from profiles.snapshot import Snapshot

_MEN, _WOMEN = "1", "2"


@dataclass(frozen=True, slots=True)
class AgeGroup:
    """One step of the pyramid: people in the store, and how many of a hundred thousand were published."""

    group: str
    men: int
    women: int
    published_men: int
    published_women: int


@dataclass(frozen=True, slots=True)
class Share:
    """One share: `counted` of `known` subjects in the store; `published` is in per ten thousand, as in the figure."""

    name: str
    title: Bilingual
    counted: int
    known: int
    published: int
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class PopulationCount:
    """What the store holds on a day.

    people  living residents; unplaced  those of them whose age or sex is not known; firms  organisations
    """

    on: date
    people: int
    unplaced: int
    firms: int
    groups: tuple[AgeGroup, ...]
    shares: tuple[Share, ...]


# A share: figure, per what it was published (a share of residents, or per cent), space, attributes, and who counts.
_Test = Callable[[], pl.Expr]
_SHARES: tuple[tuple[str, str, str, str, _Test], ...] = (
    ("incomers", "residents", "citizen", "hukou_region", lambda: ~pl.col("hukou_region").str.starts_with("31")),
    ("certificate_holders", "residents", "citizen", "disability_certificate", lambda: pl.col("disability_certificate")),
    ("dibao", "residents", "citizen", "dibao", lambda: pl.col("dibao")),
    ("dibao_margin", "residents", "citizen", "dibao_margin", lambda: pl.col("dibao_margin")),
    ("employee_pensioners", "residents", "citizen", "employee_pension", lambda: pl.col("employee_pension")),
    ("registered_unemployed", "residents", "citizen", "unemployment_registered", lambda: pl.col("unemployment_registered")),
    ("veterans", "residents", "citizen", "retired_soldier", lambda: pl.col("retired_soldier")),
    ("small_and_micro", "percent", "enterprise", "insured_size_class", lambda: pl.col("insured_size_class").is_in(["S", "XS"])),
)  # fmt: skip


def count_population(snapshot: Snapshot) -> PopulationCount:
    """Count the living residents and the organisations of `snapshot`, bucket by bucket."""
    ages: Counter[tuple[str, int]] = Counter()
    counted: Counter[str] = Counter()
    known: Counter[str] = Counter()
    people = unplaced = 0
    names = {space: [name for _, _, where, name, _ in _SHARES if where == space] for space in ("citizen", "enterprise")}
    for number in snapshot.buckets:
        bucket = snapshot.bucket(number)
        citizens = bucket.attributes("citizen", ["birth_date", "sex", "alive", *names["citizen"]])
        living = citizens.filter(pl.col("alive").fill_null(True))
        people += living.height
        placed = _with_age(living, snapshot.on)
        unplaced += living.height - placed.height
        for sex, age, count in placed.group_by("sex", "age").len().iter_rows():
            ages[sex, age] += count
        frames = {"citizen": living, "enterprise": bucket.attributes("enterprise", names["enterprise"])}
        for figure, _, space, attribute, test in _SHARES:
            # Bodies outside the table of size classes are in neither count, as in the census.
            values = frames[space].filter(pl.col(attribute).cast(pl.String).ne("none"))
            known[figure] += values.height
            counted[figure] += values.filter(test()).height
    return PopulationCount(
        snapshot.on, people, unplaced, snapshot.count("enterprise"), _groups(ages), _shares(counted, known)
    )


def _with_age(living: pl.DataFrame, on: date) -> pl.DataFrame:
    """Return sex and completed years of those of whom both are known."""
    born = pl.col("birth_date").cast(pl.Date)
    before = (born.dt.month() * 100 + born.dt.day()) > on.month * 100 + on.day
    return living.select(
        "sex", (pl.lit(on.year) - born.dt.year().cast(pl.Int64) - before.cast(pl.Int64)).alias("age")
    ).filter(pl.col("sex").is_in([_MEN, _WOMEN]) & pl.col("age").is_between(0, 200))


def _groups(ages: Counter[tuple[str, int]]) -> tuple[AgeGroup, ...]:
    table = pyramid()
    total = float(table.people.sum())
    found = []
    for at, name in enumerate(table.groups):
        low, high = age_range(name)
        last = high if at + 1 < len(table.groups) else 200
        men, women = (
            sum(count for (sex, age), count in ages.items() if sex == one and low <= age <= last)
            for one in (_MEN, _WOMEN)
        )
        expected = [round(float(cell) / total * 100_000) for cell in table.people[at]]
        found.append(AgeGroup(name, men, women, expected[0], expected[1]))
    return tuple(found)


def _shares(counted: Counter[str], known: Counter[str]) -> tuple[Share, ...]:
    figures = published()
    shares = []
    for name, per, *_ in _SHARES:
        figure = figures.figures[name]
        expected = figures.share(name) if per == "residents" else figures.number(name) / 100
        shares.append(
            Share(
                name,
                figure.title.to_bilingual(),
                counted[name],
                known[name],
                round(expected * 10_000),
                figure.certainty,
            )
        )
    return tuple(shares)
