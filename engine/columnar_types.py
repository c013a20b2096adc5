"""Column types, literals and comparisons, shared by all parts of the columnar compiler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw

from policies.types import Bool, Code, Date, Number, Text, Type, Value

OPERATORS: dict[str, Callable[[Any, Any], nw.Expr]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}


def column_type(type_: Type) -> type[nw.Boolean | nw.Int64 | nw.String]:
    """Return the column type of computed values: dates are day numbers here."""
    if isinstance(type_, Bool):
        return nw.Boolean
    if isinstance(type_, Number | Date):
        return nw.Int64
    assert isinstance(type_, Text | Code)
    return nw.String


def constant(type_: Type, value: Value) -> nw.Expr:
    """Return a literal of the right column type."""
    return nw.lit(value, dtype=column_type(type_)) if value is not None else nw.lit(None, column_type(type_))
