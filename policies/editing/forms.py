"""A mapping with what it must have, to be filled in: offered where a value begins on the line of its key."""

from __future__ import annotations

from dataclasses import replace

from policies.editing.entries import Path
from policies.editing.offers import Completion
from policies.editing.shapes import FileKind, allowed_at
from policies.text import Bilingual

_DEPTH_LIMIT = 4
_DETAIL = Bilingual("先填这些", "what comes first")


def form_at(kind: FileKind, path: Path) -> Completion | None:
    """Return the mapping that must stand at `path` with a hole for every value; None if none must, or a list may."""
    text = _form(kind, path, _DEPTH_LIMIT)
    if text is None:
        return None
    pieces = text.split("\0")
    holes, at = [], 0
    for piece in pieces[:-1]:
        at += len(piece)
        holes.append(at)
    insert = "".join(pieces)
    return Completion("…".join(pieces), "form", insert, _DETAIL, rank=0, holes=tuple(holes))


def put_into(one: Completion, before: str, after: str) -> Completion:
    """Return a completion that also writes what stands around it."""
    holes = tuple(len(before) + hole for hole in one.holes)
    return replace(one, insert=before + one.insert + after, holes=holes)


def _form(kind: FileKind, path: Path, depth: int) -> str | None:
    """Return the mapping with a zero byte for every hole; where nothing must be there, with its first key."""
    allowed = allowed_at(kind, path)
    required = [key for key in allowed.keys if key.is_required]
    if not required and path and depth == _DEPTH_LIMIT:
        required = list(allowed.keys[:1])
    if not required or allowed.expression or allowed.is_list or not depth:
        return None
    parts = []
    for key in required:
        inner = _form(kind, (*path, key.name), depth - 1) if key.opens == "mapping" else None
        parts.append(f"{key.name}: {inner if inner is not None else chr(0)}")
    return "{" + ", ".join(parts) + "}"
