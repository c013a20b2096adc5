"""Reading a text line by line, by its indentation; never fails."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from policies.document import DEPTH_LIMIT
from policies.editing.entries import Entry, Frame, Open, Path, unquoted
from policies.editing.flow_reading import FlowReader
from policies.editing.positions import Point, Span

# A quoted key, or where a plain one may begin; a key ends with a colon before a blank or the end of the line.
_QUOTED_KEY = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')[ \t]*+:(?=\s|$)""")
_PLAIN_START = re.compile(r"""[^\s"'\[\]{}#&*!|>%@`,:-]""")
_PLAIN_END = re.compile(r":(?=\s|$)|(?<=\s)#")
_BLOCK = re.compile(r"[|>][-+0-9]*\s*(#.*)?$")
_COMMENT = re.compile(r"(?:^|\s)#")


def key_in(rest: str) -> tuple[str, int] | None:
    """Return the key that a line begins with, as it is written, and where its colon ends; None without one."""
    quoted = _QUOTED_KEY.match(rest)
    if quoted is not None:
        return quoted[1], quoted.end()
    end = _PLAIN_END.search(rest, 1) if _PLAIN_START.match(rest) else None
    if end is None or end[0] != ":":
        return None
    return rest[: end.start()].rstrip(), end.end()


@dataclass(slots=True)
class BlockReader:
    lines: list[str]
    frames: list[Frame] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    open: Open | None = None
    line: int = 0

    def read(self) -> None:
        """Read all lines."""
        while self.line < len(self.lines):
            self._block_line()

    def path(self) -> Path:
        """Return where the value that comes next belongs."""
        parts = (frame.key if frame.kind == "mapping" else frame.number for frame in self.frames)
        return tuple(part for part in parts if part is not None)

    def blank(self) -> Open:
        """Return what the end of the last line stands in when nothing has begun on it."""
        last = len(self.lines) - 1
        text = self.lines[last]
        column = len(text)
        if text.strip():
            return Open("nothing", self.path(), Point(last, column), None)
        self._close(column)
        top = self.frames[-1] if self.frames else None
        if top is None and not self.entries:
            return Open("key", (), Point(last, column), None)
        if top is not None and top.kind == "mapping" and top.indent == column:
            return Open("key", self.path()[:-1], Point(last, column), None)
        if top is not None and top.kind == "list":
            return Open("nothing", self.path(), Point(last, column), None)
        entry = self.entries[-1] if self.entries else None
        if entry is not None and entry.path == self.path() and entry.value is None:
            return Open("value", self.path(), Point(last, column), None)
        if entry is not None and entry.path == self.path() and self._may_go_on(entry):
            assert entry.value is not None
            return Open("value", entry.path, entry.value.start)
        return Open("nothing", self.path(), Point(last, column), None)

    def _may_go_on(self, entry: Entry) -> bool:
        """Whether a plain text that ended on the line before may go on here: no comment has closed it."""
        if entry.style != "plain" or entry.value is None:
            return False
        end = entry.value.end
        return end.line == len(self.lines) - 2 and not self.lines[end.line][end.column :].strip()

    def _close(self, column: int, *, item: bool = False) -> None:
        """Leave the mappings and lists that a line at `column` no longer belongs to."""
        while self.frames:
            top = self.frames[-1]
            same = top.indent == column and top.kind == "list" and not item and not top.is_flow
            beside = same and len(self.frames) > 1 and self.frames[-2].indent == column
            if top.indent > column or top.is_flow or beside:
                self.frames.pop()
            else:
                return

    # Lines

    def _block_line(self) -> None:
        raw = self.lines[self.line]
        rest = raw.lstrip(" ")
        column = len(raw) - len(rest)
        if not rest.strip() or rest[0] == "#" or raw.startswith(("---", "...", "%")):
            self.line += 1
            return
        while rest == "-" or rest.startswith("- "):
            self._close(column, item=True)
            if len(self.frames) >= DEPTH_LIMIT:
                self.line += 1  # nothing that deep can be meant
                return
            top = self.frames[-1] if self.frames else None
            if top is None or top.kind != "list" or top.indent != column:
                top = Frame("list", column)
                self.frames.append(top)
            top.number += 1
            marker, column = column, column + 1
            column += len(raw[column:]) - len(raw[column:].lstrip(" "))
            rest = raw[column:]
            if not rest.strip() or rest[0] == "#" or (key_in(rest) is None and not rest.startswith("- ")):
                self._value(None, column, marker)
                return
            self.entries.append(Entry(self.path(), None))
        self._close(column)
        self._line_with_key(rest, column)

    def _line_with_key(self, rest: str, column: int) -> None:
        top = self.frames[-1] if self.frames else None
        found = key_in(rest)
        is_here = top is not None and top.kind == "mapping" and top.indent == column
        if found is None:
            if is_here or top is None:
                self._unfinished_key(column)
            else:
                self._value(None, column, top.indent)
            return
        if top is None or not is_here:
            top = Frame("mapping", column)
            self.frames.append(top)
        text, end = found
        top.key = unquoted(text)
        key = Span(Point(self.line, column), Point(self.line, column + len(text)))
        self._value(key, column + end, column)

    def _unfinished_key(self, column: int) -> None:
        """A line without a colon in a mapping: nothing comes of it, unless the text ends here."""
        text = self.lines[self.line]
        if self.line == len(self.lines) - 1 and not _COMMENT.search(text[column:]):
            top = self.frames[-1] if self.frames else None
            path = self.path()[:-1] if top is not None else ()
            self.open = Open("key", path, Point(self.line, column))
        self.line += 1

    def _value(self, key: Span | None, column: int, indent: int) -> None:
        """Read the value that begins at `column` of this line, or on the next one; it belongs to what stands at `indent`."""
        raw = self.lines[self.line]
        rest = raw[column:]
        begin = column + len(rest) - len(rest.lstrip(" "))
        first = raw[begin : begin + 1]
        path = self.path()
        pending = self.entries[-1] if self.entries else None
        if key is None and pending is not None and pending.path == path and pending.value is None:
            self.entries.pop()  # the value of a key whose line ended with its colon
            key = pending.key
        if not first or first == "#":
            self.entries.append(Entry(path, key))
            # Straight after the colon a value cannot begin: a blank comes first.
            may_begin = not first and (rest != "" or raw.endswith(" "))
            if self.line == len(self.lines) - 1:
                self.open = Open("value" if may_begin else "nothing", path, Point(self.line, len(raw)), None)
            self.line += 1
        elif first in "[{":
            self.entries.append(Entry(path, key, Span(Point(self.line, begin), Point(self.line, begin + 1)), first))  # type: ignore[arg-type]
            FlowReader(self, indent).read(begin)
        elif first in "\"'":
            self._quoted(key, begin, indent)
        elif _BLOCK.match(raw[begin:]):
            self._block(key, indent)
        else:
            self._plain(key, begin, indent)

    def _plain(self, key: Span | None, begin: int, indent: int) -> None:
        first = self.line
        while True:
            raw = self.lines[self.line]
            start = begin if self.line == first else 0
            comment = _COMMENT.search(raw, start)
            end = Point(self.line, len(raw[: comment.start()].rstrip()) if comment else len(raw))
            self.line += 1
            following = self.lines[self.line] if self.line < len(self.lines) else ""
            if comment or not following.strip() or not self._goes_on(following, indent):
                break
        path = self.path()
        span = Span(Point(first, begin), end)
        self.entries.append(Entry(path, key, span, "plain"))
        if self.line == len(self.lines) and not comment:
            self.open = Open("value", path, span.start)

    @staticmethod
    def _goes_on(line: str, indent: int) -> bool:
        rest = line.lstrip(" ")
        return len(line) - len(rest) > indent and not rest.startswith(("#", "- ")) and key_in(rest) is None

    def _quoted(self, key: Span | None, begin: int, indent: int) -> None:
        start = Point(self.line, begin + 1)
        mark = self.lines[self.line][begin]
        end, is_closed = self.to_quote(start, mark, indent)
        path = self.path()
        self.entries.append(Entry(path, key, Span(start, end), mark))  # type: ignore[arg-type]
        if not is_closed and end.line == len(self.lines) - 1:
            self.open = Open("value", path, start, mark)  # type: ignore[arg-type]
        self.line = end.line + 1

    def to_quote(self, start: Point, mark: str, indent: int) -> tuple[Point, bool]:
        """Return where a quotation ends, and whether it has been closed there."""
        line, column = start.line, start.column
        while True:
            raw = self.lines[line]
            while column < len(raw):
                if mark == '"' and raw[column] == "\\":
                    column += 2
                elif raw[column] != mark:
                    column += 1
                elif mark == "'" and raw[column + 1 : column + 2] == "'":
                    column += 2
                else:
                    return Point(line, column), True
            following = self.lines[line + 1] if line + 1 < len(self.lines) else None
            if following is None or (following.strip() and len(following) - len(following.lstrip(" ")) <= indent):
                return Point(line, len(raw)), False
            line, column = line + 1, 0

    def _block(self, key: Span | None, indent: int) -> None:
        header = self.line
        self.line += 1
        while self.line < len(self.lines):
            raw = self.lines[self.line]
            if raw.strip() and len(raw) - len(raw.lstrip(" ")) <= indent:
                break
            self.line += 1
        last = self.line - 1
        is_open = self.line == len(self.lines)
        while last > header and not self.lines[last].strip() and not is_open:
            last -= 1
        path = self.path()
        if last == header:
            self.entries.append(Entry(path, key))
            return
        span = Span(Point(header + 1, 0), Point(last, len(self.lines[last])))
        self.entries.append(Entry(path, key, span, "block"))
        # A last line that is not indented beyond the key may begin something new.
        tail = self.lines[last]
        if is_open and (tail.strip() or len(tail) > indent):
            self.open = Open("value", path, span.start, "block")
