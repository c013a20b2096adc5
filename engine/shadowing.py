"""A version in shadow: it decides everybody beside the approved one, grants nobody and tells nobody.

What it decided is kept as one Parquet file (pseudonyms, units and amounts, nothing else) beside an audit row with its
digest and counts, so that it can be compared later with what the approved version has granted for the same period.
Fund, claims and exclusions are not settled: a shadow says who qualifies, not who would be served first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
from sqlalchemy import select

from engine.allocating import terms_of
from engine.ledger import audit, tables
from engine.ledger.approvals import approved_policies
from engine.ledger.earlier import past_grants_of
from engine.ledger.opening import Ledger, table, to_frame
from engine.matching import Profiles, Progress, Spill, Totals, match, spilling
from engine.planning import Plan, Planned, is_in_force
from policies.errors import LedgerError, RunError
from policies.periods import period_of
from policies.policy import Policy
from policies.vocabulary import Vocabulary

ACTION = "shadow-run"
_KEPT = {"subject": pl.String, "unit": pl.String, "amount": pl.Int64}


@dataclass(frozen=True, slots=True)
class Shadow:
    """One shadow run. Counts are units (subjects without for_each), `amount` is fen. `file` lies below the folder."""

    policy: str
    version: str
    on: date
    period: str
    subjects: int
    matched: int
    ineligible: int
    undetermined: int
    amount: int
    file: str
    digest: str
    by: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class ShadowComparison:
    """A shadow beside the ledger for the same period. `shadow_only` of them `waiting` qualify there and wait."""

    shadow: Shadow
    granted: int
    granted_amount: int
    same: int
    other_amount: int
    shadow_only: int
    granted_only: int
    waiting: int


def run_shadow(
    ledger: Ledger,
    profiles: Profiles,
    policy: Policy,
    vocabulary: Vocabulary,
    on: date,
    folder: Path,
    *,
    by: str,
    on_progress: Progress | None = None,
) -> Shadow:
    """Decide everybody by this version, keep the decisions below `folder`, and write one audit row.

    Raises:
        RunError: the version is the approved one, is not in force on the day, or cannot be computed.
        StoreError: the profiles cannot be read.
        LedgerError: nobody is named, or the ledger cannot be written.
    """
    person = by.strip()
    if not person:
        raise LedgerError.of(
            "person-missing", "没有写明由谁试运行", "nobody is named who runs the shadow",
            help_zh="用 --by 写姓名或工号", help_en="give a name or staff number with --by",
        )  # fmt: skip
    _require_shadow(ledger, policy, on)
    period = period_of(policy.period, on)
    plan = Plan(on, (Planned(policy, period, approved=False),), {policy.id: terms_of(policy, on, period)})
    with spilling() as spill:
        with past_grants_of(ledger, None) as past:
            totals = match(plan, profiles, vocabulary, past, spill, on_progress)[policy.id]
        if totals.error:
            raise RunError(totals.error)
        file = f"{policy.id}/{on}-{policy.version[:12]}.parquet"
        digest, amount = _keep(profiles, spill, folder / file)
    shadow = _shadow(policy, on, period.key, totals, amount, file, digest)
    return _record(ledger, shadow, profiles.versions, person)


def _require_shadow(ledger: Ledger, policy: Policy, on: date) -> None:
    standing = approved_policies(ledger, on).get(policy.id)
    if standing is not None and standing.version == policy.version:
        raise RunError.of(
            "version-approved",
            f"`{policy.id}` 的这个版本已经审批，不必试运行",
            f"this version of `{policy.id}` is approved already; it needs no shadow",
            help_zh="直接运行 mianshen run，或试运行改过的文件",
            help_en="run it with mianshen run, or give the file of a changed version",
        )
    if not is_in_force(policy, on):
        raise RunError.of(
            "not-in-force",
            f"政策 `{policy.id}` 在 {on} 不在有效期内",
            f"the policy `{policy.id}` is not in force on {on}",
            help_zh="用 --on 另选日期",
            help_en="choose another day with --on",
        )


def _shadow(policy: Policy, on: date, period: str, totals: Totals, amount: int, file: str, digest: str) -> Shadow:
    return Shadow(
        policy.id, policy.version, on, period, totals.subjects, totals.matched, totals.ineligible,
        totals.undetermined, amount, file, digest,
    )  # fmt: skip


def _keep(profiles: Profiles, spill: Spill, path: Path) -> tuple[str, int]:
    """Write the candidates bucket by bucket and put the whole file in its place; return its digest and the sum."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
    amount, whole = 0, sha256()
    schema = pl.DataFrame(schema=_KEPT).to_arrow().schema
    try:
        with pq.ParquetWriter(unfinished, schema, compression="zstd") as writer:
            for bucket in profiles.buckets:
                rows = spill.read("candidates", bucket, list(_KEPT)).sort("subject", "unit")
                amount += int(rows["amount"].sum() or 0)
                whole.update(_digest(rows).encode())
                writer.write_table(rows.to_arrow().cast(schema))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return whole.hexdigest(), amount


