"""What the ledger holds of grants under ceilings: amount, day, and what the ceilings read then.

A grant keeps the latter in its evidence, under `ceilings`. Grants of ledgers that are older than ceilings, or of
versions of a policy without one, have no such entry.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import polars as pl
from sqlalchemy import Connection, select

from engine.ceilings import CEILING_GRANT_COLUMNS
from engine.ledger import tables
from engine.ledger.earlier import grants_of_subjects, still_counting
from engine.ledger.opening import table

_COLUMNS: dict[str, type[pl.DataType]] = {
    **{name: kind for name, kind in CEILING_GRANT_COLUMNS.items() if name != "ceilings"},
    **dict.fromkeys(("stage", "run", "evidence"), pl.String),
}


def grants_under_ceilings(
    connection: Connection, subjects: pl.Series, policies: Iterable[str], without_run: str | None = None
) -> pl.DataFrame:
    """Return the grants of these subjects by these policies that still count (`CEILING_GRANT_COLUMNS`)."""
    columns = table(tables.Grant).c
    names = sorted(set(policies))
    query = select(*(columns[name] for name in _COLUMNS)).where(columns.policy.in_(names))
    found = still_counting(grants_of_subjects(connection, query, subjects, _COLUMNS))
    if without_run is not None:
        found = found.filter(pl.col("run") != without_run)
    read = [ceilings_in(text) for text in found["evidence"]]
    return found.with_columns(ceilings=pl.Series(read, dtype=pl.String)).select(*CEILING_GRANT_COLUMNS)


def ceilings_in(evidence: str) -> str | None:
    """Return what the ceilings read of a grant, from its evidence; None if that says nothing of them."""
    read = json.loads(evidence).get("ceilings")
    return None if read is None else json.dumps(read, ensure_ascii=False, separators=(",", ":"))
