"""The event engine: policies decided by durable-rules, one subject at a time.

Keep one engine per reference date: its child process holds the rulesets of all its policies, and only those of
the policies asked for are used.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from engine.decision import Facts, Outcome
from engine.durable_lowering import LEFT_OUT, NO, YES, DurablePolicy, applies, fails, lower
from engine.durable_process import Case, DurableProcess
from engine.durable_rulesets import KIND, Ruleset, rulesets_of
from engine.durable_terms import TermBook
from engine.expression_functions import Function
from engine.interpreter import negative_amount
from engine.interpreter_answers import Unnamed, too_deep
from engine.interpreter_settling import settling_facts
from engine.interpreter_values import Log, Surroundings, evaluate, surroundings
from engine.policy_inputs import inputs_of, whole_condition
from policies.errors import Diagnostic, DurableError
from policies.policy import FixedPolicy
from policies.types import Value
from policies.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class DurableVerdict:
    """What durable-rules answers for one policy and one unit; fields as in `engine.decision.Decision`."""

    outcome: Outcome
    amount: int | None = None
    tier: int | None = None
    settled_by: tuple[str, ...] = ()


Answer = tuple[str, str, DurableVerdict]  # policy, unit ("" without for_each), verdict

_Asked = tuple[int, str, bool, int]  # a term: its number, name, whether it reads the unit; place of a policy that asks
_Share = tuple[int, list[int], list[_Asked]]  # a ruleset, the places of the policies it decides, the terms it asks for

_ENCODER = json.JSONEncoder(ensure_ascii=False)


@dataclass(slots=True)
class _Pending:
    """One policy and unit that waits for what fires."""

    policy: DurablePolicy
    unit: str
    at: Surroundings
    facts: tuple[Facts, ...]
    fired: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Batch:
    """Cases on their way to the process, and who waits for each."""

    cases: list[Case] = field(default_factory=list)
    waiting: list[list[_Pending]] = field(default_factory=list)


class DurableEngine:
    """Decides policies with durable-rules, in a process of its own.

    `refused` tells of the policies that durable-rules cannot express exactly; they are not decided by it.

    Args:
        fixed: policies settled for one reference date (ids unique).
        vocabulary: the names they were checked against.
        deadline: seconds that the process may take for one frame of cases.
    """

    def __init__(self, fixed: Sequence[FixedPolicy], vocabulary: Vocabulary, *, deadline: float = 60.0) -> None:
        self.refused: dict[str, Diagnostic] = {}
        self._book = TermBook()
        self._policies: dict[str, DurablePolicy] = {}
        # Policies of one kind of subject and unit lie together: a subject then concerns few rulesets.
        for one in sorted(fixed, key=lambda one: (one.policy.space, one.policy.for_each or "")):
            try:
                self._policies[one.policy.id] = lower(one, vocabulary, self._book)
            except DurableError as error:
                self.refused[one.policy.id] = error.diagnostics[0]
        self._rulesets = rulesets_of(self._policies.values())
        self._within: dict[str, list[int]] = {name: [] for name in self._policies}
        self._question: dict[str, tuple[str, str]] = {}
        for number, ruleset in enumerate(self._rulesets):
            for name in ruleset.terms:
                self._within[name].append(number)
            for rule in ruleset.rules:
                self._question[rule.name] = (rule.policy, rule.question)
        self._shares: dict[tuple[str, ...], list[_Share]] = {}
        self._functions: dict[int, Function] = {}
        definitions = [json.dumps(each.definition(), ensure_ascii=False) for each in self._rulesets]
        self.process = DurableProcess(definitions, deadline)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def policies(self) -> tuple[str, ...]:
        """The ids of the policies it decides."""
        return tuple(self._policies)

    @property
    def rulesets(self) -> Sequence[Ruleset]:
        """The rulesets its process holds."""
        return self._rulesets

    def start(self) -> None:
        """Start the process now, so that the first event does not wait for it. Raises DurableError."""
        self.process.start()

    def close(self) -> None:
        """End the process."""
        self.process.close()

    def decide(
        self,
        subject: Facts,
        policies: Collection[str] | None = None,
        *,
        space: str | None = None,
        settling: bool = True,
    ) -> list[Answer]:
        """Decide one subject; see `decide_many`."""
        return self.decide_many([subject], policies, space=space, settling=settling)[0]

    def decide_many(
        self,
        subjects: Sequence[Facts],
        policies: Collection[str] | None = None,
        *,
        space: str | None = None,
        settling: bool = True,
    ) -> list[list[Answer]]:
        """Decide several subjects of one space: for each, the answers by policy and unit.

        Units are those of `interpreter.decide_units`: one "" without `for_each`, and one undetermined "" where
        the collection of units is unknown.

        Args:
            subjects: what is known of each, whole: evidence of a decision lacks the branches not taken.
            policies: the ids to decide, default all of `space`; refused ones are left out.
            space: the space of the subjects; default what the facts say of themselves (`facts.space`).
            settling: whether undetermined answers name the facts that would settle them. They are found by the
                interpreter's search over the same facts: the rules say that nothing fired, not why.

        Raises:
            DurableError: the process could not be kept running, or a value does not fit into durable-rules.
            PolicyError: an amount came out negative, or a policy nests too deeply.
        """
        questions = [(subject, self._chosen(subject, policies, space)) for subject in subjects]
        return self.decide_each(questions, settling=settling)

    def decide_each(
        self, questions: Iterable[tuple[Facts, Sequence[str]]], *, settling: bool = True
    ) -> list[list[Answer]]:
        """Decide several subjects, of each the policies that are named beside it; see `decide_many`."""
        batch = _Batch()
        pending = [self._prepared(subject, names, batch) for subject, names in questions]
        for waiting, names in zip(batch.waiting, self.process.evaluate(batch.cases), strict=True):
            by_policy: dict[str, set[str]] = {}
            for name in names:
                policy, question = self._question[name]
                by_policy.setdefault(policy, set()).add(question)
            for one in waiting:
                one.fired |= by_policy.get(one.policy.id, set())
        return [[answer for one in of_subject for answer in self._answer(one, settling)] for of_subject in pending]

    def _chosen(self, subject: Facts, policies: Collection[str] | None, space: str | None) -> list[str]:
        if policies is not None:
            return list(policies)
        own = space if space is not None else getattr(subject, "space", None)
        return [name for name, one in self._policies.items() if own is None or one.fixed.policy.space == own]

    def _prepared(self, subject: Facts, names: Sequence[str], batch: _Batch) -> list[_Pending | Answer]:
        """Compute the terms and put the cases of one subject into the batch."""
        found: list[_Pending | Answer] = []
        by_collection: dict[str | None, list[DurablePolicy]] = {}
        for name in names:
            if name in self._policies:
                policy = self._policies[name]
                by_collection.setdefault(policy.fixed.policy.for_each, []).append(policy)
        known: dict[int, Value] = {}
        for collection, group in by_collection.items():
            if collection is None:
                found += self._cases(group, (subject,), "", known, batch)
                continue
            units = subject.items((collection,))
            if units is None:
                unknown = DurableVerdict(Outcome.UNDETERMINED, settled_by=(collection,))
                found += [(policy.id, "", unknown) for policy in group]
                continue
            for unit in units:
                found += self._cases(group, (subject, unit), str(getattr(unit, "id", "")), known, batch)
        return found

    def _cases(
        self,
        policies: Sequence[DurablePolicy],
        facts: tuple[Facts, ...],
        unit: str,
        known: dict[int, Value],
        batch: _Batch,
    ) -> list[_Pending]:
        shared = Surroundings(facts, len(facts) > 1, Unnamed(), None)
        found = [_Pending(policy, unit, shared, facts) for policy in policies]
        of_unit: dict[int, Value] = {} if len(facts) > 1 else known
        for number, concerned, terms in self._share(policies):
            fact: dict[str, Value] = {"id": "e", "sid": "0", "kind": KIND}
            for term_number, name, reads_unit, first in terms:
                cache = of_unit if reads_unit else known
                if term_number not in cache:
                    cache[term_number] = self._value(term_number, facts, policies[first])
                value = cache[term_number]
                if value is not None:
                    fact[name] = value
            batch.cases.append((number, _ENCODER.encode(fact)))
            batch.waiting.append([found[place] for place in concerned])
        return found

    def _share(self, policies: Sequence[DurablePolicy]) -> list[_Share]:
        """Return the rulesets that decide some policies, with the terms to compute; the same for every subject."""
        key = tuple(policy.id for policy in policies)
        if key not in self._shares:
            places: dict[int, list[int]] = {}
            for place, name in enumerate(key):
                for number in self._within[name]:
                    places.setdefault(number, []).append(place)
            self._shares[key] = [
                (number, concerned, self._terms_of(number, key, concerned)) for number, concerned in places.items()
            ]
        return self._shares[key]

    def _terms_of(self, number: int, names: Sequence[str], concerned: Sequence[int]) -> list[_Asked]:
        found: dict[int, _Asked] = {}
        for place in concerned:
            for term_number in self._rulesets[number].terms[names[place]]:
                term = self._book.terms[term_number]
                found.setdefault(term_number, (term_number, term.name, term.reads_unit, place))
        return list(found.values())

    def _value(self, number: int, facts: tuple[Facts, ...], policy: DurablePolicy) -> Value:
        try:
            if number not in self._functions:
                self._functions[number] = self._book.terms[number].function()
            return self._functions[number](facts)
        except RecursionError:
            raise too_deep(policy.fixed) from None

    def _answer(self, one: _Pending | Answer, settling: bool) -> list[Answer]:
        if isinstance(one, tuple):
            return [one]
        if LEFT_OUT in one.fired:
            return []
        return [(one.policy.id, one.unit, _verdict(one, settling))]


def _verdict(one: _Pending, settling: bool) -> DurableVerdict:
    yes, no = YES in one.fired, NO in one.fired
    fixed = one.policy.fixed
    if yes and no:
        raise DurableError.of(
            "durable-contradiction",
            f"durable-rules 对政策 `{fixed.policy.id}` 同时回答了是与否",
            f"durable-rules answered both yes and no to the policy `{fixed.policy.id}`",
            help_zh="这是引擎的错误；请连同政策一起上报",
            help_en="this is a fault of the engine; report it together with the policy",
        )
    if no:
        return DurableVerdict(Outcome.INELIGIBLE)
    try:
        if yes:
            return _with_amount(one, settling)
        settled = settling_facts(whole_condition(fixed), True, _named(one)) if settling else None
    except RecursionError:
        raise too_deep(fixed) from None
    return DurableVerdict(Outcome.UNDETERMINED, settled_by=tuple(sorted(settled or ())))


def _with_amount(one: _Pending, settling: bool) -> DurableVerdict:
    fixed = one.policy.fixed
    if fixed.amount is None:
        return DurableVerdict(Outcome.ELIGIBLE)
    node, tier = fixed.amount, None
    if fixed.tiers:
        tier = _tier(one)
        if tier is None:
            return _amount_unknown(one, settling)
        node = fixed.tiers[tier].amount
    amount = evaluate(node, one.at).value
    if amount is None:
        return _amount_unknown(one, settling)
    if int(amount) < 0:
        raise negative_amount(fixed, int(amount))
    return DurableVerdict(Outcome.ELIGIBLE, int(amount), tier)


def _tier(one: _Pending) -> int | None:
    """Return the first tier that applies; None if it is unknown whether an earlier one does."""
    for number in range(len(one.policy.fixed.tiers)):
        if applies(number) in one.fired:
            return number
        if fails(number) not in one.fired:
            return None
    return None


def _amount_unknown(one: _Pending, settling: bool) -> DurableVerdict:
    assert one.policy.fixed.amount is not None
    missing = evaluate(one.policy.fixed.amount, _named(one)).missing if settling else ()
    return DurableVerdict(Outcome.UNDETERMINED, settled_by=tuple(sorted(missing)))


def _named(one: _Pending) -> Surroundings:
    """Return the surroundings in which aggregates go by the names that people see."""
    return surroundings(one.facts, inputs_of(one.policy.fixed), Log())
