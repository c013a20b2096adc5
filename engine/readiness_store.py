"""What the present profile store says about the data of a policy: taken in, known, fresh, in quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from engine.policy_reads import reads_of
from engine.readiness import StoreState
from policies.policy import Policy
from profiles.home import Home
from profiles.quarantine import quarantined
from profiles.snapshot import Snapshot

# Enough subjects to tell the share of known values to a percent; buckets hold a random part of the city.
_ENOUGH = 5_000


def quarantined_cells(home: Home) -> dict[str, int]:
    """Return how many cells of each source are in quarantine."""
    rows = quarantined(home)
    if rows.is_empty():
        return {}
    return dict(rows.group_by("source").len().iter_rows())


def store_state(policy: Policy, snapshot: Snapshot, cells: Mapping[str, int]) -> dict[tuple[str, str], StoreState]:
    """Return the state of each datum that the policy reads, by place and name, with stale values as missing."""
    found: dict[tuple[str, str], StoreState] = {}
    reads = reads_of(policy, snapshot.catalog)
    shares = _known_shares(snapshot, [(one.place, one.name) for one in reads.data if one.kind != "collection"])
    days: dict[str, Mapping[str, date]] = {}
    for one in reads.data:
        space = one.place.partition(".")[0]
        if space not in days:
            days[space] = snapshot.as_of(space, None)
        source = one.source.id if one.source is not None else ""
        day = days[space].get(source)
        known = shares.get((one.place, one.name)) if day is not None else None
        found[one.place, one.name] = StoreState(day is not None, known, day, cells.get(source, 0))
    return found


def _known_shares(snapshot: Snapshot, data: list[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return per mille of known values for the data of subjects; those inside collections are left out."""
    shares: dict[tuple[str, str], int] = {}
    for space in sorted({place for place, _ in data if "." not in place}):
        names = [name for place, name in data if place == space]
        frames: list[pl.DataFrame] = []
        for bucket in snapshot.buckets:
            frames.append(snapshot.bucket(bucket).attributes(space, names))
            if sum(frame.height for frame in frames) >= _ENOUGH:
                break
        whole = pl.concat(frames)
        for name in names if whole.height else ():
            shares[space, name] = 1000 * (whole.height - whole[name].null_count()) // whole.height
    return shares
