"""From the bytes of a rule file to data that knows where it stands: YAML 1.2, and less of it.

Aliases, anchors, tags, directives, several documents and duplicate keys are refused, and so is anything
too large or too deep: a rule file is read by people, and nothing in it may mean more than it shows.
Scalars are resolved here, exactly: decimals become `Decimal`, never a binary float; a day such as
2016-05-01 becomes a `date`; digits with a leading zero stay text, because they are codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from policies.document_errors import (
    alias_refused,
    broken_yaml,
    duplicate_key,
    empty_file,
    invisible_character,
    key_not_plain,
    not_utf8,
    number_too_long,
    several_documents,
    tag_refused,
    too_deep,
    too_large,
)
from policies.errors import Diagnostic, Place, PolicyError
from policies.foreign_signs import foreign_sign_of_yaml

SIZE_LIMIT = 256 * 1024
DEPTH_LIMIT = 40
DIGITS_LIMIT = 30

Plain: TypeAlias = Any  # None, bool, int, Decimal, date, str, or lists and dicts of them
Path: TypeAlias = Sequence[str | int | date | bool | Decimal | None]

# Characters that make a line look different from what it says (bidirectional controls, zero widths).
_INVISIBLE = re.compile(
    "[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]"
)
# What only looks like the spaces before a key or an item.
_FALSE_INDENT = re.compile("^ *([\u00a0\u3000\u2002\u2003\u2009\u202f])[^\\S\n]*(?=- |[a-z_]+:)", re.MULTILINE)
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value: what it means (`value`), its text, and where its text starts.

    `exact` is True if the text stands in the file as it is, on one line, so that the position of each
    of its characters is known.
    """

    value: Plain
    text: str
    place: Place
    text_place: Place
    exact: bool


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order of the file."""

    entries: tuple[tuple[Scalar, Located], ...]
    place: Place

    def entry(self, key: Plain) -> tuple[Scalar, Located] | None:
        """Return the key and the value filed under `key`, or None."""
        for one in self.entries:
            if one[0].value == key and type(one[0].value) is type(key):
                return one
        return None


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a sequence."""

    items: tuple[Located, ...]
    place: Place


Located: TypeAlias = Scalar | Mapping | Items


@dataclass(frozen=True, slots=True)
class Document:
    """A whole rule file."""

    file: str
    root: Located

    def at(self, path: Path) -> Located | None:
        """Return what stands at `path` (keys and positions), or None."""
        here: Located = self.root
        for part in path:
            found = _step(here, part)
            if found is None:
                return None
            here = found
        return here

    def place(self, path: Path) -> Place:
        """Return where the value at `path` starts, or as much of the path as exists."""
        here: Located = self.root
        for part in path:
            found = _step(here, part)
            if found is None:
                break
            here = found
        return here.place

    def key_place(self, path: Path) -> Place:
        """Return where the last key of `path` stands."""
        parent = self.at(path[:-1])
        entry = parent.entry(path[-1]) if isinstance(parent, Mapping) else None
        return entry[0].place if entry is not None else self.place(path)

    def key_or_item(self, path: Path) -> Place:
        """Return where the last key of `path` stands, or the item if the path ends in a position."""
        return self.place(path) if isinstance(path[-1], int) else self.key_place(path)

    def scalar(self, path: Path) -> Scalar:
        """Return the scalar at `path`; the path must lead to one."""
        found = self.at(path)
        assert isinstance(found, Scalar), path
        return found


def _step(here: Located, part: Plain) -> Located | None:
    if isinstance(here, Mapping):
        entry = here.entry(part)
        return entry[1] if entry is not None else None
    if isinstance(here, Items) and isinstance(part, int) and 0 <= part < len(here.items):
        return here.items[part]
    return None


def to_plain(located: Located) -> Plain:
    """Return the bare data: None, bool, int, Decimal, date, str, lists and dicts."""
    if isinstance(located, Scalar):
        return located.value
    if isinstance(located, Items):
        return [to_plain(item) for item in located.items]
    return {key.value: to_plain(value) for key, value in located.entries}


def read_bytes(data: bytes, file: str) -> str:
    """Return the text of a rule file. Raises PolicyError if it is too large or not UTF-8."""
    if len(data) > SIZE_LIMIT:
        raise PolicyError(too_large(Place(file), len(data), SIZE_LIMIT))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line_start = before.rfind(b"\n") + 1
        column = len(before[line_start:].decode("utf-8")) + 1
        place = Place(file, before.count(b"\n") + 1, column)
        raise PolicyError(not_utf8(place, data[error.start])) from None
    return text.removeprefix("\ufeff")


