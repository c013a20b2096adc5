"""Whatever bytes a file holds, only the documented error escapes; and how it is cut up changes nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from policies.errors import IntakeError
from profiles import intake_reading, intake_spool
from profiles.catalog_model import Catalog
from profiles.home import Home
from profiles.intake import quarantined, take_in
from profiles.intake_benchmark import intake_benchmark
from profiles.intake_checks import CheckPlan, check_batch
from profiles.intake_reading import Limits, open_extract
from profiles.intake_refusals import check_columns
from profiles.manifest import create_store, read_manifest
from profiles.quarantine import REASONS
from profiles.snapshot import open_snapshot
from tests.profiles.small_town import (
    POPULATION,
    TODAY,
    WELFARE,
    build_catalog,
    citizen_number,
    credit_code,
    population_row,
    write_csv,
)

Writer = Callable[..., Path]
ROWS = [[citizen_number(n), "是", f"{n}.50", "full", credit_code(n)] for n in range(1, 30)]


@cache
def _good(kind: str) -> bytes:
    """Return a good extract of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"welfare.{kind}"
        frame = pl.DataFrame(ROWS, schema=dict.fromkeys(WELFARE, pl.String), orient="row")
        if kind == "csv":
            write_csv(path, WELFARE, ROWS)
        elif kind == "jsonl":
            frame.write_ndjson(path)
        elif kind == "parquet":
            frame.write_parquet(path)
        else:
            book = Workbook()
            for row in [list(WELFARE), *ROWS]:
                book.active.append(row)
            book.save(path)
        return path.read_bytes()


def _read(kind: str, content: bytes) -> None:
    """Read and check `content` as an extract; every fault must have a known reason."""
    catalog = build_catalog()
    source = catalog.sources["welfare"]
    plan = CheckPlan(source, catalog, TODAY, b"k" * 32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"welfare.{kind}"
        path.write_bytes(content)
        try:
            extract = open_extract(path, Path(folder), Limits(unpacked_bytes=5_000_000))
            check_columns(path, extract.header, source.columns, [source.key])
            for frame in extract.batches():
                named = [name for name in frame.columns if not name.startswith("_")]
                check_columns(path, named, source.columns, [])
                checked = check_batch(frame, plan)
                assert set(checked.faults["reason"]) <= set(REASONS)
                faulty = checked.faults["_row"].n_unique()
                assert checked.good.height + faulty == checked.rows
                assert checked.good["subject"].null_count() == 0
        except IntakeError as error:
            assert all(diagnostic.message.zh for diagnostic in error.diagnostics)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "xlsx"])
@settings(max_examples=60)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6),
    cut=st.one_of(st.none(), st.integers(0, 10**6)),
    inserted=st.binary(max_size=8),
)
def test_a_mutated_file_is_refused_or_read(
    kind: str, changes: list[tuple[int, int]], cut: int | None, inserted: bytes
) -> None:
    content = bytearray(_good(kind))
    for place, value in changes:
        content[place % len(content)] = value
    if cut is not None:
        place = cut % len(content)
        content = content[:place] + inserted if cut % 2 else content[:place] + inserted + content[place:]
    _read(kind, bytes(content))


cells = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.sampled_from([ROWS[0][0], ROWS[0][4], "是", "1.5", "=cmd()", "full", '"', '""', "\x00", "\r", "\u2028"]),
)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@settings(max_examples=60)
@given(rows=st.lists(st.lists(cells, min_size=3, max_size=6), min_size=1, max_size=5))
def test_any_cells_are_refused_or_read(kind: str, rows: list[list[str | None]]) -> None:
    import json

    if kind == "csv":
        lines = [",".join(WELFARE), *(",".join(cell or "" for cell in row) for row in rows)]
    else:
        lines = [json.dumps(dict(zip(WELFARE, row, strict=False))) for row in rows]
    _read(kind, "\n".join(lines).encode("utf-8", "surrogatepass"))


