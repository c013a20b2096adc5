"""From event parts to kinds of events: every name that a patch uses must be declared somewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from policies.text import Bilingual
from policies.types import Bool, Date, Text, Type, Value
from policies.vocabulary import Attribute, CodeSet, Collection, Space
from profiles.catalog_documents import AttributePart, EventFieldPart, EventPart, EventPatchPart
from profiles.catalog_event_model import (
    OCCURRED_ON,
    SUBJECT,
    EventField,
    EventKind,
    EventPatch,
    PatchEffect,
    PatchValue,
)
from profiles.catalog_findings import Findings, Where, suggestion
from profiles.catalog_model import Source
from profiles.catalog_values import build_type
from profiles.events.values import WrongValue, to_typed


def build_events(
    parts: Mapping[str, tuple[EventPart, Where]],
    spaces: Mapping[str, Space],
    sources: Mapping[str, Source],
    code_sets: Mapping[str, CodeSet],
    findings: Findings,
) -> dict[str, EventKind]:
    """Return the kinds of events; mistakes go to `findings`."""
    found = {}
    for name, (part, where) in parts.items():
        if part.space not in spaces:
            _unknown("space", "空间", part.space, where / "space", spaces, findings)
            continue
        found[name] = _Builder(part, spaces, sources, code_sets, findings).kind(name, where)
    return found


def _unknown(en: str, zh: str, name: str, where: Where, known: Iterable[str], findings: Findings) -> None:
    findings.add(
        f"unknown-{en.replace(' ', '-')}", where.place, f"没有{zh} `{name}`", f"there is no {en} `{name}`",
        *suggestion(name, known),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Builder:
    part: EventPart
    spaces: Mapping[str, Space]
    sources: Mapping[str, Source]
    code_sets: Mapping[str, CodeSet]
    findings: Findings

    def kind(self, name: str, where: Where) -> EventKind:
        data = {}
        for key, one in self.part.data.items():
            if key in (SUBJECT, OCCURRED_ON):
                self.findings.add(
                    "reserved-name", (where / "data" / key).key_place, f"`{key}` 是事件自身的内容",
                    f"`{key}` is part of every event", "改用另一个名称", "choose another name",
                )  # fmt: skip
            data[key] = self.field(key, one, where / "data" / key)
        patches = [self.patch(one, data, where / "patches" / number) for number, one in enumerate(self.part.patches)]
        for key, attribute in self.part.requires.items():
            self.requirement(key, attribute, data, where / "requires" / key)
        return EventKind(
            name,
            self.part.title.to_bilingual(),
            self.part.agency.to_bilingual(),
            self.part.space,
            data,
            tuple(patch for patch in patches if patch is not None),
            dict(self.part.requires),
        )

    def requirement(self, key: str, attribute: str, data: Mapping[str, EventField], where: Where) -> None:
        space = self.space_of(key, data, where)
        if space is None:
            return
        declared = space.attributes.get(attribute)
        if declared is None or not isinstance(declared.type, Bool) or declared.derivation is not None:
            known = [one.name for one in space.attributes.values() if isinstance(one.type, Bool)]
            self.findings.add(
                "not-a-yes-or-no", where.place, f"`{attribute}` 不是取值为是或否的属性",
                f"`{attribute}` is no attribute of yes or no", *suggestion(attribute, known),
            )  # fmt: skip

    # --- data --------------------------------------------------------------------------------------------

    def field(self, name: str, part: EventFieldPart, where: Where) -> EventField:
        says = [key for key in ("attribute", "identity", "contact", "type") if getattr(part, key) is not None]
        if len(says) != 1:
            self.findings.add(
                "one-meaning", where.key_place, f"`{name}` 须恰有 attribute、identity、contact、type 之一",
                f"`{name}` needs exactly one of attribute, identity, contact, type",
                "只留一个", "leave one of them",
            )  # fmt: skip
            return EventField(name, Bilingual(name, name), Text())
        title, type_ = self.meaning(name, part, where)
        if part.identity is not None and part.identity not in self.spaces:
            _unknown("space", "空间", part.identity, where / "identity", self.spaces, self.findings)
        default: Value = None
        if part.default is not None:
            default = self.constant(part.default, type_, where / "default")
        return EventField(name, title, type_, part.identity, part.contact, part.required, default)

    def meaning(self, name: str, part: EventFieldPart, where: Where) -> tuple[Bilingual, Type]:
        title = part.title.to_bilingual() if part.title is not None else None
        type_: Type = Text()
        if part.attribute is not None:
            attribute = self.attribute(part.attribute, where / "attribute")
            if attribute is not None:
                title, type_ = title or attribute.title, attribute.type
            title = title or Bilingual(name, name)
        elif part.type is not None:
            given = {"title": {"zh": name, "en": name}} | {
                key: getattr(part, key)
                for key in ("type", "code_set", "unit", "scale", "low", "high")
                if getattr(part, key) is not None
            }
            type_ = build_type(AttributePart.model_validate(given), where, self.code_sets, self.findings)
        if title is None:
            self.findings.add(
                "missing-key",
                where.place,
                "缺少键 `title`",
                "the key `title` is missing",
                "补上 `title`",
                "add `title`",
            )
            title = Bilingual(name, name)
        return title, type_

    def attribute(self, path: str, where: Where) -> Attribute | None:
        """Return the attribute at `space.attribute` or `space.collection.attribute`."""
        first, _, rest = path.partition(".")
        space = self.spaces.get(first)
        if space is None:
            _unknown("space", "空间", first, where, self.spaces, self.findings)
            return None
        owner: Space | Collection = space
        inner, _, last = rest.rpartition(".")
        if inner:
            if inner not in space.collections:
                _unknown("collection", "集合", inner, where, space.collections, self.findings)
                return None
            owner = space.collections[inner]
        if last not in owner.attributes:
            _unknown("attribute", "属性", last, where, owner.attributes, self.findings)
            return None
        return owner.attributes[last]

    def constant(self, raw: object, type_: Type, where: Where) -> Value:
        try:
            return to_typed(raw, type_, self.code_sets)
        except WrongValue as wrong:
            self.findings.add(
                "wrong-constant", where.place, wrong.message.zh, wrong.message.en, wrong.remedy.zh, wrong.remedy.en
            )
            return None

    # --- patches -----------------------------------------------------------------------------------------

    def space_of(self, key: str, data: Mapping[str, EventField], where: Where) -> Space | None:
        """Return the space of `subject` or of the subject that a data field names."""
        if key == SUBJECT:
            return self.spaces[self.part.space]
        if key in data and data[key].identity is not None:
            return self.spaces.get(data[key].identity or "")
        known = [SUBJECT, *(name for name, one in data.items() if one.identity is not None)]
        _unknown("subject", "主体", key, where, known, self.findings)
        return None

    def patch(self, part: EventPatchPart, data: Mapping[str, EventField], where: Where) -> EventPatch | None:
        space = self.space_of(part.of, data, where / "of" if "of" in part.model_fields_set else where)
        if space is None:
            return None
        if sum((part.register_, part.add is not None, part.remove is not None)) > 1:
            self.findings.add(
                "one-effect", where.place, "register、add、remove 只能有一个",
                "a patch has only one of register, add, remove", "拆成几项", "write several patches",
            )  # fmt: skip
            return None
        contacts = self.contacts(part, data, space, where)
        if part.add is None and part.remove is None:
            effect: PatchEffect = "register" if part.register_ else "set"
            register = next(
                one.id for one in self.sources.values() if (one.kind, one.space) == ("register", space.name)
            )
            values = self.values(part, space, data, where)
            return EventPatch(effect, part.of, space.name, register, values=values, contacts=contacts)
        return self.item_patch(part, data, space, contacts, where)

    def item_patch(
        self,
        part: EventPatchPart,
        data: Mapping[str, EventField],
        space: Space,
        contacts: Mapping[str, str],
        where: Where,
    ) -> EventPatch | None:
        effect: PatchEffect = "add" if part.add is not None else "remove"
        name = part.add or part.remove or ""
        collection = space.collections.get(name)
        if collection is None:
            _unknown("collection", "集合", name, where / effect, space.collections, self.findings)
            return None
        wanted = "member" if collection.member_space is not None else "item"
        key: str | None = getattr(part, wanted)
        if key is None:
            self.findings.add(
                "missing-key", where.place, f"缺少键 `{wanted}`", f"the key `{wanted}` is missing",
                f"补上 `{wanted}`", f"add `{wanted}`",
            )  # fmt: skip
            return None
        if wanted == "member":
            member = self.space_of(key, data, where / "member")
            if member is not None and member.name != collection.member_space:
                self.findings.add(
                    "wrong-space", (where / "member").place, f"`{key}` 不属于空间 `{collection.member_space}`",
                    f"`{key}` is not of the space `{collection.member_space}`",
                    f"给出 `identity: {collection.member_space}` 的数据",
                    f"name a datum with `identity: {collection.member_space}`",
                )  # fmt: skip
        elif key not in data:
            _unknown("datum", "事件数据", key, where / "item", data, self.findings)
        values = self.values(part, collection, data, where) if effect == "add" else ()
        return EventPatch(
            effect, part.of, space.name, collection.source, name, part.item, part.member, values, contacts
        )  # fmt: skip

    def values(
        self, part: EventPatchPart, owner: Space | Collection, data: Mapping[str, EventField], where: Where
    ) -> tuple[PatchValue, ...]:
        found = []
        for name, given in part.set_.items():
            spot = where / "set" / name
            declared = self.datum(name, owner, spot)
            if declared is not None and self.given(given, declared[0], data, spot):
                found.append(PatchValue(name, declared[1], given))
        for name, raw in part.constants.items():
            spot = where / "constants" / name
            declared = self.datum(name, owner, spot)
            if declared is not None:
                found.append(PatchValue(name, declared[1], None, self.constant(raw, declared[0], spot)))
        for number, name in enumerate(part.clear):
            declared = self.datum(name, owner, where / "clear" / number)
            if declared is not None:
                found.append(PatchValue(name, declared[1]))
        return tuple(found)

    def datum(self, name: str, owner: Space | Collection, where: Where) -> tuple[Type, str] | None:
        """Return type and source of an attribute or link that a source delivers."""
        attribute = owner.attributes.get(name)
        if attribute is not None and attribute.derivation is None:
            return attribute.type, attribute.source or getattr(owner, "source", "")
        link = owner.links.get(name)
        if link is not None:
            return Text(), link.source or getattr(owner, "source", "")
        stored = [one.name for one in owner.attributes.values() if one.derivation is None]
        _unknown("attribute", "属性", name, where, [*stored, *owner.links], self.findings)
        return None

    def given(self, key: str, type_: Type, data: Mapping[str, EventField], where: Where) -> bool:
        """Whether the datum `key` of the event exists and suits what it is to become."""
        if key == OCCURRED_ON and isinstance(type_, Date):
            return True
        if key == SUBJECT and isinstance(type_, Text):
            return True
        if key not in data:
            _unknown("datum", "事件数据", key, where, [*data, SUBJECT, OCCURRED_ON], self.findings)
            return False
        if data[key].type != type_:
            self.findings.add(
                "type-mismatch", where.place, f"`{key}` 的类型与所设数据项不同",
                f"`{key}` is of another type than what it sets",
                "用 `attribute` 声明它", "declare it with `attribute`",
            )  # fmt: skip
            return False
        return True

    def contacts(
        self, part: EventPatchPart, data: Mapping[str, EventField], space: Space, where: Where
    ) -> dict[str, str]:
        for word, key in part.contacts.items():
            spot = where / "contacts" / word
            if key not in data or data[key].contact != word:
                known = [name for name, one in data.items() if one.contact == word]
                _unknown("datum", "事件数据", key, spot, known, self.findings)
            if not any(one.space == space.name and one.field_of(word) is not None for one in self.sources.values()):
                _unknown("contact", "联系方式", word, spot, [], self.findings)
        return {str(word): key for word, key in part.contacts.items()}
