"""Whoever had written the library from top to bottom would have been offered each key, name, code and choice in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.installation import LIBRARY, Installation
from notifier.language_server.knowing import Knowing
from policies.bundles import bundle_files
from policies.codes import trimmed
from policies.editing.completion import complete
from policies.editing.edited import EditedFile
from policies.editing.entries import Entry
from policies.editing.expressions import same_length, seen_at, words
from policies.editing.knowledge import own_names
from policies.editing.positions import Point
from policies.editing.shapes import allowed_at
from policies.library import overlay_files, rule_files
from policies.types import Code
from profiles.home import Home

FILES = [*rule_files(LIBRARY), *overlay_files(LIBRARY), *bundle_files(LIBRARY)]
# Where authors write words of their own, days, or numbers.
OWN_VALUES = {"schedule", "unit", "on"}


def _keys(edited: EditedFile) -> Iterator[tuple[tuple[object, ...], Point, str]]:
    """Yield the keys that are not the author's own words: what tells two of them apart, their place, and the key."""
    for entry in edited.outline.entries:
        path = entry.path
        above = allowed_at(edited.kind, path[:-1])
        is_named = above.named and not above.keys and path[0] not in ("examples", "sensitive")
        is_own = is_named and len(path) < 5 and edited.kind == "rule"
        if entry.key is None or is_own or str(path[-1])[:4].isdigit() or "units" in path[:-1]:
            continue
        place = tuple(part for part in path if isinstance(part, str) and not part[:4].isdigit())
        known = place if path[:1] != ("parameters",) else ("parameters", place[-1])
        yield (edited.kind, *known), entry.key.start, str(path[-1])


def _words(edited: EditedFile, knowing: Knowing) -> Iterator[tuple[tuple[object, ...], Point, str]]:
    """Yield the names and codes of expressions."""
    own = own_names(edited, knowing.knowledge(Path(edited.file)))
    vocabulary = knowing.knowledge(Path(edited.file)).vocabulary
    for entry in edited.outline.entries:
        if entry.value is None or entry.style in ("{", "[") or not allowed_at(edited.kind, entry.path).expression:
            continue
        raw = same_length(edited.outline.slice(entry.value), entry.style)
        for word in words(raw):
            if word.kind == "name":
                text = "not in" if word.text == "not" and raw[word.end :].lstrip().startswith("in ") else word.text
                scope = own.space, own.for_each, raw[: word.start].count("(") > 0
                yield ("word", *scope, text), _place(entry, raw, word.start), text
            elif word.kind == "text":
                kind = seen_at(raw[: word.start + 1], own, vocabulary).code_type
                if isinstance(kind, Code):
                    yield ("code", kind, word.text), _place(entry, raw, word.start + 1), word.text[1:-1]


def _values(edited: EditedFile) -> Iterator[tuple[tuple[object, ...], Point, str]]:
    """Yield the values of choices, and those that name something."""
    for entry in edited.outline.entries:
        if entry.value is None or entry.style in ("{", "[") or allowed_at(edited.kind, entry.path).expression:
            continue
        place = tuple(part for part in entry.path if isinstance(part, str) and not part[:4].isdigit())
        text = edited.outline.slice(entry.value)
        is_aggregate = place[-1] == "settled_by" and "(" in text  # written as the rule has it
        if place[-1] not in OWN_VALUES and not is_aggregate:
            yield (edited.kind, *place[:1], *place[-1:], text), entry.value.start, text


def _place(entry: Entry, raw: str, offset: int) -> Point:
    assert entry.value is not None
    before = raw[:offset]
    lines = before.count("\n")
    column = len(before) - before.rfind("\n") - 1 if lines else entry.value.start.column + offset
    return Point(entry.value.start.line + lines, column)


def _offered(edited: EditedFile, point: Point, knowing: Knowing, *, with_rest: bool = False) -> set[str]:
    lines = edited.outline.lines
    rest = lines[point.line + 1 :] if with_rest else ()
    text = "\n".join([*lines[: point.line], lines[point.line][: point.column], *rest])
    here = EditedFile(text, edited.file)
    return {one.label for one in complete(here, point, knowing.knowledge(Path(edited.file))).completions}


@pytest.fixture(scope="module")
def knowing(tmp_path_factory: pytest.TempPathFactory) -> Knowing:
    return Knowing(Installation(Home(tmp_path_factory.mktemp("home"))))


@pytest.fixture(scope="module")
def edited() -> list[EditedFile]:
    return [EditedFile(path.read_text(encoding="utf-8"), str(path)) for path in FILES]


def test_every_key_would_have_been_offered(edited: list[EditedFile], knowing: Knowing) -> None:
    seen: set[object] = set()
    for one in edited:
        for place, point, key in _keys(one):
            if place not in seen:
                seen.add(place)
                label = key or '""'
                assert label in _offered(one, point, knowing), (one.file, point, key)
    assert len(seen) > 250


def test_every_name_and_code_of_an_expression_would_have_been_offered(
    edited: list[EditedFile], knowing: Knowing
) -> None:
    seen: set[object] = set()
    for one in edited:
        for place, point, text in _words(one, knowing):
            if place in seen:
                continue
            seen.add(place)
            labels = _offered(one, point, knowing)
            is_prefix = place[0] == "code" and any(trimmed(label).startswith(trimmed(text)) for label in labels)
            is_open = place[0] == "code" and knowing.knowledge(Path(one.file)).vocabulary.code_sets.get(
                getattr(place[1], "code_set", "")
            )
            assert text in labels or is_prefix or (is_open and is_open.open), (one.file, point, text)
    assert len(seen) > 300


def test_every_choice_and_every_thing_named_would_have_been_offered(edited: list[EditedFile], knowing: Knowing) -> None:
    """Where a list is offered at all, what the library has chosen is in it; codes of open sets need not be listed."""
    seen: set[object] = set()
    for one in edited:
        for place, point, text in _values(one):
            if place in seen:
                continue
            seen.add(place)
            # What a table is keyed by may be a definition, which stands further down.
            labels = _offered(one, point, knowing, with_rest=place[-2] == "by")
            is_open = text.isdigit() and any(label.isdigit() and len(label) >= 2 for label in labels)
            assert not labels or text in labels or is_open, (one.file, point, text)
