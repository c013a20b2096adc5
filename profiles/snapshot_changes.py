"""What two pinned states of the store differ in: for each source, the subjects whose rows may not be the same.

Intakes append, so that what is new lies in files of its own, and only those are read. Where a table was
rewritten in between (compaction), its rows are compared. Beside the rows themselves there are the patches of
events, and data that have become stale, or fresh again, because the dates of both states differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date

import polars as pl

from policies.types import to_day_number
from profiles.catalog_model import Source
from profiles.events.patches import Patch
from profiles.snapshot import Snapshot
from profiles.store import DataFile, StoredTable


def changed_subjects(before: Snapshot, after: Snapshot, source: Source) -> pl.Series | None:
    """Return the subjects (ascending) whose data of `source` may differ; None: it may be everybody's.

    Some of them may turn out to be the same: a row can be written anew without saying anything new.

    Args:
        before: the store as it was, seen on its own reference date.
        after: the store as it is, on its own reference date.
        source: a source that goes to the store.

    Raises:
        StoreError: data files of either state are missing or damaged.
    """
    old, new = before.tables.get(source.id), after.tables.get(source.id)
    if old is None and new is None:
        return _no_subjects()
    if old is None or new is None:
        return None
    parts = [
        *_other_rows(old, new, after.buckets),
        *_other_patches(old, new, after.buckets),
        *_aged(before.on, after.on, old, new, _limits(after, source), after.buckets),
    ]
    return pl.concat([_no_subjects(), *parts]).unique().sort()


def _no_subjects() -> pl.Series:
    return pl.Series("subject", [], dtype=pl.String)


def _limits(snapshot: Snapshot, source: Source) -> frozenset[int]:
    """Return the freshness limits in days of what `source` delivers."""
    space = snapshot.catalog.spaces[source.space]
    attributes = space.collections[source.collection].attributes if source.collection else space.attributes
    names = [each.name for each in source.stored_fields]
    return frozenset(snapshot.freshness_limits(names, attributes).values())


# Rows


def _other_rows(old: StoredTable, new: StoredTable, buckets: range) -> Iterator[pl.Series]:
    if old.version == new.version:
        return
    added: list[DataFile] = []
    for bucket in buckets:
        earlier, later = old.files.get(bucket, ()), new.files.get(bucket, ())
        paths = {file.path for file in earlier}
        if paths <= {file.path for file in later}:
            added += [file for file in later if file.path not in paths]
        else:
            yield _compared(old, new, bucket)
    if added:
        yield new.rows_in_files(added, {"subject": pl.String}, None)["subject"].unique()


def _compared(old: StoredTable, new: StoredTable, bucket: int) -> pl.Series:
    """Return the subjects of whom the two versions do not say the same."""
    own = ("subject", "item", "bucket", "_sequence", "_removed")
    schema = {name: kind for name, kind in {**old.columns, **new.columns}.items() if name not in own}
    one, other = (replace(table, patches=None).read(bucket, schema) for table in (old, new))
    columns = one.columns
    return pl.concat(
        [
            one.join(other, on=columns, how="anti", nulls_equal=True)["subject"],
            other.join(one, on=columns, how="anti", nulls_equal=True)["subject"],
        ]
    ).unique()


# Patches of events


def _other_patches(old: StoredTable, new: StoredTable, buckets: range) -> Iterator[pl.Series]:
    if new.patches is None and old.patches is None:
        return
    for bucket in buckets:
        earlier = old.patches.of_bucket(bucket) if old.patches is not None else {}
        later = new.patches.of_bucket(bucket) if new.patches is not None else {}
        different = [
            subject
            for subject in {*earlier, *later}
            if earlier.get(subject) != later.get(subject) or _may_have_lost(earlier.get(subject, []), old, new)
        ]
        yield pl.Series("subject", different, dtype=pl.String)


def _may_have_lost(patches: list[Patch], old: StoredTable, new: StoredTable) -> bool:
    """Return whether a newer full extract, which changed no row, may have overruled one of the patches."""
    if old.full_as_of == new.full_as_of:
        return False
    first = to_day_number(old.full_as_of) if old.full_as_of is not None else None
    return first is None or any(patch.day >= first for patch in patches)


# Freshness


def _aged(
    was: date, is_: date, old: StoredTable, new: StoredTable, limits: Collection[int], buckets: range
) -> Iterator[pl.Series]:
    """Yield those whose rows are older than a limit on one of the two dates only."""
    if not limits or (was == is_ and old.full_as_of == new.full_as_of):
        return
    for bucket in buckets:
        if new.patches is not None:
            yield pl.Series("subject", list(new.patches.of_bucket(bucket)), dtype=pl.String)
        if _all_fresh(was, old, bucket, min(limits)) and _all_fresh(is_, new, bucket, min(limits)):
            continue
        rows = replace(new, patches=None).read(bucket, {"_as_of": pl.Date})
        then, now = _age(was, old.full_as_of), _age(is_, new.full_as_of)
        crossed = rows.select(pl.any_horizontal([(then > limit) != (now > limit) for limit in sorted(limits)]))
        yield rows["subject"].filter(crossed.to_series()).unique()


def _all_fresh(on: date, table: StoredTable, bucket: int, limit: int) -> bool:
    """Return whether no stored row is past the shortest limit, as far as can be said without reading the rows."""
    oldest = table.stored_as_of(bucket)
    return oldest is None or (on - oldest).days <= limit


def _age(on: date, full_as_of: date | None) -> pl.Expr:
    told = pl.col("_as_of")
    if full_as_of is not None:
        told = pl.max_horizontal(told, pl.lit(full_as_of))
    return (pl.lit(on) - told).dt.total_days()
