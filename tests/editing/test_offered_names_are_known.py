"""What is offered inside an expression is known to the checker, and what the checker knows is offered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from policies.context import Context
from policies.editing.completion import complete
from policies.editing.edited import EditedFile
from policies.editing.knowledge import Knowledge
from policies.editing.offers import Completion
from policies.editing.positions import Point
from policies.errors import Place, PolicyError
from policies.expression import lower_text
from policies.scopes import Scope
from policies.source import Source
from policies.types import Bool, Code, Date, Number
from policies.vocabulary import Attribute, Link, Space
from profiles.catalog_reading import read_catalog

VOCABULARY = read_catalog().vocabulary
KNOWLEDGE = Knowledge(VOCABULARY)
# What the checker says of a name or a code that it does not know, or that cannot stand where it stands.
UNKNOWN = {"unknown-name", "unknown-function", "unknown-code", "bad-path", "collection-needs-function", "not-a-collection",
           "bad-expression", "needs-key"}  # fmt: skip


def _offered(space: str, for_each: str, expression: str) -> tuple[Completion, ...]:
    head = f"space: {space}\n" + (f"for_each: {for_each}\n" if for_each else "")
    line = f"eligibility: {expression}"
    edited = EditedFile(head + line, "rule.yaml")
    return complete(edited, Point(head.count("\n"), len(line)), KNOWLEDGE).completions


def _code_of(space: str, for_each: str, expression: str) -> str:
    """Return the code of what the checker finds wrong with an expression, or the empty text."""
    subject = scope = Scope(0, VOCABULARY.spaces[space])
    if for_each:
        scope = subject.item_of(VOCABULARY.spaces[space].collections[for_each], space, 1, VOCABULARY)
    every = {one.name: "" for each in VOCABULARY.spaces.values() for one in _attributes(each)}
    context = Context(VOCABULARY, "month", sensitive=dict.fromkeys(every, "a test"))
    try:
        lower_text(context, Source(expression, Place("-", 1, 1)), scope, subject, scope.depth)
    except PolicyError as error:
        return error.diagnostics[0].code
    return ""


def _attributes(space: Space) -> Iterator[Attribute]:
    yield from space.attributes.values()
    for collection in space.collections.values():
        yield from collection.attributes.values()


PLACES = [
    (space.name, for_each) for space in VOCABULARY.spaces.values() for for_each in ("", *space.collections)
]  # fmt: skip


@pytest.mark.parametrize(("space", "for_each"), PLACES)
def test_every_name_that_is_offered_is_one_that_the_checker_knows(space: str, for_each: str) -> None:
    for one in _offered(space, for_each, "alive and "):
        if one.kind in ("attribute", "indicator") or one.label in ("on", "period_start", "period_end", "true", "false"):
            assert _code_of(space, for_each, one.insert) not in UNKNOWN, one.label
        elif one.kind == "link":
            inner = [each for each in _offered(space, for_each, f"alive and {one.insert}.") if each.kind == "attribute"]
            assert inner
            for each in inner:
                assert _code_of(space, for_each, f"{one.insert}.{each.insert}") not in UNKNOWN, each.label
        elif one.label == "subject":
            for each in _offered(space, for_each, "alive and subject."):
                assert _code_of(space, for_each, f"subject.{each.insert}") not in UNKNOWN, each.label
        else:
            assert one.kind == "function" or one.label == "not", one


@pytest.mark.parametrize(("space", "for_each"), PLACES)
def test_every_name_that_the_checker_knows_is_offered(space: str, for_each: str) -> None:
    scope = Scope(0, VOCABULARY.spaces[space])
    if for_each:
        scope = scope.item_of(VOCABULARY.spaces[space].collections[for_each], space, 1, VOCABULARY)
    labels = {one.label for one in _offered(space, for_each, "alive and ")}
    known = {name for name in scope.names() if isinstance(getattr(scope.find(name), "what", None), Attribute | Link)}
    assert known <= labels


@pytest.mark.parametrize(("space", "for_each"), PLACES)
def test_every_collection_that_is_offered_can_be_counted_and_its_items_are_known(space: str, for_each: str) -> None:
    offered = _offered(space, for_each, "count(")
    for one in [each for each in offered if each.kind == "collection"]:
        assert _code_of(space, for_each, f"count({one.insert})") not in UNKNOWN
        names = [each for each in _offered(space, for_each, f"count({one.insert}, ") if each.kind == "attribute"]
        assert names
        for each in names:
            assert _code_of(space, for_each, f"count({one.insert}, {each.insert} == 1)") not in UNKNOWN, each.label
    for one in [each for each in offered if each.kind == "link"]:
        for each in _offered(space, for_each, f"count({one.insert}."):
            if each.kind == "collection":
                assert _code_of(space, for_each, f"count({one.insert}.{each.insert})") not in UNKNOWN


@pytest.mark.parametrize("space", sorted(VOCABULARY.spaces))
def test_every_code_that_is_offered_belongs_to_what_it_is_compared_with(space: str) -> None:
    for attribute in VOCABULARY.spaces[space].attributes.values():
        if not isinstance(attribute.type, Code):
            continue
        for beginning, end in (
            (f"{attribute.name} == ", ""),
            (f"{attribute.name} in [", "]"),
            (f"{attribute.name} in ", ""),
        ):
            found = [one for one in _offered(space, "", beginning) if one.kind in ("code", "group")]
            assert found or not VOCABULARY.code_sets[attribute.type.code_set].codes
            for one in found:
                assert _code_of(space, "", f"{beginning}{one.insert}{end}") == "", (beginning, one)


def test_the_detail_of_an_attribute_tells_what_the_catalog_says() -> None:
    for space in VOCABULARY.spaces.values():
        by_label = {one.label: one for one in _offered(space.name, "", "alive and ") if one.kind == "attribute"}
        for attribute in space.attributes.values():
            detail = by_label[attribute.name].detail
            assert attribute.title.zh in detail.zh and attribute.title.en in detail.en
            if isinstance(attribute.type, Number) and attribute.type.unit and not attribute.type.is_money:
                assert attribute.type.unit in detail.en
            if isinstance(attribute.type, Bool | Date | Code):
                assert any(word in detail.en for word in ("condition", "date", "code"))
            assert ("sensitive" in detail.en) == (attribute.sensitivity == "sensitive")
