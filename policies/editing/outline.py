"""The keys and values of a text that may be unfinished: what stands where, read as far as it can be.

The strict reader (`policies.document`) refuses a text with a mistake; while somebody types there nearly always is
one. This one reads the same part of YAML, never fails, and leaves a list or a quotation that is never closed at the
next line that cannot belong to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from policies.editing.block_reading import BlockReader
from policies.editing.entries import Entry, Open, Path
from policies.editing.positions import Point, Span, lines_of


@dataclass(frozen=True)
class Outline:
    """All entries of a text, in its order."""

    lines: tuple[str, ...]
    entries: tuple[Entry, ...]
    open: Open

    @cached_property
    def by_path(self) -> dict[Path, Entry]:
        """The first entry of each path."""
        found: dict[Path, Entry] = {}
        for entry in self.entries:
            found.setdefault(entry.path, entry)
        return found

    @cached_property
    def below(self) -> dict[Path, tuple[Entry, ...]]:
        """The entries directly below each path."""
        found: dict[Path, list[Entry]] = {}
        for entry in self.by_path.values():
            found.setdefault(entry.path[:-1], []).append(entry)
        return {path: tuple(entries) for path, entries in found.items()}

    def keys(self, path: Path) -> tuple[str, ...]:
        """Return the keys of the mapping at `path`, in order."""
        return tuple(str(one.path[-1]) for one in self.below.get(path, ()) if one.key is not None)

    def text(self, path: Path) -> str:
        """Return the scalar at `path` on one line, or the empty text."""
        entry = self.by_path.get(path)
        if entry is None or entry.value is None or entry.style in ("{", "["):
            return ""
        return " ".join(self.slice(entry.value).split())

    def slice(self, span: Span) -> str:
        """Return the characters of a span, lines joined by line feeds."""
        start, end = span.start, span.end
        if start.line == end.line:
            return self.lines[start.line][start.column : end.column]
        middle = self.lines[start.line + 1 : end.line]
        return "\n".join([self.lines[start.line][start.column :], *middle, self.lines[end.line][: end.column]])

    def slice_from(self, start: Point) -> str:
        """Return everything from a point to the end."""
        return self.slice(Span(start, Point(len(self.lines) - 1, len(self.lines[-1]))))

    def at(self, point: Point) -> Entry | None:
        """Return the innermost entry whose key or scalar holds the point."""
        found = None
        for entry in self.entries:
            is_scalar = entry.value is not None and entry.style not in ("{", "[")
            if (entry.key is not None and entry.key.holds(point)) or (
                is_scalar and entry.value is not None and entry.value.holds(point)
            ):
                found = entry
        return found


@lru_cache(maxsize=64)
def outline_of(text: str) -> Outline:
    """Return the outline of a text."""
    return _read(lines_of(text.removeprefix("\ufeff")))


def outline_until(lines: Sequence[str], point: Point) -> Outline:
    """Return the outline of what stands before a point: its `open` says what the point stands in."""
    return _read([*lines[: point.line], lines[point.line][: point.column]])


def _read(lines: list[str]) -> Outline:
    reader = BlockReader(lines)
    reader.read()
    return Outline(tuple(reader.lines), tuple(reader.entries), reader.open or reader.blank())
