"""How the function that is being called is written, and which of its arguments the cursor stands in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from policies.editing.describing import stacked
from policies.editing.edited import EditedFile, cursor_at
from policies.editing.expressions import open_brackets, same_length, words
from policies.editing.positions import Point
from policies.editing.shapes import allowed_at
from policies.function_meanings import FUNCTION_MEANINGS
from policies.functions import FUNCTIONS
from policies.text import Bilingual

_ARGUMENT = re.compile(r"[^,\[\]()\s][^,\[\]()]*")


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a function: its text and where in it each argument stands."""

    text: str
    arguments: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """A function that is being called: its forms, what it means, and the number of the argument, from 0."""

    forms: tuple[Form, ...]
    meaning: Bilingual
    argument: int


def signature_at(edited: EditedFile, point: Point) -> Signature | None:
    """Return the innermost function that is called around a point of an expression, or None."""
    cursor = cursor_at(edited, point)
    if cursor.role != "value" or not allowed_at(edited.kind, cursor.path).expression:
        return None
    for bracket in reversed(open_brackets(words(same_length(cursor.typed, cursor.style)))):
        if bracket.mark == "(" and bracket.function in FUNCTIONS:
            zh, en, shown = FUNCTION_MEANINGS[bracket.function]
            meaning = stacked(Bilingual(zh, en), Bilingual(f"例:`{shown}`", f"for example `{shown}`"))
            return Signature(forms_of(bracket.function), meaning, len(bracket.arguments) - 1)
    return None


def forms_of(function: str) -> tuple[Form, ...]:
    """Return the ways in which a function may be written."""
    return tuple(_form(text) for text in FUNCTIONS[function].form.split(" or "))


def _form(text: str) -> Form:
    start = text.index("(") + 1
    return Form(text, tuple((found.start(), found.end()) for found in _ARGUMENT.finditer(text, start)))
