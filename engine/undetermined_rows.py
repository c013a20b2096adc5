"""The settling facts of a batch's undetermined rows: the reference decides them again from their inputs."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from engine.decision import Decision
from engine.evidence_facts import decide_again
from engine.interpreter import units_unknown
from engine.matches import Matches, input_rows
from policies.types import Value

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
    chosen = result.eligible.alias("eligible").to_frame().select(which).to_series()
    if result.kept is not None:
        chosen = chosen & result.kept
    for subject, unit, *values in input_rows(result, chosen).iter_rows():
        key = tuple(values)
        decision = known.get(key)
        if decision is None:
            decision = known[key] = decide_again(fixed, dict(zip(names, key, strict=True)))
        yield subject, unit, decision
