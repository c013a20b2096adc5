"""The schedule: which slots are due, computed from the ledger, and the clock that wakes up to look.

A slot is one policy for one period. It comes due when the policy's own calendar says so; whatever came due
while nobody was awake is made up, once for each period. APScheduler computes the calendar and ticks; it
remembers nothing: the ledger's table of slots is the only truth, so that restarts, several servers and jumps
of the clock cannot lose or repeat a slot.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from engine.ledger.approvals import all_approvals
from engine.ledger.opening import Ledger
from engine.ledger.retirements import Retired, retirements
from engine.ledger.slots import SlotRow, claim_slot, close_slot, last_closed, open_claims, renew_claims, slots
from engine.reference_day import ZONE
from engine.run_report import RunReport
from policies.errors import MianshenError, RunError
from policies.periods import period_of
from policies.policy import Policy

LATE = timedelta(minutes=15)  # a slot taken up later than this counts as made up
LEASE = timedelta(minutes=30)

# Runs some policies for one reference date: (policies, date, whether it makes up) -> report.
RunSlots = Callable[[Sequence[str], date, bool], RunReport]


@dataclass(frozen=True, slots=True)
class DueSlot:
    """A slot that has to be run: the reference date is the local day on which it came due."""

    policy: str
    period: str
    due_at: datetime
    on: date
    made_up: bool


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """One policy in `mianshen schedule`: its calendar, what ran last, what is missed, what comes next."""

    policy: str
    calendar: str
    last: SlotRow | None
    next_at: datetime | None
    missed: tuple[DueSlot, ...]
    problem: MianshenError | None = None


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one look at the schedule did: reports of the runs, and runs that failed with their error."""

    reports: tuple[RunReport, ...]
    failures: tuple[tuple[tuple[str, ...], MianshenError], ...] = ()


def calendar_of(schedule: str, zone: ZoneInfo = ZONE) -> CronTrigger:
    """Return the calendar of a five-field cron text.

    Raises RunError if it is malformed or names week days by digits: cron and APScheduler count them
    differently, so that 1 would be Monday to the author and Tuesday to the program.
    """
    fields = schedule.split()
    try:
        if len(fields) != 5:
            raise ValueError(f"{len(fields)} fields instead of 5")
        if re.search(r"\d", re.sub(r"/\d+", "", fields[4])):
            raise ValueError("week days are written as names: mon, tue, ...")
        return CronTrigger.from_crontab(schedule, timezone=zone)
    except ValueError as fault:
        raise RunError.of(
            "bad-calendar",
            f"日程 `{schedule}` 无法理解：{fault}",
            f"the schedule `{schedule}` cannot be understood: {fault}",
            help_zh='五段 cron，例如每月一日两点："0 2 1 * *"，每周一："0 2 * * mon"',
            help_en='five fields of cron, such as "0 2 1 * *" (monthly) or "0 2 * * mon" (Mondays)',
        ) from fault


def due_slots(ledger: Ledger, policies: Mapping[str, Policy], now: datetime, zone: ZoneInfo = ZONE) -> list[DueSlot]:
    """Return what has to be run now, the earliest first.

    Looks from the day a policy's first approval became effective, or from its last finished slot, to `now`.
    Of several dates missed within one period only the last is made up: the others would grant the same.
    A slot that another server has claimed is left out until its lease ends; so are those that came due while the
    policy was retired, whereas those it missed before are still made up. A policy whose calendar cannot be
    understood has no slots; `schedule_report` and `run_due` name it.
    """
    closed, claims = last_closed(ledger), open_claims(ledger)
    taken = {(row.policy, row.period) for row in claims if row.claimed_until > now}
    due: dict[tuple[str, str], DueSlot] = {}
    retired = retirements(ledger)
    for name, since in sorted(_effective_since(ledger, zone).items()):
        policy = policies.get(name)
        if policy is None:
            continue
        calendar = _calendar_or_problem(policy, zone)
        if not isinstance(calendar, CronTrigger):
            continue
        last = closed.get(name)
        start = since if last is None else max(since, last + timedelta(seconds=1))
        by_period: dict[str, datetime] = {}
        for moment in _moments(calendar, start, now):
            on = moment.date()
            if _is_retired(retired, name, on):
                continue
            if policy.in_force[0] <= on and (policy.in_force[1] is None or on <= policy.in_force[1]):
                by_period[period_of(policy.period, on).key] = moment
        for key, moment in by_period.items():
            slot = _slot(name, key, moment, now)
            due[slot.policy, slot.period] = slot
    for row in claims:  # a server died with it: whoever comes next takes exactly this slot
        on = row.due_at.astimezone(zone).date()
        slot = DueSlot(row.policy, row.period, row.due_at, on, now - row.due_at > LATE)
        if row.claimed_until <= now and row.policy in policies and not _is_retired(retired, row.policy, on):
            due[row.policy, row.period] = slot
    ready = [slot for key, slot in due.items() if key not in taken]
    return sorted(ready, key=lambda slot: (slot.due_at, slot.policy))


