"""Completion: what may stand at the cursor, of keys, values and parts of expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from policies.editing.describing import EMPTY, WORDS
from policies.editing.edited import Cursor, EditedFile, cursor_at
from policies.editing.entries import Path
from policies.editing.expression_offers import Reads, offered
from policies.editing.expressions import same_length, seen_at
from policies.editing.forms import form_at, put_into
from policies.editing.knowledge import Knowledge, own_names
from policies.editing.named_values import names_at, values_at
from policies.editing.notice_texts import placeholders_at
from policies.editing.offers import Completion, days_of, written
from policies.editing.positions import Point, Span
from policies.editing.shapes import Allowed, Key, allowed_at, choice_at
from policies.editing.wanted import ValueKind, kind_wanted

_REST_OF_KEY = re.compile(r"([\w-]*)[ ]*:(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Offer:
    """Completions, and the part of the text that the chosen one replaces."""

    completions: tuple[Completion, ...]
    replaces: Span


def complete(edited: EditedFile, point: Point, knowledge: Knowledge) -> Offer:
    """Return what may be written at a point of a file; nothing where that cannot be told."""
    cursor = cursor_at(edited, point)
    found: list[Completion] = []
    span = Span(cursor.start, cursor.point)
    if cursor.role == "key":
        found, span = _before_colon(list(_keys(edited, cursor, knowledge)), edited, span)
    elif (noticed := placeholders_at(edited, cursor)) is not None:
        found, span = noticed[0], Span(noticed[1], cursor.point)
    elif cursor.role == "value":
        present = frozenset(edited.outline.keys(cursor.path))
        allowed = allowed_at(edited.kind, cursor.path, present)
        if cursor.style in (None, "plain"):
            found += _values(edited, cursor, knowledge, allowed)
        else:
            found += _words(edited, cursor, allowed)
            found += values_at(edited, cursor, knowledge)
        if allowed.expression:
            inner, start = _in_expression(edited, cursor, knowledge)
            if start == cursor.start:
                found += inner
            else:
                found, span = inner, Span(start, cursor.point)
    ordered = sorted(found, key=lambda one: one.rank)
    unique = {(one.label, one.insert): one for one in reversed(ordered)}
    return Offer(tuple(one for one in ordered if unique.get((one.label, one.insert)) is one), span)


# Keys


def _keys(edited: EditedFile, cursor: Cursor, knowledge: Knowledge) -> Iterator[Completion]:
    """Yield the keys that the mapping at the cursor does not have yet."""
    present = frozenset(edited.outline.keys(cursor.path)) - {cursor.typed.strip()}
    allowed = allowed_at(edited.kind, cursor.path, present)
    yield from _keys_of(allowed.keys, present, cursor)
    yield from (one for one in names_at(edited, cursor, knowledge) if one.label not in present)


def _before_colon(found: list[Completion], edited: EditedFile, span: Span) -> tuple[list[Completion], Span]:
    """Where the colon stands already, the rest of the old key is replaced too, and no second colon is written."""
    line = edited.outline.lines[span.end.line]
    rest = _REST_OF_KEY.match(line, span.end.column)
    if rest is None:
        return found, span
    end = Point(span.end.line, rest.end(1))
    return [replace(one, insert=one.insert.rstrip(" ").removesuffix(":")) for one in found], Span(span.start, end)


def _keys_of(keys: tuple[Key, ...], present: frozenset[str], cursor: Cursor) -> Iterator[Completion]:
    for number, key in enumerate(keys):
        if key.name in present:
            continue
        # What stands under the key goes on its own lines, except in brackets.
        colon = ": " if cursor.is_flow or key.opens == "scalar" else ":"
        quoted = cursor.style in ("'", '"')
        insert = key.name if quoted else key.name + colon
        rank = 0 if key.is_required else 1
        meaning = key.meaning or EMPTY
        yield Completion(key.name, "key", insert, meaning, rank=rank * 100 + number)


# Values


def _values(edited: EditedFile, cursor: Cursor, knowledge: Knowledge, allowed: Allowed) -> Iterator[Completion]:
    """Yield what may begin here: a word of a choice, a name, the first key of a mapping, the first item of a list."""
    lines = edited.outline.lines
    is_on_own_line = not lines[cursor.start.line][: cursor.start.column].strip(" -")
    if allowed.is_list:
        item = replace(cursor, path=(*cursor.path, 0))
        before, after = ("- ", "") if is_on_own_line else ("[", "]")
        inner = allowed_at(edited.kind, item.path)
        for one in _values(edited, replace(item, is_flow=not is_on_own_line), knowledge, inner):
            if one.kind != "key" or is_on_own_line:
                yield put_into(one, before, after)
        if inner.expression and not inner.keys:
            names, start = _in_expression(edited, item, knowledge)
            if start == cursor.start:
                yield from (put_into(one, before, after) for one in names)
    yield from _words(edited, cursor, allowed)
    if not allowed.is_list:
        yield from values_at(edited, cursor, knowledge)
    form = form_at(edited.kind, cursor.path)
    if form is not None and cursor.style is None and (cursor.is_flow or not is_on_own_line):
        yield form
    if is_on_own_line:
        yield from _keys_of(allowed.keys, frozenset(), cursor)
        yield from names_at(edited, cursor, knowledge)


def _words(edited: EditedFile, cursor: Cursor, allowed: Allowed) -> Iterator[Completion]:
    """Yield the words of a closed choice, each with what it means."""
    key = choice_at(edited.kind, cursor.path) if allowed.choices else None
    for word in allowed.choices:
        detail = (key.words.get(word) if key is not None else None) or WORDS.get(word, EMPTY)
        yield Completion(word, "choice", word, detail, key.meaning if key is not None else None, rank=0)


# Expressions


def _in_expression(edited: EditedFile, cursor: Cursor, knowledge: Knowledge) -> tuple[list[Completion], Point]:
    """Return what may stand in the expression at the cursor, and where what it replaces begins."""
    own = own_names(edited, knowledge)
    text = same_length(cursor.typed, cursor.style)
    seen = seen_at(text, own, knowledge.vocabulary)
    mark = "'" if cursor.style == '"' else '"'
    before = text[: seen.start]
    line = cursor.start.line + before.count("\n")
    column = len(before) - (before.rfind("\n") + 1) + (cursor.start.column if "\n" not in before else 0)
    wanted = kind_wanted(text[: seen.start], seen, own, knowledge.vocabulary)
    if not text[: seen.start].strip():
        wanted = _KINDS.get(str(cursor.path[-1])) if cursor.path[:1] == ("benefit",) else None
    found = offered(seen, own, days_of(edited.outline), knowledge, mark, wanted, _reads(cursor.path))
    # An expression that begins with a quotation mark would be a quoted text of the file.
    begins = cursor.style is None
    return [replace(one, insert=_whole(one.insert)) if begins else one for one in found], Point(line, column)


# Key of a benefit -> what its expression begins with most likely.
_KINDS: dict[str, ValueKind] = {**dict.fromkeys(("amount", "cap", "floor", "measure"), "number"), "due": "date"}


def _reads(path: Path) -> Reads:
    """Return what an expression at a path may look at: a ceiling is one for everybody, what tells groups apart is data."""
    if path[:2] == ("benefit", "ceilings") and path[3:4] == ("amount",):
        return "no data"
    return "data" if path[:2] == ("benefit", "ceilings") and path[3:4] == ("for_each",) else "all"


def _whole(insert: str) -> str:
    return written(insert, None) if insert[:1] in "\"'[" else insert
