"""The settling sets are the smallest there are: nothing can be left out, and none is forgotten."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.decision import Outcome
from engine.evidence_facts import decide_again
from engine.interpreter import decide
from engine.policy_inputs import inputs_of
from engine.settling_sets import settling, settling_sets
from policies import tree as t
from policies.policy import Condition
from policies.types import Value
from tests.engine_compilers.generated_trees import make_policy
from tests.undetermined.brute_force import (
    BOOL,
    SMALL,
    VOCABULARY,
    Small,
    draw_inputs,
    minimal,
    outcomes,
)

FLAG, OTHER = t.Attribute(BOOL, ("flag",)), t.Attribute(BOOL, ("other",))
N, K = t.Attribute(SMALL, ("n",)), t.Attribute(SMALL, ("k",))


@dataclass(frozen=True)
class Person:
    data: Mapping[str, Value] = field(default_factory=dict)

    def value(self, path: tuple[str, ...]) -> Value:
        return self.data.get(".".join(path))

    def items(self, path: tuple[str, ...]) -> Sequence[Person] | None:
        return None


def leaf(node: t.Node) -> Condition:
    return Condition("leaf", expression=node)


def compare(node: t.Node, operator: str, number: int) -> t.Node:
    return t.Compare(BOOL, operator, node, t.Literal(SMALL, number))  # type: ignore[arg-type]


@given(st.integers(0, 10**9))
@settings(max_examples=150, deadline=None)
def test_trying_every_set_and_every_value_finds_the_same_sets(seed: int) -> None:
    r = random.Random(seed)
    fixed = Small(r).policy()
    names = [one.name for one in inputs_of(fixed)]
    inputs = draw_inputs(r, names, 0.7)
    decision = decide_again(fixed, inputs)
    found = settling(fixed, inputs, VOCABULARY, limit=1000, work=10**6)
    assert not found.more
    if decision.outcome is not Outcome.UNDETERMINED:
        assert found.yes == found.no == found.surely == ()
        return
    unknown = [name for name in names if inputs[name] is None]
    # A known input counts only if it leaves something without a value (a divisor of zero, a key that no table has).
    changing = sorted({*unknown, *(name for one in (*found.yes, *found.no) for name in one)})
    for sets, wanted in ((found.yes, Outcome.ELIGIBLE), (found.no, Outcome.INELIGIBLE)):
        assert set(sets) == minimal(changing, lambda one, wanted=wanted: wanted in outcomes(fixed, inputs, one))
    told = minimal(unknown, lambda one: Outcome.UNDETERMINED not in outcomes(fixed, inputs, one))
    assert set(found.surely) == told
    for sets in (found.yes, found.no, found.surely):
        assert list(sets) == sorted(sets, key=lambda one: (len(one), one))


@given(st.integers(0, 10**9))
@settings(max_examples=100, deadline=None)
def test_a_decision_that_can_become_a_yes_names_facts_that_are_in_its_smallest_sets(seed: int) -> None:
    """`settled_by` looks at conditions one by one; where it is right, no set is smaller by more than shared facts."""
    r = random.Random(seed)
    fixed = Small(r).policy()
    inputs = draw_inputs(r, [one.name for one in inputs_of(fixed)], 0.6)
    decision = decide_again(fixed, inputs)
    found = settling(fixed, inputs, VOCABULARY, towards=("yes",), limit=1000, work=10**6).yes
    if decision.outcome is Outcome.UNDETERMINED and Outcome.ELIGIBLE in outcomes(fixed, inputs, decision.settled_by):
        assert any(set(one) <= set(decision.settled_by) for one in found)


def test_every_cheapest_way_to_a_yes_is_listed() -> None:
    policy = make_policy("p", Condition("any", (leaf(FLAG), leaf(compare(N, ">", 2)), Condition("all", (leaf(OTHER), leaf(compare(K, ">", 0)))))))  # fmt: skip
    assert settling_sets(policy, Person(), VOCABULARY) == (("flag",), ("n",), ("k", "other"))
    assert settling_sets(policy, Person(), VOCABULARY, towards="surely") == (("flag", "k", "n", "other"),)


def test_values_that_contradict_each_other_are_no_way_to_a_yes() -> None:
    both = Condition("all", (leaf(compare(N, "<", 1)), leaf(compare(N, ">", 3))))
    policy = make_policy("p", Condition("any", (both, leaf(FLAG))))
    assert decide(policy, Person({"flag": False})).settled_by == ("n",)  # the quick relative does not see it
    assert settling_sets(policy, Person({"flag": False}), VOCABULARY) == ()
    assert settling_sets(policy, Person(), VOCABULARY) == (("flag",),)


def test_one_fact_in_two_conditions_is_asked_for_once() -> None:
    policy = make_policy("p", Condition("all", (leaf(compare(N, ">", 1)), leaf(compare(N, "<", 4)), leaf(FLAG))))
    assert settling_sets(policy, Person({"flag": True}), VOCABULARY) == (("n",),)
    assert settling_sets(policy, Person(), VOCABULARY, towards="no") == (("flag",), ("n",))


def test_a_fact_only_the_amount_needs_is_named() -> None:
    policy = make_policy("p", leaf(FLAG), N)
    assert settling_sets(policy, Person({"flag": True}), VOCABULARY) == (("n",),)
    assert settling_sets(policy, Person(), VOCABULARY) == (("flag", "n"),)


def test_a_parameter_without_a_value_is_named_like_a_fact() -> None:
    unset = t.Compare(BOOL, ">", N, t.Literal(SMALL, None, "limit"))
    policy = make_policy("p", leaf(unset))
    assert settling_sets(policy, Person({"n": 3}), VOCABULARY) == (("limit",),)
    assert settling_sets(policy, Person(), VOCABULARY, towards="surely") == (("limit", "n"),)


def test_a_divisor_of_zero_has_to_change() -> None:
    share = t.CompareRatio(BOOL, ">", N, K, t.Literal(SMALL, 1))
    policy = make_policy("p", leaf(share))
    assert settling_sets(policy, Person({"n": 3, "k": 0}), VOCABULARY) == (("k",),)
    assert settling_sets(policy, Person({"n": 0, "k": 0}), VOCABULARY) == (("k", "n"),)


@pytest.mark.parametrize("limit", [1, 2])
def test_who_asks_for_fewer_sets_is_told_that_there_are_more(limit: int) -> None:
    policy = make_policy("p", Condition("any", (leaf(FLAG), leaf(OTHER), leaf(compare(N, ">", 2)))))
    found = settling(policy, {"flag": None, "other": None, "n": None}, VOCABULARY, limit=limit, towards=("yes",))
    assert len(found.yes) == limit and found.more


def test_a_search_that_runs_out_of_work_says_so_instead_of_guessing() -> None:
    policy = make_policy("p", Condition("any", (leaf(FLAG), leaf(compare(N, ">", 2)))))
    found = settling(policy, {"flag": None, "n": None}, VOCABULARY, work=2, towards=("yes",))
    assert found.more and set(found.yes) <= {("flag",), ("n",)}
