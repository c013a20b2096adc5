"""The change index: which policies a change concerns, and whose decisions."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from engine.change_index import Changed, ChangeIndex, affected_in_spaces, affected_subjects
from engine.change_routes import EXISTENCE, MEMBER
from engine.grants_seen import grants_seen
from engine.installation import Installation
from policies.library import read_policy_text
from profiles.home import Home
from profiles.snapshot import Snapshot
from tests.incremental.changing_town import Town, catalog_with, settled_town
from tests.incremental.town_rules import rules


@pytest.fixture(scope="module")
def index() -> ChangeIndex:
    vocabulary = catalog_with(90_000).vocabulary
    return ChangeIndex({name: read_policy_text(text, vocabulary) for name, text in rules({}).items()}, vocabulary)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    folder = tmp_path_factory.mktemp("settled")
    settled_town(folder)
    return Town(folder, {}).snapshot()


def everybody(snapshot: Snapshot, space: str, names: list[str]) -> pl.DataFrame:
    return pl.concat([snapshot.bucket(number).attributes(space, names) for number in snapshot.buckets])


def test_a_datum_leads_to_the_policies_that_read_it_at_any_distance(index: ChangeIndex) -> None:
    assert index.policies_reading({"citizen": {"sex"}}) == {"senior-month"}
    assert index.policies_reading({"enterprise": {"size_class"}}) == {"worker"}
    assert index.policies_reading({"citizen": {"guardian"}}) == {"child"}
    # Of the person hired, of the members of the household, of the subject itself:
    assert {"hire", "family", "senior"} <= index.policies_reading({"citizen": {"birth_date"}})
    assert index.policies_reading({"citizen": {"hukou_region"}, "enterprise": {"employees"}}) == frozenset()


def test_items_that_come_and_go_concern_whoever_counts_them(index: ChangeIndex) -> None:
    # `mentored` looks at it in a ceiling alone.
    assert index.policies_reading({"enterprise.hires": {"insured_months"}}) == {"hire", "trained", "mentored"}
    assert index.policies_reading({"household.members": set()}) == {"family"}
    assert index.policies_reading({"citizen.certificates": {"level"}}) == {"skilled"}


def test_subjects_that_come_and_go_concern_every_policy_that_meets_them(index: ChangeIndex) -> None:
    about_firms = index.policies_reading({"enterprise": {EXISTENCE}})
    assert about_firms == {"worker", "hire", "trained", "mentored"}
    # Those two look at firms and their hires, and at nobody's profile.
    assert index.policies_reading({"citizen": set()}) == index.policies.keys() - {"trained", "mentored"}


def test_parameters_public_series_and_dates_are_known(index: ChangeIndex) -> None:
    assert index.by_parameter == {"welfare.limit": {"welfare"}}
    assert index.by_indicator == {"poverty_line": {"poor"}}
    assert {"senior", "senior-month", "child", "family", "skilled", "welfare", "poor"} <= index.date_dependent
    # Employment does not grow stale in this town and the rule names no date.
    assert "worker" not in index.date_dependent


def test_policies_whose_grants_depend_on_one_another_are_tied(index: ChangeIndex) -> None:
    assert {"small", "large"} <= index.tied_to(["small"])
    assert {"yielding", "topping", "loyal"} <= index.tied_to(["senior"])
    assert index.reading_grants == {"loyal", "often", "hopeful", "mentored"}
    assert "worker" not in index.tied_to(["senior"])


@pytest.mark.parametrize(
    ("condition", "seen"),
    [
        ('count(grants, policy == "senior") < 2', {"senior"}),
        ('count(grants, "senior" == policy and granted_on < period_start) < 2', {"senior"}),
        ('any(grants, amount > yuan(1) and policy in ["senior", "worker"])', {"senior", "worker"}),
        ('any(grants, policy == "senior") and count(grants, policy == "child") == 0', {"senior", "child"}),
        ('years_between(birth_date, on) >= 60', set()),
        ('count(grants) < 2', None),
        ('count(grants, policy != "senior") < 2', None),
        ('any(grants, policy == "senior" or amount > yuan(5))', None),
        ('all(grants, policy == "senior")', None),
        ('any(grants, policy == "senior") and sum(grants, amount) < yuan(5)', None),
        ('any(grants, policy == period)', None),
    ],
)  # fmt: skip
def test_whose_grants_a_rule_takes_notice_of(index: ChangeIndex, condition: str, seen: set[str] | None) -> None:
    text = rules({})["loyal"].replace('count(grants, policy == "senior") < 2', f"'{condition}'")
    assert grants_seen([read_policy_text(text, index.vocabulary)]) == seen


def test_a_person_reads_by_which_route_a_policy_comes_to_its_data(index: ChangeIndex) -> None:
    assert index.explain("worker") == [
        "citizen",
        "citizen.employer",
        "citizen.employer -> enterprise",
        "citizen.employer -> enterprise.size_class",
    ]
    assert f"household.members.{MEMBER} -> citizen.birth_date" in index.explain("family")


def test_a_firm_leads_to_those_who_work_there_and_to_nobody_else(index: ChangeIndex, snapshot: Snapshot) -> None:
    working = everybody(snapshot, "citizen", ["employer"]).drop_nulls()
    firm = working["employer"].mode()[0]
    changed = [Changed("enterprise", frozenset({"size_class"}), pl.Series([firm]))]
    found = affected_subjects(snapshot, index, changed)
    assert sorted(found["worker"]) == sorted(working.filter(employer=firm)["subject"])
    assert all(found[name].is_empty() for name in found if name != "worker")
    assert affected_in_spaces(found, index)["citizen"].equals(found["worker"])


def test_a_person_leads_to_the_household_the_ward_and_the_firm_that_hired(
    index: ChangeIndex, snapshot: Snapshot
) -> None:
    people = everybody(snapshot, "citizen", ["guardian"])
    everyone = people["subject"]
    households = everybody(snapshot, "household", [])["subject"]
    members = snapshot.bucket(0).items("household", "members", [], households)
    firms = everybody(snapshot, "enterprise", [])["subject"]
    hires = snapshot.bucket(0).items("enterprise", "hires", ["person"], firms)
    for one in everyone.head(15):
        found = affected_subjects(snapshot, index, [Changed("citizen", None, pl.Series([one]))])
        assert sorted(found["family"]) == sorted(set(members.filter(member=one)["owner"]))
        assert sorted(found["hire"]) == sorted(set(hires.filter(person=one)["owner"]))
        wards = set(people.filter(guardian=one)["subject"])
        assert set(found["child"]) == wards | {one}
        assert found["senior"].to_list() == [one]


def test_the_library_is_read_exactly_as_its_checker_says(tmp_path: Path) -> None:
    """What the routes name is what the checker recorded; targets of links that nobody looks into come on top."""
    installation = Installation(Home(tmp_path))
    index = ChangeIndex(installation.library.policies, installation.catalog.vocabulary)
    for name, policy in index.policies.items():
        found: dict[str, set[str]] = {}
        for one in index.reads(name):
            names = found.setdefault(one.place, set())
            if one.name not in (EXISTENCE, MEMBER):
                names.add(one.name)
        recorded = {place: set(names) for place, names in policy.reads.items()}
        assert {place: names for place, names in found.items() if names or place in recorded} == recorded
