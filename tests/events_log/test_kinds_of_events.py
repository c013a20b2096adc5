"""The shipped catalog declares the events of lives and companies, each with what it changes and from whom it comes."""

from __future__ import annotations

import re

import pytest

from notifier.console.event_kinds import example_of
from profiles.catalog_event_model import SUBJECT, EventKind
from profiles.catalog_model import Catalog
from profiles.catalog_reading import read_catalog
from profiles.events.checking import checked
from profiles.events.intake_patches import sources_patched_by
from profiles.identity import number_fault, number_faults
from tests.events_log.event_town import TODAY
from tests.profiles.small_town import citizen_number, credit_code

KINDS = read_catalog().events
DEMANDED = {
    "birth": "citizen", "death": "citizen", "move": "citizen", "household_change": "household", "hire": "citizen",
    "layoff": "citizen", "retirement": "citizen", "graduation": "citizen", "certificate": "citizen", "company_registration": "enterprise",
    "reclassification": "enterprise", "recognition": "enterprise", "account_change": "citizen", "company_account_change": "enterprise",
}  # fmt: skip


def test_every_event_of_a_life_that_benefits_hang_on_is_declared() -> None:
    assert {name: kind.space for name, kind in KINDS.items()} == DEMANDED


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_kind_says_in_both_languages_what_it_is_and_who_posts_it(kind: EventKind) -> None:
    titles = [kind.title, kind.agency, *(one.title for one in kind.data.values())]
    assert all(one.zh and one.en and one.zh != one.en for one in titles)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_what_a_kind_takes_it_also_uses(kind: EventKind) -> None:
    """Nobody is asked for data that change nothing."""
    used = {one.given for patch in kind.patches for one in patch.values}
    used |= {name for patch in kind.patches for name in (patch.of, patch.item, patch.member, *patch.contacts.values())}
    assert set(kind.data) <= used


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_what_a_kind_changes_some_source_delivers_too(kind: EventKind) -> None:
    """So that an extract can confirm it or overrule it."""
    catalog = read_catalog()
    for patch in kind.patches:
        for one in patch.values:
            source = catalog.sources[one.source]
            assert source.field_of(one.name) is not None and source.space == patch.space


def test_nobody_can_have_an_event_after_death(catalog: Catalog) -> None:
    of_people = [kind for kind in catalog.events.values() if kind.space == "citizen"]
    assert all(kind.requires[SUBJECT] == "alive" for kind in of_people)


def test_sources_that_events_patch_are_dated_anew_by_partial_extracts(catalog: Catalog) -> None:
    patched = sources_patched_by(catalog)
    assert {"population", "social_insurance", "hires", "household_members", "citizen_contacts"} <= patched
    assert not {"loans", "incomes", "tax", "disability"} & patched


@pytest.mark.parametrize("space", ["citizen", "enterprise", "household"])
def test_one_number_is_judged_as_a_column_of_numbers_is(space: str) -> None:
    import polars as pl

    person, firm = citizen_number(7), credit_code(7)
    numbers = [
        person, firm, person[:17] + "0", firm[:17] + "0", person[:10] + "1332" + person[14:], "", "HK000001", "12",
        "99999920991231001X", "9999992099123100" + "12", person.lower(), firm.replace("9", "I", 1), "一二三四",
    ]  # fmt: skip
    from tests.events_log.event_town import TODAY

    for on in (None, TODAY):
        column = number_faults(space, pl.Series(numbers), on).to_list()
        assert [number_fault(space, number, on) for number in numbers] == column


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_the_example_that_a_kind_is_taught_with_is_a_right_event(kind: EventKind, catalog: Catalog) -> None:
    event = checked(example_of(kind, catalog), catalog, b"k" * 32, TODAY)
    telephones = {name for name in event.contacts if kind.data[name].contact == "phone"}
    assert {name for name, text in event.contacts.items() if re.fullmatch(r"1\d{10}", text)} <= telephones
