"""Those who wait, as a run meets them: whom it has to decide anew, and whom it may leave as they are.

Somebody waits *behind* another benefit if an earlier run has granted another one of the same group for the same
period and unit: as long as that counts, it waits whatever becomes free. They are only counted, in the database.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, func, select, tuple_

from engine.allocating import Reason
from engine.ledger import tables
from engine.ledger.earlier import of_subjects
from engine.ledger.opening import Ledger, table, to_frame
from engine.ledger.stages import ENDED

_WHO: dict[str, type[pl.DataType]] = {"policy": pl.String, "subject": pl.String}


@dataclass
class WhoWaits:
    """Who waits for one of the planned policies.

    ledger       the ledger
    plan         (policy, period) of the planned policies
    without_run  the run that asks: what it has recorded before it was interrupted does not count
    """

    ledger: Ledger
    plan: frozenset[tuple[str, str]]
    without_run: str | None
    _left_alone: dict[str, int] = field(default_factory=dict)

    def to_decide(self, lasting: Collection[str]) -> pl.DataFrame:
        """Return `policy` and `subject` of everybody who waits, less those who wait behind another benefit.

        The latter only for the policies in `lasting`: what decides them has not moved since they were decided.
        """
        waits, source = table(tables.Waiting).c, self._behind_what()
        left_alone = and_(self._is_behind, waits.policy.in_(sorted(lasting)))
        who = case((left_alone, None), else_=waits.subject).label("who")
        query = select(waits.policy, who, func.count()).select_from(source).where(self._planned)
        with self.ledger.reading() as connection:
            rows = connection.execute(query.group_by(waits.policy, who)).fetchall()
        self._left_alone = {policy: count for policy, subject, count in rows if subject is None}
        return to_frame([(policy, subject) for policy, subject, _ in rows if subject is not None], _WHO)

    def left(self, decided: Mapping[str, pl.Series]) -> dict[str, Mapping[str, int]]:
        """Return by policy and reason how many were left alone, and not decided with others after all.

        To be called after `to_decide`. `decided` are the subjects decided anew; a policy that is not in it was
        decided for everybody.
        """
        after_all: Counter[str] = Counter()
        with self.ledger.reading() as connection:
            for subjects, policies in by_subjects(
                {name: decided[name] for name in self._left_alone if name in decided}
            ):
                after_all.update(self._behind_among(connection, subjects, policies))
        return {
            name: {Reason.EXCLUSIVE.value: count - after_all[name]}
            for name, count in sorted(self._left_alone.items())
            if name in decided and count > after_all[name]
        }

    def _behind_among(self, connection: Connection, subjects: pl.Series, policies: Collection[str]) -> list[str]:
        """Return the policy of each that waits behind another benefit, of these subjects."""
        waits = table(tables.Waiting).c
        query = select(waits.policy, waits.subject).select_from(self._behind_what())
        query = query.where(self._planned, self._is_behind, waits.policy.in_(sorted(policies)))
        return of_subjects(connection, query, waits.subject, subjects, _WHO)["policy"].to_list()

    def _behind_what(self) -> FromClause:
        """Return those who wait, each beside the benefit that its detail names, if that was granted and counts."""
        waits, grants = table(tables.Waiting).c, table(tables.Grant).c
        held: list[ColumnElement[Any]] = [
            grants.subject == waits.subject,
            grants.policy == waits.detail,
            grants.unit == waits.unit,
            grants.period == waits.period,
            grants.stage.not_in([stage.value for stage in ENDED]),
        ]
        if self.without_run is not None:
            held.append(grants.run != self.without_run)
        return table(tables.Waiting).outerjoin(table(tables.Grant), and_(*held))

    @property
    def _is_behind(self) -> ColumnElement[bool]:
        waits = table(tables.Waiting).c
        behind = and_(waits.reason == Reason.EXCLUSIVE.value, table(tables.Grant).c.id.is_not(None))
        return behind if self.without_run is None else and_(behind, waits.run != self.without_run)

    @property
    def _planned(self) -> ColumnElement[bool]:
        waits = table(tables.Waiting).c
        return tuple_(waits.policy, waits.period).in_(sorted(self.plan))


def by_subjects(decided: Mapping[str, pl.Series]) -> Iterator[tuple[pl.Series, list[str]]]:
    """Yield each series of subjects once, with the policies that it stands for."""
    names: dict[int, list[str]] = defaultdict(list)
    for name in sorted(decided):
        names[id(decided[name])].append(name)
    for found in names.values():
        yield decided[found[0]], found
