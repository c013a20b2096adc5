"""From Narwhals expressions to Polars' own, once for all buckets.

Narwhals translates an expression again each time that it is used: with 169 policies a fifth of the time of every
bucket, in one thread. Its translation does not depend on the data, so that the outcome can be kept.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import narwhals as nw
import polars as pl


class Translation:
    """Keeps what expressions were translated to. `native` is for expressions that will be used again."""

    def __init__(self) -> None:
        # The expression is kept with its outcome: an object's id is only unique while the object lives.
        self._known: dict[int, tuple[nw.Expr, pl.Expr]] = {}

    def native(self, expression: nw.Expr) -> pl.Expr:
        """Return the Polars expression of a Narwhals expression."""
        known = self._known.get(id(expression))
        if known is None:
            known = self._known[id(expression)] = (expression, translated(expression))
        return known[1]


def translated(expression: nw.Expr) -> pl.Expr:
    """Return the Polars expression of a Narwhals expression, translated anew."""
    # The one place that reaches behind Narwhals' public face; `test_translation_is_what_narwhals_does` watches it.
    compliant: Any = expression._to_compliant_expr(_namespace())
    native: pl.Expr = compliant.native
    return native


@cache
def _namespace() -> Any:
    return nw.from_native(pl.LazyFrame()).__narwhals_namespace__()