def read_document(text: str, file: str) -> Document:
    """Return the located data of a rule file. Raises PolicyError for what is not plain YAML 1.2."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > SIZE_LIMIT:
        raise PolicyError(too_large(Place(file), size, SIZE_LIMIT))
    _refuse_invisible(text, file)
    _refuse_false_indents(text, file)
    reader = YAML(typ="safe", pure=True)
    try:
        return _Composer(file, reader.parse(text), text.splitlines()).compose()
    except MarkedYAMLError as error:
        raise PolicyError(_broken(error, text.splitlines(), file)) from None
    except (YAMLError, ValueError) as error:
        raise PolicyError(broken_yaml(Place(file), str(error).split("\n")[0])) from None
    except (RecursionError, MemoryError):
        raise PolicyError(too_deep(Place(file), DEPTH_LIMIT)) from None


def _broken(error: MarkedYAMLError, lines: list[str], file: str) -> Diagnostic:
    """Return what is wrong with the YAML: at the sign that no parser takes, if one stands there or just before."""
    problem = str(error.problem or error.context or "")
    marks = [mark for mark in (error.problem_mark, error.context_mark) if mark is not None]
    if not marks:
        return broken_yaml(Place(file), problem)
    near = dict.fromkeys(line for mark in marks for line in (mark.line, mark.line - 1) if 0 <= line < len(lines))
    for line in near:
        sign = foreign_sign_of_yaml(lines[line])
        if sign is not None:
            return broken_yaml(Place(file, line + 1, sign.position + 1), problem, sign.remedy)
    return broken_yaml(Place(file, marks[0].line + 1, marks[0].column + 1), problem)


def _refuse_false_indents(text: str, file: str) -> None:
    found = _FALSE_INDENT.search(text)
    if found:
        place = Place(file, text.count("\n", 0, found.start(1)) + 1, found.start(1) - found.start() + 1)
        raise PolicyError(invisible_character(place, ord(found[1])))


def _refuse_invisible(text: str, file: str) -> None:
    found = _INVISIBLE.search(text)
    position = found.start() if found else None
    if position is None:
        return
    line_start = text.rfind("\n", 0, position) + 1
    place = Place(file, text.count("\n", 0, position) + 1, position - line_start + 1)
    raise PolicyError(invisible_character(place, ord(text[position])))


class _Composer:
    """Builds located data from parser events, refusing as early as possible."""

    def __init__(self, file: str, events: Iterator[Event], lines: list[str]) -> None:
        self._file = file
        self._events = events
        self._lines = lines
        self._duplicates: list[Diagnostic] = []

    def compose(self) -> Document:
        root: Located | None = None
        started = False
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                if started:
                    raise PolicyError(several_documents(self._place(event)))
                if event.version is not None or event.tags:
                    raise PolicyError(tag_refused(self._place(event), "%"))
                started = True
            elif isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent | AliasEvent):
                root = self._value(event, 0)
        if root is None or (isinstance(root, Scalar) and root.value is None):
            raise PolicyError(empty_file(Place(self._file)))
        if self._duplicates:
            raise PolicyError(self._duplicates)
        return Document(self._file, root)

    def _place(self, event: Event) -> Place:
        return Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _value(self, event: Event, depth: int) -> Located:
        place = self._place(event)
        assert isinstance(event, AliasEvent | ScalarEvent | MappingStartEvent | SequenceStartEvent)
        if isinstance(event, AliasEvent):
            raise PolicyError(alias_refused(place, f"*{event.anchor}"))
        if event.anchor is not None:
            raise PolicyError(alias_refused(place, f"&{event.anchor}"))
        if event.tag is not None:
            raise PolicyError(tag_refused(place, str(event.tag)))
        if isinstance(event, ScalarEvent):
            return self._scalar(event, place)
        if depth >= DEPTH_LIMIT:
            raise PolicyError(too_deep(place, DEPTH_LIMIT))
        if isinstance(event, SequenceStartEvent):
            return self._sequence(place, depth)
        return self._mapping(place, depth)

    def _sequence(self, place: Place, depth: int) -> Items:
        items: list[Located] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._value(event, depth + 1))
        return Items(tuple(items), place)

    def _mapping(self, place: Place, depth: int) -> Mapping:
        entries: list[tuple[Scalar, Located]] = []
        seen: dict[tuple[type, object], Place] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._value(event, depth + 1)
            if not isinstance(key, Scalar):
                raise PolicyError(key_not_plain(key.place))
            identity = (type(key.value), key.value)
            if identity in seen:
                is_date = isinstance(key.value, date)
                self._duplicates.append(duplicate_key(key.place, key.text, seen[identity], is_date))
            seen.setdefault(identity, key.place)
            value = self._value(next(self._events), depth + 1)
            entries.append((key, value))
        return Mapping(tuple(entries), place)

    def _scalar(self, event: ScalarEvent, place: Place) -> Scalar:
        text = str(event.value)
        is_plain = event.style is None or event.style == ""
        value = self._resolve(text, place) if is_plain else text
        mark, end = event.start_mark, event.end_mark
        column = mark.column + (0 if is_plain else 1)
        line = self._lines[mark.line] if mark.line < len(self._lines) else ""
        exact = mark.line == end.line and line[column : column + len(text)] == text
        text_place = Place(self._file, mark.line + 1, column + 1) if exact else place
        return Scalar(value, text, place, text_place, exact)

    def _resolve(self, text: str, place: Place) -> Plain:
        if text in _WORDS:
            return _WORDS[text]
        if _DAY.fullmatch(text):
            try:
                return date.fromisoformat(text)
            except ValueError:
                return text
        is_integer = _INTEGER.fullmatch(text) is not None
        if not is_integer and not _DECIMAL.fullmatch(text):
            return text
        if len(text) > DIGITS_LIMIT:
            raise PolicyError(number_too_long(place, text, DIGITS_LIMIT))
        return int(text) if is_integer else Decimal(text)
