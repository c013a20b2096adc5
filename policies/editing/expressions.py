"""An expression up to the cursor: whose names are seen there, behind what, and whether a code is being written.

The text need not be an expression yet. It is cut into words; open brackets say which call or list the cursor stands in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from policies.aggregates import AGGREGATES
from policies.editing.knowledge import POLICIES, OwnNames
from policies.scopes import GRANTS, Found, Scope
from policies.types import Code, Type
from policies.vocabulary import Attribute, Collection, Link, Vocabulary

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"?|'[^']*'?)|(?P<name>[A-Za-z_]\w*)|(?P<number>\d[\d.]*)|(?P<mark>==|!=|<=|>=|[^\s\w])"""
)
# The one text of the language that stands for something known: the policy of an earlier grant.
GRANTED_POLICY = GRANTS.attributes["policy"]
Wanted = Literal[
    "value", "collection", "either", "group", "part", "scale", "parameter", "digits", "mode", "operator", "nothing"
]  # fmt: skip
# Function and place -> what stands there, where that is no value.
_PLACES: dict[tuple[str, int], Wanted] = {
    ("progressive", 1): "scale",
    ("value_on", 1): "parameter",
    **dict.fromkeys((("date", 1), ("date", 2), ("date", 3)), "digits"),
    **dict.fromkeys((("round_half_up", 2), ("round_down", 2), ("round_up", 2), ("round_to", 2)), "digits"),
    ("round_to", 3): "mode",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression and where it begins and ends in its text."""

    kind: Literal["text", "name", "number", "mark"]
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What can be seen from a place inside an expression.

    scope       whose names are plain there; `subject` is what `subject.` means
    owner       whose names may follow a dot; None unless the cursor stands behind one
    in_item     whether the place lies inside an aggregate
    typed       the name or the text (without quotation mark) that has been begun
    start       where `typed` begins in the expression
    quote       the mark of the text that is open, or ""
    code_type   the type of what is compared with: its codes are wanted here
    wants       `value`; `collection` in the first place of an aggregate, `either` in that of `min` and `max`;
                `group` behind `in`; `part` in the second place of `within`; `scale` in the first of `progressive`,
                `parameter` in that of `value_on`; `digits` where only a number may be written; `mode` for the way of
                rounding; `operator` behind a value that is complete, `nothing` while the cursor still touches it
    listed      the codes that the open list already has
    """

    scope: Scope
    subject: Scope
    owner: Scope | None
    in_item: bool
    typed: str
    start: int
    quote: str = ""
    code_type: Type | None = None
    wants: Wanted = "value"
    listed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Bracket:
    """An open bracket: its place among the words, the function before it, and where each argument begins."""

    token: int
    mark: str
    function: str
    arguments: tuple[int, ...]


def same_length(raw: str, style: str | None) -> str:
    """Return a quoted scalar's text without YAML's own escapes, every character at the place where it stood."""
    if style == '"':
        return raw.replace('\\"', ' "')
    return raw.replace("''", " '") if style == "'" else raw


def words(text: str) -> list[Token]:
    """Return the words of an expression."""
    return [Token(found.lastgroup, found[0], found.start(), found.end()) for found in _TOKEN.finditer(text)]  # type: ignore[arg-type]


def scopes_in(own: OwnNames, vocabulary: Vocabulary) -> tuple[Scope, Scope]:
    """Return the scope of the subject and that of a unit, as far as the file names them; unknown spaces have no names."""
    space = vocabulary.spaces.get(own.space)
    subject = Scope(0, space)
    collection = space.collections.get(own.for_each) if space is not None else None
    if space is None or collection is None:
        return subject, subject
    return subject, subject.item_of(collection, space.name, 1, vocabulary)


def resolve(names: Sequence[str], scope: Scope, subject: Scope, vocabulary: Vocabulary) -> tuple[Found | None, Scope]:
    """Return what a dotted path means, and the scope that its last name leads to (that of the path, for a value)."""
    rest = list(names)
    if rest[:1] == ["subject"]:
        scope, rest = subject, rest[1:]
    found: Found | None = None
    for name in rest:
        found = scope.find(name)
        if found is None:
            return None, Scope(scope.depth, None)
        if isinstance(found.what, Link):
            scope = scope.follow(found.what, vocabulary)
        elif isinstance(found.what, Collection):
            scope = scope.item_of(found.what, found.owner, scope.depth + 1, vocabulary)
    return found, scope


def seen_at(text: str, own: OwnNames, vocabulary: Vocabulary, *, closed: bool = False) -> Seen:
    """Return what is seen at the end of `text`, which is an expression up to the cursor.

    `closed` tells that the cursor stands behind whatever `text` ends with: nothing is being typed.
    """
    subject, scope = scopes_in(own, vocabulary)
    found = words(text)
    typed, quote, start = "", "", len(text)
    last = found[-1] if found else None
    if last is not None and last.end == len(text) and not closed:
        if last.kind == "name":
            typed, start, found = last.text, last.start, found[:-1]
        elif last.kind == "text" and (len(last.text) == 1 or last.text[-1] != last.text[0]):
            typed, quote, start, found = last.text[1:], last.text[0], last.start + 1, found[:-1]
    brackets = open_brackets(found)
    seen = Seen(scope, subject, None, False, typed, start, quote)
    for bracket in brackets:
        seen = _inside(seen, bracket, found, vocabulary)
    touches = bool(found) and found[-1].end == len(text) and not typed and not closed
    return _behind(seen, found, brackets, own, vocabulary, touches=touches)


def open_brackets(found: Sequence[Token]) -> list[Bracket]:
    """Return the brackets that are still open behind the last word, the outermost first."""
    brackets: list[Bracket] = []
    for position, token in enumerate(found):
        if token.kind != "mark":
            continue
        if token.text in "([":
            before = found[position - 1] if position else None
            name = before.text if before is not None and before.kind == "name" else ""
            brackets.append(Bracket(position, token.text, name, (position + 1,)))
        elif token.text in ")]" and brackets:
            brackets.pop()
        elif token.text == "," and brackets:
            top = brackets[-1]
            brackets[-1] = replace(top, arguments=(*top.arguments, position + 1))
    return brackets


def _inside(seen: Seen, bracket: Bracket, found: Sequence[Token], vocabulary: Vocabulary) -> Seen:
    """Return what is seen inside a call: an aggregate opens the items of its collection to all but its first argument."""
    if bracket.mark != "(" or bracket.function not in AGGREGATES or len(bracket.arguments) < 2:
        return seen
    names = path_before(found, bracket.arguments[1] - 1)
    if not names:
        return seen
    what, item = resolve(names, seen.scope, seen.subject, vocabulary)
    if what is None or not isinstance(what.what, Collection):
        return seen if bracket.function in ("min", "max") else replace(seen, scope=Scope(0, None), in_item=True)
    return replace(seen, scope=item, in_item=True)


def _behind(
    seen: Seen, found: list[Token], brackets: list[Bracket], own: OwnNames, vocabulary: Vocabulary, *, touches: bool
) -> Seen:
    """Return what is seen behind the last whole word, which the cursor may touch: after a dot, a comparison, a bracket."""
    last = found[-1] if found else None
    if last is not None and last.text == "." and not seen.quote:
        names = path_before(found, len(found) - 1)
        what, scope = resolve(names, seen.scope, seen.subject, vocabulary) if names else (None, Scope(0, None))
        leads = names == ["subject"] or (what is not None and not isinstance(what.what, Attribute))
        in_first = bool(brackets) and _is_first_of_aggregate(brackets[-1])
        wants = _first_of(brackets[-1]) if in_first else "value"
        return replace(seen, owner=scope if leads else Scope(0, None), wants=wants)
    top = brackets[-1] if brackets else None
    if top is not None and last is not None and (last.text in ("(", "[", ",")):
        return _opened(seen, found, top, own, vocabulary)
    if last is not None and last.text in ("==", "!="):
        return replace(seen, code_type=type_before(seen, found, len(found) - 1, own, vocabulary))
    if last is not None and last.text == "in":
        end = len(found) - 1
        end -= end > 0 and found[end - 1].text == "not"
        return replace(seen, wants="group", code_type=type_before(seen, found, end, own, vocabulary))
    is_complete = last is not None and (
        last.kind in ("text", "number")
        or (last.kind == "name" and last.text not in ("and", "or", "not", "if", "else"))
        or last.text in (")", "]")
    )
    if not is_complete or seen.quote or last is None:
        return seen
    return replace(seen, wants="nothing" if touches and last.kind != "name" else "operator")


def _is_first_of_aggregate(bracket: Bracket) -> bool:
    return bracket.mark == "(" and bracket.function in AGGREGATES and len(bracket.arguments) == 1


def _first_of(bracket: Bracket) -> Wanted:
    """Return what the first place of an aggregate takes: `min` and `max` are also functions of plain values."""
    return "either" if bracket.function in ("min", "max") else "collection"


def _opened(seen: Seen, found: list[Token], top: Bracket, own: OwnNames, vocabulary: Vocabulary) -> Seen:
    """Return what is seen directly behind a bracket or a comma."""
    if top.mark == "(":
        if _is_first_of_aggregate(top):
            return replace(seen, wants=_first_of(top))
        if top.function == "within" and len(top.arguments) == 2:
            kind = type_before(seen, found, top.arguments[1] - 1, own, vocabulary)
            return replace(seen, wants="part", code_type=kind)
        return replace(seen, wants=_PLACES.get((top.function, len(top.arguments)), "value"))
    listed = frozenset(one.text.strip("\"' ") for one in found[top.token :] if one.kind == "text")
    before = found[top.token - 1] if top.token else None
    if before is None:
        return seen
    if before.text == "in":
        end = top.token - 1
        end -= end > 0 and found[end - 1].text == "not"
        return replace(seen, code_type=type_before(seen, found, end, own, vocabulary), listed=listed)
    if before.text == "," and found[top.token - 2 : top.token - 1]:  # within(code, ["31", "33"])
        return replace(seen, code_type=type_before(seen, found, top.token - 1, own, vocabulary), listed=listed)
    parameter = own.parameters.get(before.text)
    if parameter is not None and parameter.by in vocabulary.code_sets:
        return replace(seen, code_type=Code(parameter.by))
    if parameter is not None and parameter.by:
        what, _ = resolve(parameter.by.split("."), seen.scope, seen.subject, vocabulary)
        if what is not None and isinstance(what.what, Attribute):
            return replace(seen, code_type=what.what.type)
    return seen


def path_before(found: Sequence[Token], end: int) -> list[str]:
    """Return the names of the dotted path that ends before the word number `end`; empty if there is none."""
    names: list[str] = []
    position = end - 1
    while position >= 0 and found[position].kind == "name":
        names.append(found[position].text)
        if position >= 1 and found[position - 1].text == ".":
            position -= 2
        else:
            return names[::-1]
    return []


def type_before(seen: Seen, found: Sequence[Token], end: int, own: OwnNames, vocabulary: Vocabulary) -> Type | None:
    """Return the type of the name that stands before the word number `end`, or None."""
    names = path_before(found, end)
    if not names:
        return None
    if len(names) == 1 and names[0] in own.definitions and not (seen.in_item and seen.scope.find(names[0])):
        return own.definitions[names[0]].type
    what, _ = resolve(names, seen.scope, seen.subject, vocabulary)
    if what is not None and what.what is GRANTED_POLICY:
        return Code(POLICIES)
    return what.what.type if what is not None and isinstance(what.what, Attribute) else None


def name_at(text: str, offset: int) -> tuple[list[str], int, int, int] | None:
    """Return the dotted path up to the name under `offset`, where that name begins and ends, and where the path begins."""
    found = words(text)
    for position, token in enumerate(found):
        if token.kind == "name" and token.start <= offset <= token.end:
            names = path_before(found, position + 1)
            first = position - 2 * (len(names) - 1)
            return names, token.start, token.end, found[first].start
    return None


def text_at(text: str, offset: int) -> Token | None:
    """Return the quoted text under `offset`, or None."""
    return next((one for one in words(text) if one.kind == "text" and one.start <= offset <= one.end), None)
