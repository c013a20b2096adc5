"""Ranges never leave out what can happen: every single decision lies within what was called possible."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.decision import Outcome
from engine.evidence_facts import decide_again
from engine.interpreter import decide
from engine.possible_evaluation import ordered
from engine.possible_values import NO, UNKNOWN, YES, Choice, Possible, Span, all_of, any_of, opposite
from engine.searching import input_values, question_of
from policies.types import Value
from tests.engine_compilers.generated_trees import VOCABULARY, make_world
from tests.engine_compilers.test_both_compilers_agree import generated_policy

BITS = {Outcome.ELIGIBLE: YES, Outcome.INELIGIBLE: NO, Outcome.UNDETERMINED: UNKNOWN}


def widened(r: random.Random, now: Value, domain: Possible) -> Possible:
    if isinstance(domain, Span):
        assert isinstance(now, int)
        return Span(now - r.choice([0, 1, 5, 400]), now + r.choice([0, 1, 30, 2000]))
    return domain


def drawn(r: random.Random, possible: Possible) -> Value:
    if isinstance(possible, Span):
        return r.choice([possible.low, possible.high, r.randint(possible.low, possible.high)])
    return r.choice(sorted(possible.values)) if isinstance(possible, Choice) else r.random() < 0.5


@given(st.integers(0, 10**9))
@settings(max_examples=150, deadline=None)
def test_what_is_decided_was_possible_and_a_single_value_is_exact(seed: int) -> None:
    r = random.Random(seed)
    fixed, world = generated_policy(seed, 0, 4), make_world(seed)
    space, for_each = fixed.policy.space, fixed.policy.for_each
    for subject in world.subjects[space]:
        facts = world.facts(space, subject)
        for unit in [None] if for_each is None else facts.items((for_each,)) or []:
            now = input_values(fixed, facts, unit)
            question = question_of(fixed, now, VOCABULARY, 10**6)
            assert question.answer({}) == BITS[decide(fixed, facts, unit).outcome]
            known = [name for name, value in now.items() if value is not None and r.random() < 0.4]
            box = {name: widened(r, now[name], question.domains[name]) for name in known}
            possible = question.answer(box)
            for _ in range(5):
                other = {**now, **{name: drawn(r, box[name]) for name in known}}
                assert BITS[decide_again(fixed, other).outcome] & possible


@pytest.mark.parametrize("left", range(1, 8))
@pytest.mark.parametrize("right", range(1, 8))
def test_conjunction_and_disjunction_of_possible_truths_are_exact(left: int, right: int) -> None:
    def kleene(one: int, other: int) -> int:
        return NO if NO in (one, other) else UNKNOWN if UNKNOWN in (one, other) else YES

    pairs = [(one, other) for one in (1, 2, 4) if one & left for other in (1, 2, 4) if other & right]
    assert all_of((left, right)) == sum({kleene(*pair) for pair in pairs})
    either = {opposite(kleene(opposite(one), opposite(other))) for one, other in pairs}
    assert any_of((left, right)) == sum(either)


@given(st.lists(st.integers(-4, 4), min_size=4, max_size=4), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
@settings(max_examples=150, deadline=None)
def test_comparisons_of_ranges_are_exact(ends: list[int], operator: str) -> None:
    (a, b), (c, d) = sorted(ends[:2]), sorted(ends[2:])
    compare = {
        "<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__, "==": int.__eq__, "!=": int.__ne__,
    }[operator]  # fmt: skip
    found = {YES if compare(one, other) else NO for one in range(a, b + 1) for other in range(c, d + 1)}
    assert ordered(operator, Span(a, b), Span(c, d)) == sum(found)
