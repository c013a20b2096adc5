"""A policy is shown in several forms; codes out of use and series without a value are told with what to do."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from engine.plan_findings import expired_codes, silent_indicators
from policies.library import read_policy, read_policy_text
from profiles.catalog_model import Catalog
from tests.workbench.conftest import DAY, ELDERLY, ROOT, Desk

PRICES = ROOT / "policies/cn/price-subsidy.yaml"


def test_the_tree_shows_groups_clauses_and_the_values_of_the_day(desk: Desk) -> None:
    told = desk.call("policies", "show", str(PRICES), "--as", "tree", "--on", DAY)
    assert told.code == 0, told.problems
    assert "all of" in told.out and "any of" in told.out
    assert "food_trigger = 6" in told.out
    assert "发改价格〔2021〕1553号" in told.out
    assert "全部满足" in desk.call("policies", "show", str(PRICES), "--as", "tree", lang="zh").out


def test_the_values_of_the_tree_are_those_in_force_on_the_day(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "dated.yaml"
    text = ELDERLY.read_text(encoding="utf-8").partition("examples:")[0]
    path.write_text(text.replace("{2016-05-01: 65}", "{2016-05-01: 65, 2026-07-01: 66}"), encoding="utf-8")
    for day, value in (("2026-06-30", 65), ("2026-07-01", 66)):
        assert f"minimum_age = {value}" in desk.call("policies", "show", str(path), "--as", "tree", "--on", day).out
    assert "not in force" in desk.call("policies", "show", str(path), "--as", "tree", "--on", "2016-04-30").out


def test_the_reads_name_agency_source_freshness_and_the_purpose_of_sensitive_data(desk: Desk) -> None:
    told = desk.call(
        "policies", "show", str(ROOT / "policies/cn/disabled-care-allowance.yaml"), "--as", "reads", "--json"
    )
    reads = {one["name"]: one for one in json.loads(told.out)["data"]}
    assert reads["disability_grade"]["sensitive"] and reads["disability_grade"]["purpose"]
    assert reads["alive"]["freshness_days"] == 400
    assert all(one["source"] and one["agency"]["zh"] for one in reads.values())


def test_every_policy_of_the_library_has_a_tree_and_reads(catalog: Catalog) -> None:
    from engine.policy_reads import reads_of
    from policies.library import read_library

    for policy in read_library(ROOT / "policies", catalog.vocabulary).policies.values():
        reads = reads_of(policy, catalog)
        assert reads.data, policy.id
        assert set(reads.indicators) <= set(catalog.vocabulary.indicators)


def test_an_unknown_form_is_a_mistake_that_lists_the_forms(desk: Desk) -> None:
    told = desk.call("policies", "show", str(PRICES), "--as", "poem")
    assert told.code == 2
    assert "tree" in told.problems and "reads" in told.problems


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ('hukou_region in ["310103", "310101"]', 1),
        ('hukou_region == "310103"', 1),
        ('within(hukou_region, "310103")', 1),
        ('within(hukou_region, "31")', 0),
    ],
)
def test_a_code_out_of_use_is_a_warning_that_names_its_successor(catalog: Catalog, condition: str, told: int) -> None:
    text = ELDERLY.read_text(encoding="utf-8").partition("examples:")[0]
    policy = read_policy_text(text.replace('within(hukou_region, "31")', condition), catalog.vocabulary)
    found = expired_codes(policy, catalog, date(2026, 11, 22))
    assert len(found) == told
    for one in found:
        assert one.code == "code-expired" and one.severity == "warning"
        assert one.help is not None and "310101" in one.help.en
        assert one.place.line is not None


def test_an_example_is_held_to_the_codes_of_its_own_day(catalog: Catalog) -> None:
    head = ELDERLY.read_text(encoding="utf-8").partition("examples:")[0].replace("2016-05-01", "2010-01-01")
    cases = "".join(
        f'  - {{name: "{day}", on: {day}, profile: {{hukou_region: "310103"}}, expect: {{eligible: unknown}}}}\n'
        for day in ("2011-06-08", "2011-06-09")
    )
    policy = read_policy_text(f"{head}examples:\n{cases}", catalog.vocabulary)
    (found,) = expired_codes(policy, catalog, date(2026, 11, 22))
    assert "2011-06-09" in found.message.en


def test_a_rule_that_has_ended_is_held_to_the_codes_of_its_last_day(catalog: Catalog) -> None:
    text = ELDERLY.read_text(encoding="utf-8").partition("examples:")[0]
    text = text.replace("{from: 2016-05-01}", "{from: 2005-01-01, to: 2010-01-01}").replace("2016-05-01", "2005-01-01")
    policy = read_policy_text(text.replace('(hukou_region, "31")', '(hukou_region, "310103")'), catalog.vocabulary)
    assert expired_codes(policy, catalog, date(2026, 11, 22)) == ()


def test_the_library_names_no_code_that_is_out_of_use(catalog: Catalog) -> None:
    from policies.library import read_library

    library = read_library(ROOT / "policies", catalog.vocabulary).policies.values()
    assert [one for policy in library for one in expired_codes(policy, catalog, date(2026, 11, 22))] == []


def test_a_series_without_a_value_is_told_with_month_policy_and_remedy(catalog: Catalog) -> None:
    policy = read_policy(PRICES, catalog.vocabulary)
    found = {
        one.message.en.split("`")[3]: one for one in silent_indicators(policy, catalog.vocabulary, date(2031, 5, 5))
    }
    assert {"cpi_yoy", "food_cpi_yoy"} <= set(found)
    assert "2031-04" in found["cpi_yoy"].message.en
    assert "cn-price-subsidy" in found["cpi_yoy"].message.zh
    assert found["cpi_yoy"].help is not None and "2031-04" in found["cpi_yoy"].help.zh
    assert silent_indicators(policy, catalog.vocabulary, date(2026, 11, 22)) == ()


def test_a_run_tells_of_the_series_that_is_not_there_and_grants_nobody_by_it(town: Desk) -> None:
    told = town.call("run", "--dry-run", "--policy", "cn-price-subsidy", "--on", "2031-05-05", "--second-opinion", "0")
    assert told.code == 0, told.problems
    assert "indicator-without-value" in told.out
    report = town.json(
        "run", "--dry-run", "--policy", "cn-price-subsidy", "--on", "2031-05-05", "--second-opinion", "0"
    )  # fmt: skip
    (policy,) = report["policies"]
    assert policy["new_grants"] == 0
    assert policy["findings"][0]["code"] == "indicator-without-value"
