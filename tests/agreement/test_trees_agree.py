"""Trees that no rule file would say, and what a grant carries besides its amount: the engines agree there too."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.columnar import decide_all
from engine.expression_functions import function_of
from engine.interpreter import decide_units
from engine.interpreter_values import Surroundings, evaluate
from policies.policy import Condition, FixedPolicy
from policies.tree import Node
from tests.agreement.engines import (
    Answers,
    answer,
    claims_by_columns,
    claims_by_interpreter,
    from_matches,
)
from tests.agreement.test_all_engines_agree import draw_case
from tests.engine_compilers.generated_trees import World, make_world
from tests.engine_compilers.test_both_compilers_agree import generated_policy


def by_reference(fixed: list[FixedPolicy], world: World) -> Answers:
    return {
        (one.policy.id, subject, unit): answer(decision)
        for one in fixed
        for subject in world.subjects[one.policy.space]
        for unit, decision in decide_units(one, world.facts(one.policy.space, subject))
    }


@given(seed=st.integers(0, 10**9))
@settings(max_examples=25)
def test_generated_trees_are_settled_by_the_same_facts_in_a_batch(seed: int) -> None:
    world = make_world(seed)
    fixed = [generated_policy(seed * 10 + number, number, 4) for number in range(6)]
    assert from_matches(decide_all(fixed, world.population()), fixed) == by_reference(fixed, world)


@given(seed=st.integers(0, 10**9))
@settings(max_examples=40)
def test_an_expression_as_a_function_has_the_value_of_its_tree(seed: int) -> None:
    world = make_world(seed)
    for number in range(6):
        fixed = generated_policy(seed * 10 + number, number, 4)
        parts = [*leaves(fixed.eligibility), *([fixed.amount] if fixed.amount is not None else [])]
        functions = [function_of(part) for part in parts]
        for subject in world.subjects[fixed.policy.space]:
            whole = world.facts(fixed.policy.space, subject)
            name = fixed.policy.for_each
            units = [(whole,)] if name is None else [(whole, unit) for unit in whole.items((name,)) or ()]
            for facts in units:
                at = Surroundings(facts, len(facts) > 1, {}, None)
                assert [one(facts) for one in functions] == [evaluate(part, at).value for part in parts]


def leaves(condition: Condition) -> list[Node]:
    if condition.expression is not None:
        return [condition.expression]
    return [node for child in condition.children for node in leaves(child)]


def test_claims_and_the_order_of_need_are_the_same_in_a_batch() -> None:
    compared = 0
    for seed in range(25):
        case = draw_case(Random(seed), 8)
        expected = claims_by_interpreter(case.fixed(), case.town)
        assert claims_by_columns(case.fixed(), case.town) == expected
        compared += sum(key is not None or need is not None for key, need in expected.values())
    assert compared > 20
