"""Every grant can be explained from its own evidence, condition by condition."""

from __future__ import annotations

from datetime import date

import pytest

from engine.decision import Outcome
from engine.interpreter import decide
from engine.ledger.grants import grant as grant_row
from notifier.explaining import explain_grant, explanation_of
from notifier.outlook import outlook_of
from policies.errors import PolicyError
from policies.fixing import fix
from policies.library import read_policy_text
from policies.plain_words import to_plain_words
from tests.notifier.town import AGENCIES, AS_OF, ON, RULE, Town, person, rule, vocabulary


def test_a_grant_is_explained_from_its_evidence_alone(town: Town) -> None:
    row = grant_row(town.ledger, town.grant("ab" * 16))
    assert row is not None
    explained = explain_grant(row, town.policy, vocabulary(), AGENCIES)
    assert (explained.outcome, explained.amount, explained.period) == (Outcome.ELIGIBLE, 15_000, "2026-11")
    region, age, either = explained.root.children
    assert region.result is age.result is either.result is True
    assert region.words.zh == "本市户籍" and region.clause == "某府发〔2016〕24号 第二条"
    (shown,) = region.values
    assert shown.title.zh == "户籍地" and "浦东新区" in shown.value.zh and "Pudong" in shown.value.en
    assert shown.source == AGENCIES["population"] and shown.as_of == date(2026, 11, 18)
    assert [child.result for child in either.children] == [True, None]


def test_the_explanation_rebuilt_from_evidence_is_the_one_at_the_time_of_deciding(town: Town) -> None:
    policy, fixed = rule()
    facts = person(born=date(1960, 2, 29), alone=True)
    row = grant_row(town.ledger, town.grant("cd" * 16, facts=facts))
    assert row is not None
    now = explanation_of(policy, fixed, decide(fixed, facts), vocabulary(), AS_OF, AGENCIES)
    assert explain_grant(row, policy, vocabulary(), AGENCIES) == now
    assert now.amount == 7_500


def test_the_steps_of_the_amount_end_with_the_amount_in_words() -> None:
    policy, fixed = rule()
    explained = explanation_of(policy, fixed, decide(fixed, person()), vocabulary(), AS_OF, AGENCIES)
    assert explained.amount_steps[-1].value.zh == "150.00元"
    assert explained.amount_steps[-1].title.en == "amount"
    assert "年龄" in [each.title.zh for each in explained.amount_steps]


def test_a_definition_is_called_by_its_title_wherever_somebody_reads_it() -> None:
    defined = "definitions:\n  grown: {title: {zh: 满龄后的年数, en: years above the age}, value: age - minimum_age}\n"
    text = RULE.replace("eligibility:", defined + "eligibility:").replace("age >= minimum_age", "grown >= 0")
    policy = read_policy_text(text, vocabulary(), "rule.yaml")
    fixed, facts = fix(policy, vocabulary(), ON), person(born=date(1962, 3, 1))
    explained = explanation_of(policy, fixed, decide(fixed, facts), vocabulary(), AS_OF, AGENCIES)
    condition = explained.root.children[1]
    assert ("满龄后的年数", "years above the age") in [(one.title.zh, one.title.en) for one in condition.values]
    ahead = outlook_of(fixed, decide(fixed, facts), facts, None, vocabulary(), AGENCIES)
    assert ahead.upcoming is not None
    told = [one.title.zh for reason in ahead.upcoming.conditions for one in reason.values]
    assert told and "grown" not in told
    assert "grown（满龄后的年数） = age - minimum_age" in to_plain_words(policy, "zh")


def test_a_missing_fact_is_named_in_words() -> None:
    policy, fixed = rule()
    facts = person(pension=None)
    explained = explanation_of(policy, fixed, decide(fixed, facts), vocabulary(), AS_OF)
    assert explained.outcome is Outcome.UNDETERMINED and explained.root.result is None
    assert [each.zh for each in explained.settled_by] in (["每月养老金"], ["独居"])
    pension = explained.root.children[2].children[0].values[0]
    assert not pension.known and pension.value.zh == "未知" and pension.value.en == "unknown"
    assert pension.source is not None and pension.source.zh == "pension"


def test_a_refusal_shows_which_condition_fails() -> None:
    policy, fixed = rule()
    explained = explanation_of(policy, fixed, decide(fixed, person(born=date(1990, 1, 1))), vocabulary(), {})
    assert explained.outcome is Outcome.INELIGIBLE and explained.amount_steps == ()
    assert [child.result for child in explained.root.children] == [True, False, True]


def test_evidence_that_was_cut_short_is_refused_and_not_guessed(town: Town) -> None:
    row = grant_row(town.ledger, town.grant("ef" * 16))
    assert row is not None
    row["evidence"] = '{"values":{},"as_of":{}}'
    with pytest.raises(PolicyError):
        explain_grant(row, town.policy, vocabulary())
