"""What examples show of a rule is counted truly: nothing is called seen that no example shows, and gaps are filled."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.coverage import Coverage, coverage_of
from engine.coverage_cases import propose
from engine.interpreter import decide
from policies.examples import run_examples
from policies.library import read_policy_text
from policies.policy import Policy
from profiles.catalog_model import Catalog
from tests.workbench.conftest import ELDERLY, Desk

HEAD = """
id: cn-test
title: {zh: 测试, en: test}
space: enterprise
author: somebody
authority: 某局
basis: [{document: 某文}]
region: "000000"
in_force: {from: 2026-01-01}
delivery: automatic
period: month
schedule: "0 2 1 * *"
notice: {granted: {zh: 好, en: good}}
"""


def rule(catalog: Catalog, body: str) -> Policy:
    return read_policy_text(HEAD + body, catalog.vocabulary, "test.yaml")


def shown(coverage: Coverage) -> dict[str, bool]:
    return {point.key: bool(names) for point, names in coverage.points}


def employees(operator: str, *counts: int) -> str:
    cases = "".join(
        f"  - {{name: e{number}, on: 2026-05-01, profile: {{employees: {count}}}, expect: {{eligible: true}}}}\n"
        for number, count in enumerate(counts)
    )
    return (
        f"eligibility: employees {operator} 30\nbenefit: {{kind: cash, amount: 100}}\n"
        f"examples: {'[]' if not counts else ''}\n{cases}"
    )


@settings(max_examples=40)
@given(
    operator=st.sampled_from([">=", ">", "<=", "<"]),
    counts=st.lists(st.integers(26, 34), max_size=4),
)
def test_a_boundary_is_seen_only_if_an_example_stands_right_at_it(operator: str, counts: list[int]) -> None:
    from profiles.catalog_reading import read_catalog

    found = shown(coverage_of(rule(read_catalog(), employees(operator, *counts)), read_catalog().vocabulary))
    first_yes, last_no = {">=": (30, 29), ">": (31, 30), "<=": (30, 31), "<": (29, 30)}[operator]
    assert found["leaf 1 first-yes"] == (first_yes in counts)
    assert found["leaf 1 last-no"] == (last_no in counts)


@pytest.mark.parametrize(
    ("value", "side"), [("2000000", "first-yes"), ("1999999.99", "last-no"), ("1999999", None), ("2000000.01", None)]
)
def test_the_value_next_to_an_amount_of_money_is_one_fen_away(catalog: Catalog, value: str, side: str | None) -> None:
    body = (
        "eligibility: revenue >= 2000000\nbenefit: {kind: cash, amount: 100}\nexamples:\n"
        f"  - {{name: e, on: 2026-05-01, profile: {{revenue: {value}}}, expect: {{eligible: true}}}}\n"
    )
    found = shown(coverage_of(rule(catalog, body), catalog.vocabulary))
    assert {one for one in ("first-yes", "last-no") if found[f"leaf 1 {one}"]} == ({side} if side else set())


def test_a_condition_that_others_mask_in_every_example_never_decides(catalog: Catalog) -> None:
    body = """
eligibility:
  any: [employees >= 30, revenue >= 1000]
benefit: {kind: cash, amount: 100}
examples:
  - {name: both, on: 2026-05-01, profile: {employees: 30, revenue: 2000}, expect: {eligible: true}}
  - {name: firm, on: 2026-05-01, profile: {employees: 29, revenue: 2000}, expect: {eligible: true}}
"""
    found = coverage_of(rule(catalog, body), catalog.vocabulary)
    assert [point.key for point in found.never_deciding] == ["leaf 1 decides"]
    assert shown(found)["leaf 2 decides"]


def test_branches_of_definitions_are_counted_on_both_sides(catalog: Catalog) -> None:
    body = """
definitions: {each: yuan(200) if revenue > 500 else yuan(100)}
eligibility: employees >= 1
benefit: {kind: cash, amount: each}
examples:
  - {name: one, on: 2026-05-01, profile: {employees: 1, revenue: 501}, expect: {eligible: true, amount: 200}}
"""
    found = shown(coverage_of(rule(catalog, body), catalog.vocabulary))
    assert found["definition each 0 true"]
    assert not found["definition each 0 false"]


def test_a_datum_counts_as_missing_only_where_it_keeps_the_answer_open(catalog: Catalog) -> None:
    body = """
