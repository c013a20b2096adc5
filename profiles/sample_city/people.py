"""Who lives in the city: age and sex from the census, homes, districts and registration to match."""

from __future__ import annotations

from calendar import isleap
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from policies.types import to_day_number
from profiles.sample_city.chance import Flags, Numbers, Reals, drawn, happens, stream, words
from profiles.sample_city.fitting import pyramid
from profiles.sample_city.homes import CHILD, GRANDPARENT, HEAD, OTHER, SPOUSE, Homes, bring_together
from profiles.sample_city.names import people_names
from profiles.sample_city.numbers import booklet_numbers, resident_numbers
from profiles.sample_city.statistics import Statistics, published

__all__ = ["CHILD", "GRANDPARENT", "HEAD", "OTHER", "SPOUSE", "People", "settle", "years_before"]

DAYS_IN_YEAR = 365.2425
# What share of a year's dead still stand in the registers when an extract is made.
_YEAR_OF_DEATHS_KEPT = 0.5


@dataclass(frozen=True, slots=True)
class People:
    """The residents, one entry each; `household` is the position of the household.

    age is in exact years on the day of the city; guardian is a position, or -1; incomer tells who is
    registered outside Shanghai; collective, hardship, household_size and household_region are per household.
    """

    numbers: pl.Series
    names: pl.Series
    birth_days: Numbers
    age: Reals
    male: Flags
    alive: Flags
    hukou: pl.Series
    incomer: Flags
    household: Numbers
    role: Numbers
    guardian: Numbers
    booklets: pl.Series
    household_size: Numbers
    household_region: pl.Series
    collective: Flags
    hardship: Flags

    @property
    def count(self) -> int:
        """How many residents there are."""
        return len(self.birth_days)


def settle(citizens: int, seed: int, on: date) -> People:
    """Return the residents of the city on the day `on`."""
    figures = published()
    age, male = _ages_and_sexes(stream(seed, "ages"), citizens)
    homes = bring_together(stream(seed, "homes"), age, male, figures)
    age, male, homes = _by_household(age, male, homes)
    birth_days = to_day_number(on) - np.floor(age * DAYS_IN_YEAR).astype(np.int64)
    _put_on_boundaries(birth_days, on)
    age = (to_day_number(on) - birth_days) / DAYS_IN_YEAR
    size = np.bincount(homes.household, minlength=len(homes.collective))
    chance = stream(seed, "people")
    district = _districts(chance, age, homes, figures)
    places = tuple(figures.table("districts"))
    incomer = _incomers(chance, age, homes, figures)
    return People(
        numbers=resident_numbers(birth_days, male),
        names=people_names(chance, male, homes.household),
        birth_days=birth_days,
        age=age,
        male=male,
        alive=~_recently_dead(chance, age, figures),
        hukou=_registration(chance, age, homes, incomer, district, figures),
        incomer=incomer,
        household=homes.household,
        role=homes.role,
        guardian=homes.guardian,
        booklets=booklet_numbers(len(size)),
        household_size=size,
        household_region=words(places, district),
        collective=homes.collective,
        hardship=_hardship(stream(seed, "hardship"), age, incomer, homes, size, figures),
    )


