"""What is due is computed from the ledger; each slot is run once, also after the server was down."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.guarding import Held
from engine.ledger import Ledger, audit, open_ledger
from engine.ledger.approvals import add_version, approve
from engine.ledger.slots import slots
from engine.reference_day import ZONE
from engine.run_report import PolicyReport, RunReport
from engine.schedule import Ticking, calendar_of, due_slots, run_due, schedule_report, serve_forever
from policies.errors import RunError
from policies.policy import Policy
from policies.text import Bilingual
from tests.run.small_city import at_least, policy

SAYS_NOTHING = Bilingual("", "")


class TurnableClock:
    """A clock that stands still until it is turned."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Runs:
    """Stands where the run would be and writes down what it was asked for."""

    def __init__(self, held: Sequence[str] = ()) -> None:
        self.asked: list[tuple[date, tuple[str, ...], bool]] = []
        self.held = held

    def __call__(self, names: Sequence[str], on: date, made_up: bool) -> RunReport:
        self.asked.append((on, tuple(names), made_up))
        lines = tuple(
            PolicyReport(n, SAYS_NOTHING, "v", "", held=Held("jump", SAYS_NOTHING) if n in self.held else None)
            for n in names
        )
        return RunReport("a run", on, False, lines, (), {}, True, made_up=made_up)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def opened(folder: Path, now: datetime) -> tuple[Ledger, TurnableClock]:
    clock = TurnableClock(now)
    return open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}", clock=clock), clock


def approved(ledger: Ledger, since: date, *policies: Policy) -> dict[str, Policy]:
    for one in policies:
        add_version(ledger, one)
        approve(ledger, one.version, "wang", since)
    return {one.id: one for one in policies}


def monthly(**changes: Any) -> Policy:
    return policy("base", at_least("age", 60), **changes)


def test_nothing_is_due_before_the_calendar_says_so(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path, local("2026-11-22T12:00"))
    policies = approved(ledger, date(2026, 11, 2), monthly())
    assert due_slots(ledger, policies, local("2026-12-01T01:59")) == []
    found = due_slots(ledger, policies, local("2026-12-01T02:00"))
    assert [(s.policy, s.period, s.on, s.made_up) for s in found] == [
        ("base", "2026-12@2026-12-01T02:00", date(2026, 12, 1), False)
    ]


def test_a_slot_is_run_once_and_noted(tmp_path: Path) -> None:
    ledger, clock = opened(tmp_path, local("2026-12-01T02:00"))
    policies, runs = approved(ledger, date(2026, 11, 2), monthly()), Runs()
    for _ in range(3):
        run_due(ledger, policies, runs, server="one")
        clock.now += timedelta(seconds=30)
    assert runs.asked == [(date(2026, 12, 1), ("base",), False)]
    row = slots(ledger)[0]
    assert (row.state, row.run, row.made_up) == ("done", "a run", False)
    assert audit.verify(ledger).intact


def test_what_was_missed_is_made_up_once_for_each_period(tmp_path: Path) -> None:
    ledger, clock = opened(tmp_path, local("2026-08-15T12:00"))
    policies, runs = approved(ledger, date(2026, 8, 15), monthly()), Runs()
    clock.now = local("2026-11-22T09:00")
    run_due(ledger, policies, runs, server="one")
    run_due(ledger, policies, runs, server="one")
    assert [on for on, _, _ in runs.asked] == [date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)]
    assert all(made_up for _, _, made_up in runs.asked)
    assert [row.made_up for row in slots(ledger)] == [True] * 3


def test_a_daily_look_at_a_monthly_benefit_is_made_up_once_a_month(tmp_path: Path) -> None:
    ledger, clock = opened(tmp_path, local("2026-10-10T12:00"))
    policies, runs = approved(ledger, date(2026, 10, 10), monthly(schedule="0 2 * * *")), Runs()
    clock.now = local("2026-11-22T09:00")
    run_due(ledger, policies, runs, server="one")
    assert [on for on, _, _ in runs.asked] == [date(2026, 10, 31), date(2026, 11, 22)]
    clock.now = local("2026-11-23T02:00")
    run_due(ledger, policies, runs, server="one")
    assert runs.asked[-1] == (date(2026, 11, 23), ("base",), False)


