"""Patches: dated statements of events about single data, and how they lie over the rows of extracts.

A row of an extract is a statement of its day (of the newest full extract's day, if that confirmed it); a
patch is one of the day of its event. Per datum the newest counts; on the same day the event counts, as an
extract is drawn up before the day is over; of two events of one day the one stored later. A full extract
also speaks of those whom it does not name: they have no such data, no items. Only in registers its silence
says nothing of somebody whom an event has registered: who is born is announced before the register knows.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

from policies.types import from_day_number, to_day_number
from profiles.events.database import damaged
from profiles.home import Home

# The name under which a patch says that a subject or an item exists (1) or does not (0).
EXISTENCE = ""
NO_ITEM = ""


class Patch(NamedTuple):
    """One statement: `name` of `subject` (of its `item`, or NO_ITEM) is `value` on `day`, by event `event`.

    `value` is an integer (0 and 1 for no and yes, a day number for a date), a text, or None for unknown.
    """

    subject: str
    item: str
    name: str
    value: int | str | None
    day: int
    event: int


def event_database(home: Home) -> Path:
    """Return the file of the event log."""
    return home.store / "events.sqlite"


class PatchReader:
    """Reads the committed patches of one event log; safe for several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = sqlite3.connect(path, timeout=60, check_same_thread=False, isolation_level=None)
        self._lock = threading.Lock()

    def rows(self, query: str, values: Sequence[object]) -> list[tuple[object, ...]]:
        """Return all rows of a query; StoreError if the log cannot be read."""
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as problem:
            raise damaged(self._path) from problem

    def latest(self) -> int:
        """Return the number of the newest event, 0 if there is none."""
        if self.rows("PRAGMA user_version", ())[0][0] == 0:
            return 0  # another process is just making the log
        return int(str(self.rows("SELECT coalesce(max(number), 0) FROM event", ())[0][0]))

    def patched_sources(self, upto: int) -> list[str]:
        """Return the sources that events up to `upto` have patched."""
        return [str(row[0]) for row in self.rows("SELECT source FROM patched_source WHERE first_event <= ?", (upto,))]

    def of_bucket(self, source: str, bucket: int, upto: int) -> list[Patch]:
        """Return all patches of a bucket, ascending by subject, item, name, day and event."""
        return self._patches("bucket = ? AND event <= ?", (source, bucket, upto))

    def of_subject(self, source: str, bucket: int, subject: str, upto: int) -> list[Patch]:
        """Return all patches of one subject, ascending by item, name, day and event."""
        return self._patches("bucket = ? AND subject = ? AND event <= ?", (source, bucket, subject, upto))

    def _patches(self, condition: str, values: Sequence[object]) -> list[Patch]:
        rows = self.rows(
            f"SELECT subject, item, name, value, day, event FROM patch WHERE source = ? AND {condition}"
            " ORDER BY subject, item, name, day, event",
            values,
        )
        return [Patch(*row) for row in rows]  # type: ignore[arg-type]


_readers: dict[tuple[int, int, int], PatchReader] = {}
_opening = threading.Lock()


def patch_reader(path: Path) -> PatchReader | None:
    """Return the reader of the event log at `path`, one for each process and file; None if there is no log."""
    try:
        found = path.stat()
    except OSError:
        return None
    # While a reader has the file open its inode is not given to another one; a child process opens its own.
    key = (os.getpid(), found.st_dev, found.st_ino)
    with _opening:
        if key not in _readers:
            _readers[key] = PatchReader(path)
        return _readers[key]


@dataclass(frozen=True)
class TablePatches:
    """The patches of one source up to the event `upto`; read bucket by bucket, when first asked for."""

    path: Path
    source: str
    upto: int
    _buckets: dict[int, dict[str, list[Patch]]] = field(default_factory=dict, compare=False, repr=False)

    def of_bucket(self, bucket: int) -> Mapping[str, list[Patch]]:
        """Return the newest patch of each datum, by subject."""
        if bucket not in self._buckets:
            reader = patch_reader(self.path)
            found = reader.of_bucket(self.source, bucket, self.upto) if reader is not None else []
            self._buckets[bucket] = newest_by_subject(found)
        return self._buckets[bucket]

    def oldest(self, bucket: int) -> date | None:
        """Return a day that no patch of the bucket is older than; None if there is none."""
        days = [patch.day for patches in self.of_bucket(bucket).values() for patch in patches]
        return from_day_number(min(days)) if days else None

    def of_subject(self, bucket: int, subject: str) -> list[Patch]:
        """Return the newest patch of each datum of one subject."""
        if bucket in self._buckets:
            return self._buckets[bucket].get(subject, [])
        reader = patch_reader(self.path)
        if reader is None:
            return []
        return newest_by_subject(reader.of_subject(self.source, bucket, subject, self.upto)).get(subject, [])


