"""The settling facts of a batch's undetermined rows: the reference decides them again from their inputs."""

from __future__ import annotations

from collections.abc import Iterator

import narwhals as nw
import polars as pl

from engine.columnar_frames import with_derived
from engine.decision import Decision
from engine.evidence_facts import decide_again
from engine.interpreter import units_unknown
from engine.matches import Matches, PolicyResult
from policies.types import Date, Value

SETTLING_SCHEMA: dict[str, pl.DataType] = {
    "subject": pl.String(),
    "unit": pl.String(),
    "settled_by": pl.List(pl.String()),
}


def settling_rows(matches: Matches, policy: str) -> pl.DataFrame:
    """Return subject, unit and `settled_by` (as in `engine.decision.Decision`) of every undetermined unit.

    Only these rows are looked at, and each combination of inputs once. Raises the policy's error if it could
    not be evaluated.
    """
    found = [
        (subject, unit, list(decision.settled_by))
        for subject, unit, decision in decided_again(matches, policy, pl.col("eligible").is_null())
    ]
    return pl.DataFrame(found, schema=SETTLING_SCHEMA, orient="row")


def decided_again(matches: Matches, policy: str, which: pl.Expr) -> Iterator[tuple[str, str, Decision]]:
    """Yield subject, unit and the reference's decision for the units that `which` (over `eligible`) picks.

    The decision is made from the inputs that the batch read, so that nothing is read again; its trace and
    inputs are complete. Raises the policy's error if it could not be evaluated.
    """
    result = matches.result(policy)
    fixed = result.program.fixed
    if result.frame is None:
        nobody_knows = units_unknown(fixed)
        if pl.select(pl.lit(None, pl.Boolean).alias("eligible")).select(which).item():
            yield from ((subject, "", nobody_knows) for subject in result.subjects)
        return
    known: dict[tuple[Value, ...], Decision] = {}
    names = [one.name for one in result.program.readings]
    for subject, unit, *values in _inputs(result, result.frame, which).iter_rows():
        key = tuple(values)
        decision = known.get(key)
        if decision is None:
            decision = known[key] = decide_again(fixed, dict(zip(names, key, strict=True)))
        yield subject, unit, decision


def _inputs(result: PolicyResult, frame: pl.DataFrame, which: pl.Expr) -> pl.DataFrame:
    """Return subject, unit and one column per input (dates as day numbers) of the wanted rows."""
    chosen = result.eligible.alias("eligible").to_frame().select(which).to_series()
    if result.kept is not None:
        chosen = chosen & result.kept
    unit = nw.lit("") if result.program.fixed.policy.for_each is None else nw.col("unit")
    columns = []
    for number, one in enumerate(result.program.readings):
        column = nw.col(one.column)
        if isinstance(one.type, Date) and one.stored:  # the results of aggregates are day numbers already
            column = column.cast(nw.Int32).cast(nw.Int64)
        columns.append(column.alias(f"input {number}"))
    rows = with_derived(frame.lazy().filter(chosen), result.scope, result.program.row_uses)
    found: pl.DataFrame = rows.select(nw.col("subject"), unit.alias("unit"), *columns).collect().to_native()
    return found
