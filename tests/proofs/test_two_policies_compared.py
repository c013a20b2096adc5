"""Two policies are equal, one lies within the other, they are disjoint, or a person shows where they differ."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.decision import Outcome
from engine.interpreter import decide
from policies.errors import PolicyError
from policies.examples import run_examples
from policies.library import read_policy_text
from policies.policy import Policy
from policies.proofs.comparing import compare
from policies.proofs.example_text import to_example
from policies.proofs.questions import Found
from policies.proofs.report import Comparison, Verdict
from policies.proofs.searching import Search
from policies.proofs.terms import both, negated
from tests.engine_compilers.generated_trees import VOCABULARY as GENERATED
from tests.engine_compilers.generated_trees import Seen, TreeMaker, make_condition, make_policy, make_world
from tests.policies.conftest import small_vocabulary

VOCABULARY = small_vocabulary()
ON = date(2026, 2, 28)
TEXT = """id: {id}
title: {{zh: 甲, en: a}}
space: {space}
{for_each}authority: 某局
author: author
basis: [{{document: 文}}]
region: "310000"
in_force: {{from: 2020-01-01}}
delivery: automatic
period: {period}
schedule: "0 2 1 * *"
notice: {{granted: {{zh: "{{title}}", en: "{{title}}"}}}}
eligibility: '{condition}'
benefit: {{kind: cash, amount: '{amount}'}}
"""


def policy(condition: str, amount: str = "100", *, id: str = "one", space: str = "citizen", unit: str = "") -> Policy:
    for_each = f"for_each: {unit}\n" if unit else ""
    text = TEXT.format(
        id=id, space=space, for_each=for_each, condition=condition, amount=amount, period="event" if unit else "month"
    )
    return read_policy_text(text, VOCABULARY)


def compared(one: str, other: str, amount: str = "100", other_amount: str = "100", **more: str) -> Comparison:
    first, second = policy(one, amount, **more), policy(other, other_amount, id="two", **more)
    found = compare(first, second, VOCABULARY, ON, decide, timeout_ms=20_000)
    assert not found.undecided, found.undecided
    for difference in found.differences:
        for shown, whole in ((difference.first, first), (difference.second, second)):
            longer = read_policy_text(f"{whole.text}examples:\n{to_example(shown, 'shown')}\n", VOCABULARY)
            assert all(result.passed for result in run_examples(longer, VOCABULARY, decide))
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("age >= 60", "not (age < 60)"),
        ("alive and dibao", "dibao and alive"),
        ("insured_months >= 12", "not (insured_months < 12) and insured_months >= 0"),
        ('care_level in ["full", "mostly"]', 'care_level != "partly" and care_level != "none"'),
        ('within(hukou_region, "31")', 'hukou_region != "330000" and within(hukou_region, ["31", "31"])'),
        ("any(certificates, level <= 2)", "count(certificates, level <= 2) >= 1"),
        ("all(certificates, shortage)", "not any(certificates, not shortage)"),
        ("years_between(birth_date, on) >= 60", "months_between(birth_date, on) >= 720"),
    ],
)
def test_the_same_rule_in_other_words_is_equal(one: str, other: str) -> None:
    found = compared(one, other)
    assert (found.relation, found.same_amounts, found.differences) == ("equal", Verdict.PROVED, ())


def test_the_one_child_of_the_leap_day_on_whom_two_rules_differ_is_found() -> None:
    found = compared("age >= 62", "birth_date <= add_years(on, -62)")
    assert found.relation == "second-implies-first"
    assert [one.code for one in found.differences] == ["only-first"]
    assert found.differences[0].first.profile == {"birth_date": date(1964, 2, 29)}


def test_a_stricter_rule_lies_within_a_wider_one() -> None:
    found = compared("age >= 70 and alive", "age >= 60 and alive")
    assert found.relation == "first-implies-second"
    (difference,) = found.differences
    assert (difference.first.outcome, difference.second.outcome) == ("ineligible", "eligible")
    assert compared("age >= 60", "age >= 70").relation == "second-implies-first"


def test_rules_that_share_nobody_are_disjoint() -> None:
    found = compared('within(hukou_region, "31")', 'within(hukou_region, "33")')
    assert found.relation == "disjoint"
    assert {one.code for one in found.differences} == {"only-first", "only-second"}


def test_each_direction_has_its_person() -> None:
    found = compared("dibao", "alive")
    assert found.relation == "different"
    assert {one.code: (one.first.outcome, one.second.outcome) for one in found.differences} == {
        "only-first": ("eligible", "ineligible"),
        "only-second": ("ineligible", "eligible"),
    }


def test_a_changed_amount_is_shown_with_a_person_who_gets_another_one() -> None:
    found = compared("alive", "alive", "100", "100 if income < 1000 else 90")
    assert (found.relation, found.same_amounts) == ("equal", Verdict.REFUTED)
    (difference,) = found.differences
    assert (difference.first.amount, difference.second.amount) == (10_000, 9_000)


def test_units_are_compared_one_by_one() -> None:
    found = compared("insured_months >= 3", "insured_months >= 6", space="enterprise", unit="hires")
    assert found.relation == "second-implies-first"
    assert found.differences[0].first.units is not None


def test_policies_about_other_subjects_cannot_be_compared() -> None:
    with pytest.raises(PolicyError, match="not-comparable"):
        compare(policy("alive"), policy("active", space="enterprise"), VOCABULARY, ON, decide)


@given(seed=st.integers(0, 10**9))
@settings(max_examples=15, deadline=None)
def test_nobody_is_granted_by_one_alone_if_that_is_proved_to_be_impossible(seed: int) -> None:
    maker = TreeMaker(seed)
    shared = make_condition(maker, (Seen("citizen"),), 3)
    one = make_policy("one", shared)
    other = make_policy("two", make_condition(maker, (Seen("citizen"),), 3) if seed % 2 else shared)
    search = Search(GENERATED, (one, other), decide, 300)
    found = search.nobody(lambda policies: both((policies[0].eligible, negated(policies[1].eligible))))
    if one.eligibility is other.eligibility:
        assert found is Found.NOBODY
    if found is not Found.NOBODY:
        return
    for number in range(4):
        world = make_world(seed + number)
        for subject in world.subjects["citizen"]:
            facts = world.facts("citizen", subject)
            if decide(one, facts).outcome is Outcome.ELIGIBLE:
                assert decide(other, facts).outcome is not Outcome.INELIGIBLE
