"""What a notice may be filled in with: `{amount}` and its like, offered behind an opening brace of a text to people and explained."""

from __future__ import annotations

import re
from collections.abc import Mapping

from policies.bundles import PLACEHOLDERS as BUNDLE_PLACEHOLDERS
from policies.editing.edited import Cursor, EditedFile
from policies.editing.entries import Path
from policies.editing.offers import Completion
from policies.editing.positions import Point, Span
from policies.formalities import PLACEHOLDERS as RULE_PLACEHOLDERS
from policies.text import Bilingual

_BRACES = re.compile(r"\{([a-z]+)\}")
MEANINGS: Mapping[str, Bilingual] = {
    "amount": Bilingual("金额,以元写出", "the amount, written in yuan"),
    "period": Bilingual("所属周期,如 2025年7月", "the period, such as July 2025"),
    "title": Bilingual("政策的名称", "the title of the policy"),
    "count": Bilingual("一并给了几项", "how many were granted together"),
    "policies": Bilingual("各项待遇,逐一列出", "what was granted, one by one"),
    "total": Bilingual("合计金额", "all amounts together"),
}


def placeholders_at(edited: EditedFile, cursor: Cursor) -> tuple[list[Completion], Point] | None:
    """Return what may stand behind an open brace of a notice, and where it begins; None elsewhere."""
    names = _names(edited, cursor)
    line = cursor.point.line
    first = cursor.start.column if cursor.start.line == line else 0
    before = edited.outline.lines[line][first : cursor.point.column]
    opened = before.rfind("{")
    typed = before[opened + 1 :]
    if not names or opened < 0 or not (typed == "" or typed.isidentifier()):
        return None
    is_closed = edited.outline.lines[line][cursor.point.column : cursor.point.column + 1] == "}"
    end = "" if is_closed else "}"
    found = [Completion(name, "word", name + end, MEANINGS[name]) for name in names]
    return found, Point(line, first + opened + 1)


def placeholder_at(edited: EditedFile, point: Point) -> tuple[str, Span] | None:
    """Return the placeholder of a notice that stands at a point, with its braces, or None."""
    entry = edited.outline.at(point)
    if entry is None or entry.value is None or not entry.value.holds(point):
        return None
    names = _known(edited, entry.path)
    for found in _BRACES.finditer(edited.outline.lines[point.line]):
        if found.start() <= point.column <= found.end() and found[1] in names:
            return found[1], Span(Point(point.line, found.start()), Point(point.line, found.end()))
    return None


def _names(edited: EditedFile, cursor: Cursor) -> tuple[str, ...]:
    if cursor.role != "value" or cursor.style in (None, "{", "["):
        return ()
    return _known(edited, cursor.path)


def _known(edited: EditedFile, path: Path) -> tuple[str, ...]:
    if edited.kind == "rule" and path in (("notice", "granted", "zh"), ("notice", "granted", "en")):
        return RULE_PLACEHOLDERS
    if edited.kind == "bundle" and path in (("notice", "zh"), ("notice", "en")):
        return BUNDLE_PLACEHOLDERS
    return ()
