"""Where what is pointed at has been declared: in the file, in the rule of an overlay, or in the catalog."""

from __future__ import annotations

from dataclasses import dataclass

from policies.editing.edited import EditedFile
from policies.editing.entries import Path
from policies.editing.knowledge import Declared, Knowledge
from policies.editing.outline import Outline
from policies.editing.pointing import Pointed, pointed_at
from policies.editing.positions import Point, Span
from policies.scopes import Found
from policies.vocabulary import Attribute, Collection

# Sections of the catalog whose names stand directly below them.
_SECTIONS = {"fund": "funds", "event": "events", "space": "spaces", "indicator": "indicators", "group": "code_groups",
             "code_set": "code_sets"}  # fmt: skip
_START = Span(Point(0, 0), Point(0, 0))


@dataclass(frozen=True, slots=True)
class Declaration:
    """Where something is declared: the name of a file, or None for the file that is edited, and a place in it."""

    file: str | None
    span: Span


def declared_at(edited: EditedFile, point: Point, knowledge: Knowledge) -> Declaration | None:
    """Return where what stands at a point has been declared, or None."""
    pointed = pointed_at(edited, point, knowledge)
    if pointed is None:
        return None
    if pointed.kind in ("parameter", "definition"):
        return _own(pointed, edited, knowledge)
    if pointed.kind == "policy":
        known = knowledge.policies.get(pointed.name)
        return Declaration(known.file, _START) if known is not None else None
    found = knowledge.declared.get(_catalog_path(pointed))
    return Declaration(found.file, found.key) if found is not None else None


def _own(pointed: Pointed, edited: EditedFile, knowledge: Knowledge) -> Declaration | None:
    path: Path = (f"{pointed.kind}s", pointed.name)
    if edited.kind == "overlay":
        rule = knowledge.policies.get(edited.outline.text(("overlays",)))
        if rule is None:
            return None
        found = rule.own_places.get(path)
        return Declaration(rule.file, found) if found is not None else None
    entry = edited.outline.by_path.get(path)
    return Declaration(None, entry.key) if entry is not None and entry.key is not None else None


def _catalog_path(pointed: Pointed) -> Path:
    if pointed.kind == "code":
        return ("code_sets", pointed.owner, "codes", pointed.name)
    if pointed.kind == "found" and pointed.found is not None:
        return _of_found(pointed.found)
    return (_SECTIONS.get(pointed.kind, ""), pointed.name)


def _of_found(found: Found) -> Path:
    kind = "attributes" if isinstance(found.what, Attribute) else "links"
    if isinstance(found.what, Collection):
        return ("spaces", found.owner, "collections", found.what.name)
    space, _, collection = found.owner.partition(".")
    if collection:
        return ("spaces", space, "collections", collection, kind, found.what.name)
    return ("spaces", space, kind, found.what.name)


def catalog_places(file: str, outline: Outline) -> dict[Path, Declared]:
    """Return where a file of the catalog declares what."""
    return {
        entry.path: Declared(file, entry.key)
        for entry in outline.entries
        if entry.key is not None and 2 <= len(entry.path) <= 6
    }
