"""Deciding some subjects again with the interpreter and with durable-rules, beside what the batch answered for them."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.decision import Outcome, Population
from engine.durable_engine import DurableEngine, DurableVerdict
from engine.frame_facts import SubjectInBulk, facts_in_bulk
from engine.interpreter_answers import PlainAnswer, plain_answers
from policies.errors import Diagnostic, MianshenError
from policies.policy import FixedPolicy
from policies.text import Bilingual
from policies.vocabulary import Vocabulary

_CASES_KEPT = 3  # files per policy and run; more of one fault teach nothing
_AT_ONCE = 500  # subjects asked of durable-rules in one go
OUTCOMES = {True: Outcome.ELIGIBLE, False: Outcome.INELIGIBLE, None: Outcome.UNDETERMINED}

BatchAnswer = tuple[bool | None, int | None]  # eligible or None, amount in fen
Given = dict[tuple[str, str], BatchAnswer]  # (subject, unit) -> the batch's answer; all of it for some subjects


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the second opinion came to for one policy.

    `yes`, `no` and `undetermined` count the units that were decided again, by the interpreter's answer.
    `without_durable` says why durable-rules took no part, if so; `files` are the kept cases.
    """

    yes: int = 0
    no: int = 0
    undetermined: int = 0
    differences: int = 0
    files: tuple[str, ...] = ()
    without_durable: Bilingual | None = None

    @property
    def decided(self) -> int:
        """How many units were decided again."""
        return self.yes + self.no + self.undetermined

    def to_json(self) -> dict[str, object]:
        """Return plain data, also for the ledger."""
        told = self.without_durable
        return {
            "yes": self.yes,
            "no": self.no,
            "undetermined": self.undetermined,
            "differences": self.differences,
            "files": list(self.files),
            "without_durable": {"zh": told.zh, "en": told.en} if told is not None else None,
        }


@dataclass(slots=True)
class Noted:
    """What the batch answered by one policy for the subjects chosen."""

    subjects: list[str] = field(default_factory=list)
    given: Given = field(default_factory=dict)
    told_apart: bool = True


