"""Corrections that a finding names without doubt: the one word that was meant, put in place of the one that stands there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from policies.editing.positions import Point, Span
from policies.errors import Diagnostic
from policies.text import Bilingual

# A word of an expression or a file, a code, a dotted path, an id.
_WORD = re.compile(r"[\w.-]+")
_MEANT = re.compile(r"did you mean `([^`]+)`\?")
_OUTER = re.compile(r"the subject's own is `([^`]+)`")
_NAMED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Repair:
    """What to write instead of what stands at a place."""

    title: Bilingual
    span: Span
    text: str


def repair_of(finding: Diagnostic, lines: Sequence[str]) -> Repair | None:
    """Return the correction that a finding names; None unless the wrong word stands where the finding points."""
    if finding.help is None or finding.place.line is None:
        return None
    meant = _MEANT.search(finding.help.en) or _OUTER.search(finding.help.en)
    if meant is None:
        return None
    wrong = set(_NAMED.findall(finding.message.en)) - {meant[1]}
    span = span_of(finding, lines)
    line = span.start.line
    for one in (one for one in wrong if not _WORD.fullmatch(one)):
        # Such as {amount} in a notice: it stands somewhere in the text that the finding is about.
        found = lines[line].find(one, span.start.column)
        if found >= 0 and one not in lines[line][found + 1 :]:
            where = Span(Point(line, found), Point(line, found + len(one)))
            return Repair(Bilingual(f"改为 `{meant[1]}`", f"write `{meant[1]}`"), where, meant[1])
    for candidate in _words_in(span, lines):
        text = lines[line][candidate.start.column : candidate.end.column]
        if text in wrong:
            title = Bilingual(f"改为 `{meant[1]}`", f"write `{meant[1]}`")
            return Repair(title, candidate, meant[1])
    return None


def _words_in(span: Span, lines: Sequence[str]) -> list[Span]:
    """Return the words of the line from the place of the finding on, the nearest first; parts of dotted ones included."""
    line = span.start.line
    found = []
    for word in _WORD.finditer(lines[line], span.start.column):
        found.append(Span(Point(line, word.start()), Point(line, word.end())))
        start = word.start()
        for part in word[0].split("."):
            found.append(Span(Point(line, start), Point(line, start + len(part))))
            start += len(part) + 1
    return found[:12]


def span_of(finding: Diagnostic, lines: Sequence[str]) -> Span:
    """Return what a finding is about: from its place to the end of the word, quotation or text that begins there."""
    line = min((finding.place.line or 1) - 1, len(lines) - 1)
    text = lines[line]
    start = min((finding.place.column or 1) - 1, len(text))
    rest = text[start:]
    mark = rest[:1]
    word = re.match(r"[\w.-]+", rest)
    if mark and mark in "\"'" and mark in rest[1:]:
        end = start + rest.index(mark, 1) + 1
    elif word is not None:
        end = start + word.end()
    else:
        end = start + len(rest.rstrip())
    if end <= start:
        # Past the end of the line: editors show the last character instead of nothing.
        start = max(start - 1, 0)
        end = max(end, min(start + 1, len(text)))
    return Span(Point(line, start), Point(line, end))
