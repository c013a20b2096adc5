"""A process killed at any moment, and several at once: an event is there whole and once, or not at all."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import profiles
from policies.errors import EventError, StoreError
from profiles.catalog_model import Catalog
from profiles.events.log import EventLog
from profiles.events.patches import event_database
from profiles.home import Home
from profiles.snapshot import open_snapshot
from profiles.vault import open_vault
from tests.events_log.event_town import CHILD, TODAY, birth, november, person, posted, store, who
from tests.events_log.whole_profiles import checked_whole

ROOT = Path(__file__).resolve().parents[2]
PROCESS = Path(__file__).with_name("post_in_a_process.py")
POINTS = sorted(
    {
        point
        for file in (Path(profiles.__file__).parent / "events").glob("*.py")
        for point in re.findall(r'fault_point\("([a-z-]+)"\)', file.read_text("utf-8"))
    }
)


def _process(home: Home, first: int, last: int, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROCESS), str(home.path), str(first), str(last)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_every_hand_over_of_an_event_has_a_fault_point() -> None:
    assert POINTS == ["event-before-commit", "event-checked", "event-committed", "event-contact-in-vault"]


@pytest.mark.parametrize("point", POINTS)
def test_a_process_killed_while_storing_leaves_the_event_whole_or_not_at_all(
    home: Home, catalog: Catalog, point: str
) -> None:
    killed = _process(home, 0, 0, MIANSHEN_FAULT=f"{point}:kill")
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    committed = point in ("event-committed", "event-contact-in-vault")
    child = who(home, "citizen", CHILD)
    assert open_snapshot(home, catalog, TODAY).exists("citizen", child) == committed
    with EventLog(home, catalog) as log:
        assert log.latest() == len(log.unanswered()) == int(committed)
        stored = store(log, birth())
        assert (stored.number, stored.already) == (1, committed)
        assert store(log, birth()).already
    with open_vault(home) as vault:
        assert vault.contact(child, "tester", "test").name == "张小宝"
        assert vault.number(child, "tester", "test") == CHILD
    checked_whole(open_snapshot(home, catalog, TODAY))
    waiting = sqlite3.connect(event_database(home)).execute("SELECT count(*) FROM sealed_patch WHERE in_vault = 0")
    assert waiting.fetchone() == (0,)


def test_four_processes_that_post_the_same_events_store_each_once(home: Home, catalog: Catalog) -> None:
    events = 12
    running = [_process(home, 1, events) for _ in range(4)]
    said = [process.communicate(timeout=120)[0].split("\n")[:-1] for process in running]
    assert all(process.returncode == 0 for process in running)
    numbers = {}
    first_times = 0
    for line in (line for lines in said for line in lines):
        number, stored, already = line.split()
        assert numbers.setdefault(number, stored) == stored
        first_times += already == "0"
    assert first_times == events == len(numbers)
    assert sorted(map(int, numbers.values())) == list(range(1, events + 1))
    with EventLog(home, catalog) as log:
        assert log.latest() == events and len(log.unanswered()) == events
        assert [event.number for event in log.events(5)] == [12, 11, 10, 9, 8]
    checked_whole(open_snapshot(home, catalog, TODAY))


def test_the_first_answer_is_given_to_whoever_posts_again(home: Home, log: EventLog) -> None:
    event = posted("move", person(1), november(3), hukou_region="330106")
    first = store(log, event)
    assert (first.already, first.answer) == (False, None)
    log.answer(first.number, {"grants": ["甲"]})
    log.answer(first.number, {"grants": []})
    again = store(log, event)
    assert (again.already, again.answer, again.number) == (True, {"grants": ["甲"]}, first.number)
    assert log.unanswered() == []


def test_an_event_posted_again_much_later_has_the_same_answer(home: Home, log: EventLog) -> None:
    """Even if it would not be taken any more: the person it is about has died since."""
    event = posted("certificate", person(1), november(9), number="Z-7", level=2)
    first = store(log, event)
    store(log, posted("death", person(1), november(3)))
    again = store(log, event)
    assert (again.number, again.outcome, again.already) == (first.number, "applied", True)


def test_neither_numbers_names_nor_accounts_stand_in_the_log(home: Home, log: EventLog) -> None:
    store(log, birth(settlement_number=f"S-{person(2)}"))
    store(log, posted("account_change", person(1), november(5), account="6222000000009999", phone="13900008888"))
    with pytest.raises(EventError, match="event-unknown-kind"):
        store(log, posted("wedding", person(4), november(5), spouse=person(5), name="王五"))
    secrets = [person(n) for n in range(1, 7)] + [CHILD, "张小宝", "6222000000009999", "13900008888", "王五"]
    for file in home.store.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not [one for one in secrets if one.encode() in content], file.name


def test_a_refusal_that_is_repeated_is_kept_once(home: Home, log: EventLog) -> None:
    for _ in range(3):
        with pytest.raises(EventError, match="event-unknown-kind"):
            store(log, posted("wedding", person(4), november(5)))
    kept = log.refused()
    assert [(one.code, one.times, one.actor) for one in kept] == [("event-unknown-kind", 3, "tester")]


def test_a_log_that_is_no_database_is_reported(home: Home, catalog: Catalog) -> None:
    event_database(home).write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match="event-log-damaged"):
        EventLog(home, catalog)
    with pytest.raises(StoreError, match="event-log-damaged"):
        open_snapshot(home, catalog, TODAY)


def test_a_log_that_has_lost_events_is_noticed_where_they_are_needed(home: Home, catalog: Catalog) -> None:
    """A run that has pinned an event is not continued without it."""
    with EventLog(home, catalog) as log:
        store(log, posted("move", person(1), november(3), hukou_region="330106"))
    versions = open_snapshot(home, catalog, TODAY).versions
    for file in home.store.glob("events.sqlite*"):
        file.unlink()
    with pytest.raises(StoreError, match="event-log-missing"):
        open_snapshot(home, catalog, TODAY, versions)
