"""Reading what stands in brackets; never fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from policies.document import DEPTH_LIMIT
from policies.editing.entries import Entry, Frame, Open, Style, unquoted
from policies.editing.positions import Point, Span

if TYPE_CHECKING:
    from policies.editing.block_reading import BlockReader

_BLANKS = re.compile(r"[ \t]*")


class FlowReader:
    """Reads what stands in brackets, until they are closed or a line cannot belong to them."""

    def __init__(self, reader: BlockReader, indent: int) -> None:
        self.reader = reader
        self.indent = indent
        self.outside = len(reader.frames)
        self.line = reader.line
        self.column = 0

    def read(self, begin: int) -> None:
        """Read from the opening bracket."""
        self.column = begin
        for character in self._characters():
            if character in "{[":
                if len(self.reader.frames) >= DEPTH_LIMIT:
                    self.line += 1  # nothing that deep can be meant
                    break
                self._enter(character)
            elif character in "}]":
                self.column += 1
                if len(self.reader.frames) > self.outside:
                    self.reader.frames.pop()
                if len(self.reader.frames) <= self.outside:
                    self.reader.line = self.line + 1
                    return
            elif character == ",":
                self.column += 1
                self._next()
            else:
                self._token(character)
            if self.reader.open is not None:
                break
        self._leave()

    def _characters(self) -> Iterator[str]:
        """Yield the character under the head, blanks and comments left out, while the lines belong here."""
        lines = self.reader.lines
        while True:
            raw = lines[self.line]
            self.column = _after_blanks(raw, self.column)
            if self.column < len(raw) and raw[self.column] != "#":
                yield raw[self.column]
                continue
            if self.line + 1 == len(lines):
                if self.column >= len(raw):
                    self._end()
                return
            following = lines[self.line + 1]
            if following.strip() and len(following) - len(following.lstrip(" ")) <= self.indent:
                self.line += 1
                return
            self.line, self.column = self.line + 1, 0

    def _leave(self) -> None:
        del self.reader.frames[self.outside :]
        self.reader.line = (
            len(self.reader.lines) if self.reader.open is not None else max(self.line, self.reader.line + 1)
        )

    def _end(self) -> None:
        """The text ends here, with nothing begun."""
        self._stop("key" if self._awaits_key() else "value", Point(self.line, self.column), None)

    def _stop(self, role: Literal["key", "value"], start: Point, style: Style | None) -> None:
        self.reader.open = Open(role, self.reader.path(), start, style, is_flow=True)

    def _awaits_key(self) -> bool:
        top = self.reader.frames[-1]
        return top.kind == "mapping" and top.key is None

    def _enter(self, character: str) -> None:
        reader = self.reader
        if len(reader.frames) > self.outside:
            top = reader.frames[-1]
            style: Style = "{" if character == "{" else "["
            span = Span(Point(self.line, self.column), Point(self.line, self.column + 1))
            if top.kind == "list":
                reader.entries.append(Entry(reader.path(), None, span, style))
            elif reader.entries and reader.entries[-1].path == reader.path():
                reader.entries[-1] = Entry(reader.path(), reader.entries[-1].key, span, style)
        kind: Literal["mapping", "list"] = "mapping" if character == "{" else "list"
        reader.frames.append(Frame(kind, self.indent, True, None, 0))
        self.column += 1

    def _next(self) -> None:
        top = self.reader.frames[-1]
        if top.kind == "mapping":
            top.key = None
        else:
            top.number += 1

    def _token(self, character: str) -> None:
        start = Point(self.line, self.column)
        style: Style = "plain"
        if character in "\"'":
            style = "'" if character == "'" else '"'
            start = Point(self.line, self.column + 1)
            end, is_closed = self.reader.to_quote(start, character, self.indent)
            self.line, self.column = end.line, end.column + is_closed
        else:
            end, is_closed = self._plain(start)
        is_end = self.line == len(self.reader.lines) - 1 and self.column >= len(self.reader.lines[self.line])
        if self._awaits_key():
            if is_end and not (is_closed and style != "plain"):
                self._stop("key", start, style)
            else:
                self._key(Span(start, end), style)
        else:
            top = self.reader.frames[-1]
            found = self.reader.entries[-1] if self.reader.entries else None
            path = self.reader.path()
            if top.kind == "mapping" and found is not None and found.path == path:
                self.reader.entries[-1] = Entry(path, found.key, Span(start, end), style)
            elif top.kind == "list":
                self.reader.entries.append(Entry(path, None, Span(start, end), style))
            if is_end and not (is_closed and style != "plain"):
                self._stop("value", start, style)

    def _key(self, span: Span, style: Style) -> None:
        raw = self.reader.lines[self.line]
        top = self.reader.frames[-1]
        top.key = unquoted(self.reader.lines[span.start.line][span.start.column : span.end.column])
        if style != "plain":
            span = Span(Point(span.start.line, span.start.column - 1), Point(span.end.line, span.end.column + 1))
        self.reader.entries.append(Entry(self.reader.path(), span))
        colon = _after_blanks(raw, self.column)
        if raw[colon : colon + 1] == ":":
            self.column = colon + 1

    def _plain(self, start: Point) -> tuple[Point, bool]:
        """Return where a plain text ends on this line; commas inside parentheses do not end an expression."""
        raw, column, depth = self.reader.lines[self.line], start.column, 0
        is_key = self._awaits_key()
        while column < len(raw):
            character = raw[column]
            if character == ":" and (is_key or depth == 0) and raw[column + 1 : column + 2] in ("", " ", ",", "}", "]"):
                break
            if character == "#" and raw[column - 1] in " \t":
                break
            if character in "([{" and not is_key:
                depth += 1
            elif character in ")]}" and depth:
                depth -= 1
            elif character in ",]}" and not depth:
                break
            column += 1
        is_closed = column < len(raw)
        self.column = column if column > start.column else column + 1
        end = start.column + len(raw[start.column : column].rstrip()) if is_closed else column
        return Point(self.line, end), is_closed


def _after_blanks(raw: str, column: int) -> int:
    found = _BLANKS.match(raw, column)
    return found.end() if found is not None else column
