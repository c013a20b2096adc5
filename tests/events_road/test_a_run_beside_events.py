"""Events that come between a run's allocation and its record change neither their grants nor its rules."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from engine import running
from engine.installation import Installation
from engine.ledger import audit
from tests.events_road.little_town import OLD, event, full_run, grants_in, open_road, post


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Calls what it is given after the run has allocated and before it records."""

    def set_up(work: Any) -> None:
        usual, called = running.fault_point, list[str]()

        def at(name: str) -> None:
            usual(name)
            if name == "allocated" and not called:
                called.append(name)
                done = threading.Thread(target=work)  # as another process would: not in the run's own thread
                done.start()
                done.join()

        monkeypatch.setattr(running, "fault_point", at)

    return set_up


def amounts(installation: Installation, *policies: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for policy, subject, _, _, amount, *_ in grants_in(installation, *policies):
        found.setdefault(subject, []).append((policy, amount))
    return found


def test_an_event_that_grants_while_a_run_records_breaks_no_exclusion_and_no_top_up(
    installation: Installation, between: Any
) -> None:
    # The run has allocated on the profiles as they were (Shanghai: 100 and a top-up of 80); then the person moves.
    with open_road(installation) as road:
        between(lambda: post(road, event("m1", "move", OLD[0], hukou_region="440305")))
        full_run(installation)
        answer = post(road, event("m1", "move", OLD[0], hukou_region="440305")).answer
        road._log.close()
    assert [(one.policy, one.amount) for one in answer.granted] == [("regional-allowance", 25_000)]
    (mover,) = {one.subject for one in answer.granted}
    mine = dict(amounts(installation, "regional-allowance", "top-up", "bonus-small", "bonus-large")[mover])
    # The regional allowance is granted once, by the event; the bonus of the run is neither lost nor doubled.
    assert mine["regional-allowance"] == 25_000
    assert len([name for name in mine if name.startswith("bonus-")]) <= 1
    assert audit.verify(installation.ledger).intact


def test_a_benefit_granted_by_an_event_rules_out_what_the_run_had_chosen(
    installation: Installation, between: Any
) -> None:
    person = OLD[5]  # 84: the run chooses the large bonus; the event comes to the same and is first
    with open_road(installation) as road:
        between(lambda: post(road, event("m2", "move", person, hukou_region="310101")))
        full_run(installation)
        answer = post(road, event("m2", "move", person, hukou_region="310101")).answer
        road._log.close()
    subjects = {one.subject for one in answer.granted}
    for name in subjects:
        held = amounts(installation, "bonus-small", "bonus-large")[name]
        assert len(held) == 1
    full_run(installation)
    exclusive = amounts(installation, "bonus-small", "bonus-large")
    assert all(len(held) == 1 for held in exclusive.values())


def test_a_killed_run_and_an_event_between_end_as_if_nobody_had_died(installation: Installation) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from engine.installation import Installation\n"
        "from profiles.home import Home\n"
        "from tests.events_road.little_town import RULES, full_run\n"
        "full_run(Installation(Home(Path(sys.argv[2])), RULES))\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    killed = subprocess.run(
        [sys.executable, "-c", code, root, str(installation.home.path)],
        env={**os.environ, "MIANSHEN_FAULT": "bucket-recorded:kill:3"}, check=False, timeout=120,
    )  # fmt: skip
    assert killed.returncode == -9
    with open_road(installation) as road:
        for number, person in enumerate(OLD[:6]):
            post(road, event(f"m{number}", "move", person, hukou_region="310101"))
        road._log.close()
    full_run(installation)
    held = amounts(installation, "bonus-small", "bonus-large")
    assert held and all(len(one) == 1 for one in held.values())
    assert audit.verify(installation.ledger).intact
