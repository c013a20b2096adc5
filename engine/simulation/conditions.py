"""The conditions and tiers of a settled policy, worked out one by one for everybody: what turns people away."""

from __future__ import annotations

from functools import reduce

import narwhals as nw
import polars as pl

from engine.columnar_expressions import ExpressionCompiler
from engine.columnar_frames import FrameBuilder, with_derived
from engine.columnar_scopes import Scopes
from engine.decision import Population
from policies.policy import Condition, FixedPolicy
from policies.vocabulary import Vocabulary


class Conditions:
    """The parts of one settled policy, compiled once, to be worked out bucket by bucket."""

    def __init__(self, fixed: FixedPolicy, vocabulary: Vocabulary) -> None:
        """Compile the conditions and the tiers. Raises PolicyError for what the catalog does not know."""
        self.parts = parts_of(fixed.eligibility)
        self.tiers = len(fixed.tiers)
        self._fixed = fixed
        self._scopes = Scopes(vocabulary)
        self._compiler = ExpressionCompiler(self._scopes)
        self._subjects = self._scopes.subjects(fixed.policy.space)
        name = fixed.policy.for_each
        space = fixed.policy.space
        self._scope = (
            self._subjects if name is None else self._scopes.items(self._subjects, (self._subjects,), space, name)
        )
        self._columns = {f"condition {number}": self._truth(part) for number, part in enumerate(self.parts)}
        if self.tiers:
            self._columns["tier"] = self._tier()

    def of(self, population: Population) -> pl.DataFrame | None:
        """Return `subject`, `unit`, one Boolean column `condition N` for each part, and `tier` (from 0).

        None: the units are unknown for everybody. Rows that are no units of the policy (`unit_where`) are
        there, too.
        """
        builder = FrameBuilder(self._scopes, population)
        frame: pl.DataFrame | None = builder.subjects(self._subjects)
        name = self._fixed.policy.for_each
        if name is not None and frame is not None:
            frame = builder.units(self._scope, frame, name)
        if frame is None:
            return None
        unit = nw.lit("") if name is None else nw.col("unit")
        columns = [one.alias(column) for column, one in self._columns.items()]
        rows = with_derived(frame.lazy(), self._scope).select(nw.col("subject"), unit.alias("unit"), *columns)
        found: pl.DataFrame = rows.collect().to_native()
        return found

    def _truth(self, condition: Condition) -> nw.Expr:
        if condition.expression is not None:
            return self._compiler.compile(condition.expression, self._scope)
        children = [self._truth(child) for child in condition.children]
        if condition.kind == "all":
            return reduce(lambda one, other: one & other, children)
        either = reduce(lambda one, other: one | other, children)
        return ~either if condition.kind == "none" else either

    def _tier(self) -> nw.Expr:
        found: nw.Expr = nw.lit(None, nw.Int64)
        for number, tier in reversed(list(enumerate(self._fixed.tiers))):
            here = nw.lit(number, nw.Int64)
            if tier.when is None:
                found = here
            else:
                found = nw.when(self._compiler.compile(tier.when, self._scope)).then(here).otherwise(found)
        return found


def parts_of(condition: Condition) -> tuple[Condition, ...]:
    """Return the conditions that all have to hold: the children of the topmost `all`, nested ones taken apart."""
    if condition.kind != "all":
        return (condition,)
    return tuple(part for child in condition.children for part in parts_of(child))
