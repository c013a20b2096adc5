"""Bad rows go to quarantine with a reason and never with the value; the good rows of the file go in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from profiles.catalog_model import Catalog
from profiles.home import Home
from profiles.intake import quarantined, take_in
from profiles.quarantine import QUARANTINE_SCHEMA, REASONS
from profiles.snapshot import open_snapshot
from tests.profiles.small_town import (
    POPULATION,
    TODAY,
    WELFARE,
    citizen_number,
    credit_code,
    population_row,
)

Writer = Callable[..., Path]
WRONG = citizen_number(7)[:17] + ("0" if citizen_number(7)[17] != "0" else "1")


def _values(home: Home, catalog: Catalog, name: str) -> dict[str, object]:
    """Return the attribute of every citizen, by pseudonym."""
    snapshot = open_snapshot(home, catalog, TODAY)
    frames = [snapshot.bucket(bucket).attributes("citizen", [name]) for bucket in snapshot.buckets]
    return dict(pl.concat(frames).iter_rows())


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("公民身份号码", WRONG, "wrong-checksum"),
        ("公民身份号码", "99999919580515", "wrong-shape"),
        ("公民身份号码", None, "missing-required"),
        ("公民身份号码", "=cmd()", "formula-in-cell"),
        ("公民身份号码", citizen_number(9, TODAY + timedelta(days=1)), "future-birth"),
        ("监护人", WRONG, "wrong-checksum"),
        ("出生日期", "2024-02-30", "impossible-date"),
        ("出生日期", "20240230", "impossible-date"),
        ("出生日期", "2026-11-23", "future-birth"),
        ("出生日期", "2026/11/23", "future-birth"),
        ("出生日期", "昨天", "not-a-date"),
        ("出生日期", "2024105", "impossible-date"),
        ("性别", "5", "unknown-code"),
        ("户籍", "31011", "unknown-code"),
        ("户籍", "=cmd()", "formula-in-cell"),
        ("姓名", "=cmd()", "formula-in-cell"),
        ("姓名", "@SUM(A1)", "formula-in-cell"),
        ("姓名", "+cmd|'/c calc'!A1", "formula-in-cell"),
        ("姓名", "张\u202e三", "control-character"),
        ("姓名", "张" * 1000, "too-long"),
        ("姓名", None, "missing-required"),
        ("手机", "call me", "malformed-contact"),
    ],
)
def test_a_bad_cell_quarantines_its_row_and_nothing_else(
    home: Home, catalog: Catalog, files: Writer, column: str, cell: str | None, reason: str
) -> None:
    rows = [population_row(1), population_row(2, **{column: cell}), population_row(3)]
    report = take_in(home, catalog, "population", files("population.csv", POPULATION, rows), as_of=TODAY)
    assert (report.rows, report.taken, report.quarantined) == (3, 2, 1)
    assert report.reasons == {reason: 1}
    found = quarantined(home)
    assert found.select("row", "column", "reason").row(0) == (3, column, reason)
    assert found["reason_zh"][0] == REASONS[reason].zh and found["reason_en"][0] == REASONS[reason].en
    assert open_snapshot(home, catalog, TODAY).count("citizen") == 2


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("income", "12.345", "too-many-decimals"),
        ("income", "twelve", "not-a-number"),
        ("income", "1,234.00", None),
        ("income", "-1", "out-of-range"),
        ("income", "99999999999999999999", "out-of-range"),
        ("income", "1e3", "not-a-number"),
        ("income", "١٢", "not-a-number"),
        ("income", "=1+1", "formula-in-cell"),
        ("dibao", "maybe", "not-a-boolean"),
        ("care_level", "half", "unknown-code"),
        ("employer", "91110000600037341M", "wrong-checksum"),
    ],
)
def test_numbers_yes_and_no_and_links_are_checked(
    home: Home, catalog: Catalog, files: Writer, column: str, cell: str, reason: str | None
) -> None:
    row = dict(zip(WELFARE, [citizen_number(1), "是", "12.50", "full", credit_code(1)], strict=True))
    row[column] = cell
    file = files("welfare.csv", WELFARE, [row.values()])
    if reason is None:
        # The comma splits the cell, so the row has one cell too many.
        reason, column = "wrong-cell-count", ""
    report = take_in(home, catalog, "welfare", file, as_of=TODAY)
    assert (report.taken, report.reasons) == (0, {reason: 1})
    assert quarantined(home, "welfare")["column"].to_list() == [column]
    assert quarantined(home, "population").is_empty()


def test_all_faults_of_a_row_are_named_but_the_row_counts_once(home: Home, catalog: Catalog, files: Writer) -> None:
    rows = [population_row(1, 出生日期="2024-02-30", 性别="5")]
    report = take_in(home, catalog, "population", files("population.csv", POPULATION, rows), as_of=TODAY)
    assert report.quarantined == 1 and sum(report.reasons.values()) == 1
    assert sorted(quarantined(home)["reason"]) == ["impossible-date", "unknown-code"]


def test_differing_rows_of_one_subject_all_go_and_identical_ones_count_once(
    home: Home, catalog: Catalog, files: Writer
) -> None:
    rows = [
        population_row(1),
        population_row(2),
        population_row(2, 性别="女"),
        population_row(3),
        population_row(3),
        population_row(4),
        population_row(4, 姓名="李四"),
    ]
    report = take_in(home, catalog, "population", files("population.csv", POPULATION, rows), as_of=TODAY)
    assert (report.rows, report.taken, report.unchanged, report.quarantined) == (7, 2, 1, 4)
    assert report.reasons == {"duplicate-subject": 4}
    assert quarantined(home)["row"].to_list() == [3, 4, 7, 8]
    assert open_snapshot(home, catalog, TODAY).count("citizen") == 2


def test_quarantine_never_shows_numbers_names_or_contacts(home: Home, catalog: Catalog, files: Writer) -> None:
    rows = [
        population_row(1, 公民身份号码=WRONG),
        population_row(2, 性别=f"王小明 {citizen_number(2)}"),
        population_row(3, 手机="13812345678x"),
        population_row(4, 监护人=WRONG),
        population_row(5, 出生日期="13812345678"),
        population_row(6, 姓名="=HYPERLINK(王小明)"),
    ]
    take_in(home, catalog, "population", files("population.csv", POPULATION, rows), as_of=TODAY)
    found = quarantined(home)
    assert found.height == 6 and list(found.schema) == list(QUARANTINE_SCHEMA)
    stored = b"".join(path.read_bytes() for path in home.store.rglob("*") if path.is_file())
    for text in (found.write_csv(), stored.decode("latin-1")):
        for secret in (WRONG, citizen_number(2), "13812345678", "王小明"):
            assert secret not in text and secret.encode().decode("latin-1") not in text
    assert found.filter(pl.col("row") == 2)["masked"][0] == f"{WRONG[:6]}********{WRONG[-4:]}"
    assert set(found["value_class"]) == {"identity number", "text", "number", "formula"}


def test_an_empty_cell_is_unknown_and_not_a_fault(home: Home, catalog: Catalog, files: Writer) -> None:
    rows = [population_row(1, 出生日期="", 性别="不详", 户籍=" ", 监护人="NULL")]
    report = take_in(home, catalog, "population", files("population.csv", POPULATION, rows), as_of=TODAY)
    assert report.taken == 1
    assert list(_values(home, catalog, "birth_date").values()) == [None]


def test_what_was_known_of_a_quarantined_subject_becomes_unknown(home: Home, catalog: Catalog, files: Writer) -> None:
    rows = [population_row(1), population_row(2)]
    take_in(home, catalog, "population", files("population.csv", POPULATION, rows), as_of=TODAY)
    rows = [population_row(1), population_row(2, 性别="5"), population_row(3, 性别="5")]
    report = take_in(home, catalog, "population", files("population.csv", POPULATION, rows), as_of=TODAY)
    assert (report.unchanged, report.quarantined, report.removed) == (1, 2, 0)
    # Subject 2 is still there, with nothing known; subject 3 was never read well, so it is not there yet.
    assert sorted(map(str, _values(home, catalog, "birth_date").values())) == ["1958-05-15", "None"]


def test_a_quarantined_item_stays_countable_and_unknown(home: Home, catalog: Catalog, files: Writer) -> None:
    header = ("code", "person", "months")
    take_in(
        home,
        catalog,
        "firms",
        files("f.csv", ("code", "size_class", "employees"), [[credit_code(1), "M", 3]]),
        as_of=TODAY,
    )
    rows = [[credit_code(1), citizen_number(1), "3"], [credit_code(1), citizen_number(2), "many"]]
    take_in(home, catalog, "hires", files("hires.csv", header, rows), as_of=TODAY)
    snapshot = open_snapshot(home, catalog, TODAY)
    firms = pl.Series(snapshot.sample("enterprise", 1))
    items = snapshot.bucket(0).items("enterprise", "hires", ["insured_months"], firms)
    assert sorted(items["insured_months"].to_list(), key=str) == [3, None]


def test_every_reason_is_told_in_both_languages() -> None:
    for words in REASONS.values():
        assert words.zh and words.en and not words.en.endswith(".")


def test_a_row_of_another_length_is_quarantined_without_shifting_the_others(
    home: Home, catalog: Catalog, tmp_path: Path
) -> None:
    file = tmp_path / "welfare.csv"
    good = [f"{citizen_number(number)},是,{number}.00,full," for number in range(1, 4)]
    bad = f"{citizen_number(9)},是,1,234.00,full,"
    quoted = f'"{citizen_number(5)}","是","5.00","full",""'
    file.write_text("\r\n".join([",".join(WELFARE), good[0], bad, good[1], quoted, good[2], ""]), "utf-8")
    report = take_in(home, catalog, "welfare", file, as_of=TODAY)
    assert (report.rows, report.taken, report.reasons) == (5, 4, {"wrong-cell-count": 1})
    assert quarantined(home)["row"].to_list() == [3]
