"""Names that stand as values and keys outside expressions: spaces, funds, events, policies, places, data of examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from policies.editing import describing
from policies.editing.edited import Cursor, EditedFile
from policies.editing.entries import Path
from policies.editing.expressions import GRANTED_POLICY, resolve, scopes_in
from policies.editing.knowledge import POLICIES, Knowledge, KnownPolicy, OwnNames, own_names
from policies.editing.offers import Completion, Kind, codes, days_of, written
from policies.example_facts import ITEM_ID
from policies.scopes import Scope
from policies.text import Bilingual
from policies.types import Bool, Code, Number
from policies.vocabulary import Attribute, Link

_SCHEDULES = {
    "0 2 1 * *": Bilingual("每月 1 日 2 时", "on the 1st of every month at 2"),
    "0 2 * * *": Bilingual("每天 2 时", "every day at 2"),
    "0 2 1 1,4,7,10 *": Bilingual("每季度首日 2 时", "on the first day of every quarter at 2"),
    "0 2 1 1 *": Bilingual("每年 1 月 1 日 2 时", "on 1 January of every year at 2"),
}
_COINS = {"fen": Bilingual("分", "fen"), "jiao": Bilingual("角", "jiao"), "yuan": Bilingual("元", "yuan")}
_COUNTRY = Bilingual("全国", "the whole country")
_BRACKETS = {
    "from": Bilingual("从多少起(第一段为 0)", "from which amount on; the first is 0"),
    "rate": Bilingual("这一段的比率或值", "the rate or the value of this bracket"),
}


def values_at(edited: EditedFile, cursor: Cursor, knowledge: Knowledge) -> list[Completion]:
    """Return the names that may stand as the value at the cursor."""
    own = own_names(edited, knowledge)
    path = cursor.path
    if path[:1] == ("examples",):
        return list(_example_value(edited, cursor, own, knowledge))
    plain = [part for part in path if isinstance(part, str)]
    match edited.kind, plain:
        case "bundle", ["events"]:
            return _titled("event", knowledge.vocabulary.events, cursor)
        case "bundle", ["policies", "policy"]:
            return _policies(knowledge.policies.values(), cursor)
        case "overlay", ["overlays"]:
            return _policies((one for one in knowledge.policies.values() if _opened(one.own)), cursor)
        case "rule" | "overlay", ["region"]:
            country = [Completion("000000", "code", written("000000", cursor.style), _COUNTRY)]
            return [*(country if edited.kind == "rule" else []), *_codes("region", edited, cursor, knowledge)]
        case "rule", _:
            return list(_of_rule(plain, edited, cursor, own, knowledge))
    return []


def _of_rule(
    plain: list[str], edited: EditedFile, cursor: Cursor, own: OwnNames, knowledge: Knowledge
) -> Iterator[Completion]:
    vocabulary, others = knowledge.vocabulary, knowledge.policies.values()
    subject, scope = scopes_in(own, vocabulary)
    match plain:
        case ["space"]:
            yield from _titled("space", {name: one.title for name, one in vocabulary.spaces.items()}, cursor)
        case ["fund"]:
            yield from _titled("fund", vocabulary.funds, cursor)
        case ["triggers"]:
            yield from _titled("event", vocabulary.events, cursor)
        case ["excludes"] | ["net_of"]:
            here = edited.outline.text(("id",))
            yield from _policies((one for one in others if one.id != here), cursor)
        case ["for_each"]:
            for name, collection in (subject.space.collections if subject.space else {}).items():
                yield Completion(name, "collection", name, describing.of_collection(collection, knowledge))
        case ["payee"]:
            yield from _links(scope, knowledge)
        case [("exclusive" | "claims") as key, "group"]:
            groups: dict[str, list[str]] = {}
            for one in others:
                if key in one.groups:
                    groups.setdefault(one.groups[key], []).append(one.id)
            for name, members in sorted(groups.items()):
                listed = ", ".join(members)
                yield Completion(name, "group", name, Bilingual(f"已有:{listed}", f"used by {listed}"))
        case ["parameters", _, "by"]:
            yield from _keyed_by(scope, own, knowledge)
        case ["parameters", _, "unit"]:
            for unit in sorted(_units(knowledge)):
                yield Completion(unit, "unit", written(unit, cursor.style))
        case ["benefit", "rounding", "to"]:
            for coin, title in _COINS.items():
                yield Completion(coin, "unit", coin, title)
        case ["schedule"]:
            for number, (text, title) in enumerate(_SCHEDULES.items()):
                yield Completion(text, "choice", written(text, cursor.style), title, rank=number)


def names_at(edited: EditedFile, cursor: Cursor, knowledge: Knowledge) -> list[Completion]:
    """Return the names that may stand as a key of the mapping at the cursor."""
    own, path = own_names(edited, knowledge), cursor.path
    after = "" if cursor.style in ("'", '"') else ": "
    if path[:1] == ("examples",):
        return list(_example_names(path, own, knowledge, after))
    start = edited.outline.text(("in_force", "from"))
    match edited.kind, path:
        case "overlay", ("parameters",):
            return [
                Completion(name, "parameter", f"{name}: {{{start}: }}" if start and after else name + after,
                           describing.of_parameter(one), describing.parameter_in_full(one))
                for name, one in own.parameters.items() if one.is_open
            ]  # fmt: skip
        case ("overlay", ("parameters", _)) | ("rule", ("parameters", _, "values")) if start:
            return [Completion(start, "date", start + after, Bilingual("施行之日", "the first day in force"))]
        case "rule", ("parameters", str() as name, "values", _):
            return list(_table_keys(own, name, edited, cursor, knowledge, after))
        case "rule", ("parameters", _, "values", _, int()):
            return [Completion(name, "key", name + after, meaning) for name, meaning in _BRACKETS.items()]
        case "rule", ("sensitive",):
            return list(_sensitive(own, edited, knowledge, after))
        case "rule", ("benefit", "monotone"):
            return list(_numbers(own, knowledge, after))
    return []


# Rules


def _titled(kind: Kind, titles: Mapping[str, Bilingual], cursor: Cursor) -> list[Completion]:
    return [
        Completion(name, kind, written(name, cursor.style), describing.both(titles[name])) for name in sorted(titles)
    ]


def _policies(policies: Iterable[KnownPolicy], cursor: Cursor) -> list[Completion]:
    found = sorted(policies, key=lambda one: one.id)
    return [Completion(one.id, "policy", one.id, describing.both(one.title or describing.EMPTY)) for one in found]


def _opened(own: OwnNames) -> bool:
    return any(one.is_open for one in own.parameters.values())


def _codes(code_set: str, edited: EditedFile, cursor: Cursor, knowledge: Knowledge) -> Iterator[Completion]:
    for code, title, is_past in codes(code_set, days_of(edited.outline), knowledge):
        yield Completion(code, "code", written(code, cursor.style), title, None, 0, is_past)


def _links(scope: Scope, knowledge: Knowledge) -> Iterator[Completion]:
    for name in dict.fromkeys(scope.names()):
        found = scope.find(name)
        if found is not None and isinstance(found.what, Link):
            yield Completion(name, "link", name, describing.of_link(found.what, knowledge))


def _keyed_by(scope: Scope, own: OwnNames, knowledge: Knowledge) -> Iterator[Completion]:
    """Yield what a table may be keyed by: a code set, an attribute that is a code or an integer, a definition."""
    for name, code_set in sorted(knowledge.vocabulary.code_sets.items()):
        if scope.find(name) is None:
            yield Completion(
                name, "group", name, describing.joined(code_set.title, Bilingual("代码集", "a code set")), rank=1
            )
    yield Completion("integer", "word", "integer", Bilingual("整数", "an integer"), rank=2)
    for name in dict.fromkeys(scope.names()):
        found = scope.find(name)
        what = found.what if found is not None else None
        if isinstance(what, Attribute) and (
            isinstance(what.type, Code) or (isinstance(what.type, Number) and what.type.scale == 0)
        ):
            yield Completion(name, "attribute", name, describing.of_attribute(what, knowledge), rank=3)
    for name in own.definitions:
        yield Completion(name, "definition", name, Bilingual("定义", "definition"), rank=4)


def _units(knowledge: Knowledge) -> set[str]:
    found = {unit for one in knowledge.policies.values() for unit in one.units}
    vocabulary = knowledge.vocabulary
    for space in vocabulary.spaces.values():
        for attributes in (space.attributes, *(one.attributes for one in space.collections.values())):
            found |= {one.type.unit for one in attributes.values() if isinstance(one.type, Number) and one.type.unit}
    return found


def _table_keys(
    own: OwnNames, name: str, edited: EditedFile, cursor: Cursor, knowledge: Knowledge, after: str
) -> Iterator[Completion]:
    parameter = own.parameters.get(name)
    code_set = parameter.by if parameter is not None else ""
    if code_set and code_set not in knowledge.vocabulary.code_sets:
        _, scope = scopes_in(own, knowledge.vocabulary)
        found, _ = resolve(code_set.split("."), scope, scope, knowledge.vocabulary)
        kind = found.what.type if found is not None and isinstance(found.what, Attribute) else None
        code_set = kind.code_set if isinstance(kind, Code) else ""
    if parameter is not None and parameter.is_open:
        whole = '""' if after else ""
        yield Completion('""', "code", whole + after, _COUNTRY, rank=1)
    for one in _codes(code_set, edited, cursor, knowledge):
        yield Completion(one.label, "code", one.insert + after, one.detail, None, one.rank, one.is_past)


def _sensitive(own: OwnNames, edited: EditedFile, knowledge: Knowledge, after: str) -> Iterator[Completion]:
    """Yield the sensitive data that the text names, then the others of the space."""
    named = set(edited.text.replace(".", " ").replace("(", " ").replace(",", " ").split())
    _, scope = scopes_in(own, knowledge.vocabulary)
    seen = [*scope.names()] + [name for space in knowledge.vocabulary.spaces.values() for name in space.attributes]
    for name in dict.fromkeys(seen):
        found = scope.find(name)
        what = found.what if found is not None else None
        if what is None:
            spaces = knowledge.vocabulary.spaces.values()
            what = next((one.attributes[name] for one in spaces if name in one.attributes), None)
        if isinstance(what, Attribute) and what.sensitivity == "sensitive":
            line = describing.of_attribute(what, knowledge)
            yield Completion(name, "attribute", name + after, line, rank=1 if name in named else 4)


def _numbers(own: OwnNames, knowledge: Knowledge, after: str) -> Iterator[Completion]:
    """Yield the numbers of the subject: what an amount may be promised to rise or fall with."""
    _, scope = scopes_in(own, knowledge.vocabulary)
    for name in dict.fromkeys(scope.names()):
        found = scope.find(name)
        if found is not None and isinstance(found.what, Attribute) and isinstance(found.what.type, Number):
            yield Completion(name, "attribute", name + after, describing.of_attribute(found.what, knowledge))


# Examples


def example_scope(path: Path, own: OwnNames, knowledge: Knowledge) -> tuple[Scope, Attribute | None] | None:
    """Return whose data a path inside an example's profile gives, and the attribute if it leads to one."""
    if len(path) < 3 or path[2] != "profile":
        return None
    scope, _ = scopes_in(own, knowledge.vocabulary)
    for position, part in enumerate(path[3:]):
        if isinstance(part, int):
            continue
        found = scope.find(part)
        if found is None:
            return None
        if isinstance(found.what, Attribute):
            return (scope, found.what) if position == len(path) - 4 else None
        if isinstance(found.what, Link):
            scope = scope.follow(found.what, knowledge.vocabulary)
        else:
            scope = scope.item_of(found.what, found.owner, scope.depth + 1, knowledge.vocabulary)
    return scope, None


