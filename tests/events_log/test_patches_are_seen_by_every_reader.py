"""What an event has changed is seen by the batch, by explanations and counts, at once, and by nobody before."""

from __future__ import annotations

import shutil
from datetime import date, timedelta

import polars as pl
import pytest

from policies.errors import StoreError
from policies.types import to_day_number
from profiles.catalog_model import Catalog
from profiles.compaction import compact
from profiles.events.log import EventLog
from profiles.events.origin import Origin, origin_of
from profiles.home import Home
from profiles.intake import quarantined
from profiles.manifest import create_store
from profiles.snapshot import EVENTS, open_snapshot
from tests.events_log.event_town import (
    CERTIFICATES,
    CHILD,
    CONTACTS,
    EXTRACT_DAY,
    FIRMS,
    HIRES,
    INSURANCE,
    NEWCOMER,
    PEOPLE,
    POPULATION,
    TODAY,
    birth,
    insured_row,
    november,
    person,
    person_row,
    posted,
    store,
    take,
    who,
)
from tests.events_log.whole_profiles import checked_whole
from tests.profiles.small_town import citizen_number, credit_code


def _region(home: Home, catalog: Catalog, n: int = 5, versions: dict[str, int] | None = None) -> object:
    snapshot = open_snapshot(home, catalog, TODAY, versions)
    return snapshot.facts("citizen", who(home, "citizen", person(n))).value(("hukou_region",))


def test_a_snapshot_stays_as_it_was_and_can_be_opened_again_as_it_was(
    home: Home, log: EventLog, catalog: Catalog
) -> None:
    before = open_snapshot(home, catalog, TODAY)
    told_before = checked_whole(before)
    for day, region in ((3, "330106"), (4, "440300")):
        store(log, posted("move", person(5), november(day), hukou_region=region))
    store(log, birth())
    after = open_snapshot(home, catalog, TODAY)
    assert (before.versions[EVENTS], after.versions[EVENTS]) == (0, 3)
    assert checked_whole(before) == told_before == checked_whole(open_snapshot(home, catalog, TODAY, before.versions))
    assert checked_whole(after) == checked_whole(open_snapshot(home, catalog, TODAY, after.versions))
    assert _region(home, catalog, versions=after.versions | {EVENTS: 1}) == "330106"
    assert _region(home, catalog) == "440300"


def test_versions_pinned_before_there_were_events_are_read_without_them(
    home: Home, log: EventLog, catalog: Catalog
) -> None:
    versions = {name: one for name, one in open_snapshot(home, catalog, TODAY).versions.items() if name != EVENTS}
    store(log, posted("move", person(5), november(3), hukou_region="330106"))
    assert _region(home, catalog, versions=versions) == "310115"


def test_a_child_is_counted_found_and_sampled(home: Home, log: EventLog, catalog: Catalog) -> None:
    store(log, birth(household="HK000000"))
    snapshot = open_snapshot(home, catalog, TODAY)
    child = who(home, "citizen", CHILD)
    assert snapshot.count("citizen") == PEOPLE + 1
    assert child in snapshot.sample("citizen", 100) and snapshot.space_of(child) == "citizen"
    members = snapshot.facts("household", who(home, "household", "HK000000")).items(("members",))
    assert members is not None and child in [item.row["member"] for item in members]
    facts = snapshot.facts("citizen", child)
    assert facts.value(("guardian", "birth_date")) == to_day_number(date(1958, 5, 15))
    checked_whole(snapshot)


