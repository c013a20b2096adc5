"""Whose data an expression may see, as columns: the subject, a unit, the items of an aggregate.

Compiling an expression in a scope registers the columns it needs; `columnar_frames` then reads exactly
those, once each, and builds one frame per scope.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import narwhals as nw

from policies.errors import MianshenError, PolicyError
from policies.text import Bilingual
from policies.tree import AggregateKind
from policies.types import Type
from policies.vocabulary import Collection, Vocabulary

GRANTS = "grants"  # the engine's own collection: what a subject was granted; no catalog declares it
Path = tuple[str, ...]
ITSELF = ""  # as the last name of a path: the pseudonym of the subject at its end, if that one exists


@dataclass(slots=True, eq=False)
class Fold:
    """One aggregate over the items of a group; `column` holds its result in the frame it is attached to.

    With more than `at_most` items of one owner the result is unknown.
    """

    column: str
    type: Type
    kind: AggregateKind
    filter: nw.Expr | None
    value: nw.Expr | None
    at_most: int | None = None


@dataclass(slots=True, eq=False)
class FoldGroup:
    """All aggregates over one collection that are worked out in one grouping."""

    items: Scope
    owner: str
    owner_space: str
    folds: list[Fold] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Derived:
    """An intermediate column: `level` is above that of every intermediate column it is computed from.

    `tested` names the code column if the expression is a test of nothing but that column.
    """

    expression: nw.Expr
    uses: frozenset[str]
    level: int
    tested: str | None = None


@dataclass(slots=True, eq=False)
class Scope:
    """One frame to be: `stack` holds the scopes visible from here by depth, itself last.

    `space` is the space whose attributes names resolve to (the member's, for members); None for items that
    stand for nobody. `columns` maps paths to column names, `carried` are the columns taken over from the
    scope this one is joined to (`parent`), `derived` are intermediate columns.
    """

    space: str | None
    collection: Collection | None
    parent: Scope | None
    stack: tuple[Scope, ...]
    columns: dict[Path, str] = field(default_factory=dict)
    carried: dict[str, None] = field(default_factory=dict)
    groups: list[FoldGroup] = field(default_factory=list)
    derived: dict[str, Derived] = field(default_factory=dict)

    def is_own(self, name: str) -> bool:
        """Return True if `name` belongs to the item itself, not to the member it stands for."""
        if self.collection is None:
            return False
        own = name in self.collection.attributes or name in self.collection.links
        return own or self.space is None


class Scopes:
    """Makes scopes and columns, and knows where links and collections lead."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._numbers = count()

    def new_column(self, letter: str = "c") -> str:
        """Return a column name that is used nowhere else."""
        return f"{letter}{next(self._numbers)}"

    def subjects(self, space: str) -> Scope:
        """Return a new scope of the subjects of `space`."""
        scope = Scope(space, None, None, ())
        scope.stack = (scope,)
        return scope

    def items(self, parent: Scope, outer: tuple[Scope, ...], owner_space: str, name: str) -> Scope:
        """Return a new scope of the items of a collection, joined to `parent`, seen from `outer`."""
        collection = self.collection(owner_space, name)
        scope = Scope(collection.member_space, collection, parent, ())
        scope.stack = (*outer, scope)
        return scope

    def column(self, owner: Scope, path: Path, reader: Scope) -> str:
        """Return the column of `reader`'s frame that holds the datum at `path` of the scope `owner`.

        Raises PolicyError if there is no such datum.
        """
        name = owner.columns.get(path)
        if name is None:
            self._require(owner, path)
            name = owner.columns[path] = self.new_column()
        carry(name, owner, reader)
        return name

    def space_at(self, scope: Scope, links: Path) -> str:
        """Return the space at the end of a chain of links. Raises PolicyError if it leads nowhere."""
        space = scope.space
        for number, link in enumerate(links):
            if number == 0 and scope.collection is not None and link in scope.collection.links:
                space = scope.collection.links[link].target
            elif space is not None and link in self.vocabulary.spaces[space].links:
                space = self.vocabulary.spaces[space].links[link].target
            else:
                raise unknown_name(".".join(links))
        if space is None:
            raise unknown_name(".".join(links))
        return space

    def _require(self, scope: Scope, path: Path) -> None:
        links, name = path[:-1], path[-1]
        if not links and scope.is_own(name):
            return
        try:
            space = self.vocabulary.spaces[self.space_at(scope, links)]
        except PolicyError:
            raise unknown_name(".".join(path)) from None
        if name != ITSELF and name not in space.attributes and name not in space.links:
            raise unknown_name(".".join(path))

    def collection(self, space: str, name: str) -> Collection:
        """Return the collection `name` of `space`. Raises PolicyError if there is none."""
        declared = self.vocabulary.spaces.get(space)
        if declared is not None and name in declared.collections:
            return declared.collections[name]
        if name == GRANTS:
            return Collection(GRANTS, Bilingual("已发放", "grants"), {})
        raise unknown_name(name)


def carry(column: str, owner: Scope, reader: Scope) -> None:
    """Have `column` of the scope `owner` handed down to the frame of the scope `reader`."""
    scope: Scope | None = reader
    while scope is not None and scope is not owner:
        scope.carried.setdefault(column)
        scope = scope.parent


def unknown_name(name: str) -> MianshenError:
    """Return the error of a tree that names something its vocabulary does not hold."""
    return PolicyError.of(
        "unknown-name",
        f"目录中没有 `{name}`",
        f"the catalog has no `{name}`",
        help_zh="用同一份目录重新检查政策",
        help_en="check the policy again with this catalog",
    )
