"""The short way to the ledger, for candidates that stand alone.

Most events grant one benefit that excludes nothing, tops nothing up, claims nothing, has no ceiling and finds its
fund full. For these the allocation of a batch comes to: who has no grant yet is granted. That is done here without
frames; every other case goes through `engine.settling`. Both ways write the same rows (tested).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Connection, insert

from engine.allocating import Terms
from engine.events.ledger_rows import HeldGrant
from engine.ledger import audit, tables
from engine.ledger.funds import available_within
from engine.ledger.ids import announcement_id, grant_id
from engine.ledger.opening import GRANT_COLUMNS, insert_many, table
from engine.recording import ANNOUNCED, GrantTerms, Recorder, reserve
from profiles.fault_points import fault_point


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who qualifies: the columns of `engine.matching.WITH_EVIDENCE`."""

    policy: str
    subject: str
    unit: str
    amount: int | None
    payee: str | None
    claim_key: str | None
    need: int | None
    ceilings: str | None
    evidence: str

    @property
    def row(self) -> tuple[object, ...]:
        """The values in the order of those columns."""
        return (
            self.policy, self.subject, self.unit, self.amount, self.payee, self.claim_key, self.need, self.ceilings,
            self.evidence,
        )  # fmt: skip


def stand_alone(names: frozenset[str], terms: Mapping[str, Terms]) -> bool:
    """Return whether the policies neither compete with others nor with each other, but for their funds.

    `terms` hold them and all that are tied to them.
    """
    return names == frozenset(terms) and all(
        not (
            terms[name].excludes
            or terms[name].net_of
            or terms[name].exclusive
            or terms[name].claim_group
            or terms[name].ceilings
        )
        for name in names
    )


def not_granted_yet(
    candidates: Sequence[Candidate], held: Sequence[HeldGrant], terms: Mapping[str, Terms]
) -> list[Candidate]:
    """Return the candidates without a grant for their key, in order of subject, policy and unit."""
    keys = {(one.policy, one.subject, one.unit, one.period) for one in held}
    fresh = [one for one in candidates if (one.policy, one.subject, one.unit, terms[one.policy].period.key) not in keys]
    return sorted(fresh, key=lambda one: (one.subject, one.policy, one.unit))


def funds_suffice(connection: Connection, granted: Sequence[Candidate], terms: Mapping[str, Terms]) -> bool:
    """Return whether the funds hold what these would take."""
    wanted: dict[str, int] = {}
    for one in granted:
        fund = terms[one.policy].fund
        if fund is not None:
            wanted[fund] = wanted.get(fund, 0) + (one.amount or 0)
    if not wanted:
        return True
    left = available_within(connection, wanted)
    return all(amount <= left[fund] for fund, amount in wanted.items())


def write_plain(connection: Connection, recorder: Recorder, bucket: int, granted: Sequence[Candidate]) -> None:
    """Write what `engine.recording.write_rows` writes for these grants, with nobody waiting."""
    rows = [_grant(recorder, recorder.grant_terms[one.policy], one) for one in granted]
    columns: dict[str, list[object]] = {name: [row[name] for row in rows] for name in GRANT_COLUMNS}
    more: dict[str, list[object]] = {
        "stage": [recorder.grant_terms[one.policy].stage for one in granted],
        "run": [recorder.run] * len(rows),
        "bucket": [bucket] * len(rows),
    }
    insert_many(connection, tables.Grant, columns | more)
    insert_many(connection, tables.Announcement, _announcements(recorder, rows))
    fault_point("event-grants-inserted")
    funds = _insert_fund_entries(connection, recorder, bucket, granted)
    digest = audit.digest_of_grants(pl.DataFrame(columns, schema=GRANT_COLUMNS))
    connection.execute(
        insert(table(tables.Checkpoint)).values(run=recorder.run, bucket=bucket, grants=len(rows), digest=digest)
    )
    audit.append(
        connection,
        at=recorder.ledger.now(),
        actor=recorder.actor,
        action=audit.BATCH,
        detail={
            "run": recorder.run,
            "bucket": bucket,
            "grants": len(rows),
            "digest": digest,
            "funds": funds,
            "waiting": 0,
        },
    )
    fault_point("event-grants-written")


def _grant(recorder: Recorder, terms: GrantTerms, one: Candidate) -> dict[str, object]:
    return {
        "id": grant_id(one.subject, one.policy, one.unit, terms.period),
        "subject": one.subject,
        "space": terms.space,
        "policy": one.policy,
        "version": terms.version,
        "unit": one.unit,
        "period": terms.period,
        "amount": one.amount,
        "kind": terms.kind,
        "payee": one.payee,
        "fund": terms.fund,
        "on": recorder.on.isoformat(),
        "evidence": f'{{"values":{one.evidence},"as_of":{terms.as_of}}}',
    }


def _announcements(recorder: Recorder, rows: Sequence[Mapping[str, object]]) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {}
    for row in rows:
        terms = recorder.grant_terms[str(row["policy"])]
        amount = "null" if row["amount"] is None else str(row["amount"])
        told = {
            "id": announcement_id(str(row["id"]), ANNOUNCED),
            "subject": row["payee"] or row["subject"],
            # Whoever is paid is told: a guardian for a child, in the guardian's own space.
            "space": (terms.payee_space or terms.space) if row["payee"] else terms.space,
            "grant": row["id"],
            "policy": row["policy"],
            "version": row["version"],
            "data": f'{{"amount":{amount},"period":"{terms.period}"}}',
            "on": row["on"],
            "kind": ANNOUNCED,
            "routed": False,
        }
        for name, value in told.items():
            columns.setdefault(name, []).append(value)
    return columns


def _insert_fund_entries(
    connection: Connection, recorder: Recorder, bucket: int, granted: Sequence[Candidate]
) -> dict[str, int]:
    sums: dict[tuple[str, str], int] = {}
    for one in granted:
        fund = recorder.grant_terms[one.policy].fund
        if fund is not None:
            sums[one.policy, fund] = sums.get((one.policy, fund), 0) + (one.amount or 0)
    entries = [(policy, fund, amount) for (policy, fund), amount in sorted(sums.items()) if amount > 0]
    return reserve(connection, recorder, bucket, entries) if entries else {}
