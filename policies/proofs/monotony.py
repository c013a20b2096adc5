"""Amounts that are promised to rise or fall with something: two people who differ in nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from policies.policy import Monotone
from policies.proofs.clauses import amount_clause
from policies.proofs.encoding import EncodedPolicy, World, encode, world_of
from policies.proofs.people import confirmed, person_of, plausible
from policies.proofs.questions import Found, ask
from policies.proofs.report import Clause, Finding, Sample, Verdict
from policies.proofs.searching import NO_SHORT_SAMPLE, NOT_CONFIRMED, TOO_LONG, Outcome, Search
from policies.proofs.symbols import Symbols
from policies.proofs.terms import Formula, Quantity, both
from policies.proofs.translation import Translation
from policies.proofs.verdicts import Verdicts
from policies.text import Bilingual
from policies.tree import Aggregate, Attribute, Node, children

_DIRECTIONS = {"rising": Bilingual("不降", "never falls"), "falling": Bilingual("不升", "never rises")}
_BROKEN = {"rising": Bilingual("下降", "falls"), "falling": Bilingual("上升", "rises")}


def ask_monotone(search: Search, verdicts: Verdicts) -> None:
    """Ask of each promise whether two people break it, both eligible and alike in everything else."""
    for promise in search.fixed[0].monotone:
        outcome = _broken(search, promise)
        question = Bilingual(
            f"`{promise.name}` 上升时金额是否{_DIRECTIONS[promise.direction].zh}",
            f"whether the amount {_DIRECTIONS[promise.direction].en} as `{promise.name}` rises",
        )
        message = Bilingual(
            f"声明了随 `{promise.name}` 上升金额{_DIRECTIONS[promise.direction].zh}，"
            f"但有两个人除此之外完全相同，`{promise.name}` 高的一个金额反而{_BROKEN[promise.direction].zh}",
            f"the amount is declared {promise.direction} with `{promise.name}`, yet of two people alike in everything "
            f"else it {_BROKEN[promise.direction].en} for the one with the higher `{promise.name}`",
        )
        own = Clause(Bilingual(promise.name, promise.name), promise.name, None, promise.place)
        clauses = (own, amount_clause(search.fixed[0]))
        finding = Finding("not-monotone", "error", message, clauses, promise.place, outcome.samples)
        verdicts.settle(f"not-monotone {promise.name}", question, outcome, finding)


@dataclass(frozen=True, slots=True)
class _Twins:
    """Two people, the second a twin of the first, and the policy decided for both."""

    world: World
    twin: Symbols
    first: EncodedPolicy
    second: EncodedPolicy
    lower: Quantity
    higher: Quantity

    def formulas(self, direction: str) -> list[Formula]:
        """Return that the twin, who has more, is granted the wrong amount."""
        less, more = self.first.amount, self.second.amount
        assert less is not None and more is not None
        wrong = more.value < less.value if direction == "rising" else more.value > less.value
        ordered = both((self.lower.known, self.higher.known, self.lower.value < self.higher.value))
        return [*self.world.facts, *self.twin.assumptions, self.first.eligible, self.second.eligible, ordered, wrong]


def _broken(search: Search, promise: Monotone) -> Outcome:
    folds = search.folds
    general = _twins(search, promise, None if folds else 1)
    if ask(general.formulas(promise.direction), search.timeout_ms).found is Found.NOBODY:
        return Outcome(Verdict.PROVED)
    reason = TOO_LONG
    for longest in search.lengths:
        twins = _twins(search, promise, longest) if folds else general
        formulas = twins.formulas(promise.direction)
        on = search.fixed[0].on
        lifelike = [*plausible(twins.world.symbols, on), *plausible(twins.twin, on)]
        answer = ask([*formulas, *lifelike], search.timeout_ms)
        if answer.found is not Found.SOMEBODY:
            answer = ask(formulas, search.timeout_ms)
        if answer.found is Found.SOMEBODY:
            samples = _samples(search, twins, answer.model, promise.direction)
            if samples is not None:
                return Outcome(Verdict.REFUTED, samples)
            reason = NOT_CONFIRMED
        else:
            reason = NO_SHORT_SAMPLE if folds and answer.found is Found.NOBODY else TOO_LONG
    return Outcome(Verdict.NOT_DECIDED, reason=reason)


def _samples(search: Search, twins: _Twins, model: object, direction: str) -> tuple[Sample, ...] | None:
    found = []
    for symbols in (twins.world.symbols, twins.twin):
        person = person_of(symbols, model)
        sample = confirmed(search.fixed[0], search.vocabulary, person, search.decide)
        if sample is None or sample.outcome != "eligible" or sample.amount is None:
            return None
        found.append(sample)
    less, more = found[0].amount, found[1].amount
    assert less is not None and more is not None
    return tuple(found) if (more < less if direction == "rising" else more > less) else None


def _twins(search: Search, promise: Monotone, longest: int | None) -> _Twins:
    fixed = search.fixed[0]
    # The name's own expression is numbered with the policy's: it may mention codes that nothing else does.
    world = world_of(search.vocabulary, (fixed,), longest, also=(promise.node,))
    one = world.translation
    first = encode(fixed, one)
    lower = one.quantity(promise.node)
    data, collections = _differing(promise.node, world.symbols)
    twin = replace(
        world.symbols,
        person="twin ",
        twin_of=world.symbols,
        own_data=data,
        own_collections=collections,
        data={},
        collections={},
        indicators=[],
        assumptions=[],
    )
    other = Translation(twin, one.numberings, one.calendar, one.folded, shared=one)
    return _Twins(world, twin, first, encode(fixed, other), lower, other.quantity(promise.node))


def _differing(
    node: Node, symbols: Symbols
) -> tuple[frozenset[tuple[str, tuple[str, ...]]], frozenset[tuple[str, tuple[str, ...]]]]:
    """Return the data and the collections that the expression looks at: in these the two people may differ."""
    data: set[tuple[str, tuple[str, ...]]] = set()
    collections: set[tuple[str, tuple[str, ...]]] = set()
    scopes = symbols.scopes
    for inner in _outer_data(node):
        if isinstance(inner, Attribute):
            if inner.depth < len(scopes):
                data.add((scopes[inner.depth], inner.path))
        elif inner.from_depth < len(scopes):
            collections.add((scopes[inner.from_depth], inner.path))
    return frozenset(data), frozenset(collections)


def _outer_data(node: Node) -> Iterator[Attribute | Aggregate]:
    if isinstance(node, Attribute | Aggregate):
        yield node
    for child in children(node):
        yield from _outer_data(child)
