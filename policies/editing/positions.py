"""Lines and columns: in characters here, in the units of an editor outside.

Editors count a line's columns in UTF-16 units unless something else is agreed: a Chinese character is one unit, one
beyond the Basic Multilingual Plane (a rare character of a name) is two. In UTF-8 they are three and four.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]

# The line ends of editors; Python's own list has more (form feeds, separators), which stand inside a line.
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """A place between two characters: line and column, both from 0, the column in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From a point to a point; the end is not part of it."""

    start: Point
    end: Point

    def holds(self, point: Point) -> bool:
        """Return whether the point lies in the span or at one of its ends."""
        return self.start <= point <= self.end


def lines_of(text: str) -> list[str]:
    """Return the lines of a text as editors count them, without their ends."""
    return _LINE_END.split(text)


def to_units(line: str, column: int, encoding: Encoding) -> int:
    """Return how many units of the encoding the first `column` characters of a line take."""
    if encoding == "utf-32" or line.isascii():
        return min(column, len(line))
    before = line[:column]
    return len(before.encode("utf-8", "surrogatepass")) if encoding == "utf-8" else _utf16(before)


def from_units(line: str, units: int, encoding: Encoding) -> int:
    """Return the column in characters; a place within a character counts as before it, one beyond the end as the end."""
    if encoding == "utf-32" or line.isascii():
        return min(units, len(line))
    left = units
    for column, character in enumerate(line):
        size = len(character.encode("utf-8", "surrogatepass")) if encoding == "utf-8" else _utf16(character)
        if left < size:
            return column
        left -= size
    return len(line)


def _utf16(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)