def test_the_child_stays_until_the_register_speaks_of_it(home: Home, log: EventLog, catalog: Catalog) -> None:
    """Who is born is announced before the register knows; once the register knows, it decides."""
    store(log, birth())
    child = who(home, "citizen", CHILD)
    rows = [person_row(n) for n in range(1, PEOPLE + 1)]
    take(home, "population", POPULATION, rows, november(12))
    assert open_snapshot(home, catalog, TODAY).exists("citizen", child)
    named = person_row(1, 号码=CHILD, 出生日期="20261109", 户号=None)
    take(home, "population", POPULATION, [*rows, named], november(14))
    facts = open_snapshot(home, catalog, TODAY).facts("citizen", child)
    assert facts.value(("birth_date",)) == to_day_number(date(2026, 11, 9))
    take(home, "population", POPULATION, rows, november(16))
    assert not open_snapshot(home, catalog, TODAY).exists("citizen", child)
    checked_whole(open_snapshot(home, catalog, TODAY))
    # Neither compaction nor the event told again brings back who left.
    compact(home)
    assert not open_snapshot(home, catalog, TODAY).exists("citizen", child)
    checked_whole(open_snapshot(home, catalog, TODAY))


def test_compaction_changes_nothing_that_is_read(home: Home, log: EventLog, catalog: Catalog) -> None:
    store(log, birth(household="HK000000", settlement_number="S"))
    store(log, posted("layoff", person(1), november(6), employer=credit_code(1), record_number="B-1", involuntary=True))
    take(home, "social_insurance", INSURANCE, [insured_row(2, 登记="是")], november(7), "partial")
    take(
        home, "certificates", CERTIFICATES, [[person(2), "Z-5", "2026-03-01", "电工", 4, "是"]], november(7), "partial"
    )
    before = checked_whole(open_snapshot(home, catalog, TODAY))
    pinned = open_snapshot(home, catalog, TODAY).versions
    assert compact(home)
    assert checked_whole(open_snapshot(home, catalog, TODAY)) == before
    assert checked_whole(open_snapshot(home, catalog, TODAY, pinned)) == before


def test_a_partial_extract_that_repeats_the_old_value_overrules_an_older_event(
    home: Home, log: EventLog, catalog: Catalog
) -> None:
    """Also if the event arrives after it."""
    event = posted("layoff", person(1), november(5), involuntary=True, registered=True)
    take(home, "social_insurance", INSURANCE, [insured_row(1)], november(9), "partial")
    assert store(log, event).outcome == "superseded"
    facts = open_snapshot(home, catalog, TODAY).facts("citizen", who(home, "citizen", person(1)))
    assert facts.value(("unemployment_registered",)) is False


def test_a_collection_nobody_has_delivered_stays_unknown_for_everybody(
    home: Home, log: EventLog, catalog: Catalog
) -> None:
    """One event says nothing of what else there may be."""
    store(log, birth(settlement_number="S-1", babies=1))
    snapshot = open_snapshot(home, catalog, TODAY)
    assert snapshot.facts("citizen", who(home, "citizen", person(2))).items(("births",)) is None
    assert not snapshot.bucket(0).collection_known("citizen", "births")


def test_each_datum_grows_stale_from_the_day_it_was_told(home: Home, log: EventLog, catalog: Catalog) -> None:
    """An event about one datum does not make the others of the same row fresh."""
    store(log, posted("layoff", person(1), november(20), involuntary=True, registered=True))
    subject = who(home, "citizen", person(1))
    limit = catalog.spaces["citizen"].attributes["unemployment_registered"].freshness_days
    assert limit == catalog.spaces["citizen"].attributes["flexible_employment"].freshness_days == 400

    def known(on: date) -> tuple[object, object]:
        snapshot = open_snapshot(home, catalog, on)
        checked_whole(snapshot)
        facts = snapshot.facts("citizen", subject)
        return facts.value(("unemployment_registered",)), facts.value(("flexible_employment",))

    assert known(EXTRACT_DAY + timedelta(days=400)) == (True, False)
    assert known(EXTRACT_DAY + timedelta(days=401)) == (True, None)
    assert known(november(20) + timedelta(days=401)) == (None, None)


