"""From the bytes of a file or a request to events as posted, strictly: one JSON object, a list, or JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import NoReturn

from policies.errors import EventError, Place

LARGEST_EVENT = 64 * 1024
LARGEST_FILE = 64 * 1024 * 1024


def read_event(data: bytes, place: Place = Place()) -> Mapping[str, object]:  # noqa: B008 - frozen
    """Return the one event of a request.

    Raises:
        EventError: it is too large, not UTF-8 or GB18030, or not one JSON object.
    """
    if len(data) > LARGEST_EVENT:
        raise too_large(place)
    return _object(_text(data, place), place)


def read_events(data: bytes, file: str = "-") -> list[tuple[Place, Mapping[str, object] | EventError]]:
    """Return the events of a file in their order, each with its place, or with why it cannot be read.

    A file holds one object, a list of objects, or one object a line. What is wrong with one event keeps the
    others in.

    Raises:
        EventError: the file as a whole is too large, not text, or empty.
    """
    place = Place(file)
    if len(data) > LARGEST_FILE:
        raise _file_too_large(place)
    text = _text(data, place)
    whole = _whole(text)
    if isinstance(whole, list) and whole:
        return [(Place(f"{file}[{number}]"), _member(one, file, number)) for number, one in enumerate(whole)]
    if isinstance(whole, dict):
        return [(place, _event_or_error(text, place))]
    found = [
        (Place(file, number), _event_or_error(line, Place(file, number)))
        # Only at line feeds: a text may hold other characters that Python too takes for the end of a line.
        for number, line in enumerate(text.split("\n"), 1)
        if line.strip()
    ]
    if not found or whole == []:
        raise EventError.of(
            "event-none", "文件中没有事件", "there is no event in the file",
            help_zh="写入一个 JSON 对象、列表，或每行一个对象",
            help_en="write a JSON object, a list of them, or one a line", place=place,
        )  # fmt: skip
    return found


def too_large(place: Place = Place()) -> EventError:  # noqa: B008 - frozen
    """Return the error for an event beyond the limit."""
    return EventError.of(
        "event-too-large", f"事件超过 {LARGEST_EVENT // 1024} KB",
        f"the event is larger than {LARGEST_EVENT // 1024} kB",
        help_zh="一个事件只写所声明的数据", help_en="an event holds no more than its declared data", place=place,
    )  # fmt: skip


def _file_too_large(place: Place) -> EventError:
    return EventError.of(
        "event-file-too-large", f"文件超过 {LARGEST_FILE // 1024**2} MB",
        f"the file is larger than {LARGEST_FILE // 1024**2} MB",
        help_zh="按行拆成几个文件，逐个报送；重复报送同一事件无妨",
        help_en="split it by lines and post one file after another; an event posted twice does no harm", place=place,
    )  # fmt: skip


def _text(data: bytes, place: Place) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise EventError.of(
        "event-not-text", "既不是 UTF-8 也不是 GB18030 文本", "it is neither UTF-8 nor GB18030",
        help_zh="以 UTF-8 保存", help_en="save it as UTF-8", place=place,
    )  # fmt: skip


def _whole(text: str) -> object:
    """Return the text as one JSON document, or None if it is none (then it may be one object a line)."""
    try:
        return _parsed(text)
    except (ValueError, RecursionError):
        return None


def _event_or_error(text: str, place: Place) -> Mapping[str, object] | EventError:
    try:
        if len(text.encode("utf-8", "surrogatepass")) > LARGEST_EVENT:
            raise too_large(place)
        return _object(text, place)
    except EventError as error:
        return error


def _member(one: object, file: str, number: int) -> Mapping[str, object] | EventError:
    place = Place(f"{file}[{number}]")
    if not isinstance(one, dict):
        return _not_json(place)
    try:
        size = len(json.dumps(one, default=str, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    except RecursionError:
        size = LARGEST_EVENT + 1
    return too_large(place) if size > LARGEST_EVENT else one


def _object(text: str, place: Place) -> Mapping[str, object]:
    try:
        found = _parsed(text)
    except (ValueError, RecursionError) as problem:
        raise _not_json(place) from problem
    if not isinstance(found, dict):
        raise _not_json(place)
    return found


def _parsed(text: str) -> object:
    return json.loads(text, parse_float=Decimal, parse_constant=_constant, object_pairs_hook=_pairs)


def _not_json(place: Place) -> EventError:
    return EventError.of(
        "event-not-json", "不是一个 JSON 对象，或有重复的键", "it is not one JSON object, or a key is there twice",
        help_zh='写成 {"key": …, "kind": …, "subject": …, "occurred_on": …, "data": {…}}',
        help_en='write {"key": …, "kind": …, "subject": …, "occurred_on": …, "data": {…}}', place=place,
    )  # fmt: skip


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _constant(_: str) -> NoReturn:
    raise ValueError("not a number of JSON")
