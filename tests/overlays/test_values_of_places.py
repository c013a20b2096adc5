"""One rule and the values of its places: who gets which, which texts an approval covers, and how it is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.interpreter import decide
from engine.ledger import open_ledger
from engine.ledger.approvals import add_version, approve, version_text
from engine.planning import make_plan
from policies.errors import LedgerError
from policies.examples import run_examples
from policies.fixing import fix
from policies.library import read_library, read_policy, read_policy_text, read_with_places
from policies.overlays import joined, parted
from policies.plain_words import to_plain_words
from policies.policy import Policy
from policies.reviewing import overdue_reviews
from policies.vocabulary import Vocabulary
from tests.overlays.conftest import RULES

ID = "national-allowance"


@pytest.fixture(scope="session")
def policy(vocabulary: Vocabulary) -> Policy:
    library = read_library(RULES, vocabulary)
    assert library.errors == ()
    return library.policies[ID]


def test_every_example_of_the_rule_and_of_its_places_comes_out_as_it_says(
    policy: Policy, vocabulary: Vocabulary
) -> None:
    results = run_examples(policy, vocabulary, decide)
    assert len(results) == 14
    assert [(one.name, one.found.en) for one in results if not one.passed] == []
    files = {Path(one.place.file or "").name for one in results}
    assert files == {"allowance.yaml", "shanghai.overlay.yaml", "pudong.overlay.yaml"}


def test_the_hash_covers_the_texts_of_the_rule_and_of_every_overlay(folder: Path, vocabulary: Vocabulary) -> None:
    seen = {read_library(folder, vocabulary).policies[ID].version}
    for name in ("allowance.yaml", "shanghai.overlay.yaml", "pudong.overlay.yaml"):
        path = folder / name
        path.write_text(path.read_text(encoding="utf-8") + "# looked through\n", encoding="utf-8")
        seen.add(read_library(folder, vocabulary).policies[ID].version)
    assert len(seen) == 4
    (folder / "pudong.overlay.yaml").unlink()
    seen.add(read_library(folder, vocabulary).policies[ID].version)
    assert len(seen) == 5


def test_a_rule_without_overlays_keeps_the_hash_of_its_file(folder: Path, vocabulary: Vocabulary) -> None:
    alone = read_library(folder, vocabulary).policies["city-allowance"]
    assert alone.text == (folder / "shanghai.yaml").read_text(encoding="utf-8")


def test_neither_names_of_files_nor_their_order_change_the_hash(folder: Path, vocabulary: Vocabulary) -> None:
    before = read_library(folder, vocabulary).policies[ID].version
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "pudong.overlay.yaml").rename(folder / "deep" / "er" / "a.overlay.yaml")
    (folder / "shanghai.overlay.yaml").rename(folder / "z.overlay.yaml")
    assert read_library(folder, vocabulary).policies[ID].version == before


def test_the_ledgers_text_gives_back_the_same_policy(policy: Policy, vocabulary: Vocabulary, tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    add_version(ledger, policy)
    again = read_policy_text(version_text(ledger, policy.version), vocabulary)
    assert again.version == policy.version
    assert [one.region for one in again.overlays] == ["310000", "310115"]
    on = date(2025, 3, 1)
    assert fix(again, vocabulary, on).amount == fix(policy, vocabulary, on).amount
    assert [one.found for one in run_examples(again, vocabulary, decide)] == [
        one.found for one in run_examples(policy, vocabulary, decide)
    ]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(alphabet="a-# \noverlay:\r\t", max_size=40).filter(lambda one: "\n--- # overlay\n" not in f"\n{one}\n"), min_size=1, max_size=4))  # fmt: skip
def test_texts_laid_together_fall_apart_again_in_one_way(texts: list[str]) -> None:
    rule, overlays = parted(joined(texts[0], texts[1:]))
    assert [rule, *overlays] == texts


@pytest.mark.parametrize("author", ["ministry desk", "City Desk", "district desk"])
def test_nobody_who_wrote_a_part_of_it_may_approve_it(policy: Policy, author: str, tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    add_version(ledger, policy)
    with pytest.raises(LedgerError, match="author-approves"):
        approve(ledger, policy.version, author, date(2026, 1, 1))
    assert approve(ledger, policy.version, "somebody else", date(2026, 1, 1))


def test_a_changed_overlay_waits_for_its_approval_while_the_approved_text_decides_everywhere(
    folder: Path, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    before = read_library(folder, vocabulary).policies
    add_version(ledger, before[ID])
    approve(ledger, before[ID].version, "somebody else", date(2024, 1, 1))
    path = folder / "pudong.overlay.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("400,", "450,"), encoding="utf-8")
    changed = read_library(folder, vocabulary).policies

    def values_on(on: date) -> tuple[object, ...]:
        (planned,) = make_plan(ledger, changed, vocabulary, on, only=[ID]).policies
        return tuple(one.parameters["standard"][0][1] for one in planned.policy.overlays)

    assert values_on(date(2024, 5, 1)) == (30_000, 40_000)
    add_version(ledger, changed[ID])
    approve(ledger, changed[ID].version, "somebody else", date(2024, 6, 1))
    assert values_on(date(2024, 5, 31)) == (30_000, 40_000)
    assert values_on(date(2024, 6, 1)) == (30_000, 45_000)


def test_while_an_overlay_is_wrong_the_approved_text_goes_on_deciding(
    folder: Path, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    good = read_library(folder, vocabulary).policies[ID]
    add_version(ledger, good)
    approve(ledger, good.version, "somebody else", date(2024, 1, 1))
    path = folder / "pudong.overlay.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("400,", "4000,"), encoding="utf-8")
    left = read_library(folder, vocabulary).policies
    assert ID not in left
    (planned,) = make_plan(ledger, left, vocabulary, date(2024, 5, 1), only=[ID]).policies
    assert planned.policy.version == good.version


def test_a_rule_file_read_by_its_path_has_the_places_of_the_library(folder: Path, vocabulary: Vocabulary) -> None:
    draft = folder.parent / "draft.yaml"
    draft.write_text((folder / "allowance.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    with_places = read_with_places(draft, folder, vocabulary)
    assert with_places.version == read_library(folder, vocabulary).policies[ID].version
    assert read_policy(draft, vocabulary).overlays == ()


def test_the_words_name_the_places_and_which_values_held_when(policy: Policy) -> None:
    english, chinese = to_plain_words(policy, "en"), to_plain_words(policy, "zh")
    assert "Shanghai (31): 2022-01-01: 300.00 yuan; 2024-01-01: 330.00 yuan; 2027-01-01: no value" in english
    assert "Pudong (310115): 2023-01-01: 400.00 yuan; 2025-01-01: abolished" in english
    assert "standard, at least 50, at most 500:" in english
    assert "values of places" in english and "各地规定的值" in chinese
    assert "上海市 (310000)" in chinese and "上海市某局" in chinese


def test_an_overlay_that_has_ended_is_told_until_another_follows(policy: Policy) -> None:
    assert overdue_reviews(policy, date(2026, 12, 31)) == ()
    (found,) = overdue_reviews(policy, date(2027, 1, 1))
    assert (found.code, found.severity) == ("overlay-ended", "warning")
    assert Path(found.place.file or "").name == "shanghai.overlay.yaml"
    later = replace(policy.overlays[0], in_force=(date(2027, 1, 1), None))
    assert overdue_reviews(replace(policy, overlays=(*policy.overlays, later)), date(2027, 1, 1)) == ()
