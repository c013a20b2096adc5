"""The benchmark of runs after changes measures real runs, and holds them against a full one."""

from __future__ import annotations

from engine.incremental_benchmark import incremental_benchmark


def test_the_benchmark_compares_with_a_full_run() -> None:
    measured = incremental_benchmark(600, one_in=20, second_opinion=5)
    assert measured["equal"] is True
    assert int(str(measured["grants"])) > 10
    assert 0 < float(str(measured["share_of_decisions"])) < 1
    assert measured["decisions_after_nothing"] != measured["decisions_after_change"]
