"""Allocation of a whole run: the pure steps of `engine.allocating`, carried over all buckets.

What concerns one subject is settled bucket by bucket; only claims, and funds that do not suffice, bring
candidates of all buckets together. The ledger is read as if this run had recorded nothing yet, so that a
continued run decides exactly as it did before it was interrupted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl
from sqlalchemy import Connection

from engine.allocating import (
    KEY,
    Settled,
    Terms,
    demand,
    layers,
    settle_claims,
    settle_funds,
    settle_net_of,
    settle_within_subjects,
    split_already_granted,
)
from engine.ceilings import settle_ceilings
from engine.ledger.ceiling_grants import grants_under_ceilings
from engine.ledger.earlier import claims_taken, earlier_grants, still_counting
from engine.ledger.funds import available_within
from engine.matching import CANDIDATE_COLUMNS
from engine.planning import Plan
from engine.recording import with_period
from engine.settling_beside_events import last_entry


class PutAside(Protocol):
    """Frames by name and bucket: on disk for a run (`engine.matching.Spill`), in memory for an event."""

    def write(self, name: str, bucket: int, frame: pl.DataFrame) -> None:
        """Put a frame aside."""

    def read(self, name: str, bucket: int, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return a frame that was put aside, or only some of its columns."""


@dataclass(slots=True)
class Settlement:
    """How many of each policy were granted before, and how far the ledger had come (`last_entry`).

    Who is kept and who waits lies in the spill.
    """

    already: Counter[str] = field(default_factory=Counter)
    seen: int = 0


@dataclass(frozen=True, slots=True)
class _Settler:
    plan: Plan
    names: Sequence[str]
    buckets: Sequence[int]
    spill: PutAside
    connection: Connection
    run: str | None

    def kept(self, bucket: int) -> pl.DataFrame:
        return self.spill.read("kept", bucket)

    def store(self, bucket: int, kept: pl.DataFrame, more_waiting: pl.DataFrame) -> None:
        self.spill.write("kept", bucket, kept)
        if more_waiting.height:
            before = self.spill.read("waiting", bucket)
            self.spill.write("waiting", bucket, pl.concat([before, more_waiting.select(before.columns)]))

    def gather(self, names: Sequence[str]) -> pl.DataFrame:
        """Bring the kept candidates of some policies together, with the number of their bucket."""
        parts = [
            self.kept(bucket).filter(pl.col("policy").is_in(names)).with_columns(bucket=pl.lit(bucket))
            for bucket in self.buckets
        ]
        return pl.concat(parts)

    def turn_down(self, settled: Settled) -> None:
        for (bucket,), lost in settled.waiting.group_by("bucket"):
            kept = self.kept(int(bucket)).join(lost, on=KEY, how="anti", maintain_order="left")
            self.store(int(bucket), kept, lost)

    @property
    def terms(self) -> dict[str, Terms]:
        return dict(self.plan.terms)


def settle(
    plan: Plan,
    names: Sequence[str],
    buckets: Sequence[int],
    spill: PutAside,
    connection: Connection,
    run: str | None,
) -> Settlement:
    """Settle the candidates of the named policies (the planned ones that are not held).

    Reads `candidates` from the spill; leaves `kept` and `waiting` there for each bucket.
    """
    settler = _Settler(plan, sorted(names), buckets, spill, connection, run)
    settlement = Settlement(seen=last_entry(connection))
    for bucket in buckets:
        _settle_bucket(settler, bucket, settlement)
    funds = {plan.terms[name].fund for name in names}
    available = available_within(connection, {f for f in funds if f is not None}, without_run=run)
    for layer in layers(plan.terms, list(names)):
        _settle_layer(settler, layer, available)
    return settlement


