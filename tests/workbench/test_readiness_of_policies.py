"""Readiness says what stands in the way of an automatic policy, adds up, and ranks what to change."""

from __future__ import annotations

from datetime import date

import pytest

from engine.coverage import coverage_of
from engine.qualitative_words import qualitative_words, words_in
from engine.readiness import WEIGHTS, Readiness, StoreState, readiness_of
from policies.library import read_policy_text
from policies.text import Bilingual
from profiles.catalog_model import Catalog
from tests.workbench.conftest import DAY, ELDERLY, ROOT, Desk

ON = date(2026, 11, 22)


def ready(
    catalog: Catalog,
    *changes: tuple[str, str],
    store: dict[tuple[str, str], StoreState] | None = None,
    failing: int = 0,
) -> Readiness:
    text = ELDERLY.read_text(encoding="utf-8")
    for old, replacement in changes:
        assert old in text
        text = text.replace(old, replacement)
    policy = read_policy_text(text, catalog.vocabulary)
    coverage = coverage_of(policy, catalog.vocabulary)
    return readiness_of(
        policy, catalog, ON, coverage=coverage, failing=failing, words=qualitative_words(), store=store
    )  # fmt: skip


def kinds(found: Readiness) -> set[str]:
    return {one.kind for one in found.obstacles}


def test_the_score_is_what_its_formula_says(catalog: Catalog) -> None:
    found = ready(catalog, ("delivery: automatic", "delivery: notify"), ("confidence: high", "confidence: low"))
    assert found.score == 100 - sum(found.taken_off.values())
    assert found.formula.endswith(f"= {found.score}")
    assert all(found.taken_off[kind] <= WEIGHTS[kind] for kind in found.taken_off)


def test_what_weighs_most_comes_first(catalog: Catalog) -> None:
    found = ready(catalog, ("delivery: automatic", "delivery: notify"))
    points = [one.points for one in found.obstacles]
    assert points == sorted(points, reverse=True)
    assert found.obstacles[0].kind == "consent"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (("本市户籍", "符合条件的本市户籍"), "words"),
        (("en: alive}", "en: alive and in good standing}"), "words"),
        (("basis: 沪府发〔2016〕24号·停发", "says: {zh: 在世, en: living}"), "clauses"),
        (("in_force: {from: 2016-05-01}", "in_force: {from: 2016-05-01, to: 2020-01-01}"), "values"),
        (("delivery: automatic", "delivery: confirm"), "consent"),
    ],
)
def test_each_obstacle_is_found_and_costs_points(catalog: Catalog, change: tuple[str, str], kind: str) -> None:
    if kind == "clauses":
        change = (
            "      says: {zh: 在世, en: alive}\n      basis: 沪府发〔2016〕24号·停发\n",
            "      says: {zh: 在世, en: alive}\n",
        )
    before, after = ready(catalog), ready(catalog, change)
    assert kind not in kinds(before)
    assert kind in kinds(after)
    assert after.score < before.score
    assert all(one.change.zh and one.change.en for one in after.obstacles)


def test_a_failing_example_keeps_a_policy_from_being_ready(catalog: Catalog) -> None:
    assert ready(catalog, failing=1).score == ready(catalog).score - WEIGHTS["examples"]


def test_data_that_were_never_taken_in_or_are_mostly_unknown_cost_points(catalog: Catalog) -> None:
    whole = {("citizen", name): StoreState(True, 1000) for name in ("alive", "birth_date", "hukou_region")}
    complete = ready(catalog, store=whole)
    lacking = ready(catalog, store={**whole, ("citizen", "birth_date"): StoreState(True, 300, None, 12)})
    absent = ready(catalog, store={})
    assert complete.score > lacking.score > absent.score
    assert any("70 %" in one.message.en and "12 cells" in one.change.en for one in lacking.obstacles)


@pytest.mark.parametrize(
    ("zh", "en", "found"),
    [
        ("原则上为本市户籍", "registered here", 1),
        ("本市户籍", "registered here", 0),
        ("经营正常的企业", "a firm", 1),
        ("在世", "needs no inneed words", 0),
        ("适当给予，优先老年人", "an appropriate sum, priority to the old", 2),
    ],
)
def test_words_that_leave_room_for_judgement_are_found_once_for_each_kind(zh: str, en: str, found: int) -> None:
    assert len(list(words_in(Bilingual(zh, en), qualitative_words()))) == found


def test_a_policy_for_people_to_judge_is_never_nearly_ready(desk: Desk) -> None:
    (found,) = desk.json(
        "policies", "readiness", str(ROOT / "policies/cn-44/shenzhen-temporary-assistance.yaml"), "--on", DAY
    )
    assert found["score"] <= 100 - WEIGHTS["judgement"]
    assert found["obstacles"][0]["kind"] == "judgement"


def test_the_whole_library_has_a_score_in_one_table(town: Desk) -> None:
    found = town.json("policies", "readiness", "--all", "--on", DAY)
    assert len(found) >= 50
    assert all(0 <= one["score"] <= 100 for one in found)
    told = town.call("policies", "readiness", str(ELDERLY), "--on", DAY, lang="zh")
    assert "/100" in told.out
    assert "画像库里还没有数据" not in told.out


def test_neither_ids_nor_all_is_a_mistake_that_is_explained(desk: Desk) -> None:
    told = desk.call("policies", "readiness")
    assert told.code == 2
    assert "ids-or-all" in told.problems