@settings(max_examples=60)
@given(st.text(alphabet="0123456789.+-eE ,", max_size=12))
def test_a_number_is_taken_exactly_or_not_at_all(text: str) -> None:
    from decimal import Decimal, InvalidOperation

    catalog = build_catalog()
    plan = CheckPlan(catalog.sources["welfare"], catalog, TODAY, b"k" * 32)
    row = dict.fromkeys(WELFARE, None) | {"id": citizen_number(1), "income": text}
    frame = pl.DataFrame([row], schema=dict.fromkeys(WELFARE, pl.String)).with_columns(_row=pl.lit(2, pl.Int64))
    checked = check_batch(frame, plan)
    if checked.good.height and checked.good["income"][0] is not None:
        assert Decimal(text.strip()) * 100 == checked.good["income"][0]
    elif text.strip() and not checked.good.height:
        try:
            value = Decimal(text.strip()) * 100
        except InvalidOperation:
            return
        refused = "e" in text.lower() or text.strip().lstrip("+-").startswith(".")
        assert refused or value != int(value) or not 0 <= value <= 10**12


def test_the_result_does_not_depend_on_how_the_file_is_cut_up(
    tmp_path: Path, catalog: Catalog, files: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [population_row(n) for n in range(1, 80)]
    rows += [population_row(5, 性别="女"), population_row(6), population_row(90, 性别="5")]
    file = files("population.csv", POPULATION, rows)
    results = []
    for number, (batch, held, buckets) in enumerate([(100_000, 400_000, 16), (7, 10, 1), (11, 0, 3)]):
        monkeypatch.setattr(intake_reading, "ROWS_PER_BATCH", batch)
        monkeypatch.setattr(intake_spool, "ROWS_IN_MEMORY", held)
        home = Home(tmp_path / f"home-{number}")
        home.path.mkdir()
        home.key.write_text("ab" * 32)
        create_store(home, buckets)
        report = take_in(home, catalog, "population", file, as_of=TODAY)
        snapshot = open_snapshot(home, catalog, TODAY)
        assert len(snapshot.buckets) == read_manifest(home).buckets == buckets
        people = [snapshot.bucket(n).attributes("citizen", ["sex", "birth_date"]) for n in snapshot.buckets]
        results.append((report, pl.concat(people).rows(), quarantined(home).rows()))
    assert results[0] == results[1] == results[2]
    assert (results[0][0].taken, results[0][0].unchanged, results[0][0].quarantined) == (78, 1, 3)


def test_the_order_of_rows_does_not_matter(tmp_path: Path, catalog: Catalog, files: Writer) -> None:
    rows = [population_row(n) for n in range(1, 40)]
    seen = []
    for number, order in enumerate([rows, rows[::-1], rows[20:] + rows[:20]]):
        home = Home(tmp_path / f"home-{number}")
        home.path.mkdir()
        home.key.write_text("ab" * 32)
        take_in(home, catalog, "population", files("population.csv", POPULATION, order), as_of=TODAY)
        snapshot = open_snapshot(home, catalog, TODAY)
        people = [snapshot.bucket(n).attributes("citizen", ["sex", "household"]) for n in snapshot.buckets]
        seen.append(pl.concat(people).rows())
    assert seen[0] == seen[1] == seen[2]


def test_a_changed_catalog_reads_the_same_file_again(home: Home, catalog: Catalog, files: Writer) -> None:
    from dataclasses import replace

    file = files("welfare.csv", WELFARE, ROWS)
    assert not take_in(home, catalog, "welfare", file, as_of=TODAY).already
    assert take_in(home, catalog, "welfare", file, as_of=TODAY).already
    report = take_in(home, replace(catalog, digest="new"), "welfare", file, as_of=TODAY)
    assert (report.already, report.taken, report.unchanged) == (False, 0, 29)


def test_the_benchmark_takes_in_everything_and_writes_one_percent_for_one_percent() -> None:
    result = intake_benchmark(rows=20_000)
    assert result["columns"] == 40 and result["rows_per_second"] > 0
    assert result["changed_rows"] == 200
    assert result["second_bytes_written"] < 500_000
