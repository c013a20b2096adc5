"""What the ledger knows of the few subjects of an event, in plain rows: frames cost more than these hold."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, bindparam, select

from engine.decision import Facts
from engine.events.answer import EventAnswer, answer_from_json
from engine.ledger import tables
from engine.ledger.opening import Ledger, table
from engine.ledger.stages import ENDED
from engine.past_grants import FactsWithPastGrants, PastGrant
from policies.types import to_day_number

_ENDED = frozenset(stage.value for stage in ENDED)


@dataclass(frozen=True, slots=True)
class HeldGrant:
    """A grant that a subject has, in whatever stage. `amount` is in fen, `on` its reference date in ISO form."""

    id: str
    subject: str
    policy: str
    unit: str
    period: str
    amount: int | None
    on: str
    stage: str

    @property
    def counts(self) -> bool:
        """Whether it still gives its subject something."""
        return self.stage not in _ENDED


_GRANTS = table(tables.Grant)
_GRANTS_OF = (
    select(*(_GRANTS.c[name] for name in ("id", "subject", "policy", "unit", "period", "amount", "on", "stage")))
    .where(_GRANTS.c.subject.in_(bindparam("subjects", expanding=True)))
    .order_by(_GRANTS.c.subject, _GRANTS.c.id)
)
_WAITING = table(tables.Waiting)
_WAITING_OF = select(_WAITING.c.subject, _WAITING.c.policy, _WAITING.c.period).where(
    _WAITING.c.subject.in_(bindparam("subjects", expanding=True))
)
_DECISIONS = table(tables.EventDecision)
_ANSWER_OF = select(_DECISIONS.c.answer).where(_DECISIONS.c.run == bindparam("run"))


def held_grants(connection: Connection, subjects: Iterable[str]) -> list[HeldGrant]:
    """Return all grants of the subjects, ordered by subject and id."""
    rows = connection.execute(_GRANTS_OF, {"subjects": sorted(set(subjects))})
    return [HeldGrant(*row) for row in rows]


def waits_for(connection: Connection, subjects: Iterable[str]) -> list[tuple[str, str, str]]:
    """Return subject, policy and period of everything that the subjects wait for."""
    rows = connection.execute(_WAITING_OF, {"subjects": sorted(set(subjects))})
    return [(row.subject, row.policy, row.period) for row in rows]


def recorded_answer(connection: Connection, run: str) -> EventAnswer | None:
    """Return what was recorded for an event, or None if nothing was."""
    text = connection.execute(_ANSWER_OF, {"run": run}).scalar()
    return None if text is None else answer_from_json(json.loads(text))


def answer_in_ledger(ledger: Ledger, run: str) -> EventAnswer | None:
    """Return what was recorded for an event, or None if nothing was."""
    with ledger.reading() as connection:
        return recorded_answer(connection, run)


def with_held_grants(facts: Facts, subject: str, held: Collection[HeldGrant]) -> Facts:
    """Return the facts of a subject with its collection `grants`, as `past_grants.facts_with_past_grants` does."""
    mine = [one for one in held if one.subject == subject and one.counts]
    return FactsWithPastGrants(facts, tuple(PastGrant(one.id, _cells(one)) for one in mine))


def fingerprint(held: Sequence[HeldGrant]) -> frozenset[tuple[str, str]]:
    """Return what tells one state of the subjects' grants from another."""
    return frozenset((one.id, one.stage) for one in held)


def _cells(one: HeldGrant) -> dict[str, int | str | None]:
    return {
        "policy": one.policy,
        "amount": one.amount,
        "period": one.period,
        "granted_on": to_day_number(date.fromisoformat(one.on)),
        "unit": one.unit,
    }
