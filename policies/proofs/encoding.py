"""One fixed policy as formulas about one person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policies.policy import Condition, FixedPolicy
from policies.proofs.code_numbers import Numberings
from policies.proofs.symbols import Symbols
from policies.proofs.terms import Formula, Quantity, Truth, all_of, any_of, both, opposite
from policies.proofs.translation import Translation
from policies.proofs.whole_numbers import Calendar
from policies.tree import Node
from policies.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class EncodedPolicy:
    """The formulas of a policy: its condition, the truth of every leaf, its amount and its tiers.

    `whole` is the eligibility with `unit_where` before it, where there is one; `leaves` are all its leaves
    from top to bottom. `whens` are the conditions of the tiers (None: always), `amounts` theirs in fen.
    """

    fixed: FixedPolicy
    whole: Condition
    condition: Truth
    leaves: tuple[tuple[Condition, Truth], ...]
    amount: Quantity | None
    whens: tuple[Truth | None, ...]
    amounts: tuple[Quantity, ...]

    @property
    def eligible(self) -> Formula:
        """Who is granted: the condition holds, and the amount has a value."""
        return self.condition.true if self.amount is None else both((self.condition.true, self.amount.known))

    def combined(self, leaves: Sequence[Truth] | None = None, without: Condition | None = None) -> Truth:
        """Return the condition with other truths for its leaves, or as if one leaf were not in the file."""
        given = leaves if leaves is not None else [truth for _, truth in self.leaves]
        truths = {id(leaf): truth for (leaf, _), truth in zip(self.leaves, given, strict=True)}
        found = _combined(self.whole, truths, without)
        return found if found is not None else all_of(())


def encode(fixed: FixedPolicy, translation: Translation) -> EncodedPolicy:
    """Translate a fixed policy whole."""
    whole = whole_condition(fixed)
    leaves = tuple((leaf, translation.truth(_expression(leaf))) for leaf in leaves_of(whole))
    condition = _combined(whole, {id(leaf): truth for leaf, truth in leaves}, None)
    return EncodedPolicy(
        fixed,
        whole,
        condition if condition is not None else all_of(()),
        leaves,
        None if fixed.amount is None else translation.quantity(fixed.amount),
        tuple(None if tier.when is None else translation.truth(tier.when) for tier in fixed.tiers),
        tuple(translation.quantity(tier.amount) for tier in fixed.tiers),
    )


def whole_condition(fixed: FixedPolicy) -> Condition:
    """Return what must hold for a grant: `unit_where`, where the policy has one, and the eligibility."""
    if fixed.unit_where is None:
        return fixed.eligibility
    unit = Condition("leaf", expression=fixed.unit_where, text="unit_where", place=fixed.eligibility.place)
    return Condition("all", (unit, fixed.eligibility), place=fixed.eligibility.place)


def leaves_of(condition: Condition) -> Iterator[Condition]:
    """Yield the leaves from top to bottom."""
    if condition.kind == "leaf":
        yield condition
    for child in condition.children:
        yield from leaves_of(child)


def _expression(leaf: Condition) -> Node:
    assert leaf.expression is not None
    return leaf.expression


def _combined(condition: Condition, truths: dict[int, Truth], left_out: Condition | None) -> Truth | None:
    """Return the truth of a condition; None if nothing is left of it."""
    if condition is left_out:
        return None
    if condition.kind == "leaf":
        return truths[id(condition)]
    parts = [part for child in condition.children if (part := _combined(child, truths, left_out)) is not None]
    if not parts and condition.children:
        return None
    if condition.kind == "all":
        return all_of(parts)
    found = any_of(parts)
    return found if condition.kind == "any" else opposite(found)


def roots_of(fixed: FixedPolicy) -> Iterator[Node]:
    """Yield every expression of the policy that formulas are made of."""
    for leaf in leaves_of(whole_condition(fixed)):
        yield _expression(leaf)
    if fixed.amount is not None:
        yield fixed.amount
    for tier in fixed.tiers:
        yield tier.amount
        if tier.when is not None:
            yield tier.when


@dataclass(slots=True)
class World:
    """One person, and the policies decided about that person; `facts` are what is taken for granted."""

    translation: Translation

    @property
    def symbols(self) -> Symbols:
        """The person's data."""
        return self.translation.symbols

    @property
    def facts(self) -> list[Formula]:
        """The bounds of the catalog, and the equations of the calendar."""
        return [*self.symbols.assumptions, *self.translation.calendar.definitions]


def world_of(
    vocabulary: Vocabulary, policies: tuple[FixedPolicy, ...], longest: int | None, also: tuple[Node, ...] = ()
) -> World:
    """Return somebody whom these policies, of one space, can be decided for.

    With `longest` None aggregates are free symbols, which is right for proofs that nobody exists; with a
    number collections have at most so many items, from which a sample person can be read off. `also` are
    further expressions that will be translated.
    """
    first = policies[0].policy
    numberings = Numberings(vocabulary, [*also, *(root for fixed in policies for root in roots_of(fixed))])
    symbols = Symbols(vocabulary, numberings, first.space, first.for_each, longest or 1)
    # The unit exists even if no condition looks at it.
    assert symbols.scopes
    return World(Translation(symbols, numberings, Calendar(), folded=longest is not None))
