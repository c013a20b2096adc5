"""The audit log: one row per action, each chained to the one before by its hash.

Whoever changes, removes, inserts or reorders rows breaks the chain there. A batch of grants is one row
with the digest of what it wrote, so that a changed grant is found as well. What no chain can show by itself
is that its very end was cut off: the report therefore names the last hash, to be kept elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from typing import Any

import polars as pl
from sqlalchemy import Connection, insert, select

from engine.ledger import tables
from engine.ledger.opening import GRANT_COLUMNS, Ledger, table, to_frame, to_text_of_json
from policies.text import Bilingual

BATCH = "grants-recorded"
STAGE_MOVED = "stage-moved"
_BEGINNING = "0" * 64
_NOTHING = "\x00"  # in a digest; cannot be confused with a text, which never holds it

# What a grant's digest covers: everything that never changes after it was written (the stage does).
DIGESTED = tuple(GRANT_COLUMNS)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The result of a verification. `head` is the last hash; `first_broken` the first bad row's number."""

    entries: int
    intact: bool
    head: str
    grants_checked: int = 0
    first_broken: int | None = None
    reason: Bilingual | None = None


def append(connection: Connection, *, at: str, actor: str, action: str, detail: Mapping[str, object]) -> str:
    """Add one row in the caller's write transaction; return its hash."""
    entries = table(tables.AuditEntry)
    last = connection.execute(
        select(entries.c.number, entries.c.hash).order_by(entries.c.number.desc()).limit(1)
    ).first()
    number, previous = (1, _BEGINNING) if last is None else (last.number + 1, last.hash)
    text = to_text_of_json(detail)
    hashed = _hash(number, at, actor, action, text, previous)
    connection.execute(
        insert(entries).values(
            number=number, at=at, actor=actor, action=action, detail=text, previous=previous, hash=hashed
        )
    )
    return hashed


def digest_of_grants(grants: pl.DataFrame) -> str:
    """Return the digest of grants given with (at least) the columns of `DIGESTED`, in order of their id."""
    lines = grants.sort("id").select(
        pl.concat_str([pl.col(name).cast(pl.String).fill_null(_NOTHING) for name in DIGESTED], separator="\x1f")
    )
    return sha256("\n".join(lines.to_series()).encode()).hexdigest()


def verify(ledger: Ledger) -> AuditReport:
    """Follow the whole chain, then compare every batch with the grants it wrote."""
    with ledger.reading() as connection:
        entries = table(tables.AuditEntry)
        previous, number, batches = _BEGINNING, 0, {}
        for row in connection.execute(select(entries).order_by(entries.c.number)):
            number += 1
            fault = _fault_of_row(row, number, previous)
            if fault is not None:
                return AuditReport(number - 1, False, previous, 0, number, fault)
            previous = row.hash
            if row.action == BATCH:
                detail = json.loads(row.detail)
                batches[detail["run"], detail["bucket"]] = (row.number, detail)
        checked, broken, fault = _compare_batches(connection, batches)
        return AuditReport(number, fault is None, previous, checked, broken, fault)


def _hash(number: int, at: str, actor: str, action: str, detail: str, previous: str) -> str:
    return sha256(to_text_of_json([number, at, actor, action, detail, previous]).encode()).hexdigest()


def _fault_of_row(row: Any, number: int, previous: str) -> Bilingual | None:
    if row.number != number:
        return Bilingual(f"第 {number} 行不见了", f"row {number} is missing")
    if row.previous != previous:
        return Bilingual(f"第 {number} 行与前一行不相连", f"row {number} does not follow from the row before")
    if row.hash != _hash(row.number, row.at, row.actor, row.action, row.detail, row.previous):
        return Bilingual(f"第 {number} 行被改动过", f"row {number} was changed after it was written")
    return None


def _compare_batches(
    connection: Connection, batches: Mapping[tuple[str, int], tuple[int, dict[str, Any]]]
) -> tuple[int, int | None, Bilingual | None]:
    """Return how many grants were checked, and the first batch that is not as it was written."""
    grants = table(tables.Grant)
    columns = [grants.c[name] for name in DIGESTED]
    rows = connection.execution_options(yield_per=20_000).execute(
        select(grants.c.run, grants.c.bucket, *columns).order_by(grants.c.run, grants.c.bucket, grants.c.id)
    )
    checked, seen = 0, set()
    faults: list[tuple[int, Bilingual]] = []
    for key, group in groupby(rows, key=lambda row: (row[0], row[1])):
        members = to_frame([tuple(row[2:]) for row in group], GRANT_COLUMNS)
        checked += len(members)
        seen.add(key)
        if key not in batches:
            number = 0
            faults.append(
                (
                    number,
                    Bilingual(
                        f"有 {len(members)} 张兑现单不属于任何有记录的批次（运行 {key[0]}，分桶 {key[1]}）",
                        f"{len(members)} grants belong to no recorded batch (run {key[0]}, bucket {key[1]})",
                    ),
                )
            )
            continue
        number, detail = batches[key]
        if detail["grants"] != len(members) or detail["digest"] != digest_of_grants(members):
            faults.append((number, _changed(number, detail["grants"], len(members))))
    for key, (number, detail) in batches.items():
        if key not in seen and detail["grants"]:
            faults.append((number, _changed(number, detail["grants"], 0)))
    faults.extend(_faults_of_funds(connection, batches))
    if not faults:
        return checked, None, None
    first = min(faults, key=lambda fault: fault[0])
    return checked, first[0], first[1]


def _changed(number: int, recorded: int, found: int) -> Bilingual:
    return Bilingual(
        f"第 {number} 行记下的 {recorded} 张兑现单已被改动（现有 {found} 张）",
        f"the {recorded} grants recorded by row {number} were changed ({found} are there)",
    )


def _faults_of_funds(
    connection: Connection, batches: Mapping[tuple[str, int], tuple[int, dict[str, Any]]]
) -> list[tuple[int, Bilingual]]:
    moves = table(tables.FundEntry)
    found: dict[tuple[str, int], dict[str, int]] = {}
    for row in connection.execute(select(moves).where(moves.c.kind == "reserved")):
        found.setdefault((row.run, row.bucket), {})[f"{row.policy}/{row.fund}"] = row.amount
    faults = []
    for key, (number, detail) in batches.items():
        if found.pop(key, {}) != detail["funds"]:
            faults.append(
                (
                    number,
                    Bilingual(
                        f"第 {number} 行记下的资金变动已被改动",
                        f"the fund movements recorded by row {number} were changed",
                    ),
                )
            )
    for run, bucket in found:
        faults.append(
            (
                0,
                Bilingual(
                    f"有资金变动不属于任何有记录的批次（运行 {run}，分桶 {bucket}）",
                    f"fund movements belong to no recorded batch (run {run}, bucket {bucket})",
                ),
            )
        )
    return faults
