"""What the ledger already knows about a bucket of subjects, for matching and allocation.

Everything here can leave out the grants of one run: a run that is continued after a kill must see the ledger
as it was before it began, or it would decide differently the second time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import polars as pl
from sqlalchemy import Connection, Select, func, select

from engine.ledger import audit, tables
from engine.ledger.opening import Ledger, table, to_frame
from engine.ledger.stages import ENDED
from policies.scopes import GRANTS

# So few subjects are looked up by their names, in portions; more of them by their range.
_FEW, _NAMED_AT_ONCE = 20_000, 500
# Digits of a pseudonym that place it; into how many parts a range is cut to judge it; how many make it too full.
_DIGITS, _PARTS, _MANY_TIMES = 12, 64, 8

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
WAITING_KEY = ("subject", "policy", "unit", "period")
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
    return of_subjects(connection, query, columns.subject, subjects, EARLIER_COLUMNS)


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


def waiting_of_subjects(connection: Connection, subjects: pl.Series) -> pl.DataFrame:
    """Return what these subjects wait for."""
    columns = table(tables.Waiting).c
    query = select(*(columns[name] for name in WAITING_COLUMNS))
    return of_subjects(connection, query, columns.subject, subjects, WAITING_COLUMNS)


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

    def __init__(
        self,
        connection: Connection,
        without_run: str | None,
        without_runs: frozenset[str] = frozenset(),
        only: frozenset[str] | None = None,
    ) -> None:
        self._connection = connection
        self._without = without_runs | ({without_run} if without_run is not None else set())
        self._only = only

    def of(self, owners: pl.Series, names: Iterable[str]) -> pl.DataFrame:
        """Return `owner`, `item` and the named columns for these owners, ordered."""
        found = still_counting(self._grants(owners))
        if self._without:
            found = found.filter(~pl.col("run").is_in(sorted(self._without)))
        found = found.with_columns(owner="subject", item="id", granted_on=pl.col("on").str.to_date("%Y-%m-%d"))
        return found.select("owner", "item", *names).sort("owner", "item")

    def _grants(self, owners: pl.Series) -> pl.DataFrame:
        if self._only is None:
            return earlier_grants(self._connection, owners)
        # Of whoever has more items than a collection may hold all are needed: then it is not believed at all.
        crowded = subjects_with_many(self._connection, owners, GRANTS.at_most)
        if crowded.is_empty():
            return earlier_grants(self._connection, owners, self._only)
        others = owners.filter(~owners.is_in(crowded.implode()))
        some = earlier_grants(self._connection, others, self._only)
        return pl.concat([some, earlier_grants(self._connection, crowded)])

    def without(self, runs: frozenset[str]) -> PastGrants:
        """Return the collection without the grants of these runs either."""
        return PastGrants(self._connection, None, self._without | runs, self._only)

    def only(self, policies: frozenset[str] | None) -> PastGrants:
        """Return the collection for rules that take notice of grants by these policies alone; None: of any."""
        return PastGrants(self._connection, None, self._without, policies)

    @property
    def seen(self) -> int:
        """The number of the last audit row that this reading of the ledger sees."""
        entries = table(tables.AuditEntry)
        return int(self._connection.execute(select(func.coalesce(func.max(entries.c.number), 0))).scalar_one())

    def runs_since(self, seen: int) -> frozenset[str] | None:
        """Return the runs (and events) that granted after the audit row `seen`.

        None if what had been granted by then cannot be told any more: stages have moved since, or one run
        granted both before and after.
        """
        entries = table(tables.AuditEntry)
        moving = select(entries.c.number).where(entries.c.number > seen, entries.c.action == audit.STAGE_MOVED)
        if self._connection.execute(moving.limit(1)).first() is not None:
            return None
        batches = select(entries.c.detail).where(entries.c.number > seen, entries.c.action == audit.BATCH)
        runs = frozenset(str(json.loads(text)["run"]) for text in self._connection.execute(batches).scalars())
        checkpoints = table(tables.Checkpoint)
        of_runs = select(func.count()).select_from(checkpoints).where(checkpoints.c.run.in_(sorted(runs)))
        written = self._connection.execute(
            select(func.count()).select_from(entries).where(entries.c.number > seen, entries.c.action == audit.BATCH)
        )
        return runs if written.scalar_one() == self._connection.execute(of_runs).scalar_one() else None

    def actions(self, seen: int) -> frozenset[str]:
        """Return which kinds of actions the audit log has seen after the row `seen`."""
        entries = table(tables.AuditEntry)
        query = select(entries.c.action).where(entries.c.number > seen).distinct()
        return frozenset(self._connection.execute(query).scalars())

    def granted_by(self, runs: frozenset[str], policies: frozenset[str] | None = None) -> pl.DataFrame:
        """Return `policy`, `space`, `subject` and `crowded` of the grants of these runs, each once.

        With `policies` only of grants by these, and of whoever has more grants than a collection may hold, whatever
        the policy: those are `crowded`.
        """
        schema = {"policy": pl.String, "space": pl.String, "subject": pl.String}
        grants = table(tables.Grant).c
        query = select(*(grants[name] for name in schema)).where(grants.run.in_(sorted(runs))).distinct()
        found = to_frame(self._connection.execute(query).fetchall() if runs else [], schema)
        if policies is None:
            return found.with_columns(crowded=pl.lit(False))
        crowded = subjects_with_many(self._connection, found["subject"].unique(), GRANTS.at_most)
        found = found.with_columns(crowded=pl.col("subject").is_in(crowded.implode()))
        return found.filter(pl.col("policy").is_in(sorted(policies)) | pl.col("crowded"))


def grants_of_subjects(
    connection: Connection,
    query: Select[tuple[object, ...]],
    subjects: pl.Series,
    schema: dict[str, type[pl.DataType]],
) -> pl.DataFrame:
    """Return what a query of the table of grants finds for these subjects."""
    return of_subjects(connection, query, table(tables.Grant).c.subject, subjects, schema)


def subjects_with_many(connection: Connection, subjects: pl.Series, number: int | None) -> pl.Series:
    """Return those of the subjects who have more than `number` grants, in any stage; None: nobody has."""
    if number is None:
        return subjects.clear()
    column = table(tables.Grant).c.subject
    return of_subjects(connection, _having_more_than(number), column, subjects, {"subject": pl.String})["subject"]


def _having_more_than(number: int | None) -> Select[tuple[object, ...]]:
    column = table(tables.Grant).c.subject
    return select(column).group_by(column).having(func.count() > number)


def of_subjects(
    connection: Connection,
    query: Select[tuple[object, ...]],
    column: object,
    subjects: pl.Series,
    schema: dict[str, type[pl.DataType]],
) -> pl.DataFrame:
    """Return the rows of the query for these subjects: few are asked for by name, many by their range.

    A bucket is a range of pseudonyms, so its range holds little else; of subjects from everywhere it does not.
    """
    if subjects.is_empty():
        return to_frame([], schema)
    if subjects.len() <= _FEW or _lie_far_apart(connection, subjects):
        rows: list[Sequence[object]] = []
        for portion in subjects.unique().sort().to_frame("subject").iter_slices(_NAMED_AT_ONCE):
            some = query.where(column.in_(portion["subject"].to_list()))  # type: ignore[attr-defined]
            rows += connection.execute(some).fetchall()
        return to_frame(rows, schema)
    query = query.where(column.between(subjects.min(), subjects.max()))  # type: ignore[attr-defined]
    found = to_frame(connection.execute(query).fetchall(), schema)
    return found.join(subjects.unique().to_frame("subject"), on="subject", how="semi")


def _lie_far_apart(connection: Connection, subjects: pl.Series) -> bool:
    """Return whether their range holds many times as many grants as they are, judged by a small part of it."""
    low, high = str(subjects.min()), str(subjects.max())
    try:
        first, last = int(low[:_DIGITS], 16), int(high[:_DIGITS], 16)
    except ValueError:  # no pseudonyms
        return False
    end = f"{first + (last - first) // _PARTS:0{_DIGITS}x}"
    column = table(tables.Grant).c.subject
    inside = connection.execute(select(func.count()).where(column.between(low, end))).scalar_one()
    return int(inside) * _PARTS > _MANY_TIMES * subjects.len()
