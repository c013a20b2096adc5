"""Every file of `good` and `bad` is an event as posted, what came before it, and what must become of it.

A text `@person 1`, `@firm 1`, `@child`, `@newcomer` or `@stranger` stands for an identity number of the town.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from policies.errors import EventError
from policies.types import to_day_number
from profiles.catalog_model import Catalog
from profiles.events.log import EventLog
from profiles.home import Home
from profiles.snapshot import Snapshot, open_snapshot
from profiles.vault import open_vault
from tests.events_log.event_town import CHILD, NEWCOMER, TODAY, person, store, who
from tests.events_log.whole_profiles import checked_whole
from tests.profiles.small_town import citizen_number, credit_code

HERE = Path(__file__).parent
GOOD, BAD = sorted((HERE / "good").glob("*.json")), sorted((HERE / "bad").glob("*.json"))
NAMED = {"child": CHILD, "newcomer": NEWCOMER, "stranger": citizen_number(77), "long": "长" * 30_000}


def _number(text: str) -> str:
    text = re.sub(r"@person (\d)", lambda found: person(int(found[1])), text)
    text = re.sub(r"@firm (\d)", lambda found: credit_code(int(found[1])), text)
    return re.sub(r"@([a-z]+)", lambda found: NAMED[found[1]], text)


def _filled(value: Any) -> Any:
    if isinstance(value, str):
        return _number(value)
    if isinstance(value, dict):
        return {_number(key): _filled(inner) for key, inner in value.items()}
    return [_filled(inner) for inner in value] if isinstance(value, list) else value


def _subject(home: Home, name: str) -> tuple[str, str]:
    firm = name.startswith(("@firm", "@newcomer"))
    space = "enterprise" if firm else "household" if name.startswith("HK") else "citizen"
    return space, who(home, space, _number(name))


def _value(home: Home, snapshot: Snapshot, space: str, subject: str, name: str) -> object:
    """Return a datum, or how many items of a collection there are (None: unknown)."""
    facts = snapshot.facts(space, subject)
    if name in snapshot.space(space).collections:
        items = facts.items((name,))
        return None if items is None else len(items)
    return facts.value((name,))


def _wanted(home: Home, value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return to_day_number(date.fromisoformat(value))
    return _subject(home, value)[1] if isinstance(value, str) and value.startswith(("@", "HK")) else value


def _names(told: Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
    return {place: sorted(names) for place, names in told.items()}


@pytest.mark.parametrize("file", GOOD, ids=[file.stem for file in GOOD])
def test_an_event_is_stored_with_the_outcome_that_its_file_says(
    file: Path, home: Home, log: EventLog, catalog: Catalog
) -> None:
    case = json.loads(file.read_text("utf-8"))
    for earlier in case["before"]:
        store(log, _filled(earlier))
    expected = case["expect"]
    stored = store(log, _filled(case["event"]))
    assert stored.outcome == expected["outcome"]
    if "subjects" in expected:
        assert set(stored.subjects) == {_subject(home, name) for name in expected["subjects"]}
    for which in ("changed", "superseded"):
        if which in expected:
            assert _names(getattr(stored, which)) == expected[which]
    assert (stored.outcome == "applied") == bool(stored.changed)
    assert (stored.reason is not None) == (stored.outcome != "applied")
    snapshot = open_snapshot(home, catalog, TODAY)
    for name, facts in expected.get("facts", {}).items():
        found = {key: _value(home, snapshot, *_subject(home, name), key) for key in facts}
        assert found == {key: _wanted(home, value) for key, value in facts.items()}
    if "contact" in expected:
        _, subject = _subject(home, case["event"]["subject"])
        with open_vault(home) as vault:
            contact = vault.contact(subject, "tester", "test").masked()
        assert {word: getattr(contact, word) for word in expected["contact"]} == expected["contact"]
    assert log.event(stored.number) == stored
    checked_whole(snapshot)


@pytest.mark.parametrize("file", BAD, ids=[file.stem for file in BAD])
def test_an_event_is_refused_with_the_diagnostics_that_its_file_says_and_kept(
    file: Path, home: Home, log: EventLog, catalog: Catalog
) -> None:
    case = json.loads(file.read_text("utf-8"))
    for earlier in case["before"]:
        store(log, _filled(earlier))
    before = log.latest()
    raw = _filled(case["event"])
    with pytest.raises(EventError) as refused:
        store(log, raw)
    assert [one.code for one in refused.value.diagnostics] == case["refused"]
    for one in refused.value.diagnostics:
        assert one.help is not None and one.help.zh and one.help.en
        assert re.search(r"[\u4e00-\u9fff]", one.message.zh)
        assert not re.search(r"[\u4e00-\u9fff]", one.message.en)
        assert not one.message.en.endswith(".") and not one.message.en[0].isupper()
        # A refusal is shown and logged: it may not repeat whom it is about.
        assert not re.search(r"\d{15}", one.message.zh + one.message.en + one.help.zh + one.help.en)
    assert log.latest() == before
    kept = log.refused()
    assert [one.code for one in kept] == case["refused"][:1]
    text = log.refused_text(kept[0].digest)
    assert text is not None and json.loads(text) == raw
    with pytest.raises(EventError):
        store(log, raw)
    assert [one.times for one in log.refused()] == [2]


def test_every_declared_kind_has_an_event_in_the_corpus(catalog: Catalog) -> None:
    used = {json.loads(file.read_text("utf-8"))["event"]["kind"] for file in GOOD}
    assert used >= set(catalog.events) - {"company_account_change"}
