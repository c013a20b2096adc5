"""The same rows mean the same, whatever kind of file and encoding they come in."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from openpyxl import Workbook

from profiles.catalog_model import Catalog
from profiles.home import Home
from profiles.intake import IntakeReport, quarantined, take_in
from profiles.snapshot import open_snapshot
from profiles.vault import open_vault
from tests.profiles.small_town import POPULATION, TODAY, WELFARE, citizen_number, credit_code, population_row

Writer = Callable[..., Path]
ROWS = [
    [citizen_number(1), "是", "1234.50", "full", credit_code(1)],
    [citizen_number(2), "否", "0.07", "none", None],
    [citizen_number(3), None, None, None, None],
]


def _welfare(home: Home, catalog: Catalog) -> list[tuple[object, ...]]:
    snapshot = open_snapshot(home, catalog, TODAY)
    table = snapshot.tables["welfare"]
    schema = {"dibao": pl.Boolean, "income": pl.Int64, "care_level": pl.String, "employer": pl.String}
    rows = pl.concat([table.read(bucket, schema) for bucket in snapshot.buckets])
    return sorted(rows.rows(), key=str)


def _expected(catalog: Catalog, files: Writer, home: Home) -> list[tuple[object, ...]]:
    take_in(home, catalog, "welfare", files("welfare.csv", WELFARE, ROWS), as_of=TODAY)
    return _welfare(home, catalog)


def _in_another_home(home: Home, catalog: Catalog, file: Path) -> tuple[IntakeReport, list[tuple[object, ...]]]:
    """Take `file` in with the same key but an empty store."""
    other = Home(home.path.parent / "other")
    other.path.mkdir()
    other.key.write_bytes(home.key.read_bytes())
    report = take_in(other, catalog, "welfare", file, as_of=TODAY)
    return report, _welfare(other, catalog)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_csv_of_every_encoding_and_separator(
    home: Home, catalog: Catalog, files: Writer, tmp_path: Path, encoding: str, separator: str, line_end: str
) -> None:
    expected = _expected(catalog, files, home)
    text = (tmp_path / "welfare.csv").read_text("utf-8").replace(",", separator).replace("\n", line_end)
    file = tmp_path / "welfare-2.csv"
    file.write_bytes(text.encode(encoding))
    report, rows = _in_another_home(home, catalog, file)
    assert report.taken == 3 and rows == expected


def test_chinese_headers_and_names_in_gb18030(home: Home, catalog: Catalog, files: Writer) -> None:
    file = files("population.csv", POPULATION, [population_row(1, 姓名="䶮靇")], "gb18030")
    assert take_in(home, catalog, "population", file, as_of=TODAY).taken == 1
    subject = open_snapshot(home, catalog, TODAY).sample("citizen", 1)[0]
    with open_vault(home) as vault:
        assert vault.contact(subject, "test", "test").name == "䶮靇"


def test_excel(home: Home, catalog: Catalog, files: Writer, tmp_path: Path) -> None:
    expected = _expected(catalog, files, home)
    book = Workbook()
    sheet = book.active
    sheet.append([*WELFARE, None])
    for row in ROWS:
        sheet.append([row[0], row[1], float(str(row[2])) if row[2] else None, row[3], row[4]])
    sheet.append([])
    book.create_sheet("empty")
    book.save(tmp_path / "welfare.xlsx")
    report, rows = _in_another_home(home, catalog, tmp_path / "welfare.xlsx")
    assert (report.rows, report.taken) == (3, 3) and rows == expected


def test_excel_dates_whole_numbers_and_leading_zeros(home: Home, catalog: Catalog, tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["id", "number", "issued_on", "level"])
    book.active.append([citizen_number(1), "007", date(2024, 2, 29), 3])
    book.active.append([citizen_number(2), "008", "2024-02-30", 3.0])
    book.save(tmp_path / "certificates.xlsx")
    report = take_in(home, catalog, "certificates", tmp_path / "certificates.xlsx", as_of=TODAY)
    assert (report.taken, report.reasons) == (1, {"impossible-date": 1})


def test_an_excel_formula_is_seen_as_one_wherever_the_table_starts(
    home: Home, catalog: Catalog, tmp_path: Path
) -> None:
    book = Workbook()
    sheet = book.active
    for place, title in enumerate(WELFARE):
        sheet.cell(3, place + 2, title)
    for place, cell in enumerate([citizen_number(1), "是", "=1+1", "full", None]):
        sheet.cell(4, place + 2, cell)
    for place, cell in enumerate([citizen_number(2), "是", 2, "full", None]):
        sheet.cell(5, place + 2, cell)
    book.save(tmp_path / "welfare.xlsx")
    report = take_in(home, catalog, "welfare", tmp_path / "welfare.xlsx", as_of=TODAY)
    assert (report.taken, report.reasons) == (1, {"formula-in-cell": 1})
    assert quarantined(home)["column"].to_list() == ["income"]


def test_two_filled_sheets_are_refused(home: Home, catalog: Catalog, tmp_path: Path) -> None:
    from policies.errors import IntakeError

    book = Workbook()
    book.active.append(list(WELFARE))
    book.active.append(ROWS[0])
    book.create_sheet("more").append(["x"])
    book.save(tmp_path / "welfare.xlsx")
    with pytest.raises(IntakeError) as error:
        take_in(home, catalog, "welfare", tmp_path / "welfare.xlsx", as_of=TODAY)
    assert error.value.diagnostics[0].code == "several-sheets"


@pytest.mark.parametrize("typed", [True, False])
def test_parquet_with_types_and_as_text(
    home: Home, catalog: Catalog, files: Writer, tmp_path: Path, typed: bool
) -> None:
    expected = _expected(catalog, files, home)
    frame = pl.DataFrame(ROWS, schema=dict.fromkeys(WELFARE, pl.String), orient="row")
    if typed:
        frame = frame.with_columns(pl.col("dibao") == "是", pl.col("income").cast(pl.Float64))
    frame.write_parquet(tmp_path / "welfare.parquet")
    report, rows = _in_another_home(home, catalog, tmp_path / "welfare.parquet")
    assert report.taken == 3 and rows == expected


def test_json_lines_with_numbers_and_left_out_keys(home: Home, catalog: Catalog, files: Writer, tmp_path: Path) -> None:
    expected = _expected(catalog, files, home)
    file = tmp_path / "welfare.jsonl"
    income = {1: "1234.50", 2: "0.07"}
    lines = [
        f'{{"id": "{citizen_number(1)}", "dibao": true, "income": {income[1]}, "care_level": "full",'
        f' "employer": "{credit_code(1)}"}}',
        "",
        f'{{"income": {income[2]}, "dibao": false, "id": "{citizen_number(2)}", "care_level": "none"}}',
        json.dumps({"id": citizen_number(3)}),
    ]
    file.write_text("\n".join(lines), "utf-8")
    report, rows = _in_another_home(home, catalog, file)
    assert report.taken == 3 and rows == expected


def test_json_lines_that_are_none_are_quarantined_by_line(home: Home, catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "welfare.jsonl"
    good = json.dumps({"id": citizen_number(1), "dibao": True})
    bad = ["{", "[1]", json.dumps({"id": citizen_number(2), "dibao": {"a": 1}}), "[" * 100_000]
    file.write_text("\n".join([good, "", *bad]), "utf-8")
    report = take_in(home, catalog, "welfare", file, as_of=TODAY)
    assert (report.rows, report.taken) == (5, 1)
    assert report.reasons == {"not-json": 2, "not-an-object": 1, "nested-value": 1}
    assert quarantined(home)["row"].to_list() == [3, 4, 5, 6]


def test_text_stays_text(home: Home, catalog: Catalog, files: Writer) -> None:
    rows = [["HK000001", citizen_number(1), "NA"], ["HK000001", citizen_number(2), "011"]]
    file = files("members.csv", ("booklet", "id", "relationship"), rows)
    take_in(home, catalog, "households", files("h.csv", ("booklet", "size"), [["HK000001", 2]]), as_of=TODAY)
    take_in(home, catalog, "members", file, as_of=TODAY)
    snapshot = open_snapshot(home, catalog, TODAY)
    owners = pl.Series(snapshot.sample("household", 1))
    items = snapshot.bucket(0).items("household", "members", ["relationship"], owners)
    assert sorted(items["relationship"]) == ["011", "NA"]


def test_progress_reaches_the_end(home: Home, catalog: Catalog, files: Writer) -> None:
    calls: list[tuple[int, int]] = []
    rows = [[citizen_number(number), "是", None, None, None] for number in range(50)]
    take_in(
        home,
        catalog,
        "welfare",
        files("welfare.csv", WELFARE, rows),
        as_of=TODAY,
        on_progress=lambda done, total: calls.append((done, total)),
    )
    assert calls[-1] == (50, 50) and all(done <= total for done, total in calls)
