"""The benchmark compares like with like: both ways of matching must find the same."""

from __future__ import annotations

import pytest

from engine.benchmark_policies import ON, SPACE, benchmark_policies, population_chunk
from engine.decision import Outcome
from engine.interpreter import decide
from engine.matching_benchmark import (
    Tally,
    engine_leg,
    hand_leg,
    match_benchmark,
    require_equal,
    write_population,
)
from policies.errors import RunError


def test_the_benchmark_reports_what_it_measured() -> None:
    stages: list[str] = []
    report = match_benchmark(4_000, 12, seed=3, on_progress=lambda stage, done, total: stages.append(stage))
    assert report["subjects"] == 4_000
    assert report["subjects_of_a_fifth"] == 800
    assert int(str(report["matches"])) > 0
    assert {"write", "match"} == set(stages)


def test_both_ways_agree_across_buckets_and_with_the_reference(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("engine.matching_benchmark.BUCKET", 300)
    file = str(tmp_path / "profiles.parquet")
    write_population(file, 1_000, 5, lambda stage, done, total: None)
    ours, theirs = (leg(file, 1_000, 40, 5).tallies for leg in (engine_leg, hand_leg))
    assert ours == theirs
    assert sum(tally.undetermined for tally in ours) > 0
    people = population_chunk(0, 300, 5).to_dicts()
    for policy, tally in zip(benchmark_policies(5, 5), engine_leg(file, 300, 5, 5).tallies, strict=True):
        decisions = [decide(policy.fixed, _Row(person)) for person in people]
        assert sum(one.outcome is Outcome.ELIGIBLE for one in decisions) == tally.matched
        assert sum(one.amount or 0 for one in decisions) == tally.amount


def test_a_difference_between_the_two_ways_is_an_error() -> None:
    with pytest.raises(RunError, match="differ for policy 1"):
        require_equal([Tally(1, 0, 0), Tally(2, 0, 0)], [Tally(1, 0, 0), Tally(3, 0, 0)])


class _Row:
    """The facts of one row of the benchmark's file."""

    def __init__(self, row: dict) -> None:
        self.row = row

    def value(self, path):
        found = self.row[path[0]]
        return (found - ON).days + (ON.toordinal() - 719_163) if hasattr(found, "year") else found

    def items(self, path):
        raise AssertionError(f"{SPACE} has no collections")
