"""Rows of a table under the patches of events: a whole bucket, or one subject. Both go the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from policies.types import from_day_number, to_day_number
from profiles.events.patches import EXISTENCE, Overlaid, Patch, overlay_items, overlay_row
from profiles.freshness import Freshness

if TYPE_CHECKING:
    from profiles.store import Schema, StoredTable

Row = Mapping[str, object]


def patched_rows(
    table: StoredTable,
    bucket: int,
    wanted: Schema,
    patches: Mapping[str, list[Patch]],
    subjects: pl.Series | None,
    fresh: Freshness | None,
) -> pl.DataFrame:
    """Return the columns `wanted` of a bucket, in order; `patches` are those of the subjects asked for."""
    needed = {**wanted, "_as_of": pl.Date, "_removed": pl.Boolean}
    rows = table.stored_rows([bucket], needed, subjects, with_removed=True)
    touched = _places_of(rows["subject"], sorted(patches))
    told = rows.filter(touched)
    rest = rows.filter(~touched & ~rows["_removed"])
    stale = fresh.may_be_stale(table.stored_as_of(bucket)) if fresh is not None else frozenset()
    if fresh is not None and stale:
        rest = fresh.applied(rest, table.full_as_of, stale)
    parts = [rest.select(list(wanted))]
    one_by_one = patches
    if not table.is_collection:
        # Most patches give another value to somebody who is there: all of those at once.
        live = told.filter(~pl.col("_removed"))
        gone = {subject for subject, found in patches.items() if any(_ends(patch) for patch in found)}
        live = live.filter(~pl.col("subject").is_in(list(gone))) if gone else live
        known = set(live["subject"].to_list())
        one_by_one = {subject: found for subject, found in patches.items() if subject not in known}
        settled = [patch for subject, found in patches.items() if subject in known for patch in found]
        parts.append(_overlaid(table, live, settled, wanted, fresh, stale))
    parts.append(_made(table, told, wanted, one_by_one, fresh))
    order = ["subject", "item"] if table.is_collection else ["subject"]
    changed = pl.concat(parts[1:]).sort(order)
    # Whoever has patches is in one of the two only, so items stay in their order too.
    return parts[0].merge_sorted(changed, key="subject") if changed.height else parts[0]


def _places_of(ascending: pl.Series, subjects: Sequence[str]) -> pl.Series:
    """Return for each of the `ascending` subjects whether it is one of `subjects`."""
    keys = pl.Series(subjects, dtype=pl.String)
    found = np.zeros(ascending.len() + 1, dtype=np.int32)
    np.add.at(found, np.asarray(ascending.search_sorted(keys, side="left")), 1)
    np.add.at(found, np.asarray(ascending.search_sorted(keys, side="right")), -1)
    return pl.Series(found[:-1].cumsum() > 0)


def _ends(patch: Patch) -> bool:
    return patch.name == EXISTENCE and patch.value == 0


def _overlaid(
    table: StoredTable,
    live: pl.DataFrame,
    patches: Sequence[Patch],
    wanted: Schema,
    fresh: Freshness | None,
    stale: frozenset[str],
) -> pl.DataFrame:
    """Return `live` rows of subjects with the newest values; the same as `overlay_row`, for many at once."""
    confirmed = pl.col("_as_of")
    if table.full_as_of is not None:
        confirmed = pl.max_horizontal(confirmed, pl.lit(table.full_as_of))
    rows = fresh.applied(live, table.full_as_of, stale) if fresh is not None and stale else live
    rows = rows.with_columns(confirmed.alias("_confirmed"))
    by_name: dict[str, list[Patch]] = {}
    for patch in patches:
        by_name.setdefault(patch.name, []).append(patch)
    newest = [pl.col("_confirmed")]
    for name, found in by_name.items():
        day, value = f"_day of {name}", f"_value of {name}"
        said = pl.DataFrame(
            {
                "subject": pl.Series([patch.subject for patch in found], dtype=pl.String),
                day: pl.Series([patch.day for patch in found], dtype=pl.Int32).cast(pl.Date),
                value: _typed([patch.value for patch in found], wanted.get(name, pl.String)),
            }
        )
        rows = rows.join(said, on="subject", how="left", maintain_order="left")
        counts = pl.col(day) >= pl.col("_confirmed")
        newest.append(pl.when(counts).then(pl.col(day)))
        if name in wanted:
            told = pl.col(value)
            if fresh is not None and name in fresh.limits:
                told = pl.when((pl.lit(fresh.on) - pl.col(day)).dt.total_days() <= fresh.limits[name]).then(told)
            rows = rows.with_columns(pl.when(counts).then(told).otherwise(pl.col(name)).alias(name))
    return rows.with_columns(pl.max_horizontal(newest).alias("_as_of")).select(list(wanted))


def _typed(values: Sequence[object], kind: object) -> pl.Series:
    if kind == pl.Boolean:
        return pl.Series([None if value is None else bool(value) for value in values], dtype=pl.Boolean)
    if kind == pl.Date:
        return pl.Series(values, dtype=pl.Int32).cast(pl.Date)
    if kind == pl.Int64:
        return pl.Series(values, dtype=pl.Int64)
    return pl.Series([None if value is None else str(value) for value in values], dtype=pl.String)


def _made(
    table: StoredTable,
    told: pl.DataFrame,
    wanted: Schema,
    patches: Mapping[str, list[Patch]],
    fresh: Freshness | None,
) -> pl.DataFrame:
    """Return the rows of these subjects, made one by one; `told` are their rows of the extracts and others'."""
    stored: dict[str, list[Row]] = {}
    for row in told.filter(pl.col("subject").is_in(list(patches))).iter_rows(named=True):
        stored.setdefault(row["subject"], []).append(row)
    found = [
        row
        for subject in sorted(patches)
        for row in _of_subject(table, subject, wanted, stored.get(subject, []), patches[subject], fresh)
    ]
    return pl.DataFrame(
        {name: pl.Series(name, [row[name] for row in found], dtype=kind) for name, kind in wanted.items()}
    )


