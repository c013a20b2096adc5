"""Files that are refused as a whole, with a clear reason and without a trace in the store."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from openpyxl import Workbook

from policies.errors import IntakeError, MianshenError
from profiles.catalog_model import Catalog
from profiles.home import Home
from profiles.intake import source_of, take_in
from profiles.intake_reading import Limits
from profiles.manifest import read_manifest
from tests.profiles.small_town import POPULATION, TODAY, WELFARE, citizen_number, population_row

Writer = Callable[..., Path]
GOOD = [[citizen_number(1), "是", "12.50", "full", None]]


def _refused(home: Home, catalog: Catalog, source: str, file: Path, **more: object) -> list[str]:
    before = read_manifest(home)
    with pytest.raises(IntakeError) as error:
        take_in(home, catalog, source, file, as_of=TODAY, **more)  # type: ignore[arg-type]
    assert read_manifest(home) == before
    assert not (home.store / "tables").exists() or before.sequence > 0
    assert not (home.store / "scratch").exists()
    for diagnostic in error.value.diagnostics:
        assert (diagnostic.message.zh and diagnostic.message.en[0].islower()) or "`" in diagnostic.message.en
        assert not diagnostic.message.en.endswith(".")
    return [diagnostic.code for diagnostic in error.value.diagnostics]


def test_a_missing_column_is_refused_with_a_guess(home: Home, catalog: Catalog, files: Writer) -> None:
    file = files("welfare.csv", ("id", "dibaoo", "income", "care_level", "employer"), GOOD)
    with pytest.raises(IntakeError) as error:
        take_in(home, catalog, "welfare", file, as_of=TODAY)
    codes = [diagnostic.code for diagnostic in error.value.diagnostics]
    assert codes == ["missing-column", "unexpected-column"]
    assert error.value.diagnostics[0].help is not None and "dibaoo" in error.value.diagnostics[0].help.en
    assert error.value.diagnostics[1].help is not None and "`dibao`" in error.value.diagnostics[1].help.en


def test_an_extra_column_is_refused(home: Home, catalog: Catalog, files: Writer) -> None:
    file = files("welfare.csv", (*WELFARE, "religion"), [[*GOOD[0], "x"]])
    assert _refused(home, catalog, "welfare", file) == ["unexpected-column"]


def test_a_repeated_column_is_refused(home: Home, catalog: Catalog, files: Writer) -> None:
    file = files("welfare.csv", (*WELFARE, "dibao"), [[*GOOD[0], "x"]])
    assert _refused(home, catalog, "welfare", file) == ["repeated-column"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_another_encoding_is_refused(home: Home, catalog: Catalog, files: Writer, encoding: str) -> None:
    file = files("population.csv", POPULATION, [population_row(1, 姓名="張三豐")], encoding)
    assert _refused(home, catalog, "population", file) == ["wrong-encoding"]


def test_utf8_with_a_damaged_byte_is_not_read_as_gb18030(home: Home, catalog: Catalog, files: Writer) -> None:
    file = files("population.csv", POPULATION, [population_row(number) for number in range(1, 30)])
    content = file.read_bytes()
    place = content.rindex("张".encode())
    file.write_bytes(content[:place] + b"\xff" + content[place + 1 :])
    assert _refused(home, catalog, "population", file) == ["wrong-encoding"]


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n  \n"])
def test_an_empty_file_is_refused(home: Home, catalog: Catalog, tmp_path: Path, content: bytes) -> None:
    for name in ("welfare.csv", "welfare.jsonl"):
        (tmp_path / name).write_bytes(content)
        assert _refused(home, catalog, "welfare", tmp_path / name) == ["empty-file"]


def test_a_header_only_is_refused(home: Home, catalog: Catalog, files: Writer, tmp_path: Path) -> None:
    assert _refused(home, catalog, "welfare", files("welfare.csv", WELFARE, [])) == ["header-only"]
    blank = files("welfare.csv", WELFARE, [["", "", "", "", ""], [" ", "", "", "", ""]])
    assert _refused(home, catalog, "welfare", blank) == ["header-only"]
    parquet = tmp_path / "welfare.parquet"
    pl.DataFrame(schema=dict.fromkeys(WELFARE, pl.String)).write_parquet(parquet)
    assert _refused(home, catalog, "welfare", parquet) == ["header-only"]


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.98])
def test_a_truncated_parquet_file_is_refused(home: Home, catalog: Catalog, tmp_path: Path, keep: float) -> None:
    file = tmp_path / "welfare.parquet"
    rows = [[citizen_number(number), "是", "1", "full", None] for number in range(500)]
    pl.DataFrame(rows, schema=dict.fromkeys(WELFARE, pl.String), orient="row").write_parquet(file)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * keep)])
    assert _refused(home, catalog, "welfare", file) == ["damaged-file"]


def test_a_parquet_file_with_damaged_pages_is_refused_half_way(home: Home, catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "welfare.parquet"
    rows = [[citizen_number(number), "是", str(number), "full", None] for number in range(500)]
    pl.DataFrame(rows, schema=dict.fromkeys(WELFARE, pl.String), orient="row").write_parquet(file, compression="zstd")
    content = bytearray(file.read_bytes())
    content[100:400] = bytes(300)
    file.write_bytes(content)
    assert _refused(home, catalog, "welfare", file) == ["damaged-file"]


@pytest.mark.parametrize("name", ["welfare.xlsx", "welfare.parquet", "welfare.jsonl", "welfare.csv"])
def test_a_file_that_is_not_what_its_name_says_is_refused(
    home: Home, catalog: Catalog, tmp_path: Path, files: Writer, name: str
) -> None:
    content = files("x.csv", WELFARE, GOOD).read_bytes()
    if name.endswith((".csv", ".jsonl")):
        pl.DataFrame({"id": ["1"]}).write_parquet(tmp_path / "x.parquet")
        content = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / name).write_bytes(content)
    assert _refused(home, catalog, "welfare", tmp_path / name) == ["wrong-format"]


def test_an_unknown_ending_and_a_missing_file_are_refused(home: Home, catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "welfare.docx"
    file.write_bytes(b"x")
    assert _refused(home, catalog, "welfare", file) == ["unknown-format"]
    assert _refused(home, catalog, "welfare", tmp_path / "welfare.csv") == ["unreadable-file"]


def test_an_unknown_source_is_refused_with_a_guess(home: Home, catalog: Catalog, files: Writer) -> None:
    file = files("welfare.csv", WELFARE, GOOD)
    assert _refused(home, catalog, "wellfare", file) == ["unknown-source"]


def test_a_workbook_that_unpacks_beyond_the_limit_is_refused(home: Home, catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "welfare.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 20_000_000)
    assert file.stat().st_size < 100_000
    assert _refused(home, catalog, "welfare", file, limits=Limits(unpacked_bytes=10_000_000)) == ["too-large"]


def test_two_cells_in_opposite_corners_do_not_fill_the_memory(home: Home, catalog: Catalog, tmp_path: Path) -> None:
    book = Workbook()
    book.active["A1"] = "id"
    book.active["XFD1048576"] = "x"
    book.save(tmp_path / "welfare.xlsx")
    assert _refused(home, catalog, "welfare", tmp_path / "welfare.xlsx") == ["too-large"]


def test_a_file_beyond_the_limits_is_refused(home: Home, catalog: Catalog, files: Writer) -> None:
    file = files("welfare.csv", WELFARE, GOOD)
    assert _refused(home, catalog, "welfare", file, limits=Limits(file_bytes=10)) == ["too-large"]
    wide = files("welfare.csv", [f"c{number}" for number in range(100_000)], [])
    assert _refused(home, catalog, "welfare", wide) == ["too-large"]


def test_one_endless_line_is_refused(home: Home, catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "welfare.csv"
    file.write_bytes(b"x" * 10_000_000)
    assert _refused(home, catalog, "welfare", file) == ["too-large"]
    lines = tmp_path / "welfare.jsonl"
    lines.write_bytes(b'{"id": "' + b"x" * 10_000_000)
    assert _refused(home, catalog, "welfare", lines) == ["too-large"]


def test_a_damaged_workbook_and_an_unclosed_quote_are_refused(home: Home, catalog: Catalog, tmp_path: Path) -> None:
    book = tmp_path / "welfare.xlsx"
    book.write_bytes(b"PK\x03\x04 and no more")
    assert _refused(home, catalog, "welfare", book) == ["damaged-file"]
    text = tmp_path / "welfare.csv"
    rows = "\n".join(f"{citizen_number(number)},是,1,full," for number in range(5_000))
    text.write_text(f'{",".join(WELFARE)}\n{citizen_number(1)},"是,1,full,\n{rows}\n', "utf-8")
    assert _refused(home, catalog, "welfare", text) == ["broken-quotes"]


def test_a_nested_parquet_column_is_refused(home: Home, catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "welfare.parquet"
    pl.DataFrame({"id": [["a"]]}).write_parquet(file)
    assert _refused(home, catalog, "welfare", file) == ["unreadable-column"]


def test_a_key_that_no_json_line_may_have_is_refused_wherever_it_stands(
    home: Home, catalog: Catalog, tmp_path: Path
) -> None:
    file = tmp_path / "welfare.jsonl"
    lines = [json.dumps({"id": citizen_number(number), "dibao": True}) for number in range(2_000)]
    file.write_text("\n".join([*lines, json.dumps({"id": citizen_number(1), "religion": "x"})]), "utf-8")
    assert _refused(home, catalog, "welfare", file) == ["unexpected-column"]


def test_an_older_extract_does_not_overwrite_a_newer_one(home: Home, catalog: Catalog, files: Writer) -> None:
    take_in(home, catalog, "welfare", files("welfare.csv", WELFARE, GOOD), as_of=TODAY + timedelta(days=1))
    file = files("welfare.csv", WELFARE, [[citizen_number(1), "否", None, None, None]])
    assert _refused(home, catalog, "welfare", file) == ["older-extract"]


def test_a_full_extract_that_was_cut_off_is_refused_unless_accepted(
    home: Home, catalog: Catalog, files: Writer
) -> None:
    rows = [[citizen_number(number), "是", None, None, None] for number in range(200)]
    take_in(home, catalog, "welfare", files("welfare.csv", WELFARE, rows), as_of=TODAY)
    file = files("welfare.csv", WELFARE, rows[:50])
    assert _refused(home, catalog, "welfare", file) == ["shrunken-extract"]
    report = take_in(home, catalog, "welfare", file, as_of=TODAY, accept_shrinking=True)
    assert (report.unchanged, report.removed) == (50, 150)


def test_the_store_of_another_key_is_not_written_to(home: Home, catalog: Catalog, files: Writer) -> None:
    take_in(home, catalog, "welfare", files("welfare.csv", WELFARE, GOOD), as_of=TODAY)
    home.key.write_text("11" * 32)
    with pytest.raises(MianshenError) as error:
        take_in(home, catalog, "welfare", files("welfare.csv", WELFARE, GOOD * 2), as_of=TODAY)
    assert error.value.diagnostics[0].code == "wrong-key"


def test_the_source_is_read_off_the_file_name(catalog: Catalog) -> None:
    assert source_of(Path("welfare-2026-11.csv"), catalog) == "welfare"
    assert source_of(Path("households.xlsx"), catalog) == "households"
    with pytest.raises(IntakeError) as error:
        source_of(Path("wellfare.csv"), catalog)
    assert "`welfare`" in str(error.value)
