"""Questions to the ledger about grants and about those who wait. Answers are Polars frames; money is fen."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from sqlalchemy import Select, func, select

from engine.ledger import tables
from engine.ledger.earlier import WAITING_COLUMNS
from engine.ledger.opening import GRANT_COLUMNS, Ledger, table, to_frame
from engine.ledger.stages import Stage

_GRANT: dict[str, type[pl.DataType]] = {**GRANT_COLUMNS, "stage": pl.String, "run": pl.String}
_WAITING: dict[str, type[pl.DataType]] = {**WAITING_COLUMNS, "run": pl.String}


def grants(
    ledger: Ledger,
    *,
    subject: str | None = None,
    policy: str | None = None,
    period: str | None = None,
    run: str | None = None,
    limit: int | None = None,
) -> pl.DataFrame:
    """Return the grants that fit all given conditions, ordered by subject, policy, unit and period.

    `subject` also finds what is paid to that pseudonym for somebody else (a guardian for a child).
    """
    columns = table(tables.Grant).c
    query = select(*(columns[name] for name in _GRANT))
    if subject is not None:
        query = query.where((columns.subject == subject) | (columns.payee == subject))
    for column, wanted in ((columns.policy, policy), (columns.period, period), (columns.run, run)):
        if wanted is not None:
            query = query.where(column == wanted)
    query = query.order_by(columns.subject, columns.policy, columns.unit, columns.period).limit(limit)
    return _frame(ledger, query, _GRANT)


def grant(ledger: Ledger, id: str) -> dict[str, object] | None:
    """Return one grant by its id, or None."""
    columns = table(tables.Grant).c
    query = select(*(columns[name] for name in _GRANT)).where(columns.id == id)
    found = _frame(ledger, query, _GRANT)
    return found.row(0, named=True) if found.height else None


def totals(ledger: Ledger, *, period: str | None = None, run: str | None = None) -> pl.DataFrame:
    """Return policy, period, grants, subjects and amount (fen), ordered by policy and period.

    Hints to an authority are not among them: nothing was granted.
    """
    columns = table(tables.Grant).c
    query = select(
        columns.policy,
        columns.period,
        func.count().label("grants"),
        func.count(columns.subject.distinct()).label("subjects"),
        func.coalesce(func.sum(columns.amount), 0).label("amount"),
    ).where(columns.stage != Stage.HINTED.value)
    for column, wanted in ((columns.period, period), (columns.run, run)):
        if wanted is not None:
            query = query.where(column == wanted)
    query = query.group_by(columns.policy, columns.period).order_by(columns.policy, columns.period)
    schema: dict[str, type[pl.DataType]] = {
        "policy": pl.String,
        "period": pl.String,
        "grants": pl.Int64,
        "subjects": pl.Int64,
        "amount": pl.Int64,
    }
    return _frame(ledger, query, schema)


def waiting(
    ledger: Ledger, *, subject: str | None = None, policy: str | None = None, limit: int | None = None
) -> pl.DataFrame:
    """Return those who qualify but were turned down for now, with the reason."""
    columns = table(tables.Waiting).c
    query = select(*(columns[name] for name in _WAITING))
    for column, wanted in ((columns.subject, subject), (columns.policy, policy)):
        if wanted is not None:
            query = query.where(column == wanted)
    query = query.order_by(columns.policy, columns.period, columns.subject, columns.unit).limit(limit)
    return _frame(ledger, query, _WAITING)


def _frame(ledger: Ledger, query: Select[tuple[object, ...]], schema: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    with ledger.reading() as connection:
        return to_frame(connection.execute(query).fetchall(), schema)
