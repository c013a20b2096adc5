"""Tests of code columns, worked out once per distinct code instead of once per row.

Thousands of rows share a few hundred codes. Comparing texts row by row was two thirds of the time of matching;
here each test runs over the distinct codes, and the rows are compared by small integers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import narwhals as nw
import polars as pl

from engine.columnar_scopes import Derived, Scope
from engine.columnar_translation import translated

Native: TypeAlias = "Callable[[nw.Expr], pl.Expr]"
_WORTH_IT = 3  # fewer tests of one column cost less than encoding it
_MOST_DISTINCT = 4  # a column with more than a quarter of its rows distinct is tested row by row


@dataclass(frozen=True, slots=True)
class _Encoded:
    """One code column as integers, and the distinct codes with their integers."""

    rows: pl.Series
    distinct: pl.DataFrame
    numbers: pl.Series


@dataclass(frozen=True, slots=True)
class CodedColumns:
    """The code columns of one frame, each encoded when it is first worth it."""

    data: pl.DataFrame
    _encoded: dict[str, _Encoded | None] = field(default_factory=dict)

    def with_tests(
        self, scope: Scope, used: Iterable[str], native: Native = translated
    ) -> tuple[pl.LazyFrame, frozenset[str]]:
        """Return the frame with those tests of codes added that are quicker by distinct code, and their names.

        `native` translates expressions (`engine.columnar_translation`).
        """
        by_column: dict[str, dict[str, Derived]] = defaultdict(dict)
        for name in used:
            derived = scope.derived.get(name)
            if derived is not None and derived.tested is not None:
                by_column[derived.tested][name] = derived
        columns: list[pl.Series] = []
        tests: list[pl.Expr] = []
        names: set[str] = set()
        for column, wanted in by_column.items():
            encoded = self._encode(column, len(wanted))
            if encoded is not None:
                columns.append(encoded.rows)
                tests += _tests(encoded, wanted, native)
                names |= wanted.keys()
        return self.data.lazy().with_columns(*columns).with_columns(*tests), frozenset(names)

    def _encode(self, column: str, tests: int) -> _Encoded | None:
        if column not in self._encoded:
            if tests < _WORTH_IT:
                return None
            self._encoded[column] = _encode(self.data[column])
        return self._encoded[column]


def _encode(codes: pl.Series) -> _Encoded | None:
    categories = codes.cast(pl.Categorical)
    distinct = categories.unique().drop_nulls()
    if distinct.len() * _MOST_DISTINCT > codes.len():
        return None
    rows = categories.to_physical().alias(f"{codes.name} coded")
    return _Encoded(rows, distinct.cast(pl.String).to_frame(codes.name), distinct.to_physical())


def _tests(encoded: _Encoded, wanted: Mapping[str, Derived], native: Native) -> list[pl.Expr]:
    answers = encoded.distinct.select(native(derived.expression).alias(name) for name, derived in wanted.items())
    row = pl.col(encoded.rows.name)
    # A known code has a known answer (see `ExpressionCompiler.code_test`), and an unknown one stays unknown.
    return [row.is_in(encoded.numbers.filter(answers[name]).implode()).alias(name) for name in wanted]
