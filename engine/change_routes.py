"""By which routes a policy comes to the data that it reads.

A route starts at the policy's subject and follows links and memberships; the datum at its end lies in a
*place*: a space (`citizen`) or a collection of a space (`enterprise.hires`). Followed backwards, the same
route leads from a datum that changed to the subjects whose decision may change with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policies.policy import Condition, Policy
from policies.scopes import GRANTS
from policies.tree import Aggregate, Attribute, Node, children
from policies.vocabulary import Collection, Vocabulary

EXISTENCE = ""  # as the name of a read: that the subject (or the item) is there at all
MEMBER = "member"


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """From a subject (or one of its items) of `place`, through the column `column`, to a subject of `target`."""

    place: str
    column: str
    target: str

    @property
    def space(self) -> str:
        """The space that the step starts in."""
        return self.place.partition(".")[0]


Route = tuple[Step, ...]


@dataclass(frozen=True, slots=True, order=True)
class Read:
    """One datum that a policy reads: `name` of `place`, at the end of `route`."""

    route: Route
    place: str
    name: str


@dataclass(frozen=True, slots=True)
class _Scope:
    """Whose names an expression sees: the subject at the end of `route`, or an item that belongs to it."""

    route: Route
    space: str
    collection: Collection | None = None

    @property
    def place(self) -> str:
        return self.space if self.collection is None else f"{self.space}.{self.collection.name}"


def reads_of(policy: Policy, vocabulary: Vocabulary) -> frozenset[Read]:
    """Return everything that outcome, amount, payee, claim and need of a policy can depend on.

    The tree must have been checked against `vocabulary`; a name it does not hold is left out.
    """
    walker = _Walker(vocabulary, set())
    subject = walker.arrive(_Scope((), policy.space))
    scopes = {0: subject}
    if policy.for_each is not None:
        scopes[1] = walker.items(subject, policy.for_each)
    for root in _roots(policy):
        walker.walk(root, scopes)
    if policy.payee:
        unit = scopes.get(1)
        of_unit = unit is not None and unit.collection is not None and policy.payee[0] in unit.collection.links
        walker.follow(scopes[1] if of_unit else subject, policy.payee)
    return frozenset(walker.found)


def _roots(policy: Policy) -> Iterator[Node]:
    yield from _expressions(policy.eligibility)
    claimed = policy.claims.key if policy.claims is not None else None
    limits = (node for ceiling in policy.benefit.ceilings for node in ceiling.nodes)
    for node in (policy.benefit.amount, policy.unit_where, policy.order_of_need, claimed, *limits):
        if node is not None:
            yield node
    for tier in policy.benefit.tiers:
        yield tier.amount
        if tier.when is not None:
            yield tier.when


def _expressions(condition: Condition) -> Iterator[Node]:
    if condition.expression is not None:
        yield condition.expression
    for child in condition.children:
        yield from _expressions(child)


@dataclass(frozen=True, slots=True)
class _Walker:
    vocabulary: Vocabulary
    found: set[Read]

    def arrive(self, scope: _Scope) -> _Scope:
        """Note that it matters whether the subject (or item) is there."""
        self.found.add(Read(scope.route, scope.place, EXISTENCE))
        return scope

    def walk(self, node: Node, scopes: Mapping[int, _Scope]) -> None:
        """Note every datum below `node`; `scopes` are those that it sees, by depth."""
        if isinstance(node, Attribute):
            if node.depth in scopes:
                self.follow(scopes[node.depth], node.path)
            return
        if isinstance(node, Aggregate):
            scope = scopes.get(node.from_depth)
            owner = None if scope is None else self.follow(scope, node.path[:-1])
            if owner is None:
                return
            scopes = {**scopes, node.depth: self.items(owner, node.path[-1])}
        for child in children(node):
            self.walk(child, scopes)

    def follow(self, scope: _Scope, path: tuple[str, ...]) -> _Scope | None:
        """Note every name on a path; return where it leads if all of it are links."""
        here: _Scope | None = scope
        for name in path:
            if here is None:
                return None
            here = self._step(here, name)
        return here

    def _step(self, scope: _Scope, name: str) -> _Scope | None:
        collection = scope.collection
        if collection is not None:
            if name in collection.attributes:
                self.found.add(Read(scope.route, scope.place, name))
                return None
            if name in collection.links:
                return self._through(scope, name, collection.links[name].target)
            if collection.member_space is None:
                return None
            scope = self._through(scope, MEMBER, collection.member_space)
        declared = self.vocabulary.spaces[scope.space]
        if name in declared.links:
            return self._through(scope, name, declared.links[name].target)
        if name in declared.attributes:
            self.found.add(Read(scope.route, scope.space, name))
        return None

    def _through(self, scope: _Scope, column: str, target: str) -> _Scope:
        self.found.add(Read(scope.route, scope.place, column))
        return self.arrive(_Scope((*scope.route, Step(scope.place, column, target)), target))

    def items(self, owner: _Scope, name: str) -> _Scope:
        """Return the scope of the items of a collection of `owner` (of its member, for an item)."""
        if owner.collection is not None and owner.collection.member_space is not None:
            owner = self._through(owner, MEMBER, owner.collection.member_space)
        declared = self.vocabulary.spaces[owner.space].collections.get(name)
        collection = declared if declared is not None else GRANTS
        return self.arrive(_Scope(owner.route, owner.space, collection))
