"""The person who is looked for: every datum that the formulas name is a symbol within the catalog's bounds."""

from __future__ import annotations

from dataclasses import dataclass, field

import z3

from policies.proofs.bounds import EARLIEST_DAY, LATEST_DAY
from policies.proofs.code_numbers import Numberings
from policies.proofs.terms import NO, YES, Formula, Quantity, Term, Truth, Whole, both, negated
from policies.scopes import Scope
from policies.types import Bool, Date, Number, Type
from policies.vocabulary import Attribute, Collection, Link, Vocabulary

SUBJECT = ""


@dataclass(frozen=True, slots=True)
class Datum:
    """One symbol: where it stands (the key of its scope, the path from there), its type, and its term."""

    scope: str
    path: tuple[str, ...]
    type: Type
    term: Term


@dataclass(frozen=True, slots=True)
class Item:
    """One possible item of a collection, and when it exists."""

    scope: str
    exists: Formula


@dataclass(frozen=True, slots=True)
class Items:
    """The possible items of one collection of one scope; the first ones exist before the later ones do."""

    scope: str
    path: tuple[str, ...]
    known: Formula
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class IndicatorSymbol:
    """The value that an indicator is assumed to have: everywhere, or where `key` says."""

    name: str
    type: Type
    key: Whole | None
    key_type: Type | None
    value: Whole


