"""Identifiers derived from what they identify: the same thing always gets the same id, on every machine."""

from __future__ import annotations

from hashlib import sha256

import polars as pl

_SUBJECT_DIGITS, _KEY_DIGITS = 20, 12


def grant_id(subject: str, policy: str, unit: str, period: str) -> str:
    """Return the id of the one grant of `policy` to `subject` for `unit` and `period`."""
    return subject[:_SUBJECT_DIGITS] + _key(policy, unit, period)


def with_grant_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the column `id` to a frame that has subject, policy, unit and period."""
    keys = rows.select("policy", "unit", "period").unique()
    digests = [_key(policy, unit, period) for policy, unit, period in keys.iter_rows()]
    keys = keys.with_columns(pl.Series("_key", digests, dtype=pl.String))
    # maintain_order: the caller has sorted the rows so that the database's B-trees grow at their end.
    joined = rows.join(keys, on=["policy", "unit", "period"], how="left", maintain_order="left")
    return joined.with_columns(id=pl.concat_str(pl.col("subject").str.slice(0, _SUBJECT_DIGITS), pl.col("_key"))).drop(
        "_key"
    )


def announcement_id(grant: str, kind: str) -> str:
    """Return the id of the announcement of `kind` that belongs to a grant."""
    return f"{grant}-{kind}"


def _key(policy: str, unit: str, period: str) -> str:
    # The unit separator cannot stand in a policy's id or a period, so no two keys share a text.
    return sha256("\x1f".join((policy, period, unit)).encode()).hexdigest()[:_KEY_DIGITS]
