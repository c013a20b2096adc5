"""Funds: what was appropriated, what is reserved, committed and paid, and what is left. All in fen.

Movements are only ever added; a correction is a movement of kind `reversed`, which gives back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, case, func, insert, select, update

from engine.ledger import audit, tables
from engine.ledger.opening import Ledger, table
from policies.errors import LedgerError
from policies.text import Bilingual


@dataclass(frozen=True, slots=True)
class Balance:
    """One fund, in fen: `available` is the appropriation less what is spoken for."""

    fund: str
    title: Bilingual
    appropriation: int
    used: int

    @property
    def available(self) -> int:
        """What can still be granted."""
        return self.appropriation - self.used


def appropriate(ledger: Ledger, fund: str, amount: int, *, title: Bilingual, actor: str) -> None:
    """Set a fund's appropriation to `amount` fen.

    Raises LedgerError if the amount is negative or less than what is already spoken for.
    """
    funds = table(tables.Fund)
    with ledger.writing() as connection:
        used = used_of(connection, [fund]).get(fund, 0)
        if amount < used:
            raise LedgerError.of(
                "appropriation-too-small",
                f"资金 `{fund}` 已占用 {used} 分，拨款不能是 {amount} 分",
                f"{used} fen of the fund `{fund}` are spoken for; it cannot be appropriated {amount} fen",
                help_zh=f"拨款至少为 {used} 分",
                help_en=f"appropriate at least {used} fen",
            )
        values = {"title_zh": title.zh, "title_en": title.en, "appropriation": amount}
        found = connection.execute(select(funds).where(funds.c.id == fund)).first()
        if found is None:
            connection.execute(insert(funds).values(id=fund, **values))
        elif (found.title_zh, found.title_en, found.appropriation) == (title.zh, title.en, amount):
            return
        else:
            connection.execute(update(funds).where(funds.c.id == fund).values(**values))
        audit.append(
            connection,
            at=ledger.now(),
            actor=actor,
            action="fund-appropriated",
            detail={"fund": fund, "amount": amount},
        )


def balances(ledger: Ledger) -> list[Balance]:
    """Return all funds in order of their id."""
    with ledger.reading() as connection:
        return balances_within(connection)


def balances_within(connection: Connection) -> list[Balance]:
    """Return all funds as the caller's transaction sees them."""
    funds = table(tables.Fund)
    rows = connection.execute(select(funds).order_by(funds.c.id)).all()
    used = used_of(connection, [row.id for row in rows])
    return [
        Balance(row.id, Bilingual(row.title_zh, row.title_en), row.appropriation, used.get(row.id, 0)) for row in rows
    ]


def available(ledger: Ledger, fund: str) -> int:
    """Return what is left of a fund in fen; nothing, if it was never appropriated."""
    with ledger.reading() as connection:
        return available_within(connection, [fund])[fund]


def available_within(connection: Connection, wanted: Iterable[str], without_run: str | None = None) -> dict[str, int]:
    """Return what is left of each wanted fund. Movements of `without_run` are left out: a run that is
    continued must not compete with itself."""
    funds = table(tables.Fund)
    names = sorted(set(wanted))
    rows = connection.execute(select(funds.c.id, funds.c.appropriation).where(funds.c.id.in_(names)))
    appropriated = {row.id: row.appropriation for row in rows}
    used = used_of(connection, names, without_run)
    return {name: appropriated.get(name, 0) - used.get(name, 0) for name in names}


def used_of(connection: Connection, wanted: Iterable[str], without_run: str | None = None) -> dict[str, int]:
    """Return reserved + committed + paid - reversed for each wanted fund that has movements."""
    moves = table(tables.FundEntry)
    signed = case((moves.c.kind == "reversed", -moves.c.amount), else_=moves.c.amount)
    query = (
        select(moves.c.fund, func.sum(signed).label("used"))
        .where(moves.c.fund.in_(sorted(set(wanted))))
        .group_by(moves.c.fund)
    )
    if without_run is not None:
        query = query.where(moves.c.run != without_run)
    return {row.fund: int(row.used) for row in connection.execute(query)}
