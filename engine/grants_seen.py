"""Of which policies' grants a rule can take notice: nearly every rule that looks back counts its own grants alone.

Reading the ledger is limited to those, and a grant by another policy is no reason to decide anybody anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.change_index import nodes_of
from policies.policy import Policy
from policies.scopes import GRANTS
from policies.tree import Aggregate, And, Attribute, Compare, In, Literal, Named, Node


def grants_seen(policies: Iterable[Policy]) -> frozenset[str] | None:
    """Return the ids of the policies whose grants these policies can take notice of; None: of any."""
    seen: set[str] = set()
    for policy in policies:
        if policy.for_each == GRANTS.name:
            return None
        for node in nodes_of(policy):
            if isinstance(node, Aggregate) and node.path[-1] == GRANTS.name:
                named = _named(node)
                if named is None:
                    return None
                seen |= named
    return frozenset(seen)


def _named(node: Aggregate) -> frozenset[str] | None:
    """Return the policies that the filter asks for; None if it lets grants of any pass.

    The condition of an `any` does as well: an item on which it is false changes nothing.
    """
    condition = node.filter if node.filter is not None else node.value if node.kind == "any" else None
    for part in _conjuncts(condition):
        match _bare(part):
            case Compare(operator="==", left=left, right=right):
                for one, other in ((_bare(left), _bare(right)), (_bare(right), _bare(left))):
                    if _is_policy(one, node) and isinstance(other, Literal) and isinstance(other.value, str):
                        return frozenset({other.value})
            case In(child=child, values=values) if _is_policy(_bare(child), node):
                return frozenset(str(value) for value in values)
    return None


def _conjuncts(node: Node | None) -> list[Node]:
    if node is None:
        return []
    bare = _bare(node)
    return [part for child in bare.children for part in _conjuncts(child)] if isinstance(bare, And) else [bare]


def _bare(node: Node) -> Node:
    while isinstance(node, Named):
        node = node.child
    return node


def _is_policy(node: Node, aggregate: Aggregate) -> bool:
    return isinstance(node, Attribute) and node.depth == aggregate.depth and node.path == ("policy",)
