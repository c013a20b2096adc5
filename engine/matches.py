"""What the columnar compiler found: per policy, who is eligible, who is not, and what is not known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import narwhals as nw
import polars as pl

from engine.columnar_frames import with_derived
from engine.columnar_programs import Program, Reading
from engine.columnar_scopes import Scope
from policies.errors import MianshenError
from policies.types import Date

ROWS_SCHEMA: dict[str, type[pl.DataType]] = {
    "subject": pl.String,
    "unit": pl.String,
    "amount": pl.Int64,
    "payee": pl.String,
    "claim_key": pl.String,
    "need": pl.Int64,
    "ceilings": pl.String,
    "evidence": pl.String,
}
OUTCOMES_SCHEMA: dict[str, type[pl.DataType]] = {
    "subject": pl.String,
    "unit": pl.String,
    "eligible": pl.Boolean,
    "amount": pl.Int64,
}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many units of a policy are eligible, not, and unknown; `subjects` is the size of the population.

    Without `for_each` every subject is its own unit.
    """

    matched: int
    ineligible: int
    undetermined: int
    subjects: int


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """The answers of one policy over one frame.

    `eligible` has one answer per row of `frame`; `kept` leaves out rows that are no units of this policy
    (None: all are). `amount` holds the amounts of the eligible rows in their order, None if they are all
    `program.constant_amount`. `frame` None: the collection of units is unknown for everybody.
    """

    program: Program
    scope: Scope
    frame: pl.DataFrame | None
    subjects: pl.Series
    eligible: pl.Series
    kept: pl.Series | None
    amount: pl.Series | None


@dataclass(frozen=True, slots=True)
class Matches:
    """The results of one pass, by policy id. Frames are shared; rows are put together on request."""

    results: Mapping[str, PolicyResult]
    errors: Mapping[str, MianshenError]

    @property
    def policies(self) -> tuple[str, ...]:
        """The ids of the policies that could be evaluated, in the order given."""
        return tuple(self.results)

    def error(self, policy: str) -> MianshenError | None:
        """Return why `policy` could not be evaluated, or None. It then has no rows and is to be held."""
        return self.errors.get(policy)

    def counts(self, policy: str) -> Counts:
        """Return how many units matched. Raises the policy's error if it could not be evaluated."""
        result = self.result(policy)
        matched = int(result.eligible.sum())
        undetermined = result.eligible.null_count()
        units = len(result.eligible) if result.kept is None else int(result.kept.sum())
        return Counts(matched, units - matched - undetermined, undetermined, len(result.subjects))

    def amount(self, policy: str) -> int:
        """Return the sum of all amounts in fen. Raises the policy's error if it could not be evaluated."""
        result = self.result(policy)
        if result.amount is not None:
            return int(result.amount.sum())
        constant = result.program.constant_amount
        return int(constant) * int(result.eligible.sum()) if constant is not None else 0

    def rows(self, policy: str) -> pl.DataFrame:
        """Return the eligible units: subject, unit, amount, payee, claim_key, need, ceilings, evidence.

        `unit` is "" without `for_each`; `amount` is null for benefits without one; `evidence` is a JSON
        object from input name to value, dates in ISO form, `ceilings` one from a ceiling's name to what it reads
        (`engine.ceiling_readings`). Ordered by subject, then unit.
        Raises the policy's error if it could not be evaluated.
        """
        result = self.result(policy)
        if result.frame is None:
            return pl.DataFrame(schema=ROWS_SCHEMA)
        program = result.program
        if not result.eligible.any():
            return pl.DataFrame(schema=ROWS_SCHEMA)
        matched = result.frame.lazy().filter(result.eligible)
        chosen = with_derived(matched, result.scope, program.row_uses).select(
            nw.col("subject"),
            (nw.lit("") if program.fixed.policy.for_each is None else nw.col("unit")).alias("unit"),
            (nw.lit(None, nw.String) if program.payee is None else nw.col(program.payee)).alias("payee"),
            (nw.lit(None, nw.String) if program.claim_key is None else program.claim_key).alias("claim_key"),
            (nw.lit(None, nw.Int64) if program.need is None else program.need).alias("need"),
            *(nw.col(one.column).alias(f"input {one.name}") for one in program.readings),
            *_ceiling_columns(program),
        )
        rows: pl.DataFrame = chosen.collect().to_native()
        amount = pl.lit(program.constant_amount, pl.Int64) if result.amount is None else result.amount
        return rows.with_columns(amount.alias("amount"), evidence(program.readings), _ceilings(program)).select(
            *ROWS_SCHEMA
        )

    def outcomes(self, policy: str) -> pl.DataFrame:
        """Return the answer for every unit: subject, unit, eligible (null: undetermined), amount.

        Raises the policy's error if it could not be evaluated.
        """
        result = self.result(policy)
        if result.frame is None:
            nothing = pl.lit(None, pl.Boolean).alias("eligible")
            unknown = result.subjects.to_frame().select("subject", pl.lit("").alias("unit"), nothing)
            return unknown.with_columns(pl.lit(None, pl.Int64).alias("amount"))
        unit = pl.lit("") if result.program.fixed.policy.for_each is None else pl.col("unit")
        frame = result.frame.select("subject", unit.alias("unit")).with_columns(result.eligible.alias("eligible"))
        rows = self.rows(policy).select("subject", "unit", "amount")
        if result.kept is not None:
            frame = frame.filter(result.kept)
        joined = frame.join(rows, on=["subject", "unit"], how="left", maintain_order="left")
        return joined.select(*OUTCOMES_SCHEMA)

    def missing(self, policy: str) -> dict[str, int]:
        """Return for each input in how many undetermined units it is unknown (inputs never missing: 0).

        Raises the policy's error if it could not be evaluated.
        """
        result = self.result(policy)
        if result.frame is None:
            return {str(result.program.fixed.policy.for_each): len(result.subjects)}
        readings = result.program.readings
        undetermined = result.frame.lazy().filter(result.eligible.is_null())
        found = undetermined.select(
            pl.col(one.column).is_null().sum().alias(str(number)) for number, one in enumerate(readings)
        ).collect()
        return {one.name: int(found[str(number)][0]) for number, one in enumerate(readings)}

    def result(self, policy: str) -> PolicyResult:
        """Return the answers of one policy. Raises the policy's error if it could not be evaluated."""
        if policy in self.errors:
            raise self.errors[policy]
        return self.results[policy]


