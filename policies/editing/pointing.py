"""What a file says at a point: a key, a name in an expression, a code, a name of the library or the catalog.

Hover and "go to definition" both ask this first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from policies.editing.edited import EditedFile
from policies.editing.entries import Entry, Path
from policies.editing.expressions import Seen, name_at, resolve, same_length, scopes_in, seen_at, text_at
from policies.editing.knowledge import Knowledge, OwnNames, own_names
from policies.editing.named_values import example_scope
from policies.editing.positions import Point, Span
from policies.editing.shapes import allowed_at
from policies.functions import FUNCTIONS
from policies.scopes import Found
from policies.types import Code


@dataclass(frozen=True, slots=True)
class Pointed:
    """What is pointed at.

    kind   `key` (of a model, with its path), `found` (of the catalog), `code` (of the set `owner`), or whose name it is
    name   the key, name or code
    span   where it stands
    owner  the code set of a code
    """

    kind: Literal[
        "key", "found", "code", "parameter", "definition", "function", "word", "indicator", "group",
        "policy", "fund", "event", "space", "code_set", "choice",
    ]  # fmt: skip
    name: str
    span: Span
    path: Path = ()
    found: Found | None = None
    owner: str = ""


def pointed_at(edited: EditedFile, point: Point, knowledge: Knowledge) -> Pointed | None:
    """Return what stands at a point, or None if nothing is known of it."""
    entry = edited.outline.at(point)
    if entry is None:
        return None
    if entry.key is not None and entry.key.holds(point):
        return _key(edited, entry, knowledge)
    if allowed_at(edited.kind, entry.path).expression:
        return _in_expression(edited, entry, point, knowledge)
    return _value(edited, entry, knowledge)


def _key(edited: EditedFile, entry: Entry, knowledge: Knowledge) -> Pointed | None:
    assert entry.key is not None
    name, path = str(entry.path[-1]), entry.path
    own = own_names(edited, knowledge)
    if path[:1] == ("examples",) and len(path) > 3 and path[2] in ("profile", "given"):
        if path[2:4] == ("given", "indicators") and len(path) == 5:
            return Pointed("indicator", name, entry.key)
        whose = example_scope(path[:-1], own, knowledge)
        found = whose[0].find(name) if whose is not None and whose[1] is None else None
        return Pointed("found", name, entry.key, found=found) if found is not None else None
    if path[:1] == ("parameters",) and len(path) == 2:
        return Pointed("parameter", name, entry.key)
    if path[:1] == ("definitions",) and len(path) == 2:
        return Pointed("definition", name, entry.key)
    if path[:1] == ("sensitive",) and len(path) == 2:
        found = _sensitive(name, own, knowledge)
        return Pointed("found", name, entry.key, found=found) if found is not None else None
    if path[:2] == ("benefit", "monotone") and len(path) == 3:
        return _promised(name, own, entry.key, knowledge)
    if path[:1] == ("parameters",) and len(path) == 5 and isinstance(path[1], str):
        code_set = own.parameters[path[1]].by if path[1] in own.parameters else ""
        return Pointed("code", name, entry.key, owner=code_set) if code_set in knowledge.vocabulary.code_sets else None
    return Pointed("key", name, entry.key, path)


def _sensitive(name: str, own: OwnNames, knowledge: Knowledge) -> Found | None:
    """Return the attribute that a line under `sensitive` opens, plain or as `space.name`."""
    owner, _, last = name.rpartition(".")
    for space in knowledge.vocabulary.spaces.values():
        if (space.name == (owner or own.space)) and last in space.attributes:
            return Found(space.attributes[last], space.name)
        for collection in space.collections.values():
            key = f"{space.name}.{collection.name}"
            if owner in ("", key) and last in collection.attributes:
                return Found(collection.attributes[last], key)
    return None


def _promised(name: str, own: OwnNames, span: Span, knowledge: Knowledge) -> Pointed | None:
    """Return what an amount is promised to rise or fall with: a definition, or a datum."""
    if name in own.definitions:
        return Pointed("definition", name, span)
    _, scope = scopes_in(own, knowledge.vocabulary)
    found = scope.find(name)
    return Pointed("found", name, span, found=found) if found is not None else None


def _settling(name: str, own: OwnNames, span: Span, knowledge: Knowledge) -> Pointed | None:
    """Return what an example waits for: an open parameter, a series, or a datum, by way of links too."""
    if name in own.parameters:
        return Pointed("parameter", name, span)
    subject, scope = scopes_in(own, knowledge.vocabulary)
    found, _ = resolve(name.split("."), scope, subject, knowledge.vocabulary)
    if found is not None:
        return Pointed("found", name, span, found=found)
    return Pointed("indicator", name, span) if name in knowledge.vocabulary.indicators else None


_NAMED: dict[tuple[str, ...], Literal["policy", "fund", "event", "space", "code_set"]] = {
    ("space",): "space",
    ("fund",): "fund",
    ("triggers",): "event",
    ("events",): "event",
    ("overlays",): "policy",
    ("excludes",): "policy",
    ("net_of",): "policy",
    ("policies", "policy"): "policy",
}


def _value(edited: EditedFile, entry: Entry, knowledge: Knowledge) -> Pointed | None:
    if entry.value is None:
        return None
    name, path = edited.outline.slice(entry.value), entry.path
    plain = tuple(part for part in path if isinstance(part, str))
    own = own_names(edited, knowledge)
    if plain in _NAMED:
        return Pointed(_NAMED[plain], name, entry.value)
    if name in allowed_at(edited.kind, path).choices:
        return Pointed("choice", name, entry.value, path)
    if plain == ("region",):
        return Pointed("code", name, entry.value, owner="region")
    if plain == ("parameters", plain[1] if len(plain) > 1 else "", "by"):
        if name in own.definitions:
            return Pointed("definition", name, entry.value)
        return Pointed("code_set", name, entry.value)
    if plain == ("for_each",):
        space = knowledge.vocabulary.spaces.get(own.space)
        collection = space.collections.get(name) if space is not None else None
        return Pointed("found", name, entry.value, found=Found(collection, own.space)) if collection else None
    if path[:1] == ("examples",) and "settled_by" in path:
        return _settling(name, own, entry.value, knowledge)
    if path[:1] == ("examples",):
        whose = example_scope(path, own, knowledge)
        datum = whose[1] if whose is not None else None
        if datum is not None and isinstance(datum.type, Code):
            return Pointed("code", name, entry.value, owner=datum.type.code_set)
    return None


def _in_expression(edited: EditedFile, entry: Entry, point: Point, knowledge: Knowledge) -> Pointed | None:
    """Return what a name or a quoted code of an expression means."""
    if entry.value is None:
        return None
    start = entry.value.start
    text = same_length(edited.outline.slice(entry.value), entry.style)
    before = edited.outline.slice(Span(start, point))
    own = own_names(edited, knowledge)
    quoted = text_at(text, len(before))
    if quoted is not None:
        seen = seen_at(text[: quoted.start + 1], own, knowledge.vocabulary)
        if isinstance(seen.code_type, Code):
            code = quoted.text.strip("\"'").strip()
            if not code:
                return None
            span = _span(text, start, quoted.start + 1, quoted.end - 1)
            return Pointed("code", code, span, owner=seen.code_type.code_set)
        return None
    named = name_at(text, len(before))
    if named is None:
        return None
    names, begin, end, first = named
    seen = seen_at(text[:first], own, knowledge.vocabulary, closed=True)
    return _name(names, seen, own, _span(text, start, begin, end), text[end:].lstrip()[:1], knowledge)


def _name(
    names: list[str], seen: Seen, own: OwnNames, span: Span, following: str, knowledge: Knowledge
) -> Pointed | None:
    """Return what a dotted path up to a name means, in the order in which the checker looks names up."""
    name = names[-1]
    if len(names) == 1:
        if following == "(" and name in FUNCTIONS:
            return Pointed("function", name, span)
        if name in ("on", "period_start", "period_end", "true", "false", "subject", "not"):
            return Pointed("word", name, span)
        is_item = seen.in_item and seen.scope.find(name) is not None
        if not is_item and name in own.definitions:
            return Pointed("definition", name, span)
        if not is_item and name in own.parameters:
            return Pointed("parameter", name, span)
        if seen.scope.find(name) is None and name in knowledge.vocabulary.indicators:
            return Pointed("indicator", name, span)
        if seen.scope.find(name) is None and name in knowledge.vocabulary.code_groups:
            return Pointed("group", name, span)
    found, _ = resolve(names, seen.scope, seen.subject, knowledge.vocabulary)
    return Pointed("found", name, span, found=found) if found is not None else None


def _span(text: str, start: Point, begin: int, end: int) -> Span:
    return Span(moved(text, start, begin), moved(text, start, end))


def moved(text: str, start: Point, offset: int) -> Point:
    """Return the place of the character number `offset` of a text that begins at `start`."""
    before = text[:offset]
    lines = before.count("\n")
    if not lines:
        return Point(start.line, start.column + offset)
    return Point(start.line + lines, offset - before.rfind("\n") - 1)
