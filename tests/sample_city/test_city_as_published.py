"""The city that is drawn is like the statistics it is drawn from, within what chance allows."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from profiles.sample_city.chance import Flags
from profiles.sample_city.firms import Firms, found_firms
from profiles.sample_city.fitting import pyramid
from profiles.sample_city.lives import EMPLOYED, RECEIVING, Lives, live
from profiles.sample_city.people import CHILD, SPOUSE, People, settle
from profiles.sample_city.size_classes import NO_CLASS, size_classes
from profiles.sample_city.statistics import published

ON = date(2026, 11, 22)
FIGURES = published()
Counts = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def people() -> People:
    return settle(60_000, 1, ON)


@pytest.fixture(scope="module")
def firms() -> Firms:
    return found_firms(6_000, 1, ON)


@pytest.fixture(scope="module")
def lives(people: People, firms: Firms) -> Lives:
    return live(people, firms, 1, ON)


def chi_square(found: Counts, expected_shares: Counts) -> tuple[float, int]:
    """Return the statistic and its degrees of freedom; groups that expect fewer than five are put together."""
    expected = expected_shares / expected_shares.sum() * found.sum()
    rare = expected < 5.0
    found = np.append(found[~rare], found[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    kept = expected > 0
    return float(((found - expected)[kept] ** 2 / expected[kept]).sum()), int(kept.sum()) - 1


def unusual(statistic: float, freedom: int) -> bool:
    """Whether chance gives so much fewer than once in a hundred thousand (Wilson and Hilferty's approximation)."""
    scaled = (statistic / freedom) ** (1 / 3)
    return bool((scaled - (1 - 2 / (9 * freedom))) / np.sqrt(2 / (9 * freedom)) > 4.27)


def assert_share(flags: Flags, expected: float, spread: float = 5.0) -> None:
    """Assert a share within `spread` standard errors."""
    error = np.sqrt(max(expected * (1 - expected), 1e-9) / len(flags))
    assert abs(float(flags.mean()) - expected) < spread * error, (float(flags.mean()), expected, error)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_age_and_sex_follow_the_census(seed: int) -> None:
    drawn, ages = settle(40_000, seed, ON), pyramid()
    group = np.searchsorted(np.array(ages.lows), np.floor(drawn.age), side="right") - 1
    found = np.bincount(group * 2 + ~drawn.male, minlength=2 * len(ages.lows)).astype(float)
    assert not unusual(*chi_square(found, ages.people.ravel()))


def test_the_bands_of_the_bulletin_are_met(people: People) -> None:
    total = FIGURES.number("population")
    bands = FIGURES.table("age_bands")
    assert_share(people.age < 15, bands["0-14"] / total)
    assert_share(people.age >= 60, (bands["60-64"] + bands["65+"]) / total)
    assert_share(people.age >= 65, bands["65+"] / total)
    assert_share(people.male, FIGURES.table("sex")["men"] / total)


def test_districts_are_as_populous_as_published(people: People) -> None:
    at = people.household_region.gather(pl.Series(people.household))
    found = dict(at.value_counts().iter_rows())
    districts = FIGURES.table("districts")
    assert set(found) == set(districts)
    # People move in households, so that chance is that of fewer independent draws.
    effect = float((people.household_size**2).sum() / people.household_size.sum())
    statistic, freedom = chi_square(
        np.array([found[one] for one in districts], dtype=float), np.array(list(districts.values()))
    )
    assert not unusual(statistic / effect, freedom)


def test_elders_live_where_they_live_more_often(people: People) -> None:
    at = people.household_region.gather(pl.Series(people.household)).to_numpy()
    old = people.age >= 60
    assert old[at == "310151"].mean() > old.mean() > old[at == "310117"].mean()


def test_households_are_as_many_and_as_large_as_published(people: People) -> None:
    size = people.household_size[~people.collective]
    assert size.mean() == pytest.approx(FIGURES.number("household_size"), abs=0.02)
    expected = FIGURES.number("family_households") / FIGURES.number("population") * people.count
    assert len(size) == pytest.approx(expected, rel=0.01)
    assert (size == 1).mean() == pytest.approx(FIGURES.number("living_alone") / 100, abs=0.05)
    assert (people.household_size[people.collective] == 1).all()


def test_two_in_five_are_registered_in_other_provinces_and_most_of_them_are_young(people: People) -> None:
    share = FIGURES.number("incomers") / FIGURES.number("population")
    assert people.incomer.mean() == pytest.approx(share, abs=0.012)
    young, old = people.incomer[(people.age >= 20) & (people.age < 45)], people.incomer[people.age >= 65]
    assert young.mean() > 0.45 and old.mean() < 0.15


def test_couples_are_of_like_age_and_mothers_were_of_an_age_to_bear_their_children(people: People) -> None:
    spouse = (people.role == SPOUSE).nonzero()[0]
    head = np.zeros(len(people.household_size), dtype=np.int64)
    heads = (people.role == 0).nonzero()[0]
    head[people.household[heads]] = heads
    partner = head[people.household[spouse]]
    gap = np.where(people.male[spouse], 1, -1) * (people.age[spouse] - people.age[partner])
    assert (people.male[spouse] != people.male[partner]).all()
    assert 0.5 < gap.mean() < 4.0 and np.percentile(np.abs(gap), 95) < 10
    children = ((people.role == CHILD) & (people.guardian >= 0)).nonzero()[0]
    older = people.age[people.guardian[children]] - people.age[children]
    assert older.min() > 15 and older.max() < 60 and 27 < older.mean() < 32


def test_education_follows_the_census(people: People, lives: Lives) -> None:
    level = lives.tables["education"]["education_level"].fill_null("").to_numpy()
    total = FIGURES.number("population")
    for name, first in (("college", "123"), ("senior", "46"), ("junior", "7"), ("primary", "8")):
        share = np.isin([one[:1] for one in level], list(first)).mean()
        # The very young stay longer at school than the table of the census says.
        assert share == pytest.approx(FIGURES.table("education")[name] / total, abs=0.03), name


def test_about_as_many_study_at_college_as_published(lives: Lives) -> None:
    education = lives.tables["education"]
    at_college = (education["fulltime_student"] & education["education_level"].is_in(["10", "20", "30"])).fill_null(
        False
    )
    expected = FIGURES.number("college_students") / FIGURES.number("population")
    assert at_college.mean() == pytest.approx(expected, rel=0.25)


def test_infants_are_as_many_as_are_born_in_a_year(people: People) -> None:
    assert_share(people.age < 1.0, FIGURES.share("births"))


def test_education_work_and_pension_belong_to_an_age(people: People, lives: Lives) -> None:
    college = lives.tables["education"]["education_level"].is_in(["11", "14", "21", "31"]).fill_null(False).to_numpy()
    young, old = (people.age >= 28) & (people.age < 38), people.age >= 62
    assert college[young].mean() > 2 * college[old].mean()
    employed = lives.work == EMPLOYED
    assert employed[young].mean() > 0.6 and not employed[people.age < 16].any() and employed[old].sum() == 0
    assert lives.pensioner[old].mean() > 0.6 and not lives.pensioner[people.age < 50].any()
    median = {name: np.median(lives.income[flags]) for name, flags in (("c", young & college & employed), ("n", young & ~college & employed))}  # fmt: skip
    assert median["c"] > 1.3 * median["n"]


@pytest.mark.parametrize(
    ("figure", "source", "column", "times"),
    [
        ("employee_pensioners", "social_insurance", "employee_pension", ""),
        ("registered_unemployed", "social_insurance", "unemployment_registered", ""),
        ("certificate_holders", "disability", "disability_certificate", ""),
        ("tekun", "civil_affairs", "tekun", "rare_people"),
        ("special_families", "health", "special_family", "rare_people"),
        ("veterans", "veterans", "retired_soldier", ""),
    ],
)
def test_as_many_people_as_published_are_known_to_an_agency(
    lives: Lives, figure: str, source: str, column: str, times: str
) -> None:
    expected = FIGURES.share(figure) * (FIGURES.number(times) if times else 1.0)
    assert_share(lives.tables[source][column].to_numpy(), expected, spread=6.0)


def test_as_many_people_as_published_are_in_need_and_they_are_poor_together(people: People, lives: Lives) -> None:
    aid = lives.tables["civil_affairs"]
    for name in ("dibao", "dibao_margin", "low_income"):
        found = aid[name].to_numpy()
        assert found.mean() == pytest.approx(FIGURES.share(name), rel=0.35), name
        assert people.hardship[people.household[found]].all()
    assert np.median(lives.income[lives.poor & (people.age >= 18)]) < np.median(lives.income[people.age >= 18]) / 2
    assert (lives.work == RECEIVING).mean() == pytest.approx(FIGURES.share("unemployment_benefit"), rel=0.25)


def test_disability_is_commoner_among_the_old_and_the_poor_and_its_kinds_are_as_published(
    people: People, lives: Lives
) -> None:
    table = lives.tables["disability"]
    holds = table["disability_certificate"].to_numpy()
    assert holds[people.age >= 60].mean() > 4 * holds[(people.age >= 15) & (people.age < 35)].mean()
    assert holds[lives.poor].mean() > 3 * holds[~lives.poor].mean()
    for column, figure in (("disability_type", "disability_types"), ("disability_grade", "disability_grades")):
        shares = FIGURES.table(figure)
        counted = dict(table[column].drop_nulls().cast(pl.String).value_counts().iter_rows())
        found = np.array([counted.get(key, 0) for key in shares], dtype=float)
        assert not unusual(*chi_square(found, np.array(list(shares.values()))))


def test_wages_meet_the_published_mean(lives: Lives) -> None:
    wages = lives.income[(lives.work == EMPLOYED) & ~lives.poor] / 100
    assert wages.mean() == pytest.approx(FIGURES.number("average_wage"), rel=0.03)
    assert np.median(wages) < wages.mean()


def test_firms_stand_in_the_sectors_of_the_economic_census(firms: Firms) -> None:
    here = firms.is_enterprise & ~firms.away
    sectors = FIGURES.table("sectors") | FIGURES.table("other_sectors")
    divisions = {int(division): name for name in sectors for division in FIGURES.inner_table("divisions", name)}
    counted = dict.fromkeys(sectors, 0)
    for division in firms.division[here].tolist():
        counted[divisions[division]] += 1
    found = np.array(list(counted.values()), dtype=float)
    assert not unusual(*chi_square(found, np.array(list(sectors.values()))))


def test_nineteen_of_twenty_enterprises_are_small_or_micro(firms: Firms) -> None:
    here = firms.is_enterprise & ~firms.away
    classed = size_classes(firms.group, firms.employees, firms.revenue, firms.assets)[here]
    share = np.isin(classed, [2, 3]).sum() / (classed != NO_CLASS).sum()
    assert share == pytest.approx(FIGURES.number("small_and_micro") / 100, abs=0.025)


def test_industry_employs_more_people_and_trade_turns_over_more_a_head(firms: Firms) -> None:
    industry, trade = (firms.division >= 13) & (firms.division <= 43), firms.division == 51
    usual = firms.is_enterprise
    assert np.median(firms.employees[industry & usual]) > np.median(firms.employees[trade & usual])
    a_head = firms.revenue / firms.employees
    catering = firms.division == 62
    assert np.median(a_head[trade & usual]) > np.median(a_head[industry & usual]) > np.median(a_head[catering & usual])
    assert np.corrcoef(np.log(firms.employees), np.log(firms.revenue + 1))[0, 1] > 0.7


def test_kinds_of_bodies_are_as_published_but_for_those_that_are_raised(firms: Firms) -> None:
    bodies = FIGURES.table("entities")
    weights = [one * (1.0 if at < 2 else FIGURES.number("other_bodies")) for at, one in enumerate(bodies.values())]
    counted = dict(firms.kind.value_counts().iter_rows())
    found = np.array([counted.get(name, 0) for name in bodies], dtype=float)
    assert not unusual(*chi_square(found, np.array(weights)))
