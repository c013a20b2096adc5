"""Codes and texts as integers, such that the codes which begin with a prefix are one unbroken range."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Protocol

from policies.tree import In as Membership
from policies.tree import Literal, Node, PrefixLookup, Within, walk
from policies.tree import Lookup as Table
from policies.types import Code, Text, Type
from policies.vocabulary import Vocabulary

_DIGITS = re.compile(r"\^\\d\{(\d+)(?:,(\d+))?\}\$")
# Beginnings that are alternatives of digits, then so many digits of any kind.
_BEGUN = re.compile(r"\^(\([0-9|\[\]-]+\))\\d\{(\d+)\}\$")
_LONGEST_BEGINNING = 4
# So many codes of an open set are written out; a set with more needs digits of one length.
_WRITTEN_OUT_AT_MOST = 20_000
# How many texts that no rule mentions are told apart under each prefix: more than any formula has symbols.
_OTHERS = 1_000_000
_LAST = "\U0010ffff"


class Numbering(Protocol):
    """A one-to-one numbering of the texts of one type."""

    @property
    def bounds(self) -> tuple[int, int]:
        """The lowest and the highest number of any text."""

    def number(self, text: str) -> int | None:
        """Return the number of a text; None if the type has no such text."""

    def text(self, number: int) -> str:
        """Return the text of a number within the bounds."""

    def range(self, prefix: str) -> tuple[int, int]:
        """Return the lowest and highest number of the texts that begin with `prefix`; low > high if none does."""


@dataclass(frozen=True, slots=True)
class DigitNumbers:
    """All codes of one of the `beginnings` (of one length, ascending) and `more` digits: numbered in their order."""

    more: int
    beginnings: tuple[str, ...] = ("",)

    @property
    def bounds(self) -> tuple[int, int]:
        """From the first beginning and zeros to the last and nines."""
        return 0, len(self.beginnings) * 10**self.more - 1

    def number(self, text: str) -> int | None:
        """Return the place of a code among all of them."""
        begun = len(self.beginnings[0])
        place, rest = bisect_left(self.beginnings, text[:begun]), text[begun:]
        if self.beginnings[place : place + 1] != (text[:begun],) or not _is_of_digits(rest, self.more):
            return None
        number: int = place * 10**self.more + int(rest)
        return number

    def text(self, number: int) -> str:
        """Return the code at a place."""
        place, rest = divmod(number, 10**self.more)
        return f"{self.beginnings[place]}{rest:0{self.more}d}"

    def range(self, prefix: str) -> tuple[int, int]:
        """Return the codes between the prefix filled with zeros and filled with nines."""
        begun = len(self.beginnings[0])
        first = bisect_left(self.beginnings, prefix[:begun])
        after = bisect_left(self.beginnings, prefix[:begun] + _LAST)
        rest = prefix[begun:]
        if first == after or len(rest) > self.more or not _is_of_digits(rest, len(rest)):
            return 1, 0
        if len(prefix) <= begun:
            return first * 10**self.more, after * 10**self.more - 1
        low, high = int(rest.ljust(self.more, "0")), int(rest.ljust(self.more, "9"))
        return first * 10**self.more + low, first * 10**self.more + high


@dataclass(frozen=True, slots=True)
class ListedNumbers:
    """A closed list of codes in alphabetical order: the number is the position."""

    codes: tuple[str, ...]

    @property
    def bounds(self) -> tuple[int, int]:
        """The first and the last position."""
        return 0, len(self.codes) - 1

    def number(self, text: str) -> int | None:
        """Return the position of a code."""
        position = bisect_left(self.codes, text)
        return position if position < len(self.codes) and self.codes[position] == text else None

    def text(self, number: int) -> str:
        """Return the code at a position."""
        return self.codes[number]

    def range(self, prefix: str) -> tuple[int, int]:
        """Return the positions of the codes with this beginning, which lie side by side."""
        return bisect_left(self.codes, prefix), bisect_left(self.codes, prefix + _LAST) - 1


class OpenNumbers:
    """Texts without end: those that rules mention, and plenty of others under each prefix that rules ask for.

    Numbers are dealt out in alphabetical order; after a prefix and the mentioned texts below it come the
    numbers of texts that begin with it and are mentioned nowhere.
    """

    def __init__(self, mentioned: Iterable[str], prefixes: Iterable[str]) -> None:
        self._mentioned: dict[str, int] = {}
        self._texts: dict[int, str] = {}
        self._ranges: dict[str, tuple[int, int]] = {}
        self._others: list[tuple[int, str]] = []
        self._next = 0
        asked = sorted(set(prefixes) - {""})
        self._deal("", sorted(set(mentioned)), asked)

    def _deal(self, prefix: str, texts: list[str], prefixes: list[str]) -> None:
        first = self._next
        while prefixes:
            inner = prefixes[0]
            inside = [one for one in prefixes if one.startswith(inner)]
            prefixes = prefixes[len(inside) :]
            below = [text for text in texts if text.startswith(inner)]
            texts = [text for text in texts if not text.startswith(inner)]
            self._deal(inner, below, inside[1:])
        for text in texts:
            self._mentioned[text] = self._next
            self._texts[self._next] = text
            self._next += 1
        self._others.append((self._next, prefix))
        self._next += _OTHERS
        self._ranges[prefix] = (first, self._next - 1)

    @property
    def bounds(self) -> tuple[int, int]:
        """Everything dealt out."""
        return 0, self._next - 1

    def number(self, text: str) -> int | None:
        """Return the number of a mentioned text."""
        return self._mentioned.get(text)

    def text(self, number: int) -> str:
        """Return the mentioned text, or make one up that is mentioned nowhere."""
        if number in self._texts:
            return self._texts[number]
        first, prefix = max(one for one in self._others if one[0] <= number)
        return f"{prefix}~{number - first + 1}"

    def range(self, prefix: str) -> tuple[int, int]:
        """Return the numbers of a prefix that was asked for."""
        return self._ranges[prefix]


class Numberings:
    """The numbering of every type of the formulas at hand."""

    def __init__(self, vocabulary: Vocabulary, roots: Iterable[Node], also: Mapping[str, Iterable[str]] = {}) -> None:
        """`also` names further texts by code set ("" for plain text), such as those of a person to be pinned."""
        self._vocabulary = vocabulary
        self._mentioned: dict[str, set[str]] = {name: set(texts) for name, texts in also.items()}
        self._prefixes: dict[str, set[str]] = {}
        self._made: dict[str, Numbering] = {}
        for root in roots:
            for node in walk(root):
                self._collect(node)

    def _collect(self, node: Node) -> None:
        if isinstance(node, Literal) and isinstance(node.value, str):
            self._mention(node.type, (node.value,))
        elif isinstance(node, Membership):
            self._mention(node.child.type, node.values)
        elif isinstance(node, Within):
            self._prefixes.setdefault(set_of(node.child.type), set()).update(node.prefixes)
        elif isinstance(node, Table):
            self._mention(node.key.type, (case for case, _ in node.cases))
            self._mention(node.type, (*(value for _, value in node.cases), node.default))
        elif isinstance(node, PrefixLookup):
            self._prefixes.setdefault(set_of(node.key.type), set()).update(prefix for prefix, _ in node.cases)
            self._mention(node.type, (value for _, value in node.cases))

    def _mention(self, kind: Type, values: Iterable[object]) -> None:
        if isinstance(kind, Code | Text):
            texts = (value for value in values if isinstance(value, str))
            self._mentioned.setdefault(set_of(kind), set()).update(texts)

    def of(self, kind: Type) -> Numbering:
        """Return the numbering of a type of texts."""
        name = set_of(kind)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Numbering:
        code_set = self._vocabulary.code_sets.get(name)
        mentioned = self._mentioned.get(name, set())
        if code_set is None or (code_set.open and code_set.pattern is None):
            listed = code_set.codes if code_set is not None else ()
            return OpenNumbers({*mentioned, *listed}, self._prefixes.get(name, set()))
        if not code_set.open:
            return ListedNumbers(tuple(sorted({*code_set.codes, *mentioned})))
        found = _DIGITS.fullmatch(code_set.pattern or "")
        if found is not None:
            least, most = int(found[1]), int(found[2] or found[1])
            if least == most and all(_is_of_digits(code, most) for code in (*code_set.codes, *mentioned)):
                return DigitNumbers(most)
            if sum(10**length for length in range(least, most + 1)) <= _WRITTEN_OUT_AT_MOST:
                written = {
                    "".join(digits) for n in range(least, most + 1) for digits in product("0123456789", repeat=n)
                }
                return ListedNumbers(tuple(sorted({*written, *code_set.codes, *mentioned})))
        begun = _begun_numbers(code_set.pattern or "")
        if begun is not None and all(begun.number(code) is not None for code in (*code_set.codes, *mentioned)):
            return begun
        return OpenNumbers({*mentioned, *code_set.codes}, self._prefixes.get(name, set()))


def _begun_numbers(pattern: str) -> DigitNumbers | None:
    """Return the codes of a pattern such as `^(11|3[1-7])\\d{4}$`; None if it is of another kind."""
    found = _BEGUN.fullmatch(pattern)
    if found is None:
        return None
    head = re.compile(found[1])
    by_length = {
        length: [text for digits in product("0123456789", repeat=length) if head.fullmatch(text := "".join(digits))]
        for length in range(_LONGEST_BEGINNING + 1)
    }
    lengths = [length for length, texts in by_length.items() if texts]
    if len(lengths) != 1 or lengths[0] == _LONGEST_BEGINNING:  # longer ones might have been missed
        return None
    return DigitNumbers(int(found[2]), tuple(by_length[lengths[0]]))


def _is_of_digits(text: str, length: int) -> bool:
    return len(text) == length and (not text or (text.isascii() and text.isdigit()))


def set_of(kind: Type) -> str:
    """Return the name of a type's code set; "" for plain text."""
    return kind.code_set if isinstance(kind, Code) else ""
