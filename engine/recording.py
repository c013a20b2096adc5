"""Record: one bucket of grants is one transaction, with everything that belongs to them.

Grants with evidence, claims, fund movements, announcements, who waits, the checkpoint and the audit row
commit together or not at all. A bucket whose checkpoint is there is never written again. Rows go in sorted by
subject, so that the database's trees grow at their ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl
from sqlalchemy import Connection, bindparam, delete, insert, select

from engine.allocating import Terms, demand, settle_claims, settle_funds, split_already_granted
from engine.ceilings import settle_ceilings
from engine.ledger import audit, tables
from engine.ledger.ceiling_grants import grants_under_ceilings
from engine.ledger.earlier import WAITING_COLUMNS, WAITING_KEY, claims_taken, earlier_grants
from engine.ledger.funds import available_within
from engine.ledger.ids import announcement_id, with_grant_ids
from engine.ledger.opening import GRANT_COLUMNS, Ledger, insert_many, table
from engine.settling_beside_events import settle_beside_events
from policies.errors import RunError
from profiles.fault_points import fault_point

ANNOUNCED = "granted"
_FEW = 20_000  # rows handed to the database at a time: enough to be fast, little enough for memory


@dataclass(frozen=True, slots=True)
class GrantTerms:
    """What every grant of one policy has in common. `as_of` is a JSON object: source to date."""

    policy: str
    version: str
    space: str
    period: str
    kind: str
    stage: str
    fund: str | None = None
    payee_space: str | None = None
    as_of: str = "{}"


@dataclass(frozen=True, slots=True)
class Recorder:
    """What the transactions of one run share. `seen` is how far the ledger had come when it was allocated."""

    ledger: Ledger
    run: str
    on: date
    actor: str
    grant_terms: Mapping[str, GrantTerms]
    terms: Mapping[str, Terms]
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one bucket came to. `done_before` is True if its checkpoint was already there."""

    grants: int
    done_before: bool = False
    turned_down: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=WAITING_COLUMNS))


def record_bucket(
    recorder: Recorder, bucket: int, rows: pl.DataFrame, waiting: pl.DataFrame, no_longer: pl.DataFrame
) -> Recorded:
    """Write one bucket.

    Args:
        recorder: the run.
        bucket: its number.
        rows: who is granted: the candidates' columns and `evidence`.
        waiting: who waits, as far as that is new or has changed (`WAITING_COLUMNS`).
        no_longer: keys of those who waited before and do no longer.

    Raises:
        RunError: the run was given up meanwhile.
        LedgerError: the ledger cannot be written.
    """
    if rows.is_empty() and waiting.is_empty() and no_longer.is_empty():
        return Recorded(0)
    with recorder.ledger.writing() as connection:
        if _is_done(connection, recorder.run, bucket):
            return Recorded(0, done_before=True)
        rows, late = _settle_again(connection, recorder, rows)
        grants = write_rows(connection, recorder, bucket, rows, pl.concat([waiting, late]), no_longer)
    fault_point("bucket-recorded")
    return Recorded(grants.height, turned_down=late)


def write_rows(
    connection: Connection,
    recorder: Recorder,
    bucket: int,
    rows: pl.DataFrame,
    waiting: pl.DataFrame,
    no_longer: pl.DataFrame,
) -> pl.DataFrame:
    """Write what belongs together in the caller's transaction, checkpoint and audit row included.

    The arguments are those of `record_bucket`. Returns the grants.
    """
    grants = grant_rows(recorder, rows)
    _insert_grants(connection, recorder, bucket, grants)
    fault_point("grants-inserted")
    funds = _insert_fund_entries(connection, recorder, bucket, rows)
    fault_point("funds-reserved")
    _replace_waiting(connection, recorder, waiting, no_longer)
    digest = audit.digest_of_grants(grants)
    connection.execute(
        insert(table(tables.Checkpoint)).values(run=recorder.run, bucket=bucket, grants=grants.height, digest=digest)
    )
    audit.append(
        connection,
        at=recorder.ledger.now(),
        actor=recorder.actor,
        action=audit.BATCH,
        detail={
            "run": recorder.run,
            "bucket": bucket,
            "grants": grants.height,
            "digest": digest,
            "funds": funds,
            "waiting": waiting.height,
        },
    )
    fault_point("bucket-written")
    return grants