def newest_by_subject(patches: Iterable[Patch]) -> dict[str, list[Patch]]:
    """Return of each datum its newest patch, by subject; `patches` ascend by datum, day and event."""
    newest: dict[tuple[str, str, str], Patch] = {}
    for patch in patches:
        newest[patch.subject, patch.item, patch.name] = patch
    by_subject: dict[str, list[Patch]] = {}
    for patch in newest.values():
        by_subject.setdefault(patch.subject, []).append(patch)
    return by_subject


def floor_of(as_of: date | None, full_as_of: date | None, is_register: bool) -> int | None:
    """Return the day that a patch must reach to count; None if every patch counts.

    Args:
        as_of: the day of the subject's row (or tombstone) in the extracts; None if there is none.
        full_as_of: the day of the newest full extract of the source.
        is_register: whether the source is a register.
    """
    if as_of is None and is_register:
        return None
    days = [to_day_number(day) for day in (as_of, full_as_of) if day is not None]
    return max(days, default=None)


@dataclass(frozen=True)
class Overlaid:
    """One row as patches leave it: its cells, and the day of each cell that a patch has set."""

    cells: dict[str, object]
    days: dict[str, int]
    as_of: date | None


def overlay_row(
    row: Mapping[str, object] | None,
    removed: bool,
    as_of: date | None,
    patches: Sequence[Patch],
    full_as_of: date | None,
    is_register: bool,
) -> Overlaid | None:
    """Return the subject's row of a register or of attributes under its patches; None if there is none."""
    floor = floor_of(as_of, full_as_of, is_register)
    winning = [patch for patch in patches if floor is None or patch.day >= floor]
    alive = row is not None and not removed
    if is_register:
        existence = [patch for patch in winning if patch.name == EXISTENCE]
        if existence:
            alive = existence[0].value == 1
        if not alive:
            return None
    elif not alive and not winning:
        return None
    cells = dict(row) if row is not None and not removed else {}
    days = {patch.name: patch.day for patch in winning}
    cells |= {patch.name: patch.value for patch in winning if patch.name != EXISTENCE}
    confirmed = max((day for day in (as_of, full_as_of) if day is not None), default=None) if as_of else None
    told = max(days.values(), default=None)
    newest = [day for day in (confirmed, None if told is None else from_day_number(told)) if day is not None]
    return Overlaid(cells, days, max(newest, default=None))


def overlay_items(
    rows: Sequence[Mapping[str, object]],
    as_of: date | None,
    patches: Sequence[Patch],
    full_as_of: date | None,
) -> list[Overlaid]:
    """Return an owner's items under its patches, ascending; `rows` are its live items of the extracts."""
    floor = floor_of(as_of, full_as_of, False)
    winning = [patch for patch in patches if floor is None or patch.day >= floor]
    confirmed = max((day for day in (as_of, full_as_of) if day is not None), default=None) if as_of else None
    items = {str(row["item"]): Overlaid(dict(row), {}, confirmed) for row in rows}
    for patch in winning:
        if patch.name == EXISTENCE and patch.value == 1 and patch.item not in items:
            items[patch.item] = Overlaid({"item": patch.item}, {}, None)
        elif patch.name == EXISTENCE and patch.value == 0:
            items.pop(patch.item, None)
    for patch in winning:
        found = items.get(patch.item)
        if found is None:
            continue
        found.days[patch.name] = patch.day
        day = from_day_number(patch.day)
        if found.as_of is None or day > found.as_of:
            found = items[patch.item] = Overlaid(found.cells, found.days, day)
        if patch.name != EXISTENCE:
            found.cells[patch.name] = patch.value
    return [items[item] for item in sorted(items)]
