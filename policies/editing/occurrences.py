"""Where a file names one of its own parameters or definitions: to show them all, and to give it another name."""

from __future__ import annotations

import re
from typing import Literal

from policies.editing.edited import EditedFile
from policies.editing.expressions import same_length, words
from policies.editing.knowledge import Knowledge, own_names
from policies.editing.pointing import Pointed, moved, pointed_at
from policies.editing.positions import Point, Span
from policies.editing.shapes import allowed_at
from policies.functions import FUNCTIONS

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_RESERVED = frozenset(
    {"on", "period_start", "period_end", "subject", "true", "false", "and", "or", "not", "in", "if", "else"}
)
_OWN: frozenset[str] = frozenset({"parameter", "definition"})
Refusal = Literal["malformed", "taken"]


def occurrences_at(edited: EditedFile, point: Point, knowledge: Knowledge) -> tuple[Span, ...]:
    """Return where the file names the parameter or definition at a point, its declaration included; empty for all else."""
    pointed = pointed_at(edited, point, knowledge)
    if pointed is None or pointed.kind not in _OWN:
        return ()
    found = {span for span in _candidates(edited, pointed.name) if _is_same(edited, span.start, pointed, knowledge)}
    return tuple(sorted(found))


def renamable_at(edited: EditedFile, point: Point, knowledge: Knowledge) -> Span | None:
    """Return the name at a point if it may be changed in this file alone: what places set in overlays may not."""
    pointed = pointed_at(edited, point, knowledge)
    if edited.kind != "rule" or pointed is None or pointed.kind not in _OWN:
        return None
    parameter = own_names(edited, knowledge).parameters.get(pointed.name)
    is_open = pointed.kind == "parameter" and parameter is not None and parameter.is_open
    return None if is_open or not occurrences_at(edited, point, knowledge) else pointed.span


def refusal_of(name: str, edited: EditedFile, knowledge: Knowledge) -> Refusal | None:
    """Return why nothing in the file can be called `name`; None if it can."""
    if NAME.fullmatch(name) is None:
        return "malformed"
    own, vocabulary = own_names(edited, knowledge), knowledge.vocabulary
    space = vocabulary.spaces.get(own.space)
    collection = space.collections.get(own.for_each) if space is not None else None
    taken = [own.parameters, own.definitions, vocabulary.indicators, vocabulary.code_groups, FUNCTIONS, _RESERVED]
    for owner in (space, collection):
        if owner is not None:
            taken += [owner.attributes, owner.links]
    if space is not None:
        taken.append(space.collections)
    return "taken" if any(name in one for one in taken) else None


def _candidates(edited: EditedFile, name: str) -> list[Span]:
    """Return every place where the name stands by itself, as a key, a value, or a word of an expression."""
    outline, found = edited.outline, []
    for entry in outline.entries:
        if entry.key is not None and entry.path[-1] == name and outline.slice(entry.key) == name:
            found.append(entry.key)
        if entry.value is None or entry.style in ("{", "["):
            continue
        raw = outline.slice(entry.value)
        if allowed_at(edited.kind, entry.path).expression:
            text = same_length(raw, entry.style)
            for word in words(text):
                if word.kind == "name" and word.text == name:
                    start = entry.value.start
                    found.append(Span(moved(text, start, word.start), moved(text, start, word.end)))
        elif raw == name:
            found.append(entry.value)
    return found


def _is_same(edited: EditedFile, point: Point, wanted: Pointed, knowledge: Knowledge) -> bool:
    found = pointed_at(edited, point, knowledge)
    return found is not None and (found.kind, found.name) == (wanted.kind, wanted.name)
