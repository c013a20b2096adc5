"""What the command line says of missing data and of the months to come agrees with what it says of one person."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.console.conftest import DAY, City

POLICY = "cn-31-elderly-allowance"


@pytest.fixture(scope="module")
def told(city: City) -> dict:
    return city.json("gaps", "--on", DAY, "--top", "1000")


def test_gaps_agree_with_the_run_and_with_each_other(city: City, told: dict) -> None:
    by_policy = {one["policy"]: one for one in told["policies"]}
    most: Counter[str] = Counter()
    for gap in told["gaps"]:
        policy = by_policy[gap["policy"]]
        assert 0 < gap["decisions"] <= policy["undetermined"]
        assert gap["alone"] <= gap["decisions"]
        assert gap["amount"] <= policy["amount"] and gap["estimated"] <= policy["estimated"]
        most[gap["policy"]] += gap["decisions"]
    for one in told["policies"]:
        assert one["decisions"] + one["barred"] == one["undetermined"]
        assert most[one["policy"]] >= one["decisions"]
    weights = [(-gap["amount"] - gap["estimated"], -gap["decisions"]) for gap in told["gaps"]]
    assert weights == sorted(weights)
    assert all(gap["title"]["zh"] and gap["agency"]["en"] for gap in told["gaps"])


def test_gaps_of_one_policy_are_told_as_a_table_in_both_languages(city: City, told: dict) -> None:
    chinese = city.call("gaps", "--on", DAY, "--policy", POLICY, "--by", "agency", lang="zh")
    english = city.call("gaps", "--on", DAY, "--policy", POLICY, "--top", "1")
    assert chinese.code == english.code == 0
    assert "公安" in chinese.out and "悬而未决" in chinese.out
    (policy,) = [one for one in told["policies"] if one["policy"] == POLICY]
    assert f"{policy['undetermined']:,} decisions are undetermined" in english.out
    assert "public security" in english.out


def test_an_unknown_way_of_grouping_or_policy_is_refused_with_the_remedy(city: City) -> None:
    wrong = city.call("gaps", "--on", DAY, "--by", "colour")
    assert wrong.code != 0 and "one of: datum agency policy" in wrong.problems
    nobody = city.call("gaps", "--on", DAY, "--policy", "no-such-policy")
    assert nobody.code != 0 and "no-such-policy" in nobody.problems
    ahead = city.call("upcoming", "--on", DAY, "--policy", "no-such-policy")
    assert nobody.code == ahead.code == 2
    assert "unknown-policy" in ahead.problems and "mianshen policies check" in ahead.problems


def test_who_is_counted_as_coming_is_told_the_same_day_when_explained(city: City) -> None:
    report = city.json("upcoming", "--on", DAY, "--policy", POLICY, "--days", "60")
    assert report["days"] == ["2026-12-01", "2027-01-01", "2027-01-21"]
    assert report["errors"] == {}
    (first, *_) = report["changes"]
    assert first["policy"] == POLICY and first["on"] == "2026-12-01" and first["becoming"] > 0
    assert first["amount"] == 7_500 * first["becoming"]
    table = city.call("upcoming", "--on", DAY, "--policy", POLICY, "--days", "60", lang="zh")
    assert table.code == 0 and "上海市老年综合津贴" in table.out and "2026-12-01" in table.out


def test_the_help_says_what_the_money_means_and_which_gaps_are_meant(city: City) -> None:
    shown = " ".join(city.call("gaps", "--help").out.split())
    assert "to the fen" in shown and "estimate" in shown and "profiles gaps" in shown
    assert "if nothing but the date changes" in " ".join(city.call("upcoming", "--help").out.split())
