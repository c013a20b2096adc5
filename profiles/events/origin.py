"""Where one datum of somebody comes from: the extract of a day, or an event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from policies.types import from_day_number
from profiles.events.patches import event_database, floor_of, patch_reader

if TYPE_CHECKING:
    from profiles.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Origin:
    """The source that delivers a datum, the day it describes, and the event that said so last, if one did.

    `event` is the number of the event and `kind` its kind; both None where an extract counts.
    """

    source: str
    as_of: date | None
    event: int | None = None
    kind: str | None = None


def origin_of(snapshot: Snapshot, space: str, subject: str, name: str) -> Origin | None:
    """Return where the attribute or link `name` of `subject` comes from; None if no source speaks of it.

    Raises:
        StoreError: the store is damaged.
    """
    source = snapshot.source_of_datum(space, name)
    table = snapshot.tables.get(source.id) if source is not None else None
    if source is None or table is None:
        return None
    stored = table.stored_day(snapshot.bucket_of(subject), subject)
    floor = floor_of(stored, table.full_as_of, source.kind == "register")
    for patch in snapshot.patches_of(source.id, subject):
        if patch.name == name and (floor is None or patch.day >= floor):
            return Origin(source.id, from_day_number(patch.day), patch.event, _kind(snapshot, patch.event))
    return Origin(source.id, stored) if stored is not None else None


def _kind(snapshot: Snapshot, number: int) -> str | None:
    home = snapshot.home
    reader = patch_reader(event_database(home)) if home is not None else None
    rows = reader.rows("SELECT kind FROM event WHERE number = ?", (number,)) if reader is not None else []
    return str(rows[0][0]) if rows else None
