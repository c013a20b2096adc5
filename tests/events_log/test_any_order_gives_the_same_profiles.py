"""Whatever the order in which events and extracts arrive, and however often: the newest statement counts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profiles.catalog_reading import read_catalog
from profiles.events.log import EventLog
from profiles.home import Home
from profiles.identity import item_pseudonym
from profiles.secret import derived_key, secret_key
from profiles.snapshot import open_snapshot
from tests.events_log.event_town import (
    CERTIFICATES,
    EXTRACT_DAY,
    INSURANCE,
    PEOPLE,
    POPULATION,
    TODAY,
    insured_row,
    person,
    person_row,
    posted,
    store,
    take,
    who,
)
from tests.events_log.whole_profiles import Told, checked_whole

REGIONS = ("310101", "330106", "440300")


@dataclass(frozen=True)
class Extract:
    """One extract of the person's data: `kind` names its source; a full one may leave the person out."""

    kind: str
    day: int
    value: int | None


@dataclass(frozen=True)
class Happened:
    """One event of the person: a move, a layoff or a certificate."""

    kind: str
    day: int
    value: int


days = st.integers(min_value=1, max_value=8)
extracts = st.lists(
    st.one_of(
        st.builds(Extract, st.just("population"), days, st.integers(0, 2)),
        st.builds(Extract, st.just("social_insurance"), days, st.integers(0, 1)),
        st.builds(Extract, st.just("certificates"), days, st.integers(0, 3)),
    ),
    max_size=3,
)
events = st.lists(
    st.one_of(
        st.builds(Happened, st.just("move"), days, st.integers(0, 2)),
        st.builds(Happened, st.just("layoff"), days, st.integers(0, 1)),
        st.builds(Happened, st.just("certificate"), days, st.integers(0, 3)),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda one: (one.kind, one.day),
)


def _day(number: int) -> date:
    return EXTRACT_DAY + timedelta(days=number)


def _post(log: EventLog, event: Happened) -> None:
    if event.kind == "move":
        raw = posted("move", person(1), _day(event.day), hukou_region=REGIONS[event.value])
    elif event.kind == "layoff":
        raw = posted("layoff", person(1), _day(event.day), involuntary=True, registered=bool(event.value))
    else:
        raw = posted("certificate", person(1), _day(event.day), number=f"Z-{event.value}", level=event.day % 5 + 1)
    store(log, raw)


def _take(home: Home, extract: Extract) -> None:
    day, value = _day(extract.day), extract.value or 0
    if extract.kind == "population":
        rows = [person_row(n, 户籍地区划=REGIONS[value] if n == 1 else "310115") for n in range(1, PEOPLE + 1)]
        take(home, "population", POPULATION, rows, day)
    elif extract.kind == "social_insurance":
        take(home, "social_insurance", INSURANCE, [insured_row(1, 登记="是否"[value])], day, "partial")
    else:
        # A full extract: who has no certificate in it has none.
        rows = [[person(1), f"Z-{n}", "2026-03-01", "电工", 5, "否"] for n in range(value)]
        take(home, "certificates", CERTIFICATES, [*rows, [person(2), "Z-9", "2026-03-01", "焊工", 1, "否"]], day)


def _expected(home: Home, extracts: list[Extract], events: list[Happened]) -> Mapping[str, object]:
    """Return what must be known of the person, by the rule alone."""
    regions = [(0, 0, "310115")] + [
        (one.day, 0, REGIONS[one.value or 0]) for one in extracts if one.kind == "population"
    ]
    regions += [(one.day, 1, REGIONS[one.value]) for one in events if one.kind == "move"]
    registered = [(0, 0, False)]
    registered += [(one.day, 0, not one.value) for one in extracts if one.kind == "social_insurance"]
    registered += [(one.day, 1, bool(one.value)) for one in events if one.kind == "layoff"]
    told = [(0, {"Z-1": 4})] + [
        (one.day, {f"Z-{n}": 5 for n in range(one.value or 0)}) for one in extracts if one.kind == "certificates"
    ]
    floor, levels = max(told, key=lambda one: one[0])
    for one in sorted(events, key=lambda one: one.day):
        if one.kind == "certificate" and one.day >= floor:
            levels = levels | {f"Z-{one.value}": one.day % 5 + 1}
    key = derived_key(secret_key(home), "pseudonym")
    return {
        "hukou_region": max(regions)[2],
        "unemployment_registered": max(registered)[2],
        "certificates": {item_pseudonym(key, "certificates", number): level for number, level in levels.items()},
    }


def _after(settled: Path, folder: Path, steps: list[Extract | Happened], twice: bool) -> tuple[Home, Told]:
    home = Home(folder / "home")
    shutil.copytree(settled, home.path)
    with EventLog(home, read_catalog()) as log:
        for step in steps:
            if isinstance(step, Extract):
                _take(home, step)
            else:
                _post(log, step)
                if twice:
                    _post(log, step)
    return home, checked_whole(open_snapshot(home, read_catalog(), TODAY))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(extracts=extracts, events=events, data=st.data())
def test_the_newest_statement_counts_whatever_came_first(
    settled_town: Path, extracts: list[Extract], events: list[Happened], data: st.DataObject
) -> None:
    """Extracts of one source come in the order of their days, as intake demands; events come anyhow, also twice."""
    in_turn = sorted({(one.kind, one.day): one for one in extracts}.values(), key=lambda one: one.day)
    mixed: list[Extract | Happened] = data.draw(st.permutations([*in_turn, *events]))
    waiting = iter(in_turn)
    steps = [next(waiting) if isinstance(step, Extract) else step for step in mixed]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        home, told = _after(settled_town, folder / "mixed", steps, twice=True)
        subject = who(home, "citizen", person(1))
        found = told["citizen", subject]
        expected = _expected(home, in_turn, events)
        certificates = found["certificates"]
        assert isinstance(certificates, dict)
        assert {
            "hukou_region": found["hukou_region"],
            "unemployment_registered": found["unemployment_registered"],
            "certificates": {item: cells["level"] for item, cells in certificates.items()},
        } == expected
        _, other = _after(settled_town, folder / "events-last", [*in_turn, *events], twice=False)
        assert told == other


def test_of_two_events_of_one_day_the_later_stored_counts(log: EventLog, home: Home) -> None:
    store(log, posted("move", person(1), _day(3), "first", hukou_region=REGIONS[0]))
    store(log, posted("move", person(1), _day(3), "second", hukou_region=REGIONS[1]))
    facts = open_snapshot(home, read_catalog(), TODAY).facts("citizen", who(home, "citizen", person(1)))
    assert facts.value(("hukou_region",)) == REGIONS[1]


def test_an_event_of_the_day_of_the_extract_counts_more_than_the_extract(log: EventLog, home: Home) -> None:
    stored = store(log, posted("move", person(1), EXTRACT_DAY, hukou_region=REGIONS[2]))
    assert stored.outcome == "applied"
    snapshot = open_snapshot(home, read_catalog(), TODAY)
    assert snapshot.facts("citizen", who(home, "citizen", person(1))).value(("hukou_region",)) == REGIONS[2]
