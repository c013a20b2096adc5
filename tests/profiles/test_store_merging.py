"""Appending what changed and merging on read gives what one would get by replacing everything."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.errors import StoreError
from profiles.catalog_model import Catalog
from profiles.compaction import compact
from profiles.home import Home
from profiles.identity import pseudonym
from profiles.intake import take_in
from profiles.manifest import read_manifest
from profiles.secret import derived_key, secret_key
from profiles.snapshot import Snapshot, open_snapshot
from profiles.store import table_folder
from profiles.vault import open_vault
from tests.profiles.small_town import (
    POPULATION,
    TODAY,
    WELFARE,
    build_catalog,
    citizen_number,
    population_row,
    write_csv,
)

Writer = Callable[..., Path]
PEOPLE = range(1, 9)
LEVELS = (None, "full", "none")
CERTIFICATES = ("id", "number", "issued_on", "level")


def _subjects(home: Home) -> dict[str, int]:
    key = derived_key(secret_key(home), "pseudonym")
    return {pseudonym(key, "citizen", citizen_number(person)): person for person in PEOPLE}


def _levels(snapshot: Snapshot, names: dict[str, int]) -> dict[int, str | None]:
    table = snapshot.tables["welfare"]
    rows = pl.concat([table.read(bucket, {"care_level": pl.String}) for bucket in snapshot.buckets])
    assert rows["subject"].is_sorted() and rows["subject"].n_unique() == rows.height
    return {names[subject]: level for subject, level in rows.iter_rows()}


attribute_extract = st.tuples(
    st.sampled_from(["full", "partial"]),
    st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(LEVELS), min_size=1),
    st.booleans(),
)


@settings(max_examples=15)
@given(st.lists(attribute_extract, min_size=1, max_size=5))
def test_any_sequence_of_extracts_ends_as_a_plain_dictionary_would(
    extracts: list[tuple[str, dict[int, str | None], bool]],
) -> None:
    catalog = build_catalog()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        expected: dict[int, str | None] = {}
        for number, (kind, levels, compacted) in enumerate(extracts):
            rows = [[citizen_number(person), None, None, level, None] for person, level in levels.items()]
            file = write_csv(Path(folder) / f"welfare-{number}.csv", WELFARE, rows)
            as_of = TODAY + timedelta(days=number)
            take_in(home, catalog, "welfare", file, as_of=as_of, extract=kind)  # type: ignore[arg-type]
            expected = dict(levels) if kind == "full" else expected | levels
            if compacted:
                compact(home)
            snapshot = open_snapshot(home, catalog, TODAY)
            assert _levels(snapshot, _subjects(home)) == expected
            assert read_manifest(home).tables["welfare"].rows == len(expected)


collection_extract = st.tuples(
    st.sampled_from(["full", "partial"]),
    st.dictionaries(st.tuples(st.sampled_from(range(1, 5)), st.sampled_from("ABC")), st.integers(1, 5), min_size=1),
    st.booleans(),
)


@settings(max_examples=15)
@given(st.lists(collection_extract, min_size=1, max_size=5))
def test_a_changed_owner_has_exactly_the_items_of_its_last_extract(
    extracts: list[tuple[str, dict[tuple[int, str], int], bool]],
) -> None:
    catalog = build_catalog()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        register = write_csv(Path(folder) / "p.csv", POPULATION, [population_row(person) for person in PEOPLE])
        take_in(home, catalog, "population", register, as_of=TODAY)
        expected: dict[int, list[int]] = {}
        for number, (kind, items, compacted) in enumerate(extracts):
            rows = [
                [citizen_number(person), f"{person}{item}", "2020-01-01", level]
                for (person, item), level in items.items()
            ]
            file = write_csv(Path(folder) / f"certificates-{number}.csv", CERTIFICATES, rows)
            as_of = TODAY + timedelta(days=number)
            take_in(home, catalog, "certificates", file, as_of=as_of, extract=kind)  # type: ignore[arg-type]
            owners: dict[int, list[int]] = {}
            for (person, _), level in items.items():
                owners.setdefault(person, []).append(level)
            expected = owners if kind == "full" else expected | owners
            if compacted:
                compact(home)
            snapshot = open_snapshot(home, catalog, TODAY)
            names = _subjects(home)
            found = snapshot.bucket(0).items("citizen", "certificates", ["level"], pl.Series(list(names)))
            assert found.select("owner", "item").is_duplicated().sum() == 0
            by_owner: dict[int, list[int]] = {}
            for owner, level in found.select("owner", "level").iter_rows():
                by_owner.setdefault(names[owner], []).append(level)
            assert {who: sorted(levels) for who, levels in by_owner.items()} == {
                who: sorted(levels) for who, levels in expected.items()
            }
            assert read_manifest(home).tables["certificates"].rows == found.height


def test_an_unchanged_row_is_not_written_again(home: Home, catalog: Catalog, files: Writer) -> None:
    rows = [population_row(number) for number in range(1, 100)]
    take_in(home, catalog, "population", files("population-1.csv", POPULATION, rows), as_of=TODAY)
    rows[5] = population_row(6, 性别="女")
    report = take_in(home, catalog, "population", files("population-2.csv", POPULATION, rows), as_of=TODAY)
    assert (report.taken, report.unchanged) == (1, 98)
    table = open_snapshot(home, catalog, TODAY).tables["population"]
    assert sum(file.rows for listed in table.files.values() for file in listed) == 100


def test_a_changed_contact_reaches_the_vault_and_the_old_one_is_gone_after_compaction(
    home: Home, catalog: Catalog, files: Writer
) -> None:
    take_in(home, catalog, "population", files("p1.csv", POPULATION, [population_row(1)]), as_of=TODAY)
    later = [population_row(1, 手机="13900000009", 姓名="张新")]
    report = take_in(home, catalog, "population", files("p2.csv", POPULATION, later), as_of=TODAY)
    assert report.taken == 1
    subject = open_snapshot(home, catalog, TODAY).sample("citizen", 1)[0]
    with open_vault(home) as vault:
        contact = vault.contact(subject, "delivery", "notice")
        assert (contact.name, contact.phone) == ("张新", "13900000009")
        assert vault.number(subject, "payment", "batch") == citizen_number(1)
    compact(home)
    with open_vault(home) as vault:
        assert vault.contact(subject, "delivery", "notice") == contact
        assert vault.number(subject, "payment", "batch") == citizen_number(1)
        assert vault.forget_superseded() == 0


def test_contacts_of_an_identity_source_go_to_the_vault_only(home: Home, catalog: Catalog, files: Writer) -> None:
    take_in(home, catalog, "population", files("p.csv", POPULATION, [population_row(1)]), as_of=TODAY)
    file = files("contacts.csv", ("id", "email", "language"), [[citizen_number(1), "a@example.org", "en"]])
    assert take_in(home, catalog, "contacts", file, as_of=TODAY).taken == 1
    subject = open_snapshot(home, catalog, TODAY).sample("citizen", 1)[0]
    with open_vault(home) as vault:
        contact = vault.contact(subject, "delivery", "notice")
        assert (contact.name, contact.email, contact.language) == ("张1", "a@example.org", "en")
    content = b"".join(path.read_bytes() for path in home.store.rglob("*.parquet"))
    assert b"example.org" not in content and citizen_number(1).encode() not in content


def test_versions_before_a_compaction_stay_readable(home: Home, catalog: Catalog, files: Writer) -> None:
    for number, sex in enumerate(["男", "女"]):
        rows = [population_row(person, 性别=sex) for person in PEOPLE]
        take_in(home, catalog, "population", files(f"p{number}.csv", POPULATION, rows), as_of=TODAY)
        if number == 0:
            versions = open_snapshot(home, catalog, TODAY).versions
    assert compact(home) == {"population": 8}
    assert compact(home) == {}

    def sexes(snapshot: Snapshot) -> set[str]:
        return set(pl.concat([snapshot.bucket(n).attributes("citizen", ["sex"]) for n in snapshot.buckets])["sex"])

    assert sexes(open_snapshot(home, catalog, TODAY, versions)) == {"1"}
    assert sexes(open_snapshot(home, catalog, TODAY)) == {"2"}
    table = open_snapshot(home, catalog, TODAY).tables["population"]
    assert all(len(listed) == 1 for listed in table.files.values())


def test_any_lakehouse_engine_can_read_the_tables(home: Home, catalog: Catalog, files: Writer) -> None:
    rows = [population_row(person) for person in PEOPLE]
    take_in(home, catalog, "population", files("p.csv", POPULATION, rows), as_of=TODAY)
    delta = DeltaTable(table_folder(home, "population"))
    assert delta.metadata().partition_columns == ["bucket"]
    frame = pl.DataFrame(delta.to_pyarrow_table())
    assert frame.height == 8 and {"subject", "birth_date", "bucket"} <= set(frame.columns)


def test_a_new_attribute_needs_no_rebuilding(home: Home, files: Writer) -> None:
    from dataclasses import replace

    whole = build_catalog()
    source = whole.sources["welfare"]
    smaller = replace(source, fields=tuple(each for each in source.fields if each.name != "care_level"))
    before = replace(whole, sources={**whole.sources, "welfare": smaller})
    people = files("p.csv", POPULATION, [population_row(person) for person in PEOPLE])
    take_in(home, before, "population", people, as_of=TODAY)
    old = files("w1.csv", ("id", "dibao", "income", "employer"), [[citizen_number(1), "是", "5", None]])
    take_in(home, before, "welfare", old, as_of=TODAY)
    snapshot = open_snapshot(home, whole, TODAY)
    assert all(
        snapshot.bucket(bucket).attributes("citizen", ["care_level"])["care_level"].null_count()
        == snapshot.bucket(bucket).attributes("citizen", ["care_level"]).height
        for bucket in snapshot.buckets
    )
    new = files("w2.csv", WELFARE, [[citizen_number(2), "是", "5", "full", None]])
    take_in(home, whole, "welfare", new, as_of=TODAY, extract="partial")
    assert sorted(map(str, _levels(open_snapshot(home, whole, TODAY), _subjects(home)).values())) == [
        "None",
        "full",
    ]


def test_a_missing_data_file_is_told_and_never_read_as_nobody(home: Home, catalog: Catalog, files: Writer) -> None:
    people = files("p.csv", POPULATION, [population_row(person) for person in PEOPLE])
    take_in(home, catalog, "population", people, as_of=TODAY)
    for path in (home.store / "tables" / "population").rglob("*.parquet"):
        path.unlink()
    snapshot = open_snapshot(home, catalog, TODAY)
    with pytest.raises(StoreError) as error:
        for bucket in snapshot.buckets:
            snapshot.bucket(bucket).attributes("citizen", ["sex"])
    assert error.value.diagnostics[0].code == "table-damaged"
