"""One bucket of an intake against what the store holds: what is new, what changed, what is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

Keys = Sequence[str]


@dataclass(frozen=True, slots=True)
class Merged:
    """What one bucket of an intake comes to.

    rows       the rows to append: data columns and `_removed`, ascending by subject (and item)
    changed    the rows of the file that are new or say something new (with contacts)
    newcomers  subjects that the table did not have
    unchanged  rows of the file that say nothing new, identical copies included
    removed    subjects that became tombstones; `live` is the change in the number of rows that count
    restated   rows of the file that say nothing new to the store, but overrule an event (with contacts)
    """

    rows: pl.DataFrame
    changed: pl.DataFrame
    newcomers: pl.Series
    unchanged: int
    removed: int
    live: int
    restated: pl.DataFrame


def split_duplicates(rows: pl.DataFrame, keys: Keys, content: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Return the rows alone with their key, the clashing rows, and how many identical copies were dropped.

    Identical rows count once. If two rows of one key differ, nobody can say which is right: all clash.
    """
    if not rows.select(keys).is_duplicated().any():
        return rows, rows.clear(), 0
    distinct = rows.unique([*keys, *content], keep="first", maintain_order=True)
    clashing_keys = distinct.filter(distinct.select(keys).is_duplicated()).select(keys).unique()
    clashing = rows.join(clashing_keys, on=list(keys), how="semi")
    alone = distinct.join(clashing_keys, on=list(keys), how="anti", maintain_order="left")
    return alone, clashing, rows.height - alone.height - clashing.height


def merge_subjects(
    incoming: pl.DataFrame,
    blanked: pl.DataFrame,
    current: pl.DataFrame,
    data: Sequence[str],
    full: bool,
    date_anew: bool,
    overruled: pl.Series,
    silence_counts: bool,
) -> Merged:
    """Merge a bucket of a register or of attributes.

    Args:
        incoming: good rows, one per subject, ascending.
        blanked: subjects whose row is in quarantine: what the table says of them becomes unknown.
        current: the live rows of the table, ascending: `subject` and `data`.
        data: the columns to compare.
        full: subjects of `current` that the extract does not name are gone.
        date_anew: append unchanged rows too, because the day of the extract counts.
        overruled: subjects of whom an event of an earlier day has spoken: their rows are appended anew.
        silence_counts: whether a full extract that does not name such a subject overrules the event.
    """
    told_of = overruled.to_frame("subject")
    silent = full and silence_counts and overruled.len() > 0
    unnamed = _unnamed(told_of, incoming, current, blanked) if silent else told_of.clear()
    silenced = _empty_rows(unnamed, incoming, data, removed=True)
    if current.is_empty():
        rows = incoming.select("subject", *data, pl.lit(False).alias("_removed"))
        both = pl.concat([rows, silenced]).sort("subject")
        return Merged(both, incoming, incoming["subject"], 0, 0, rows.height, incoming.clear())
    same_subjects = incoming["subject"].equals(current["subject"])
    if same_subjects:
        differs = _any_different(incoming, current, data)
        changed = incoming.filter(differs)
        newcomers = incoming["subject"].clear()
    else:
        beside = incoming.select("subject").join(
            current.with_columns(pl.lit(True).alias("_known")),
            on="subject",
            how="left",
            maintain_order="left",
        )
        known = beside["_known"].fill_null(False)
        changed = incoming.filter(_any_different(incoming, beside, data) | ~known)
        newcomers = incoming["subject"].filter(~known)
    restated = incoming.clear()
    if overruled.len():
        restated = _unnamed(incoming.join(told_of, on="subject", how="semi"), changed)
    written = incoming if date_anew else pl.concat([changed, restated])
    parts = [written.select("subject", *data, pl.lit(False).alias("_removed")), silenced]
    if not blanked.is_empty():
        # What the agency says now cannot be read, and what it said before may be false: both are unknown.
        lost = current.select("subject").join(blanked.select("subject").unique(), on="subject", how="semi")
        lost = lost.join(incoming.select("subject"), on="subject", how="anti")
        parts.append(_empty_rows(lost, current, data, removed=False))
    removed = 0
    if full and not same_subjects:
        gone = current.select("subject").join(incoming.select("subject"), on="subject", how="anti")
        gone = gone.join(blanked.select("subject"), on="subject", how="anti")
        removed = gone.height
        parts.append(_empty_rows(gone, current, data, removed=True))
    rows = pl.concat(parts).sort("subject")
    unchanged = incoming.height - changed.height
    return Merged(rows, changed, newcomers, unchanged, removed, newcomers.len() - removed, restated)


