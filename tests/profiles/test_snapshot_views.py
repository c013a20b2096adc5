"""What the engine sees: many subjects by bucket, one subject by path, and nothing that is stale."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from policies.errors import StoreError
from policies.types import to_day_number
from profiles.catalog_model import Catalog
from profiles.home import Home
from profiles.identity import pseudonym
from profiles.intake import take_in
from profiles.secret import derived_key, secret_key
from profiles.snapshot import Snapshot, open_snapshot
from tests.profiles.small_town import POPULATION, TODAY, WELFARE, citizen_number, credit_code, population_row

Writer = Callable[..., Path]
CITIZENS = 60


def _who(home: Home, space: str, number: str) -> str:
    return pseudonym(derived_key(secret_key(home), "pseudonym"), space, number)


@pytest.fixture
def town(home: Home, catalog: Catalog, files: Writer) -> Snapshot:
    """Return a snapshot of 60 citizens in 30 households, three firms, hires and welfare data."""

    def take(source: str, header: tuple[str, ...], rows: list[list[object]], as_of: date = TODAY) -> None:
        take_in(home, catalog, source, files(f"{source}.csv", header, rows), as_of=as_of)

    people = [
        population_row(n, 户口簿=f"HK{n % 30:06d}", 监护人=citizen_number(n + 1) if n == 1 else None)
        for n in range(1, CITIZENS + 1)
    ]
    take("population", POPULATION, people)
    welfare = [[citizen_number(n), "是", f"{n}.00", "full", credit_code(n % 4)] for n in range(1, 41)]
    welfare.append([citizen_number(999), "是", "1.00", "full", None])
    take("welfare", WELFARE, welfare, TODAY - timedelta(days=30))
    take("households", ("booklet", "size"), [[f"HK{n:06d}", 2] for n in range(30)])
    members = [[f"HK{n % 30:06d}", citizen_number(n), "本人"] for n in range(1, CITIZENS + 1)]
    take("members", ("booklet", "id", "relationship"), members)
    take("firms", ("code", "size_class", "employees"), [[credit_code(n), "MSL"[n], n + 1] for n in range(3)])
    hires = [[credit_code(n % 3), citizen_number(n), n] for n in range(1, 13)]
    take("hires", ("code", "person", "months"), hires)
    return open_snapshot(home, catalog, TODAY)


def _all(town: Snapshot, space: str, names: list[str]) -> pl.DataFrame:
    return pl.concat([town.bucket(number).attributes(space, names) for number in town.buckets])


def test_the_buckets_hold_every_registered_subject_once_in_order(town: Snapshot) -> None:
    everybody = _all(town, "citizen", ["income", "birth_date"])
    assert everybody.height == everybody["subject"].n_unique() == CITIZENS == town.count("citizen")
    assert everybody["subject"].is_sorted()
    # Only 40 have welfare data; the one that no register knows is nobody.
    assert everybody["income"].count() == 40
    assert everybody.schema == {"subject": pl.String, "income": pl.Int64, "birth_date": pl.Date}


def test_no_names_gives_the_subjects_alone(town: Snapshot) -> None:
    assert _all(town, "citizen", []).columns == ["subject"]


def test_linked_subjects_are_found_wherever_they_lie(home: Home, town: Snapshot) -> None:
    employers = _all(town, "citizen", ["employer"])["employer"]
    assert employers.drop_nulls().n_unique() == 4
    firms = town.bucket(3).attributes("enterprise", ["size_class"], employers)
    # The fourth employer is in no register.
    assert sorted(firms["size_class"]) == ["L", "M", "S"]
    assert firms["subject"].n_unique() == 3
    none = town.bucket(0).attributes("enterprise", ["size_class"], pl.Series([], dtype=pl.String))
    assert none.is_empty() and none.columns == ["subject", "size_class"]
    unknown = town.bucket(0).attributes("enterprise", ["size_class"], pl.Series(["f" * 32, None]))
    assert unknown.is_empty()


def test_items_come_with_owner_id_and_member(town: Snapshot) -> None:
    households = _all(town, "household", [])["subject"]
    members = town.bucket(0).items("household", "members", ["relationship"], households)
    assert members.columns == ["owner", "item", "member", "relationship"]
    assert members.height == CITIZENS and members.select("owner", "item").is_duplicated().sum() == 0
    citizens = set(_all(town, "citizen", [])["subject"])
    assert set(members["member"]) == citizens
    hires = town.bucket(0).items("enterprise", "hires", [], _all(town, "enterprise", [])["subject"])
    assert hires.columns == ["owner", "item"] and hires.height == 12


def test_a_collection_never_taken_in_is_unknown_for_everybody(home: Home, town: Snapshot) -> None:
    population = town.bucket(0)
    assert not population.collection_known("citizen", "certificates")
    assert population.collection_known("household", "members")
    facts = town.facts("citizen", _who(home, "citizen", citizen_number(1)))
    assert facts.items(("certificates",)) is None
    empty = population.items("citizen", "certificates", ["level"], _all(town, "citizen", [])["subject"])
    assert empty.is_empty() and empty.columns == ["owner", "item", "level"]


def test_one_subject_answers_along_paths_as_the_buckets_do(home: Home, town: Snapshot) -> None:
    facts = town.facts("citizen", _who(home, "citizen", citizen_number(1)))
    assert facts.value(("birth_date",)) == to_day_number(date(1958, 5, 15))
    assert facts.value(("income",)) == 100
    assert facts.value(("dibao",)) is True
    assert facts.value(("employer", "size_class")) == "S"
    assert facts.value(("guardian", "income")) == 200
    assert facts.value(("guardian", "guardian", "income")) is None
    members = facts.items(("household", "members"))
    assert members is not None and len(members) == 2
    assert {member.value(("income",)) for member in members} == {100, 3100}
    assert {member.value(("employer", "employees")) for member in members} == {2, None}
    inner = members[0].items(("household", "members"))
    assert inner is not None and len(inner) == 2
    firm = town.facts("enterprise", _who(home, "enterprise", credit_code(1)))
    hires = firm.items(("hires",))
    assert hires is not None and len(hires) == 4 and len({hire.id for hire in hires}) == 4
    assert all(hire.value(("person", "birth_date")) is not None for hire in hires)
    everybody = _all(town, "citizen", ["income", "dibao", "employer", "birth_date"])
    for subject, income, dibao, employer, born in everybody.iter_rows():
        one = town.facts("citizen", subject)
        assert one.value(("income",)) == income and one.value(("dibao",)) == dibao
        assert one.value(("employer",)) == employer and one.value(("birth_date",)) == to_day_number(born)


def test_who_is_in_no_register_is_unknown_in_everything(home: Home, town: Snapshot) -> None:
    stranger = _who(home, "citizen", citizen_number(999))
    assert town.facts("citizen", stranger).value(("dibao",)) is None
    assert not town.exists("citizen", stranger)
    assert town.space_of(stranger) is None
    assert town.space_of(_who(home, "enterprise", credit_code(1))) == "enterprise"


@pytest.mark.parametrize(("days", "known"), [(10, True), (11, False)])
def test_data_past_its_freshness_limit_is_unknown(
    home: Home, catalog: Catalog, town: Snapshot, days: int, known: bool
) -> None:
    # Welfare data is 30 days old and `dibao` is good for 40; `income` has no limit.
    later = open_snapshot(home, catalog, TODAY + timedelta(days=days))
    rows = _all(later, "citizen", ["dibao", "income"])
    assert rows["dibao"].count() == (40 if known else 0) and rows["income"].count() == 40
    facts = later.facts("citizen", _who(home, "citizen", citizen_number(1)))
    assert facts.value(("dibao",)) is (True if known else None)
    assert facts.value(("income",)) == 100


def test_being_told_the_same_again_keeps_data_fresh(
    home: Home, catalog: Catalog, files: Writer, town: Snapshot
) -> None:
    row = [citizen_number(1), "是", "1.00", "full", credit_code(1)]
    file = files("welfare-again.csv", WELFARE, [row])
    report = take_in(home, catalog, "welfare", file, as_of=TODAY + timedelta(days=20), extract="partial")
    assert (report.taken, report.unchanged) == (0, 1)
    later = open_snapshot(home, catalog, TODAY + timedelta(days=30))
    assert _all(later, "citizen", ["dibao"])["dibao"].count() == 1
    assert later.facts("citizen", _who(home, "citizen", citizen_number(1))).value(("dibao",)) is True
    whole = [[citizen_number(n), "是", f"{n}.00", "full", credit_code(n % 4)] for n in range(1, 41)]
    file = files("welfare-full.csv", WELFARE, whole)
    report = take_in(home, catalog, "welfare", file, as_of=TODAY + timedelta(days=25))
    assert (report.taken, report.unchanged, report.removed) == (0, 40, 1)
    later = open_snapshot(home, catalog, TODAY + timedelta(days=60))
    assert _all(later, "citizen", ["dibao"])["dibao"].count() == 40


def test_evidence_names_the_day_of_each_source(home: Home, town: Snapshot) -> None:
    then = TODAY - timedelta(days=30)
    assert town.as_of("citizen") == {"population": TODAY, "welfare": then}
    assert town.as_of("citizen", _who(home, "citizen", citizen_number(1))) == town.as_of("citizen")
    assert town.as_of("citizen", _who(home, "citizen", citizen_number(60))) == {"population": TODAY}
    assert town.bucket(0).as_of("citizen")["population"] == TODAY
    assert town.as_of("enterprise") == {"firms": TODAY, "hires": TODAY}


def test_unknown_names_are_errors_and_not_nulls(home: Home, town: Snapshot) -> None:
    facts = town.facts("citizen", _who(home, "citizen", citizen_number(1)))
    for ask in (
        lambda: town.bucket(0).attributes("citizen", ["salary"]),
        lambda: town.bucket(0).attributes("alien", []),
        lambda: town.bucket(0).items("citizen", "spaceships", [], pl.Series([], dtype=pl.String)),
        lambda: facts.value(("salary",)),
        lambda: facts.value(("salary", "size_class")),
        lambda: facts.items(("spaceships",)),
    ):
        with pytest.raises(StoreError):
            ask()


def test_an_empty_store_and_a_missing_version_are_told(home: Home, catalog: Catalog, town: Snapshot) -> None:
    with pytest.raises(StoreError) as error:
        open_snapshot(Home(home.path / "nowhere"), catalog, TODAY)
    assert error.value.diagnostics[0].code == "store-empty"
    with pytest.raises(StoreError) as error:
        open_snapshot(home, catalog, TODAY, {"population": 99})
    assert error.value.diagnostics[0].code == "version-missing"


def test_what_is_known_of_somebody_does_not_slip_into_a_log(home: Home, town: Snapshot) -> None:
    facts = town.facts("household", town.sample("household", 1)[0])
    members = facts.items(("members",))
    assert members is not None and members[0].value(("relationship",)) == "本人"
    assert "本人" not in repr([facts, *members, town])


def test_several_threads_read_one_snapshot(town: Snapshot) -> None:
    expected = _all(town, "citizen", ["income"])
    found: list[bool] = []
    threads = [
        threading.Thread(target=lambda: found.append(_all(town, "citizen", ["income"]).equals(expected)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4


def test_a_sample_is_of_those_who_exist(town: Snapshot) -> None:
    sample = town.sample("citizen", 7)
    assert len(sample) == len(set(sample)) == 7
    assert len(town.sample("enterprise", 99)) == 3
