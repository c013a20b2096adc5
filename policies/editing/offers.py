"""What is offered to whoever writes: one completion, and the few ways in which they are put together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from policies.editing.describing import EMPTY, both, of_code
from policies.editing.entries import Style
from policies.editing.knowledge import POLICIES, Knowledge
from policies.editing.outline import Outline
from policies.text import Bilingual

Kind = Literal[
    "key", "choice", "attribute", "link", "collection", "parameter", "definition", "function", "word", "operator",
    "code", "group", "policy", "indicator", "event", "fund", "space", "unit", "date", "form",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Completion:
    """One offer.

    label    what the list shows, and what is typed to find it
    insert   what is written
    detail   one line about it
    meaning  more about it
    rank     those of a smaller rank stand further up; within one rank the order is kept
    is_past  whether it should not be used any more, such as a code that has gone out of use
    value    in an expression, the kind of value it stands for, if that is known
    holes    where in `insert` something is still to be written
    """

    label: str
    kind: Kind
    insert: str
    detail: Bilingual = EMPTY
    meaning: Bilingual | None = None
    rank: int = 5
    is_past: bool = False
    value: str | None = None
    holes: tuple[int, ...] = ()


# A text that means something else without quotation marks, or is no single word.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_NOT_TEXTS = frozenset({"true", "false", "null"})


def written(text: str, style: Style | None) -> str:
    """Return a text as it is written into a file: in quotation marks where it needs some and has none yet."""
    if style in ("'", '"'):
        return text
    return text if _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXTS else f'"{text}"'


@dataclass(frozen=True, slots=True)
class Days:
    """The days for which a file speaks; None is open."""

    first: date | None = None
    last: date | None = None


def days_of(outline: Outline) -> Days:
    """Return the days on which a rule or an overlay is in force, as far as its text shows them."""
    return Days(_day(outline.text(("in_force", "from"))), _day(outline.text(("in_force", "to"))))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def codes(code_set: str, days: Days, knowledge: Knowledge) -> Iterator[tuple[str, Bilingual, bool]]:
    """Yield the codes of a set that are in use on one of the days: code, what it is called, whether it ends before they do."""
    if code_set == POLICIES:
        for id, policy in sorted(knowledge.policies.items()):
            yield id, both(policy.title or EMPTY), False
        return
    known = knowledge.vocabulary.code_sets.get(code_set)
    if known is None:
        return
    limits = knowledge.validity.get(code_set, {})
    for code in known.codes:
        first, last = limits.get(code, (None, None))
        if last is not None and days.first is not None and last < days.first:
            continue
        if first is not None and days.last is not None and first > days.last:
            continue
        ends = last is not None and (days.last is None or last < days.last)
        yield code, of_code(code_set, code, knowledge), ends
