"""Whom the demonstration offers to look at."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from engine.ledger import tables
from engine.ledger.opening import Ledger, table

EACH = 6


@dataclass(frozen=True, slots=True)
class Sample:
    """One subject of the demonstration: its pseudonym, its space, and how many grants it has."""

    subject: str
    space: str
    grants: int
    amount: int


def samples_of(ledger: Ledger, each: int = EACH) -> list[Sample]:
    """Return from every space the subjects that were told of the most grants; `amount` is in fen."""
    announcements, grants = table(tables.Announcement), table(tables.Grant)
    found: list[Sample] = []
    with ledger.reading() as connection:
        spaces = connection.execute(select(announcements.c.space).distinct().order_by(announcements.c.space)).scalars()
        for space in spaces.all():
            count = func.count()
            query = (
                select(announcements.c.subject, count, func.coalesce(func.sum(grants.c.amount), 0))
                .join(grants, grants.c.id == announcements.c.grant, isouter=True)
                .where(announcements.c.space == space)
                .group_by(announcements.c.subject)
                .order_by(count.desc(), announcements.c.subject)
                .limit(each)
            )
            found += [Sample(row[0], space, row[1], row[2]) for row in connection.execute(query)]
    return found
