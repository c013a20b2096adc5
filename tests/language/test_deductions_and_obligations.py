"""What is taken off a tax base is not paid; what must be done later is told with its day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from engine.interpreter import decide
from engine.ledger.grants import grants
from engine.past_grants import GRANTS
from notifier.explaining import explanation_of
from notifier.sms_conventions import violations
from notifier.templates import Notice, body_text, sms_text
from policies.examples import facts_from_example
from policies.fixing import fix
from policies.obligations import due_day
from policies.plain_words import to_plain_words
from policies.policy import Policy
from policies.text import Bilingual
from tests.language.ledger_town import rule, run_on
from tests.run.small_city import prepared, vocabulary

DEDUCTION = "eligibility: age >= 90\nbenefit: {kind: deduction, amount: 1000}\n"
DEPOSIT = """\
eligibility: age >= 90
benefit:
  kind: refund
  amount: 1000
  obligation: {says: {zh: 补足保证金, en: pay the deposit again}, %s, basis: 第四条}
"""


def test_a_deduction_is_recorded_with_its_amount_and_moves_no_fund(tmp_path: Path) -> None:
    policy = rule("deduction", DEDUCTION, "declare")
    ledger = prepared(tmp_path, {policy.id: policy})
    assert run_on(ledger, policy, date(2026, 3, 1)).amount == 900_000
    found = grants(ledger, policy=policy.id, limit=100)
    assert (set(found["kind"]), set(found["amount"]), set(found["stage"])) == ({"deduction"}, {100_000}, {"matched"})
    with ledger.reading() as connection:
        assert connection.execute(text("select count(*) from fund_entry")).scalar_one() == 0
    assert "taken off a tax base, not paid" in to_plain_words(policy, "en")
    assert "从税基中扣除，不支付" in to_plain_words(policy, "zh")


@pytest.mark.parametrize(
    ("written", "granted_on", "due"),
    [
        ("months_after: 24", date(2026, 3, 1), date(2028, 3, 1)),
        ("months_after: 1", date(2026, 1, 31), date(2026, 2, 28)),  # the last day stands in for one that is missing
        ('due: "date(2027, 12, 31)"', date(2026, 3, 1), date(2027, 12, 31)),
        ("due: period_end + 30", date(2026, 3, 1), date(2027, 1, 30)),
    ],
)
def test_the_day_of_an_obligation_follows_from_the_day_of_the_grant(written: str, granted_on: date, due: date) -> None:
    policy = rule("deposit", DEPOSIT % written)
    assert due_day(policy, vocabulary(), granted_on) == due
    assert fix(policy, vocabulary(), granted_on).due == due


def test_a_benefit_without_obligation_has_no_day() -> None:
    assert due_day(rule("deduction", DEDUCTION, "declare"), vocabulary(), date(2026, 3, 1)) is None


def test_the_obligation_is_told_with_the_rule_in_the_explanation_and_in_the_letter() -> None:
    policy = rule("deposit", DEPOSIT % "months_after: 24")
    assert "obligation: pay the deposit again  [第四条]" in to_plain_words(policy, "en")
    assert "义务：补足保证金" in to_plain_words(policy, "zh")
    on = date(2026, 3, 1)
    fixed = fix(policy, vocabulary(), on)
    facts = facts_from_example(policy, vocabulary(), {"age": 95, GRANTS: []})
    told = explanation_of(policy, fixed, decide(fixed, facts), vocabulary(), {})
    assert told.duty is not None
    assert (told.duty.words.zh, told.duty.due, told.duty.clause) == ("补足保证金", date(2028, 3, 1), "第四条")
    notice = Notice(policy.id, policy.version, 100_000, "2026")
    assert "pay the deposit again" in body_text(policy, notice, "en", None)
    assert "此后您须：补足保证金" in body_text(policy, notice, "zh", None)


def _hint(title: str) -> Policy:
    body = "judgement: {kind: assessment, reason: {zh: 须评定, en: an expert looks first}}\n"
    made = rule("hint", body + "eligibility: alive\nbenefit: {kind: cash}\n", "notify")
    return replace(
        made, title=Bilingual(title, title), notices={"granted": Bilingual("看 http://a.cn", "see http://a.cn")}
    )


@pytest.mark.parametrize("title", ["奖学金", "很长" * 40, "低保"])
def test_a_hint_is_never_told_as_a_grant(title: str) -> None:
    policy = _hint(title)
    notice = Notice(policy.id, policy.version, None, "2026")
    for language in ("zh", "en"):
        short = sms_text(policy, notice, "某局", "王小明", language)
        assert "无需申请" not in short and "No application" not in short and "granted" not in short
    chinese = sms_text(policy, notice, "某局", "王小明", "zh")
    assert not violations(chinese, "某局")
    assert "可能符合" in chinese
