"""Questions about announcements and their deliveries, for the console and the pages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import func, select

from engine.ledger import tables
from engine.ledger.opening import Ledger, table


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """One delivery of an announcement; `error` is a short code, never an address."""

    channel: str
    state: str
    attempts: int
    finished_at: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One announcement to somebody. `amount` is in fen, `stage` that of its grant.

    A combined notice has the id of its bundle for a policy, and `parts`: the grants that it tells of.
    """

    id: str
    grant: str | None
    policy: str
    version: str
    kind: str
    amount: int | None
    period: str
    on: str
    stage: str | None
    deliveries: tuple[DeliveryState, ...]
    parts: tuple[str, ...] = ()


def notices_of(ledger: Ledger, subject: str) -> list[NoticeRow]:
    """Return what was announced to a pseudonym, the newest first, with its deliveries."""
    announcements, grants = table(tables.Announcement), table(tables.Grant)
    deliveries = table(tables.Delivery)
    query = (
        select(announcements, grants.c.stage)
        .join(grants, grants.c.id == announcements.c.grant, isouter=True)
        .where(announcements.c.subject == subject)
        .order_by(announcements.c.on.desc(), announcements.c.policy, announcements.c.id)
    )
    found: dict[str, list[DeliveryState]] = {}
    with ledger.reading() as connection:
        rows = connection.execute(query).mappings().all()
        for start in range(0, len(rows), 500):
            ids = [row["id"] for row in rows[start : start + 500]]
            wanted = select(deliveries).where(deliveries.c.announcement.in_(ids)).order_by(deliveries.c.channel)
            for one in connection.execute(wanted).mappings():
                state = DeliveryState(one["channel"], one["state"], one["attempts"], one["finished_at"], one["error"])
                found.setdefault(one["announcement"], []).append(state)
    return [_notice(dict(row), tuple(found.get(row["id"], ()))) for row in rows]


def told_of(notices: Iterable[NoticeRow], grant: str) -> list[NoticeRow]:
    """Return the announcements of one grant, each with the deliveries of the combined notice that tells of it."""
    found = list(notices)
    together = tuple(one for each in found if grant in each.parts for one in each.deliveries if one.channel != "page")
    return [replace(each, deliveries=each.deliveries + together) for each in found if each.grant == grant]


def counts(ledger: Ledger) -> dict[str, dict[str, int]]:
    """Return how many deliveries there are by channel and state."""
    columns = table(tables.Delivery).c
    query = (
        select(columns.channel, columns.state, func.count())
        .group_by(columns.channel, columns.state)
        .order_by(columns.channel, columns.state)
    )
    found: dict[str, dict[str, int]] = {}
    with ledger.reading() as connection:
        for channel, state, count in connection.execute(query):
            found.setdefault(channel, {})[state] = count
    return found


def unrouted(ledger: Ledger) -> int:
    """Return how many announcements are not turned into deliveries yet."""
    announcements = table(tables.Announcement)
    query = select(func.count()).select_from(announcements).where(announcements.c.routed.is_(False))
    with ledger.reading() as connection:
        return int(connection.execute(query).scalar_one())


def _notice(row: dict[str, object], deliveries: tuple[DeliveryState, ...]) -> NoticeRow:
    data = json.loads(str(row["data"]))
    return NoticeRow(
        id=str(row["id"]),
        grant=None if row["grant"] is None else str(row["grant"]),
        policy=str(row["policy"]),
        version=str(row["version"]),
        kind=str(row["kind"]),
        amount=data.get("amount"),
        parts=tuple(one["grant"] for one in data.get("parts", ())),
        period=str(data.get("period", "")),
        on=str(row["on"]),
        stage=None if row["stage"] is None else str(row["stage"]),
        deliveries=deliveries,
    )
