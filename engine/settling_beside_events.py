"""A run and events at once: what a run has allocated is held against the events recorded since.

Events do not wait for a run that is recording. The run therefore looks, inside the transaction of each bucket,
which of its subjects events have granted something since it allocated, and settles these anew: whoever now
holds a benefit that rules another out does not get the other, and a top-up tops up what is really there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import polars as pl
from sqlalchemy import Connection, func, select

from engine.allocating import KEY, Settled, Terms, settle_net_of, settle_within_subjects
from engine.ledger import audit, tables
from engine.ledger.earlier import earlier_grants, still_counting
from engine.ledger.opening import table

EVENT_RUN = "event-"  # how the id begins under which an event is recorded
_MANY = 500


def last_entry(connection: Connection) -> int:
    """Return the number of the last entry of the audit log: how far the ledger had come."""
    entries = table(tables.AuditEntry)
    return int(connection.execute(select(func.coalesce(func.max(entries.c.number), 0))).scalar_one())


def settle_beside_events(
    connection: Connection, rows: pl.DataFrame, offered: pl.DataFrame, terms: Mapping[str, Terms], seen: int
) -> Settled | None:
    """Return the rows settled anew beside what events have granted since; None if that concerns nobody.

    Args:
        connection: the write transaction that the rows will be recorded in.
        rows: who is to be granted, without those who have been granted meanwhile.
        offered: the same with them (`KEY`): what the top-ups among the rows have already taken into account.
        terms: of all known policies.
        seen: `last_entry` when the allocation read the ledger.
    """
    runs = _event_runs_since(connection, seen)
    if not runs:
        return None
    subjects = _subjects_of(connection, runs)
    mine = rows["subject"].unique()
    mine = mine.filter(mine.is_in(list(subjects)))
    if mine.is_empty():
        return None
    earlier = earlier_grants(connection, mine)
    granted = still_counting(earlier.filter(pl.col("run").is_in(sorted(runs))))
    concerned = pl.col("subject").is_in(granted["subject"].unique().to_list())
    within = settle_within_subjects(rows.filter(concerned), terms, granted)
    periods = pl.DataFrame(
        [(name, item.period.key) for name, item in sorted(terms.items())],
        schema={"policy": pl.String, "period": pl.String},
        orient="row",
    )
    counted = offered.select(KEY).join(periods, on="policy")
    unforeseen = granted.join(counted, on=[*KEY, "period"], how="anti")
    netted = settle_net_of(within.kept, terms, unforeseen)
    kept = pl.concat([rows.filter(~concerned), netted.kept.select(rows.columns)])
    return Settled(kept.sort("subject", "policy", "unit"), pl.concat([within.waiting, netted.waiting]))


def _event_runs_since(connection: Connection, seen: int) -> set[str]:
    entries = table(tables.AuditEntry)
    found = connection.execute(
        select(entries.c.detail).where(entries.c.number > seen, entries.c.action == audit.BATCH)
    ).scalars()
    runs = {str(json.loads(detail)["run"]) for detail in found}
    return {run for run in runs if run.startswith(EVENT_RUN)}


def _subjects_of(connection: Connection, runs: set[str]) -> set[str]:
    decisions = table(tables.EventDecision)
    listed = sorted(runs)
    subjects: set[str] = set()
    for start in range(0, len(listed), _MANY):
        part = select(decisions.c.answer).where(decisions.c.run.in_(listed[start : start + _MANY]))
        for text in connection.execute(part).scalars():
            subjects.update(one["subject"] for one in json.loads(text)["granted"])
    return subjects
