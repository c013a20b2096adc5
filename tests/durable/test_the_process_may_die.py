"""durable-rules lives in a process of its own: it may die, hang or doubt itself, and no answer is wrong or partial."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from engine.durable_engine import DurableEngine
from engine.durable_process import DurableProcess
from engine.durable_rulesets import CANARY
from policies import tree as t
from policies.errors import DurableError
from policies.example_facts import ExampleFacts
from policies.policy import Condition, FixedPolicy
from tests.engine_compilers.generated_trees import BOOL, NUMBER, VOCABULARY, make_policy

PEOPLE = [ExampleFacts(f"x{number}", {"n": number % 100}) for number in range(3_000)]


def at_least(limit: int) -> FixedPolicy:
    compared = t.Compare(BOOL, ">=", t.Attribute(NUMBER, ("n",)), t.Literal(NUMBER, limit))
    return make_policy(f"p{limit}", Condition("leaf", expression=compared))


def definition(limit: int) -> str:
    rule = {"all": [{"m": {"$and": [{"kind": "case"}, {"$gte": {"n": limit}}]}}]}
    canary = {"all": [{"m": {"kind": "case"}}], "pri": 1000}
    return json.dumps({"old": rule, CANARY: canary})


def case(number: int) -> tuple[int, str]:
    return 0, json.dumps({"id": "e", "sid": "0", "kind": "case", "n": number})


def test_a_process_killed_again_and_again_changes_no_answer() -> None:
    stop = threading.Event()
    with DurableEngine([at_least(60), at_least(80)], VOCABULARY) as engine:
        expected = [[one.outcome for _, _, one in found] for found in engine.decide_many(PEOPLE)]

        def kill() -> None:
            while not stop.wait(0.2):
                if (pid := engine.process.pid) is not None:
                    os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            for start in range(0, len(PEOPLE), 100):
                part = PEOPLE[start : start + 100]
                found = [[one.outcome for _, _, one in answers] for answers in engine.decide_many(part)]
                assert found == expected[start : start + 100]
                time.sleep(0.02)
        finally:
            stop.set()
            killer.join()
        assert engine.process.restarts > 0


def test_a_segmentation_fault_between_two_questions_goes_unnoticed() -> None:
    with DurableProcess([definition(60)]) as process:
        assert process.evaluate([case(70)]) == [["old"]]
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSEGV)
        assert process.evaluate([case(50), case(60)]) == [[], ["old"]]
        assert process.restarts == 1


def test_a_process_that_dies_each_time_is_told_and_gives_no_partial_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIANSHEN_FAULT", "durable-case-decided:kill:3")
    with DurableProcess([definition(60)]) as process:
        assert process.evaluate([case(70), case(50)]) == [["old"], []]
        with pytest.raises(DurableError) as died:
            process.evaluate([case(number) for number in range(10)])
        assert died.value.diagnostics[0].code == "durable-process-died"
        assert "signal 9" in died.value.diagnostics[0].message.en


def test_a_process_that_hangs_is_ended_and_asked_again() -> None:
    with DurableProcess([definition(60)], deadline=0.5) as process:
        process.start()
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        assert process.evaluate([case(70)]) == [["old"]]
        assert process.restarts == 1


def test_an_answer_without_the_canary_is_not_believed() -> None:
    """A ruleset whose canary never fires, as if its answers got lost: every attempt is refused."""
    lost = json.dumps({"old": {"all": [{"m": {"$and": [{"kind": "case"}, {"$gte": {"n": 0}}]}}]}})
    with DurableProcess([lost]) as process, pytest.raises(DurableError) as refused:
        process.evaluate([case(70)])
    assert "exit code 70" in refused.value.diagnostics[0].message.en


def test_a_canary_that_is_not_the_last_to_fire_is_not_believed() -> None:
    early = json.loads(definition(60))
    early[CANARY]["pri"], early["old"]["pri"] = 0, 9
    with DurableProcess([json.dumps(early)]) as process:
        assert process.evaluate([case(50)]) == [[]]
        with pytest.raises(DurableError):
            process.evaluate([case(70)])


def test_rules_that_durable_rules_does_not_take_are_refused() -> None:
    with DurableProcess(['{"broken": {"all": [{"m": {"$in": {"a": 1}}}]}}']) as process:
        with pytest.raises(DurableError) as refused:
            process.start()
        assert refused.value.diagnostics[0].help is not None


def test_the_process_ends_with_its_parent_whatever_ends_the_parent(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from engine.durable_process import DurableProcess\n"
        "process = DurableProcess([sys.argv[1]])\n"
        "process.start()\n"
        "print(process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program, definition(60)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    pid = int(found.stdout)
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.1)
    else:
        pytest.fail("the child outlived its parent")


def test_closing_leaves_no_process_behind() -> None:
    engine = DurableEngine([at_least(60)], VOCABULARY)
    engine.start()
    pid = engine.process.pid
    engine.close()
    assert engine.process.pid is None and pid is not None and not psutil.pid_exists(pid)
    assert engine.decide(PEOPLE[70])[0][2].outcome.value == "eligible"  # asked again, it is started again
    engine.close()


def test_memory_stays_flat_over_many_cases() -> None:
    with DurableProcess([definition(60)]) as process:
        cases = [case(number % 100) for number in range(2_000)]
        process.evaluate(cases)
        assert process.pid is not None
        before = psutil.Process(process.pid).memory_info().rss
        for _ in range(20):
            process.evaluate(cases)
        assert psutil.Process(process.pid).memory_info().rss - before < 4_000_000


def test_the_process_is_replaced_after_many_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.durable_process.CASES_PER_PROCESS", 100)
    with DurableProcess([definition(60)]) as process:
        pids = set()
        for _ in range(5):
            assert process.evaluate([case(70)] * 60) == [["old"]] * 60
            pids.add(process.pid)
        assert len(pids) == 5 and process.restarts == 0


def test_several_threads_may_ask_one_process() -> None:
    with DurableProcess([definition(60)]) as process:
        wrong: list[int] = []

        def ask(number: int) -> None:
            for _ in range(20):
                if process.evaluate([case(number)]) != [["old"] if number >= 60 else []]:
                    wrong.append(number)

        threads = [threading.Thread(target=ask, args=(number,)) for number in (10, 59, 60, 99)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong


def test_a_value_that_durable_rules_cannot_hold_is_told() -> None:
    text = t.Attribute(VOCABULARY.spaces["citizen"].attributes["word"].type, ("word",))
    equal = t.Compare(BOOL, "==", text, t.Literal(text.type, "a"))
    with DurableEngine([make_policy("text", Condition("leaf", expression=equal))], VOCABULARY) as engine:
        for word, code in (("a" * 10_001, "text-too-long"), ("\ud800", "text-not-unicode")):
            with pytest.raises(DurableError) as refused:
                engine.decide(ExampleFacts("x", {"word": word}))
            assert refused.value.diagnostics[0].code == code
