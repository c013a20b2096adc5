"""Compaction: layered tables rewritten as their current state, now and then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from profiles.home import Home
from profiles.manifest import commit_manifest, read_manifest, writing
from profiles.point_index import forget_layouts
from profiles.store import (
    WRITER,
    Schema,
    StoredTable,
    arrow_schema,
    clear_unfinished,
    lay_out_current,
    open_current,
    table_folder,
    to_arrow,
)
from profiles.vault import open_vault


def compact(home: Home) -> dict[str, int]:
    """Rewrite every layered table as its current state; return the rows of each table rewritten.

    Earlier versions stay readable, so that a run can be replayed. The committed state changes at once or not
    at all, as with an intake. Contacts that a newer one has replaced are removed from the vault.

    Raises:
        StoreError: another process is writing, or the store is damaged.
    """
    with writing(home):
        manifest = read_manifest(home)
        tables = dict(manifest.tables)
        rewritten: dict[str, int] = {}
        for name, state in manifest.tables.items():
            table = open_current(home, manifest, name)
            if state.layers < 2 or table is None or not table.is_profile:
                continue
            clear_unfinished(home, name, state)
            version, rows = _rewrite(home, table, manifest.buckets, manifest.sequence)
            tables[name] = replace(state, version=version, rows=rows, layers=1)
            rewritten[name] = rows
        if rewritten:
            # The sequence stays: no intake has happened, and rows above it are unfinished intakes' remains.
            commit_manifest(home, replace(manifest, tables=tables))
            for name in rewritten:
                forget_layouts(home.store, name)
                lay_out_current(home, name)
        with open_vault(home) as vault:
            vault.forget_superseded()
    return rewritten


def _rewrite(home: Home, table: StoredTable, buckets: int, sequence: int) -> tuple[int, int]:
    schema: Schema = {column: kind for column, kind in table.columns.items() if column != "bucket"}
    rows = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal rows
        for bucket in range(buckets):
            # That somebody left is kept: else an event of an earlier day would bring them back.
            frame = table.read(bucket, schema, with_removed=not table.is_collection)
            rows += frame.filter(~pl.col("_removed")).height
            layer = frame.with_columns(
                pl.lit(bucket, dtype=pl.Int32).alias("bucket"),
                pl.lit(sequence, dtype=pl.Int64).alias("_sequence"),
            )
            yield from to_arrow(layer.select(*schema, "bucket"))

    folder = table_folder(home, table.name)
    write_deltalake(
        folder,
        pa.RecordBatchReader.from_batches(arrow_schema({**schema, "bucket": pl.Int32}), batches()),
        partition_by=["bucket"],
        mode="overwrite",
        writer_properties=WRITER,
    )
    return int(DeltaTable(folder).version()), rows
