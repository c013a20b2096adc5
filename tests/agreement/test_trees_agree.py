"""Trees that no rule file would say, and what a grant carries besides its amount: the engines agree there too."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.columnar import decide_all
from engine.interpreter import decide_units
from policies.policy import FixedPolicy
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


def test_claims_and_the_order_of_need_are_the_same_in_a_batch() -> None:
    compared = 0
    for seed in range(25):
        case = draw_case(Random(seed), 8)
        expected = claims_by_interpreter(case.fixed(), case.town)
        assert claims_by_columns(case.fixed(), case.town) == expected
        compared += sum(key is not None or need is not None for key, need in expected.values())
    assert compared > 20