eligibility: {all: [employees >= 30, revenue >= 1000]}
benefit: {kind: cash, amount: 100}
examples:
  - {name: refused anyway, on: 2026-05-01, profile: {employees: 3}, expect: {eligible: false}}
"""
    found = shown(coverage_of(rule(catalog, body), catalog.vocabulary))
    assert not found["missing revenue"]


def test_an_example_outside_the_days_of_force_shows_nothing(catalog: Catalog) -> None:
    body = employees(">=", 30).replace("2026-05-01", "2025-05-01")
    assert coverage_of(rule(catalog, body), catalog.vocabulary).seen == 0


@pytest.mark.parametrize("operator", [">=", ">", "<=", "<"])
def test_cases_are_proposed_for_whatever_no_example_shows_and_show_it_when_pasted(
    catalog: Catalog, operator: str
) -> None:
    empty = rule(catalog, employees(operator))
    cases = [one.text for one in propose(empty, catalog.vocabulary, coverage_of(empty, catalog.vocabulary))]
    # A datum is taken out of an example; there has to be one first.
    first = rule(catalog, employees(operator).partition("examples:")[0] + "examples:\n" + "\n".join(cases))
    found = coverage_of(first, catalog.vocabulary)
    cases += [one.text for one in propose(first, catalog.vocabulary, found)]
    full = rule(catalog, employees(operator).partition("examples:")[0] + "examples:\n" + "\n".join(cases))
    assert coverage_of(full, catalog.vocabulary).percent == 100
    assert all(one.passed for one in run_examples(full, catalog.vocabulary, decide))


def test_tiers_are_shown_by_the_people_who_are_granted_by_them(catalog: Catalog) -> None:
    policy = read_policy_text(ELDERLY.read_text(encoding="utf-8"), catalog.vocabulary)
    found = shown(coverage_of(policy, catalog.vocabulary))
    assert all(found[f"tier {number} granted"] for number in range(1, 6))


@settings(max_examples=25)
@given(ages=st.lists(st.integers(64 * 365, 66 * 366), max_size=3))
def test_a_boundary_of_age_is_the_birthday_and_the_day_before(ages: list[int]) -> None:
    from profiles.catalog_reading import read_catalog

    on = date(2026, 5, 1)
    born = [on - timedelta(days=age) for age in ages]
    cases = "".join(
        f"  - {{name: e{number}, on: {on}, profile: {{birth_date: {day}}}, expect: {{eligible: true}}}}\n"
        for number, day in enumerate(born)
    )
    body = f"eligibility: age >= 65\nbenefit: {{kind: cash, amount: 1}}\nexamples: {'[]' if not born else ''}\n{cases}"
    catalog = read_catalog()
    policy = read_policy_text(HEAD.replace("enterprise", "citizen") + body, catalog.vocabulary)
    found = shown(coverage_of(policy, catalog.vocabulary))
    years = [on.year - day.year - ((on.month, on.day) < (day.month, day.day)) for day in born]
    assert found["leaf 1 first-yes"] == (65 in years)
    assert found["leaf 1 last-no"] == (64 in years)


def test_the_command_tells_the_share_the_gaps_and_cases_to_paste(desk: Desk) -> None:
    told = desk.call("policies", "test", str(ELDERLY), "--coverage")
    assert told.code == 0, told.problems
    assert "coverage" in told.out
    parsed = desk.json("policies", "test", str(ELDERLY), "--coverage")["coverage"]["cn-31-elderly-allowance"]
    unseen = [point for point in parsed["points"] if not point["examples"]]
    assert parsed["percent"] == 100 * (len(parsed["points"]) - len(unseen)) // len(parsed["points"])
    assert all(point["proposed"] is None or "expect:" in point["proposed"] for point in unseen)


def test_a_failing_example_is_shown_as_a_difference_with_every_condition_and_its_place(desk: Desk) -> None:
    wrong = desk.home.parent / "wrong.yaml"
    text = ELDERLY.read_text(encoding="utf-8")
    wrong.write_text(text.replace("< 80, amount: 150}", "< 80, amount: 151}"), encoding="utf-8")
    told = desk.call("policies", "test", str(wrong))
    assert told.code == 1
    assert "- expected: eligible, 150.00 yuan" in told.out
    assert "+ found: eligible, 151.00 yuan" in told.out
    assert "age_in_month >= minimum_age" in told.out
    assert "tier 2 applies" in told.out
    line = next(number for number, one in enumerate(text.splitlines(), start=1) if "when: age_in_month >=" in one)
    assert f"{wrong}:{line}:" in told.out
