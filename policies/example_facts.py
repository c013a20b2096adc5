"""The profile of an example: people's values, read against the catalog, behind the engines' protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from policies.codes import is_code
from policies.document_errors import shortened
from policies.errors import Diagnostic, Place, PolicyError
from policies.model_errors import did_you_mean
from policies.operands import type_name
from policies.scopes import Scope
from policies.text import Bilingual
from policies.types import Bool, Code, Date, Number, Type, Value, to_day_number
from policies.vocabulary import Attribute, Collection, Link, Vocabulary

ITEM_ID = "id"
PlaceOf = Callable[[tuple[str | int, ...]], Place]


@dataclass(frozen=True, slots=True)
class ExampleFacts:
    """One subject or item of an example. What is not given is unknown; a collection given as [] is empty."""

    id: str
    values: Mapping[str, Value] = field(default_factory=dict)
    links: Mapping[str, ExampleFacts] = field(default_factory=dict)
    collections: Mapping[str, tuple[ExampleFacts, ...]] = field(default_factory=dict)

    def value(self, path: tuple[str, ...]) -> Value:
        """Return the datum at the end of `path`; the name of a link gives the id at its other end."""
        here = self._follow(path[:-1])
        if here is None:
            return None
        if path[-1] in here.links:
            return here.links[path[-1]].id
        return here.values.get(path[-1])

    def items(self, path: tuple[str, ...]) -> tuple[ExampleFacts, ...] | None:
        """Return the items of the collection at the end of `path`; None if it is unknown."""
        here = self._follow(path[:-1])
        return None if here is None else here.collections.get(path[-1])

    def _follow(self, links: tuple[str, ...]) -> ExampleFacts | None:
        here: ExampleFacts | None = self
        for link in links:
            here = here.links.get(link) if here is not None else None
        return here


def read_facts(profile: Mapping[str, object], space: str, vocabulary: Vocabulary, place_of: PlaceOf) -> ExampleFacts:
    """Return the facts of a profile as written in a rule file. Raises PolicyError with every finding."""
    reader = _Reader(vocabulary, place_of)
    facts = reader.subject(profile, Scope(0, vocabulary.spaces[space]), (), "example")
    if reader.findings:
        raise PolicyError(reader.findings)
    return facts


class _Reader:
    def __init__(self, vocabulary: Vocabulary, place_of: PlaceOf) -> None:
        self.vocabulary = vocabulary
        self.place_of = place_of
        self.findings: list[Diagnostic] = []

    def _report(self, path: tuple[str | int, ...], code: str, zh: str, en: str, help_zh: str, help_en: str) -> None:
        self.findings.append(Diagnostic(code, Bilingual(zh, en), Bilingual(help_zh, help_en), self.place_of(path)))

    def subject(
        self, given: Mapping[str, object], scope: Scope, path: tuple[str | int, ...], identity: str
    ) -> ExampleFacts:
        """Read one subject or item."""
        values: dict[str, Value] = {}
        links: dict[str, ExampleFacts] = {}
        collections: dict[str, tuple[ExampleFacts, ...]] = {}
        for name, content in given.items():
            inner = (*path, name)
            found = scope.find(str(name))
            if name == ITEM_ID and found is None and path:
                identity = str(content)
            elif found is None:
                self._unknown(inner, str(name), scope)
            elif isinstance(found.what, Attribute):
                values[name] = self._value(found.what, content, inner)
            elif content is None:
                continue
            elif isinstance(found.what, Link):
                linked = self._link(found.what, content, inner)
                if linked is not None:
                    links[name] = linked
            else:
                items = self._items(found.what, found.owner, content, inner)
                if items is not None:
                    collections[name] = items
        return ExampleFacts(identity, values, links, collections)

    def _link(self, link: Link, content: object, path: tuple[str | int, ...]) -> ExampleFacts | None:
        if isinstance(content, str):
            return ExampleFacts(content)
        if not isinstance(content, Mapping):
            self._report(
                path,
                "wrong-type",
                f"`{link.name}` 应由键和值组成",
                f"`{link.name}` must be made of keys and values",
                "写对方的属性，例如 {active: true}",
                "give the other side's data, such as {active: true}",
            )
            return None
        scope = Scope(0, self.vocabulary.spaces.get(link.target))
        return self.subject(content, scope, path, ".".join(str(part) for part in path))

    def _items(
        self, collection: Collection, owner: str, content: object, path: tuple[str | int, ...]
    ) -> tuple[ExampleFacts, ...] | None:
        if not isinstance(content, list) or not all(isinstance(item, Mapping) for item in content):
            self._report(
                path,
                "wrong-type",
                f"`{collection.name}` 应为记录的列表",
                f"`{collection.name}` must be a list of records",
                "每条以 `- ` 开头；没有记录写 []",
                "begin each with `- `; write [] for none",
            )
            return None
        scope = Scope(0, None).item_of(collection, owner, 1, self.vocabulary)
        items = tuple(
            self.subject(item, scope, (*path, number), str(number + 1)) for number, item in enumerate(content)
        )
        if len({item.id for item in items}) < len(items):
            self._report(
                path,
                "duplicate-item",
                f"`{collection.name}` 中有两条记录的 id 相同",
                f"two records of `{collection.name}` have one id",
                "给每条记录不同的 id",
                "give every record an id of its own",
            )
        return items

    def _unknown(self, path: tuple[str | int, ...], name: str, scope: Scope) -> None:
        suggestion = did_you_mean(name, scope.names())
        self._report(
            path,
            "unknown-name",
            f"未知的名称 `{name}`",
            f"unknown name `{name}`",
            f"是否想写 `{suggestion}`？" if suggestion else "写目录中声明的名称",
            f"did you mean `{suggestion}`?" if suggestion else "use a name that the catalog declares",
        )

    def _value(self, datum: Attribute, content: object, path: tuple[str | int, ...]) -> Value:
        if datum.derivation is not None:
            self._report(
                path,
                "derived-in-example",
                f"`{datum.name}` 是推算出来的，不能直接给出",
                f"`{datum.name}` is worked out and cannot be given",
                f"给出它所依据的数据：{datum.derivation}",
                f"give what it is worked out from: {datum.derivation}",
            )
            return None
        if content is None:
            return None
        try:
            return to_value(content, datum.type, self.vocabulary)
        except ValueError as error:
            expected = type_name(datum.type)
            shown = shortened(str(content))
            self._report(
                path,
                str(error),
                f"`{datum.name}` 不能是 `{shown}`，应为{expected.zh}",
                f"`{datum.name}` cannot be `{shown}`; it is {expected.en}",
                *_remedy(datum.type, self.vocabulary),
            )
            return None


def _remedy(kind: Type, vocabulary: Vocabulary) -> tuple[str, str]:
    if isinstance(kind, Number):
        least, most = (Decimal(bound).scaleb(-kind.scale) for bound in (kind.low, kind.high))
        return (
            f"范围 {least} 至 {most}，至多 {kind.scale} 位小数",
            f"from {least} to {most}, with at most {kind.scale} decimals",
        )
    if isinstance(kind, Code) and kind.code_set in vocabulary.code_sets:
        listed = ", ".join(list(vocabulary.code_sets[kind.code_set].codes)[:12])
        return f"可用：{listed}", f"one of: {listed}"
    if isinstance(kind, Date):
        return "写成 2026-05-20，不加引号", "write it as 2026-05-20, without quotes"
    if isinstance(kind, Bool):
        return "写 true 或 false", "write true or false"
    return "写成文字", "write a text"


def to_value(content: object, kind: Type, vocabulary: Vocabulary) -> Value:
    """Return a value as people write it in the engines' form. Raises ValueError with a diagnostic code."""
    if isinstance(kind, Number) and isinstance(content, int | Decimal) and not isinstance(content, bool):
        scaled = Decimal(content).scaleb(kind.scale)
        if scaled != scaled.to_integral_value() or not kind.low <= scaled <= kind.high:
            raise ValueError("out-of-range")
        return int(scaled)
    if isinstance(kind, Bool) and isinstance(content, bool):
        return content
    if isinstance(kind, Date) and isinstance(content, date):
        return to_day_number(content)
    is_text = isinstance(content, str | int) and not isinstance(content, bool)
    if is_text and isinstance(kind, Code):
        code_set = vocabulary.code_sets.get(kind.code_set)
        if code_set is not None and not is_code(str(content), code_set):
            raise ValueError("unknown-code")
        return str(content)
    if is_text and not isinstance(kind, Number | Bool | Date):
        return str(content)
    raise ValueError("wrong-type")