def _example_names(path: Path, own: OwnNames, knowledge: Knowledge, after: str) -> Iterator[Completion]:
    """Yield the data that an example may give of one subject or item, and the series it may assume."""
    if path[2:] == ("given", "indicators"):
        for name, indicator in sorted(knowledge.vocabulary.indicators.items()):
            yield Completion(name, "indicator", name + after, describing.of_indicator(indicator))
        return
    found = example_scope(path, own, knowledge)
    if found is None or found[1] is not None:
        return
    scope = found[0]
    if scope.collection is not None:
        yield Completion(ITEM_ID, "key", ITEM_ID + after, Bilingual("这一项的编号", "what the item is called"), rank=0)
    for name in dict.fromkeys(scope.names()):
        what = scope.find(name)
        if what is None:
            continue
        if isinstance(what.what, Attribute):
            if what.what.derivation is None:
                line = describing.of_attribute(what.what, knowledge)
                yield Completion(
                    name, "attribute", name + after, line, describing.attribute_in_full(what.what, knowledge), 2
                )
        elif isinstance(what.what, Link):
            yield Completion(name, "link", name + after, describing.of_link(what.what, knowledge), rank=3)
        else:
            yield Completion(name, "collection", name + after, describing.of_collection(what.what, knowledge), rank=3)


