"""From the typed tree to formulas: for every node the meaning that the interpreter gives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import z3

from policies import tree as t
from policies.proofs.bounds import bounds_of, may_lack_a_value
from policies.proofs.code_numbers import Numberings
from policies.proofs.folding import Kept, folded
from policies.proofs.symbols import NEVER_KNOWN, SUBJECT, Item, Symbols
from policies.proofs.terms import (
    NO,
    UNKNOWN_TRUTH,
    YES,
    Formula,
    Quantity,
    Term,
    Truth,
    Whole,
    all_of,
    any_of,
    both,
    chosen,
    either,
    opposite,
    truth_of,
    whole,
)
from policies.proofs.whole_numbers import Calendar, rounded
from policies.proofs.witnesses import about_item, about_witness
from policies.types import Bool, Code, Number, Text, Type, Value

_COMPARED: dict[str, Callable[[Any, Any], Formula]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}


# Each pair of aggregates of one collection costs formulas; no rule file compares so many.
_NAMED_AT_MOST = 12


@dataclass(slots=True)
class _NamedItems:
    """The items of one collection that aggregates stand for, and these aggregates."""

    items: list[Item]
    aggregates: list[tuple[t.Aggregate, tuple[str, ...], Term]] = field(default_factory=list)


@dataclass(slots=True)
class Translation:
    """Translates the expressions about one person; parts that are shared are translated once.

    With `folded` aggregates are folded over the possible items that `symbols` has. Without it an aggregate
    is one free symbol, tied to its bounds and to the items it stands for (`policies.proofs.witnesses`):
    whatever then cannot hold can hold for no collection at all.
    `shared` is the translation about the person whose twin this one is about.
    """

    symbols: Symbols
    numberings: Numberings
    calendar: Calendar
    folded: bool = True
    shared: Translation | None = None
    _known: dict[tuple[int, tuple[str, ...]], tuple[Term, t.Node]] = field(default_factory=dict)
    _aggregates: dict[tuple[t.Aggregate, tuple[str, ...]], Term] = field(default_factory=dict)
    _named_items: dict[tuple[str, tuple[str, ...]], _NamedItems] = field(default_factory=dict)

    def truth(self, node: t.Node, scopes: tuple[str, ...] | None = None) -> Truth:
        """Return a condition as a truth value."""
        found = self.term(node, self.symbols.scopes if scopes is None else scopes)
        assert isinstance(found, Truth)
        return found

    def quantity(self, node: t.Node, scopes: tuple[str, ...] | None = None) -> Quantity:
        """Return a number, day or code."""
        found = self.term(node, self.symbols.scopes if scopes is None else scopes)
        assert isinstance(found, Quantity)
        return found

    def term(self, node: t.Node, scopes: tuple[str, ...]) -> Term:
        """Return the meaning of `node`, seen from the innermost of `scopes`."""
        key = (id(node), scopes)
        if key not in self._known:
            # The node is kept, so that its id is not given to another one.
            self._known[key] = (MEANINGS[type(node)](self, node, scopes), node)
        return self._known[key][0]

    def literal(self, value: Value, kind: Type) -> Term:
        """Return a constant."""
        if isinstance(kind, Bool):
            return UNKNOWN_TRUTH if value is None else Truth(YES, NO) if value else Truth(NO, YES)
        if value is None:
            return NEVER_KNOWN
        if isinstance(kind, Code | Text):
            number = self.numberings.of(kind).number(str(value))
            assert number is not None, value
            return Quantity(whole(number), YES)
        return Quantity(whole(int(value)), YES)

    def _literal(self, node: t.Literal, scopes: tuple[str, ...]) -> Term:
        return self.literal(node.value, node.type)

    def _attribute(self, node: t.Attribute, scopes: tuple[str, ...]) -> Term:
        return self.symbols.attribute(scopes[node.depth], node.path, node.type)

    def _named(self, node: t.Named, scopes: tuple[str, ...]) -> Term:
        indicator = self.symbols.vocabulary.indicators.get(node.name)
        if indicator is None:
            return self.term(node.child, scopes)
        # A rule must be right for whatever the public series will say, not only for its present value.
        child = node.child
        if isinstance(child, t.PrefixLookup):
            return self.symbols.indicator(node.name, indicator.type, self.quantity(child.key, scopes), child.key.type)
        return self.symbols.indicator(node.name, indicator.type, None, None)

    def _not(self, node: t.Not, scopes: tuple[str, ...]) -> Term:
        return opposite(self.truth(node.child, scopes))

    def _and(self, node: t.And, scopes: tuple[str, ...]) -> Term:
        return all_of(self.truth(child, scopes) for child in node.children)

    def _or(self, node: t.Or, scopes: tuple[str, ...]) -> Term:
        return any_of(self.truth(child, scopes) for child in node.children)

    def _compare(self, node: t.Compare, scopes: tuple[str, ...]) -> Term:
        left, right = self.term(node.left, scopes), self.term(node.right, scopes)
        if isinstance(left, Truth) and isinstance(right, Truth):
            same = either((both((left.true, right.true)), both((left.false, right.false))))
            other = either((both((left.true, right.false)), both((left.false, right.true))))
            return Truth(same, other) if node.operator == "==" else Truth(other, same)
        assert isinstance(left, Quantity) and isinstance(right, Quantity)
        claim = z3.simplify(_COMPARED[node.operator](left.value, right.value))
        return truth_of(claim, both((left.known, right.known)))

    def _compare_ratio(self, node: t.CompareRatio, scopes: tuple[str, ...]) -> Term:
        top, bottom, right = (self.quantity(one, scopes) for one in (node.numerator, node.denominator, node.right))
        compared = _COMPARED[node.operator]
        product = right.value * bottom.value
        upright, turned = compared(top.value, product), compared(product, top.value)
        claim = z3.simplify(chosen(z3.simplify(bottom.value > 0), upright, turned))
        divides = z3.simplify(bottom.value != 0)
        return truth_of(claim, both((top.known, bottom.known, right.known, divides)))

    def _arithmetic(self, node: t.Add | t.Subtract | t.Multiply, scopes: tuple[str, ...]) -> Term:
        left, right = self.quantity(node.left, scopes), self.quantity(node.right, scopes)
        if isinstance(node, t.Add):
            value = left.value + right.value
        elif isinstance(node, t.Subtract):
            value = left.value - right.value
        else:
            value = left.value * right.value
        return Quantity(z3.simplify(value), both((left.known, right.known)))

    def _round(self, node: t.Round, scopes: tuple[str, ...]) -> Term:
        top, bottom = self.quantity(node.numerator, scopes), self.quantity(node.denominator, scopes)
        divides = z3.simplify(bottom.value != 0)
        value = z3.simplify(rounded(top.value, bottom.value, node.mode)) if not z3.is_false(divides) else whole(0)
        return Quantity(value, both((top.known, bottom.known, divides)))

    def _extreme(self, node: t.Minimum | t.Maximum, scopes: tuple[str, ...]) -> Term:
        parts = [self.quantity(child, scopes) for child in node.children]
        value = parts[0].value
        for part in parts[1:]:
            smaller = part.value < value if isinstance(node, t.Minimum) else part.value > value
            value = chosen(z3.simplify(smaller), part.value, value)
        return Quantity(value, both(part.known for part in parts))

    def _if(self, node: t.If, scopes: tuple[str, ...]) -> Term:
        condition = self.truth(node.condition, scopes)
        then, otherwise = self.term(node.then, scopes), self.term(node.otherwise, scopes)
        return picked(condition, then, otherwise)

    def _in(self, node: t.In, scopes: tuple[str, ...]) -> Term:
        child = self.quantity(node.child, scopes)
        return truth_of(either(child.value == self._key(one, node.child.type) for one in node.values), child.known)

    def _key(self, value: int | str, kind: Type) -> Whole:
        found = self.literal(value, kind)
        assert isinstance(found, Quantity)
        return found.value

    def _within(self, node: t.Within, scopes: tuple[str, ...]) -> Term:
        child = self.quantity(node.child, scopes)
        claim = either(self._begins(child.value, prefix, node.child.type) for prefix in node.prefixes)
        return truth_of(z3.simplify(claim), child.known)

    def _begins(self, value: Whole, prefix: str, kind: Type) -> Formula:
        low, high = self.numberings.of(kind).range(prefix)
        return both((value >= low, value <= high)) if low <= high else NO

    def _date_part(self, node: t.DatePart, scopes: tuple[str, ...]) -> Term:
        child = self.quantity(node.child, scopes)
        return Quantity(self.calendar.part(child.value, node.part), child.known)

    def _months_between(self, node: t.MonthsBetween, scopes: tuple[str, ...]) -> Term:
        start, end = self.quantity(node.start, scopes), self.quantity(node.end, scopes)
        return Quantity(self.calendar.months_between(start.value, end.value), both((start.known, end.known)))

    def _add_months(self, node: t.AddMonths, scopes: tuple[str, ...]) -> Term:
        day, months = self.quantity(node.date, scopes), self.quantity(node.months, scopes)
        value = z3.simplify(self.calendar.add_months(day.value, months.value))
        return Quantity(value, both((day.known, months.known)))

    def _lookup(self, node: t.Lookup, scopes: tuple[str, ...]) -> Term:
        key = self.quantity(node.key, scopes)
        found = self.literal(node.default, node.type)
        if node.each_further is not None and isinstance(node.key.type, Number):
            last, increment = node.each_further
            base = dict(node.cases).get(last)
            if isinstance(base, int):
                beyond = z3.simplify(key.value > last)
                further = Quantity(z3.simplify(base + (key.value - last) * increment), YES)
                found = picked(truth_of(beyond, YES), further, found)
        for case, value in reversed(node.cases):
            here = z3.simplify(key.value == self._key(case, node.key.type))
            found = picked(truth_of(here, YES), self.literal(value, node.type), found)
        return where_known(found, key.known)

    def _prefix_lookup(self, node: t.PrefixLookup, scopes: tuple[str, ...]) -> Term:
        key = self.quantity(node.key, scopes)
        found = self.literal(None, node.type)
        # The longest prefix wins: it is asked first, so it is put on last.
        for prefix, value in sorted(node.cases, key=lambda one: len(one[0])):
            begins = YES if prefix == "" else z3.simplify(self._begins(key.value, prefix, node.key.type))
            found = picked(truth_of(begins, YES), self.literal(value, node.type), found)
        return where_known(found, key.known)

    def _aggregate(self, node: t.Aggregate, scopes: tuple[str, ...]) -> Term:
        key = (node, scopes[: node.depth])
        if key not in self._aggregates:
            self._aggregates[key] = self._fold(node, scopes) if self.folded else self._free(node, scopes)
        return self._aggregates[key]

    def _free(self, node: t.Aggregate, scopes: tuple[str, ...]) -> Term:
        if self.shared is not None and not self._looks_at_own(node, scopes):
            return self.shared._aggregate(node, scopes)
        at_most = self.symbols.collection(scopes[node.from_depth], node.path).at_most
        name = f"aggregate {len(self._aggregates)} {node.text}"
        made = self.symbols.free(name, node.type, bounds_of(node, at_most), may_lack_a_value(node))
        self._bind(node, scopes, made)
        return made

    def _bind(self, node: t.Aggregate, scopes: tuple[str, ...], made: Term) -> None:
        """Tie a free aggregate to the items that it and the other aggregates of its collection stand for."""
        place = (scopes[node.from_depth], node.path)
        named = self._named_items.setdefault(place, _NamedItems(list(self._unit_of(place))))
        if len(named.aggregates) >= _NAMED_AT_MOST:
            return
        witness = self.symbols.witness(*place)
        earlier = list(named.aggregates)
        named.items.append(witness)
        named.aggregates.append((node, scopes, made))
        for item in list(named.items):
            self.symbols.assumptions += about_item(node, made, self._kept(node, scopes, item))
        self.symbols.assumptions += about_witness(node, made, self._kept(node, scopes, witness))
        for other, other_scopes, other_made in earlier:
            kept = self._kept(other, other_scopes, witness)
            self.symbols.assumptions += about_item(other, other_made, kept)

    def _unit_of(self, place: tuple[str, tuple[str, ...]]) -> tuple[Item, ...]:
        """The unit of a `for_each` policy is itself an item of its collection."""
        if place != (SUBJECT, (self.symbols.for_each,)):
            return ()
        return self.symbols.items(*place).items[:1]

    def _kept(self, node: t.Aggregate, scopes: tuple[str, ...], item: Item) -> Kept:
        inside = (*scopes[: node.depth], item.scope)
        passes = Truth(YES, NO) if node.filter is None else self.truth(node.filter, inside)
        value = None if node.value is None else self.term(node.value, inside)
        return Kept(item.exists, passes, value)

    def _looks_at_own(self, node: t.Aggregate, scopes: tuple[str, ...]) -> bool:
        """Return whether the twin's aggregate may differ: its collection is the twin's own, or a datum in it is."""
        if self.symbols.is_own(scopes[node.from_depth], node.path):
            return True
        for inner in t.walk(node):
            depth = inner.depth if isinstance(inner, t.Attribute) else None
            if isinstance(inner, t.Aggregate) and inner is not node:
                depth = inner.from_depth
            if depth is not None and depth < node.depth:
                assert isinstance(inner, t.Attribute | t.Aggregate)
                if self.symbols.is_own(scopes[depth], inner.path):
                    return True
        return False

    def _fold(self, node: t.Aggregate, scopes: tuple[str, ...]) -> Term:
        here = self.symbols.items(scopes[node.from_depth], node.path)
        return where_known(folded(node, [self._kept(node, scopes, item) for item in here.items]), here.known)


def picked(condition: Truth, then: Term, otherwise: Term) -> Term:
    """Return `then` or `otherwise`, as the condition says; unknown where the condition is."""
    if isinstance(then, Truth) and isinstance(otherwise, Truth):
        return Truth(
            either((both((condition.true, then.true)), both((condition.false, otherwise.true)))),
            either((both((condition.true, then.false)), both((condition.false, otherwise.false)))),
        )
    assert isinstance(then, Quantity) and isinstance(otherwise, Quantity)
    known = either((both((condition.true, then.known)), both((condition.false, otherwise.known))))
    if z3.is_false(then.known):
        return Quantity(otherwise.value, known)
    if z3.is_false(otherwise.known):
        return Quantity(then.value, known)
    return Quantity(chosen(condition.true, then.value, otherwise.value), known)


def where_known(term: Term, known: Formula) -> Term:
    """Return the term, unknown where `known` does not hold."""
    if isinstance(term, Truth):
        return Truth(both((known, term.true)), both((known, term.false)))
    return Quantity(term.value, both((known, term.known)))


MEANINGS: dict[type, Callable[[Translation, Any, tuple[str, ...]], Term]] = {
    t.Literal: Translation._literal,
    t.Attribute: Translation._attribute,
    t.Named: Translation._named,
    t.Not: Translation._not,
    t.And: Translation._and,
    t.Or: Translation._or,
    t.Compare: Translation._compare,
    t.CompareRatio: Translation._compare_ratio,
    t.Add: Translation._arithmetic,
    t.Subtract: Translation._arithmetic,
    t.Multiply: Translation._arithmetic,
    t.Round: Translation._round,
    t.Minimum: Translation._extreme,
    t.Maximum: Translation._extreme,
    t.If: Translation._if,
    t.In: Translation._in,
    t.Within: Translation._within,
    t.DatePart: Translation._date_part,
    t.MonthsBetween: Translation._months_between,
    t.AddMonths: Translation._add_months,
    t.Lookup: Translation._lookup,
    t.PrefixLookup: Translation._prefix_lookup,
    t.Aggregate: Translation._aggregate,
}