# By space and policy, who is to be decided again.
Share = dict[str, dict[str, Noted]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One unit on which the engines do not all say the same.

    `told` is what the batch answered, None if it knows no such unit or, unless `told_apart`, if it only tells who is
    eligible.
    """

    fixed: FixedPolicy
    facts: SubjectInBulk
    unit: str
    told: BatchAnswer | None
    told_apart: bool
    durable: DurableEngine


@dataclass(slots=True)
class Deciding:
    """Decides shares again. What it comes to adds up in `opinions`; `failed` holds what could not be decided again.

    Args:
        vocabulary: the catalog's names.
        keep: keeps the case of a difference and returns the name of its file; None keeps none.
    """

    vocabulary: Vocabulary
    keep: Callable[[Difference], str] | None = None
    opinions: dict[str, Opinion] = field(default_factory=dict)
    failed: dict[str, Diagnostic] = field(default_factory=dict)

    def decide(
        self, fixed: Mapping[str, FixedPolicy], share: Share, population: Population, durable: DurableEngine
    ) -> None:
        """Decide a share again and compare; `fixed` and `durable` know the policies, `population` the subjects."""
        for space, noted in share.items():
            policies = [fixed[name] for name in noted]
            everybody = sorted({subject for each in noted.values() for subject in each.subjects})
            facts = facts_in_bulk(population, self.vocabulary, policies).of(space, everybody)
            again = _Again(durable, dict(zip(everybody, facts, strict=True)))
            self._ask(again, {name: each.subjects for name, each in noted.items()})
            for one in policies:
                if one.policy.id not in self.failed:
                    self._compare(one, noted[one.policy.id], again)

    def add(self, name: str, more: Opinion) -> None:
        """Add what was found elsewhere about other subjects, all of it in agreement."""
        before = self.opinions.get(name)
        self.opinions[name] = (
            more
            if before is None
            else replace(
                before,
                yes=before.yes + more.yes,
                no=before.no + more.no,
                undetermined=before.undetermined + more.undetermined,
            )
        )

    def _ask(self, again: _Again, shares: Mapping[str, Sequence[str]]) -> None:
        """Ask durable-rules; a policy of which it cannot answer is noted as failed, the others are not affected."""
        # Everybody is asked about all policies in question at once; if that fails, policy by policy.
        with contextlib.suppress(MianshenError):
            again.ask(shares)
            return
        for name, subjects in shares.items():
            try:
                again.ask({name: subjects})
            except MianshenError as problem:
                self.failed.setdefault(name, problem.diagnostics[0])

    def _compare(self, fixed: FixedPolicy, noted: Noted, again: _Again) -> None:
        name, told_apart = fixed.policy.id, noted.told_apart
        by_subject: dict[str, dict[str, BatchAnswer]] = {}
        for (subject, unit), answer in noted.given.items():
            by_subject.setdefault(subject, {})[unit] = answer
        counts: Counter[Outcome] = Counter()
        opinion = self.opinions.get(name, Opinion(without_durable=_refusal(again.durable, name)))
        for subject in noted.subjects:
            try:
                interpreted = plain_answers(fixed, again.facts[subject])
            except MianshenError as problem:
                self.failed.setdefault(name, problem.diagnostics[0])
                return
            counts.update(answer.outcome for answer in interpreted.values())
            batch = by_subject.get(subject, {})
            for unit in _differing_units(batch, interpreted, again.verdicts.get((name, subject)), told_apart):
                found = Difference(fixed, again.facts[subject], unit, batch.get(unit), told_apart, again.durable)
                opinion = self._counted(opinion, found)
        self.opinions[name] = replace(
            opinion,
            yes=opinion.yes + counts[Outcome.ELIGIBLE],
            no=opinion.no + counts[Outcome.INELIGIBLE],
            undetermined=opinion.undetermined + counts[Outcome.UNDETERMINED],
        )

    def _counted(self, opinion: Opinion, found: Difference) -> Opinion:
        """Count one difference, and keep the first few."""
        files = opinion.files
        if self.keep is not None and len(files) < _CASES_KEPT:
            files = tuple(dict.fromkeys((*files, self.keep(found))))
        return replace(opinion, differences=opinion.differences + 1, files=files)


@dataclass(frozen=True, slots=True)
class _Again:
    """The facts of the sample, and what durable-rules says: (policy, subject) to verdicts by unit."""

    durable: DurableEngine
    facts: Mapping[str, SubjectInBulk]
    verdicts: dict[tuple[str, str], dict[str, DurableVerdict]] = field(default_factory=dict)

    def ask(self, shares: Mapping[str, Sequence[str]]) -> None:
        """Ask durable-rules about the subjects of each policy, but for policies that it refuses.

        Raises as `DurableEngine.decide_many` does; what was answered before then is kept.
        """
        by_subject: dict[str, list[str]] = {}
        for name, subjects in shares.items():
            for subject in subjects if name in self.durable.policies else ():
                if (name, subject) not in self.verdicts:
                    by_subject.setdefault(subject, []).append(name)
        questions = list(by_subject.items())
        for start in range(0, len(questions), _AT_ONCE):
            part = questions[start : start + _AT_ONCE]
            found = self.durable.decide_each([(self.facts[one], names) for one, names in part], settling=False)
            for (subject, names), answers in zip(part, found, strict=True):
                self.verdicts.update({(name, subject): {} for name in names})
                for name, unit, verdict in answers:
                    self.verdicts[name, subject][unit] = verdict


def _differing_units(
    batch: Mapping[str, BatchAnswer],
    interpreted: Mapping[str, PlainAnswer],
    durable: Mapping[str, DurableVerdict] | None,
    told_apart: bool,
) -> list[str]:
    """Return the units on which the engines do not all say the same."""
    found = []
    for unit in sorted({*batch, *interpreted, *(durable or {})}):
        decision = interpreted.get(unit)
        plain = None if decision is None else (decision.outcome, decision.amount)
        given = batch.get(unit)
        if told_apart or given is not None:
            agrees = (None if given is None else (OUTCOMES[given[0]], given[1])) == plain
        else:
            agrees = plain is None or plain[0] is not Outcome.ELIGIBLE
        if durable is not None and agrees:
            verdict = durable.get(unit)
            agrees = (None if verdict is None else (verdict.outcome, verdict.amount)) == plain and (
                verdict is None or decision is None or verdict.tier == decision.tier
            )
        if not agrees:
            found.append(unit)
    return found


def _refusal(durable: DurableEngine, name: str) -> Bilingual | None:
    refused = durable.refused.get(name)
    return None if refused is None else refused.message