@dataclass(slots=True)
class Symbols:
    """The symbols of one person, made when first asked for.

    `longest` is how many items a collection may have at most; `unknowns` lets data be unknown.
    `assumptions` holds the bounds of the catalog. A second person (`person` then names it) is the twin of the
    first: it shares every symbol but those of `own_data` and of the items of `own_collections`.
    """

    vocabulary: Vocabulary
    numberings: Numberings
    space: str
    for_each: str | None = None
    longest: int = 3
    unknowns: bool = False
    person: str = ""
    twin_of: Symbols | None = None
    own_data: frozenset[tuple[str, tuple[str, ...]]] = frozenset()
    own_collections: frozenset[tuple[str, tuple[str, ...]]] = frozenset()
    data: dict[tuple[str, tuple[str, ...]], Datum] = field(default_factory=dict)
    collections: dict[tuple[str, tuple[str, ...]], Items] = field(default_factory=dict)
    indicators: list[IndicatorSymbol] = field(default_factory=list)
    assumptions: list[Formula] = field(default_factory=list)
    _scopes: dict[str, Scope] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._scopes[SUBJECT] = Scope(0, self.vocabulary.spaces[self.space])

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes from the outside: the subject, and the unit with `for_each`."""
        if self.for_each is None:
            return (SUBJECT,)
        return SUBJECT, self.items(SUBJECT, (self.for_each,)).items[0].scope

    def attribute(self, scope: str, path: tuple[str, ...], kind: Type) -> Term:
        """Return the symbol of the datum at the end of `path`."""
        key = (scope, path)
        if self.twin_of is not None and not self.is_own(scope, path):
            return self.twin_of.attribute(scope, path, kind)
        if key not in self.data:
            # The catalog's type, not the node's: an expression may read the same integer at another scale.
            declared = self.datum(scope, path)
            kind = declared.type if isinstance(declared, Attribute) else kind
            self.data[key] = Datum(scope, path, kind, self._symbol(self._name(scope, path), kind, self.unknowns))
        return self.data[key].term

    def free(self, name: str, kind: Type, bounds: tuple[int, int] | None, may_be_unknown: bool) -> Term:
        """Return a symbol that stands for a whole aggregate, within `bounds` if they are known."""
        made = self._symbol(f"{self.person}{name}", kind, may_be_unknown, bounded=False)
        if bounds is not None and isinstance(made, Quantity):
            self.assumptions += [made.value >= bounds[0], made.value <= bounds[1]]
        return made

    def indicator(self, name: str, kind: Type, key: Quantity | None, key_type: Type | None) -> Quantity:
        """Return the value of an indicator, which may be any that its type allows, the same for the same key."""
        if self.twin_of is not None:
            return self.twin_of.indicator(name, kind, key, key_type)
        asked = None if key is None else key.value
        known = YES if key is None else key.known
        for one in self.indicators:
            if one.name == name and _is_same(one.key, asked):
                return Quantity(one.value, known)
        value = z3.Int(f"indicator {name} {len(self.indicators)}")
        self._bound(value, kind)
        for one in self.indicators:
            if one.name == name and asked is not None and one.key is not None:
                self.assumptions.append(z3.Implies(one.key == asked, one.value == value))
        self.indicators.append(IndicatorSymbol(name, kind, asked, key_type, value))
        return Quantity(value, known)

    def items(self, scope: str, path: tuple[str, ...]) -> Items:
        """Return the possible items of the collection at the end of `path`."""
        key = (scope, path)
        if self.twin_of is not None and not self.is_own(scope, path):
            return self.twin_of.items(scope, path)
        if key not in self.collections:
            self.collections[key] = self._items(scope, path)
        return self.collections[key]

    def is_own(self, scope: str, path: tuple[str, ...]) -> bool:
        """Return whether a twin has this datum or collection for itself: it is named, or lies in a named collection."""
        key = (scope, path)
        if key in self.own_data or key in self.own_collections:
            return True
        return any(scope.startswith(f"{_inside(*one)}[") for one in self.own_collections)

    def every_datum(self) -> list[Datum]:
        """Return the data of the whole person, a twin's shared ones included."""
        shared = [] if self.twin_of is None else self.twin_of.every_datum()
        return [one for one in shared if not self.is_own(one.scope, one.path)] + list(self.data.values())

    def every_collection(self) -> list[Items]:
        """Return the collections of the whole person, outer ones before those of their items."""
        shared = [] if self.twin_of is None else self.twin_of.every_collection()
        return [one for one in shared if not self.is_own(one.scope, one.path)] + list(self.collections.values())

    def every_indicator(self) -> list[IndicatorSymbol]:
        """Return the indicators that were asked for."""
        return self.indicators if self.twin_of is None else self.twin_of.every_indicator()

    def witness(self, scope: str, path: tuple[str, ...]) -> Item:
        """Return one more item of a collection, of which nothing is known but that it may exist."""
        if self.twin_of is not None and not self.is_own(scope, path):
            return self.twin_of.witness(scope, path)
        inner = f"{_inside(scope, path)}[witness {len(self._scopes)}]"
        self._scopes[inner] = self._item_scope(scope, path)
        return Item(inner, z3.Bool(f"{self.person}{inner} exists"))

    def collection(self, scope: str, path: tuple[str, ...]) -> Collection:
        """Return what the catalog declares of the collection at the end of `path`."""
        found = self._followed(scope, path[:-1]).find(path[-1])
        assert found is not None and isinstance(found.what, Collection)
        return found.what

    def _items(self, scope: str, path: tuple[str, ...]) -> Items:
        collection = self.collection(scope, path)
        name = self._name(scope, path)
        known = z3.Bool(f"{name} known") if self.unknowns else YES
        items: list[Item] = []
        for number in range(min(self.longest, collection.at_most)):
            exists = z3.Bool(f"{name}[{number}] exists")
            if items:
                self.assumptions.append(z3.Implies(exists, items[-1].exists))
            inner = f"{_inside(scope, path)}[{number}]"
            self._scopes[inner] = self._item_scope(scope, path)
            items.append(Item(inner, exists))
        if scope == SUBJECT and path == (self.for_each,):
            self.assumptions += [known, items[0].exists]
        return Items(scope, path, known, tuple(items))

    def _item_scope(self, scope: str, path: tuple[str, ...]) -> Scope:
        owner = self._followed(scope, path[:-1]).space
        here = self._scope(scope)
        name = owner.name if owner is not None else ""
        return here.item_of(self.collection(scope, path), name, here.depth + 1, self.vocabulary)

    def _scope(self, key: str) -> Scope:
        found = self._scopes.get(key)
        if found is None:
            assert self.twin_of is not None
            return self.twin_of._scope(key)
        return found

    def _followed(self, scope: str, links: tuple[str, ...]) -> Scope:
        here = self._scope(scope)
        for name in links:
            found = here.find(name)
            assert found is not None and isinstance(found.what, Link)
            here = here.follow(found.what, self.vocabulary)
        return here

    def datum(self, scope: str, path: tuple[str, ...]) -> Attribute | Link | None:
        """Return what the catalog declares of the datum at the end of `path`."""
        found = self._followed(scope, path[:-1]).find(path[-1])
        return None if found is None or isinstance(found.what, Collection) else found.what

    def _name(self, scope: str, path: tuple[str, ...]) -> str:
        return f"{self.person}{_inside(scope, path)}"

    def _symbol(self, name: str, kind: Type, may_be_unknown: bool, bounded: bool = True) -> Term:
        known = z3.Bool(f"{name} known") if may_be_unknown else YES
        if isinstance(kind, Bool):
            holds = z3.Bool(name)
            return Truth(both((known, holds)), both((known, negated(holds))))
        value = z3.Int(name)
        if bounded:
            self._bound(value, kind)
        return Quantity(value, known)

    def _bound(self, value: Whole, kind: Type) -> None:
        if isinstance(kind, Number):
            low, high = kind.low, kind.high
        elif isinstance(kind, Date):
            low, high = EARLIEST_DAY, LATEST_DAY
        else:
            low, high = self.numberings.of(kind).bounds
        self.assumptions += [value >= low, value <= high]


def _is_same(one: Whole | None, other: Whole | None) -> bool:
    return one is other if one is None or other is None else bool(one.eq(other))


def _inside(scope: str, path: tuple[str, ...]) -> str:
    return f"{scope}/{'.'.join(path)}"


NEVER_KNOWN = Quantity(z3.IntVal(0), NO)
