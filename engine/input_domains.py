"""Which values an input can take at all, as far as one policy can tell them apart.

Numbers come from the catalog's bounds and dates from the calendar. Of codes and texts, a few stand for all:
the policy can only ask whether two are equal, whether one is in a list, or lies below a prefix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.policy_inputs import deciding_expressions
from engine.possible_values import NO, YES, Choice, Possible, Span
from policies.periods import FIRST_DAY, LAST_DAY
from policies.policy import FixedPolicy
from policies.tree import In, Literal, Lookup, Node, PrefixLookup, Within, walk
from policies.types import Bool, Code, Date, Number, Type, Value, to_day_number
from policies.vocabulary import CodeSet, Vocabulary

_OF_EACH_KIND = 2  # so that two unknown codes of one kind can be equal, or not
_DAYS = Span(to_day_number(FIRST_DAY), to_day_number(LAST_DAY))


@dataclass(frozen=True, slots=True)
class Mentioned:
    """The texts and the prefixes of codes that a policy, or the data it looks at, name."""

    texts: tuple[str, ...]
    prefixes: tuple[str, ...]

    def kind_of(self, text: str) -> tuple[object, ...]:
        """Return what tells `text` apart from others."""
        return (text if text in self.texts else "", *(text.startswith(prefix) for prefix in self.prefixes))


def mentioned_by(fixed: FixedPolicy, inputs: Mapping[str, Value]) -> Mentioned:
    """Return every text and prefix of the deciding expressions and of the inputs' present values."""
    texts = {value for value in inputs.values() if isinstance(value, str)}
    prefixes: set[str] = set()
    for root in deciding_expressions(fixed):
        for node in walk(root):
            texts.update(_texts(node))
            if isinstance(node, Within):
                prefixes.update(node.prefixes)
            elif isinstance(node, PrefixLookup):
                prefixes.update(prefix for prefix, _ in node.cases)
    return Mentioned(tuple(sorted(texts)), tuple(sorted(prefixes)))


def _texts(node: Node) -> Iterator[str]:
    found: tuple[object, ...] = ()
    if isinstance(node, Literal):
        found = (node.value,)
    elif isinstance(node, In):
        found = node.values
    elif isinstance(node, Lookup):
        found = (*(key for key, _ in node.cases), *(value for _, value in node.cases), node.default)
    elif isinstance(node, PrefixLookup):
        found = tuple(value for _, value in node.cases)
    yield from (one for one in found if isinstance(one, str))


def domain_of(kind: Type, now: Value, mentioned: Mentioned, vocabulary: Vocabulary) -> Possible:
    """Return every value an input of this type may take; its present value is always among them."""
    if isinstance(kind, Bool):
        return YES | NO
    if isinstance(kind, Number | Date):
        low, high = (kind.low, kind.high) if isinstance(kind, Number) else _DAYS[:2]
        if isinstance(now, int):
            low, high = min(low, now), max(high, now)
        return Span(low, high)
    code_set = vocabulary.code_sets.get(kind.code_set) if isinstance(kind, Code) else None
    chosen = set(_texts_for(code_set, mentioned))
    if isinstance(now, str):
        chosen.add(now)
    return Choice(frozenset(chosen))


def _texts_for(code_set: CodeSet | None, mentioned: Mentioned) -> Iterator[str]:
    counts: dict[tuple[object, ...], int] = {}
    for text in _candidates(code_set, mentioned):
        kind = mentioned.kind_of(text)
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] <= _OF_EACH_KIND:
            yield text


def _candidates(code_set: CodeSet | None, mentioned: Mentioned) -> list[str]:
    if code_set is None:
        # Free text: what is mentioned, and two that nobody mentions.
        longest = max((len(text) for text in (*mentioned.texts, *mentioned.prefixes)), default=0)
        return sorted({*mentioned.texts, *mentioned.prefixes, "-" * (longest + 1), "-" * (longest + 2)})
    found = set(code_set.codes)
    if code_set.open or not found:
        width = max((len(code) for code in (*code_set.codes, *mentioned.texts)), default=6)
        padded = {f"{prefix:{fill}<{width}}" for prefix in mentioned.prefixes for fill in "0129"}
        pattern = re.compile(code_set.pattern or ".*")
        found |= {text for text in (*mentioned.texts, *padded) if pattern.fullmatch(text)}
    return sorted(found)
