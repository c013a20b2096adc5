"""Tests of codes are worked out once per distinct code; nobody's answer may depend on that."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from engine.benchmark_policies import BenchmarkPolicy, benchmark_policies, benchmark_vocabulary, population_chunk
from engine.columnar import Compiled
from engine.columnar_codes import CodedColumns
from engine.columnar_frames import with_derived
from engine.columnar_programs import compile_policies
from engine.frames_population import FramesPopulation

VOCABULARY = benchmark_vocabulary()
POLICIES: list[BenchmarkPolicy] = benchmark_policies(40, seed=3)
FIXED = [policy.fixed for policy in POLICIES]


def _answers(people: pl.DataFrame) -> dict[str, list[bool | None]]:
    matches = Compiled(FIXED, VOCABULARY).decide(FramesPopulation(VOCABULARY, {"citizen": people}, {}))
    return {name: matches.outcomes(name)["eligible"].to_list() for name in matches.policies}


@given(st.integers(0, 2**31), st.sampled_from([0, 1, 2, 700]))
def test_everybody_gets_the_answer_of_a_test_made_row_by_row(seed: int, people: int) -> None:
    frame = population_chunk(0, people, seed)
    by_hand = frame.select(policy.eligible.alias(policy.fixed.policy.id) for policy in POLICIES)
    amounts_unknown = {policy.fixed.policy.id for policy in POLICIES if policy.amount is not None}
    for name, answers in _answers(frame).items():
        if name not in amounts_unknown:
            assert answers == by_hand[name].to_list(), name


def test_an_unknown_code_stays_unknown_and_a_column_of_unknowns_is_no_fault() -> None:
    frame = population_chunk(0, 300, 1).with_columns(pl.lit(None, pl.String).alias(f"code_{n}") for n in range(7))
    by_hand = frame.select(policy.eligible.alias(policy.fixed.policy.id) for policy in POLICIES)
    answers = _answers(frame)
    for policy in POLICIES:
        if policy.amount is None:
            name = policy.fixed.policy.id
            assert answers[name] == by_hand[name].to_list(), name


def test_only_columns_of_few_codes_with_several_tests_are_encoded() -> None:
    scope = compile_policies(FIXED, VOCABULARY).subjects["citizen"]
    tested = {name: derived.tested for name, derived in scope.derived.items() if derived.tested is not None}
    assert len(tested) > 30
    columns = dict.fromkeys(tested.values(), "code_0")
    few = population_chunk(0, 2_000, 1).select(pl.col(old).alias(new) for new, old in columns.items())
    many = pl.DataFrame({column: [str(n) for n in range(2_000)] for column in columns})
    _, added = CodedColumns(few).with_tests(scope, tested)
    assert added == {n for n, c in tested.items() if list(tested.values()).count(c) > 2}
    frame, none_added = CodedColumns(many).with_tests(scope, tested)
    assert not none_added
    row_by_row = with_derived(frame, scope, frozenset(tested)).collect().to_native()
    assert set(tested) <= set(row_by_row.columns)