def _example_value(edited: EditedFile, cursor: Cursor, own: OwnNames, knowledge: Knowledge) -> Iterator[Completion]:
    path = cursor.path
    if path[2:] == ("on",):
        yield from _days(edited, own)
        return
    if len(path) >= 4 and path[2] == "expect" and "settled_by" in path:
        yield from _settling(own, knowledge)
        return
    found_here = example_scope(path, own, knowledge)
    datum = found_here[1] if found_here is not None else None
    if datum is GRANTED_POLICY:
        yield from _codes(POLICIES, edited, cursor, knowledge)
    kind = datum.type if datum is not None else None
    if isinstance(kind, Bool):
        for word, title in (("true", Bilingual("是", "yes")), ("false", Bilingual("否", "no"))):
            yield Completion(word, "choice", word, title)
    elif isinstance(kind, Code):
        yield from _codes(kind.code_set, edited, cursor, knowledge)


def _days(edited: EditedFile, own: OwnNames) -> Iterator[Completion]:
    """Yield the days on which something changes: the first and the last in force, and those of dated values."""
    first, last = (edited.outline.text(("in_force", key)) for key in ("from", "to"))
    told: dict[str, Bilingual] = {}
    for name, parameter in own.parameters.items():
        for day, _ in parameter.values[1:]:
            there = told.get(day)
            word = Bilingual(f"此日起 {name} 不同", f"from here on {name} is another")
            told[day] = describing.joined(there, word)
    told |= {
        first: Bilingual("施行之日", "the first day in force"),
        last: Bilingual("最后一日", "the last day in force"),
    }
    for day in sorted(one for one in told if one):
        yield Completion(day, "date", day, told[day])