def test_a_one_off_benefit_is_looked_at_each_time_its_calendar_says(tmp_path: Path) -> None:
    ledger, clock = opened(tmp_path, local("2026-11-22T02:00"))
    policies, runs = (
        approved(ledger, date(2026, 11, 22), monthly(period="once", schedule="0 2 * * *")),
        Runs(),
    )
    for _ in range(3):
        run_due(ledger, policies, runs, server="one")
        clock.now += timedelta(days=1)
    assert [on.day for on, _, _ in runs.asked] == [22, 23, 24]


def test_policies_due_on_one_day_share_a_run(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path, local("2026-12-01T02:00"))
    other = policy("other", at_least("age", 1))
    policies, runs = approved(ledger, date(2026, 11, 2), monthly(), other), Runs()
    run_due(ledger, policies, runs, server="one")
    assert [names for _, names, _ in runs.asked] == [("base", "other")]


def test_a_held_policy_is_noted_as_held_and_not_tried_again(tmp_path: Path) -> None:
    ledger, clock = opened(tmp_path, local("2026-12-01T02:00"))
    policies, runs = approved(ledger, date(2026, 11, 2), monthly()), Runs(held=["base"])
    run_due(ledger, policies, runs, server="one")
    clock.now += timedelta(hours=5)
    run_due(ledger, policies, runs, server="one")
    assert len(runs.asked) == 1
    assert slots(ledger)[0].state == "held"


def test_a_run_that_fails_is_told_and_tried_again_after_the_lease(tmp_path: Path) -> None:
    ledger, clock = opened(tmp_path, local("2026-12-01T02:00"))
    policies = approved(ledger, date(2026, 11, 2), monthly())

    def fail(names: Sequence[str], on: date, made_up: bool) -> RunReport:
        raise RunError.of("no-store", "无档案", "no store")

    ticked = run_due(ledger, policies, fail, server="one")
    assert [names for names, _ in ticked.failures] == [("base",)]
    runs = Runs()
    run_due(ledger, policies, runs, server="two")
    assert runs.asked == []
    clock.now += timedelta(minutes=31)
    run_due(ledger, policies, runs, server="two")
    assert [on for on, _, _ in runs.asked] == [date(2026, 12, 1)]


def test_a_policy_out_of_force_or_not_in_the_library_has_no_slots(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path, local("2026-12-01T02:00"))
    ended = monthly(in_force=(date(2020, 1, 1), date(2026, 11, 30)))
    policies = approved(ledger, date(2026, 11, 2), ended)
    assert due_slots(ledger, policies, local("2027-02-01T02:00")) == []
    assert due_slots(ledger, {}, local("2027-02-01T02:00")) == []
    assert schedule_report(ledger, policies, local("2026-11-22T02:00"))[0].next_at is None


def test_month_ends_and_the_29th_of_february_come_due(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path, local("2027-12-15T02:00"))
    policies = approved(ledger, date(2027, 12, 15), monthly(schedule="0 2 last * *"))
    found = due_slots(ledger, policies, local("2028-04-30T02:00"))
    assert [s.on for s in found] == [
        date(2027, 12, 31),
        date(2028, 1, 31),
        date(2028, 2, 29),
        date(2028, 3, 31),
        date(2028, 4, 30),
    ]


def test_the_29th_of_each_month_is_skipped_where_there_is_none(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path, local("2027-01-30T02:00"))
    policies = approved(ledger, date(2027, 1, 30), monthly(schedule="0 2 29 * *"))
    found = due_slots(ledger, policies, local("2027-03-29T02:00"))
    assert [s.on for s in found] == [date(2027, 3, 29)]


@pytest.mark.parametrize("schedule", ["0 2 * * 1", "0 2 * * 1-5", "0 2 * *", "61 2 * * *", "often", "0 2 30 2 x"])
def test_a_calendar_with_digits_for_week_days_or_nonsense_is_refused(schedule: str) -> None:
    with pytest.raises(RunError, match="bad-calendar"):
        calendar_of(schedule)


def test_monday_is_monday() -> None:
    moment = calendar_of("0 2 * * mon").get_next_fire_time(None, local("2026-11-22T12:00"))
    assert moment == local("2026-11-23T02:00")


