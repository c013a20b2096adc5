"""What the steps of one run hand to each other."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engine.guarding import Held
from engine.incremental_matching import Matched
from engine.ledger.opening import Ledger
from engine.matching import Matcher, Profiles, Progress, Spill, Totals, columnar_matcher
from engine.planning import Plan, Planned
from engine.redeciding import Reopen
from engine.second_opinion import DEFAULT_SAMPLE, SecondOpinion
from policies.policy import Policy
from policies.vocabulary import Vocabulary


@dataclass(frozen=True)
class Setting:
    """What all runs of one call share. `matcher` is the engine that decides everybody.

    `second_opinion` is how many subjects of each space are decided again by the other engines (None: all), and
    `differences` the folder where cases on which they differ are kept.
    """

    ledger: Ledger
    policies: Mapping[str, Policy]
    vocabulary: Vocabulary
    actor: str
    on_progress: Progress | None = None
    reopen: Reopen | None = None
    matcher: Matcher = columnar_matcher
    second_opinion: int | None = DEFAULT_SAMPLE
    differences: Path | None = None


@dataclass
class Work:
    """One run while it is being done. `run` is None for a dry run."""

    plan: Plan
    profiles: Profiles
    spill: Spill
    run: str | None
    continued: bool = False
    matched: Matched = field(default_factory=lambda: Matched({}))
    held: dict[str, Held] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    opinion: SecondOpinion | None = None

    @property
    def totals(self) -> dict[str, Totals]:
        """What each policy found; empty before matching."""
        return self.matched.totals

    @property
    def going_on(self) -> list[Planned]:
        """The policies that are not held."""
        return [item for item in self.plan.policies if item.id not in self.held]

    def note_opinion(self, opinion: SecondOpinion) -> None:
        """Take the second opinion of a matching; its time is told apart from that of matching."""
        self.opinion = opinion
        self.seconds["match"] = max(0.0, self.seconds.get("match", 0.0) - opinion.seconds)
        self.seconds["second-opinion"] = self.seconds.get("second-opinion", 0.0) + opinion.seconds

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the time of the block to a step."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start
