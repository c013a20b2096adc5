"""An intake that is killed has never begun; one that is repeated changes nothing; two do not mix."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

import profiles
from policies.errors import StoreError
from profiles.catalog_model import Catalog
from profiles.home import Home
from profiles.intake import quarantined, take_in
from profiles.manifest import read_manifest, writing
from profiles.snapshot import open_snapshot
from profiles.vault import open_vault
from tests.profiles.small_town import POPULATION, TODAY, population_row

Writer = Callable[..., Path]
ROOT = Path(__file__).parents[2]
POINTS = sorted(
    {
        point
        for file in Path(profiles.__file__).parent.glob("*.py")
        for point in re.findall(r'fault_point\("([a-z-]+)"\)', file.read_text("utf-8"))
    }
)
CHILD = """
import sys
from datetime import date
from pathlib import Path
from profiles.home import Home
from profiles.intake import take_in
from tests.profiles.small_town import build_catalog
take_in(Home(Path(sys.argv[1])), build_catalog(), "population", Path(sys.argv[2]),
        as_of=date.fromisoformat(sys.argv[3]), extract=sys.argv[4])
"""


def _child(home: Home, file: Path, extract: str, kill_at: str) -> int:
    return subprocess.run(
        [
            sys.executable,
            "-c",
            CHILD,
            str(home.path),
            str(file),
            (TODAY + timedelta(days=1)).isoformat(),
            extract,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MIANSHEN_FAULT": f"{kill_at}:kill"},
        timeout=120,
    ).returncode


def _state(home: Home, catalog: Catalog) -> tuple[object, ...]:
    """Return everything that anybody can see of the store: data, contacts, quarantine, versions."""
    if not read_manifest(home).tables:
        return ()
    snapshot = open_snapshot(home, catalog, TODAY + timedelta(days=1))
    frames = [
        snapshot.bucket(bucket).attributes("citizen", ["birth_date", "sex", "hukou_region", "household"])
        for bucket in snapshot.buckets
    ]
    people = pl.concat(frames)
    with open_vault(home) as vault:
        contacts = vault.contacts(people["subject"].to_list(), "test", "comparison")
        numbers = {subject: vault.number(subject, "test", "comparison") for subject in people["subject"]}
    return people.rows(), contacts, numbers, quarantined(home).rows(), snapshot.count("citizen")


def _files(files: Writer) -> tuple[Path, Path]:
    before = [population_row(number) for number in range(1, 60)] + [population_row(99, 性别="5")]
    after = [population_row(number, 性别="女", 手机=f"139{number:08d}") for number in range(20, 90)]
    after.append(population_row(98, 出生日期="2024-02-30"))
    return files("population-1.csv", POPULATION, before), files("population-2.csv", POPULATION, after)


def test_there_are_points_between_all_writes() -> None:
    assert len(POINTS) >= 8


@pytest.mark.parametrize("extract", ["full", "partial"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_it_has_never_begun_and_can_be_done_again(
    home: Home, catalog: Catalog, files: Writer, tmp_path: Path, point: str, extract: str
) -> None:
    first, second = _files(files)
    take_in(home, catalog, "population", first, as_of=TODAY)
    before = _state(home, catalog)
    assert _child(home, second, extract, point) == -signal.SIGKILL
    after_kill = _state(home, catalog)
    undisturbed = Home(tmp_path / "undisturbed")
    undisturbed.path.mkdir()
    undisturbed.key.write_bytes(home.key.read_bytes())
    take_in(undisturbed, catalog, "population", first, as_of=TODAY)
    assert _child(undisturbed, second, extract, "") == 0
    wanted = _state(undisturbed, catalog)
    assert wanted != before
    assert after_kill == (wanted if point == "intake-after-manifest" else before)
    report = take_in(
        home,
        catalog,
        "population",
        second,
        as_of=TODAY + timedelta(days=1),
        extract="full" if extract == "full" else "partial",
    )
    assert report.already is (point == "intake-after-manifest")
    assert _state(home, catalog) == wanted
    assert not (home.store / "scratch").exists()


@pytest.mark.parametrize("point", POINTS)
def test_the_very_first_intake_killed_leaves_an_empty_store(
    home: Home, catalog: Catalog, files: Writer, point: str
) -> None:
    first, _ = _files(files)
    assert _child(home, first, "full", point) == -signal.SIGKILL
    if point != "intake-after-manifest":
        assert _state(home, catalog) == ()
    report = take_in(home, catalog, "population", first, as_of=TODAY + timedelta(days=1))
    assert (report.taken, report.quarantined) == (59, 1)
    assert len(_state(home, catalog)[0]) == 59  # type: ignore[arg-type]


def test_the_same_file_again_changes_nothing(home: Home, catalog: Catalog, files: Writer) -> None:
    first, _ = _files(files)
    once = take_in(home, catalog, "population", first, as_of=TODAY)
    before = {path: path.stat().st_mtime_ns for path in home.store.rglob("*") if path.is_file()}
    again = take_in(home, catalog, "population", first, as_of=TODAY)
    assert again.already and not once.already
    assert (again.rows, again.taken, again.reasons) == (once.rows, once.taken, once.reasons)
    after = {path: path.stat().st_mtime_ns for path in home.store.rglob("*") if path.is_file()}
    assert {path: at for path, at in after.items() if path.name != "writer.lock"} == {
        path: at for path, at in before.items() if path.name != "writer.lock"
    }


def test_the_same_content_on_another_day_writes_no_row(home: Home, catalog: Catalog, files: Writer) -> None:
    first, _ = _files(files)
    take_in(home, catalog, "population", first, as_of=TODAY)
    version = read_manifest(home).tables["population"].version
    report = take_in(home, catalog, "population", first, as_of=TODAY + timedelta(days=1))
    assert (report.already, report.taken, report.unchanged, report.quarantined) == (False, 0, 59, 1)
    assert read_manifest(home).tables["population"].version == version


def test_only_one_writes_at_a_time(home: Home, catalog: Catalog, files: Writer) -> None:
    first, _ = _files(files)
    with writing(home), pytest.raises(StoreError) as error:
        take_in(home, catalog, "population", first, as_of=TODAY)
    assert error.value.diagnostics[0].code == "store-busy"
    assert take_in(home, catalog, "population", first, as_of=TODAY).taken == 59


def test_an_open_snapshot_does_not_see_a_later_intake(home: Home, catalog: Catalog, files: Writer) -> None:
    first, second = _files(files)
    take_in(home, catalog, "population", first, as_of=TODAY)
    snapshot = open_snapshot(home, catalog, TODAY)
    before = [snapshot.bucket(bucket).attributes("citizen", ["sex"]) for bucket in snapshot.buckets]
    take_in(home, catalog, "population", second, as_of=TODAY)
    after = [snapshot.bucket(bucket).attributes("citizen", ["sex"]) for bucket in snapshot.buckets]
    assert pl.concat(before).equals(pl.concat(after))
    replayed = open_snapshot(home, catalog, TODAY, snapshot.versions)
    again = [replayed.bucket(bucket).attributes("citizen", ["sex"]) for bucket in replayed.buckets]
    assert pl.concat(before).equals(pl.concat(again))
    assert replayed.count("citizen") == snapshot.count("citizen") == 59
