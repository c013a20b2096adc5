"""An amount in parts, through a real ledger: one part in a period, in order, and never one too many."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.interpreter import decide
from engine.ledger.grants import grants
from engine.nearest_change import nearest_changes
from engine.searching import input_values
from notifier.explaining import explanation_of
from policies.examples import facts_from_example
from policies.fixing import fix
from policies.library import read_policy_text
from policies.plain_words import to_plain_words
from policies.policy import Policy
from tests.language.ledger_town import HEAD, NOTICE, people, rule, run_on
from tests.run.small_city import prepared, pseudonym, vocabulary

ID = "two-parts"
# Ages are 0 to 99; the one of 99 is unknown. Nobody below 90 matters here: nine are 90 to 98.
TWO_PARTS = """\
eligibility: age >= 90
benefit:
  kind: cash
  amount: 1000.01
  instalments:
    - {share: 0.4}
    - {share: 0.6, when: alive, says: {zh: 在世, en: alive}, basis: 第三条}
"""


@pytest.fixture
def policy() -> Policy:
    return rule(ID, TWO_PARTS)


def amounts(ledger: object, number: int) -> list[int]:
    found = grants(ledger, subject=pseudonym(f"c{number}"), policy=ID, limit=100)  # type: ignore[arg-type]
    return [int(amount) for amount in found.sort("on")["amount"]]


def test_the_first_part_then_the_second_and_never_a_third(policy: Policy, tmp_path: Path) -> None:
    ledger = prepared(tmp_path, {ID: policy})
    assert run_on(ledger, policy, date(2026, 3, 1)).new_grants == 9
    assert run_on(ledger, policy, date(2027, 3, 1)).new_grants == 8  # one is not alive
    third = run_on(ledger, policy, date(2028, 3, 1))
    assert third.new_grants == 0
    assert amounts(ledger, 95) == [40_000, 60_001]


def test_the_second_part_is_not_granted_while_its_condition_fails_and_is_once_it_holds(
    policy: Policy, tmp_path: Path
) -> None:
    ledger = prepared(tmp_path, {ID: policy})
    run_on(ledger, policy, date(2026, 3, 1), people(alive={97: False}))
    run_on(ledger, policy, date(2027, 3, 1), people(alive={97: False}))
    assert amounts(ledger, 97) == [40_000]
    run_on(ledger, policy, date(2028, 3, 1), people(alive={97: True}))
    assert amounts(ledger, 97) == [40_000, 60_001]


def test_no_part_is_granted_where_the_condition_of_the_whole_does_not_hold_any_more(
    policy: Policy, tmp_path: Path
) -> None:
    ledger = prepared(tmp_path, {ID: policy})
    run_on(ledger, policy, date(2026, 3, 1))
    run_on(ledger, policy, date(2027, 3, 1), people(age={95: 89}))
    assert amounts(ledger, 95) == [40_000]


def test_running_twice_in_one_year_grants_one_part_and_decides_the_same(policy: Policy, tmp_path: Path) -> None:
    ledger = prepared(tmp_path, {ID: policy})
    first = run_on(ledger, policy, date(2026, 3, 1))
    again = run_on(ledger, policy, date(2026, 11, 1))
    assert (again.new_grants, again.matched, again.already_granted) == (0, first.matched, 9)
    assert amounts(ledger, 95) == [40_000]
    run_on(ledger, policy, date(2027, 1, 1))
    twice = run_on(ledger, policy, date(2027, 12, 31))
    assert twice.new_grants == 0
    assert amounts(ledger, 95) == [40_000, 60_001]


def test_whoever_comes_late_still_begins_with_the_first_part(policy: Policy, tmp_path: Path) -> None:
    ledger = prepared(tmp_path, {ID: policy})
    run_on(ledger, policy, date(2026, 3, 1), people(age={95: 20}))
    run_on(ledger, policy, date(2027, 3, 1))
    run_on(ledger, policy, date(2028, 3, 1))
    assert amounts(ledger, 95) == [40_000, 60_001]


def test_the_explanation_and_the_words_say_which_part_is_due(policy: Policy) -> None:
    english = to_plain_words(policy, "en")
    assert "in parts, at most one in a period:" in english
    assert "1. 40% of the whole" in english
    assert "2. 60% of the whole, if alive  (alive)  [第三条]" in english
    told = to_plain_words(policy, "zh")
    assert "分期兑付" in told and "全额的 40%" in told
    assert "one part was granted in earlier periods" in english


def test_the_explanation_names_the_parts_and_the_whole_and_the_past_is_nobodys_to_change(policy: Policy) -> None:
    fixed = fix(policy, vocabulary(), date(2026, 3, 1))
    before = [{"policy": ID, "granted_on": date(2024 + year, 1, 1)} for year in range(2)]
    facts = facts_from_example(policy, vocabulary(), {"age": 95, "alive": True, "grants": before[:1]})
    told = explanation_of(policy, fixed, decide(fixed, facts), vocabulary(), {})
    titles = [one.title.en for one in told.amount_steps]
    assert "parts granted in earlier periods" in titles and "the whole amount" in titles
    over = facts_from_example(policy, vocabulary(), {"age": 95, "alive": True, "grants": before})
    for way in nearest_changes(fixed, input_values(fixed, over), vocabulary()):
        assert {one.by for one in way.changes} == {"nobody"}


@settings(max_examples=60, deadline=None)
@given(
    fen=st.integers(0, 10**9),
    weights=st.lists(st.integers(1, 50), min_size=2, max_size=6),
    rounding=st.sampled_from(["", "rounding: {to: yuan, mode: down}", "rounding: {to: fen, mode: half_up}",
                              'rounding: {to: "50", mode: up}']),
)  # fmt: skip
def test_the_parts_always_add_up_to_the_whole(fen: int, weights: list[int], rounding: str) -> None:
    shares = "".join(f"\n    - {{share: {weight}/{sum(weights)}}}" for weight in weights)
    amount = f"  amount: {fen // 100}.{fen % 100:02d}\n"
    body = f"eligibility: alive\nbenefit:\n  kind: cash\n{amount}"
    body += f"  {rounding}\n" if rounding else ""
    text = HEAD.format(id=ID, delivery="automatic")
    whole = read_policy_text(text + body + NOTICE, vocabulary())
    parted = read_policy_text(text + body + f"  instalments:{shares}\n" + NOTICE, vocabulary())
    fixed = fix(parted, vocabulary(), date(2026, 3, 1))
    parts = []
    for number in range(len(weights)):
        before = [{"policy": ID, "granted_on": date(2000 + year, 1, 1)} for year in range(number)]
        facts = facts_from_example(parted, vocabulary(), {"alive": True, "grants": before})
        parts.append(decide(fixed, facts).amount or 0)
    expected = decide(
        fix(whole, vocabulary(), date(2026, 3, 1)), facts_from_example(whole, vocabulary(), {"alive": True})
    ).amount
    assert sum(parts) == expected
    assert all(part >= 0 for part in parts)
    if "yuan" in rounding:
        assert all(part % 100 == 0 for part in parts)