def _settling(own: OwnNames, knowledge: Knowledge) -> Iterator[Completion]:
    """Yield what may be missing: data that somebody delivers, of the item and of the subject, and open parameters."""
    subject, scope = scopes_in(own, knowledge.vocabulary)
    yield from _deliverable(scope, "", knowledge)
    if scope is not subject:
        yield from _deliverable(subject, "subject.", knowledge)
        for name, collection in (subject.space.collections if subject.space is not None else {}).items():
            yield Completion(name, "collection", name, describing.both(collection.title))
    for name, parameter in own.parameters.items():
        if parameter.is_open:
            yield Completion(name, "parameter", name, describing.of_parameter(parameter))
    for name, indicator in sorted(knowledge.vocabulary.indicators.items()):
        yield Completion(name, "indicator", name, describing.of_indicator(indicator))


def _deliverable(scope: Scope, before: str, knowledge: Knowledge) -> Iterator[Completion]:
    """Yield the data of a scope that somebody delivers, those at the end of one link included."""
    for name in dict.fromkeys(scope.names()):
        found = scope.find(name)
        what = found.what if found is not None else None
        if what is None or (isinstance(what, Attribute) and what.derivation is not None):
            continue
        yield Completion(before + name, "attribute", before + name, describing.both(what.title))
        if isinstance(what, Link):
            there = scope.follow(what, knowledge.vocabulary)
            for inner, datum in (there.space.attributes if there.space is not None else {}).items():
                if datum.derivation is None:
                    path = f"{before}{name}.{inner}"
                    yield Completion(path, "attribute", path, describing.both(datum.title), rank=6)
