"""Cases for what no example shows: somebody found by the solver or made from an example, confirmed by the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from engine.coverage import Coverage, Point, shown_by
from engine.coverage_sites import bands, sites_of, step_of
from engine.decision import Outcome
from engine.example_decisions import DecidedExample, decided_example, decided_examples
from engine.interpreter import decide
from engine.policy_inputs import inputs_of
from policies.errors import MianshenError, Place
from policies.fixing import fix
from policies.policy import Example, FixedPolicy, Policy
from policies.proofs.encoding import EncodedPolicy
from policies.proofs.example_text import to_example
from policies.proofs.involved import differs
from policies.proofs.people import Person, confirmed, person_of, plausible
from policies.proofs.questions import Found, ask
from policies.proofs.report import Sample
from policies.proofs.searching import Asked, Search
from policies.proofs.terms import NO, YES, Formula, Truth, both, negated
from policies.tree import Aggregate, Compare, If, Node
from policies.vocabulary import Vocabulary

TIMEOUT_MS = 1_000


@dataclass(frozen=True, slots=True)
class Proposed:
    """A case that shows a point, as text to paste under `examples:`; its answer is what the rule says now.

    Whoever pastes it must judge whether that answer is what the law says.
    """

    point: Point
    text: str


def propose(
    policy: Policy, vocabulary: Vocabulary, coverage: Coverage, timeout_ms: int = TIMEOUT_MS
) -> Iterator[Proposed]:
    """Yield a case for what no example shows, where one is found; a case that shows several points comes once.

    `timeout_ms` limits one question to the solver. Points inside the records of a collection are not searched for.
    """
    cases = _Cases(policy, vocabulary, timeout_ms)
    settled: set[str] = set()
    for point in coverage.unseen:
        if point.key in settled:
            continue
        found = cases.case_for(point)
        if found is not None:
            sample, shown = found
            settled |= shown
            yield Proposed(point, to_example(sample, _name(point)))


def _name(point: Point) -> str:
    if point.kind == "missing":
        return f"{point.text} is missing"
    about = f" ({point.text})" if point.text and point.text != "-" else ""
    return f"{point.words.en}{about}"


class _Cases:
    """Looks for people of whom a point can be shown."""

    def __init__(self, policy: Policy, vocabulary: Vocabulary, timeout_ms: int) -> None:
        self.policy, self.vocabulary, self.timeout_ms = policy, vocabulary, timeout_ms
        self.decided = sorted(decided_examples(policy, vocabulary), key=_eligible_first)
        self._search: Search | None = None

    def case_for(self, point: Point) -> tuple[Sample, set[str]] | None:
        """Return somebody who shows the point, and all that this case shows."""
        people = self._without(point) if point.kind == "missing" else self._found(point)
        for person, fixed in people:
            shown = self._shown_by(person, fixed)
            if point.key in shown:
                sample = confirmed(fixed, self.vocabulary, person, decide)
                if sample is None:  # its units are not known: there is one answer for all of them
                    sample = Sample(fixed.on, person.profile, "undetermined", None, person.given)
                return sample, shown
        return None

    def _shown_by(self, person: Person, fixed: FixedPolicy) -> set[str]:
        given: Any = person.given.get("indicators", {})
        example = Example("proposed", fixed.on, person.profile, {}, Place(), given)
        return {key for one in decided_example(self.policy, self.vocabulary, example) for key in shown_by(one)}

    # A datum less

    def _without(self, point: Point) -> Iterator[tuple[Person, FixedPolicy]]:
        for one in self.decided:
            profile = deepcopy(dict(one.example.profile))
            if _taken_away(profile, point.text, one):
                given = {"indicators": one.example.given} if one.example.given else {}
                yield Person(profile, given), one.fixed

    # Somebody found by the solver

    def _found(self, point: Point) -> Iterator[tuple[Person, FixedPolicy]]:
        try:
            search = self._solver()
            for longest in search.lengths:
                asked = search.world(longest)
                for formulas in self._claims(asked, point):
                    wanted = [*asked.world.facts, *formulas]
                    lifelike = plausible(asked.world.symbols, search.fixed[0].on)
                    answer = ask([*wanted, *lifelike], self.timeout_ms)
                    if answer.found is Found.SOMEBODY:
                        yield person_of(asked.world.symbols, answer.model), search.fixed[0]
        except MianshenError:
            return  # no day on which it could be decided

    def _solver(self) -> Search:
        if self._search is None:
            usual = next((one for one in self.decided if not one.example.given), None)
            day = usual.fixed.on if usual is not None else self.policy.in_force[0]
            fixed = fix(self.policy, self.vocabulary, day)
            self._search = Search(self.vocabulary, (fixed,), decide, self.timeout_ms)
        return self._search

    def _claims(self, asked: Asked, point: Point) -> Iterator[list[Formula]]:
        """Yield what has to hold of the person, the most telling case first."""
        policy = asked.policies[0]
        kind, number = point.kind, point.key.split(" ")[1]
        if kind == "outcome":
            yield [policy.eligible if number == "eligible" else policy.condition.false]
        elif kind in ("leaf", "decides"):
            yield from _about_leaf(policy, int(number) - 1, point.key.endswith("true"))
        elif kind == "tier":
            yield [policy.condition.true, *_reached(policy, int(number) - 1)]
        else:
            formula = _about_site(asked, point)
            if formula is not None:
                yield [formula, policy.eligible]
                yield [formula]


def _eligible_first(one: DecidedExample) -> int:
    return 0 if one.decision.outcome is Outcome.ELIGIBLE else 1


def _about_leaf(policy: EncodedPolicy, number: int, wanted: bool) -> Iterator[list[Formula]]:
    truths = [truth for _, truth in policy.leaves]
    own = truths[number]
    sides = []
    for value in (Truth(YES, NO), Truth(NO, YES)):
        truths[number] = value
        sides.append(policy.combined(truths))
    holds = own.true if wanted else own.false
    yield [holds, differs(*sides)]
    yield [holds]


def _reached(policy: EncodedPolicy, number: int) -> list[Formula]:
    earlier = [negated(one.true) for one in policy.whens[:number] if one is not None]
    own = policy.whens[number]
    return earlier if own is None else [*earlier, own.true]


def _about_site(asked: Asked, point: Point) -> Formula | None:
    key, _, side = point.key.rpartition(" ")
    fixed = asked.policies[0].fixed
    site = next((one for one, _ in sites_of(fixed) if one.key == key and not one.inside), None)
    if site is None:
        return None
    translation = asked.world.translation
    if isinstance(site.node, If):
        truth = translation.truth(site.node.condition)
        return truth.true if side == "true" else truth.false
    if not isinstance(site.node, Compare):
        return None
    left, right = translation.quantity(site.node.left), translation.quantity(site.node.right)
    low, high = bands(site.node, step_of(site.node))[side]
    gap = left.value - right.value
    return both((left.known, right.known, gap >= low, gap <= high))


def _taken_away(profile: dict[str, Any], name: str, one: DecidedExample) -> bool:
    """Take the datum out of an example's profile; return whether it stood there."""
    policy = one.fixed.policy
    if name == policy.for_each:
        return profile.pop(name, None) is not None
    node: Node | None = next((each.node for each in inputs_of(one.fixed) if each.name == name), None)
    if node is None:
        return False
    depth = node.from_depth if isinstance(node, Aggregate) else getattr(node, "depth", 0)
    places: Sequence[Any] = [profile]
    if policy.for_each is not None and depth == 1:
        places = profile.get(policy.for_each) or ()
    path: tuple[str, ...] = node.path  # type: ignore[union-attr]
    taken = [_popped(place, path) for place in places if isinstance(place, dict)]
    return True in taken


def _popped(place: dict[str, Any], path: tuple[str, ...]) -> bool:
    for link in path[:-1]:
        inner = place.get(link)
        if not isinstance(inner, Mapping):
            return False
        place = inner  # type: ignore[assignment]
    return place.pop(path[-1], None) is not None
