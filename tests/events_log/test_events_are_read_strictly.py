"""Bytes to events: UTF-8 or GB18030, one object, a list or one a line; what is wrong keeps nothing else out."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.errors import EventError
from profiles.catalog_model import Catalog
from profiles.events.checking import checked
from profiles.events.reading import LARGEST_EVENT, LARGEST_FILE, read_event, read_events
from tests.events_log.event_town import TODAY, november, person, posted

EVENT = posted("certificate", person(1), november(3), number="证-𠮷", level=1, occupation="㐂焊工")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_an_event_reads_the_same_in_every_encoding(encoding: str) -> None:
    assert read_event(json.dumps(EVENT, ensure_ascii=False).encode(encoding)) == EVENT


def test_decimals_stay_exact() -> None:
    assert read_event(b'{"data": {"average_wage": 9000.10}}')["data"] == {"average_wage": Decimal("9000.10")}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"null", b"1", b'"text"', b"{", b'{"key": NaN}', b'{"key": Infinity}', b'{"key": 1, "key": 2}',
        b"[" * 60_000, b'{"a":' * 9_000 + b"1" + b"}" * 9_000, b"\xff\xfe\x00", b"{'key': 1}", b'{"key": 01}',
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_refused_with_a_remedy(data: bytes) -> None:
    with pytest.raises(EventError) as refused:
        read_event(data)
    (one,) = refused.value.diagnostics
    assert one.code in ("event-not-json", "event-not-text") and one.help is not None


def test_a_large_request_is_refused_unread() -> None:
    with pytest.raises(EventError) as refused:
        read_event(b" " * (LARGEST_EVENT + 1))
    assert refused.value.diagnostics[0].code == "event-too-large"


@pytest.mark.parametrize("form", ["list", "lines", "one"])
def test_a_file_holds_a_list_or_an_object_a_line_or_one_object(form: str) -> None:
    text = json.dumps(EVENT, ensure_ascii=False)
    data = {"list": f"[{text}, {text}]", "lines": f"{text}\n\n{text}\n", "one": json.dumps(EVENT, indent=2)}[form]
    found = read_events(data.encode(), "events.json")
    assert [event for _, event in found] == [EVENT] * (1 if form == "one" else 2)
    if form == "lines":
        assert [str(place) for place, _ in found] == ["events.json:1", "events.json:3"]


def test_one_bad_line_keeps_the_others_in() -> None:
    text = json.dumps(EVENT, ensure_ascii=False)
    found = read_events(f"{text}\nnot json\n[1]\n{text}\n".encode(), "events.jsonl")
    codes = [one.diagnostics[0].code if isinstance(one, EventError) else "read" for _, one in found]
    assert codes == ["read", "event-not-json", "event-not-json", "read"]
    found = read_events(f"[{text}, 7]".encode(), "events.json")
    assert isinstance(found[1][1], EventError) and str(found[1][1].diagnostics[0].place) == "events.json[1]"


@pytest.mark.parametrize("inside", ["\u2028", "\u2029", "\x85"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_ends_at_its_line_feed_whatever_a_text_holds(inside: str, end: str) -> None:
    one = {**EVENT, "key": f"k{inside}k"}
    text = json.dumps(one, ensure_ascii=False)
    found = read_events(f"{text}{end}{text}{end}".encode(), "events.jsonl")
    assert [(str(place), event) for place, event in found] == [("events.jsonl:1", one), ("events.jsonl:2", one)]


def test_a_file_too_large_is_to_be_split() -> None:
    with pytest.raises(EventError) as refused:
        read_events(b" " * (LARGEST_FILE + 1), "events.jsonl")
    (one,) = refused.value.diagnostics
    assert one.code == "event-file-too-large" and one.help is not None and "split" in one.help.en


@pytest.mark.parametrize("data", [b"", b"\n \n", b"[]"])
def test_a_file_without_events_is_an_error(data: bytes) -> None:
    with pytest.raises(EventError) as refused:
        read_events(data)
    assert refused.value.diagnostics[0].code == "event-none"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    raw=st.dictionaries(st.sampled_from([*EVENT, "note"]), anything, max_size=6),
    data=st.dictionaries(st.sampled_from(["number", "level", "occupation", "shortage", "x"]), anything, max_size=4),
    good=st.booleans(),
)
def test_only_an_event_error_comes_out_of_anything(
    catalog: Catalog, raw: dict[str, object], data: dict[str, object], good: bool
) -> None:
    event = {**EVENT, "data": data} if good else {**EVENT, **raw}
    try:
        found = checked(event, catalog, b"k" * 32, TODAY)
    except EventError as refused:
        assert all(one.help is not None for one in refused.diagnostics)
    else:
        assert found.values["level"] in range(1, 6)
