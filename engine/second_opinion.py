"""A second opinion on a batch: a sample is decided again by the interpreter and by durable-rules.

Three engines that share little but the tree must agree on outcome and amount, and on which units there are. One
difference and the policy is held: nobody is granted anything by it, and the case is kept as a file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from engine.decision import Population
from engine.difference_cases import NO_UNIT, EngineAnswer, make_case, write_case
from engine.durable_engine import DurableEngine
from engine.guarding import Held
from engine.ledger.earlier import PastGrants
from engine.matching import Answers, Matcher, Profiles
from engine.opinion_deciding import OUTCOMES, Deciding, Difference, Noted, Opinion, Share
from engine.opinion_processes import OpinionProcesses
from engine.opinion_sampling import OF_EACH_ANSWER, Chooser, given_answers
from engine.past_grants import WithPastGrants
from policies.errors import Diagnostic
from policies.policy import FixedPolicy
from policies.text import Bilingual
from policies.vocabulary import Vocabulary
from profiles.fault_points import fault_point

DEFAULT_SAMPLE = 3_000  # finds a fault of 1 in 1,000 with 95 % certainty
HELD_CODE = "second-opinion"
_NOBODY = pl.Series("subject", [], dtype=pl.String)
_IN_MEMORY = 5_000  # subjects whose facts and answers are held at one time


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
    seconds: float = 0.0
    _deciding: Deciding = field(init=False)
    _processes: OpinionProcesses = field(default_factory=OpinionProcesses)

    def __post_init__(self) -> None:
        self._deciding = Deciding(self.vocabulary, None if self.folder is None else partial(_keep, self.folder))

    @property
    def opinions(self) -> Mapping[str, Opinion]:
        """What it came to, by policy."""
        return self._deciding.opinions

    @property
    def failed(self) -> Mapping[str, Diagnostic]:
        """Why it could not be given, by policy."""
        return self._deciding.failed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._processes.close()

    def prepare(self, fixed: Sequence[FixedPolicy], profiles: Profiles, subjects: int, folder: Path) -> None:
        """Let idle cores take a share; without it all is decided in this process, with the same answers.

        Their processes start while the batch decides, and end when the opinion is closed (`with`).

        Args:
            fixed: the policies that may be looked at.
            profiles: the store that the batch reads.
            subjects: how many the batch decides; few are not worth a process.
            folder: where the processes find what they need to know; it must outlive the opinion.
        """
        if self.size != 0:
            self._processes.start(fixed, self.vocabulary, profiles, subjects, folder)

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
        own, elsewhere = self._processes.share_out(looking.noted)
        self._deciding.decide(looking.fixed, own, population, looking.durable)
        for asked in elsewhere:
            for name, opinion in asked.answer().items():
                self._deciding.add(name, opinion)
                for noted in asked.share.values():
                    noted.pop(name, None)
            # What is not answered, or where a difference was found, is decided here.
            self._deciding.decide(looking.fixed, asked.share, population, looking.durable)
        looking.noted.clear()
        looking.subjects = 0
        fault_point("second-opinion-given")
        self.seconds += time.perf_counter() - start


@dataclass(slots=True)
class _Looking:
    """The policies that are looked at, and who is yet to be decided again."""

    durable: DurableEngine
    policies: InitVar[Sequence[FixedPolicy]]
    fixed: dict[str, FixedPolicy] = field(init=False)
    noted: Share = field(default_factory=dict)
    subjects: int = 0

    def __post_init__(self, policies: Sequence[FixedPolicy]) -> None:
        self.fixed = {one.policy.id: one for one in policies}

    def note(self, space: str, name: str, subjects: pl.Series, answers: Answers) -> None:
        """Note what the batch answered for some subjects."""
        given, told_apart = given_answers(answers, name, subjects)
        noted = self.noted.setdefault(space, {}).setdefault(name, Noted(told_apart=told_apart))
        noted.subjects += subjects.sort().to_list()
        noted.given.update(given)


def _keep(folder: Path, found: Difference) -> str:
    """Keep a case of difference as a file, and return its name."""
    columnar = NO_UNIT if found.told_apart else None
    if found.told is not None:
        columnar = EngineAnswer(OUTCOMES[found.told[0]].value, found.told[1])
    return write_case(folder, make_case(found.fixed, found.facts, found.unit, columnar, found.durable)).name


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
