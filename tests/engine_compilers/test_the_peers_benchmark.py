"""The peers are given the same policies and the same people, and find the same; growth is measured as it says."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

import engine.growth_benchmark as growth
from engine.benchmark_policies import benchmark_policies
from engine.peers.plain_policies import Begins, Between, Is, OneOf, Share, Steps, complete_people, plain_policies
from engine.peers.tally import Found
from engine.peers_benchmark import PEERS, Measured, measure, peers_benchmark, require_equal, require_installed
from notifier.console.benchmarks import run_benchmarks
from notifier.console.speech import Speech
from policies.errors import MianshenError, RunError, SettingsError

INSTALLED = [number for number, peer in enumerate(PEERS) if find_spec(peer.module) is not None]


@pytest.mark.parametrize("number", INSTALLED, ids=[PEERS[number].name for number in INSTALLED])
def test_every_peer_that_is_installed_finds_what_the_batch_finds(number: int) -> None:
    ours, theirs = measure(0, 150, 150, 70, 3), measure(number, 150, 150, 70, 3)
    assert sum(one.matched for one in ours.found) > 0
    assert theirs.found == ours.found


def test_the_plain_policies_use_every_kind_of_test_and_amount() -> None:
    policies = plain_policies(100, 1)
    assert {type(test) for one in policies for test in one.tests} == {Between, OneOf, Begins, Is}
    assert {type(one.amount) for one in policies} == {int, Steps, Share}
    assert [one.name for one in policies] == [one.fixed.policy.id for one in benchmark_policies(100, 1)]


def test_the_people_of_the_peers_have_no_gaps_because_the_peers_know_no_unknown() -> None:
    assert sum(complete_people(2_000, 1).null_count().row(0)) == 0


def test_a_difference_between_two_engines_is_an_error_and_nothing_is_reported() -> None:
    ours = Measured("ours", "1", "columns", 10, 0.1, 0.1, (Found(1, 5), Found(2, 6)))
    wrong = Measured("theirs", "1", "columns", 10, 0.1, 0.1, (Found(1, 5), Found(2, 7)))
    with pytest.raises(RunError, match="`theirs` differs for policy 1"):
        require_equal([ours, wrong], {10: ours})


def test_peers_that_are_missing_are_named_with_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr("engine.peers_benchmark.find_spec", lambda module: None if module == "zen" else object())
    with pytest.raises(SettingsError, match=r"zen-engine.*\n.*mianshen\[peers\]"):
        require_installed()


def test_the_report_has_a_row_for_every_engine_or_says_what_is_missing() -> None:
    if len(INSTALLED) < len(PEERS):
        with pytest.raises(MianshenError, match="peers"):
            peers_benchmark(1_000, 20, 5)
        return
    rows = peers_benchmark(1_000, 20, 5)
    assert [row["engine"] for row in rows] == [peer.name for peer in PEERS]
    assert rows[0]["ratio"] == 1.0 and all(float(str(row["seconds"])) > 0 for row in rows)
    assert {row["people"] for row in rows} == {1_000, 20}


def test_growth_is_measured_by_policies_and_by_subjects(monkeypatch) -> None:
    monkeypatch.setattr(growth, "POLICIES", (1, 5))
    monkeypatch.setattr(growth, "SUBJECTS", (1_000, 2_000, 4_000))
    monkeypatch.setattr(growth, "ROWS", 2_000)
    rows = growth.growth_benchmark(4_000, policies=5)
    assert [(row["subjects"], row["policies"]) for row in rows] == [(1_000, 1), (1_000, 5), (2_000, 5), (4_000, 5)]
    # The file is read over and over: twice as many subjects are the same people twice.
    assert rows[3]["matches"] == 2 * int(str(rows[2]["matches"]))


def test_a_benchmark_that_there_is_not_is_told_with_a_suggestion() -> None:
    with pytest.raises(SettingsError, match=r"no benchmark called `peeers`\n.*did you mean `peers`"):
        run_benchmarks(None, Speech("en"), as_json=False, parts=("peeers",))