def test_the_day_of_patched_data_is_the_day_of_the_event(home: Home, log: EventLog, catalog: Catalog) -> None:
    store(log, posted("move", person(5), november(3), hukou_region="330106"))
    store(log, birth())
    snapshot = open_snapshot(home, catalog, TODAY)
    assert snapshot.as_of("citizen", who(home, "citizen", person(5)))["population"] == november(3)
    assert snapshot.as_of("citizen", who(home, "citizen", person(4)))["population"] == EXTRACT_DAY
    assert snapshot.as_of("citizen", who(home, "citizen", CHILD)) == {"population": november(10)}
    assert snapshot.as_of("citizen")["population"] <= EXTRACT_DAY


def test_quarantine_and_counts_of_an_intake_do_not_see_patches(home: Home, log: EventLog, catalog: Catalog) -> None:
    store(log, posted("move", person(5), november(3), hukou_region="330106"))
    rows = [person_row(n, 户籍地区划="nowhere" if n == 4 else "310115") for n in range(1, PEOPLE + 1)]
    take(home, "population", POPULATION, rows, november(10))
    assert quarantined(home, "population")["reason"].to_list() == ["unknown-code"]
    snapshot = open_snapshot(home, catalog, TODAY)
    assert snapshot.count("citizen") == PEOPLE
    assert _region(home, catalog) == "310115" and _region(home, catalog, 4) is None
    checked_whole(snapshot)


def test_an_intake_writes_anew_whom_it_overrules(home: Home, log: EventLog, catalog: Catalog) -> None:
    """Whoever looks for what an intake changed finds those of whom an event had said otherwise."""
    store(log, posted("move", person(5), november(3), hukou_region="330106"))
    store(log, posted("certificate", person(4), november(3), number="Z-9", level=1))
    take(home, "population", POPULATION, [person_row(n) for n in range(1, PEOPLE + 1)], november(10))
    take(home, "certificates", CERTIFICATES, [[person(1), "Z-1", "2026-03-01", "电工", 4, "是"]], november(10))
    snapshot = open_snapshot(home, catalog, TODAY)

    def written(source: str) -> list[str]:
        table = snapshot.tables[source]
        schema = {"_sequence": pl.Int64, "_removed": pl.Boolean}
        rows = pl.concat([table.read(bucket, schema, with_removed=True) for bucket in snapshot.buckets])
        return rows.filter(pl.col("_sequence") > 8)["subject"].to_list()

    assert written("population") == [who(home, "citizen", person(5))]
    assert written("certificates") == [who(home, "citizen", person(4))]
    assert _region(home, catalog) == "310115"
    assert snapshot.facts("citizen", who(home, "citizen", person(4))).items(("certificates",)) == []


def test_the_vault_holds_the_account_told_last(home: Home, log: EventLog, catalog: Catalog) -> None:
    from profiles.vault import open_vault

    def account(n: int) -> str | None:
        with open_vault(home) as vault:
            return vault.contact(who(home, "citizen", person(n)), "tester", "test").account

    store(log, posted("account_change", person(1), november(5), account="6222000000009999"))
    store(log, posted("account_change", person(2), november(12), account="6222000000007777"))
    # The next extract repeats what it had said before: newer than the first event, older than the second.
    contacts = [[person(n), f"1390000{n:04d}", None, f"622200000000{n:04d}", "zh", None] for n in range(1, 4)]
    assert account(1) == "6222000000009999"
    take(home, "citizen_contacts", CONTACTS, contacts, november(10))
    assert (account(1), account(2), account(3)) == ("6222000000000001", "6222000000007777", "6222000000000003")


