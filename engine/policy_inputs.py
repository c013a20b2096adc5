"""What a fixed policy looks at: its inputs by name, the same for every compiler.

An input is a stored datum outside aggregates (its dotted path; in `for_each` policies the subject's data
carry the prefix `subject.`) or a whole aggregate (its text).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies.policy import Condition, FixedPolicy
from policies.tree import Aggregate, Attribute, Named, Node, children
from policies.types import Bool, Type


@dataclass(frozen=True, slots=True)
class Input:
    """One datum that decides: its name as shown to people, its type, and the node that asks for it."""

    name: str
    type: Type
    node: Attribute | Aggregate


def attribute_name(node: Attribute, for_each: bool) -> str:
    """Return the dotted name of an attribute; the subject's are prefixed in `for_each` policies."""
    dotted = ".".join(node.path)
    return f"subject.{dotted}" if for_each and node.depth == 0 else dotted


def whole_condition(fixed: FixedPolicy) -> Condition:
    """Return what must hold for a grant: the eligibility, and `unit_where` where the policy has one."""
    if fixed.unit_where is None:
        return fixed.eligibility
    unit = Condition("leaf", expression=fixed.unit_where, text="unit_where")
    return Condition("all", (unit, fixed.eligibility))


def expressions(condition: Condition) -> Iterator[Node]:
    """Yield the expressions of all leaves, top to bottom."""
    if condition.expression is not None:
        yield condition.expression
    for child in condition.children:
        yield from expressions(child)


def deciding_expressions(fixed: FixedPolicy) -> Iterator[Node]:
    """Yield every expression that outcome and amount depend on."""
    yield from expressions(whole_condition(fixed))
    if fixed.amount is not None:
        yield fixed.amount


def inputs_of(fixed: FixedPolicy) -> tuple[Input, ...]:
    """Return the inputs of outcome and amount, in order of first appearance, names unique.

    A datum is one input, however many units or scales the expressions take it in. Two different aggregates of
    one text (possible when a derived attribute is spelt like a definition) are told apart by a number behind
    the second.
    """
    known = _KNOWN.get(id(fixed))
    if known is not None and known[0] is fixed:
        return known[1]
    inputs = _inputs_of(fixed)
    if len(_KNOWN) >= _MOST_KNOWN:
        _KNOWN.clear()
    _KNOWN[id(fixed)] = (fixed, inputs)
    return inputs


# Deciding one subject asks for the inputs of every policy again and again; a policy's hash would be dearer than
# the answer, so it goes by identity. The policy is kept with it: an id is not given to another one meanwhile.
_KNOWN: dict[int, tuple[FixedPolicy, tuple[Input, ...]]] = {}
_MOST_KNOWN = 2_000


def _inputs_of(fixed: FixedPolicy) -> tuple[Input, ...]:
    found: dict[str, Input] = {}
    for_each = fixed.policy.for_each is not None
    for root in deciding_expressions(fixed):
        for node in _outer_data(root):
            name = attribute_name(node, for_each) if isinstance(node, Attribute) else node.text
            if isinstance(node, Attribute):
                found.setdefault(name, Input(name, node.datum_type, node))
                continue
            plain, number = name, 1
            while name in found and found[name].node != node:
                number += 1
                name = f"{plain} #{number}"
            found.setdefault(name, Input(name, node.type, node))
    return tuple(found.values())


def types_by_name(fixed: FixedPolicy) -> dict[str, Type]:
    """Return the type of everything a trace can mention: inputs, definitions and derived attributes."""
    types: dict[str, Type] = {}
    for root in (*deciding_expressions(fixed), *(tier.when for tier in fixed.tiers if tier.when is not None)):
        for node in _outside_aggregates(root):
            if isinstance(node, Named):
                types.setdefault(node.name, node.type)
    types.update({one.name: one.type for one in inputs_of(fixed)})
    if fixed.policy.for_each is not None:
        types.setdefault(fixed.policy.for_each, Bool())
    return types


def _outside_aggregates(node: Node) -> Iterator[Node]:
    yield node
    if not isinstance(node, Aggregate):
        for child in children(node):
            yield from _outside_aggregates(child)


def _outer_data(node: Node) -> Iterator[Attribute | Aggregate]:
    for found in _outside_aggregates(node):
        if isinstance(found, Attribute | Aggregate):
            yield found
