"""durable-rules decides like the interpreter: on generated policies, on every example, and on borderline values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.decision import Facts
from engine.durable_engine import DurableEngine
from engine.frame_facts import facts_in_bulk
from engine.interpreter import decide_units
from engine.interpreter_answers import plain_answers
from policies import tree as t
from policies.example_facts import ExampleFacts
from policies.examples import facts_from_example
from policies.fixing import fix
from policies.library import read_library
from policies.policy import Condition, FixedPolicy, Policy, Tier
from profiles.catalog_reading import read_catalog
from tests.engine_compilers.generated_trees import (
    BOOL,
    DATE,
    NUMBER,
    REGION,
    TEXT,
    VOCABULARY,
    Seen,
    TreeMaker,
    make_policy,
    make_world,
)
from tests.engine_compilers.test_both_compilers_agree import generated_policy

CITY = read_catalog().vocabulary
LIBRARY = read_library(Path(__file__).resolve().parents[2] / "policies", CITY)
Told = tuple[str, object, int | None, int | None, tuple[str, ...]]


def by_interpreter(fixed: FixedPolicy, subject: Facts) -> list[Told]:
    return [(unit, one.outcome, one.amount, one.tier, one.settled_by) for unit, one in decide_units(fixed, subject)]


def by_durable(engine: DurableEngine, fixed: FixedPolicy, subject: Facts) -> list[Told]:
    found = engine.decide(subject, [fixed.policy.id])
    return [(unit, one.outcome, one.amount, one.tier, one.settled_by) for _, unit, one in found]


@given(seed=st.integers(0, 10**9))
@settings(max_examples=40)
def test_generated_policies_are_decided_like_the_interpreter_decides_them(seed: int) -> None:
    world = make_world(seed)
    policies = [generated_policy(seed * 10 + number, number, 4) for number in range(6)]
    with DurableEngine(policies, VOCABULARY) as engine:
        for fixed in policies:
            if fixed.policy.id in engine.refused:
                continue
            for subject in world.subjects[fixed.policy.space]:
                facts = world.facts(fixed.policy.space, subject)
                assert by_durable(engine, fixed, facts) == by_interpreter(fixed, facts)
        assert engine.process.restarts == 0


@given(seed=st.integers(0, 10**9))
@settings(max_examples=40)
def test_facts_read_in_bulk_and_answers_without_a_trace_change_nothing(seed: int) -> None:
    world = make_world(seed)
    for number in range(4):
        fixed = generated_policy(seed * 10 + number, number, 4)
        subjects = list(world.subjects[fixed.policy.space])
        bulk = facts_in_bulk(world.population(), VOCABULARY, [fixed]).of(fixed.policy.space, subjects)
        for subject, facts in zip(subjects, bulk, strict=True):
            expected = by_interpreter(fixed, world.facts(fixed.policy.space, subject))
            assert by_interpreter(fixed, facts) == expected
            plain = plain_answers(fixed, facts)
            assert [(unit, one.outcome, one.amount, one.tier) for unit, one in plain.items()] == [
                one[:4] for one in expected
            ]


@given(seed=st.integers(0, 10**9))
@settings(max_examples=30)
def test_tiers_are_chosen_like_the_interpreter_chooses_them(seed: int) -> None:
    """First that applies; if it is unknown whether an earlier one does, the amount is unknown."""
    maker, seen, world = TreeMaker(seed), (Seen("citizen"),), make_world(seed)
    whens = [maker.tree(BOOL, seen, 3) for _ in range(3)]
    amounts = [t.Maximum(NUMBER, (t.Literal(NUMBER, 0), maker.tree(NUMBER, seen, 2))) for _ in range(4)]
    amount: t.Node = amounts[3]
    for when, one in zip(reversed(whens), reversed(amounts[:3]), strict=True):
        amount = t.If(NUMBER, when, one, amount)
    tiers = (*(Tier(when, one, "") for when, one in zip(whens, amounts[:3], strict=True)), Tier(None, amounts[3], ""))
    always = Condition("leaf", expression=t.Literal(BOOL, True))
    fixed = make_policy("tiers", always, amount, tiers=tiers)
    with DurableEngine([fixed], VOCABULARY) as engine:
        assert not engine.refused
        for subject in world.subjects["citizen"]:
            facts = world.facts("citizen", subject)
            assert by_durable(engine, fixed, facts) == by_interpreter(fixed, facts)


@pytest.mark.parametrize("policy", LIBRARY.policies.values(), ids=list(LIBRARY.policies))
def test_every_example_of_the_library_is_decided_by_durable_rules(policy: Policy) -> None:
    """One engine per policy: one policy on several dates is several sets of rules under several names."""
    cases = [
        (replace(fixed, policy=replace(policy, id=f"{policy.id}-{number}")), example.profile)
        for number, example in enumerate(policy.examples)
        for fixed in [fix(policy, CITY, example.on, given=example.given)]
    ]
    with DurableEngine([fixed for fixed, _ in cases], CITY) as engine:
        assert not engine.refused
        for fixed, profile in cases:
            facts = facts_from_example(policy, CITY, profile)
            assert by_durable(engine, fixed, facts) == by_interpreter(fixed, facts)


LARGEST = 2**63 - 1
NUMBERS = [0, 1, -1, 2**31, -(2**31), 2**53, 2**53 + 1, -(2**53) - 1, 10**15, LARGEST, -LARGEST, -LARGEST - 1]
WORDS = [
    "",
    " ",
    "a",
    "a ",
    "ab",
    "ab!",
    "1",
    "01",
    "true",
    "null",
    "免申",
    "é",
    '"',
    "\\",
    "\\\\",
    "\n",
    "\x00",
    "👵🏽",
]


def leaf(node: t.Node) -> Condition:
    return Condition("leaf", expression=node)


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "==", "!="])
def test_numbers_are_compared_exactly_up_to_64_bits(operator: t.Comparison) -> None:
    left, right = t.Attribute(NUMBER, ("n",)), t.Attribute(NUMBER, ("k",))
    constants = [number for number in NUMBERS if abs(number) < LARGEST]
    policies = [
        make_policy(f"n{place}", leaf(t.Compare(BOOL, operator, left, t.Literal(NUMBER, number))))
        for place, number in enumerate(constants)
    ]
    policies.append(make_policy("both", leaf(t.Compare(BOOL, operator, left, right))))
    with DurableEngine(policies, VOCABULARY) as engine:
        for number in NUMBERS:
            for other in (number, number - 1 if number > 0 else number + 1):
                facts = ExampleFacts("x", {"n": number, "k": other})
                for fixed in policies:
                    assert by_durable(engine, fixed, facts) == by_interpreter(fixed, facts), (number, other)


@pytest.mark.parametrize("operator", ["==", "!="])
def test_texts_are_equal_only_if_every_character_is(operator: t.Comparison) -> None:
    left, right = t.Attribute(TEXT, ("word",)), t.Attribute(TEXT, ("other",))
    policies = [
        make_policy(f"w{place}", leaf(t.Compare(BOOL, operator, left, t.Literal(TEXT, word))))
        for place, word in enumerate(WORDS)
    ]
    policies.append(make_policy("both", leaf(t.Compare(BOOL, operator, left, right))))
    policies.append(make_policy("listed", leaf(t.In(BOOL, left, tuple(WORDS[:9])))))
    with DurableEngine(policies, VOCABULARY) as engine:
        for word in [*WORDS, "a" * 9_999, None]:
            facts = ExampleFacts("x", {"word": word, "other": "ab"})
            for fixed in policies:
                assert by_durable(engine, fixed, facts) == by_interpreter(fixed, facts), word


@pytest.mark.parametrize("prefixes", [("31",), ("31", "3201"), ("3", "32", "650402"), ("",), ("310115",)])
def test_a_region_lies_within_a_prefix_or_not_and_is_never_guessed(prefixes: tuple[str, ...]) -> None:
    within = t.Within(BOOL, t.Attribute(REGION, ("region",)), prefixes)
    policies = [make_policy("in", leaf(within)), make_policy("out", leaf(t.Not(BOOL, within)))]
    with DurableEngine(policies, VOCABULARY) as engine:
        for region in ["310115", "3", "31", "320100", "650402", "", None]:
            facts = ExampleFacts("x", {"region": region})
            for fixed in policies:
                assert by_durable(engine, fixed, facts) == by_interpreter(fixed, facts), region


def test_short_lists_are_rules_and_long_ones_one_datum() -> None:
    codes = tuple(f"{number:06d}" for number in range(500))
    listed = t.In(BOOL, t.Attribute(REGION, ("region",)), codes)
    old = t.Compare(BOOL, "<", t.Attribute(DATE, ("born",)), t.Literal(DATE, 0))
    policies = [make_policy("listed", leaf(listed))]
    few = t.In(BOOL, t.Attribute(REGION, ("region",)), codes[:100])
    policies.append(make_policy("few", Condition("none", (leaf(few), leaf(old)))))
    with DurableEngine(policies, VOCABULARY) as engine:
        assert not engine.refused
        for region in ["000000", "000099", "000100", "x", None]:
            for born in (-1, 0, None):
                facts = ExampleFacts("x", {"region": region, "born": born})
                for fixed in policies:
                    assert by_durable(engine, fixed, facts) == by_interpreter(fixed, facts)
