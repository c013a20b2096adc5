"""The reader for editors sees what the strict reader sees, and goes on where that one stops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.document import Items, Located, Mapping, Scalar, read_document
from policies.editing.completion import complete
from policies.editing.edited import EditedFile
from policies.editing.entries import Path as Steps
from policies.editing.hover import hover_at
from policies.editing.knowledge import Knowledge
from policies.editing.outline import outline_of
from policies.editing.places import declared_at
from policies.editing.positions import Point
from policies.editing.signatures import signature_at
from policies.editing.symbols import symbols_of
from profiles.catalog_reading import CATALOG_FOLDER, read_catalog

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*(ROOT / "policies").rglob("*.yaml"), *CATALOG_FOLDER.glob("*.yaml")])
RULES = [path for path in FILES if path.is_relative_to(ROOT / "policies")]


def _walk(here: Located, path: Steps = ()) -> Iterator[tuple[Steps, Scalar | None, Located]]:
    if isinstance(here, Mapping):
        for key, value in here.entries:
            yield (*path, key.text), key, value
            yield from _walk(value, (*path, key.text))
    elif isinstance(here, Items):
        for number, value in enumerate(here.items):
            yield (*path, number), None, value
            yield from _walk(value, (*path, number))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_keys_and_values_stand_where_the_strict_reader_finds_them(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    outline = outline_of(text)
    expected = list(_walk(read_document(text, path.name).root))
    assert list(outline.by_path) == [steps for steps, _, _ in expected]
    for steps, key, value in expected:
        entry = outline.by_path[steps]
        if key is not None:
            assert entry.key is not None
            assert (entry.key.start.line + 1, entry.key.start.column + 1) == (key.place.line, key.place.column)
        if isinstance(value, Scalar) and value.exact and value.value is not None:
            assert entry.value is not None, steps
            start = entry.value.start
            assert (start.line + 1, start.column + 1) == (value.text_place.line, value.text_place.column)
            assert outline.slice(entry.value) == value.text


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return Knowledge(read_catalog().vocabulary)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_state_of_a_text_stops_an_answer(data: st.DataObject, knowledge: Knowledge) -> None:
    """A library file with a piece cut out and another put in: whatever is asked, there is an answer."""
    path = data.draw(st.sampled_from(RULES))
    text = path.read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 200)))
    piece = data.draw(
        st.sampled_from(["", '"', "'", "[", "{", "}", "]", ":", "- ", "\n", "\n  ", "|", ", ", "#", "\t", "老𠮷", "("])
    )
    edited = EditedFile(text[:start] + piece + text[end:], path.name)
    before = (text[:start] + piece).split("\n")
    point = Point(len(before) - 1, len(before[-1]))
    complete(edited, point, knowledge)
    hover_at(edited, point, knowledge)
    declared_at(edited, point, knowledge)
    signature_at(edited, point)
    symbols_of(edited)


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(alphabet="ab:-{}[]'\"#|> \n\t,.()=𠮷\r", max_size=60),
    line=st.integers(0, 5),
    column=st.integers(0, 30),
)
def test_no_text_at_all_stops_an_answer(text: str, line: int, column: int, knowledge: Knowledge) -> None:
    for name in ("a.yaml", "a.overlay.yaml", "a.bundle.yaml"):
        edited = EditedFile(text, name)
        complete(edited, Point(line, column), knowledge)
        hover_at(edited, Point(line, column), knowledge)
        signature_at(edited, Point(line, column))
        symbols_of(edited)


@pytest.mark.parametrize("name", ["veteran-hire-tax.yaml", "elderly-allowance.yaml", "birth.bundle.yaml"])
def test_what_is_read_of_a_text_that_breaks_off_stood_in_the_whole(name: str) -> None:
    """Whatever stands above the line that is being written keeps its place, wherever the writing stops."""
    path = next(one for one in RULES if one.name == name)
    text = path.read_text(encoding="utf-8")
    whole = outline_of(text).by_path
    lines = text.split("\n")
    for number in range(len(lines)):
        begun = outline_of("\n".join(lines[:number]) + "\n")
        for steps, entry in begun.by_path.items():
            assert steps in whole
            assert entry.key == whole[steps].key
