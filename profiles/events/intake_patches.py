"""What an intake must know of events: whose patches its extract overrules, and whose contacts it may not touch.

An extract that repeats what the store has writes nothing. Where an event has said otherwise in between, the
repetition is news: the row is written again with the day of the extract, so that whoever looks for what an
intake has changed finds it. (An event stored while the intake is under way is weighed by the days alone, like
any other; only that its subject was touched is then seen from the event, not from the intake.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from policies.types import to_day_number
from profiles.catalog_model import Catalog
from profiles.events.patches import event_database, patch_reader
from profiles.home import Home
from profiles.store import bucket_of


@dataclass(frozen=True)
class IntakePatches:
    """The patches of one source, beside an extract of one day.

    overruled       bucket -> subjects of whom an event of an earlier day has spoken
    newer_contacts  (subject, field) of which an event of that day or later has spoken
    """

    overruled: Mapping[int, frozenset[str]] = field(default_factory=dict)
    newer_contacts: frozenset[tuple[str, str]] = frozenset()

    def of_bucket(self, bucket: int) -> pl.Series:
        """Return the overruled subjects of a bucket, ascending."""
        return pl.Series("subject", sorted(self.overruled.get(bucket, ())), dtype=pl.String)


def intake_patches(home: Home, source: str, as_of: date, buckets: int) -> IntakePatches:
    """Return the patches of `source` beside an extract of the day `as_of`."""
    reader = patch_reader(event_database(home))
    if reader is None or reader.latest() == 0:
        return IntakePatches()
    day = to_day_number(as_of)
    patched = reader.rows("SELECT DISTINCT subject FROM patch WHERE source = ? AND day < ?", (source, day))
    sealed = reader.rows("SELECT subject, field, max(day) FROM sealed_patch WHERE source = ? GROUP BY 1, 2", (source,))
    told = {str(row[0]) for row in patched} | {str(row[0]) for row in sealed if int(str(row[2])) < day}
    overruled: dict[int, set[str]] = {}
    for subject in told:
        overruled.setdefault(bucket_of(subject, buckets), set()).add(subject)
    newer = frozenset((str(row[0]), str(row[1])) for row in sealed if int(str(row[2])) >= day)
    return IntakePatches({bucket: frozenset(subjects) for bucket, subjects in overruled.items()}, newer)


def sources_patched_by(catalog: Catalog) -> frozenset[str]:
    """Return the sources that some kind of event may patch.

    Their partial extracts date every row they hold anew: else an event that arrives late could not be told
    from one that is news.
    """
    found: set[str] = set()
    for kind in catalog.events.values():
        for patch in kind.patches:
            found |= {patch.source} if patch.effect != "set" else set()
            found |= {value.source for value in patch.values}
            for word in patch.contacts:
                found |= {
                    source.id
                    for source in catalog.sources.values()
                    if source.space == patch.space and any(one.contact == word for one in source.fields)
                }
    return frozenset(found)