def input_rows(result: PolicyResult, chosen: pl.Series) -> pl.DataFrame:
    """Return subject, unit and one column `input N` per reading (dates as day numbers) of the chosen rows."""
    assert result.frame is not None
    unit = nw.lit("") if result.program.fixed.policy.for_each is None else nw.col("unit")
    columns = []
    for number, one in enumerate(result.program.readings):
        column = nw.col(one.column)
        if isinstance(one.type, Date) and one.stored:  # the results of aggregates are day numbers already
            column = column.cast(nw.Int32).cast(nw.Int64)
        columns.append(column.alias(f"input {number}"))
    rows = with_derived(result.frame.lazy().filter(chosen), result.scope, result.program.row_uses)
    found: pl.DataFrame = rows.select(nw.col("subject"), unit.alias("unit"), *columns).collect().to_native()
    return found


def _ceiling_columns(program: Program) -> Iterator[nw.Expr]:
    """Yield what each ceiling reads of a unit; `engine.ceilings` says what becomes of it."""
    for one in program.ceilings:
        counts = nw.lit(True, nw.Boolean) if one.counts is None else one.counts
        yield counts.alias(f"ceiling {one.name}")
        if one.measure is not None:
            yield one.measure.alias(f"ceiling {one.name} measure")
        for number, key in enumerate(one.keys):
            yield key.alias(f"ceiling {one.name} {number}")


def _ceilings(program: Program) -> pl.Expr:
    """Return the JSON object of the ceilings, from the columns of `_ceiling_columns`; null without ceilings."""
    if not program.ceilings:
        return pl.lit(None, pl.String).alias("ceilings")
    parts = []
    for one in program.ceilings:
        group = [pl.col(f"ceiling {one.name} {number}") for number in range(len(one.keys))]
        fields = [
            pl.col(f"ceiling {one.name}").alias("counts"),
            pl.lit(one.limit, pl.Int64).alias("limit"),
            pl.lit(one.reading, pl.String).alias("as"),
        ]
        if one.measure is not None:
            fields.append(pl.col(f"ceiling {one.name} measure").cast(pl.Int64).alias("measure"))
        if group:
            fields.append(pl.concat_list(group).alias("group"))
        parts.append(pl.struct(*fields).alias(one.name))
    return pl.struct(*parts).struct.json_encode().alias("ceilings")


def evidence(readings: tuple[Reading, ...]) -> pl.Expr:
    """Return the JSON object of the inputs, from columns named `input <name>`."""
    fields = []
    for one in readings:
        column = pl.col(f"input {one.name}")
        if isinstance(one.type, Date) and not one.stored:
            column = column.cast(pl.Int32).cast(pl.Date)  # results of aggregates are day numbers
        fields.append(column.alias(one.name))
    if not fields:
        return pl.lit("{}").alias("evidence")
    return pl.struct(*fields).struct.json_encode().alias("evidence")