def run_due(
    ledger: Ledger,
    policies: Mapping[str, Policy],
    run_slots: RunSlots,
    *,
    server: str,
    zone: ZoneInfo = ZONE,
    lease: timedelta = LEASE,
) -> Ticked:
    """Claim and run everything that is due, one run for each reference date; once, however many servers do.

    A run that fails leaves its slots claimed: they are tried again when the lease has ended.
    """
    reports: list[RunReport] = []
    failures: list[tuple[tuple[str, ...], MianshenError]] = [
        ((line.policy,), line.problem)
        for line in schedule_report(ledger, policies, ledger.clock(), zone)
        if line.problem is not None
    ]
    claimed = [
        slot
        for slot in due_slots(ledger, policies, ledger.clock(), zone)
        if claim_slot(
            ledger,
            slot.policy,
            slot.period,
            slot.due_at,
            by=server,
            lease=lease,
            made_up=slot.made_up,
        )
    ]
    for on in sorted({slot.on for slot in claimed}):
        of_day = [slot for slot in claimed if slot.on == on]
        # Runs of other days came first: the leases of this one start now.
        renew_claims(ledger, [(s.policy, s.period) for s in of_day], by=server, lease=lease)
        names = sorted({slot.policy for slot in of_day})
        try:
            report = run_slots(names, on, any(slot.made_up for slot in of_day))
        except MianshenError as error:
            failures.append((tuple(names), error))
            continue
        held = {item.policy for item in report.policies if item.held is not None}
        for slot in of_day:
            close_slot(ledger, slot.policy, slot.period, run=report.run, held=slot.policy in held, actor=server)
        reports.append(report)
    return Ticked(tuple(reports), tuple(failures))


def schedule_report(
    ledger: Ledger, policies: Mapping[str, Policy], now: datetime, zone: ZoneInfo = ZONE
) -> list[ScheduleLine]:
    """Return for each approved policy what ran, what is missed and what comes next."""
    missed, retired = due_slots(ledger, policies, now, zone), retirements(ledger)
    lines = []
    for name, since in sorted(_effective_since(ledger, zone).items()):
        policy = policies.get(name)
        if policy is None:
            continue
        ran = slots(ledger, policy=name, limit=1)
        last_run = ran[0] if ran else None
        calendar = _calendar_or_problem(policy, zone)
        if not isinstance(calendar, CronTrigger):
            lines.append(ScheduleLine(name, policy.schedule, last_run, None, (), calendar))
            continue
        following = calendar.get_next_fire_time(None, max(now, since).astimezone(zone) + timedelta(seconds=1))
        last_day = policy.in_force[1]
        if following is not None and last_day is not None and following.date() > last_day:
            following = None
        if following is not None and _is_retired(retired, name, following.date()):
            following = None
        lines.append(
            ScheduleLine(
                policy=name,
                calendar=policy.schedule,
                last=last_run,
                next_at=following,
                missed=tuple(slot for slot in missed if slot.policy == name),
            )
        )
    return lines


