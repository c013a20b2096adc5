"""The places in a rule where an example can stand on one side or the other: comparisons and branches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import gcd

from engine.interpreter_values import Surroundings, evaluate
from engine.policy_inputs import whole_condition
from policies.errors import Place
from policies.plain_words import value_in_words
from policies.policy import Condition, FixedPolicy
from policies.tree import (
    Add,
    Aggregate,
    Attribute,
    Compare,
    CompareRatio,
    If,
    Literal,
    Multiply,
    Named,
    Node,
    Subtract,
    children,
    walk,
)

_ORDERED = ("<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Site:
    """A comparison with a boundary, or a branch; `key` is the same on every date for which a policy is settled.

    `inside` an aggregate it is seen once for every item.
    """

    key: str
    node: Compare | CompareRatio | If
    text: str
    place: Place
    inside: bool


@dataclass(frozen=True, slots=True)
class Root:
    """One expression of the rule with the words for where it stands."""

    name: str
    node: Node
    text: str
    place: Place


def leaves_of(condition: Condition) -> Iterator[Condition]:
    """Yield the leaves of a condition from top to bottom."""
    if condition.kind == "leaf":
        yield condition
    for child in condition.children:
        yield from leaves_of(child)


def roots_of(fixed: FixedPolicy) -> Iterator[Root]:
    """Yield the leaves, the conditions and amounts of tiers, and the formula of the amount."""
    for number, leaf in enumerate(leaves_of(whole_condition(fixed)), start=1):
        if leaf.expression is not None:
            yield Root(f"leaf {number}", leaf.expression, leaf.text, leaf.place)
    for number, tier in enumerate(fixed.tiers, start=1):
        if tier.when is not None:
            yield Root(f"tier {number}", tier.when, tier.text, tier.place)
        yield Root(f"amount {number}", tier.amount, tier.amount_text, tier.place)
    benefit = fixed.policy.benefit
    if fixed.amount is not None and not fixed.tiers and not benefit.instalments:
        yield Root("amount", fixed.amount, benefit.text, benefit.place)


def sites_of(fixed: FixedPolicy, at: Iterable[Surroundings] = ()) -> Iterator[tuple[Site, tuple[Surroundings, ...]]]:
    """Yield every site once for each mention, with the surroundings in which it is evaluated (none: no facts)."""
    seen: set[str] = set()
    around = tuple(at)
    for root in roots_of(fixed):
        yield from _Visit(fixed, root, seen).visit(root.node, root.name, (), around, False)


@dataclass(slots=True)
class _Visit:
    fixed: FixedPolicy
    root: Root
    seen: set[str]

    def visit(
        self, node: Node, owner: str, path: tuple[int, ...], at: tuple[Surroundings, ...], inside: bool
    ) -> Iterator[tuple[Site, tuple[Surroundings, ...]]]:
        """Yield the sites at and below a node."""
        if isinstance(node, Named):
            if node.name not in self.fixed.policy.definitions:
                return  # a parameter, or a derived attribute of the catalog: not this rule's to test
            owner, path = f"definition {node.name}", ()
            if not inside:
                if owner in self.seen:
                    return
                self.seen.add(owner)
        if isinstance(node, If) or (isinstance(node, Compare | CompareRatio) and _has_boundary(node)):
            key = f"{owner} {'.'.join(map(str, path))}".rstrip()
            yield Site(key, node, shown(node), self.root.place, inside), at
        if isinstance(node, Aggregate):
            at, inside = tuple(one for around in at for one in _items(node, around)), True
        for number, child in enumerate(children(node)):
            yield from self.visit(child, owner, (*path, number), at, inside)


def _items(node: Aggregate, at: Surroundings) -> Iterator[Surroundings]:
    for item in at.facts[node.from_depth].items(node.path) or ():
        yield Surroundings((*at.facts[: node.depth], item), at.for_each, at.aggregates, None)


def _has_boundary(node: Compare | CompareRatio) -> bool:
    return node.operator in _ORDERED and any(isinstance(one, Attribute | Aggregate) for one in walk(node))


def side_of(node: Compare | CompareRatio, at: Surroundings) -> str | None:
    """Return on which side of the boundary the facts stand: `last-no`, `first-yes`, or None for anywhere else.

    `first-yes` is the nearest value that fulfils the comparison, `last-no` the nearest that does not.
    """
    gap, step = gap_of(node, at)
    if gap is None:
        return None
    low, high = bands(node, step)["first-yes"]
    if low <= gap <= high:
        return "first-yes"
    low, high = bands(node, step)["last-no"]
    return "last-no" if low <= gap <= high else None


def bands(node: Compare | CompareRatio, step: int) -> dict[str, tuple[int, int]]:
    """Return for both sides the distances (left less right, bounds included) that are nearest to the boundary."""
    near, far = {
        ">=": ((0, step - 1), (-step, -1)),
        ">": ((1, step), (1 - step, 0)),
        "<=": ((1 - step, 0), (1, step)),
        "<": ((-step, -1), (0, step - 1)),
    }[node.operator]
    return {"first-yes": near, "last-no": far}


def gap_of(node: Compare | CompareRatio, at: Surroundings) -> tuple[int | None, int]:
    """Return left less right (for a ratio multiplied by its denominator), and the step in which it moves."""
    right = evaluate(node.right, at).value
    if isinstance(node, Compare):
        left = evaluate(node.left, at).value
        if not isinstance(left, int) or not isinstance(right, int):
            return None, 1
        return left - right, step_of(node)
    numerator, denominator = evaluate(node.numerator, at).value, evaluate(node.denominator, at).value
    if not all(isinstance(one, int) for one in (numerator, denominator, right)) or not denominator:
        return None, 1
    assert isinstance(numerator, int) and isinstance(denominator, int) and isinstance(right, int)
    sign = 1 if denominator > 0 else -1
    step = max(_grain(node.numerator), abs(right) * _grain(node.denominator), 1)
    return sign * (numerator - right * denominator), step


def step_of(node: Compare) -> int:
    """Return the smallest step in which the distance of both sides can change."""
    return gcd(_grain(node.left), _grain(node.right)) or 1


def _grain(node: Node) -> int:
    """Return the step in which a number moves: 0 for a constant, 100 for yuan held against fen."""
    if isinstance(node, Named):
        return _grain(node.child)
    if isinstance(node, Literal):
        return 0
    if isinstance(node, Multiply):
        for factor, other in ((node.left, node.right), (node.right, node.left)):
            value = _constant(factor)
            if value is not None:
                return abs(value) * _grain(other)
        return 1
    if isinstance(node, Add | Subtract):
        return gcd(_grain(node.left), _grain(node.right))
    return 1


def _constant(node: Node) -> int | None:
    while isinstance(node, Named):
        node = node.child
    return node.value if isinstance(node, Literal) and isinstance(node.value, int) else None


def shown(node: Node) -> str:
    """Return an expression briefly, as a person would recognise it in the file."""
    if isinstance(node, Named):
        return node.name
    if isinstance(node, Attribute):
        return ".".join(node.path)
    if isinstance(node, Aggregate):
        return node.text
    if isinstance(node, Literal):
        return value_in_words(node.value, node.type, "en")
    if isinstance(node, Compare):
        return f"{shown(node.left)} {node.operator} {shown(node.right)}"
    if isinstance(node, CompareRatio):
        return f"{shown(node.numerator)} / {shown(node.denominator)} {node.operator} {shown(node.right)}"
    if isinstance(node, If):
        return f"if {shown(node.condition)}"
    if isinstance(node, Multiply) and _constant(node.right) is not None:
        return shown(node.left) if _is_scaling(node.right) else f"{shown(node.left)} * {shown(node.right)}"
    if isinstance(node, Add | Subtract):
        return f"{shown(node.left)} {'+' if isinstance(node, Add) else '-'} {shown(node.right)}"
    return "…"


def _is_scaling(node: Node) -> bool:
    """Return whether a factor is a power of ten, with which the checker brings two sides to one scale."""
    value = _constant(node)
    return value is not None and value >= 10 and str(value).strip("0") == "1"
