"""From space parts to the spaces of the vocabulary: attributes, links, collections, and who delivers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policies.vocabulary import Attribute, CodeSet, Collection, Link, Space
from profiles.catalog_documents import AttributePart, CollectionPart, LinkPart, SourcePart, SpacePart
from profiles.catalog_findings import Findings, Where, suggestion
from profiles.catalog_values import build_type

Owner = tuple[str, str | None]  # a space, or a collection of a space


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Which source delivers what: (space, collection or None) -> name -> source id."""

    names: Mapping[Owner, Mapping[str, str]]
    collections: Mapping[Owner, str]

    @classmethod
    def of(cls, sources: Mapping[str, tuple[SourcePart, Where]]) -> Deliveries:
        """Return the deliveries that the sources declare."""
        names: dict[Owner, dict[str, str]] = {}
        collections: dict[Owner, str] = {}
        for source, (part, _) in sources.items():
            owner = (part.space, part.collection)
            if part.collection is not None:
                collections[owner] = source
            for name in part.fields:
                names.setdefault(owner, {}).setdefault(name, source)
        return cls(names, collections)

    def source_of(self, owner: Owner, name: str) -> str:
        """Return the source that delivers `name`, or an empty text."""
        return self.names.get(owner, {}).get(name, "")


def build_spaces(
    parts: Mapping[str, tuple[SpacePart, Where]],
    code_sets: Mapping[str, CodeSet],
    deliveries: Deliveries,
    findings: Findings,
) -> dict[str, Space]:
    """Return the spaces; mistakes go to `findings`."""
    builder = _Builder(parts, code_sets, deliveries, findings)
    return {name: builder.space(name, part, where) for name, (part, where) in parts.items()}


@dataclass(frozen=True, slots=True)
class _Builder:
    known_spaces: Mapping[str, Any]
    code_sets: Mapping[str, CodeSet]
    deliveries: Deliveries
    findings: Findings

    def space(self, name: str, part: SpacePart, where: Where) -> Space:
        owner = (name, None)
        return Space(
            name,
            part.title.to_bilingual(),
            {key: self.attribute(key, one, where / "attributes" / key, owner) for key, one in part.attributes.items()},
            {key: self.link(key, one, where / "links" / key, owner) for key, one in part.links.items()},
            {
                key: self.collection(key, one, where / "collections" / key, name)
                for key, one in part.collections.items()
            },
        )

    def attribute(self, name: str, part: AttributePart, where: Where, owner: Owner) -> Attribute:
        source = self.deliveries.source_of(owner, name)
        if part.derivation is None:
            self.require_delivery(name, source, where)
        elif source:
            self.findings.add(
                "derived-and-delivered", where.key_place, f"`{name}` 是推导属性,来源 `{source}` 却提供它",
                f"`{name}` is derived, yet the source `{source}` delivers it",
                "删去 `derivation` 或该来源字段", "remove `derivation`, or the field of the source",
            )  # fmt: skip
        return Attribute(
            name,
            build_type(part, where, self.code_sets, self.findings),
            part.title.to_bilingual(),
            source,
            part.sensitivity,
            part.freshness_days if isinstance(part.freshness_days, int) else None,
            part.derivation,
            part.freshness_days == "never",
        )

    def link(self, name: str, part: LinkPart, where: Where, owner: Owner) -> Link:
        self.require_space(part.target, where / "target")
        source = self.deliveries.source_of(owner, name)
        self.require_delivery(name, source, where)
        return Link(name, part.target, part.title.to_bilingual(), source)

    def collection(self, name: str, part: CollectionPart, where: Where, space: str) -> Collection:
        owner = (space, name)
        if part.member_space is not None:
            self.require_space(part.member_space, where / "member_space")
        source = self.deliveries.collections.get(owner, "")
        if not source:
            self.require_delivery(name, source, where)
        return Collection(
            name,
            part.title.to_bilingual(),
            {
                key: self.attribute(key, one, where / "attributes" / key, owner)
                for key, one in (part.attributes.items() if source else ())
            },
            {
                key: self.link(key, one, where / "links" / key, owner)
                for key, one in (part.links.items() if source else ())
            },
            part.member_space,
            part.at_most,
            source,
        )

    def require_space(self, space: str, where: Where) -> None:
        if space not in self.known_spaces:
            self.findings.add(
                "unknown-space", where.place, f"没有空间 `{space}`", f"there is no space `{space}`",
                *suggestion(space, self.known_spaces),
            )  # fmt: skip

    def require_delivery(self, name: str, source: str, where: Where) -> None:
        if not source:
            self.findings.add(
                "not-delivered", where.key_place, f"没有来源提供 `{name}`", f"no source delivers `{name}`",
                "在某个来源的 `fields` 中加上它,或写 `derivation`",
                "add it to the `fields` of a source, or give it a `derivation`",
            )  # fmt: skip
