"""The Polars column types of the catalog's types."""

from __future__ import annotations

import polars as pl

from policies.types import Bool, Date, Number, Type

PolarsType = type[pl.DataType]


def polars_type(type_: Type) -> PolarsType:
    """Return the column type of a catalog type."""
    if isinstance(type_, Bool):
        return pl.Boolean
    if isinstance(type_, Number):
        return pl.Int64
    return pl.Date if isinstance(type_, Date) else pl.String
