"""Corrections that write something that is not there: a missing key, a purpose of sensitive data, quotation marks.

They are offered where the finding leaves no doubt what is to be written and where; a value of the author's own stays
open.
"""

from __future__ import annotations

import re

from policies.editing.edited import EditedFile
from policies.editing.entries import Entry, Path
from policies.editing.forms import form_at
from policies.editing.outline import Outline
from policies.editing.positions import Point, Span
from policies.editing.repairs import Repair, span_of
from policies.editing.shapes import allowed_at
from policies.errors import Diagnostic
from policies.foreign_signs import number_remedy
from policies.text import Bilingual

_ADDED = re.compile(r"add `([a-z_]+):` here")
_PURPOSE = re.compile(r"write `([a-z][a-z0-9_]*): purpose` under `sensitive:`")
_QUOTED_DATE = re.compile(r"""(["'])(\d{4}-\d{2}-\d{2})\1""")
_QUOTED_NUMBER = re.compile(r"""(["'])(-?\d+(?:\.\d+)?)\1""")
# Signs of a Chinese keyboard, and numbers as people write them; see `policies.foreign_signs`.
_INSTEAD = re.compile(r"write (?:`([^`]+)` instead of `([^`]+)`|a plain space instead of U\+([0-9A-F]{4}))")
_ALONE = re.compile(r"write the number alone: `([\d.]+)`")
_WITH_UNIT = re.compile(
    r"\d[\d.]*(?:(?:,\d{3})+|[eE]\d{1,2})?\s*[%％百千万亿]*(?:元|块|分|周岁|岁|人|天|日|个月|月|年)?"
)
_SINGLE_EQUALS = re.compile(r"(?<![=!<>])=(?!=)")


def insertion_of(finding: Diagnostic, edited: EditedFile) -> Repair | None:
    """Return what is to be written so that a finding goes away; None if that cannot be told."""
    if finding.help is None or finding.place.line is None or finding.place.line > len(edited.outline.lines):
        return None
    told = finding.help.en
    added, purpose = _ADDED.fullmatch(told), _PURPOSE.fullmatch(told)
    if added is not None:
        return _missing_key(added[1], finding, edited)
    if purpose is not None:
        return _purpose(purpose[1], edited)
    return _marks(told, finding, edited.outline)


# Quotation marks, and one sign for another


def _marks(told: str, finding: Diagnostic, outline: Outline) -> Repair | None:
    span = span_of(finding, outline.lines)
    text = outline.slice(span)
    if told == "put quotes around it" and re.fullmatch(r"[\w.-]+", text):
        return _instead(span, f'"{text}"')
    if told.endswith("without quotes"):
        bare = _QUOTED_DATE.fullmatch(text) if told.startswith("write it as 2") else _QUOTED_NUMBER.fullmatch(text)
        return _instead(span, bare[2]) if bare is not None else None
    instead, alone = _INSTEAD.match(told), _ALONE.fullmatch(told)
    if instead is not None and instead[2] != "=":
        plain, sign = (" ", chr(int(instead[3], 16))) if instead[3] else (instead[1], instead[2])
        return _sign(plain, sign, span.start, outline)
    if alone is not None:
        return _number(alone[1], span.start, outline)
    if told == "write `==` instead of `=`":
        line = span.start.line
        found = list(_SINGLE_EQUALS.finditer(outline.lines[line], span.start.column))
        if len(found) == 1:
            return _instead(Span(Point(line, found[0].start()), Point(line, found[0].end())), "==")
    return None


def _sign(plain: str, sign: str, start: Point, outline: Outline) -> Repair | None:
    """Return a sign at or behind a place written as the language has it; a colon also gets the blank that YAML wants."""
    line = outline.lines[start.line]
    at = line.find(sign, start.column)
    if at < 0:
        return None
    after = line[at + len(sign) :]
    text = ": " if plain == ":" and after[:1].strip() else plain
    return _instead(Span(Point(start.line, at), Point(start.line, at + len(sign))), text)


def _number(plain: str, start: Point, outline: Outline) -> Repair | None:
    """Return the number around or behind a place that is written with a unit, a separator or a power, written plainly."""
    for found in _WITH_UNIT.finditer(outline.lines[start.line]):
        remedy = number_remedy(found[0]) if found.end() > start.column else None
        if remedy is not None and f"`{plain}`" in remedy.en:
            span = Span(Point(start.line, found.start()), Point(start.line, found.end()))
            return _instead(span, plain)
    return None


def _instead(span: Span, text: str) -> Repair:
    return Repair(Bilingual(f"改为 `{text}`", f"write `{text}`"), span, text)


# Keys


def _missing_key(key: str, finding: Diagnostic, edited: EditedFile) -> Repair | None:
    path = _mapping_at(finding, edited.outline)
    if path is None or key in edited.outline.keys(path):
        return None
    if key not in {one.name for one in allowed_at(edited.kind, path).keys}:
        return None
    form = form_at(edited.kind, (*path, key))
    return _written(f"{key}: {form.insert if form is not None else ''}", key, path, edited)


def _mapping_at(finding: Diagnostic, outline: Outline) -> Path | None:
    """Return the path of the mapping that a finding stands at the beginning of."""
    if finding.message.en.startswith("the key `"):
        return ()
    here = Point((finding.place.line or 1) - 1, (finding.place.column or 1) - 1)
    for entry in outline.entries:
        if entry.value is not None and entry.style == "{" and entry.value.start == here:
            return entry.path
        if entry.key is not None and entry.key.start == here:
            return entry.path[:-1]
    return None


def _purpose(name: str, edited: EditedFile) -> Repair | None:
    if edited.kind != "rule" or name in edited.outline.keys(("sensitive",)):
        return None
    entry = edited.outline.by_path.get(("sensitive",))
    if entry is None:
        return _written(f"sensitive: {{{name}: }}", "sensitive", (), edited)
    if entry.value is None or entry.style == "{":
        return _written(f"{name}: ", name, ("sensitive",), edited)
    return None


def _written(text: str, key: str, path: Path, edited: EditedFile) -> Repair | None:
    """Return the line or the piece in braces that is written into a mapping, in the order of the model where it has one."""
    title = Bilingual(f"补上 `{text.strip()}`", f"add `{text.strip()}`")
    outline = edited.outline
    own = outline.by_path.get(path)
    below = [one for one in outline.below.get(path, ()) if one.key is not None]
    if own is not None and own.style == "{" and own.value is not None:
        start = own.value.end
        return Repair(title, Span(start, start), text + (", " if below else ""))
    if not below:
        return None
    order = [one.name for one in allowed_at(edited.kind, path).keys]
    rank = order.index(key) if key in order else len(order)
    before = [one for one in below if str(one.path[-1]) in order and order.index(str(one.path[-1])) < rank]
    anchor = before[-1] if before else below[-1]
    assert anchor.key is not None
    column = anchor.key.start.column
    last = _last_line(anchor, outline)
    end = Point(last, len(outline.lines[last]))
    return Repair(title, Span(end, end), "\n" + " " * column + text)


def _last_line(entry: Entry, outline: Outline) -> int:
    """Return the last line of what stands under a key: lines further in, or a list at its own column."""
    assert entry.key is not None
    column, last = entry.key.start.column, entry.key.start.line
    for number in range(last + 1, len(outline.lines)):
        line = outline.lines[number]
        rest = line.lstrip(" ")
        if not rest.strip():
            continue
        indent = len(line) - len(rest)
        if indent < column or (indent == column and not rest.startswith(("- ", "]", "}"))):
            break
        last = number
    return last
