"""Everything that a snapshot says, read in bulk and person by person."""

from __future__ import annotations

from datetime import date

import polars as pl

from policies.types import to_day_number
from profiles.snapshot import Snapshot

Told = dict[tuple[str, str], dict[str, object]]


def _cell(value: object) -> object:
    return to_day_number(value) if isinstance(value, date) else value


def told_in_bulk(snapshot: Snapshot) -> Told:
    """Return (space, subject) -> all data and items, as the batch reads them."""
    found: Told = {}
    for name, space in snapshot.catalog.spaces.items():
        names = [one for one, declared in space.attributes.items() if declared.derivation is None] + [*space.links]
        for bucket in snapshot.buckets:
            population = snapshot.bucket(bucket)
            rows = population.attributes(name, names)
            assert rows["subject"].is_sorted()
            for row in rows.iter_rows(named=True):
                subject = row.pop("subject")
                found[name, subject] = {key: _cell(value) for key, value in row.items()}
            for collection, declared_items in space.collections.items():
                columns = [*declared_items.attributes, *declared_items.links]
                if not population.collection_known(name, collection):
                    for subject in rows["subject"]:
                        found[name, subject][collection] = None
                    continue
                items = population.items(name, collection, columns, rows["subject"])
                for subject in rows["subject"]:
                    found[name, subject][collection] = {}
                for row in items.iter_rows(named=True):
                    owner, item = row.pop("owner"), row.pop("item")
                    found[name, owner][collection][item] = {key: _cell(value) for key, value in row.items()}  # type: ignore[index]
    return found


def told_one_by_one(snapshot: Snapshot, subjects: list[tuple[str, str]]) -> Told:
    """Return the same as events and explanations read it."""
    found: Told = {}
    for name, subject in subjects:
        space, facts = snapshot.catalog.spaces[name], snapshot.facts(name, subject)
        names = [one for one, declared in space.attributes.items() if declared.derivation is None] + [*space.links]
        told: dict[str, object] = {one: facts.value((one,)) for one in names}
        for collection, declared_items in space.collections.items():
            items = facts.items((collection,))
            columns = [*declared_items.attributes, *declared_items.links]
            columns += ["member"] if declared_items.member_space else []
            told[collection] = (
                None if items is None else {item.id: {key: item.row.get(key) for key in columns} for item in items}
            )
        found[name, subject] = told
    return found


def checked_whole(snapshot: Snapshot) -> Told:
    """Return everything, after making sure that every way of reading says the same."""
    bulk = told_in_bulk(snapshot)
    assert told_one_by_one(snapshot, sorted(bulk)) == bulk
    for space in snapshot.catalog.spaces:
        subjects = sorted(subject for name, subject in bulk if name == space)
        assert snapshot.count(space) == len(subjects)
        assert snapshot.sample(space, 1_000) == subjects
        assert all(snapshot.exists(space, subject) for subject in subjects)
        asked = pl.Series(subjects[::2], dtype=pl.String)
        assert snapshot.bucket(0).attributes(space, [], asked)["subject"].to_list() == subjects[::2]
    return bulk
