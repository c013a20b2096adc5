"""The outline of a file as people read it: its parts, its conditions in words, its examples by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from policies.editing.edited import EditedFile
from policies.editing.entries import Entry, Path
from policies.editing.knowledge import bilingual
from policies.editing.outline import Outline
from policies.editing.positions import Point, Span
from policies.text import Bilingual

Kind = Literal["part", "condition", "parameter", "definition", "example", "tier", "ceiling", "policy"]


@dataclass(frozen=True, slots=True)
class Symbol:
    """One line of the outline: its name, a word beside it, what it covers, and the place to go to."""

    name: Bilingual
    detail: str
    kind: Kind
    covers: Span
    place: Span
    children: tuple[Symbol, ...] = ()


def symbols_of(edited: EditedFile) -> tuple[Symbol, ...]:
    """Return the symbols of a file; of one with mistakes, as far as it can be read."""
    outline = edited.outline
    ends = _ends(outline)
    return tuple(_symbol(entry, outline, ends, "part") for entry in outline.below.get((), ()) if entry.key is not None)


_INNER: dict[str, Kind] = {
    "parameters": "parameter",
    "definitions": "definition",
    "examples": "example",
    "policies": "policy",
    "tiers": "tier",
    "instalments": "tier",
    "ceilings": "ceiling",
    "all": "condition",
    "any": "condition",
    "none": "condition",
}


def _symbol(entry: Entry, outline: Outline, ends: dict[Path, Point], kind: Kind) -> Symbol:
    place = entry.key or entry.value or Span(Point(0, 0), Point(0, 0))
    begin = place.start
    first = outline.below.get(entry.path, ())
    if entry.key is None and entry.value is None and first and first[0].key is not None:
        place = first[0].key
        begin = place.start
    covers = Span(begin, max(ends.get(entry.path, place.end), place.end))
    name, detail = _words(entry, outline, kind)
    return Symbol(name, detail, kind, covers, place, tuple(_children(entry, outline, ends)))


def _children(entry: Entry, outline: Outline, ends: dict[Path, Point]) -> list[Symbol]:
    last = entry.path[-1]
    inner = outline.below.get(entry.path, ())
    if isinstance(last, str) and last in _INNER:
        return [_symbol(one, outline, ends, _INNER[last]) for one in inner]
    if last in ("eligibility", "benefit") or isinstance(last, int):
        groups = [one for one in inner if one.path[-1] in ("all", "any", "none", "tiers", "instalments", "ceilings")]
        return [_symbol(one, outline, ends, "condition") for one in groups]
    return []


def _words(entry: Entry, outline: Outline, kind: Kind) -> tuple[Bilingual, str]:
    """Return what a symbol is called: conditions by their words, examples by their names, all else by its key."""
    path = entry.path
    if kind == "condition" and isinstance(path[-1], int):
        expression = outline.text((*path, "when")) or outline.text(path)
        group = next((key for key in ("all", "any", "none") if (*path, key) in outline.by_path), "")
        return bilingual(outline, (*path, "says")) or _same(expression or group or "-"), expression or group
    if kind == "example":
        return _same(outline.text((*path, "name")) or f"[{path[-1]}]"), outline.text((*path, "on"))
    if kind == "tier":
        return _same(outline.text((*path, "amount")) or outline.text((*path, "share")) or "-"), outline.text(
            (*path, "when")
        )
    if kind == "ceiling":
        return bilingual(outline, (*path, "says")) or _same(str(path[-1])), outline.text((*path, "amount"))
    if kind == "policy":
        return _same(outline.text((*path, "policy")) or "-"), ""
    if kind == "parameter":
        title = bilingual(outline, (*path, "title"))
        return _same(str(path[-1])), title.zh if title is not None else ""
    return _same(str(path[-1])), outline.text(path)[:80]


def _same(text: str) -> Bilingual:
    return Bilingual(text or "-", text or "-")


def _ends(outline: Outline) -> dict[Path, Point]:
    """Return where everything below each path ends."""
    found: dict[Path, Point] = {}
    for entry in outline.entries:
        span = entry.value or entry.key
        if span is None:
            continue
        for length in range(1, len(entry.path) + 1):
            path = entry.path[:length]
            found[path] = max(found.get(path, span.end), span.end)
    return found
