"""`mianshen policies prove` as its users call it: what it prints, in which language, and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.console.conftest import ROOT, City

LIBRARY = ROOT / "policies"
ELDERLY = LIBRARY / "cn-31" / "elderly-allowance.yaml"
ON = ("--on", "2026-11-22")


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path / "home")


def changed(folder: Path, name: str, old: str, new: str) -> Path:
    """A copy of a library file in which one text stands in for another, without the examples."""
    text = ELDERLY.read_text(encoding="utf-8").partition("examples:\n")[0]
    assert old in text
    path = folder / name
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_a_sound_policy_ends_well_and_says_what_was_proved(city: City) -> None:
    answer = city.call("policies", "prove", "cn-31-elderly-allowance", *ON)
    assert answer.code == 0, answer.problems
    assert "✓ cn-31-elderly-allowance" in answer.out and "0 errors" in answer.out


def test_an_impossible_policy_is_an_error_with_its_clauses_and_cannot_be_approved(city: City, tmp_path: Path) -> None:
    path = changed(
        tmp_path, "impossible.yaml", "age_in_month >= minimum_age", "age_in_month >= 80 and age_in_month < 80"
    )
    answer = city.call("policies", "prove", str(path), *ON, lang="zh")
    assert answer.code == 1
    assert "错误[never]" in answer.out and "没有人能符合" in answer.out and str(path) in answer.out
    refused = city.call("policies", "approve", str(path), "--by", "wang")
    assert refused.code == 7
    assert "[never-eligible]" in refused.problems and "\n  help: " in refused.problems


def test_two_files_are_compared_with_a_person_to_paste(city: City, tmp_path: Path) -> None:
    path = changed(tmp_path, "raised.yaml", "amount: 150}", "amount: 160}")
    answer = city.call("policies", "prove", "cn-31-elderly-allowance", "--against", str(path), *ON)
    assert answer.code == 0, answer.problems
    assert "both grant exactly the same people" in answer.out
    assert "first 150.00 yuan, second 160.00 yuan" in answer.out
    assert "  - name: " in answer.out and "    profile:" in answer.out
    told = city.json("policies", "prove", "cn-31-elderly-allowance", "--against", str(path), *ON)
    assert (told["relation"], told["same_amounts"]) == ("equal", "refuted")


def test_the_present_text_is_compared_with_the_approved_one(city: City, tmp_path: Path) -> None:
    none_yet = city.call("policies", "prove", "cn-31-elderly-allowance", "--against", "approved", *ON)
    assert none_yet.code == 2 and "[no-approved-version]" in none_yet.problems
    path = changed(
        tmp_path, "stricter.yaml", "age_in_month >= minimum_age", "age_in_month >= minimum_age and age >= 66"
    )
    approved = city.call("policies", "approve", str(path), "--by", "wang", "--from", "2026-01-01")
    assert approved.code == 0, approved.problems
    answer = city.call("policies", "prove", "cn-31-elderly-allowance", "--against", "approved", *ON)
    assert "everybody the second grants, the first grants too" in answer.out


@pytest.mark.parametrize(
    ("arguments", "code", "found"),
    [
        ("cn-31-elderly-allowance --all", 2, "all-and-ids"),
        ("--against cn-31-elderly-allowance", 2, "one-policy-needed"),
        ("cn-31-elderly-allowance --against cn-six-taxes-half", 3, "not-comparable"),
    ],
)
def test_a_mistake_is_named_with_what_to_do(city: City, arguments: str, code: int, found: str) -> None:
    answer = city.call("policies", "prove", *arguments.split())
    assert (answer.code, f"[{found}]" in answer.problems) == (code, True), answer.problems
    assert "\n  help: " in answer.problems


def test_a_finding_is_valid_json_with_its_sample(city: City, tmp_path: Path) -> None:
    path = changed(tmp_path, "cheap.yaml", "amount: 75}", "amount: 0}")
    answer = city.call("policies", "prove", str(path), "--json", *ON)
    assert answer.code == 0, answer.problems
    (report,) = json.loads(answer.out)
    assert report["verdicts"]["never"] == "proved"
    (finding,) = report["findings"]
    assert finding["code"] == "nothing-granted" and finding["samples"][0]["profile"]["alive"] is True
