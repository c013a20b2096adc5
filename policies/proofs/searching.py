"""Looking for a person of whom something holds: a proof that nobody is, or somebody whom an engine confirms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from policies.examples import Decide
from policies.policy import FixedPolicy
from policies.proofs.encoding import EncodedPolicy, World, encode, roots_of, world_of
from policies.proofs.people import confirmed, outcomes_of_examples, person_of, plausible
from policies.proofs.questions import Answer, Found, ask
from policies.proofs.report import Sample, Verdict
from policies.proofs.terms import Formula
from policies.text import Bilingual
from policies.tree import Aggregate, walk
from policies.vocabulary import Vocabulary

# Collections of a sample person are tried short first, then longer.
LENGTHS = (2, 4)
# Rules such as "granted for less than 24 months" need many; records within records would be too many then.
MANY = 30

# The share of the time (one part in so many) after which the search for somebody is made easier.
_FIRST_LOOK = 5

# From the policies' formulas to what is asked about the person.
Claim = Callable[[Sequence[EncodedPolicy]], Formula]
Accepts = Callable[[Sequence[Sample]], bool]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`PROVED`: nobody. `REFUTED`: somebody, who is in `samples`, one for each policy. Else `reason` says why not."""

    verdict: Verdict
    samples: tuple[Sample, ...] = ()
    reason: Bilingual | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One world with the policies encoded in it."""

    world: World
    policies: tuple[EncodedPolicy, ...]


TOO_LONG = Bilingual("在限定时间内没有得出结论", "no answer within the time allowed")
NOT_CONFIRMED = Bilingual("找到的样例未被引擎确认", "the sample that was found is not what the engine decides")
NO_SHORT_SAMPLE = Bilingual(
    "记录较少时没有这样的人，更长的集合没有逐一试过",
    "nobody like that has collections as short as those that were tried; longer ones may",
)


class Search:
    """Asks about one policy, or about several of one space and the same person."""

    def __init__(self, vocabulary: Vocabulary, policies: tuple[FixedPolicy, ...], decide: Decide, timeout_ms: int):
        self.vocabulary = vocabulary
        self.fixed = policies
        self.decide = decide
        self.timeout_ms = timeout_ms
        self._worlds: dict[int | None, Asked] = {}

    @cached_property
    def folds(self) -> bool:
        """True if the policies look at collections."""
        return any(isinstance(node, Aggregate) for one in self.fixed for root in roots_of(one) for node in walk(root))

    @cached_property
    def of_examples(self) -> frozenset[str]:
        """What the engine decides for the people in the first policy's own examples: they exist already."""
        return outcomes_of_examples(self.fixed[0], self.vocabulary, self.decide)

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """How many records the collections of a sample person may have, in the order in which they are tried."""
        if not self.folds:
            return (1,)
        nested = any(
            isinstance(inner, Aggregate) and inner is not node
            for one in self.fixed
            for root in roots_of(one)
            for node in walk(root)
            if isinstance(node, Aggregate)
            for inner in walk(node)
        )
        return LENGTHS if nested else (*LENGTHS, MANY)

    def world(self, longest: int | None) -> Asked:
        """Return the formulas with collections of so many items, or with free aggregates (None)."""
        if longest not in self._worlds:
            world = world_of(self.vocabulary, self.fixed, longest)
            self._worlds[longest] = Asked(world, tuple(encode(one, world.translation) for one in self.fixed))
        return self._worlds[longest]

    @property
    def general(self) -> Asked:
        """The formulas in which a proof that nobody exists is one for collections of any length."""
        return self.world(None if self.folds else 1)

    def nobody(self, claim: Claim) -> Found:
        """Return whether nobody, of whatever collections, makes the claim true."""
        asked = self.general
        formulas = facts_and(asked, claim)
        found = ask(formulas, max(1, self.timeout_ms // _FIRST_LOOK)).found
        if found is not Found.NOT_DECIDED:
            return found
        # Nine hundred years of calendar are a large place to look in: first among the living.
        lifelike = [*formulas, *plausible(asked.world.symbols, self.fixed[0].on)]
        if ask(lifelike, self.timeout_ms).found is Found.SOMEBODY:
            return Found.SOMEBODY
        return ask(formulas, self.timeout_ms).found

    def exists(self, claim: Claim) -> Outcome:
        """Return whether somebody makes the claim true, without showing anybody.

        A free aggregate may say more than any collection can; so somebody has to be found among people with
        actual records, too.
        """
        found = self.nobody(claim)
        if found is Found.NOBODY:
            return Outcome(Verdict.PROVED)
        if found is Found.SOMEBODY and not self.folds:
            return Outcome(Verdict.REFUTED)
        answers = []
        for longest in self.lengths if self.folds else ():
            answers.append(self._somebody(self.world(longest), claim).found)
            if answers[-1] is Found.SOMEBODY:
                return Outcome(Verdict.REFUTED)
        none_so_short = bool(answers) and answers[-1] is Found.NOBODY
        return Outcome(Verdict.NOT_DECIDED, reason=NO_SHORT_SAMPLE if none_so_short else TOO_LONG)

    def look(self, claim: Claim, accepts: Accepts) -> Outcome:
        """Look for somebody of whom the claim holds and whom the engine decides as `accepts` wants."""
        found = self.nobody(claim)
        if found is Found.NOBODY:
            return Outcome(Verdict.PROVED)
        reason = TOO_LONG
        for longest in self.lengths:
            asked = self.world(longest)
            answer = self._somebody(asked, claim)
            if answer.found is Found.SOMEBODY:
                samples = self._confirmed(asked, answer, accepts)
                if samples is not None:
                    return Outcome(Verdict.REFUTED, samples)
                reason = NOT_CONFIRMED
            elif answer.found is Found.NOBODY:
                reason = NO_SHORT_SAMPLE if self.folds else TOO_LONG
            else:
                reason = TOO_LONG
        return Outcome(Verdict.NOT_DECIDED, reason=reason)

    def _somebody(self, asked: Asked, claim: Claim) -> Answer:
        formulas = facts_and(asked, claim)
        lifelike = ask([*formulas, *plausible(asked.world.symbols, self.fixed[0].on)], self.timeout_ms)
        return lifelike if lifelike.found is Found.SOMEBODY else ask(formulas, self.timeout_ms)

    def _confirmed(self, asked: Asked, answer: Answer, accepts: Accepts) -> tuple[Sample, ...] | None:
        person = person_of(asked.world.symbols, answer.model)
        samples = []
        for fixed in self.fixed:
            sample = confirmed(fixed, self.vocabulary, person, self.decide)
            if sample is None:
                return None
            samples.append(sample)
        return tuple(samples) if accepts(samples) else None


def facts_and(asked: Asked, claim: Claim) -> list[Formula]:
    """Return the facts of a world and a claim about it."""
    # The claim is made first: it may bring new symbols, whose bounds belong to the facts.
    made = claim(asked.policies)
    return [*asked.world.facts, made]
