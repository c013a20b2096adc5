"""Policies taken out of use: from which day, by whom, and why; a new approval takes them up again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.sql.functions import max as highest

from engine.ledger import audit, tables
from engine.ledger.opening import Ledger, table
from policies.errors import LedgerError


@dataclass(frozen=True, slots=True)
class Retired:
    """From `since` on no run and no event takes the policy, until `resumed_on` (None: until further notice)."""

    policy: str
    since: date
    by: str
    at: str
    reason: str
    resumed_on: date | None = None
    resumed_by: str | None = None

    def holds(self, on: date) -> bool:
        """Return whether the policy is out of use on a day."""
        return self.since <= on and (self.resumed_on is None or on < self.resumed_on)


def retire(ledger: Ledger, policy: str, by: str, reason: str, on: date | None = None) -> Retired:
    """Take a policy out of use from the day `on` (default: today, in UTC).

    What was granted stays as it is, and days before `on` may still be decided, as they were meant to be.
    Raises LedgerError if nobody is named, no reason is given, the policy was never approved, or it is out of
    use on that day already.
    """
    person, why = by.strip(), reason.strip()
    _require_person_and_reason(person, why)
    day = on or ledger.clock().date()
    approvals, rows = table(tables.Approval), table(tables.Retirement)
    with ledger.writing() as connection:
        if connection.execute(select(approvals).where(approvals.c.policy == policy)).first() is None:
            raise LedgerError.of(
                "never-approved",
                f"政策 `{policy}` 从未审批，谈不上停用",
                f"the policy `{policy}` was never approved, so there is nothing to retire",
                help_zh="未审批的规则文件不会参加跑批，直接删除即可",
                help_en="a rule file without approval takes part in no run; simply delete it",
            )
        standing = next((one for one in _retirements(connection) if one.policy == policy and not _is_over(one)), None)
        if standing is not None:
            raise already_retired(standing)
        number = (connection.execute(select(highest(rows.c.number))).scalar() or 0) + 1
        made = Retired(policy, day, person, ledger.now(), why)
        connection.execute(
            insert(rows).values(
                number=number, policy=policy, retired_on=day.isoformat(), retired_by=person,
                retired_at=made.at, reason=why,
            )
        )  # fmt: skip
        audit.append(
            connection,
            at=made.at,
            actor=person,
            action="policy-retired",
            detail={"policy": policy, "retired_on": day.isoformat(), "reason": why},
        )
    return made


def resume(connection: Connection, policy: str, version: str, by: str, effective: date) -> bool:
    """End the policy's retirement because a version of it is approved anew, in the approval's own transaction.

    Returns False if the policy is not retired. An approval that reaches back does not undo the days between.
    """
    standing = next((one for one in _retirements(connection) if one.policy == policy and not _is_over(one)), None)
    if standing is None:
        return False
    rows = table(tables.Retirement)
    connection.execute(
        update(rows)
        .where(rows.c.policy == policy, rows.c.resumed_on.is_(None))
        .values(resumed_on=max(effective, standing.since).isoformat(), resumed_by=by, resumed_version=version)
    )
    return True


def retirements(ledger: Ledger) -> list[Retired]:
    """Return every retirement, also those that are over, in order of policy and day."""
    with ledger.reading() as connection:
        return _retirements(connection)


def retired_policies(ledger: Ledger, on: date) -> dict[str, Retired]:
    """Return the policies that are out of use on a day."""
    return {one.policy: one for one in retirements(ledger) if one.holds(on)}


def retired_in(connection: Connection, on: date) -> dict[str, Retired]:
    """Return the policies that are out of use on a day, as an open transaction sees them."""
    return {one.policy: one for one in _retirements(connection) if one.holds(on)}


def already_retired(one: Retired) -> LedgerError:
    """Return the error of a policy that is out of use."""
    error = LedgerError.of(
        "already-retired",
        f"政策 `{one.policy}` 已由 {one.by} 停用，自 {one.since} 起：{one.reason}",
        f"the policy `{one.policy}` is retired already, since {one.since}, by {one.by}: {one.reason}",
        help_zh="要恢复，请重新审批一个版本",
        help_en="to take it up again, approve a version anew",
    )
    assert isinstance(error, LedgerError)
    return error


def _require_person_and_reason(person: str, why: str) -> None:
    if not person:
        raise LedgerError.of(
            "person-missing", "没有写明由谁停用", "nobody is named who retires the policy",
            help_zh="用 --by 写姓名或工号", help_en="give a name or staff number with --by",
        )  # fmt: skip
    if not why:
        raise LedgerError.of(
            "reason-missing", "没有写明停用的理由", "no reason is given for retiring the policy",
            help_zh="用 --reason 写理由，它会进审计日志并告诉问起的人",
            help_en="give one with --reason; the audit log keeps it, and whoever asks is told",
        )  # fmt: skip


def _is_over(one: Retired) -> bool:
    return one.resumed_on is not None


def _retirements(connection: Connection) -> list[Retired]:
    rows = table(tables.Retirement)
    query = select(rows).order_by(rows.c.policy, rows.c.retired_on, rows.c.number)
    return [
        Retired(
            row.policy,
            date.fromisoformat(row.retired_on),
            row.retired_by,
            row.retired_at,
            row.reason,
            None if row.resumed_on is None else date.fromisoformat(row.resumed_on),
            row.resumed_by,
        )
        for row in connection.execute(query)
    ]
