"""Equal subtrees get equal numbers, so that every compiler pass treats each of them once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import fields

from policies.tree import Aggregate, Attribute, Node, children


class Interner:
    """Numbers trees by structure, in time linear in their size; also knows which are constant."""

    def __init__(self) -> None:
        self._by_structure: dict[Hashable, int] = {}
        # The node is kept with its number: an object's id is only unique while the object lives.
        self._by_object: dict[int, tuple[Node, int]] = {}
        self._constant: list[bool] = []

    def number(self, node: Node) -> int:
        """Return the number of `node`: equal for equal trees, different for different ones."""
        known = self._by_object.get(id(node))
        if known is not None:
            return known[1]
        below = tuple(children(node))
        numbers = tuple(self.number(child) for child in below)
        plain = tuple(
            (field.name, value if _is_plain(value) else None)
            for field in fields(node)
            if field.name not in ("text", "missing")
            for value in (getattr(node, field.name),)
        )
        # True == 1 in Python, so the types of plain values are part of the structure.
        structure = (type(node), repr(plain), numbers)
        number = self._by_structure.get(structure)
        if number is None:
            number = self._by_structure[structure] = len(self._constant)
            reads = isinstance(node, Attribute | Aggregate)
            self._constant.append(not reads and all(self._constant[one] for one in numbers))
        self._by_object[id(node)] = (node, number)
        return number

    def is_constant(self, node: Node) -> bool:
        """Return True if no datum of any subject is read below `node`."""
        return self._constant[self.number(node)]


def _is_plain(value: object) -> bool:
    """Return True for everything but child nodes (and tuples of them)."""
    if isinstance(value, tuple):
        return not any(hasattr(one, "type") for one in value)
    return not hasattr(value, "type")
