"""No event is lost and none grants twice, whichever process dies at whatever moment."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.durable_engine import DurableEngine
from engine.events.opening import firing_engine
from engine.installation import Installation
from engine.ledger import audit
from profiles.events.log import EventLog
from profiles.home import Home
from tests.events_road.little_town import (
    FIRMS,
    MIDDLE,
    OLD,
    RULES,
    TODAY,
    citizen,
    event,
    granted,
    grants_in,
    open_road,
    post,
)

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("post_in_a_process.py")
EVENTS = [
    event("k1", "birth", MIDDLE[0], child=citizen(3, "20261120"), hukou_region="310115", lawful_birth=True),
    event("k2", "move", OLD[0], hukou_region="310101"),
    event("k3", "death", OLD[2]),
    event("k4", "hire", MIDDLE[15], employer=FIRMS[4], record_number="N1", contract_months=24),
]


def fault_points() -> list[str]:
    """Every place of the road in which a process may die."""
    text = "".join(file.read_text("utf-8") for file in sorted((ROOT / "engine" / "events").glob("*.py")))
    return sorted(set(re.findall(r'fault_point\("([a-z-]+)"\)', text)))


@pytest.fixture(scope="module")
def undisturbed(settled: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """What is granted if nobody dies."""
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    shutil.copytree(settled, home)
    installation = Installation(Home(home), RULES)
    with open_road(installation) as road:
        for raw in EVENTS:
            post(road, raw)
    installation.ledger.close()
    return grants_in(installation)


def posted_elsewhere(home: Path, events: Sequence[object], **environment: str) -> subprocess.CompletedProcess[str]:
    file = home.parent / "events.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in events), "utf-8")
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(home), str(file)],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_there_is_a_fault_point_at_every_hand_over() -> None:
    assert len(fault_points()) >= 6


@pytest.mark.parametrize("name", fault_points())
def test_a_killed_poster_loses_no_event_and_grants_none_twice(
    name: str, installation: Installation, undisturbed: list[tuple[Any, ...]]
) -> None:
    done = posted_elsewhere(installation.home.path, EVENTS, MIANSHEN_FAULT=f"{name}:kill")
    assert done.returncode == -signal.SIGKILL, done.stderr
    with open_road(installation) as road:
        road.take_up(TODAY)
        assert road._log.unanswered() == []
        answers = [post(road, raw) for raw in EVENTS]  # the sender heard nothing and posts everything again
        assert [one.answer.number for one in answers] == [1, 2, 3, 4]
        assert [post(road, raw).answer for raw in EVENTS] == [one.answer for one in answers]
        road._log.close()
    assert grants_in(installation) == undisturbed
    told = {number for one in answers for number in [each.grant for each in one.answer.granted]}
    with installation.ledger.reading() as connection:
        recorded = set(connection.exec_driver_sql('select id from "grant"').scalars())
    assert told == recorded
    assert audit.verify(installation.ledger).intact


def test_the_death_of_the_engine_between_events_is_not_noticed(installation: Installation) -> None:
    engines: list[DurableEngine] = []

    def keeping(*arguments: Any) -> DurableEngine:
        engines.append(firing_engine(*arguments))
        return engines[-1]

    with open_road(installation, keeping) as road:
        road.ready(TODAY)
        for number, raw in enumerate(EVENTS):
            process = engines[0].process.pid
            assert process is not None
            os.kill(process, signal.SIGKILL if number % 2 else signal.SIGSEGV)
            assert granted(post(road, raw))
        road._log.close()
    assert len(engines) == 1


def test_an_event_that_cannot_be_decided_now_stays_and_is_taken_up_later(installation: Installation) -> None:
    class Dead(DurableEngine):
        def decide(self, *_: Any, **__: Any) -> Any:
            from policies.errors import DurableError

            raise DurableError.of("durable-dead", "进程无法维持", "the process cannot be kept running")

    with open_road(installation, lambda fixed, vocabulary: Dead(fixed, vocabulary)) as road:
        with pytest.raises(Exception, match="cannot be kept running"):
            post(road, EVENTS[0])
        assert [one.number for one in road._log.unanswered()] == [1]
        road._log.close()
    assert grants_in(installation) == []
    with open_road(installation) as road:
        taken_up = road.take_up(TODAY)
        assert [(one.policy, one.amount) for one in taken_up[0].granted] == [("family-allowance", 360_000)]
        road._log.close()
    with EventLog(installation.home, installation.catalog) as log:
        assert log.unanswered() == []
