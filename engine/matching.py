"""Match: every planned policy over every bucket of subjects; candidates are put aside on disk.

Memory holds one bucket at a time. A policy that fails, in any bucket, is reported with its error and has no
candidates at all: half of its people would be worse than none.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

import polars as pl

from engine.columnar import Compiled
from engine.decision import Population
from engine.ledger.earlier import PastGrants
from engine.matches import Counts, Matches
from engine.past_grants import WithPastGrants
from engine.planning import Plan
from policies.errors import Diagnostic, MianshenError
from policies.fixing import fix
from policies.policy import FixedPolicy
from policies.text import Bilingual
from policies.vocabulary import Vocabulary
from profiles.fault_points import fault_point

CANDIDATE_COLUMNS: dict[str, type[pl.DataType]] = {
    "policy": pl.String,
    "subject": pl.String,
    "unit": pl.String,
    "amount": pl.Int64,
    "payee": pl.String,
    "claim_key": pl.String,
    "need": pl.Int64,
    "ceilings": pl.String,
}
WITH_EVIDENCE: dict[str, type[pl.DataType]] = {**CANDIDATE_COLUMNS, "evidence": pl.String}
_FOLDER = "mianshen-run-"

Progress = Callable[[str, int, int], None]


class Profiles(Protocol):
    """A pinned state of the profile store, bucket by bucket (`profiles.snapshot.Snapshot`)."""

    @property
    def versions(self) -> Mapping[str, int]:
        """The pinned version of each table."""

    @property
    def buckets(self) -> Sequence[int]:
        """The numbers of the buckets."""

    def bucket(self, number: int) -> Population:
        """Return the population of one bucket."""

    def count(self, space: str) -> int:
        """Return how many subjects a space has."""

    def as_of(self, space: str, subject: str | None) -> Mapping[str, date]:
        """Return the day of each source of a space."""


@dataclass(slots=True)
class Totals:
    """What one policy found over all buckets."""

    subjects: int = 0
    matched: int = 0
    matched_subjects: int = 0
    ineligible: int = 0
    undetermined: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    error: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Spill:
    """The folder where a run puts aside what it does not need in memory."""

    folder: Path

    def write(self, name: str, bucket: int, frame: pl.DataFrame) -> None:
        """Put a frame aside."""
        frame.write_ipc(self._path(name, bucket), compression="lz4")

    def read(self, name: str, bucket: int, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return a frame that was put aside, or only some of its columns."""
        return pl.read_ipc(self._path(name, bucket), columns=None if columns is None else list(columns))

    def _path(self, name: str, bucket: int) -> Path:
        return self.folder / f"{name}-{bucket}.arrow"


@contextmanager
def spilling() -> Iterator[Spill]:
    """Open a folder for one run; it goes when the run ends, and those of killed runs go now."""
    for left in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        process = left.name.removeprefix(_FOLDER).partition("-")[0]
        if process.isdigit() and not Path(f"/proc/{process}").exists() and Path("/proc/self").exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{_FOLDER}{os.getpid()}-") as folder:
        yield Spill(Path(folder))


class Answers(Protocol):
    """What a matcher found in one bucket, policy by policy (`engine.matches.Matches`)."""

    def error(self, policy: str) -> MianshenError | None:
        """Return why a policy could not be evaluated here, or None."""

    def counts(self, policy: str) -> Counts:
        """Return how many units are eligible, not, and undetermined."""

    def missing(self, policy: str) -> Mapping[str, int]:
        """Return for each input in how many undetermined units it is unknown."""

    def rows(self, policy: str) -> pl.DataFrame:
        """Return the eligible units (`engine.matches.ROWS_SCHEMA`)."""


class Matcher(Protocol):
    """An engine that decides policies for everybody: in this process (`columnar_matcher`), or on a cluster.

    It only answers; totals, errors, the files of candidates and all that follows are the same for every
    engine. Pass another one to `engine.running.run(..., matcher=...)`.
    """

    def __call__(
        self, fixed: Sequence[FixedPolicy], profiles: Profiles, vocabulary: Vocabulary, past: PastGrants
    ) -> Iterator[tuple[int, Answers]]:
        """Yield every bucket of `profiles` once, in any order, with the answers of all `fixed` policies."""