def grant_rows(recorder: Recorder, rows: pl.DataFrame) -> pl.DataFrame:
    """Return complete grants (`GRANT_COLUMNS` and stage, claim_key, payee_space), sorted by subject."""
    columns = ("policy", "version", "space", "period", "kind", "stage", "fund", "payee_space", "as_of")
    common = pl.DataFrame(
        [[getattr(item, name) for name in columns] for item in recorder.grant_terms.values()],
        schema=dict.fromkeys(columns, pl.String),
        orient="row",
    )
    joined = rows.join(common, on="policy", how="inner", maintain_order="left").sort("subject", "policy", "unit")
    evidence = pl.concat_str(
        pl.lit('{"values":'),
        pl.col("evidence"),
        pl.lit(',"as_of":'),
        pl.col("as_of"),
        (pl.lit(',"ceilings":') + pl.col("ceilings")).fill_null(""),
        pl.lit("}"),
    )
    return with_grant_ids(joined).with_columns(evidence=evidence, on=pl.lit(recorder.on.isoformat(), dtype=pl.String))


def _is_done(connection: Connection, run: str, bucket: int) -> bool:
    runs, checkpoints = table(tables.Run), table(tables.Checkpoint)
    state = connection.execute(select(runs.c.state).where(runs.c.id == run)).scalar()
    done = connection.execute(
        select(checkpoints.c.bucket).where(checkpoints.c.run == run, checkpoints.c.bucket == bucket)
    ).first()
    if done is not None or state == "finished":
        return True
    if state != "recording":
        raise RunError.of(
            "run-given-up",
            f"运行 `{run}` 已被放弃",
            f"the run `{run}` was given up meanwhile",
            help_zh="重新运行；已记录的兑现单仍然有效",
            help_en="run again; the grants recorded so far stay valid",
        )
    return False


