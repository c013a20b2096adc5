"""Who lives in the city: households of plausible shape, and their members with age, sex and registration."""

from __future__ import annotations

from calendar import isleap
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from policies.types import to_day_number
from profiles.sample_city.chance import Flags, Numbers, Reals, drawn, happens, stream, words
from profiles.sample_city.names import people_names
from profiles.sample_city.numbers import booklet_numbers, resident_numbers

HEAD, SPOUSE, CHILD, GRANDPARENT, NOBODY = 0, 1, 2, 3, 9
# Shapes of households: share, and who lives in them.
_SHAPES: tuple[tuple[float, tuple[int, ...]], ...] = (
    (0.13, (HEAD,)),  # an elder alone
    (0.20, (HEAD, SPOUSE)),  # an elder couple
    (0.20, (HEAD,)),  # a younger adult alone
    (0.13, (HEAD, SPOUSE)),
    (0.19, (HEAD, SPOUSE, CHILD)),
    (0.05, (HEAD, SPOUSE, CHILD, CHILD)),
    (0.05, (HEAD, SPOUSE, CHILD, GRANDPARENT)),
    (0.03, (HEAD, SPOUSE, CHILD, GRANDPARENT, GRANDPARENT)),
    (0.02, (HEAD, CHILD)),
)
_ELDER_SHAPES = (0, 1)
_TWO_CHILDREN = 5
_WIDEST = max(len(roles) for _, roles in _SHAPES)

SHANGHAI = (
    "310101", "310104", "310105", "310106", "310107", "310109", "310110", "310112",
    "310113", "310114", "310115", "310116", "310117", "310118", "310120", "310151",
)  # fmt: skip
_SHANGHAI_WEIGHTS = (51, 111, 69, 98, 124, 76, 124, 265, 224, 183, 568, 82, 191, 127, 114, 64)
# Places that the rule library names come more often than others.
ELSEWHERE = (
    "650402", "110105", "330106", "350102", "440309", "440305", "350481", "360322",
    "320500", "340100", "330100", "420100", "510100", "610100",
)  # fmt: skip
_ELSEWHERE_WEIGHTS = (22, 22, 12, 16, 10, 4, 5, 4, 6, 6, 3, 4, 4, 3)

_DAYS_IN_YEAR = 365.2425


@dataclass(frozen=True, slots=True)
class People:
    """The residents, one entry each; `household` is the position of the household.

    age is in exact years on the day of the city; guardian is a position, or -1.
    """

    numbers: pl.Series
    names: pl.Series
    birth_days: Numbers
    age: Reals
    male: Flags
    alive: Flags
    hukou: pl.Series
    household: Numbers
    role: Numbers
    guardian: Numbers
    booklets: pl.Series
    household_size: Numbers
    household_region: pl.Series
    hardship: Flags

    @property
    def count(self) -> int:
        """How many residents there are."""
        return len(self.birth_days)


def settle(citizens: int, seed: int, on: date) -> People:
    """Return the residents of the city on the day `on`."""
    chance = stream(seed, "people")
    shape, household, place = _households(chance, citizens)
    roles = np.array([[*roles, *[NOBODY] * (_WIDEST - len(roles))] for _, roles in _SHAPES])
    role = roles[shape[household], place]
    age = _ages(chance, shape, household, role, place)
    birth_days = to_day_number(on) - np.floor(age * _DAYS_IN_YEAR).astype(np.int64)
    _put_on_boundaries(birth_days, role, shape[household], on)
    age = (to_day_number(on) - birth_days) / _DAYS_IN_YEAR
    male = _sexes(chance, shape, household, role, place)
    size = np.bincount(household, minlength=len(shape))
    district = drawn(chance, _SHANGHAI_WEIGHTS, len(shape))
    return People(
        numbers=resident_numbers(birth_days, male),
        names=people_names(chance, male, household),
        birth_days=birth_days,
        age=age,
        male=male,
        alive=~happens(chance, 0.0005 + 0.0008 * np.exp((age - 60.0) / 12.0), citizens),
        hukou=_registration(chance, household, role, district),
        household=household,
        role=role,
        guardian=_guardians(household, place, role, age, male),
        booklets=booklet_numbers(len(shape)),
        household_size=size,
        household_region=words(SHANGHAI, district),
        hardship=happens(chance, np.where(np.isin(shape, (0, 8)), 0.05, 0.02), len(shape)),
    )


def _households(chance: np.random.Generator, citizens: int) -> tuple[Numbers, Numbers, Numbers]:
    """Return the shape of each household, and of each resident the household and the place in it."""
    shares = [share for share, _ in _SHAPES]
    sizes = np.array([len(roles) for _, roles in _SHAPES])
    shape = drawn(chance, shares, citizens)
    ends = np.cumsum(sizes[shape])
    # As many households as hold everyone; the last one may stay smaller than its shape.
    shape = shape[: int(np.searchsorted(ends, citizens)) + 1] if citizens else shape
    household = np.repeat(np.arange(len(shape)), sizes[shape])[:citizens]
    first = np.r_[0, np.cumsum(sizes[shape])[:-1]] if citizens else np.zeros(0, dtype=np.int64)
    return shape, household, np.arange(citizens) - first[household]


