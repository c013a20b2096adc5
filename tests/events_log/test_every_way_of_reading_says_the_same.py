"""In bulk or one by one, by count, sample or existence, on any date: a snapshot says one thing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.errors import EventError
from profiles.catalog_reading import read_catalog
from profiles.compaction import compact
from profiles.events.log import EventLog
from profiles.home import Home
from profiles.snapshot import open_snapshot
from tests.events_log.event_town import (
    CERTIFICATES,
    CHILD,
    HIRES,
    INSURANCE,
    MEMBERS,
    NEWCOMER,
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
)
from tests.events_log.whole_profiles import checked_whole
from tests.profiles.small_town import credit_code

people = st.sampled_from([person(1), person(2), person(5), CHILD])
firms = st.sampled_from([credit_code(1), credit_code(2), NEWCOMER])
Event = tuple[str, str, int, dict[str, object]]
days = st.integers(-3, 15)
lives: st.SearchStrategy[Event] = st.one_of(
    st.tuples(st.just("move"), people, days, st.fixed_dictionaries({"hukou_region": st.sampled_from(["310101", "330106"])})),
    st.tuples(st.just("death"), people, days, st.just({"household": "HK000001"})),
    st.tuples(
        st.just("hire"), people, days,
        st.fixed_dictionaries({"employer": firms, "record_number": st.sampled_from(["B-1", "B-2"])}),
    ),
    st.tuples(
        st.just("layoff"), people, days,
        st.fixed_dictionaries(
            {"involuntary": st.booleans(), "employer": firms, "record_number": st.sampled_from(["B-1", "B-2"])}
        ),
    ),
    st.tuples(st.just("certificate"), people, days, st.fixed_dictionaries({"number": st.sampled_from(["Z-1", "Z-2"]), "level": st.integers(1, 5)})),
    st.tuples(st.just("household_change"), st.just("HK000000"), days, st.fixed_dictionaries({"joining": people})),
    st.tuples(st.just("household_change"), st.just("HK000000"), days, st.fixed_dictionaries({"leaving": people})),
    st.tuples(
        st.just("company_registration"), firms, days,
        st.just({"name": "公司", "registration_region": "310115", "kind": "enterprise"}),
    ),
    st.tuples(st.just("birth"), people, days, st.just({})),
)  # fmt: skip


def _of_people(home: Home, day: int, full: bool) -> None:
    rows = [person_row(n, 人员状态="死亡" if n == day % 6 else "正常") for n in (range(1, 7) if full else (1, 5))]
    take(home, "population", POPULATION, rows, november(day), "full" if full else "partial")


def _of_insured(home: Home, day: int, full: bool) -> None:
    rows = [insured_row(n, 登记="是" if n == day % 4 else "否") for n in range(1, 4)]
    take(home, "social_insurance", INSURANCE, rows[: day % 3 + 1], november(day), "full" if full else "partial")


def _of_items(home: Home, day: int, full: bool) -> None:
    extract = "full" if full else "partial"
    take(
        home, "certificates", CERTIFICATES, [[person(2), "Z-3", "2026-03-01", "电工", 4, "是"]], november(day), extract
    )
    take(
        home,
        "hires",
        HIRES,
        [[credit_code(2), "B-2", person(2), "其他", "2026-01-05", 12, 9, "3.00"]],
        november(day),
        extract,
    )
    take(
        home,
        "household_members",
        MEMBERS,
        [["HK000000", person(n), None] for n in range(1, day % 4 + 2)],
        november(day),
        extract,
    )


def _compacted(home: Home, _: int, __: bool) -> None:
    compact(home)


intakes: st.SearchStrategy[Callable[[Home, int, bool], None]] = st.sampled_from(
    [_of_people, _of_insured, _of_items, _compacted]
)


@settings(max_examples=8, deadline=None)
@given(
    events=st.lists(lives, min_size=1, max_size=8),
    extracts=st.lists(st.tuples(st.integers(0, 8), intakes, st.booleans()), max_size=3),
    later=st.sampled_from([0, 380, 395, 500]),
)
def test_bulk_and_single_look_ups_agree_whatever_has_happened(
    settled_town: Path,
    events: list[Event],
    extracts: list[tuple[int, Callable[[Home, int, bool], None], bool]],
    later: int,
) -> None:
    catalog = read_catalog()
    with tempfile.TemporaryDirectory() as scratch:
        home = Home(Path(scratch) / "home")
        shutil.copytree(settled_town, home.path)
        pinned = []
        extracts = sorted(extracts, key=lambda one: one[0])
        with EventLog(home, catalog) as log:
            for place, (kind, subject, day, data) in enumerate(events):
                for number, (when, intake, full) in enumerate(extracts):
                    if when == place:
                        intake(home, 5 + 3 * number, full)
                raw = (
                    birth(november(day), f"k{place}")
                    if kind == "birth"
                    else posted(kind, subject, november(day), f"k{place}", **data)
                )
                try:
                    stored = store(log, raw)
                except EventError as refused:
                    # Somebody who is not born or founded yet cannot move.
                    assert refused.diagnostics[0].code == "event-unknown-subject"
                else:
                    assert store(log, raw).number == stored.number
                snapshot = open_snapshot(home, catalog, TODAY)
                pinned.append((snapshot.versions, checked_whole(snapshot)))
        checked_whole(open_snapshot(home, catalog, TODAY + timedelta(days=later)))
        versions, told = pinned[len(pinned) // 2]
        assert checked_whole(open_snapshot(home, catalog, TODAY, versions)) == told
