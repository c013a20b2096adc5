"""What the batch found, as a DataFrame that an analyst can group, join and save."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal

import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa

from engine.decision import Decision, Outcome, TraceStep
from engine.matches import Matches
from engine.policy_inputs import types_by_name
from engine.undetermined_rows import decided_again, settling_rows
from policies.policy import FixedPolicy
from policies.types import Date, Number, Type, Value, from_day_number

YUAN = pd.ArrowDtype(pa.decimal128(20, 2))
_WORDS = {True: Outcome.ELIGIBLE.value, False: Outcome.INELIGIBLE.value, None: Outcome.UNDETERMINED.value}


def decisions(
    matches: Matches, fixed: Sequence[FixedPolicy], order: Mapping[str, int], labels: Sequence[Hashable], explain: bool
) -> pd.DataFrame:
    """Return one row per policy, subject and unit: policies as given, subjects in the order of the frame.

    `order` maps ids to positions, `labels` positions to what the frame calls the subject. Raises the error
    of a policy that could not be evaluated.
    """
    frames = [_of_policy(matches, one, order, explain) for one in fixed]
    whole = pl.concat(frames)
    positions = whole["position"].to_numpy()
    names = pd.Index(labels) if len(labels) else pd.Index([], dtype=object)
    eligible = whole["eligible"].to_list()
    outcomes = [one.value for one in Outcome]
    found = pd.DataFrame(
        {
            "policy": pd.Categorical(whole["policy"].to_list(), categories=[one.policy.id for one in fixed]),
            "subject": names.take(positions),
            "unit": pd.array(whole["unit"].to_list(), dtype="str"),
            "outcome": pd.Categorical([_WORDS[one] for one in eligible], categories=outcomes),
            "eligible": pd.array(eligible, dtype="boolean"),
            "amount_fen": pd.array(whole["amount"].to_list(), dtype="Int64"),
            "amount_yuan": _yuan(whole["amount"]),
            "settled_by": _tuples(whole["settled_by"]),
            "version": pd.Categorical(whole["version"].to_list()),
        }
    )
    if explain:
        found["tier"] = pd.array(whole["tier"].to_list(), dtype="Int64")
        found["because"] = _tuples(whole["because"])
        found["inputs"] = _objects(whole["inputs"].to_list())
    return found


def _of_policy(matches: Matches, fixed: FixedPolicy, order: Mapping[str, int], explain: bool) -> pl.DataFrame:
    policy = fixed.policy.id
    rows = matches.outcomes(policy)
    rows = rows.join(settling_rows(matches, policy), on=["subject", "unit"], how="left", maintain_order="left")
    constant = {"policy": pl.lit(policy), "version": pl.lit(fixed.policy.version)}
    positions = pl.Series("position", [order[one] for one in rows["subject"]], dtype=pl.Int64)
    rows = rows.with_columns(positions, **constant)
    if explain:
        rows = rows.with_columns(_explained(matches, fixed, rows))
    return rows.sort("position", maintain_order=True)


def _explained(matches: Matches, fixed: FixedPolicy, rows: pl.DataFrame) -> list[pl.Series]:
    known = {
        (subject, unit): decision
        for subject, unit, decision in decided_again(matches, fixed.policy.id, pl.lit(True).repeat_by(1).explode())
    }
    found = [known[key] for key in rows.select("subject", "unit").iter_rows()]
    types = types_by_name(fixed)
    return [
        pl.Series("tier", [one.tier for one in found], dtype=pl.Int64),
        pl.Series("because", [_because(one) for one in found], dtype=pl.List(pl.String)),
        pl.Series("inputs", [_shown(one.inputs or {}, types) for one in found], dtype=pl.Object),
    ]


def _because(decision: Decision) -> list[str]:
    """Return the conditions, as written, that keep the answer from being a yes."""
    if decision.outcome is Outcome.ELIGIBLE:
        return []
    return list(dict.fromkeys(_decisive(decision.trace, wanted=True)))


def _decisive(step: TraceStep, *, wanted: bool) -> list[str]:
    if step.result is wanted:
        return []
    if not step.children:
        return [step.condition.text]
    inner = not wanted if step.condition.kind == "none" else wanted
    # An unknown part does not matter where another part is known to fail.
    told = None if step.result is None else not inner
    return [text for one in step.children if one.result is told for text in _decisive(one, wanted=inner)]


def _shown(inputs: Mapping[str, Value], types: Mapping[str, Type]) -> dict[str, object]:
    """Return values as people write them: dates as dates, numbers with their decimals, money in yuan."""
    return {name: _plain(value, types.get(name)) for name, value in inputs.items()}


def _plain(value: Value, kind: Type | None) -> object:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(kind, Date):
        return from_day_number(value)
    return Decimal(value).scaleb(-kind.scale) if isinstance(kind, Number) and kind.scale else value


def _yuan(fen: pl.Series) -> pd.Series:
    # By way of Decimal and Arrow, so that no binary float comes between.
    values = [None if one is None else Decimal(one).scaleb(-2) for one in fen]
    return pd.Series(pd.array(pa.array(values, pa.decimal128(20, 2)), dtype=YUAN))


def _tuples(lists: pl.Series) -> pd.Series:
    return _objects([() if one is None else tuple(one) for one in lists.to_list()])


def _objects(values: Sequence[object]) -> pd.Series:
    found = pd.Series([None] * len(values), dtype=object)
    for number, value in enumerate(values):
        found.iat[number] = value
    return found
