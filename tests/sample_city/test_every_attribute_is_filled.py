"""The sample city knows something of every datum of the catalog, and of most codes of its closed code sets."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from policies.types import Bool, Code
from profiles.catalog_model import Catalog, SourceField
from profiles.catalog_reading import read_catalog
from profiles.home import Home
from profiles.intake import take_in
from profiles.sample_city import generate

ON = date(2026, 11, 22)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return read_catalog()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> dict[str, pl.DataFrame]:
    """The extracts of a city of 20,000, cell by cell as text, before anybody has read them."""
    city = generate(tmp_path_factory.mktemp("city"), 20_000, 2_000, seed=1, on=ON, dirty=0.0)
    return {source: _as_text(path) for source, path in city.files.items()}


def _as_text(path: Path) -> pl.DataFrame:
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path)
    elif path.suffix == ".jsonl":
        frame = pl.read_ndjson(path, infer_schema_length=None)
    elif path.suffix == ".xlsx":
        header, *rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
        frame = pl.DataFrame(
            [[str(cell) or None for cell in row] for row in rows], schema=[str(one) for one in header], orient="row"
        )
    else:
        raw = path.read_bytes()
        text = raw.decode("gb18030") if not _is_utf8(raw) else raw.decode("utf-8-sig")
        frame = pl.read_csv(text.encode(), infer_schema=False)
    return frame.select(pl.all().cast(pl.String))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def test_every_source_of_the_catalog_sends_a_file(written: dict[str, pl.DataFrame], catalog: Catalog) -> None:
    assert set(written) == set(catalog.sources)


def test_every_field_of_every_source_is_filled_for_some(written: dict[str, pl.DataFrame], catalog: Catalog) -> None:
    empty = [
        f"{source.id}.{field.name}"
        for source in catalog.sources.values()
        for field in source.fields
        if written[source.id][field.column].drop_nulls().is_empty()
    ]
    assert empty == []


def test_truth_values_are_true_for_some_and_false_for_others(
    written: dict[str, pl.DataFrame], catalog: Catalog
) -> None:
    one_sided = [
        f"{source.id}.{field.name}"
        for source in catalog.sources.values()
        for field in source.fields
        if isinstance(field.type, Bool) and written[source.id][field.column].drop_nulls().n_unique() < 2
    ]
    assert one_sided == []


def _codes_of(field: SourceField) -> set[str]:
    return set(field.codes.values()) if isinstance(field.type, Code) and field.codes else set()


def test_codes_with_few_values_all_occur(written: dict[str, pl.DataFrame], catalog: Catalog) -> None:
    # Where registers have a word for what is not known, the city leaves the cell empty instead.
    unused = {"sex": {"0", "9"}, "complications": set()}
    missing = {}
    for source in catalog.sources.values():
        for field in source.fields:
            expected = _codes_of(field) - unused.get(field.name, set())
            found = {field.codes.get(word, word) for word in written[source.id][field.column].drop_nulls().unique()}
            if expected and len(expected) <= 5 and not expected <= found:
                missing[f"{source.id}.{field.name}"] = expected - found
    assert missing == {}


def test_the_real_intake_takes_every_value_of_a_clean_city(catalog: Catalog, tmp_path: Path) -> None:
    city = generate(tmp_path / "city", 2_000, 400, seed=11, on=date(2024, 11, 19), dirty=0.0)
    home = Home(tmp_path / "home")
    for source, path in city.files.items():
        report = take_in(home, catalog, source, path, as_of=date(2024, 11, 19))
        assert (report.quarantined, report.taken) == (0, city.rows[source]), (source, report.reasons)
