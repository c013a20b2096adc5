"""What may stand in an expression at the cursor: names in sight, functions, words, and the codes of what is compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from policies.aggregates import AGGREGATES
from policies.editing import describing
from policies.editing.expressions import Seen
from policies.editing.knowledge import Knowledge, OwnNames
from policies.editing.offers import Completion, Days, codes
from policies.editing.wanted import ValueKind, kind_of, kind_of_function, kind_of_parameter
from policies.function_meanings import FUNCTION_MEANINGS
from policies.functions import FUNCTIONS
from policies.scopes import Scope
from policies.text import Bilingual
from policies.types import Code
from policies.vocabulary import Attribute, Link

# What an expression may look at: all it sees; nobody's data; nothing but data.
Reads = Literal["all", "no data", "data"]
# So much further down stands what is of another kind than the place wants.
_MISFIT = 10
_MODES = {
    "half_up": Bilingual("四舍五入", "half up"),
    "down": Bilingual("舍去", "down"),
    "up": Bilingual("进位", "up"),
}


def offered(
    seen: Seen, own: OwnNames, days: Days, knowledge: Knowledge, mark: str, kind: ValueKind | None, reads: Reads = "all"
) -> list[Completion]:
    """Return what may be written in an expression that may look at what `reads` says.

    `mark` is the quotation mark that codes get; what is not of the `kind` wanted stands further down.
    """
    found = [one for one in _offered(seen, own, days, knowledge, mark) if _may_read(one, own, reads)]
    if kind is None:
        return found
    return [
        replace(one, rank=one.rank + _MISFIT) if one.value not in (None, kind) or one.label == "not" else one
        for one in found
    ]


def _may_read(one: Completion, own: OwnNames, reads: Reads) -> bool:
    if reads == "all":
        return True
    definition = own.definitions.get(one.label) if one.kind == "definition" else None
    looks = definition is None or definition.looks_at_data
    if reads == "data":
        is_constant = one.kind in ("parameter", "indicator") or (one.kind == "word" and one.label != "subject")
        return not is_constant and looks
    is_data = one.kind in ("attribute", "link", "collection") or one.label == "subject"
    is_aggregate = one.kind == "function" and one.label in AGGREGATES and one.label not in ("min", "max")
    return not is_data and not is_aggregate and (one.kind != "definition" or not looks)


def _offered(seen: Seen, own: OwnNames, days: Days, knowledge: Knowledge, mark: str) -> list[Completion]:
    code_set = seen.code_type.code_set if isinstance(seen.code_type, Code) else None
    if seen.wants == "mode":
        quote = "" if seen.quote else mark
        return [Completion(name, "choice", quote + name + quote, meaning) for name, meaning in _MODES.items()]
    if seen.quote:
        return list(_codes(code_set, seen, days, knowledge, "")) if code_set else []
    if seen.owner is not None:
        return list(_names(seen.owner, seen, knowledge, is_plain=False))
    if seen.wants in ("nothing", "digits"):
        return []
    if seen.wants == "operator":
        return [
            Completion(word, "operator", word, meaning, rank=number)
            for number, (word, meaning) in enumerate(describing.OPERATORS.items())
        ]
    if seen.wants == "scale":
        return list(_parameters(own, frozenset({"scale"})))
    if seen.wants == "parameter":
        return list(_parameters(own, frozenset({"scalar", "table"})))
    if seen.wants in ("group", "part"):
        found = list(_codes(code_set, seen, days, knowledge, mark)) if code_set else []
        if seen.wants == "group":  # each as a list that can be gone on with
            found = [replace(one, insert=f"[{one.insert}]", rank=1) for one in found]
        return [*_groups(code_set, knowledge), *found]
    found = list(_codes(code_set, seen, days, knowledge, mark)) if code_set else []
    if seen.listed or (code_set and not found):
        return found
    if seen.wants == "collection":
        return [*_names(seen.scope, seen, knowledge, is_plain=True), *_subject(seen)]
    return [*found, *_names(seen.scope, seen, knowledge, is_plain=True), *_own(own, seen, knowledge),
            *_indicators(seen, knowledge), *_words(own, seen), *_functions()]  # fmt: skip


def _codes(code_set: str, seen: Seen, days: Days, knowledge: Knowledge, mark: str) -> Iterator[Completion]:
    for code, title, is_past in codes(code_set, days, knowledge):
        if code not in seen.listed:
            yield Completion(code, "code", f"{mark}{code}{mark}", title, None, 0, is_past)


def _groups(code_set: str | None, knowledge: Knowledge) -> Iterator[Completion]:
    for name, (belongs, members) in sorted(knowledge.vocabulary.code_groups.items()):
        if belongs == code_set:
            listed = ", ".join(members)
            kind = Bilingual(f"代码组:{listed}", f"a group of codes: {listed}")
            yield Completion(name, "group", name, kind, rank=0)


def _names(scope: Scope, seen: Seen, knowledge: Knowledge, *, is_plain: bool) -> Iterator[Completion]:
    """Yield the names of the catalog: in the first place of an aggregate what leads to collections, else values."""
    for name in dict.fromkeys(scope.names()):
        found = scope.find(name)
        if found is None:
            continue
        what = found.what
        own_rank = 2 if scope.collection is not None and name in scope.collection.attributes else 3
        if isinstance(what, Attribute):
            if seen.wants != "collection":
                line = describing.of_attribute(what, knowledge)
                fits = seen.code_type is not None and what.type == seen.code_type
                meaning = describing.attribute_in_full(what, knowledge)
                kind = kind_of(what.type)
                yield Completion(name, "attribute", name, line, meaning, 1 if fits else own_rank, value=kind)
        elif isinstance(what, Link):
            yield Completion(name, "link", name, describing.of_link(what, knowledge), rank=4)
        elif seen.wants in ("collection", "either"):
            line = describing.of_collection(what, knowledge)
            yield Completion(name, "collection", name, line, describing.found_in_full(what, knowledge), 2)


def _subject(seen: Seen) -> Iterator[Completion]:
    if seen.in_item or seen.scope is not seen.subject:
        yield Completion("subject", "word", "subject", describing.WORDS["subject"], rank=5)


def _parameters(own: OwnNames, forms: frozenset[str]) -> Iterator[Completion]:
    for name, parameter in own.parameters.items():
        if parameter.form in forms:
            insert = f"{name}[" if parameter.form == "table" else name
            line = describing.of_parameter(parameter)
            meaning, kind = describing.parameter_in_full(parameter), kind_of_parameter(parameter)
            yield Completion(name, "parameter", insert, line, meaning, 1, value=kind)


def _own(own: OwnNames, seen: Seen, knowledge: Knowledge) -> Iterator[Completion]:
    """Yield the file's own names; inside an aggregate only those that look at nobody's data."""
    hidden = {name for name in (*own.parameters, *own.definitions) if seen.in_item and seen.scope.find(name)}
    yield from (one for one in _parameters(own, frozenset({"scalar", "table"})) if one.label not in hidden)
    for name, definition in own.definitions.items():
        if name in hidden or (seen.in_item and definition.looks_at_data):
            continue
        kind = describing.of_type(definition.type, knowledge) if definition.type is not None else None
        line = describing.joined(Bilingual("定义", "definition"), kind)
        meaning = describing.definition_in_full(definition, knowledge)
        yield Completion(name, "definition", name, line, meaning, 1, value=kind_of(definition.type))


def _indicators(seen: Seen, knowledge: Knowledge) -> Iterator[Completion]:
    for name, indicator in sorted(knowledge.vocabulary.indicators.items()):
        if seen.scope.find(name) is None:
            line = describing.of_indicator(indicator)
            yield Completion(name, "indicator", name, line, rank=4, value=kind_of(indicator.type))


_WORDS: dict[str, ValueKind] = {
    **dict.fromkeys(("on", "period_start", "period_end"), "date"),
    **dict.fromkeys(("true", "false"), "bool"),
}


def _words(own: OwnNames, seen: Seen) -> Iterator[Completion]:
    without_period = own.period in ("once", "event")
    for word, meaning in describing.WORDS.items():
        if word == "subject" or (without_period and word in ("period_start", "period_end")):
            continue
        yield Completion(word, "word", word, meaning, rank=6, value=_WORDS.get(word))
    yield from _subject(seen)


def _functions() -> Iterator[Completion]:
    for name, function in FUNCTIONS.items():
        zh, en, _ = FUNCTION_MEANINGS[name]
        line = Bilingual(f"{function.form} · {zh}", f"{function.form} · {en}")
        meaning, kind = describing.function_in_full(name), kind_of_function(name)
        yield Completion(name, "function", f"{name}(", line, meaning, 7, value=kind)
