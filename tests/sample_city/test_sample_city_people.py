"""The sample city is plausible enough that every policy of the library has someone to find."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from policies.types import to_day_number
from profiles.sample_city.firms import Firms, found_firms
from profiles.sample_city.lives import EMPLOYED, Lives, live
from profiles.sample_city.people import CHILD, HEAD, SPOUSE, People, settle
from profiles.sample_city.records import Records, keep
from profiles.sample_city.size_classes import SIZE_CLASSES, size_classes

ON = date(2026, 11, 22)
TODAY = to_day_number(ON)


@pytest.fixture(scope="module")
def people() -> People:
    return settle(30_000, 1, ON)


@pytest.fixture(scope="module")
def firms() -> Firms:
    return found_firms(2_400, 1, ON)


@pytest.fixture(scope="module")
def lives(people: People, firms: Firms) -> Lives:
    return live(people, firms, 1, ON)


@pytest.fixture(scope="module")
def records(people: People, firms: Firms, lives: Lives) -> dict[str, Records]:
    return keep(people, firms, lives, 1, ON)


def test_every_age_is_there_up_to_a_hundred_and_more(people: People) -> None:
    assert len(np.unique(people.age.astype(int))) >= 95
    assert (people.age >= 100).sum() > 0


def test_nobody_is_born_after_the_day_of_the_city(people: People) -> None:
    assert people.birth_days.max() <= TODAY
    assert (people.birth_days == TODAY).any()


def test_parents_are_older_than_their_children(people: People) -> None:
    minors = (people.guardian >= 0).nonzero()[0]
    gap = people.age[people.guardian[minors]] - people.age[minors]
    assert gap.min() > 15.0


def test_every_minor_with_a_household_has_a_guardian_in_it(people: People) -> None:
    minors = (people.age < 18) & (people.role == CHILD)
    assert (people.guardian[minors] >= 0).all()
    assert (people.household[people.guardian[minors]] == people.household[minors]).all()
    assert (people.guardian[~minors] == -1).all()


def test_each_household_has_one_head_and_at_most_one_spouse(people: People) -> None:
    heads = np.bincount(people.household[people.role == HEAD], minlength=len(people.hardship))
    spouses = np.bincount(people.household[people.role == SPOUSE], minlength=len(people.hardship))
    assert (heads == 1).all() and spouses.max() == 1
    assert people.household_size.sum() == people.count


def test_some_people_stand_exactly_on_the_edges_of_age(people: People) -> None:
    birthdays = set(people.birth_days.tolist())
    for edge in (
        date(1961, 11, 22),
        date(1961, 11, 23),
        date(1961, 11, 30),
        date(1961, 12, 1),
        date(1960, 2, 29),
    ):
        assert to_day_number(edge) in birthdays, edge
    assert to_day_number(date(2023, 11, 22)) in birthdays
    assert to_day_number(date(2023, 11, 23)) in birthdays


def test_most_are_registered_in_shanghai_and_some_elsewhere(people: People) -> None:
    at_home = people.hukou.str.starts_with("31").to_numpy()
    assert (at_home == ~people.incomer).all() and 0.5 < at_home.mean() < 0.65
    for place in ("650402", "330106", "350102", "440305", "110105", "370102"):
        assert (people.hukou == place).sum() > 0, place


def test_the_elderly_allowance_finds_people(people: People) -> None:
    found = (people.age >= 65) & people.hukou.str.starts_with("31").to_numpy() & people.alive
    assert found.sum() > 3_500 and ((people.age >= 65) & ~people.alive).any()


def test_the_allowances_for_disabled_people_find_people(lives: Lives, people: People) -> None:
    disability, aid = lives.tables["disability"], lives.tables["civil_affairs"]
    holds = disability["disability_certificate"].to_numpy()
    assert (holds & aid["dibao"].to_numpy()).sum() > 10
    severe = (disability["disability_grade"].fill_null(9) <= 2).to_numpy()
    assert (holds & severe & (disability["care_level"] == "full").to_numpy()).sum() > 25
    # Nobody without a certificate has a grade.
    assert disability["disability_grade"].filter(pl.Series(~holds)).null_count() == (~holds).sum()


def test_childcare_finds_small_children_with_guardians(people: People) -> None:
    assert ((people.age < 3) & (people.guardian >= 0)).sum() > 300


@pytest.mark.parametrize("trait", ["dibao", "dibao_margin", "tekun", "low_income", "orphan"])
def test_social_assistance_knows_every_kind_of_hardship(lives: Lives, trait: str) -> None:
    assert 0 < lives.tables["civil_affairs"][trait].sum() < 1_500


def test_nobody_is_both_dibao_and_tekun(lives: Lives) -> None:
    aid = lives.tables["civil_affairs"]
    assert not (aid["dibao"] & aid["tekun"]).any()


def test_kindergarten_counts_the_children_of_the_right_cohort(people: People, lives: Lives) -> None:
    final = (lives.tables["education"]["kindergarten_stage"] == "final_year").to_numpy()
    # Six before the next September: born from 2020-09-01 to 2021-08-31.
    born = people.birth_days[final]
    assert len(born) > 50
    assert born.min() >= to_day_number(date(2020, 8, 31)) and born.max() <= to_day_number(date(2021, 9, 1))
    assert {"public", "private"} <= set(lives.tables["education"]["kindergarten_kind"].unique().to_list())


def test_some_students_have_been_soldiers(lives: Lives) -> None:
    education = lives.tables["education"]
    in_college = education["education_level"].is_in(["20", "30"]).fill_null(False)
    student = (education["fulltime_student"] & in_college).to_numpy()
    assert (student & lives.soldier).sum() >= 3


def test_only_the_employed_have_an_employer(lives: Lives) -> None:
    assert ((lives.employer >= 0) == (lives.work == EMPLOYED)).all()


def test_unemployment_benefit_and_elder_disability_reach_people(lives: Lives) -> None:
    assert (lives.tables["social_insurance"]["unemployment_status"] == "receiving").sum() > 100
    levels = lives.tables["civil_affairs"]["elder_disability"].value_counts()
    assert dict(levels.iter_rows()).keys() == {"none", "mild", "moderate", "severe", "total"}


def test_certificates_cover_all_levels_and_both_sides_of_twelve_months(records: dict[str, Records]) -> None:
    certificates = records["certificates"].columns
    assert set(certificates["level"].unique().to_list()) == {1, 2, 3, 4, 5}
    recent = certificates["issued_on"] >= ON - timedelta(days=365)
    assert 0.2 < recent.mean() < 0.6


def test_a_graduate_is_now_and_then_registered_by_two_firms(records: dict[str, Records]) -> None:
    hires = records["hires"]
    frame = pl.DataFrame({"person": hires.columns["person"], "firm": hires.owner})
    twice = frame.group_by("person").agg(pl.col("firm").n_unique()).filter(pl.col("firm") > 1)
    assert twice.height >= 3


def test_hires_know_every_group_and_stand_on_three_months(records: dict[str, Records]) -> None:
    hires = records["hires"].columns
    assert hires["group"].n_unique() == 10
    assert (hires["insured_months"] == 3).sum() > 10


def test_births_belong_to_women_and_are_of_every_kind(people: People, records: dict[str, Records]) -> None:
    births = records["births"]
    assert not people.male[births.owner].any()
    assert {"natural", "difficult", "terminated_early"} <= set(births.columns["kind"].unique().to_list())


def test_some_firms_stand_exactly_on_thirty_employees(firms: Firms) -> None:
    for limit in (30, 31):
        assert (firms.employees == limit).sum() > 0
    assert (firms.employees <= 30).mean() > 0.7


def test_layoff_rates_stand_on_both_sides_of_the_target(firms: Firms) -> None:
    rate = firms.tables["enterprise_insurance"]["layoff_rate"]
    assert {550, 551, 2_000, 2_001} & set(rate.to_list())
    assert (rate == 0).mean() > 0.4


def test_longhua_has_valid_and_expired_technology_enterprises(firms: Firms, records: dict[str, Records]) -> None:
    qualifications = records["qualifications"]
    longhua = (firms.region == "440309").to_numpy()[qualifications.owner]
    valid = (qualifications.columns["valid_until"] >= ON).to_numpy()
    hnte = (qualifications.columns["kind"] == "hnte").to_numpy()
    assert (longhua & valid & hnte).sum() > 3
    assert (~valid & hnte).sum() > 3
    assert {1, 2} <= set(qualifications.columns["sequence"].to_list())


def test_taxes_know_small_payers_and_exact_limits(firms: Firms) -> None:
    tax = firms.tables["tax"]
    assert (tax["vat_kind"] == "small").mean() > 0.5
    assert (tax["monthly_sales"] == 100_000 * 100).sum() > 0
    assert (tax["taxable_income"] == 3_000_000 * 100).sum() > 0
    assert tax["disability_levy_due"].min() == 0


@pytest.mark.parametrize(
    ("group", "staff", "revenue", "assets", "expected"),
    [
        (651, 103, 15_735, 1, "M"),
        (391, 999, 999_999, 1, "M"),
        (391, 1_500, 300, 1, "S"),
        (391, 19, 50_000, 1, "XS"),
        (521, 50, 500, 1, "M"),
        (701, 5, 250_000, 9_999, "M"),
        (721, 300, 10, 119_999, "M"),
        (502, 5, 80_000, 80_000, "L"),
        (591, 150, 1_000, 1, "S"),
        (595, 150, 1_000, 1, "M"),
        (831, 500, 90_000, 1, "none"),
    ],
)
def test_size_classes_follow_the_published_table(
    group: int, staff: int, revenue: int, assets: int, expected: str
) -> None:
    """Revenue and assets in ten thousand yuan."""
    fen = 10_000 * 100
    (found,) = size_classes(np.array([group]), np.array([staff]), np.array([revenue * fen]), np.array([assets * fen]))
    assert SIZE_CLASSES[found] == expected


def test_incomes_of_a_household_add_up_to_what_was_verified(
    people: People, lives: Lives, records: dict[str, Records]
) -> None:
    incomes = records["incomes"]
    this_year = (incomes.columns["year"] == 2026).to_numpy()
    owners = incomes.owner[this_year]
    assert (incomes.columns["monthly_amount"].to_numpy()[this_year] == lives.income[owners]).all()
    assert len(set(owners.tolist())) == len(owners)


def test_amounts_of_money_are_never_negative(firms: Firms, records: dict[str, Records]) -> None:
    for table in firms.tables.values():
        for column in table.values():
            if column.dtype.is_integer():
                assert int(column.min() or 0) >= 0, column.name  # type: ignore[arg-type]
    for name in ("loans", "hires", "incomes", "births"):
        for column in records[name].columns.values():
            if column.dtype.is_integer():
                assert int(column.min() or 0) >= 0, name  # type: ignore[arg-type]