def merge_items(
    incoming: pl.DataFrame,
    blanked: pl.DataFrame,
    current: pl.DataFrame,
    data: Sequence[str],
    full: bool,
    date_anew: bool,
    overruled: pl.Series,
    silence_counts: bool = True,
) -> Merged:
    """Merge a bucket of a collection: an owner whose set of items changed in any way is written anew.

    A quarantined item (`blanked`) of an owner stays in the set, empty: that there is an item is known, what
    it says is not. Owners that a full extract does not name have no items any more. See `merge_subjects`.
    """
    keys = ["subject", "item"]
    lost = blanked.unique(keys).join(incoming.select(keys), on=keys, how="anti")
    coming = pl.concat(
        [
            incoming.select(*keys, *data),
            lost.select(*keys, *(pl.lit(None, dtype=incoming.schema[name]).alias(name) for name in data)),
        ]
    ).sort(keys)
    owners = coming.select("subject").unique()
    told_of = overruled.to_frame("subject")
    silent = full and silence_counts and overruled.len() > 0
    silenced = _unnamed(told_of, owners, current) if silent else told_of.clear()
    if current.is_empty():
        rows = coming.with_columns(pl.lit(False).alias("_removed"))
        both = pl.concat([rows, _tombstones(silenced, coming, data)]).sort(keys)
        return Merged(both, incoming, incoming["subject"].unique(), 0, 0, rows.height, incoming.clear())
    relevant = current.join(owners, on="subject", how="semi")
    beside = coming.select(keys).join(
        relevant.with_columns(pl.lit(True).alias("_known")), on=keys, how="left", maintain_order="left"
    )
    differs = _any_different(coming, beside, data) | ~beside["_known"].fill_null(False)
    vanished = relevant.select(keys).join(coming.select(keys), on=keys, how="anti")
    touched = pl.concat([coming.filter(differs).select("subject"), vanished.select("subject")]).unique()
    if overruled.len():
        touched = pl.concat([touched, owners.join(told_of, on="subject", how="semi")]).unique()
    rewritten = owners if date_anew else touched
    rows = coming.join(rewritten, on="subject", how="semi").with_columns(pl.lit(False).alias("_removed"))
    replaced = relevant.join(rewritten, on="subject", how="semi").height
    parts, removed, lost_items = [rows, _tombstones(silenced, current, data)], 0, 0
    if full:
        gone = current.join(owners, on="subject", how="anti")
        lost_items = gone.height
        tombs = gone.select("subject").unique()
        removed = tombs.height
        parts.append(_tombstones(tombs, current, data))
    newcomers = owners.join(current.select("subject"), on="subject", how="anti")["subject"]
    changed = incoming.join(coming.filter(differs).select(keys), on=keys, how="semi")
    live = rows.height - replaced - lost_items
    unchanged = incoming.height - changed.height
    return Merged(pl.concat(parts).sort(keys), changed, newcomers, unchanged, removed, live, incoming.clear())


def _tombstones(owners: pl.DataFrame, like: pl.DataFrame, data: Sequence[str]) -> pl.DataFrame:
    empty = [pl.lit(None, dtype=like.schema[name]).alias(name) for name in data]
    return owners.select("subject", pl.lit("").alias("item"), *empty, pl.lit(True).alias("_removed"))


def _unnamed(subjects: pl.DataFrame, *others: pl.DataFrame) -> pl.DataFrame:
    """Return those of `subjects` that none of the others names."""
    for other in others:
        subjects = subjects.join(other.select("subject"), on="subject", how="anti", maintain_order="left")
    return subjects


def _any_different(left: pl.DataFrame, right: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    if not columns:
        return pl.Series([False], dtype=pl.Boolean).new_from_index(0, left.height)
    beside = pl.concat(
        [left.select(columns), right.select(columns).rename(lambda name: f"{name}\x00")], how="horizontal"
    )
    different = [pl.col(name).ne_missing(pl.col(f"{name}\x00")) for name in columns]
    return beside.select(pl.any_horizontal(different).alias("different"))["different"]


def _empty_rows(subjects: pl.DataFrame, like: pl.DataFrame, data: Sequence[str], removed: bool) -> pl.DataFrame:
    empty = [pl.lit(None, dtype=like.schema[name]).alias(name) for name in data]
    return subjects.select("subject", *empty, pl.lit(removed).alias("_removed"))
