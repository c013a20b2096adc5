"""Whose data a name means: the subject, a unit of `for_each`, or the item of an aggregate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from policies.text import Bilingual
from policies.types import Date, Number, Text
from policies.vocabulary import Attribute, Collection, Link, Space, Vocabulary

# What every subject has without any catalog: the benefits that it was granted.
GRANTS = Collection(
    "grants",
    Bilingual("已兑现权益", "past grants"),
    {
        "policy": Attribute("policy", Text(), Bilingual("政策", "policy")),
        "amount": Attribute("amount", Number(2, "yuan", 0, 10**13), Bilingual("金额", "amount")),
        "period": Attribute("period", Text(), Bilingual("期间", "period")),
        "granted_on": Attribute("granted_on", Date(), Bilingual("兑现日期", "granted on")),
        "unit": Attribute("unit", Text(), Bilingual("条目", "unit")),
    },
    at_most=2_000,
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a name means in a scope, and in which space or collection it is declared."""

    what: Attribute | Link | Collection
    owner: str


@dataclass(frozen=True, slots=True)
class Scope:
    """One place where names are looked up.

    `depth` numbers the scope from the outside; `prefix` are the links followed from there; `space` is the
    space whose names are visible and `collection` the one whose item this is.
    """

    depth: int
    space: Space | None
    collection: Collection | None = None
    collection_key: str = ""
    prefix: tuple[str, ...] = ()

    def find(self, name: str) -> Found | None:
        """Return what `name` means: the item's own data first, then those of the subject it stands for."""
        if self.collection is not None:
            own = self.collection.attributes.get(name) or self.collection.links.get(name)
            if own is not None:
                return Found(own, self.collection_key)
        if self.space is None:
            return None
        space = self.space
        known = space.attributes.get(name) or space.links.get(name) or space.collections.get(name)
        if known is None and name == GRANTS.name:
            known = GRANTS
        return Found(known, space.name) if known is not None else None

    def names(self) -> Iterator[str]:
        """Yield every name that can be found here."""
        if self.collection is not None:
            yield from (*self.collection.attributes, *self.collection.links)
        if self.space is not None:
            yield from (*self.space.attributes, *self.space.links, *self.space.collections, GRANTS.name)

    def follow(self, link: Link, vocabulary: Vocabulary) -> Scope:
        """Return the scope at the other end of a link."""
        return Scope(self.depth, vocabulary.spaces.get(link.target), prefix=(*self.prefix, link.name))

    def item_of(self, collection: Collection, owner: str, depth: int, vocabulary: Vocabulary) -> Scope:
        """Return the scope of an item of `collection`, which belongs to the space `owner`."""
        member = vocabulary.spaces.get(collection.member_space) if collection.member_space else None
        return Scope(depth, member, collection, f"{owner}.{collection.name}")

    def at_depth(self, depth: int) -> Scope:
        """Return the same scope under another number."""
        return replace(self, depth=depth)


@dataclass(slots=True)
class Reads:
    """Which attributes and links a policy names, by space or collection: minimal necessary."""

    names: dict[str, set[str]] = field(default_factory=dict)

    def add(self, owner: str, name: str | None = None) -> None:
        """Record that `name` of `owner` is read; without a name, that the collection is."""
        found = self.names.setdefault(owner, set())
        if name is not None:
            found.add(name)

    def frozen(self) -> dict[str, frozenset[str]]:
        """Return everything recorded so far."""
        return {owner: frozenset(names) for owner, names in sorted(self.names.items())}
