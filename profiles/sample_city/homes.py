"""Who lives with whom: couples, children with their mothers, elders with their children, flats and dormitories.

Residents come with an age and a sex (so that the pyramid stays as published) and are put together: wives with
husbands by rank of age, children with women who were of an age to bear them. How many households there are,
and how many people live in none, is published; those who are left over share homes until that is met.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from profiles.sample_city.chance import Flags, Numbers, Reals, happens
from profiles.sample_city.statistics import Statistics

HEAD, SPOUSE, CHILD, GRANDPARENT, OTHER = 0, 1, 2, 3, 4
# How much older mothers are than their children, and elders than those they live with.
_MOTHER, _MOTHER_SPREAD = 29.0, 4.3
_GENERATION, _GENERATION_SPREAD = 27.5, 3.5


@dataclass(frozen=True, slots=True)
class Homes:
    """Where residents live; positions are those of the residents handed in.

    household is the number of the household from 0 without gaps; guardian the position of a minor's
    guardian or -1; collective (one per household) marks a place in a dormitory, a barracks or a care home.
    """

    household: Numbers
    role: Numbers
    guardian: Numbers
    collective: Flags


def bring_together(chance: np.random.Generator, age: Reals, male: Flags, figures: Statistics) -> Homes:
    """Return the homes of residents of `age` (exact years) and sex."""
    count = len(age)
    unit = np.arange(count)
    wives, husbands = _couples(chance, age, male, figures)
    unit[husbands] = wives
    paired = np.zeros(count, dtype=bool)
    paired[wives] = paired[husbands] = True
    mother = _mothers(chance, age, male, paired)
    child = mother >= 0
    unit[child] = mother[child]
    role = np.full(count, HEAD)
    role[child] = CHILD
    wife_heads = happens(chance, 0.28, len(wives))
    role[np.where(wife_heads, husbands, wives)] = SPOUSE
    collective = _fill_homes(chance, age, unit, role, figures)
    number = chance.permutation(count)[unit]
    _, household = np.unique(number, return_inverse=True)
    guardian = np.where(age < 18.0, _guardians(unit, role, mother, age), -1)
    apart = np.zeros(int(household.max()) + 1 if count else 0, dtype=bool)
    apart[household[collective]] = True
    return Homes(household.astype(np.int64), role, guardian, apart)


def _couples(chance: np.random.Generator, age: Reals, male: Flags, figures: Statistics) -> tuple[Numbers, Numbers]:
    """Return wives and husbands, pair by pair; both are as frequent at each age as published."""
    count = len(age)
    wed = happens(
        chance,
        np.where(male, figures.at_age("living_with_spouse_men", age), figures.at_age("living_with_spouse_women", age))
        / 100,
        count,
    )
    wives, husbands = (wed & ~male).nonzero()[0], (wed & male).nonzero()[0]
    pairs = min(len(wives), len(husbands))
    wives, husbands = chance.permutation(wives)[:pairs], chance.permutation(husbands)[:pairs]
    # Pairing by rank with some noise leaves men about two years older, and nobody far from their like.
    wives = wives[np.argsort(age[wives] + chance.normal(0.0, 2.0, pairs), kind="stable")]
    return wives, husbands[np.argsort(age[husbands], kind="stable")]


def _mothers(chance: np.random.Generator, age: Reals, male: Flags, paired: Flags) -> Numbers:
    """Return the mother with whom each child lives (all minors, some who are grown up), or -1."""
    count = len(age)
    stays = np.select([age < 18.0, age < 23.0, age < 30.0, age < 38.0], [1.0, 0.34, 0.22, 0.08], default=0.0)
    wanted = happens(chance, stays, count) & ~paired
    children = chance.permutation(wanted.nonzero()[0])
    first = children[: len(children) - int(len(children) * 0.17)]
    second = children[len(first) :]
    women = (~male & (paired | happens(chance, 0.07, count)) & ~wanted & (age >= 18.0)).nonzero()[0]
    mother = np.full(count, -1)
    # A second child is a little younger than the first one of the same mother.
    elder = nearest_above(age[second] + np.maximum(chance.normal(3.5, 1.3, len(second)), 1.2), age[first])
    fits = (
        (elder >= 0) & (np.abs(age[first][elder] - age[second] - 3.5) < 4.0) & (age[first][elder] - age[second] > 0.9)
    )
    younger, alone = second[fits], second[~fits]
    own = np.concatenate([first, alone])
    gap = np.clip(chance.normal(_MOTHER, _MOTHER_SPREAD, len(own)), 18.5, 44.0)
    at = nearest_above(age[own] + gap, age[women])
    found = at >= 0
    found[found] = age[women[at[found]]] - age[own[found]] < 46.0
    mother[own[found]] = women[at[found]]
    mother[younger] = mother[first[elder[fits]]]
    # The elder child may have found no mother; then the younger has none either.
    return mother


def nearest_above(wanted: Reals, offered: Reals) -> Numbers:
    """Return for each wanted value the position of an offered one at or just above it; none is given twice.

    -1 where there is none left.
    """
    order, asking = np.argsort(offered, kind="stable"), np.argsort(wanted, kind="stable")
    step = np.arange(len(wanted))
    first = np.searchsorted(offered[order], wanted[asking])
    # Strictly rising places: whoever finds a place taken moves on to the next.
    place = np.maximum.accumulate(first - step) + step if len(wanted) else first
    result = np.full(len(wanted), -1)
    kept = place < len(offered)
    result[asking[kept]] = order[place[kept]]
    return result


def _fill_homes(chance: np.random.Generator, age: Reals, unit: Numbers, role: Numbers, figures: Statistics) -> Flags:
    """Settle those who live with nobody yet, in `unit` and `role`; return who lives in no family household."""
    count = len(age)
    members = np.bincount(unit, minlength=count)
    single = members[unit] == 1
    inside = figures.number("family_households") * figures.number("household_size") / figures.number("population")
    weights = np.select(
        [age < 16.0, age < 18.0, age < 25.0, age < 45.0, age < 60.0, age < 80.0],
        [0.0, 0.3, 3.0, 2.0, 1.2, 0.1],
        default=0.9,
    )
    apart = _some(chance, single, weights, round(count * (1.0 - inside)))
    left = single & ~apart
    together = int(((members > 1) & (unit[np.arange(count)] == np.arange(count))).sum())
    homes = round((count - int(apart.sum())) / figures.number("household_size"))
    spare = int(left.sum()) - max(homes - together, 0)
    eager = np.select([age < 18.0, age < 35.0, age < 60.0, age < 75.0], [1e6, 1.2, 0.7, 0.8], default=1.6)
    moving = _some(chance, left, eager, max(spare, 0))
    _move_in(chance, age, unit, role, moving, left & ~moving)
    return apart


def _some(chance: np.random.Generator, among: Flags, weights: Reals, wanted: int) -> Flags:
    """Return `wanted` of those `among` as flags, the heavier the likelier; fewer if there are not so many."""
    able = among & (weights > 0)
    # The exponential race: the smallest times win, and a weight shortens the time.
    times = np.where(able, chance.exponential(1.0, len(among)) / np.maximum(weights, 1e-9), np.inf)
    chosen = np.zeros(len(among), dtype=bool)
    chosen[np.argsort(times, kind="stable")[: min(wanted, int(able.sum()))]] = True
    return chosen


def _move_in(
    chance: np.random.Generator, age: Reals, unit: Numbers, role: Numbers, moving: Flags, alone: Flags
) -> None:
    """Let elders move in with people of their children's age, and others with people who live alone."""
    count = len(age)
    hosts = ((unit == np.arange(count)) & (np.bincount(unit, minlength=count) > 1)).nonzero()[0]
    elders = (moving & (age >= 52.0)).nonzero()[0]
    wanted = age[elders] - chance.normal(_GENERATION, _GENERATION_SPREAD, len(elders))
    at = nearest_above(wanted, age[hosts])
    fits = at >= 0
    fits[fits] = np.abs(age[elders[fits]] - age[hosts[at[fits]]] - _GENERATION) < 12.0
    unit[elders[fits]], role[elders[fits]] = hosts[at[fits]], GRANDPARENT
    rest = moving.copy()
    rest[elders[fits]] = False
    guests = rest.nonzero()[0]
    # Most join a family as relatives or lodgers; the others share the flats of a few who lived alone.
    flats = chance.permutation((alone & (age >= 18.0) & (age < 60.0)).nonzero()[0])
    flats = flats[: len(guests) // 6 + 1]
    families = chance.permutation(hosts)[: 2 * len(guests)]
    offered = np.where(happens(chance, 0.6, len(guests)), 0, 1)
    if len(flats) == 0 and len(families) == 0:
        return
    flats, families = (flats if len(flats) else families), (families if len(families) else flats)
    step = np.arange(len(guests))
    host = np.where(offered == 0, families[step % len(families)], flats[step % len(flats)])
    unit[guests], role[guests] = unit[host], np.where(age[guests] < 18.0, CHILD, OTHER)


def _guardians(unit: Numbers, role: Numbers, mother: Numbers, age: Reals) -> Numbers:
    """Return the mother where she lives there, else the grown-up head of the household, else -1."""
    head = np.full(len(unit), -1)
    heads = ((role == HEAD) & (age >= 18.0)).nonzero()[0]
    head[unit[heads]] = heads
    guardian: Numbers = np.where(mother >= 0, mother, head[unit])
    return guardian
