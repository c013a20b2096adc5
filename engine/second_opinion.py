"""A second opinion on a batch: a sample is decided again by the interpreter and by durable-rules.

Three engines that share little but the tree must agree on outcome and amount, and on which units there are. One
difference and the policy is held: nobody is granted anything by it, and the case is kept as a file.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from pathlib import Path

import polars as pl

from engine.decision import Outcome, Population
from engine.difference_cases import NO_UNIT, Case, EngineAnswer, make_case, write_case
from engine.durable_engine import DurableEngine, DurableVerdict
from engine.frame_facts import SubjectInBulk, facts_in_bulk
from engine.guarding import Held
from engine.interpreter_answers import PlainAnswer, plain_answers
from engine.ledger.earlier import PastGrants
from engine.matching import Answers, Matcher, Profiles
from engine.opinion_sampling import OF_EACH_ANSWER, Chooser, Given, given_answers
from engine.past_grants import WithPastGrants
from policies.errors import Diagnostic, MianshenError
from policies.policy import FixedPolicy
from policies.text import Bilingual
from policies.vocabulary import Vocabulary
from profiles.fault_points import fault_point

DEFAULT_SAMPLE = 3_000  # finds a fault of 1 in 1,000 with 95 % certainty
HELD_CODE = "second-opinion"
_NOBODY = pl.Series("subject", [], dtype=pl.String)
_CASES_KEPT = 3  # files per policy and run; more of one fault teach nothing
_AT_ONCE = 500  # subjects asked of durable-rules in one go
_IN_MEMORY = 5_000  # subjects whose facts and answers are held at one time
_WORDS = {True: Outcome.ELIGIBLE, False: Outcome.INELIGIBLE, None: Outcome.UNDETERMINED}


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


@dataclass
class SecondOpinion:
    """The second opinion of one run.

    Args:
        vocabulary: the catalog's names.
        seed: of the sample (`opinion_sampling.seed_of`).
        size: subjects of each space to decide again; None for everybody, 0 for nobody.
        folder: where cases of difference are kept; None keeps none.
        doubted: policies of which everybody is decided again, because the last run found a difference.
    """

    vocabulary: Vocabulary
    seed: int
    size: int | None = DEFAULT_SAMPLE
    folder: Path | None = None
    doubted: frozenset[str] = frozenset()
    opinions: dict[str, Opinion] = field(default_factory=dict)
    failed: dict[str, Diagnostic] = field(default_factory=dict)
    seconds: float = 0.0

    def watched(self, matcher: Matcher) -> Matcher:
        """Return `matcher` with every bucket's answers looked at, the last of them when all have been handed on."""
        if self.size == 0:
            return matcher

        def watching(
            fixed: Sequence[FixedPolicy], profiles: Profiles, vocabulary: Vocabulary, past: PastGrants
        ) -> Iterator[tuple[int, Answers]]:
            parts = len(profiles.buckets)
            with DurableEngine(fixed, vocabulary) as durable:
                population: Population | None = None
                looking = _Looking(durable, list(fixed))
                for bucket, answers in matcher(fixed, profiles, vocabulary, past):
                    population = WithPastGrants(profiles.bucket(bucket), past)
                    self._look(looking, population, answers, parts)
                    yield bucket, answers
                if population is not None:
                    self._decide_again(looking, population)

        return watching

    def look(
        self,
        fixed: Sequence[FixedPolicy],
        population: Population,
        answers: Answers,
        parts: int = 1,
        about: Mapping[str, pl.Series] | None = None,
    ) -> None:
        """Decide again a sample of one population that the batch has just decided.

        Args:
            fixed: the policies that were decided.
            population: for whom, and with which data.
            answers: what the batch answered.
            parts: of how many parts like this one the whole consists.
            about: by policy, the subjects that matter; the others were decided only to save a pass. Default: all.
        """
        if self.size == 0:
            return
        chosen = [one for one in fixed if about is None or not about.get(one.policy.id, _NOBODY).is_empty()]
        if chosen:
            with DurableEngine(chosen, self.vocabulary) as durable:
                looking = _Looking(durable, chosen)
                self._look(looking, population, answers, parts, about)
                self._decide_again(looking, population)

    @property
    def held(self) -> dict[str, Held]:
        """The policies on which the engines do not agree, or which could not be decided again."""
        found = {
            name: Held(HELD_CODE, _differing(opinion), releasable=False)
            for name, opinion in self.opinions.items()
            if opinion.differences
        }
        for name, problem in self.failed.items():
            found.setdefault(name, Held(HELD_CODE, _not_decided(problem), releasable=False))
        return found

    def _look(
        self,
        looking: _Looking,
        population: Population,
        answers: Answers,
        parts: int,
        about: Mapping[str, pl.Series] | None = None,
    ) -> None:
        """Choose whom to decide again and note what the batch answered for them; decide when they are many."""
        start = time.perf_counter()
        by_space: dict[str, list[str]] = {}
        for one in looking.fixed.values():
            if answers.error(one.policy.id) is None:
                by_space.setdefault(one.policy.space, []).append(one.policy.id)
        for space, names in by_space.items():
            chosen = self._chosen(space, names, population, answers, parts, about)
            everybody = pl.concat(list(chosen.values())).unique().sort()
            for place in range(0, everybody.len(), _IN_MEMORY):
                part = everybody.slice(place, _IN_MEMORY)
                for name, subjects in chosen.items():
                    looking.note(space, name, subjects.filter(subjects.is_in(part.implode())), answers)
                looking.subjects += part.len()
                if looking.subjects >= _IN_MEMORY:
                    self.seconds += time.perf_counter() - start
                    self._decide_again(looking, population)
                    start = time.perf_counter()
        self.seconds += time.perf_counter() - start

    def _chosen(
        self,
        space: str,
        names: Sequence[str],
        population: Population,
        answers: Answers,
        parts: int,
        about: Mapping[str, pl.Series] | None,
    ) -> dict[str, pl.Series]:
        """Return by policy the subjects of a space to decide again."""
        subjects = population.attributes(space, [])["subject"]
        share = None if self.size is None else -(-self.size // parts)
        chooser = Chooser(self.seed, share, -(-OF_EACH_ANSWER // parts))
        base = chooser.sample(subjects) if about is None else _NOBODY
        chosen = {}
        for name in names:
            own = subjects if about is None else subjects.filter(subjects.is_in(about[name].implode()))
            if name in self.doubted:
                chosen[name] = own
            elif about is not None:
                chosen[name] = chooser.sample(own)
            else:
                chosen[name] = pl.concat([base, chooser.added(answers, name, base)]).unique()
        return chosen

    def _decide_again(self, looking: _Looking, population: Population) -> None:
        """Decide again whoever was noted, whichever part they came from: what they are linked to is read once."""
        start = time.perf_counter()
        for space, noted in looking.noted.items():
            policies = [looking.fixed[name] for name in noted]
            everybody = sorted({subject for each in noted.values() for subject in each.subjects})
            facts = facts_in_bulk(population, self.vocabulary, policies).of(space, everybody)
            again = _Again(looking.durable, dict(zip(everybody, facts, strict=True)))
            self._ask(again, {name: each.subjects for name, each in noted.items()})
            for one in policies:
                if one.policy.id not in self.failed:
                    self._compare(one, noted[one.policy.id], again)
        looking.noted.clear()
        looking.subjects = 0
        fault_point("second-opinion-given")
        self.seconds += time.perf_counter() - start

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

    def _compare(self, fixed: FixedPolicy, noted: _Noted, again: _Again) -> None:
        name, told_apart = fixed.policy.id, noted.told_apart
        by_subject: dict[str, dict[str, tuple[bool | None, int | None]]] = {}
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
                told = batch.get(unit)
                columnar = None if told is None else EngineAnswer(_WORDS[told[0]].value, told[1])
                if columnar is None and told_apart:
                    columnar = NO_UNIT
                opinion = self._keep(opinion, fixed, again, subject, unit, columnar)
        self.opinions[name] = replace(
            opinion,
            yes=opinion.yes + counts[Outcome.ELIGIBLE],
            no=opinion.no + counts[Outcome.INELIGIBLE],
            undetermined=opinion.undetermined + counts[Outcome.UNDETERMINED],
        )

    def _keep(
        self,
        opinion: Opinion,
        fixed: FixedPolicy,
        again: _Again,
        subject: str,
        unit: str,
        columnar: EngineAnswer | None,
    ) -> Opinion:
        """Count one difference, and keep the first few as files."""
        opinion = replace(opinion, differences=opinion.differences + 1)
        if self.folder is None or len(opinion.files) >= _CASES_KEPT:
            return opinion
        case: Case = make_case(fixed, again.facts[subject], unit, columnar, again.durable)
        path = write_case(self.folder, case)
        return replace(opinion, files=tuple(dict.fromkeys((*opinion.files, path.name))))


@dataclass(slots=True)
class _Noted:
    """What the batch answered by one policy for the subjects chosen."""

    subjects: list[str] = field(default_factory=list)
    given: Given = field(default_factory=dict)
    told_apart: bool = True


@dataclass(slots=True)
class _Looking:
    """The policies that are looked at, and by space and policy what is yet to be decided again."""

    durable: DurableEngine
    policies: InitVar[Sequence[FixedPolicy]]
    fixed: dict[str, FixedPolicy] = field(init=False)
    noted: dict[str, dict[str, _Noted]] = field(default_factory=dict)
    subjects: int = 0

    def __post_init__(self, policies: Sequence[FixedPolicy]) -> None:
        self.fixed = {one.policy.id: one for one in policies}

    def note(self, space: str, name: str, subjects: pl.Series, answers: Answers) -> None:
        """Note what the batch answered for some subjects."""
        given, told_apart = given_answers(answers, name, subjects)
        noted = self.noted.setdefault(space, {}).setdefault(name, _Noted(told_apart=told_apart))
        noted.subjects += subjects.sort().to_list()
        noted.given.update(given)


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
    batch: Mapping[str, tuple[bool | None, int | None]],
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
            agrees = (None if given is None else (_WORDS[given[0]], given[1])) == plain
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


def _differing(opinion: Opinion) -> Bilingual:
    files = ", ".join(opinion.files)
    zh = f"；案例见 differences/{files}" if files else ""
    en = f"; see differences/{files}" if files else ""
    return Bilingual(
        f"复核 {opinion.decided:,} 件，各引擎有 {opinion.differences:,} 件答案不同{zh}",
        f"of {opinion.decided:,} decided again, the engines differ on {opinion.differences:,}{en}",
    )


def _not_decided(problem: Diagnostic) -> Bilingual:
    return Bilingual(f"未能复核：{problem.message.zh}", f"it could not be decided again: {problem.message.en}")