def _ages(chance: np.random.Generator, shape: Numbers, household: Numbers, role: Numbers, place: Numbers) -> Reals:
    """Return exact ages; within a household they fit each other."""
    count, people = len(shape), len(household)
    child = np.where(happens(chance, 0.12, count), chance.uniform(0.0, 3.4, count), chance.uniform(0.0, 23.0, count))
    eldest = child + np.where(shape == _TWO_CHILDREN, chance.uniform(1.5, 6.0, count), 0.0)
    head = np.select(
        [np.isin(shape, _ELDER_SHAPES), shape == 2, shape == 3],
        [
            62.0 + 43.0 * chance.beta(1.15, 2.7, count),
            chance.uniform(19.0, 63.0, count),
            chance.uniform(24.0, 64.0, count),
        ],
        default=eldest + chance.uniform(23.0, 35.0, count),
    )
    has_child = ~np.isin(shape, (0, 1, 2, 3))
    youngest_spouse = np.where(has_child, eldest + 20.0, 20.0)
    spouse = np.maximum(head + chance.normal(-1.5, 2.5, count), youngest_spouse)
    grandparent = np.maximum(head, spouse) + chance.uniform(21.0, 30.0, count)
    age = np.select(
        [role == HEAD, role == SPOUSE, role == CHILD],
        [head[household], spouse[household], np.where(place == 3, eldest[household], child[household])],
        default=grandparent[household] + chance.normal(0.0, 1.5, people),
    )
    clipped: Reals = np.clip(age, 0.0, 106.0)
    return clipped


def years_before(day: date, years: int) -> date:
    """Return the same day `years` earlier; 29 February becomes 28."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _put_on_boundaries(birth_days: Numbers, role: Numbers, shape: Numbers, on: date) -> None:
    """Give some residents birthdays on which rules go wrong: today, tomorrow, month end, 29 February."""
    month_end = (on.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    edges = [
        moved
        for years in (65, 70, 80, 90, 100)
        for moved in (
            years_before(on, years),
            years_before(on, years) + timedelta(days=1),
            years_before(month_end, years),
            years_before(month_end, years) + timedelta(days=1),
        )
    ]
    edges += [date(year, 2, 29) for year in range(on.year - 72, on.year - 64) if isleap(year)]
    _spread(birth_days, (np.isin(shape, _ELDER_SHAPES) & (role != CHILD)).nonzero()[0], edges)
    third = years_before(on, 3)
    small = [third, third + timedelta(days=1), third - timedelta(days=1), on, on - timedelta(days=1)]
    _spread(birth_days, ((role == CHILD) & (to_day_number(on) - birth_days < 4 * 365)).nonzero()[0], small)


def _spread(birth_days: Numbers, candidates: Numbers, edges: list[date]) -> None:
    """Set the birthdays `edges` in turn on every fiftieth candidate (more often if they are few)."""
    step = max(1, min(50, len(candidates) // max(len(edges), 1)))
    # In a hamlet of a few people, everybody on an edge would be no village at all.
    chosen = candidates[::step] if len(candidates) > len(edges) else candidates[:0]
    numbers = np.array([to_day_number(day) for day in edges])
    birth_days[chosen] = numbers[np.arange(len(chosen)) % len(numbers)]


def _sexes(chance: np.random.Generator, shape: Numbers, household: Numbers, role: Numbers, place: Numbers) -> Flags:
    head_share = np.select([shape == 0, shape == 8], [0.33, 0.15], default=0.56)
    head = happens(chance, head_share, len(shape))[household]
    grandfather = happens(chance, 0.4, len(shape))[household]
    return np.select(
        [role == HEAD, role == SPOUSE, role == CHILD],
        [head, ~head, happens(chance, 0.52, len(household))],
        default=np.where(place == 4, ~grandfather, grandfather),
    )


def _registration(chance: np.random.Generator, household: Numbers, role: Numbers, district: Numbers) -> pl.Series:
    count, people = len(district), len(household)
    away = np.where(happens(chance, 0.12, count), drawn(chance, _ELSEWHERE_WEIGHTS, count), -1)[household]
    other_spouse = (role == SPOUSE) & happens(chance, 0.06, people)
    away = np.where(other_spouse, drawn(chance, _ELSEWHERE_WEIGHTS, people), away)
    return words([*SHANGHAI, *ELSEWHERE], np.where(away >= 0, len(SHANGHAI) + away, district[household]))


def _guardians(household: Numbers, place: Numbers, role: Numbers, age: Reals, male: Flags) -> Numbers:
    """Return the position of the guardian of each minor, mostly the mother; -1 for adults."""
    here = np.arange(len(household))
    head = here - place
    second = np.minimum(head + 1, len(here) - 1) if len(here) else head
    has_couple = (role[second] == SPOUSE) & (household[second] == household) if len(here) else np.zeros(0, bool)
    mother = np.where(has_couple & male[head], second, head)
    return np.where((role == CHILD) & (age < 18.0), mother, -1)
