"""From source parts to sources: every column is bound to the attribute, link or contact it delivers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from policies.types import Bool, Code, Date, Number, Text, Type
from policies.vocabulary import CodeSet
from profiles.catalog_documents import POWERS, CollectionPart, FieldPart, SourcePart, SpacePart
from profiles.catalog_findings import Findings, Where, suggestion
from profiles.catalog_model import (
    CONTACTS,
    DATE_FORMATS,
    MISSING_WORDS,
    NO_WORDS,
    YES_WORDS,
    Source,
    SourceField,
)
from profiles.catalog_values import build_type

_ORDER = {"register": 0, "attributes": 1, "collection": 2, "identity": 3}


def build_sources(
    parts: Mapping[str, tuple[SourcePart, Where]],
    spaces: Mapping[str, tuple[SpacePart, Where]],
    code_sets: Mapping[str, CodeSet],
    findings: Findings,
) -> dict[str, Source]:
    """Return the sources, registers first; mistakes go to `findings`."""
    builder = _Builder(parts, spaces, code_sets, findings)
    built = [builder.source(name, part, where) for name, (part, where) in parts.items()]
    builder.require_one_register()
    builder.require_single_delivery()
    found = [source for source in built if source is not None]
    return {source.id: source for source in sorted(found, key=lambda one: _ORDER[one.kind])}


@dataclass(frozen=True, slots=True)
class _Builder:
    parts: Mapping[str, tuple[SourcePart, Where]]
    spaces: Mapping[str, tuple[SpacePart, Where]]
    code_sets: Mapping[str, CodeSet]
    findings: Findings

    def source(self, name: str, part: SourcePart, where: Where) -> Source | None:
        owner = self.owner(part, where)
        if owner is None:
            return None
        self.check_identities(part, owner, where)
        fields: list[SourceField] = []
        for key, one in part.fields.items():
            built = self.field(key, one, owner, part, where / "fields" / key)
            if built is not None:
                fields.append(built)
        self.check_columns(part, where)
        return Source(
            id=name,
            title=part.title.to_bilingual(),
            agency=part.agency.to_bilingual(),
            catalogue=part.catalogue,
            purpose=part.purpose.to_bilingual(),
            refresh=part.refresh,
            kind=part.kind,
            space=part.space,
            key=part.key,
            fields=tuple(fields),
            collection=part.collection,
            item=part.item,
            member=part.member,
            member_space=getattr(owner, "member_space", None),
            missing=tuple(part.missing) if part.missing is not None else MISSING_WORDS,
        )

    def owner(self, part: SourcePart, where: Where) -> SpacePart | CollectionPart | None:
        if part.space not in self.spaces:
            self.findings.add(
                "unknown-space", (where / "space").place, f"没有空间 `{part.space}`",
                f"there is no space `{part.space}`", *suggestion(part.space, self.spaces),
            )  # fmt: skip
            return None
        space = self.spaces[part.space][0]
        if (part.kind == "collection") != (part.collection is not None):
            self.findings.add(
                "kind-and-collection", (where / "kind").place,
                "`kind: collection` 与 `collection` 须同时出现",
                "`kind: collection` and `collection` go together",
                "补上 `collection`,或改 `kind`", "add `collection`, or change `kind`",
            )  # fmt: skip
            return None
        if part.collection is None:
            return space
        if part.collection not in space.collections:
            self.findings.add(
                "unknown-collection", (where / "collection").place,
                f"`{part.space}` 没有集合 `{part.collection}`",
                f"`{part.space}` has no collection `{part.collection}`",
                *suggestion(part.collection, space.collections),
            )  # fmt: skip
            return None
        return space.collections[part.collection]

    def check_identities(self, part: SourcePart, owner: SpacePart | CollectionPart, where: Where) -> None:
        """A collection's item is named either by its own number or by the member it stands for."""
        has_members = isinstance(owner, CollectionPart) and owner.member_space is not None
        wanted = "member" if has_members else "item" if part.kind == "collection" else None
        for key in ("item", "member"):
            given = getattr(part, key) is not None
            if given and key != wanted:
                self.findings.add(
                    "misplaced-key", (where / key).key_place, f"此来源不能有 `{key}`",
                    f"this source takes no `{key}`", f"删去 `{key}`", f"remove `{key}`",
                )  # fmt: skip
            if key == wanted and not given:
                self.findings.add(
                    "missing-key", where.place, f"此集合的来源缺少 `{key}`",
                    f"the source of this collection needs `{key}`", f"补上 `{key}`", f"add `{key}`",
                )  # fmt: skip

    def field(
        self, name: str, part: FieldPart, owner: SpacePart | CollectionPart, source: SourcePart, where: Where
    ) -> SourceField | None:
        attribute = owner.attributes.get(name)
        link = owner.links.get(name)
        contact = next((one for one in CONTACTS if one == name), None)
        if source.kind == "identity":
            attribute = link = None
        elif source.kind == "collection":
            contact = None
        if attribute is None and link is None and contact is None:
            known = [*owner.attributes, *owner.links] if source.kind != "identity" else []
            contacts = CONTACTS if source.kind != "collection" else ()
            self.findings.add(
                "unknown-name", where.key_place, f"没有属性、关系或联系方式 `{name}`",
                f"there is no attribute, link or contact `{name}` here",
                *suggestion(name, [*known, *contacts]),
            )  # fmt: skip
            return None
        # Mistakes of the attribute itself are told where it is declared, so they are dropped here.
        type_ = build_type(attribute, where, self.code_sets, Findings()) if attribute is not None else Text()
        self.check_writing(part, type_, where)
        return SourceField(
            column=part.column,
            type=type_,
            attribute=name if attribute is not None else None,
            link=name if link is not None else None,
            contact=contact if attribute is None and link is None else None,
            target=link.target if link is not None else None,
            required=part.required,
            date_formats=tuple(part.dates) if part.dates is not None else DATE_FORMATS,
            power=POWERS[part.written_in],
            codes=dict(part.codes),
            yes=tuple(part.yes) if part.yes is not None else YES_WORDS,
            no=tuple(part.no) if part.no is not None else NO_WORDS,
            sensitive=attribute is not None and attribute.sensitivity == "sensitive",
        )

    def check_writing(self, part: FieldPart, type_: Type, where: Where) -> None:
        """How a column is written must suit what it holds."""
        allowed = {
            "dates": isinstance(type_, Date),
            "written_in": isinstance(type_, Number),
            "codes": isinstance(type_, Code),
            "yes": isinstance(type_, Bool),
            "no": isinstance(type_, Bool),
        }
        for key, fits in allowed.items():
            if key in part.model_fields_set and not fits:
                self.findings.add(
                    "misplaced-key", (where / key).key_place, f"此列不能有 `{key}`",
                    f"this column takes no `{key}`", f"删去 `{key}`", f"remove `{key}`",
                )  # fmt: skip
        for number, pattern in enumerate(part.dates or ()):
            if not _is_date_format(pattern):
                self.findings.add(
                    "bad-date-format", (where / "dates" / number).place, f"日期格式 `{pattern}` 读不出整日期",
                    f"the format `{pattern}` does not give a whole day",
                    "写成 \"%Y-%m-%d\" 的样子", "write formats like \"%Y-%m-%d\"",
                )  # fmt: skip
        for word in {*(part.yes or YES_WORDS)} & {*(part.no or NO_WORDS)}:
            self.findings.add(
                "yes-and-no", where.place, f"`{word}` 既表示是又表示否", f"`{word}` means both yes and no",
                "从一边删去", "remove it from one of the two",
            )  # fmt: skip
        self.check_codes(part, type_, where)

    def check_codes(self, part: FieldPart, type_: Type, where: Where) -> None:
        for written, code in part.codes.items():
            spot = where / "codes" / written
            code_set = self.code_sets.get(type_.code_set) if isinstance(type_, Code) else None
            if code_set is not None and not (
                code in code_set.codes or (code_set.open and re.search(code_set.pattern or "$^", code))
            ):
                self.findings.add(
                    "unknown-code", spot.place, f"`{code_set.name}` 没有代码 `{code}`",
                    f"`{code_set.name}` has no code `{code}`", *suggestion(code, code_set.codes),
                )  # fmt: skip

    def check_columns(self, part: SourcePart, where: Where) -> None:
        seen = [column for column in (part.key, part.item, part.member) if column is not None]
        for name, one in part.fields.items():
            if one.column in seen:
                self.findings.add(
                    "column-twice", (where / "fields" / name / "column").place, f"列 `{one.column}` 用了两次",
                    f"the column `{one.column}` is used twice", "每列只对应一个名称", "bind each column once",
                )  # fmt: skip
            seen.append(one.column)

    def require_one_register(self) -> None:
        for space, (_, where) in self.spaces.items():
            registers = [
                name for name, (part, _) in self.parts.items() if (part.space, part.kind) == (space, "register")
            ]
            if len(registers) != 1:
                self.findings.add(
                    "one-register", where.key_place, f"空间 `{space}` 有 {len(registers)} 个登记来源",
                    f"the space `{space}` has {len(registers)} registers",
                    "每个空间恰有一个 `kind: register` 的来源",
                    "declare exactly one source of `kind: register`",
                )  # fmt: skip

    def require_single_delivery(self) -> None:
        seen: dict[tuple[str, str | None, str], str] = {}
        for source, (part, where) in self.parts.items():
            for name in part.fields:
                key = (part.space, part.collection, name)
                if key in seen:
                    self.findings.add(
                        "delivered-twice", (where / "fields" / name).key_place,
                        f"`{name}` 已由来源 `{seen[key]}` 提供",
                        f"`{name}` is already delivered by `{seen[key]}`",
                        "每个名称只由一个来源提供", "let one source deliver each name",
                    )  # fmt: skip
                seen.setdefault(key, source)


def _is_date_format(pattern: str) -> bool:
    """Whether a day written in `pattern` can be read back whole."""
    day = date(2026, 11, 22)
    try:
        return datetime.strptime(day.strftime(pattern), pattern).date() == day
    except ValueError:
        return False