def _settle_bucket(settler: _Settler, bucket: int, settlement: Settlement) -> None:
    terms = settler.terms
    candidates = settler.spill.read("candidates", bucket, list(CANDIDATE_COLUMNS)).filter(
        pl.col("policy").is_in(settler.names)
    )
    earlier = earlier_grants(settler.connection, candidates["subject"].unique(), _related(settler))
    if settler.run is not None:
        earlier = earlier.filter(pl.col("run") != settler.run)
    candidates, granted = split_already_granted(candidates, terms, earlier)
    settlement.already.update(granted["policy"].to_list())
    counting = still_counting(earlier)
    settled = settle_within_subjects(candidates, terms, counting)
    settler.spill.write("kept", bucket, settled.kept)
    settler.spill.write("waiting", bucket, settled.waiting)
    bases = {name for item in terms.values() for name in item.net_of}
    if bases:
        settler.spill.write("base", bucket, counting.filter(pl.col("policy").is_in(list(bases))))


def _related(settler: _Settler) -> set[str]:
    """Return the policies whose earlier grants can matter to the planned ones."""
    planned = set(settler.names)
    related = set(planned)
    groups = {t.exclusive.group for n in planned if (t := settler.terms[n]).exclusive is not None}
    for name, item in settler.terms.items():
        if set(item.excludes) & planned or (item.exclusive is not None and item.exclusive.group in groups):
            related.add(name)
    for name in planned:
        related.update(settler.terms[name].excludes, settler.terms[name].net_of)
    return related


def _settle_layer(settler: _Settler, layer: Sequence[str], available: dict[str, int]) -> None:
    terms = settler.terms
    if any(terms[name].net_of for name in layer):
        for bucket in settler.buckets:
            _settle_net_of_bucket(settler, bucket, layer)
    if any(terms[name].ceilings for name in layer):
        for bucket in settler.buckets:
            _settle_ceilings_bucket(settler, bucket, layer)
    claiming = [name for name in layer if terms[name].claim_group is not None]
    if claiming:
        taken = claims_taken(settler.connection, {str(terms[name].claim_group) for name in claiming})
        if settler.run is not None:
            taken = taken.filter(pl.col("run") != settler.run)
        settler.turn_down(settle_claims(settler.gather(claiming), terms, taken))
    funded = [name for name in layer if terms[name].fund is not None]
    wanted = _demand(settler, funded)
    short = {fund for fund, amount in wanted.items() if amount > available[fund]}
    drawing = [name for name in funded if terms[name].fund in short]
    if drawing:
        settler.turn_down(settle_funds(settler.gather(drawing), terms, available))
    for fund, amount in _demand(settler, funded).items():
        available[fund] -= amount


def _settle_net_of_bucket(settler: _Settler, bucket: int, layer: Sequence[str]) -> None:
    kept = settler.kept(bucket)
    netting = [name for name in layer if settler.terms[name].net_of]
    mine = kept.filter(pl.col("policy").is_in(netting))
    if mine.is_empty():
        return
    columns = ["policy", "subject", "unit", "period", "amount", "on"]
    now = with_period(kept, settler.terms).with_columns(on=pl.lit(settler.plan.on.isoformat()))
    granted = pl.concat([settler.spill.read("base", bucket).select(columns), now.select(columns)])
    settled = settle_net_of(mine, settler.terms, granted)
    rest = kept.filter(~pl.col("policy").is_in(netting))
    settler.store(bucket, pl.concat([rest, settled.kept]), settled.waiting)


def _settle_ceilings_bucket(settler: _Settler, bucket: int, layer: Sequence[str]) -> None:
    kept = settler.kept(bucket)
    limited = [name for name in layer if settler.terms[name].ceilings]
    mine = kept.filter(pl.col("policy").is_in(limited))
    if mine.is_empty():
        return
    granted = grants_under_ceilings(settler.connection, mine["subject"], limited, settler.run)
    settled = settle_ceilings(mine, settler.terms, granted)
    rest = kept.filter(~pl.col("policy").is_in(limited))
    settler.store(bucket, pl.concat([rest, settled.kept]), settled.waiting)


def _demand(settler: _Settler, names: Sequence[str]) -> Counter[str]:
    wanted: Counter[str] = Counter()
    if names:
        for bucket in settler.buckets:
            wanted.update(demand(settler.kept(bucket).filter(pl.col("policy").is_in(names)), settler.terms))
    return wanted
