"""The files of the sample city: mixed formats, the same bytes for the same seed, mistakes as announced."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from policies.errors import SettingsError
from profiles.catalog_model import Catalog
from profiles.catalog_reading import read_catalog
from profiles.home import Home
from profiles.intake import quarantined, source_of, take_in
from profiles.sample_city import CityReport, generate

ON = date(2026, 11, 22)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return read_catalog()


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> CityReport:
    return generate(tmp_path_factory.mktemp("city"), citizens=4_000, seed=7, on=ON)


@pytest.fixture(scope="module")
def taken(city: CityReport, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The whole city taken in by the real intake, in the catalog's order, each file checked on its way."""
    home = Home(tmp_path_factory.mktemp("home"))
    for source in catalog.sources:
        report = take_in(home, catalog, source, city.files[source], as_of=ON)
        assert report.rows == city.rows[source], source
        assert dict(report.reasons) == dict(city.dirty[source]), source
    return home


def test_every_source_of_the_catalog_gets_one_file_named_after_it(city: CityReport, catalog: Catalog) -> None:
    assert set(city.files) == set(catalog.sources)
    for source, path in city.files.items():
        assert path.is_file() and source_of(path, catalog) == source
    assert {path.name for path in city.folder.iterdir()} == {path.name for path in city.files.values()}


def test_formats_are_as_mixed_as_in_practice(city: CityReport) -> None:
    assert {path.suffix for path in city.files.values()} == {".csv", ".jsonl", ".parquet", ".xlsx"}
    with pytest.raises(UnicodeDecodeError):
        city.files["population"].read_text(encoding="utf-8")
    assert city.files["population"].read_text(encoding="gb18030").startswith("公民身份号码,姓名")
    assert city.files["tax"].read_bytes().startswith(b"\xef\xbb\xbf")
    assert city.files["civil_affairs"].read_text(encoding="utf-8").startswith("身份证号,")
    assert pl.read_parquet(city.files["households"]).schema["财产符合"] == pl.Boolean
    sheet = CalamineWorkbook.from_path(str(city.files["births"])).get_sheet_by_index(0).to_python()
    assert sheet[0][0] == "母亲身份号码" and len(sheet) == city.rows["births"] + 1


def test_headers_are_those_of_the_catalog(city: CityReport, catalog: Catalog) -> None:
    for source in ("disability", "households", "enterprise_statistics"):
        assert tuple(pl.read_parquet(city.files[source]).columns) == catalog.sources[source].columns


def test_units_are_written_as_each_agency_writes_them(city: CityReport) -> None:
    revenue = pl.read_parquet(city.files["enterprise_statistics"])["营业收入万元"]
    assert revenue.dtype == pl.Decimal(28, 6)
    loans = pl.read_csv(city.files["loans"].read_text(encoding="gb18030").encode(), infer_schema=False)
    assert loans["年利率百分比"].drop_nulls().str.contains(r"^\d\.\d\d$").all()


def test_the_same_seed_and_day_give_the_same_bytes(tmp_path: Path) -> None:
    first = generate(tmp_path / "first", citizens=600, seed=3, on=ON)
    second = generate(tmp_path / "second", citizens=600, seed=3, on=ON)
    assert first.rows == second.rows and first.dirty == second.dirty
    for source, path in first.files.items():
        assert path.read_bytes() == second.files[source].read_bytes(), source


def test_another_seed_gives_another_city(tmp_path: Path) -> None:
    first = generate(tmp_path / "first", citizens=200, seed=1, on=ON)
    second = generate(tmp_path / "second", citizens=200, seed=2, on=ON)
    assert first.files["population"].read_bytes() != second.files["population"].read_bytes()


def test_intake_finds_exactly_the_mistakes_that_were_made(taken: Home, city: CityReport) -> None:
    found = quarantined(taken)
    assert found.height > 0
    reasons = {reason for counts in city.dirty.values() for reason in counts}
    assert reasons == {
        "wrong-checksum", "impossible-date", "future-birth", "unknown-code", "formula-in-cell",
        "not-a-number", "not-a-boolean", "duplicate-subject", "duplicate-item",
    }  # fmt: skip


def test_a_clean_city_leaves_nothing_in_quarantine(catalog: Catalog, tmp_path: Path) -> None:
    city = generate(tmp_path / "city", citizens=1_000, seed=5, on=ON, dirty=0.0)
    home = Home(tmp_path / "home")
    for source, path in city.files.items():
        report = take_in(home, catalog, source, path, as_of=ON)
        assert (report.quarantined, report.taken) == (0, city.rows[source]), source


def test_one_to_three_per_cent_of_optional_values_are_missing(tmp_path: Path) -> None:
    city = generate(tmp_path, citizens=8_000, seed=1, on=ON, dirty=0.0)
    people = pl.read_csv(city.files["population"].read_text(encoding="gb18030").encode(), infer_schema=False)
    for column in ("性别", "人员状态", "户籍地区划"):
        assert 0.005 < people[column].null_count() / people.height < 0.04, column
    for column in ("公民身份号码", "姓名", "出生日期"):
        assert people[column].null_count() == 0


@pytest.mark.parametrize("citizens", [1, 2, 9])
def test_even_a_hamlet_is_a_city(citizens: int, tmp_path: Path) -> None:
    city = generate(tmp_path, citizens=citizens, on=ON, dirty=0.5)
    assert city.rows["population"] >= citizens
    # A source with nothing to say sends no file, and none is left behind from an earlier city.
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in city.files.values()}


def test_a_smaller_city_in_the_same_folder_leaves_no_file_of_the_larger_one(tmp_path: Path) -> None:
    assert "births" in generate(tmp_path, citizens=3_000, on=ON).files
    small = generate(tmp_path, citizens=1, on=ON)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in small.files.values()}


@pytest.mark.parametrize(
    "wrong",
    [
        {"citizens": 0},
        {"citizens": 10_000_001},
        {"dirty": 0.6},
        {"dirty": -0.1},
        {"seed": -1},
        {"enterprises": -1},
    ],
)
def test_impossible_cities_are_refused_before_anything_is_written(wrong: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        generate(tmp_path / "city", on=ON, **wrong)  # type: ignore[arg-type]
    assert refused.value.diagnostics[0].code == "impossible-city"
    assert not (tmp_path / "city").exists()


def test_a_city_can_be_of_another_day(tmp_path: Path) -> None:
    city = generate(tmp_path, citizens=500, on=date(2024, 2, 29))
    assert city.files["population"].name == "population-2024-02-29.csv"


def test_a_city_without_firms_has_no_hires(tmp_path: Path) -> None:
    city = generate(tmp_path, citizens=500, enterprises=0, on=ON)
    assert "enterprises" not in city.files and "hires" not in city.files
