"""Policies that a machine must not decide alone: told, in the ledger as a hint, and never a grant."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from engine.ledger.grants import grants, totals
from engine.ledger.stages import Stage, move
from engine.running import run
from notifier.console.runs import print_report
from notifier.console.speech import Speech
from policies.errors import LedgerError, PolicyError
from policies.judgement import not_automatic
from policies.library import read_library
from policies.plain_words import to_plain_words
from policies.policy import Policy
from tests.language.ledger_town import HEAD, NOTICE, people, rule, run_on
from tests.run.small_city import prepared, pseudonym, vocabulary

ID = "hint"
JUDGED = """\
judgement: {kind: competitive, reason: {zh: 评审产生, en: a jury chooses}}
eligibility: age >= 90
benefit: {kind: cash, says: {zh: 每年一万元, en: "10,000 yuan a year"}}
"""
# Grants whatever the ledger calls a past grant, or nothing if there is none.
READER = """\
eligibility: 'age >= 90 and count(grants, policy == "hint") == 0'
benefit: {kind: cash, amount: 5}
"""


@pytest.fixture
def policy() -> Policy:
    return rule(ID, JUDGED, "notify")


def test_a_match_is_a_hint_without_amount_and_moves_no_fund(policy: Policy, tmp_path: Path) -> None:
    ledger = prepared(tmp_path, {ID: policy})
    report = run_on(ledger, policy, date(2026, 3, 1))
    assert (report.matched, report.new_hints, report.new_grants, report.amount) == (9, 9, 0, 0)
    assert (report.to_json()["new_hints"], report.to_json()["new_grants"]) == (9, 0)
    found = grants(ledger, policy=ID, limit=100)
    assert set(found["stage"]) == {"hinted"}
    assert found["amount"].null_count() == 9
    assert totals(ledger).is_empty()  # nothing was granted
    with ledger.reading() as connection:
        assert connection.execute(text("select count(*) from fund_entry")).scalar_one() == 0


def test_a_hint_never_becomes_a_grant(policy: Policy, tmp_path: Path) -> None:
    ledger = prepared(tmp_path, {ID: policy})
    run_on(ledger, policy, date(2026, 3, 1))
    number = grants(ledger, policy=ID, limit=1)["id"][0]
    for stage in set(Stage) - {Stage.STOPPED}:
        with pytest.raises(LedgerError, match="stage-not-reachable"):
            move(ledger, number, stage, actor="wang")
    move(ledger, number, Stage.STOPPED, actor="wang", reason="looked at")


def test_running_twice_hints_once(policy: Policy, tmp_path: Path) -> None:
    ledger = prepared(tmp_path, {ID: policy})
    run_on(ledger, policy, date(2026, 3, 1))
    again = run_on(ledger, policy, date(2026, 4, 1))
    assert (again.new_hints, again.new_grants, again.already_granted) == (0, 0, 9)
    assert grants(ledger, policy=ID, limit=100).height == 9


def test_a_hint_does_not_count_as_something_received(policy: Policy, tmp_path: Path) -> None:
    reader = rule("reader", READER)
    policies = {ID: policy, "reader": reader}
    ledger = prepared(tmp_path, policies)
    run(ledger, people(), policies, vocabulary(), date(2026, 3, 1))
    run(ledger, people(), policies, vocabulary(), date(2027, 3, 1))
    paid = grants(ledger, subject=pseudonym("c95"), policy="reader", limit=10)
    assert sorted(paid["period"]) == ["2026", "2027"]


def test_the_run_says_that_it_will_not_run_automatically_and_why(policy: Policy, tmp_path: Path) -> None:
    ledger = prepared(tmp_path, {ID: policy})
    note = run_on(ledger, policy, date(2026, 3, 1)).not_automatic
    assert note is not None and note == not_automatic(policy)
    assert note.severity == "note"
    assert "a jury chooses" in note.render("en") and "评审产生" in note.render("zh")
    assert note.place.line == 12


def test_the_printed_report_of_a_run_says_so_too_and_counts_hints_apart(
    policy: Policy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = prepared(tmp_path, {ID: policy})
    report = run(ledger, people(), {ID: policy}, vocabulary(), date(2026, 3, 1), only=[ID])
    print_report(report, Speech("en"))
    printed = " ".join(capsys.readouterr().out.split())
    assert "note[not-automatic]: the policy `hint` will not run automatically" in printed
    assert "0 granted outright, 0.00 yuan in all; 0 more wait" in printed and "9 hints go to the authority" in printed
    (line,) = report.to_json()["policies"]  # type: ignore[misc]
    assert line["not_automatic"]["code"] == "not-automatic"


def test_the_words_say_who_judges_and_what_the_law_provides(policy: Policy) -> None:
    english, chinese = to_plain_words(policy, "en"), to_plain_words(policy, "zh")
    assert "for people to judge: some are chosen out of many (a jury chooses)" in english
    assert "10,000 yuan a year" in english
    assert "须人工裁定" in chinese and "每年一万元" in chinese


@pytest.mark.parametrize("delivery", ["automatic", "channel", "confirm", "declare"])
def test_every_delivery_but_telling_is_refused(delivery: str) -> None:
    with pytest.raises(PolicyError) as caught:
        rule(ID, JUDGED, delivery)
    assert [one.code for one in caught.value.diagnostics] == ["judgement-not-automatic"]
    assert f"`delivery: {delivery}`" in caught.value.diagnostics[0].message.en


@pytest.mark.parametrize("key", ["excludes", "net_of"])
def test_a_policy_cannot_be_excluded_by_or_net_of_a_hint(key: str, tmp_path: Path) -> None:
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "hint.yaml").write_text(HEAD.format(id=ID, delivery="notify") + JUDGED + NOTICE, encoding="utf-8")
    body = f"eligibility: alive\n{key}: [{ID}]\nbenefit: {{kind: cash, amount: 5}}\n"
    text_of = HEAD.format(id="other", delivery="automatic") + body + NOTICE
    (folder / "other.yaml").write_text(text_of, encoding="utf-8")
    library = read_library(folder, vocabulary())
    assert set(library.policies) == {ID}
    assert [one.code for error in library.errors for one in error.diagnostics] == ["refers-to-a-hint"]