def _digest(rows: pl.DataFrame) -> str:
    return rows.write_csv(include_header=False, null_value="\x00")


def _record(ledger: Ledger, shadow: Shadow, versions: Mapping[str, int], by: str) -> Shadow:
    detail = {
        "policy": shadow.policy, "version": shadow.version, "on": shadow.on.isoformat(), "period": shadow.period,
        "subjects": shadow.subjects, "matched": shadow.matched, "ineligible": shadow.ineligible,
        "undetermined": shadow.undetermined, "amount": shadow.amount, "file": shadow.file, "digest": shadow.digest,
        "store": dict(versions),
    }  # fmt: skip
    now = ledger.now()
    with ledger.writing() as connection:
        audit.append(connection, at=now, actor=by, action=ACTION, detail=detail)
    return _from_detail(detail, by, now)


def shadows(ledger: Ledger, policy: str) -> list[Shadow]:
    """Return the shadow runs of a policy, the oldest first."""
    entries = table(tables.AuditEntry)
    query = select(entries).where(entries.c.action == ACTION).order_by(entries.c.number)
    with ledger.reading() as connection:
        found = [_from_detail(json.loads(row.detail), row.actor, row.at) for row in connection.execute(query)]
    return [one for one in found if one.policy == policy]


def _from_detail(detail: Mapping[str, Any], by: str, at: str) -> Shadow:
    return Shadow(
        detail["policy"], detail["version"], date.fromisoformat(detail["on"]), detail["period"], detail["subjects"],
        detail["matched"], detail["ineligible"], detail["undetermined"], detail["amount"], detail["file"],
        detail["digest"], by, at,
    )  # fmt: skip


def compare_shadow(ledger: Ledger, shadow: Shadow, folder: Path) -> ShadowComparison:
    """Return how a shadow differs from what the ledger holds for its policy and period.

    Raises RunError if its file is gone, or is not what the audit log says it was.
    """
    own = _kept_rows(shadow, folder / shadow.file)
    granted, waiting = _in_ledger(ledger, shadow)
    both = own.join(granted, on=["subject", "unit"], how="inner", suffix="_granted")
    same = both.filter(pl.col("amount").eq_missing(pl.col("amount_granted"))).height
    only = own.join(granted, on=["subject", "unit"], how="anti")
    return ShadowComparison(
        shadow,
        granted.height,
        int(granted["amount"].sum() or 0),
        same,
        both.height - same,
        only.height,
        granted.join(own, on=["subject", "unit"], how="anti").height,
        only.join(waiting, on=["subject", "unit"], how="semi").height,
    )


def _kept_rows(shadow: Shadow, path: Path) -> pl.DataFrame:
    try:
        rows = pl.read_parquet(path)
        groups = pq.ParquetFile(path)
        whole = sha256()
        start = 0
        for number in range(groups.num_row_groups):
            height = groups.metadata.row_group(number).num_rows
            whole.update(_digest(rows.slice(start, height)).encode())
            start += height
    except (OSError, pl.exceptions.PolarsError, ValueError) as fault:
        raise RunError.of(
            "shadow-unreadable",
            f"试运行的结果 `{path.name}` 读不出来",
            f"the decisions of the shadow in `{path.name}` cannot be read",
            help_zh="再试运行一次",
            help_en="run the shadow again",
        ) from fault
    if whole.hexdigest() != shadow.digest:
        raise RunError.of(
            "shadow-changed",
            f"试运行的结果 `{path.name}` 与审计日志不符",
            f"the decisions of the shadow in `{path.name}` are not those that the audit log names",
            help_zh="再试运行一次；若非人为替换，请查明原因",
            help_en="run the shadow again, and find out who has changed the file",
        )
    return rows


def _in_ledger(ledger: Ledger, shadow: Shadow) -> tuple[pl.DataFrame, pl.DataFrame]:
    with ledger.reading() as connection:
        frames = []
        for model in (tables.Grant, tables.Waiting):
            columns = table(model).c
            query = select(columns.subject, columns.unit, columns.amount).where(
                columns.policy == shadow.policy, columns.period == shadow.period
            )
            frames.append(to_frame([tuple(row) for row in connection.execute(query)], _KEPT))
    return frames[0], frames[1]