def test_one_bad_calendar_does_not_stop_the_others_and_is_told(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path, local("2026-12-01T02:00"))
    bad = policy("bad", at_least("age", 1), schedule="0 2 * * 1")
    policies, runs = approved(ledger, date(2026, 11, 2), bad, monthly()), Runs()
    ticked = run_due(ledger, policies, runs, server="one")
    assert [names for _, names, _ in runs.asked] == [("base",)]
    assert [names for names, _ in ticked.failures] == [("bad",)]


@settings(max_examples=30)
@given(st.lists(st.integers(-40 * 24, 40 * 24), max_size=12))
def test_a_clock_that_jumps_back_and_forth_neither_loses_nor_repeats_a_slot(
    tmp_path_factory: pytest.TempPathFactory, jumps: list[int]
) -> None:
    start = local("2028-01-20T12:00")
    ledger, clock = opened(tmp_path_factory.mktemp("clock"), start)
    policies, runs = approved(ledger, date(2028, 1, 20), monthly()), Runs()
    latest = start
    for hours in [*jumps, 0]:
        clock.now = max(local("2028-01-21T00:00"), clock.now + timedelta(hours=hours))
        latest = max(latest, clock.now)
        run_due(ledger, policies, runs, server="one")
    asked = [on for on, _, _ in runs.asked]
    expected = [date(y, m, 1) for y in (2028, 2029) for m in range(1, 13) if (y, m) > (2028, 1)]
    assert asked == [day for day in expected if local(f"{day}T02:00") <= latest]
    ledger.close()


def test_the_report_tells_what_ran_what_is_missed_and_what_is_next(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path, local("2026-12-01T02:00"))
    policies = approved(ledger, date(2026, 11, 2), monthly())
    run_due(ledger, policies, Runs(), server="one")
    line = schedule_report(ledger, policies, local("2026-12-02T00:00"))[0]
    assert line.last is not None and line.last.state == "done"
    assert (line.missed, line.next_at) == ((), local("2027-01-01T02:00"))
    late = schedule_report(ledger, policies, local("2027-01-05T00:00"))[0]
    assert [slot.on for slot in late.missed] == [date(2027, 1, 1)]


def test_a_server_runs_what_is_due_at_once_and_again_when_the_clock_has_moved(tmp_path: Path) -> None:
    ledger, clock = opened(tmp_path, local("2026-12-01T02:00"))
    policies, runs, ran = approved(ledger, date(2026, 11, 2), monthly()), Runs(), threading.Semaphore(0)

    def ticked(result: Any) -> None:
        for _ in result.reports:
            ran.release()

    ticking = serve_forever(ledger, lambda: policies, runs, on_ticked=ticked, seconds=0.05)
    try:
        assert ran.acquire(timeout=20)
        clock.now = local("2027-01-01T02:00")
        assert ran.acquire(timeout=20)
    finally:
        ticking.stop()
    assert [on for on, _, _ in runs.asked] == [date(2026, 12, 1), date(2027, 1, 1)]


def test_ticking_goes_on_when_the_wall_clock_is_set_back() -> None:
    looked = threading.Semaphore(0)
    ticking = Ticking(looked.release, seconds=0.05)
    ticking.start()
    try:
        assert looked.acquire(timeout=20)
        # To the scheduler, a clock set back by an hour looks like a next tick that is an hour away.
        ticking.job.modify(next_run_time=datetime.now(UTC) + timedelta(hours=1))
        while looked.acquire(blocking=False):
            pass
        assert looked.acquire(timeout=20)
    finally:
        ticking.stop()


def test_two_servers_on_one_ledger_run_each_slot_once(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path, local("2026-11-22T12:00"))
    many = [policy(f"policy-{n}", at_least("age", 60)) for n in range(10)]
    approved(ledger, date(2026, 8, 15), *many)
    script = Path(__file__).with_name("serve_in_a_process.py")
    command = [sys.executable, str(script), str(tmp_path)]
    servers = [subprocess.Popen([*command, f"server {n}"], stdout=subprocess.PIPE, text=True) for n in (1, 2)]
    ran = [line for server in servers for line in server.communicate(timeout=120)[0].splitlines()]
    assert all(server.returncode == 0 for server in servers)
    assert sorted(ran) == sorted(f"{one.id} 2026-{month:02d}-01" for one in many for month in (9, 10, 11))
    assert {row.state for row in slots(ledger)} == {"done"}
    assert len(slots(ledger)) == 30