def _ages_and_sexes(chance: np.random.Generator, citizens: int) -> tuple[Reals, Flags]:
    """Draw age and sex together from the pyramid; within a group of five years ages are even."""
    ages = pyramid()
    cell = drawn(chance, ages.people.ravel(), citizens)
    low, high = np.array(ages.lows)[cell // 2], np.array(ages.highs)[cell // 2]
    # The very oldest thin out: nobody expects as many people of 106 as of 100.
    within = np.where(low >= 100, chance.random(citizens) ** 2, chance.random(citizens))
    age = low + within * (high + 1 - low)
    # Fewer are born now than five years ago: of the small children, the infants are those of a year's births.
    figures = published()
    infants = figures.number("births") / float(ages.people[0].sum())
    small = np.where(within < infants, within / infants, 1.0 + (within - infants) / (1.0 - infants) * (high - low))
    return np.where(low == 0, small, age), cell % 2 == 0


def _by_household(age: Reals, male: Flags, homes: Homes) -> tuple[Reals, Flags, Homes]:
    """Return everything in the order of households, the head first and children from the eldest."""
    order = np.lexsort((-age, homes.role, homes.household))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    guardian = homes.guardian[order]
    moved = np.where(guardian >= 0, place[guardian], -1)
    return age[order], male[order], Homes(homes.household[order], homes.role[order], moved, homes.collective)


def years_before(day: date, years: int) -> date:
    """Return the same day `years` earlier; 29 February becomes 28."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _put_on_boundaries(birth_days: Numbers, on: date) -> None:
    """Move some birthdays by at most half a year onto days on which rules go wrong: today, month end, 29 February."""
    month_end = (on.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    day = timedelta(days=1)
    for years in (16, 60, 65, 70, 80, 90, 100):
        here, later = years_before(on, years), years_before(month_end, years)
        _spread(birth_days, [here, here + day, later, later + day])
    third = years_before(on, 3)
    _spread(birth_days, [third, third + day, third - day])
    _spread(birth_days, [on, on - day])
    for year in (year for year in range(on.year - 72, on.year - 59) if isleap(year)):
        _spread(birth_days, [date(year, 2, 29)])


def _spread(birth_days: Numbers, edges: list[date]) -> None:
    """Set birthdays near `edges` on them in turn: the three nearest of each, and every twentieth within half a year."""
    numbers = np.array([to_day_number(day) for day in edges])
    # In a hamlet of a few people, everybody on an edge would be no village at all.
    if len(birth_days) < 500:
        return
    distance = np.abs(birth_days - numbers[0])
    near = (distance <= 183).nonzero()[0]
    among = near if len(near) >= 3 * len(edges) else np.arange(len(distance))
    nearest = among[np.argsort(distance[among], kind="stable")[: 3 * len(edges)]]
    chosen = np.union1d(nearest, near[::20])
    birth_days[chosen] = numbers[np.arange(len(chosen)) % len(numbers)]


def _districts(chance: np.random.Generator, age: Reals, homes: Homes, figures: Statistics) -> Numbers:
    """Return the district of each household: as populous as published, elders where they live more often."""
    count = len(homes.collective)
    people = np.array(list(figures.table("districts").values()))
    elders = people * np.array(list(figures.table("district_elders").values()))
    population = people / people.sum()
    old = elders / elders.sum()
    is_old = np.zeros(count, dtype=bool)
    is_old[homes.household[age >= 60.0]] = True
    share = float(is_old[homes.household].mean()) if len(age) else 0.0
    # What the homes with elders take more of a district, the others take less of it.
    spread = 0.6 * old + 0.4 * population
    young = np.maximum(population - share * spread, 0.0)
    return np.where(is_old, drawn(chance, spread, count), drawn(chance, young, count))


def _incomers(chance: np.random.Generator, age: Reals, homes: Homes, figures: Statistics) -> Flags:
    """Return who is registered outside the city: as many as published, mostly whole households."""
    shape = figures.at_age("incomers_by_age", age)
    level = figures.share("incomers") * 100 / _expected("incomers_by_age", figures)
    common = chance.random(len(homes.collective))[homes.household]
    draw = np.where(happens(chance, 0.88, len(age)), common, chance.random(len(age)))
    flags: Flags = draw < np.minimum(shape / 100 * level, 0.97)
    return flags


def _expected(name: str, figures: Statistics) -> float:
    """Return the mean of the age table `name` over the published pyramid."""
    ages = pyramid()
    middles = (np.array(ages.lows) + np.array(ages.highs) + 1) / 2
    values = figures.at_age(name, middles)
    return float((values * ages.people.sum(axis=1)).sum() / ages.people.sum())


def _registration(
    chance: np.random.Generator, age: Reals, homes: Homes, incomer: Flags, district: Numbers, figures: Statistics
) -> pl.Series:
    """Return the place of registration: the district, the province people come from, or a place that rules name."""
    count = len(homes.collective)
    districts, origins, named = (figures.table(one) for one in ("districts", "incomers_from", "places_of_rules"))
    usual = len(districts) + drawn(chance, list(origins.values()), count)
    by_rule = len(districts) + len(origins) + drawn(chance, list(named.values()), count)
    older, all_ages = figures.number("elders_registered_where_rules_are"), figures.number("registered_where_rules_are")
    device = chance.random(count)[homes.household] < np.where(age >= 60.0, older, all_ages) / 100
    away = np.where(device, by_rule[homes.household], usual[homes.household])
    return words([*districts, *origins, *named], np.where(incomer, away, district[homes.household]))


def _recently_dead(chance: np.random.Generator, age: Reals, figures: Statistics) -> Flags:
    ages = pyramid()
    people = ages.people.sum(axis=1)
    middles = (np.array(ages.lows) + np.array(ages.highs) + 1) / 2
    level = _YEAR_OF_DEATHS_KEPT * figures.share("deaths") / ((np.exp(middles / 10.5) * people).sum() / people.sum())
    return happens(chance, np.minimum(level * np.exp(age / 10.5), 0.3), len(age))


def _hardship(
    chance: np.random.Generator, age: Reals, incomer: Flags, homes: Homes, size: Numbers, figures: Statistics
) -> Flags:
    """Return which households are in need: as many people as published, more often those alone or with one parent."""
    count = len(size)
    head = homes.role == HEAD
    local, old = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    local[homes.household[head & ~incomer]] = True
    old[homes.household[head & (age >= 60.0)]] = True
    couple, child = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    couple[homes.household[homes.role == SPOUSE]] = True
    child[homes.household[homes.role == CHILD]] = True
    likely = np.select([child & ~couple, old & (size == 1), size == 1], [5.0, 2.0, 1.5], default=1.0)
    # Assistance is granted where people are registered; a few of those registered elsewhere have it from there.
    likely = likely * np.where(local, 1.0, 0.25) * np.where(homes.collective, 0.0, 1.0)
    need = sum(figures.share(one) for one in ("dibao", "dibao_margin", "low_income"))
    need += figures.share("tekun") * figures.number("rare_people")
    expected = float((likely * size).sum())
    level = need * len(age) / expected if expected else 0.0
    return happens(chance, np.minimum(likely * level, 0.5), count)
