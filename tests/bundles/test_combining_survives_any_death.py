"""Whichever process dies at whatever moment: nobody is told twice, and nothing stays untold."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from engine.installation import Installation
from engine.ledger import audit, tables
from engine.ledger.opening import table
from notifier.bundles.combined import COMBINED
from tests.bundles.bundle_town import Clock, contact, deliveries, routed
from tests.bundles.test_one_event_one_notice import mother_of

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("route_in_a_process.py")


def fault_points() -> list[str]:
    text = (ROOT / "notifier" / "bundles" / "combining.py").read_text("utf-8")
    return sorted(set(re.findall(r'fault_point\("([a-z-]+)"\)', text)))


def start(place: Installation, clock: Clock, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(place.home.path), str(place.library_folder), clock().isoformat()],
        env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def told_once(place: Installation, told: str) -> None:
    announcements = table(tables.Announcement)
    with place.ledger.reading() as connection:
        counted = connection.execute(select(announcements.c.kind, func.count()).group_by(announcements.c.kind))
        kinds = {str(kind): int(count) for kind, count in counted}
        assert connection.execute(select(announcements.c.id).where(announcements.c.routed.is_(False))).all() == []
    assert kinds == {COMBINED: 1, "granted": 2}
    assert len(deliveries(place, told, "email")) == 1 and len(deliveries(place, told, "page")) == 3
    assert audit.verify(place.ledger).intact


def waiting(place: Installation, clock: Clock) -> str:
    told = mother_of(place)
    contact(place, told, email="li@example.org")
    clock.forward(days=3)
    return told


def test_there_is_a_fault_point_before_and_after_the_commit() -> None:
    assert len(fault_points()) >= 4


@pytest.mark.parametrize("name", fault_points())
def test_a_killed_sender_tells_nothing_twice_and_leaves_nothing_untold(
    name: str, born: Installation, clock: Clock
) -> None:
    told = waiting(born, clock)
    process = start(born, clock, MIANSHEN_FAULT=f"{name}:kill")
    _, trouble = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, trouble
    routed(born, "page", "email")
    told_once(born, told)
    assert routed(born, "page", "email") == {}


def test_two_senders_at_once_write_one_notice(born: Installation, clock: Clock) -> None:
    told = waiting(born, clock)
    senders = [start(born, clock) for _ in range(2)]
    ends = [one.communicate(timeout=120) for one in senders]
    assert [one.returncode for one in senders] == [0, 0], ends
    assert sum(int(out) for out, _ in ends) == 4
    told_once(born, told)
