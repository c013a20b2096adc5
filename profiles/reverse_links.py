"""From the subjects that links lead to back to those whose rows hold the links, without reading everybody's."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from profiles.picked_rows import few_of
from profiles.point_index import is_large, open_index
from profiles.pseudonyms import Pseudonyms, pseudonyms
from profiles.snapshot import Snapshot
from profiles.store import StoredTable


def perhaps_leading_to(
    snapshot: Snapshot, space: str, collection: str | None, column: str, targets: pl.Series
) -> pl.Series | None:
    """Return the subjects of `space` that may be linked to one of `targets`, ascending.

    All that are linked are among them, and others of whom an earlier row, or an event, said so.

    Args:
        snapshot: the store.
        space: whose links.
        collection: the link is one of each item of this collection; None: of the subject itself.
        column: the link's name, `member` for the members of a collection.
        targets: pseudonyms of subjects that links lead to.

    Returns:
        None if that cannot be looked up, or is found sooner by reading everybody's links.

    Raises:
        StoreError: data files are missing or damaged.
    """
    if collection is None:
        source = snapshot.source_of_datum(space, column)
        names = [source.id] if source is not None else []
    else:
        names = [source.id for source in snapshot.catalog.sources_of(space, collection)]
    tables = [table for name in names if (table := snapshot.tables.get(name)) is not None]
    asked = pseudonyms(targets)
    if asked is None:
        return None
    found = []
    for table in tables:
        for part in _in_table(table, snapshot.buckets, column, targets, asked):
            if part is None:
                return None
            found.append(part)
    return pl.concat([pl.Series("subject", [], dtype=pl.String), *found]).unique().sort()


def _in_table(
    table: StoredTable, buckets: range, column: str, targets: pl.Series, asked: Pseudonyms
) -> Iterator[pl.Series | None]:
    files = [file for bucket in buckets for file in table.files.get(bucket, ())]
    if not few_of(targets, files):
        yield None
        return
    for file in files:
        if is_large(file):
            index = open_index(table, file)
            yield None if index is None else index.leading_to(column, asked)
    small = [file for file in files if not is_large(file)]
    if small:
        rows = table.rows_in_files(small, {"subject": pl.String, column: pl.String}, None)
        yield rows.filter(pl.col(column).is_in(targets.implode()))["subject"]
    if table.patches is not None:
        for bucket in buckets:
            yield pl.Series("subject", list(table.patches.of_bucket(bucket)), dtype=pl.String)
