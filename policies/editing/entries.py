"""What the tolerant reader finds: keys and values with their places, and what the end of a text stands in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from policies.editing.positions import Point, Span

Path = tuple[str | int, ...]
# How a value is written: plain, quoted, as a block of lines, or as a mapping or a list in brackets; None: nothing there.
Style = Literal["plain", "'", '"', "block", "{", "["]


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping or an item of a list.

    path    keys and positions that lead to the value
    key     where the key stands; None for an item
    value   where the value stands, without its quotes; None if nothing has been written
    """

    path: Path
    key: Span | None
    value: Span | None = None
    style: Style | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """What the end of a text stands in: a key, a value that has begun or may begin here, or nothing that is known."""

    role: Literal["key", "value", "nothing"]
    path: Path
    start: Point
    style: Style | None = "plain"
    is_flow: bool = False


@dataclass(slots=True)
class Frame:
    """A mapping or a list that is open: its column (that of the line it began in, inside brackets), its key or position."""

    kind: Literal["mapping", "list"]
    indent: int
    is_flow: bool = False
    key: str | None = None
    number: int = -1


def unquoted(text: str) -> str:
    """Return the text of a key without its quotation marks."""
    text = text.strip()
    if text[:1] == "'" and text.endswith("'") and len(text) > 1:
        return text[1:-1].replace("''", "'")
    if text[:1] == '"' and text.endswith('"') and len(text) > 1:
        return text[1:-1].replace('\\"', '"')
    return text