def test_a_company_founded_by_an_event_can_hire_at_once(home: Home, log: EventLog, catalog: Catalog) -> None:
    store(
        log,
        posted(
            "company_registration", NEWCOMER, november(8),
            name="新公司", registration_region="310115", kind="enterprise",
        ),
    )  # fmt: skip
    store(log, posted("hire", person(4), november(9), employer=NEWCOMER, record_number="B-4"))
    snapshot = open_snapshot(home, catalog, TODAY)
    founded = who(home, "enterprise", NEWCOMER)
    facts = snapshot.facts("citizen", who(home, "citizen", person(4)))
    assert facts.value(("employer",)) == founded and facts.value(("employer", "founded_on")) == to_day_number(
        november(8)
    )
    items = snapshot.bucket(0).items("enterprise", "hires", ["person"], pl.Series([founded]))
    assert items["person"].to_list() == [who(home, "citizen", person(4))]
    # The register takes it up with its own words; an extract of hires without the record ends it.
    firms = [[credit_code(n), f"公司{n}", "310115", "存续", "企业", "是", "65", "2020-01-01"] for n in (1, 2)]
    take(
        home,
        "enterprises",
        FIRMS,
        [*firms, [NEWCOMER, "新公司", "310101", "存续", "企业", "否", "65", None]],
        november(12),
    )
    take(
        home, "hires", HIRES, [[credit_code(1), "B-1", person(1), "其他", "2026-01-05", 12, 9, "300.00"]], november(12)
    )
    snapshot = open_snapshot(home, catalog, TODAY)
    assert snapshot.facts("enterprise", founded).value(("registration_region",)) == "310101"
    assert snapshot.facts("enterprise", founded).items(("hires",)) == []
    checked_whole(snapshot)


def test_a_hire_that_an_extract_lists_again_can_end_again(home: Home, log: EventLog, catalog: Catalog) -> None:
    def ended(day: int) -> str:
        data = {"employer": credit_code(1), "record_number": "B-1", "involuntary": True}
        return store(log, posted("layoff", person(1), november(day), **data)).outcome

    assert ended(5) == "applied" and ended(6) == "contradictory"
    take(
        home, "hires", HIRES, [[credit_code(1), "B-1", person(1), "其他", "2026-01-05", 12, 9, "300.00"]], november(10)
    )
    assert ended(12) == "applied"
    facts = open_snapshot(home, catalog, TODAY).facts("enterprise", who(home, "enterprise", credit_code(1)))
    assert facts.items(("hires",)) == []


def test_where_a_datum_comes_from_is_the_event_or_the_extract(home: Home, log: EventLog, catalog: Catalog) -> None:
    stored = store(log, posted("move", person(5), november(3), hukou_region="330106"))
    subject = who(home, "citizen", person(5))

    def origin(name: str) -> Origin | None:
        return origin_of(open_snapshot(home, catalog, TODAY), "citizen", subject, name)

    assert origin("hukou_region") == Origin("population", november(3), stored.number, "move")
    assert origin("birth_date") == Origin("population", EXTRACT_DAY)
    assert origin("dibao") is None
    take(home, "population", POPULATION, [person_row(n) for n in range(1, PEOPLE + 1)], november(9))
    assert origin("hukou_region") == Origin("population", november(9))


def test_changes_name_places_subjects_and_data_of_a_range_of_events(home: Home, log: EventLog) -> None:
    store(log, posted("move", person(5), november(3), hukou_region="330106"))
    store(log, posted("certificate", person(1), november(3), number="Z-2", level=1))
    first, second = log.changes(0, 1), log.changes(1, 2)
    assert {place: frame.rows() for place, frame in first.items()} == {
        "citizen": [(who(home, "citizen", person(5)), "hukou_region")]
    }
    assert set(second) == {"citizen.certificates"}
    assert set(second["citizen.certificates"]["name"]) == {"*", "issued_on", "level"}
    assert log.changes(2, 2) == {} and set(log.changes(0, 2)) == {"citizen", "citizen.certificates"}