def patched_subject(
    table: StoredTable, bucket: int, subject: str, wanted: Schema, fresh: Freshness | None, stored: Sequence[Row]
) -> list[dict[str, object]]:
    """Return the rows of one subject; `stored` are its rows of the extracts, a tombstone included."""
    patches = table.patches.of_subject(bucket, subject) if table.patches is not None else []
    return _of_subject(table, subject, wanted, stored, patches, fresh)


def _of_subject(
    table: StoredTable,
    subject: str,
    wanted: Schema,
    stored: Sequence[Row],
    patches: Sequence[Patch],
    fresh: Freshness | None,
) -> list[dict[str, object]]:
    as_of = _day(stored[0]["_as_of"]) if stored else None
    if table.is_collection:
        live = [row for row in stored if not row["_removed"]]
        overlaid = overlay_items(live, as_of, patches, table.full_as_of)
    else:
        row = stored[0] if stored else None
        removed = row is not None and bool(row["_removed"])
        one = overlay_row(row, removed, as_of, patches, table.full_as_of, table.is_register)
        overlaid = [one] if one is not None else []
    confirmed = _latest(as_of, table.full_as_of) if as_of is not None else None
    return [_cells(each, subject, wanted, confirmed, fresh) for each in overlaid]


def _cells(
    row: Overlaid, subject: str, wanted: Schema, confirmed: int | None, fresh: Freshness | None
) -> dict[str, object]:
    """Return the cells of one row as Polars would give them, what is stale made unknown."""
    cells: dict[str, object] = {}
    for name, kind in wanted.items():
        value = row.cells.get(name)
        if name == "subject":
            value = subject
        elif name == "_as_of":
            value = row.as_of
        elif value is not None and fresh is not None and fresh.is_stale(name, row.days.get(name, confirmed)):
            value = None
        elif name in row.days and value is not None:
            value = _from_patch(value, kind)
        cells[name] = value
    return cells


def _from_patch(value: object, kind: object) -> object:
    if kind == pl.Boolean:
        return bool(value)
    return from_day_number(value) if kind == pl.Date and isinstance(value, int) else value


def _day(cell: object) -> date | None:
    assert cell is None or isinstance(cell, date)
    return cell


def _latest(first: date, second: date | None) -> int:
    return to_day_number(max(first, second) if second is not None else first)
