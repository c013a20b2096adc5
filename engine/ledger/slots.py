"""Slots: policy x period as the schedule sees it. The primary key lets several servers run each once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, update

from engine.ledger import audit, tables
from engine.ledger.opening import Ledger, table
from engine.ledger.times import from_text, to_text


@dataclass(frozen=True, slots=True)
class SlotRow:
    """A slot as the ledger has it: claimed (by a server, until its lease ends), done or held."""

    policy: str
    period: str
    due_at: datetime
    state: str
    claimed_by: str
    claimed_until: datetime
    made_up: bool
    run: str | None
    finished_at: datetime | None


def claim_slot(
    ledger: Ledger,
    policy: str,
    period: str,
    due_at: datetime,
    *,
    by: str,
    lease: timedelta,
    made_up: bool,
) -> bool:
    """Take a slot for `by`; False if another server has it, or it was run. An ended lease can be taken."""
    slots, now = table(tables.Slot), ledger.clock()
    with ledger.writing() as connection:
        found = connection.execute(select(slots).where(slots.c.policy == policy, slots.c.period == period)).first()
        if found is None:
            connection.execute(
                insert(slots).values(
                    policy=policy,
                    period=period,
                    due_at=to_text(due_at),
                    state="claimed",
                    claimed_by=by,
                    claimed_until=to_text(now + lease),
                    made_up=made_up,
                )
            )
            return True
        if found.state != "claimed" or from_text(found.claimed_until) > now:
            return False
        connection.execute(
            update(slots)
            .where(slots.c.policy == policy, slots.c.period == period)
            .values(claimed_by=by, claimed_until=to_text(now + lease))
        )
        return True


def renew_claims(ledger: Ledger, keys: Iterable[tuple[str, str]], *, by: str, lease: timedelta) -> None:
    """Push the end of these leases out, as long as they are still held by `by`."""
    slots = table(tables.Slot)
    with ledger.writing() as connection:
        for policy, period in keys:
            connection.execute(
                update(slots)
                .where(
                    slots.c.policy == policy,
                    slots.c.period == period,
                    slots.c.claimed_by == by,
                    slots.c.state == "claimed",
                )
                .values(claimed_until=to_text(ledger.clock() + lease))
            )


def close_slot(ledger: Ledger, policy: str, period: str, *, run: str | None, held: bool, actor: str) -> None:
    """Note that a slot was run, or that its policy was held for a person."""
    slots, state = table(tables.Slot), "held" if held else "done"
    with ledger.writing() as connection:
        changed = connection.execute(
            update(slots)
            .where(slots.c.policy == policy, slots.c.period == period, slots.c.state == "claimed")
            .values(state=state, run=run, finished_at=ledger.now())
        )
        if changed.rowcount:
            audit.append(
                connection,
                at=ledger.now(),
                actor=actor,
                action=f"slot-{state}",
                detail={"policy": policy, "period": period, "run": run},
            )


def slots(ledger: Ledger, *, policy: str | None = None, limit: int | None = None) -> list[SlotRow]:
    """Return slots, the latest due first."""
    rows = table(tables.Slot)
    query = select(rows).order_by(rows.c.due_at.desc(), rows.c.policy).limit(limit)
    if policy is not None:
        query = query.where(rows.c.policy == policy)
    with ledger.reading() as connection:
        return [_to_row(row) for row in connection.execute(query)]


def last_closed(ledger: Ledger) -> dict[str, datetime]:
    """Return for each policy when its last slot that is done or held was due."""
    rows = table(tables.Slot)
    query = (
        select(rows.c.policy, func.max(rows.c.due_at).label("due_at"))
        .where(rows.c.state != "claimed")
        .group_by(rows.c.policy)
    )
    with ledger.reading() as connection:
        return {row.policy: from_text(row.due_at) for row in connection.execute(query)}


def open_claims(ledger: Ledger) -> list[SlotRow]:
    """Return the slots that some server has claimed and not finished, the earliest due first."""
    rows = table(tables.Slot)
    query = select(rows).where(rows.c.state == "claimed").order_by(rows.c.due_at, rows.c.policy)
    with ledger.reading() as connection:
        return [_to_row(row) for row in connection.execute(query)]


def _to_row(row: Any) -> SlotRow:
    return SlotRow(
        policy=row.policy,
        period=row.period,
        due_at=from_text(row.due_at),
        state=row.state,
        claimed_by=row.claimed_by,
        claimed_until=from_text(row.claimed_until),
        made_up=bool(row.made_up),
        run=row.run,
        finished_at=from_text(row.finished_at) if row.finished_at else None,
    )