def columnar_matcher(
    fixed: Sequence[FixedPolicy], profiles: Profiles, vocabulary: Vocabulary, past: PastGrants
) -> Iterator[tuple[int, Matches]]:
    """Decide bucket after bucket in this process; see `Matcher`."""
    compiled = Compiled(fixed, vocabulary)
    for bucket in profiles.buckets:
        yield bucket, compiled.decide(WithPastGrants(profiles.bucket(bucket), past))


def match(
    plan: Plan,
    profiles: Profiles,
    vocabulary: Vocabulary,
    past: PastGrants,
    spill: Spill,
    on_progress: Progress | None = None,
    *,
    matcher: Matcher = columnar_matcher,
) -> dict[str, Totals]:
    """Match all planned policies; put candidates with evidence aside as `candidates`, bucket by bucket."""
    totals = {item.id: Totals() for item in plan.policies}
    fixed = fixed_policies(plan, vocabulary, totals)
    match_everybody(fixed, profiles, vocabulary, past, spill, totals, on_progress, matcher=matcher)
    return totals


def fixed_policies(plan: Plan, vocabulary: Vocabulary, totals: Mapping[str, Totals]) -> list[FixedPolicy]:
    """Settle the planned policies for the plan's date; those that cannot be have their error in `totals`."""
    fixed: list[FixedPolicy] = []
    for item in plan.policies:
        try:
            fixed.append(fix(item.policy, vocabulary, plan.on, item.period))
        except MianshenError as error:
            totals[item.id].error = error.diagnostics
    return fixed


def match_everybody(
    fixed: Sequence[FixedPolicy],
    profiles: Profiles,
    vocabulary: Vocabulary,
    past: PastGrants,
    spill: Spill,
    totals: Mapping[str, Totals],
    on_progress: Progress | None = None,
    *,
    matcher: Matcher = columnar_matcher,
) -> None:
    """Decide `fixed` for all subjects: add to `totals`, and put the candidates of every bucket aside."""
    buckets, done = list(profiles.buckets), 0
    if on_progress is not None:
        on_progress("match", done, len(buckets))
    for bucket, answers in matcher(fixed, profiles, vocabulary, past) if fixed else ():
        frames = [candidates_of(one, answers, totals[one.policy.id]) for one in fixed]
        spill.write("candidates", bucket, pl.concat([pl.DataFrame(schema=WITH_EVIDENCE), *frames]))
        done += 1
        fault_point("bucket-matched")
        if on_progress is not None:
            on_progress("match", done, len(buckets))
    if not fixed:
        for bucket in buckets:
            spill.write("candidates", bucket, pl.DataFrame(schema=WITH_EVIDENCE))
        if on_progress is not None:
            on_progress("match", len(buckets), len(buckets))


def candidates_of(fixed: FixedPolicy, matches: Answers, totals: Totals) -> pl.DataFrame:
    """Add one bucket's answers of one policy to its totals and return its candidates."""
    nobody = pl.DataFrame(schema=WITH_EVIDENCE)
    name = fixed.policy.id
    if totals.error:
        return nobody
    try:
        error = matches.error(name)
        if error is not None:
            raise error
        counts, missing, rows = matches.counts(name), matches.missing(name), matches.rows(name)
    except MianshenError as problem:
        totals.error = problem.diagnostics
        return nobody
    except Exception as problem:
        # One policy's fault must neither stop the others nor pass for an empty answer.
        totals.error = (_failed(problem),)
        return nobody
    totals.subjects += counts.subjects
    totals.matched += counts.matched
    totals.ineligible += counts.ineligible
    totals.undetermined += counts.undetermined
    totals.missing.update({key: number for key, number in missing.items() if number})
    per_subject = fixed.policy.for_each is None
    totals.matched_subjects += rows.height if per_subject else rows["subject"].n_unique()
    rows = rows.with_columns(policy=pl.lit(name)).select(*WITH_EVIDENCE)
    if rows.select("subject", "unit").is_duplicated().any():
        totals.error = (_repeated(),)
        return nobody
    return rows


def _failed(problem: Exception) -> Diagnostic:
    kind = type(problem).__name__
    return Diagnostic(
        "policy-failed",
        Bilingual(f"计算时出错（{kind}）", f"it failed while being computed ({kind})"),
        Bilingual("其他政策不受影响；请核对规则并上报", "the others are not affected; check the rule and report it"),
    )


def _repeated() -> Diagnostic:
    return Diagnostic(
        "unit-repeated",
        Bilingual("同一对象的同一事项出现了两次", "one unit of one subject appears twice"),
        Bilingual("请检查来源数据中的重复编号", "check the source for repeated ids"),
    )
