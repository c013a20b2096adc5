"""The life of a run in the ledger: matching, recording, finished (or abandoned).

A run that is only matching has changed nothing and is in nobody's way. At most one run is recording:
whoever wants to record while another run is unfinished first finishes that one, whether its process is dead
or only slow. Every step of recording can be done twice without effect, so nobody needs to know which.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import Connection, func, insert, select, update

from engine.ledger import audit, tables
from engine.ledger.opening import Ledger, table, to_frame, to_text_of_json
from engine.recording import remove_waiting
from policies.errors import RunError
from profiles.fault_points import fault_point

_FINISHED = "run-finished"


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the ledger has it. `plan` and `versions` are what it pinned."""

    id: str
    state: str
    plan: Mapping[str, Any]
    versions: Mapping[str, int]
    started_at: str
    finished_at: str | None = None
    report: Mapping[str, Any] | None = None


def start_or_join(
    ledger: Ledger, plan: Mapping[str, object], versions: Mapping[str, int], actor: str
) -> tuple[str, bool]:
    """Return the id of an unfinished run with this very plan and these versions, else of a new one.

    The second value is True if the run existed.
    """
    runs = table(tables.Run)
    pinned = {"plan": to_text_of_json(plan), "store_version": to_text_of_json(dict(versions))}
    with ledger.writing() as connection:
        found = connection.execute(
            select(runs.c.id)
            .where(
                runs.c.state.in_(["matching", "recording"]),
                runs.c.plan == pinned["plan"],
                runs.c.store_version == pinned["store_version"],
            )
            .order_by(runs.c.started_at, runs.c.id)
        ).scalar()
        if found is not None:
            return str(found), True
        at = ledger.now()
        number = f"{plan['on']}-{secrets.token_hex(6)}"
        connection.execute(
            insert(runs).values(id=number, on=plan["on"], started_at=at, state="matching", report="{}", **pinned)
        )
        audit.append(connection, at=at, actor=actor, action="run-started", detail={"run": number, "plan": dict(plan)})
    fault_point("run-started")
    return number, False


def unfinished(ledger: Ledger) -> list[RunRow]:
    """Return the runs that are recording: none, or the one that has to be finished first."""
    return [row for row in all_runs(ledger) if row.state == "recording"]


def all_runs(ledger: Ledger, limit: int | None = None) -> list[RunRow]:
    """Return the runs, newest first."""
    runs = table(tables.Run)
    query = select(runs).order_by(runs.c.started_at.desc(), runs.c.id).limit(limit)
    with ledger.reading() as connection:
        return [_to_row(row) for row in connection.execute(query)]


def begin_recording(ledger: Ledger, run: str, finished_before: int) -> str:
    """Make `run` the one that records. Returns "begun", "stale" if another run was finished since
    `finished_before` were (what was matched may be out of date), or the id of the run that is recording now.

    Raises RunError if the run was given up.
    """
    runs = table(tables.Run)
    with ledger.writing() as connection:
        state = connection.execute(select(runs.c.state).where(runs.c.id == run)).scalar()
        if state in ("recording", "finished"):
            return "begun"
        if state != "matching":
            raise _given_up(run)
        other = connection.execute(select(runs.c.id).where(runs.c.state == "recording")).scalar()
        if other is not None:
            return str(other)
        if finished_runs(connection) != finished_before:
            return "stale"
        connection.execute(update(runs).where(runs.c.id == run).values(state="recording"))
    fault_point("recording-begun")
    return "begun"


def finished_runs(connection: Connection) -> int:
    """Return how many runs have been finished: the age of what a run has read from the ledger."""
    runs = table(tables.Run)
    query = select(func.count()).select_from(runs).where(runs.c.state.in_(["finished", "abandoned"]))
    return int(connection.execute(query).scalar_one())


