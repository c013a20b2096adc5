"""Examples tell the truth about a policy: what differs is reported, what is missing is unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from engine.interpreter import decide
from policies.errors import PolicyError
from policies.examples import ExampleResult, facts_from_example, run_examples
from policies.library import read_policy, read_policy_text
from policies.policy import Policy
from policies.types import to_day_number
from policies.vocabulary import Vocabulary

GOOD = Path(__file__).parent / "good"


@pytest.fixture
def elderly(vocabulary: Vocabulary) -> Policy:
    return read_policy(GOOD / "tiers_by_age.yaml", vocabulary)


def _results(text: str, vocabulary: Vocabulary) -> dict[str, ExampleResult]:
    return {one.name: one for one in run_examples(read_policy_text(text, vocabulary), vocabulary, decide)}


def test_a_wrong_amount_fails_and_shows_both(vocabulary: Vocabulary) -> None:
    text = (GOOD / "tiers_by_age.yaml").read_text(encoding="utf-8").replace("amount: 180.5}", "amount: 180}")
    found = _results(text, vocabulary)["eighty"]
    assert not found.passed
    assert (found.expected.en, found.found.en) == ("eligible, 180.00 yuan", "eligible, 180.50 yuan")
    assert (found.expected.zh, found.found.zh) == ("符合，180.00 元", "符合，180.50 元")
    assert text.split("\n")[(found.place.line or 0) - 1].strip() == "- name: eighty"


def test_unknown_is_neither_yes_nor_no(vocabulary: Vocabulary) -> None:
    text = (GOOD / "tiers_by_age.yaml").read_text(encoding="utf-8")
    for word in ("true", "false"):
        changed = text.replace("eligible: unknown, settled_by: [hukou_region]", f"eligible: {word}")
        assert not _results(changed, vocabulary)["registration unknown"].passed


def test_the_settling_facts_are_compared(vocabulary: Vocabulary) -> None:
    text = (GOOD / "tiers_by_age.yaml").read_text(encoding="utf-8")
    found = _results(text.replace("settled_by: [hukou_region]", "settled_by: [birth_date]"), vocabulary)
    assert not found["registration unknown"].passed
    assert found["registration unknown"].found.en == "undetermined, settled by: hukou_region"


def test_a_unit_that_is_not_there_fails(vocabulary: Vocabulary) -> None:
    text = (GOOD / "for_each_hire.yaml").read_text(encoding="utf-8").replace("        d: {", "        e: {")
    found = _results(text, vocabulary)
    name = "one yes, one too short, one of another group"
    assert found[f"{name} [a]"].passed
    assert not found[f"{name} [e]"].passed


def test_what_cannot_be_decided_has_failed(elderly: Policy, vocabulary: Vocabulary) -> None:
    def refuse(*_: object) -> object:
        raise PolicyError.of("negative-amount", "负数", "the amount is negative")

    results = run_examples(elderly, vocabulary, refuse)  # type: ignore[arg-type]
    failed = [one for one in results if not one.passed]
    assert {one.found.en for one in failed} == {"the amount is negative"}


def test_values_are_read_as_people_write_them(elderly: Policy, vocabulary: Vocabulary) -> None:
    facts = facts_from_example(
        elderly,
        vocabulary,
        {
            "income": Decimal("12.5"),
            "birth_date": date(1961, 5, 31),
            "hukou_region": 310115,
            "alive": None,
            "employer": {"id": "f1", "active": False},
            "guardian": "p9",
            "certificates": [{"level": 3}, {"id": "x", "level": 4}],
            "incomes": [],
        },
    )
    assert facts.value(("income",)) == 1250
    assert facts.value(("birth_date",)) == to_day_number(date(1961, 5, 31))
    assert facts.value(("hukou_region",)) == "310115"
    assert facts.value(("alive",)) is None
    assert facts.value(("employer", "active")) is False
    assert facts.value(("employer",)) == "f1"
    assert facts.value(("guardian",)) == "p9"
    assert facts.value(("household", "size")) is None
    certificates = facts.items(("certificates",))
    assert certificates is not None
    assert [item.id for item in certificates] == ["1", "x"]
    assert facts.items(("incomes",)) == ()
    assert facts.items(("grants",)) is None
    assert facts.items(("household", "members")) is None


@pytest.mark.parametrize(
    ("profile", "code"),
    [
        ({"incme": 3}, "unknown-name"),
        ({"income": "3"}, "wrong-type"),
        ({"income": True}, "wrong-type"),
        ({"income": Decimal("0.001")}, "out-of-range"),
        ({"care_level": "total"}, "unknown-code"),
        ({"birth_date": "1961-05-31"}, "wrong-type"),
        ({"age": 70}, "derived-in-example"),
        ({"employer": [1]}, "wrong-type"),
        ({"certificates": {"level": 3}}, "wrong-type"),
        ({"certificates": [{"id": 1}, {"id": "1"}]}, "duplicate-item"),
        ({"grants": [{"amount": -1}]}, "out-of-range"),
    ],
)
def test_a_profile_that_the_catalog_cannot_hold_is_refused(
    elderly: Policy, vocabulary: Vocabulary, profile: dict[str, object], code: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        facts_from_example(elderly, vocabulary, profile)
    assert [one.code for one in caught.value.diagnostics] == [code]


def test_examples_outside_the_time_in_force_are_not_eligible(elderly: Policy, vocabulary: Vocabulary) -> None:
    ended = replace(elderly, in_force=(date(2020, 1, 1), date(2020, 12, 31)))
    found = {one.name: one.found.en for one in run_examples(ended, vocabulary, decide)}
    assert found["eighty"] == "ineligible"