def server_name() -> str:
    """Return a name for this process that no other has: host, process and a random part."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class Ticking:
    """Calls `look` every `seconds` in the background until stopped; never twice at the same time.

    The wall clock may jump: a second, monotonic look at the time notices when the ticks stay away (a clock
    that was set back) and asks for one at once.
    """

    def __init__(self, look: Callable[[], object], seconds: float = 30.0) -> None:
        self._look, self._seconds = look, seconds
        self._stop = threading.Event()
        self._last = time.monotonic()
        self.scheduler = BackgroundScheduler(timezone=ZONE)
        self.job = self.scheduler.add_job(
            self._tick,
            "interval",
            seconds=seconds,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            next_run_time=datetime.now(ZONE),
        )
        self._watch = threading.Thread(target=self._watch_clock, name="clock-watch", daemon=True)

    def start(self) -> None:
        """Begin to tick, the first time at once."""
        self.scheduler.start()
        self._watch.start()

    def stop(self) -> None:
        """Stop ticking; a look that is going on is waited for."""
        self._stop.set()
        self.scheduler.shutdown(wait=True)

    def wait(self) -> None:
        """Block until `stop` is called (from another thread or a signal handler)."""
        while not self._stop.wait(1.0):
            pass

    def _tick(self) -> None:
        self._last = time.monotonic()
        try:
            self._look()
        finally:
            self._last = time.monotonic()

    def _watch_clock(self) -> None:
        while not self._stop.wait(self._seconds):
            if time.monotonic() - self._last > 2 * self._seconds:
                self.job.modify(next_run_time=datetime.now(ZONE))


def serve_forever(
    ledger: Ledger,
    read_policies: Callable[[], Mapping[str, Policy]],
    run_slots: RunSlots,
    *,
    on_ticked: Callable[[Ticked], None] | None = None,
    seconds: float = 30.0,
    zone: ZoneInfo = ZONE,
) -> Ticking:
    """Start to run what is due, now and every `seconds`; returns at once.

    Call `.wait()` on the result to block, `.stop()` to end. The rule library is read anew at every look.
    `on_ticked` gets what each look did, for instance to send the notices; it also sees failures.
    """
    server = server_name()

    def look() -> None:
        ticked = run_due(ledger, read_policies(), run_slots, server=server, zone=zone)
        if on_ticked is not None:
            on_ticked(ticked)

    ticking = Ticking(look, seconds)
    ticking.start()
    return ticking


def _effective_since(ledger: Ledger, zone: ZoneInfo) -> dict[str, datetime]:
    """Return the local midnight on which the first approval of each policy became effective."""
    since: dict[str, datetime] = {}
    for approved in all_approvals(ledger):
        start = datetime.combine(approved.effective_on, datetime.min.time(), zone)
        since[approved.policy] = min(start, since.get(approved.policy, start))
    return since


def _is_retired(retired: Sequence[Retired], policy: str, on: date) -> bool:
    return any(one.policy == policy and one.holds(on) for one in retired)


def _calendar_or_problem(policy: Policy, zone: ZoneInfo) -> CronTrigger | MianshenError:
    """One policy's bad calendar must not stop the others."""
    try:
        return calendar_of(policy.schedule, zone)
    except RunError as problem:
        return problem


def _moments(calendar: CronTrigger, start: datetime, now: datetime) -> Iterator[datetime]:
    """Yield the moments of a calendar from `start` to `now`, both inclusive."""
    zone = calendar.timezone
    moment = calendar.get_next_fire_time(None, start.astimezone(zone))
    while moment is not None and moment <= now:
        yield moment
        moment = calendar.get_next_fire_time(moment, moment.astimezone(zone) + timedelta(seconds=1))


def _slot(policy: str, period: str, moment: datetime, now: datetime) -> DueSlot:
    return DueSlot(
        policy=policy,
        period=f"{period}@{moment:%Y-%m-%dT%H:%M}",
        due_at=moment,
        on=moment.date(),
        made_up=now - moment > LATE,
    )