def _settle_again(connection: Connection, recorder: Recorder, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Hold the allocation against the ledger as it is inside the transaction.

    It was made before; an appropriation, or a grant by another road, may have come between. Nobody gets a
    second grant, a claim twice, or money that is not there: whoever is short now waits.
    """
    earlier = earlier_grants(connection, rows["subject"], recorder.grant_terms)
    offered = rows
    rows, _ = split_already_granted(rows, recorder.terms, earlier)
    late = []
    if recorder.seen is not None:
        beside = settle_beside_events(connection, rows, offered, recorder.terms, recorder.seen)
        if beside is not None:
            rows, late = beside.kept, [beside.waiting]
    limited = [name for name in recorder.grant_terms if recorder.terms[name].ceilings]
    if limited and rows["ceilings"].null_count() < rows.height:
        under = grants_under_ceilings(connection, rows["subject"], limited)
        settled = settle_ceilings(rows, recorder.terms, under)
        rows, late = settled.kept, [*late, settled.waiting]
    groups = {item.claim_group for name, item in recorder.terms.items() if name in recorder.grant_terms}
    taken_groups = sorted(group for group in groups if group is not None)
    if taken_groups and rows["claim_key"].null_count() < rows.height:
        settled = settle_claims(rows, recorder.terms, claims_taken(connection, taken_groups))
        rows, late = settled.kept, [*late, settled.waiting]
    wanted = demand(rows, recorder.terms)
    left = available_within(connection, wanted)
    if any(amount > left[fund] for fund, amount in wanted.items()):
        settled = settle_funds(rows, recorder.terms, left)
        rows, late = settled.kept, [*late, settled.waiting]
    return rows, pl.concat([pl.DataFrame(schema=WAITING_COLUMNS), *(_keyed(w, recorder.terms) for w in late)])


def _keyed(waiting: pl.DataFrame, terms: Mapping[str, Terms]) -> pl.DataFrame:
    return with_period(waiting, terms).select(*WAITING_COLUMNS)


def with_period(rows: pl.DataFrame, terms: Mapping[str, Terms]) -> pl.DataFrame:
    """Add the column `period`, the key of each policy's period in this run."""
    periods = pl.DataFrame(
        [(name, item.period.key) for name, item in sorted(terms.items())],
        schema={"policy": pl.String, "period": pl.String},
        orient="row",
    )
    return rows.join(periods, on="policy", how="left", maintain_order="left")


def _insert_grants(connection: Connection, recorder: Recorder, bucket: int, grants: pl.DataFrame) -> None:
    for part in grants.iter_slices(_FEW):
        count = part.height
        columns: dict[str, list[object]] = {name: part[name].to_list() for name in GRANT_COLUMNS}
        columns |= {
            "stage": part["stage"].to_list(),
            "run": [recorder.run] * count,
            "bucket": [bucket] * count,
        }
        insert_many(connection, tables.Grant, columns)
        insert_many(connection, tables.Announcement, _announcements(recorder, part))
    groups = {name: item.claim_group for name, item in recorder.terms.items() if item.claim_group}
    claiming = grants.filter(pl.col("policy").is_in(list(groups)))
    if claiming.height:
        insert_many(
            connection,
            tables.Claim,
            {
                "group": [groups[name] for name in claiming["policy"]],
                "key": claiming["claim_key"].to_list(),
                "grant": claiming["id"].to_list(),
            },
        )


def _announcements(recorder: Recorder, grants: pl.DataFrame) -> dict[str, list[object]]:
    told = grants.select(
        id=pl.col("id") + pl.lit(announcement_id("", ANNOUNCED)),
        subject=pl.coalesce("payee", "subject"),
        # Whoever is paid is told: a guardian for a child, in the guardian's own space.
        space=pl.when(pl.col("payee").is_not_null()).then(pl.coalesce("payee_space", "space")).otherwise("space"),
        grant=pl.col("id"),
        policy=pl.col("policy"),
        version=pl.col("version"),
        data=pl.concat_str(
            pl.lit('{"amount":'),
            pl.col("amount").cast(pl.String).fill_null("null"),
            pl.lit(',"period":"'),
            pl.col("period"),
            pl.lit('"}'),
        ),
        on=pl.col("on"),
    )
    columns: dict[str, list[object]] = {name: told[name].to_list() for name in told.columns}
    columns["kind"] = [ANNOUNCED] * told.height
    columns["routed"] = [False] * told.height
    return columns


def _insert_fund_entries(connection: Connection, recorder: Recorder, bucket: int, rows: pl.DataFrame) -> dict[str, int]:
    funds = {name: item.fund for name, item in recorder.terms.items() if item.fund is not None}
    sums = (
        rows.filter(pl.col("policy").is_in(list(funds)))
        .group_by("policy")
        .agg(pl.col("amount").sum())
        .filter(pl.col("amount") > 0)
        .sort("policy")
    )
    entries = [(policy, funds[policy], amount) for policy, amount in sums.iter_rows()]
    return reserve(connection, recorder, bucket, entries)


def reserve(
    connection: Connection, recorder: Recorder, bucket: int, entries: Sequence[tuple[str, str, int]]
) -> dict[str, int]:
    """Write what policies reserve of their funds: (policy, fund, fen). Returns it as the audit log tells it."""
    count = len(entries)
    insert_many(
        connection,
        tables.FundEntry,
        {
            "fund": [fund for _, fund, _ in entries],
            "policy": [policy for policy, _, _ in entries],
            "run": [recorder.run] * count,
            "bucket": [bucket] * count,
            "kind": ["reserved"] * count,
            "amount": [amount for _, _, amount in entries],
            "at": [recorder.ledger.now()] * count,
        },
    )
    return {f"{policy}/{fund}": amount for policy, fund, amount in entries}


def _replace_waiting(
    connection: Connection, recorder: Recorder, waiting: pl.DataFrame, no_longer: pl.DataFrame
) -> None:
    # One who lost a place only just now may have waited before: the row is written anew.
    remove_waiting(connection, pl.concat([no_longer.select(WAITING_KEY), waiting.select(WAITING_KEY)]))
    if waiting.is_empty():
        return
    ordered = waiting.unique(WAITING_KEY, keep="last").sort(WAITING_KEY)
    columns: dict[str, list[object]] = {name: ordered[name].to_list() for name in WAITING_COLUMNS}
    columns["run"] = [recorder.run] * ordered.height
    insert_many(connection, tables.Waiting, columns)


def remove_waiting(connection: Connection, keys: pl.DataFrame) -> None:
    """Take these keys (`WAITING_KEY`) off the list of those who wait."""
    if keys.is_empty():
        return
    waiting = table(tables.Waiting)
    match = [waiting.c[name] == bindparam(f"_{name}") for name in WAITING_KEY]
    rows = [{f"_{name}": row[name] for name in WAITING_KEY} for row in keys.iter_rows(named=True)]
    connection.execute(delete(waiting).where(*match), rows)
