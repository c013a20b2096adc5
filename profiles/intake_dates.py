"""Calendar days as agencies write them."""

from __future__ import annotations

from datetime import date

import polars as pl

EARLIEST_YEAR, LATEST_YEAR = 1800, 2999
_SAMPLE = date(2024, 12, 31)


def date_expression(text: pl.Expr, form: str) -> pl.Expr:
    """Return the day that `text` says in the strptime format `form`, null if it says none."""
    day = text.str.to_date(form, strict=False)
    plausible = day.dt.year().is_between(EARLIEST_YEAR, LATEST_YEAR)
    written = _SAMPLE.strftime(form)
    if written.isdigit():
        # Without separators a missing zero would shift the digits: 2024105 is not 5 October.
        plausible = plausible & (text.str.len_bytes() == len(written))
    return pl.when(plausible).then(day)


def second_look(texts: pl.Series, forms: tuple[str, ...]) -> pl.Series:
    """Return the days of texts in any of the formats, or in ISO form with a time of midnight."""
    text = pl.col("text")
    midnight = text.str.replace(r"[ T]00:00(?::00(?:\.0+)?)?$", "")
    days = [date_expression(text, form) for form in forms]
    days.append(date_expression(midnight, "%Y-%m-%d"))
    return pl.DataFrame({"text": texts}).select(pl.coalesce(days).alias("day"))["day"]
