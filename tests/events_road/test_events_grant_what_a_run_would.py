"""An event grants its subjects what a full run over the same profiles would, alone or beside a run."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.events import recording
from engine.installation import Installation
from engine.ledger import audit
from engine.ledger.funds import appropriate, balances
from policies.text import Bilingual
from profiles.events.log import EventLog
from profiles.home import Home
from tests.events_road.little_town import (
    FIRMS,
    MIDDLE,
    NOW,
    OLD,
    RULES,
    TODAY,
    citizen,
    event,
    full_run,
    grants_in,
    household,
    open_road,
    post,
)

REGIONS = ("310101", "310115", "440305", "110101", "350203")


def copied(settled: Path, folder: Path) -> Installation:
    shutil.copytree(settled, folder)
    return Installation(Home(folder), RULES)


def random_events(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Events of different subjects, so that their order does not matter."""
    chance = random.Random(seed)
    old, middle = chance.sample(range(20), 20), chance.sample(range(20), 20)
    # Whole households stay apart: the old one of a number and the middle-aged one live together.
    middle = [number for number in middle if number not in old[:10]]
    for number in range(count):
        kind = chance.choice(["birth", "death", "move", "move", "hire", "layoff", "change", "class"])
        key, older, younger = f"e{number}", OLD[old[number % 10]], MIDDLE[middle[number % len(middle)]]
        day = f"2026-11-{chance.randint(11, 22)}"
        if kind == "birth":
            child = citizen(number + 1, day.replace("-", ""))
            lawful = chance.choice([{"lawful_birth": True}, {"lawful_birth": False}, {}])
            yield event(key, kind, younger, day, child=child, hukou_region=chance.choice(REGIONS), **lawful)
        elif kind == "death":
            yield event(key, kind, older, day)
        elif kind == "move":
            yield event(key, kind, older, day, hukou_region=chance.choice(REGIONS))
        elif kind == "hire":
            months = chance.choice([6, 11, 12, 36])
            yield event(key, kind, younger, day, employer=FIRMS[number % 5], record_number=f"N{number}", contract_months=months)  # fmt: skip
        elif kind == "layoff":
            yield event(key, kind, younger, day, involuntary=True)
        elif kind == "change":
            yield event(key, "household_change", household(old[number % 10] + 1), day, size=chance.randint(1, 5))
        else:
            yield event(key, "reclassification", FIRMS[number % 5], day, insured_size_class=chance.choice(["XS", "S"]))


@pytest.mark.parametrize("run_before", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_event_grants_what_a_full_run_over_the_patched_profiles_grants(
    settled: Path, tmp_path: Path, seed: int, run_before: bool
) -> None:
    by_event, by_run = copied(settled, tmp_path / "a"), copied(settled, tmp_path / "b")
    if run_before:
        full_run(by_event), full_run(by_run)
    subjects: set[tuple[str, str]] = set()
    with open_road(by_event) as road, EventLog(by_run.home, by_run.catalog) as log:
        for raw in random_events(seed, 10):
            answer = post(road, raw).answer
            stored = log.store(raw, today=TODAY, received_at=NOW, actor="agency")
            assert stored.number == answer.number
            subjects |= {(subject, name) for _, subject in stored.subjects for name in answer.policies}
        road._log.close()
    full_run(by_run)
    # Past grants are facts: what an event granted is a fact for the next one, within a run it is none.
    concerned = {pair for pair in subjects if pair[1] != "loyalty"}
    granted = [row for row in grants_in(by_event) if (row[1], row[0]) in concerned]
    assert granted == [row for row in grants_in(by_run) if (row[1], row[0]) in concerned]
    assert {row for row in grants_in(by_event) if row[0] != "loyalty"} <= set(grants_in(by_run))
    assert audit.verify(by_event.ledger).intact


def rows_of(installation: Installation) -> list[tuple[Any, ...]]:
    """Everything an event writes into the ledger but the hashes and times."""
    found: list[tuple[Any, ...]] = []
    with installation.ledger.reading() as connection:
        for name, columns in (
            (
                "grant",
                'id, subject, space, policy, unit, amount, kind, stage, payee, fund, "on", run, bucket, evidence',
            ),
            ("announcement", 'id, subject, space, "grant", policy, kind, data, "on", routed'),
            ("fund_entry", "fund, policy, run, bucket, kind, amount"),
            ("checkpoint", "run, bucket, grants, digest"),
            ("event_decision", "run, event, answer, policies"),
        ):
            rows = connection.exec_driver_sql(f'select {columns} from "{name}" order by 1, 2, 3').fetchall()
            found += [(name, *row) for row in rows]
        found += [("audit", *row) for row in connection.exec_driver_sql("select action, detail from audit_entry")]
    return found


def test_the_short_way_to_the_ledger_writes_what_the_long_way_writes(
    settled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, long = copied(settled, tmp_path / "a"), copied(settled, tmp_path / "b")
    for installation in (short, long):
        if installation is long:
            monkeypatch.setattr(recording, "stand_alone", lambda names, terms: False)
        with open_road(installation) as road:
            for raw in random_events(7, 12):
                post(road, raw)
            road._log.close()
    assert rows_of(short) == rows_of(long)
    assert len(rows_of(short)) > 30


def test_a_fund_that_runs_out_leaves_later_events_waiting_and_is_never_overdrawn(settled: Path, tmp_path: Path) -> None:
    installation = copied(settled, tmp_path / "a")
    appropriate(installation.ledger, "childcare-subsidy", 800_000, title=Bilingual("童", "child"), actor="zhao")
    with open_road(installation) as road:
        answers = [
            post(road, event(f"b{n}", "birth", MIDDLE[n], child=citizen(n + 1, "20261120"), lawful_birth=True)).answer
            for n in range(4)
        ]
        road._log.close()
    assert [len(one.granted) for one in answers] == [1, 1, 0, 0]
    assert [[(each.policy, each.reason) for each in one.waiting] for one in answers[2:]] == [
        [("family-allowance", "fund")],
        [("family-allowance", "fund")],
    ]
    fund = next(one for one in balances(installation.ledger) if one.fund == "childcare-subsidy")
    assert fund.used == 720_000


def test_a_run_and_events_at_once_come_to_what_they_come_to_one_after_another(settled: Path, tmp_path: Path) -> None:
    serial, parallel = copied(settled, tmp_path / "a"), copied(settled, tmp_path / "b")
    events = list(random_events(11, 8))
    for installation in (serial, parallel):
        with open_road(installation) as road:
            road.ready(TODAY)
            if installation is serial:
                full_run(installation)
                for raw in events:
                    post(road, raw)
            else:
                other = Installation(installation.home, RULES)
                batch = threading.Thread(target=full_run, args=(other,))
                batch.start()
                for raw in events:
                    post(road, raw)
                batch.join()
            road._log.close()
        full_run(installation), full_run(installation)
        assert audit.verify(installation.ledger).intact
    # Who died or moved while the run went on may have been granted by it before: nobody else differs.
    moving = {one["subject"] for one in events}
    assert len(moving) <= 8
    different = set(grants_in(serial)) ^ set(grants_in(parallel))
    with EventLog(parallel.home, parallel.catalog) as log:
        touched = {subject for one in log.events() for _, subject in one.subjects}
    assert {row[1] for row in different} <= touched
    exclusive = [row[1] for row in grants_in(parallel) if row[0].startswith("bonus-")]
    assert len(exclusive) == len(set(exclusive))