def recorded_by(connection: Connection, run: str | None) -> pl.DataFrame:
    """Return `policy` and `subject` of what an interrupted run has granted so far; None, a dry run, has nothing."""
    schema: dict[str, type[pl.DataType]] = {"policy": pl.String, "subject": pl.String}
    checkpoints, grants = table(tables.Checkpoint), table(tables.Grant)
    begun = connection.execute(select(checkpoints.c.bucket).where(checkpoints.c.run == run).limit(1)).first()
    if begun is None:
        return to_frame([], schema)
    query = select(grants.c.policy, grants.c.subject).where(grants.c.run == run)
    return to_frame(connection.execute(query).fetchall(), schema)


def finish(ledger: Ledger, run: str, report: Mapping[str, object], stale: pl.DataFrame, actor: str) -> None:
    """Close a run: its report, and those who wait for nothing any more, in one transaction."""
    runs = table(tables.Run)
    with ledger.writing() as connection:
        state = connection.execute(select(runs.c.state).where(runs.c.id == run)).scalar()
        if state == "finished":
            return
        if state != "recording":
            raise _given_up(run)
        remove_waiting(connection, stale)
        at = ledger.now()
        connection.execute(
            update(runs)
            .where(runs.c.id == run)
            .values(state="finished", finished_at=at, report=to_text_of_json(report))
        )
        audit.append(
            connection,
            at=at,
            actor=actor,
            action=_FINISHED,
            detail={
                "run": run,
                "grants": report["new_grants"],
                "hints": report["new_hints"],
                "amount": report["amount"],
            },
        )
        fault_point("run-closing")
    fault_point("run-finished")


def abandon(ledger: Ledger, run: str, actor: str, reason: str) -> None:
    """Give up an unfinished run that cannot be continued. Grants it has recorded stay valid.

    Raises RunError if there is no such unfinished run.
    """
    runs = table(tables.Run)
    with ledger.writing() as connection:
        state = connection.execute(select(runs.c.state).where(runs.c.id == run)).scalar()
        if state not in ("matching", "recording"):
            raise RunError.of(
                "run-not-unfinished",
                f"没有未完成的运行 `{run}`",
                f"there is no unfinished run `{run}`",
            )
        at = ledger.now()
        connection.execute(update(runs).where(runs.c.id == run).values(state="abandoned", finished_at=at))
        audit.append(connection, at=at, actor=actor, action="run-abandoned", detail={"run": run, "reason": reason})


def last_matched(ledger: Ledger, policies: Iterable[str]) -> dict[str, int]:
    """Return what each policy matched in its last finished run in which it was not held."""
    runs, wanted = table(tables.Run), set(policies)
    found: dict[str, int] = {}
    with ledger.reading() as connection:
        for number in finished_run_ids(connection, 1000):
            text = connection.execute(select(runs.c.report).where(runs.c.id == number)).scalar_one()
            if not any(f'"{name}"' in text for name in wanted - found.keys()):
                continue  # most reports of other policies need not be taken apart
            for item in json.loads(text)["policies"]:
                if item["policy"] in wanted and item["held"] is None:
                    found.setdefault(item["policy"], item["matched"])
            if len(found) == len(wanted):
                break
    return found


def finished_run_ids(connection: Connection, limit: int) -> list[str]:
    """Return the finished runs, newest first: the audit log knows the order, also within one second."""
    entries = table(tables.AuditEntry)
    query = select(entries.c.detail).where(entries.c.action == _FINISHED).order_by(entries.c.number.desc()).limit(limit)
    return [str(json.loads(detail)["run"]) for detail in connection.execute(query).scalars()]


def _to_row(row: Any) -> RunRow:
    return RunRow(
        id=row.id,
        state=row.state,
        plan=json.loads(row.plan),
        versions=json.loads(row.store_version),
        started_at=row.started_at,
        finished_at=row.finished_at,
        report=json.loads(row.report) if row.report != "{}" else None,
    )


def _given_up(run: str) -> Exception:
    return RunError.of(
        "run-given-up",
        f"运行 `{run}` 已被放弃",
        f"the run `{run}` was given up",
        help_zh="重新运行；已记录的兑现单仍然有效",
        help_en="run again; the grants it recorded stay valid",
    )
