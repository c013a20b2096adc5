"""The tables of a snapshot: opened once for each version, then lent out under the patches of the day."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from profiles.catalog_model import Catalog, Source
from profiles.events.patches import TablePatches
from profiles.home import Home
from profiles.intake_checks import stored_schema
from profiles.store import SYSTEM_COLUMNS, StoredTable, open_table, table_folder

# Opening a table reads its log; a service that looks again after each event opens the same ones.
MOST_OPEN = 256
_open: OrderedDict[tuple[object, ...], StoredTable] = OrderedDict()
_lock = threading.Lock()


def patched_tables(
    home: Home,
    catalog: Catalog,
    dated: Mapping[str, tuple[int, date | None]],
    patched: Iterable[str],
    log: Path,
    upto: int,
) -> dict[str, StoredTable]:
    """Return the tables by name.

    Args:
        home: the installation.
        catalog: the declarations of sources.
        dated: table -> its version, and the day of its newest full extract.
        patched: the sources that events have patched.
        log: the file of the event log.
        upto: the last event whose patches are seen.
    """
    tables = {name: opened(home, name, version, day) for name, (version, day) in dated.items()}
    for name in patched:
        source = catalog.sources.get(name)
        if source is None:
            continue
        table = tables.get(name)
        if table is None and source.kind == "collection":
            # One event says nothing of everybody else's items: the collection stays unknown.
            continue
        table = table if table is not None else _never_taken_in(source)
        tables[name] = replace(
            table, patches=TablePatches(log, name, upto), is_register=source.kind == "register"
        )  # fmt: skip
    return tables


def _never_taken_in(source: Source) -> StoredTable:
    columns = {**SYSTEM_COLUMNS, **stored_schema(source)}
    return StoredTable(source.id, -1, None, pl.DataFrame(schema=columns).schema, {})


def opened(home: Home, name: str, version: int, full_as_of: date | None) -> StoredTable:
    """Return `open_table`'s answer, kept from the last time if the table's log is the same file."""
    try:
        log = (table_folder(home, name) / "_delta_log" / f"{version:020d}.json").stat()
    except OSError:
        return open_table(home, name, version, full_as_of)
    key = (str(home.store.absolute()), name, version, full_as_of, log.st_ino, log.st_mtime_ns)
    with _lock:
        if key in _open:
            _open.move_to_end(key)
            return _open[key]
    table = open_table(home, name, version, full_as_of)
    with _lock:
        _open[key] = table
        while len(_open) > MOST_OPEN:
            _open.popitem(last=False)
    return table
