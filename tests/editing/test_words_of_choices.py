"""Whoever chooses one of several words is told what each of them means: by the language server and by the JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

import policies.bundle_model  # noqa: F401  (its models are asked too)
from policies.choice_meanings import CHOICES
from policies.model import Shape
from policies.schema import json_schema, overlay_schema


def _words(form: Any) -> Iterator[str]:
    """Yield the words of the closed choices in an annotation."""
    if get_origin(form) is Literal:
        yield from (str(one).lower() if isinstance(one, bool) else str(one) for one in get_args(form))
    elif not (isinstance(form, type) and issubclass(form, Shape)):
        for inner in get_args(form):
            yield from _words(inner)


def _choices() -> dict[tuple[str, str], list[str]]:
    found = {}
    for shape in Shape.__subclasses__():
        for name, hint in get_type_hints(shape).items():
            words = list(_words(hint)) if name in shape.model_fields else []
            if words:
                found[(shape.__name__, shape.model_fields[name].alias or name)] = words
    return found


def test_every_word_of_every_choice_has_a_meaning_and_no_other() -> None:
    assert {key: sorted(words) for key, words in CHOICES.items()} == {
        key: sorted(words) for key, words in _choices().items()
    }
    assert all(one.zh.strip() and one.en.strip() for words in CHOICES.values() for one in words.values())


@pytest.mark.parametrize("schema", [json_schema(), overlay_schema()], ids=["rules", "overlays"])
def test_the_schema_says_what_each_word_means(schema: dict[str, Any]) -> None:
    def choices(part: Any) -> Iterator[dict[str, Any]]:
        for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            yield from choices(inner)
        if isinstance(part, dict) and isinstance(part.get("enum"), list):
            yield part

    found = list(choices(schema))
    assert found
    for one in found:
        assert len(one["enumDescriptions"]) == len(one["enum"]) and all(one["enumDescriptions"]), one
