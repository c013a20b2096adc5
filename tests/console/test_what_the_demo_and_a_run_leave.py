"""What stands in the ledger and on the screen after the demo and after a run, to the last row."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest

from tests.console.conftest import DAY, Answer, City

POLICY = "cn-31-elderly-allowance"


@pytest.fixture
def own_city(city: City, tmp_path: Path) -> City:
    """Return a copy of the city that a test may change."""
    return City(Path(shutil.copytree(city.home, tmp_path / "home")))


def _digests(home: Path) -> dict[str, str]:
    """Return a digest of every table of the ledger."""
    with sqlite3.connect(home / "ledger.sqlite") as ledger:
        tables = [name for (name,) in ledger.execute("select name from sqlite_master where type = 'table'")]
        return {
            name: sha256(repr(sorted(map(repr, ledger.execute(f'select * from "{name}"')))).encode()).hexdigest()
            for name in tables
        }


def test_the_demo_shows_each_source_each_step_and_why_rows_were_set_aside(first_demo: tuple[City, Answer]) -> None:
    shown = first_demo[1].out
    for source in ("population", "veterans", "hires", "births", "household_members"):
        assert re.search(rf"^ *{source} ", shown, re.M)
    for step in ("generate", "take in", "run", "notify", "explain", "total"):
        assert re.search(rf"^ *{step} +\d", shown, re.M)
    for reason in ("not in the code set", "no such day in the calendar", "born after the day of the extract"):
        assert reason in " ".join(shown.split())
    for outcome in ("eligible", "not eligible", "undetermined", "符合", "不符合", "未定"):
        assert re.search(rf"^{outcome}\b", shown, re.M)
    assert re.search(r"^new deliveries: page inbox [1-9]", shown, re.M)
    assert re.search(r"^[1-9][\d,]* granted outright, [\d,.]+ yuan in all", shown, re.M)


def test_what_the_demo_says_to_try_next_works(first_demo: tuple[City, Answer]) -> None:
    city, answer = first_demo
    lines = re.findall(rf"--home {re.escape(str(city.home))} (.+)", answer.out)
    assert {"audit verify", "serve --demo", f"run --on {DAY}"} <= set(lines)
    for line in lines:
        if line.startswith(("policies", "grants", "audit")):
            assert city.call(*line.split()).code == 0, line


def test_a_dry_run_changes_no_row_of_any_table(city: City) -> None:
    before = _digests(city.home)
    assert {"grant", "fund_entry", "announcement", "audit_entry", "run", "checkpoint"} <= set(before)
    report = city.json("run", "--dry-run", "--on", "2027-01-04")
    assert report["run"] is None and report["new_grants"] > 0 and report["nothing_new"] is False
    assert _digests(city.home) == before


def test_a_run_of_one_policy_grants_that_policy_only_and_its_report_agrees_with_the_ledger(own_city: City) -> None:
    report = own_city.json("run", "--on", "2026-12-22", "--policy", POLICY, "--by", "night desk")
    assert set(report) == {
        "run", "on", "dry_run", "nothing_new", "continued", "made_up", "new_grants", "new_hints", "amount", "policies", "funds", "seconds", "terms",
    }  # fmt: skip
    (one,) = report["policies"]
    assert set(one) == {
        "policy", "title", "version", "period", "subjects", "matched", "ineligible", "undetermined", "most_missing",
        "new_grants", "new_hints", "already_granted", "waiting", "amount", "held", "error", "approved", "delivery", "not_automatic",
        "totals", "second_opinion", "redecided", "findings",
    }  # fmt: skip
    assert (one["policy"], one["period"], one["held"], one["error"]) == (POLICY, "2026-12", None, [])
    assert one["subjects"] == one["matched"] + one["ineligible"] + one["undetermined"]
    with sqlite3.connect(own_city.home / "ledger.sqlite") as ledger:
        december = 'select policy, count(*), sum(amount) from "grant" where period = ? group by 1'
        assert ledger.execute(december, ("2026-12",)).fetchall() == [(POLICY, one["new_grants"], one["amount"])]
    assert one["new_grants"] == report["new_grants"] > 0
    assert own_city.json("notices", "send")["routed"]["page"] == one["new_grants"]
    assert own_city.json("audit", "verify")["intact"] is True


def test_a_changed_grant_is_found_also_by_programs(own_city: City) -> None:
    with sqlite3.connect(own_city.home / "ledger.sqlite") as ledger:
        ledger.execute(
            'update "grant" set subject = \'0\' || substr(subject, 2) where id = (select max(id) from "grant")'
        )
    answer = own_city.call("audit", "verify", "--json")
    found = json.loads(answer.out)
    assert answer.code == 1 and found["intact"] is False and found["reason"]["zh"]


def test_the_appropriation_of_a_fund_is_set_and_shown(own_city: City) -> None:
    answer = own_city.call("funds", "appropriate", "union", "1,000,000.50", "--by", "treasury")
    assert answer.code == 0 and "1,000,000.50" in answer.out
    (union,) = [each for each in own_city.json("funds", "show") if each["fund"] == "union"]
    assert union["appropriation"] == 1_000_000_50 == union["used"] + union["available"]