def test_a_large_file_is_laid_out_for_look_ups_and_says_the_same(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Beyond some thousands of rows a look-up goes through the file's layout; an intake makes it, or a few look-ups."""
    from profiles import point_index
    from profiles.catalog_reading import read_catalog
    from profiles.point_index import SMALL_FILE

    home = Home(tmp_path_factory.mktemp("large") / "home")
    home.store.mkdir(parents=True)
    create_store(home, 1)
    people = SMALL_FILE + 500
    rows = [
        person_row(1, 号码=citizen_number(n), 姓名=f"人{n}", 监护人=citizen_number(n + 1) if n % 3 == 0 else None)
        for n in range(1, people + 1)
    ]
    take(home, "population", POPULATION, rows, EXTRACT_DAY)
    catalog = read_catalog()
    with EventLog(home, catalog) as log:
        store(log, posted("move", person(5), november(3), hukou_region="330106"))
    layouts = home.store / "points"
    assert list((layouts / "population").glob("*.arrow"))
    shutil.rmtree(layouts)
    point_index._indexes._open.clear()  # as in a process that has not made them
    snapshot = open_snapshot(home, catalog, TODAY)
    sample = [*snapshot.sample("citizen", 20), who(home, "citizen", person(5)), "f" * 32, "no pseudonym", "00zz"]

    def told() -> list[object]:
        facts = [snapshot.facts("citizen", subject) for subject in sample]
        return [[one.value(("hukou_region",)), one.value(("guardian",)), one.value(("birth_date",))] for one in facts]

    first = told()
    # After a few look-ups the file was laid out; a service does so when it starts.
    assert list((layouts / "population").glob("*.arrow"))
    snapshot.prepare_point_reads()
    assert told() == first and first[20][0] == "330106" and first[21] == [None, None, None]  # type: ignore[index]
    bulk = snapshot.bucket(0).attributes("citizen", ["hukou_region", "guardian", "birth_date"], pl.Series(sample[:21]))
    assert (
        {row[0]: (row[1], row[2], to_day_number(row[3])) for row in bulk.rows()}
        == {
            subject: tuple(data)  # type: ignore[arg-type]
            for subject, data in zip(sample[:21], first[:21], strict=True)
        }
    )


def test_a_damaged_layout_is_made_anew(tmp_path_factory: pytest.TempPathFactory) -> None:
    from profiles import point_index
    from profiles.catalog_reading import read_catalog
    from profiles.point_index import SMALL_FILE

    home = Home(tmp_path_factory.mktemp("damaged") / "home")
    home.store.mkdir(parents=True)
    create_store(home, 1)
    rows = [person_row(1, 号码=citizen_number(n)) for n in range(1, SMALL_FILE + 100)]
    take(home, "population", POPULATION, rows, EXTRACT_DAY)
    snapshot = open_snapshot(home, read_catalog(), TODAY)
    data = next((home.store / "tables" / "population").rglob("*.parquet"))
    layout = home.store / "points" / "population" / f"{data.stem}.arrow"
    point_index._indexes._open.clear()  # as in a process that has not made it
    layout.write_bytes(b"half a layout")
    snapshot.prepare_point_reads()
    assert layout.stat().st_size > 100_000
    assert snapshot.facts("citizen", who(home, "citizen", person(5))).value(("hukou_region",)) == "310115"


def test_a_service_sees_an_event_by_refreshing(home: Home, log: EventLog, catalog: Catalog) -> None:
    snapshot = open_snapshot(home, catalog, TODAY)
    tables = snapshot.tables
    store(log, posted("move", person(5), november(3), hukou_region="330106"))
    fresh = snapshot.refreshed()
    assert fresh.facts("citizen", who(home, "citizen", person(5))).value(("hukou_region",)) == "330106"
    # The tables that nobody has touched are the very same.
    assert fresh.tables["households"] is tables["households"]


def test_a_store_without_extracts_or_events_says_so(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> None:
    home = Home(tmp_path_factory.mktemp("empty") / "home")
    with EventLog(home, catalog) as log, pytest.raises(StoreError) as refused:
        store(log, posted("move", person(1), november(1), hukou_region="310115"))
    assert refused.value.diagnostics[0].code == "store-empty"
