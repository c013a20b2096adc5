"""Processes on idle cores take a share of the second opinion: the opinion is that of one process alone."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.columnar import Compiled
from engine.decision import Population
from engine.matches import Matches
from engine.opinion_deciding import Noted, Opinion, Share
from engine.opinion_processes import OpinionProcesses, shares
from engine.run_report import RunReport
from engine.running import run
from tests.incremental.changing_town import Town, moved_in, settled_town, what_it_says

DECIDE = Compiled.decide
START = OpinionProcesses.start
SHARE_OUT = OpinionProcesses.share_out


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("opinions") / "town"
    settled_town(folder)
    return folder


@pytest.fixture
def town(settled: Path, tmp_path: Path) -> Town:
    return moved_in(settled, tmp_path / "town", "alone", "shared")


def share_out(patch: pytest.MonkeyPatch, number: int = 2, *, wait: bool = True) -> list[int]:
    """Have `number` processes take their share of whatever there is; return how many were asked each time."""
    asked: list[int] = []

    def start(self: OpinionProcesses, *about: Any) -> None:
        START(self, *about)
        until = time.monotonic() + 60
        while wait and len(self.ready()) < number and time.monotonic() < until:
            time.sleep(0.05)

    def counted(self: OpinionProcesses, noted: Share) -> object:
        own, others = SHARE_OUT(self, noted)
        asked.append(len(others))
        return own, others

    patch.setattr("engine.opinion_processes.idle_cores", lambda: number)
    patch.setattr("engine.opinion_processes._WORTH_STARTING", 1)
    patch.setattr("engine.opinion_processes._WORTH_SHARING", 1)
    patch.setattr(OpinionProcesses, "start", start)
    patch.setattr(OpinionProcesses, "share_out", counted)
    return asked


def do(town: Town, ledger: str) -> RunReport:
    return run(
        town.ledgers[ledger], town.snapshot(), town.policies, town.vocabulary, town.day, reopen=town.reopen,
        second_opinion=None, differences=town.folder / ledger,
    )  # fmt: skip


def opinions(report: RunReport) -> dict[str, Opinion]:
    return {one.policy: one.opinion for one in report.policies}


def answer_wrongly(patch: pytest.MonkeyPatch, name: str) -> None:
    """Let the batch compiler turn every answer of one policy round."""

    def wrong(self: Compiled, population: Population) -> Matches:
        found = DECIDE(self, population)
        results = dict(found.results)
        if name in results:
            results[name] = replace(results[name], eligible=~results[name].eligible)
        return Matches(results, found.errors)

    patch.setattr(Compiled, "decide", wrong)


def test_a_shared_opinion_is_that_of_one_process_in_full_and_in_later_runs(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for later in (False, True):
        if later:
            town.take("population", range(20), seed=5)
            town.post("birth", 3, 1)
        alone = do(town, "alone")
        with monkeypatch.context() as patch:
            asked = share_out(patch)
            shared = do(town, "shared")
        assert max(asked) == 2
        assert opinions(shared) == opinions(alone)
        assert sum(one.decided for one in opinions(alone).values()) > 100
        assert what_it_says(town.ledgers["shared"]) == what_it_says(town.ledgers["alone"])


def test_a_difference_in_the_share_of_another_process_holds_the_policy_and_is_kept(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_wrongly(monkeypatch, "senior")
    alone = do(town, "alone")
    share_out(monkeypatch, 3)
    shared = do(town, "shared")
    assert opinions(alone)["senior"].differences > 3
    assert opinions(shared)["senior"].differences == opinions(alone)["senior"].differences
    assert next(one for one in shared.policies if one.policy == "senior").held is not None
    assert [one.policy for one in shared.policies if one.held] == [one.policy for one in alone.policies if one.held]
    assert len(list((town.folder / "shared").iterdir())) == 3


@pytest.mark.parametrize("fault", ["opinion-share-asked:kill", "opinion-share-asked:raise"])
def test_a_process_that_dies_over_its_share_changes_no_opinion(
    town: Town, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    alone = do(town, "alone")
    monkeypatch.setenv("MIANSHEN_FAULT", fault)
    asked = share_out(monkeypatch)
    shared = do(town, "shared")
    assert max(asked) == 2 and opinions(shared) == opinions(alone)


def test_a_process_that_stands_still_is_given_up(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = do(town, "alone")
    asked = share_out(monkeypatch, 1)
    monkeypatch.setattr("engine.opinion_processes._PATIENCE", 1.0)
    sharing = OpinionProcesses.share_out

    def stopped(self: OpinionProcesses, noted: Share) -> object:
        for child in self.ready():
            assert child.pid is not None
            os.kill(child.pid, signal.SIGSTOP)
        return sharing(self, noted)

    monkeypatch.setattr(OpinionProcesses, "share_out", stopped)
    assert opinions(do(town, "shared")) == opinions(alone) and max(asked) == 1


def test_who_is_not_ready_is_not_waited_for(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = do(town, "alone")
    monkeypatch.setattr("engine.opinion_processes.ChildProcess.says_something", lambda self: False)
    asked = share_out(monkeypatch, wait=False)
    assert opinions(do(town, "shared")) == opinions(alone) and max(asked) == 0


def test_no_process_is_left_when_the_opinion_is_given(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[int] = []
    share_out(monkeypatch)
    closing = OpinionProcesses.close

    def close(self: OpinionProcesses) -> None:
        children.extend(child.pid or 0 for child in self.ready())
        closing(self)

    monkeypatch.setattr(OpinionProcesses, "close", close)
    do(town, "shared")
    assert len(children) == 2 and not any(Path(f"/proc/{one}").exists() for one in children)


NAMES = st.sampled_from(["a", "b", "c"])
SUBJECTS = st.sampled_from([f"s{n}" for n in range(9)])


@given(
    st.dictionaries(NAMES, st.dictionaries(SUBJECTS, st.sets(st.sampled_from(["", "u", "v"]), max_size=3)), max_size=3),
    st.integers(1, 4),
    st.sets(NAMES).map(frozenset),
)
def test_every_question_goes_to_one_process_with_its_answers(
    asked: dict[str, dict[str, set[str]]], number: int, here: frozenset[str]
) -> None:
    noted: Share = {"citizen": {
        name: Noted(sorted(of), {(subject, unit): (True, None) for subject, units in of.items() for unit in units})
        for name, of in asked.items()
    }}  # fmt: skip
    divided = shares(noted, number, here)
    assert len(divided) == number
    for name, whole in noted["citizen"].items():
        parts = [share.get("citizen", {}).get(name, Noted()) for share in divided]
        assert sorted(subject for part in parts for subject in part.subjects) == whole.subjects
        assert {key: answer for part in parts for key, answer in part.given.items()} == whole.given
        assert all({subject for subject, _ in part.given} <= set(part.subjects) for part in parts)
        assert name not in here or not any(part.subjects for part in parts[1:])
