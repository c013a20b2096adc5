"""A few subjects are looked up in the layouts of large files; that says what decoding the files says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.change_index import Step, _owners_of
from profiles import picked_rows, point_index
from profiles.compaction import compact
from profiles.freshness import Freshness
from profiles.reverse_links import perhaps_leading_to
from profiles.snapshot import Snapshot
from tests.incremental.changing_town import CITIZENS, Town, moved_in, settled_town
from tests.incremental.test_incremental_runs_equal_full_runs import STEPS, do

NEVER = 10**9
DATA = st.lists(STEPS.filter(lambda step: step[0] in ("take", "event", "wait", "compact")), max_size=6)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settled")
    settled_town(folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def every_file_is_large() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(point_index, "SMALL_FILE", 0)
        yield


def town_after(folder: Path, template: Path, steps: list[tuple[object, ...]]) -> Town:
    town = moved_in(template, folder, "full")
    town.snapshot().prepare_point_reads()
    for step in steps:
        do(town, step)
    return town


def subjects_of(snapshot: Snapshot) -> list[str]:
    """Everybody whom a table speaks of, and two whom none does."""
    found = {
        subject
        for table in snapshot.tables.values()
        for bucket in snapshot.buckets
        for subject in table.read(bucket, {}, with_removed=True)["subject"].to_list()
    }
    return [*sorted(found), "0" * 32, "f" * 32]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=DATA, chosen=st.sets(st.integers(0, 3 * CITIZENS), min_size=1), limit=st.sampled_from([None, 1, 20]))
def test_rows_looked_up_are_those_of_the_files(
    tmp_path_factory: pytest.TempPathFactory,
    template: Path,
    steps: list[tuple[object, ...]],
    chosen: set[int],
    limit: int | None,
) -> None:
    snapshot = town_after(tmp_path_factory.mktemp("town") / "it", template, steps).snapshot()
    everybody = subjects_of(snapshot)
    asked = pl.Series("subject", sorted({everybody[number % len(everybody)] for number in chosen}))
    looked_up = 0
    for table in snapshot.tables.values():
        schema = {
            name: kind for name, kind in table.columns.items() if name not in ("bucket", "subject", "item", "_sealed")
        }
        fresh = None if limit is None else Freshness(snapshot.on, dict.fromkeys(schema, limit))
        parts = snapshot.buckets_of(asked)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(picked_rows, "ONE_IN", NEVER)
            decoded = table.read_several(parts, schema, fresh)
            with_removed = [
                table.read(bucket, schema, subjects=part, with_removed=True) for bucket, part in parts.items()
            ]
            patched.setattr(picked_rows, "ONE_IN", 0)
            assert table.read_several(parts, schema, fresh).equals(decoded)
            for (bucket, part), expected in zip(parts.items(), with_removed, strict=True):
                assert table.read(bucket, schema, subjects=part, with_removed=True).equals(expected)
            files = [file for bucket in snapshot.buckets for file in table.files.get(bucket, ())]
            patched.setattr(picked_rows, "ONE_IN", 1e-9)
            looked_up += picked_rows.picked_rows(table, files, asked) is not None
    assert looked_up == len(snapshot.tables)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=DATA, chosen=st.sets(st.integers(0, 3 * CITIZENS), min_size=1, max_size=9))
def test_who_leads_to_somebody_is_found_without_reading_everybody(
    tmp_path_factory: pytest.TempPathFactory, template: Path, steps: list[tuple[object, ...]], chosen: set[int]
) -> None:
    snapshot = town_after(tmp_path_factory.mktemp("town") / "it", template, steps).snapshot()
    everybody = subjects_of(snapshot)
    targets = pl.Series("subject", sorted({everybody[number % len(everybody)] for number in chosen}))
    for name, space in snapshot.catalog.vocabulary.spaces.items():
        columns = [(name, link.name, link.target) for link in space.links.values()]
        for collection in space.collections.values():
            place = f"{name}.{collection.name}"
            columns += [(place, link.name, link.target) for link in collection.links.values()]
            columns += [(place, "member", collection.member_space)] if collection.member_space else []
        for place, column, target in columns:
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(picked_rows, "ONE_IN", 1e-9)
                found = perhaps_leading_to(snapshot, name, place.partition(".")[2] or None, column, targets)
                looked_up = _owners_of(snapshot, Step(place, column, target), [targets])
                patched.setattr(picked_rows, "ONE_IN", NEVER)
                read = _owners_of(snapshot, Step(place, column, target), [targets])
            assert [one.to_list() for one in looked_up] == [one.to_list() for one in read]
            assert found is not None and set(read[0].to_list()) <= set(found.to_list())


def test_a_store_whose_layouts_are_gone_is_read_all_the_same(tmp_path: Path, template: Path) -> None:
    town = town_after(tmp_path / "it", template, [("take", "welfare", (1, 2, 3), 5, "partial")])
    before = town.snapshot()
    asked = pl.Series("subject", subjects_of(before)[:5])
    told = [table.read_several(before.buckets_of(asked), {}) for table in before.tables.values()]
    compact(town.home)
    for layout in (town.home.store / "points").rglob("*.arrow"):
        layout.write_bytes(b"half a layout")
    point_index._indexes._open.clear()
    with picked_rows.picking_rows():
        pass
    after = town.snapshot()
    assert [
        table.read_several(after.buckets_of(asked), {}).equals(rows)
        for table, rows in zip(after.tables.values(), told, strict=True)
    ] == [True] * len(told)


def test_a_service_keeps_no_rows_of_a_run_that_is_over(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picked_rows, "ONE_IN", 1e-9)
    town = town_after(tmp_path / "it", template, [])
    kept: list[int] = []
    keep = picked_rows._Kept.keep
    monkeypatch.setattr(
        picked_rows._Kept, "keep", lambda self, key, rows: kept.append(len(rows)) or keep(self, key, rows)
    )
    town.run("full")
    town.take("welfare", range(5), seed=9)
    town.run("full")
    assert kept
    assert not picked_rows._picked._found and not picked_rows._small_files._found
