"""What the ledger already knows about a bucket of subjects, for matching and allocation.

Everything here can leave out the grants of one run: a run that is continued after a kill must see the ledger
as it was before it began, or it would decide differently the second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import polars as pl
from sqlalchemy import Connection, Select, select

from engine.ledger import tables
from engine.ledger.opening import Ledger, table, to_frame
from engine.ledger.stages import ENDED

EARLIER_COLUMNS: dict[str, type[pl.DataType]] = {
    "id": pl.String,
    "subject": pl.String,
    "policy": pl.String,
    "unit": pl.String,
    "period": pl.String,
    "amount": pl.Int64,
    "on": pl.String,
    "stage": pl.String,
    "run": pl.String,
}
CLAIM_COLUMNS: dict[str, type[pl.DataType]] = {
    "group": pl.String,
    "key": pl.String,
    "grant": pl.String,
    "run": pl.String,
}
WAITING_COLUMNS: dict[str, type[pl.DataType]] = {
    "subject": pl.String,
    "policy": pl.String,
    "unit": pl.String,
    "period": pl.String,
    "reason": pl.String,
    "detail": pl.String,
    "amount": pl.Int64,
}


def earlier_grants(connection: Connection, subjects: pl.Series, policies: Iterable[str] | None = None) -> pl.DataFrame:
    """Return the grants of these subjects (of any run, in any stage), of the named policies if given."""
    columns = table(tables.Grant).c
    query = select(*(columns[name] for name in EARLIER_COLUMNS))
    if policies is not None:
        query = query.where(columns.policy.in_(sorted(set(policies))))
    return _of_subjects(connection, query, columns.subject, subjects, EARLIER_COLUMNS)


def waiting_of_plan(connection: Connection, plan: Iterable[tuple[str, str]]) -> pl.DataFrame:
    """Return everybody who waits for one of the planned (policy, period)."""
    columns = table(tables.Waiting).c
    wanted = set(plan)
    query = select(*(columns[name] for name in WAITING_COLUMNS)).where(
        columns.policy.in_(sorted({policy for policy, _ in wanted})),
        columns.period.in_(sorted({period for _, period in wanted})),
    )
    found = to_frame(connection.execute(query).fetchall(), WAITING_COLUMNS)
    pairs = pl.DataFrame(sorted(wanted), schema={"policy": pl.String, "period": pl.String}, orient="row")
    return found.join(pairs, on=["policy", "period"], how="semi")


def claims_taken(connection: Connection, groups: Iterable[str]) -> pl.DataFrame:
    """Return the claims of these groups with the run of the grant that took each."""
    claims, grants = table(tables.Claim), table(tables.Grant)
    query = (
        select(claims.c.group, claims.c.key, claims.c.grant, grants.c.run)
        .join(grants, grants.c.id == claims.c.grant)
        .where(claims.c.group.in_(sorted(set(groups))))
    )
    return to_frame(connection.execute(query).fetchall(), CLAIM_COLUMNS)


def still_counting(grants: pl.DataFrame) -> pl.DataFrame:
    """Return those grants that still give their subject something."""
    return grants.filter(~pl.col("stage").is_in([stage.value for stage in ENDED]))


@contextmanager
def past_grants_of(ledger: Ledger, without_run: str | None) -> Iterator[PastGrants]:
    """Open the collection `grants` of every space, without those of one run."""
    with ledger.reading() as connection:
        yield PastGrants(connection, without_run)


class PastGrants:
    """The collection `grants` of any subject, as rules read it."""

    COLUMNS = ("policy", "amount", "period", "granted_on", "unit")

    def __init__(self, connection: Connection, without_run: str | None) -> None:
        self._connection = connection
        self._without_run = without_run

    def of(self, owners: pl.Series, names: Iterable[str]) -> pl.DataFrame:
        """Return `owner`, `item` and the named columns for these owners, ordered."""
        found = still_counting(earlier_grants(self._connection, owners))
        if self._without_run is not None:
            found = found.filter(pl.col("run") != self._without_run)
        found = found.with_columns(owner="subject", item="id", granted_on=pl.col("on").str.to_date("%Y-%m-%d"))
        return found.select("owner", "item", *names).sort("owner", "item")


def _of_subjects(
    connection: Connection,
    query: Select[tuple[object, ...]],
    column: object,
    subjects: pl.Series,
    schema: dict[str, type[pl.DataType]],
) -> pl.DataFrame:
    """Run the query for these subjects: few by their names, many by their range, then picked out.

    A bucket is a range of pseudonyms, so its range holds little else; any other set is right, only slower.
    """
    if subjects.is_empty():
        return to_frame([], schema)
    if subjects.len() <= 500:
        query = query.where(column.in_(subjects.to_list()))  # type: ignore[attr-defined]
        return to_frame(connection.execute(query).fetchall(), schema)
    query = query.where(column.between(subjects.min(), subjects.max()))  # type: ignore[attr-defined]
    found = to_frame(connection.execute(query).fetchall(), schema)
    return found.join(subjects.unique().to_frame("subject"), on="subject", how="semi")
