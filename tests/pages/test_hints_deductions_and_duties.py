"""What a page says of a hint, of an amount that is only deducted, of a ceiling, and of what must be done later."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from engine.ledger.approvals import approve
from engine.ledger.grants import grant as grant_row
from engine.ledger.retirements import retire
from tests.notifier.town import RULE, Town, open_town
from tests.pages.conftest import ANNA, application, client_of


def _page(town: Town, **columns: str) -> str:
    number = town.grant(ANNA)
    with town.ledger.writing() as connection:
        for name, value in columns.items():
            connection.exec_driver_sql(f'UPDATE "grant" SET {name} = ?', (value,))
    client = client_of(application(town), ANNA)
    page = client.get(f"/grants/{number}")
    assert page.status_code == 200
    text = page.text + client.get("/").text
    town.vault.close()
    town.ledger.close()
    return text


def test_the_page_of_a_grant_says_what_must_be_done_later_and_by_which_day(tmp_path: Path) -> None:
    duty = "  obligation: {says: {zh: 补足保证金, en: pay the deposit again}, months_after: 24, basis: 第四条}\nnotice:"
    text = _page(open_town(tmp_path, RULE.replace("notice:", duty, 1)))
    assert "此后您须做的事" in text and "补足保证金" in text and "第四条" in text
    assert '<time datetime="2028-11-20">' in text  # granted on 20 November 2026


def test_the_page_of_a_hint_says_that_an_authority_decides_and_why(tmp_path: Path) -> None:
    head, _, tail = RULE.partition("benefit:")
    judged = head.replace("delivery: automatic", "delivery: notify") + (
        "judgement: {kind: assessment, reason: {zh: 须先上门评估, en: somebody has to look first}}\n"
        "benefit: {kind: cash, says: {zh: 按评估等级, en: by the level found}}\n"
        "notice: {granted: {zh: 您可能符合条件, en: you may qualify}}\n"
        "examples:" + tail.partition("examples:")[2].replace(", amount: 150", "")
    )
    text = _page(open_town(tmp_path, judged), stage="hinted")
    assert "线索，由主管机关决定" in text and "须先上门评估" in text
    assert "已批准" not in text and "150" not in text


def test_the_page_of_a_deduction_says_that_nothing_is_paid(tmp_path: Path) -> None:
    text = _page(open_town(tmp_path, RULE.replace("kind: cash", "kind: deduction")), kind="deduction", stage="matched")
    assert "从税基中扣除，不支付" in text


def test_the_page_of_a_grant_that_was_cut_tells_the_ceiling_what_counted_before_and_what_was_left(
    tmp_path: Path,
) -> None:
    ceiling = (
        "  ceilings: {all: {amount: 400, within: year, says: {zh: 全年合计, en: in a year}, basis: 第五条}}\nnotice:"
    )
    town = open_town(tmp_path, RULE.replace("notice:", ceiling, 1))
    row = grant_row(town.ledger, town.grant("cd" * 16))
    assert row is not None
    evidence = json.loads(row["evidence"])
    evidence["ceilings"] = {"all": {"counts": True, "limit": 40_000, "before": 30_000, "by_rule": 15_000}}
    text = _page(town, evidence=json.dumps(evidence), amount="10000")
    assert "全年合计" in text and "第五条" in text and "400.00元" in text and "300.00元" in text
    assert "<span>100</span>" in text or "<span>100.00</span>" in text


def test_the_page_of_a_grant_says_that_its_policy_is_retired_since_when_and_why_but_not_by_whom(tmp_path: Path) -> None:
    town = open_town(tmp_path, RULE)
    approve(town.ledger, town.policy.version, "wang", date(2026, 1, 1))
    retire(town.ledger, "elderly-allowance", "zhao of desk 7", "repealed by notice 7", date(2026, 11, 1))
    text = _page(town)
    assert "这项政策已停用" in text and '<time datetime="2026-11-01">' in text and "repealed by notice 7" in text
    assert "您已得到的照旧" in text and "desk 7" not in text
