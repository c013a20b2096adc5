"""An operator's day on the command line: the demo, the run, the explanation, the audit."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from tests.console.conftest import DAY, Answer, City


def test_the_demo_shows_what_came_in_who_matched_what_was_paid_and_why(first_demo: tuple[City, Answer]) -> None:
    _, answer = first_demo
    assert answer.code == 0, answer.problems
    for words in (
        "the check character is wrong", "a formula stands in the cell",  # quarantine, and why
        "cn-31-elderly-allowance", "most often missing", "amount (yuan)",  # policies
        "civil-affairs-allowance", "available",  # funds
        "符合", "不符合", "未定:缺少数据", "eligible", "not eligible", "undetermined: data are missing",
        "would be settled by", "seconds", "granted outright", "what to try next",
    ):  # fmt: skip
        assert words in answer.out, words
    assert "0 failed" in answer.out, "every example of the library passes"


def test_a_second_demo_and_a_second_run_grant_nothing_twice_and_say_so(city: City) -> None:
    before = city.json("grants", "--limit", "1000000")["grants"]
    again = city.call("demo", "--citizens", "2000", "--on", DAY)
    assert again.code == 0 and "nobody was granted twice" in again.out
    assert "the same file was taken in before" in again.out
    report = city.json("run", "--on", DAY)
    assert report["nothing_new"] is True and report["new_grants"] == 0
    assert city.json("grants", "--limit", "1000000")["grants"] == before


def test_a_dry_run_decides_but_writes_nothing(city: City) -> None:
    def rows() -> list[int]:
        with sqlite3.connect(city.home / "ledger.sqlite") as ledger:
            tables = [name for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return [ledger.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables]

    before = rows()
    report = city.json("run", "--dry-run", "--on", "2026-12-05")
    assert report["dry_run"] is True and report["new_grants"] > 0
    assert rows() == before


def test_explain_says_why_in_both_languages_and_for_programs(city: City) -> None:
    subject = city.json("grants", "--policy", "cn-31-elderly-allowance")["grants"][0]["subject"]
    yes = city.call("explain", subject, "cn-31-elderly-allowance", "--on", DAY)
    assert yes.code == 0 and "eligible" in yes.out and "registered in Shanghai" in yes.out
    assert "沪府发〔2016〕24号" in yes.out and "public security" in yes.out
    chinese = city.call("explain", subject, "cn-31-elderly-allowance", "--on", DAY, "--lang", "zh")
    assert "本市户籍" in chinese.out
    (found,) = city.json("explain", subject, "cn-31-elderly-allowance", "--on", DAY)
    assert found["explanation"]["outcome"] == "eligible"
    assert {"grants", "waiting"} == set(city.json("grants", "--subject", subject))
    assert len(city.json("notices", "show", subject)) >= 1


def test_a_subject_is_found_by_its_identity_number(city: City) -> None:
    line = next((city.home / "extracts").glob("population*.csv")).read_bytes().split(b"\n")[1].decode("gb18030")
    number = next(cell for cell in line.split(",") if cell.startswith("999999") and len(cell) == 18)
    shown = city.call("profiles", "show", number, "--on", DAY)
    assert shown.code == 0 and "date of birth" in shown.out
    assert number not in shown.out, "who it is stays in the vault"


def test_the_lists_answer(city: City) -> None:
    for arguments in (
        ("policies", "check"), ("policies", "show", "cn-price-subsidy"), ("profiles", "sources"), ("profiles", "gaps"),
        ("profiles", "sources", "tax"), ("grants",), ("notices", "show"), ("notices", "send"), ("funds", "show"),
        ("schedule",), ("audit", "verify"), ("policies", "test", "cn-price-subsidy"), ("policies", "schema"),
    ):  # fmt: skip
        for lang in ("zh", "en"):
            answer = city.call(*arguments, lang=lang)
            assert answer.code == 0 and answer.out.strip(), (arguments, answer.problems)


def test_an_altered_grant_is_found_by_the_audit(city: City, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(city.home / "ledger.sqlite", copy)
    with sqlite3.connect(copy / "ledger.sqlite") as ledger:
        ledger.execute("UPDATE \"grant\" SET amount = amount + 1 WHERE policy = 'cn-31-elderly-allowance'")
    found = city.call("audit", "verify", home=copy)
    assert found.code == 1 and "altered" in found.problems


def test_a_policy_is_not_approved_by_its_author(city: City, tmp_path: Path) -> None:
    answer = city.call("policies", "approve", "cn-price-subsidy", "--by", "Policy Desk", home=tmp_path / "new")
    assert answer.code == 7 and "cannot approve" in answer.problems


def test_a_login_link_opens_one_page_once(city: City) -> None:
    subject = city.json("grants", "--policy", "cn-31-elderly-allowance")["grants"][0]["subject"]
    assert "/login?token=" in city.call("notices", "link", subject).out
