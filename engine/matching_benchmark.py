"""How fast matching is, beside Polars expressions written by hand for the same policies.

Both read the same Parquet file, each in a process of its own, so that the peaks of memory can be told
apart; both must find the same numbers.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import polars as pl
import pyarrow.parquet as parquet

from engine.benchmark_policies import (
    BenchmarkPolicy,
    benchmark_policies,
    benchmark_vocabulary,
    population_chunk,
)
from engine.columnar import Compiled
from policies.errors import RunError
from policies.vocabulary import Vocabulary

OnProgress = Callable[[str, int, int], None]
BUCKET = 250_000
ROWS = 5_000_000  # the file holds at most so many people (0.4 GB) and is read over and over: little disk
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Tally:
    """What one policy found: the numbers that both ways of matching must agree on."""

    matched: int
    undetermined: int
    amount: int


@dataclass(frozen=True, slots=True)
class Leg:
    """One measured way over the file: seconds, peak of memory in bytes, and what was found."""

    seconds: float
    peak_bytes: int
    tallies: tuple[Tally, ...]


@dataclass(frozen=True, slots=True)
class _Bucket:
    """One bucket of the benchmark's file as a population (`engine.decision.Population`)."""

    vocabulary: Vocabulary
    file: str
    first: int
    count: int

    def attributes(self, space: str, names: Iterable[str], subjects: pl.Series | None = None) -> pl.DataFrame:
        """Read the named columns of this bucket's rows; the file is in order of subject."""
        rows = pl.scan_parquet(self.file).slice(self.first, self.count)
        return rows.select("subject", *names).collect()

    def items(self, space: str, collection: str, names: Iterable[str], owners: pl.Series) -> pl.DataFrame:
        """Return no items: the benchmark's space has no collections."""
        return pl.DataFrame(schema={"owner": pl.String, "item": pl.String})

    def collection_known(self, space: str, collection: str) -> bool:
        """Return False: there are none."""
        return False


def match_benchmark(
    subjects: int = 5_000_000,
    policies: int = 169,
    seed: int = 1,
    on_progress: OnProgress | None = None,
) -> dict[str, object]:
    """Measure matching at `subjects` and at a fifth of it, and return a report with plain values.

    `on_progress` is called with a stage and how much of it is done. The report holds seconds and peak
    memory of both ways at the full size, their ratio, the peak at a fifth of the size, and the matches found.
    Raises RunError if the two ways do not find the same.
    """
    report = on_progress or (lambda stage, done, total: None)
    held = min(subjects, ROWS)
    with tempfile.TemporaryDirectory(prefix="mianshen-bench-") as folder:
        file = str(Path(folder) / "profiles.parquet")
        write_population(file, held, seed, report)
        small = max(subjects // 5, 1)
        engine, by_hand = [], []
        steps = 2 * _ROUNDS + 1
        report("match", 0, steps)
        fifth = measured(engine_leg, file, small, policies, seed, held)
        for number in range(_ROUNDS):
            report("match", 2 * number + 1, steps)
            engine.append(measured(engine_leg, file, subjects, policies, seed, held))
            report("match", 2 * number + 2, steps)
            by_hand.append(measured(hand_leg, file, subjects, policies, seed, held))
        report("match", steps, steps)
    ours, theirs = min(engine, key=_seconds), min(by_hand, key=_seconds)
    require_equal(ours.tallies, theirs.tallies)
    return {
        "subjects": subjects,
        "policies": policies,
        "matches": sum(tally.matched for tally in ours.tallies),
        "undetermined": sum(tally.undetermined for tally in ours.tallies),
        "seconds": round(ours.seconds, 2),
        "seconds_by_hand": round(theirs.seconds, 2),
        "ratio": round(ours.seconds / theirs.seconds, 2),
        "peak_megabytes": ours.peak_bytes >> 20,
        "peak_megabytes_by_hand": theirs.peak_bytes >> 20,
        "subjects_of_a_fifth": small,
        "seconds_of_a_fifth": round(fifth.seconds, 2),
        "peak_megabytes_of_a_fifth": fifth.peak_bytes >> 20,
    }


def write_population(file: str, subjects: int, seed: int, on_progress: OnProgress) -> None:
    """Write the invented population chunk by chunk, in row groups of one bucket."""
    writer: parquet.ParquetWriter | None = None
    try:
        for first in range(0, subjects, BUCKET):
            on_progress("write", first, subjects)
            table = population_chunk(first, min(BUCKET, subjects - first), seed).to_arrow()
            if writer is None:
                writer = parquet.ParquetWriter(file, table.schema, compression="zstd")
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()
    on_progress("write", subjects, subjects)


def buckets(subjects: int, rows: int) -> Iterator[tuple[int, int]]:
    """Yield where each bucket begins in the file, and its size; a file of fewer rows is read over and over."""
    done = 0
    while done < subjects:
        first = done % rows
        count = min(BUCKET, subjects - done, rows - first)
        yield first, count
        done += count


def engine_leg(file: str, subjects: int, policies: int, seed: int, rows: int | None = None) -> Leg:
    """Match with the engine's compiler, bucket by bucket. The file holds `rows` people, by default all."""
    chosen = benchmark_policies(policies, seed)
    vocabulary = benchmark_vocabulary()
    started = time.perf_counter()
    compiled = Compiled([policy.fixed for policy in chosen], vocabulary)
    found = [[0, 0, 0] for _ in chosen]
    for first, count in buckets(subjects, rows or subjects):
        matches = compiled.decide(_Bucket(vocabulary, file, first, count))
        for policy, sums in zip(chosen, found, strict=True):
            name = policy.fixed.policy.id
            counts = matches.counts(name)
            sums[0] += counts.matched
            sums[1] += counts.undetermined
            sums[2] += matches.amount(name)
    seconds = time.perf_counter() - started
    return Leg(seconds, _peak_bytes(), tuple(Tally(*sums) for sums in found))


def hand_leg(file: str, subjects: int, policies: int, seed: int, rows: int | None = None) -> Leg:
    """Match with expressions written by hand, in the fastest way that was found to run them.

    One query per bucket for all answers and amounts, then sums of the columns; a single query of sums over
    the whole file, in memory or streaming, was slower.
    """
    chosen = benchmark_policies(policies, seed)
    started = time.perf_counter()
    expressions = [policy.eligible.alias(f"eligible {number}") for number, policy in enumerate(chosen)]
    for number, policy in enumerate(chosen):
        if policy.amount is not None:
            expressions.append(policy.amount.alias(f"amount {number}"))
    found = [[0, 0, 0] for _ in chosen]
    for first, count in buckets(subjects, rows or subjects):
        answers = pl.scan_parquet(file).slice(first, count).select(expressions).collect(engine="in-memory")
        for number, (policy, sums) in enumerate(zip(chosen, found, strict=True)):
            _add_by_hand(sums, policy, number, answers)
    seconds = time.perf_counter() - started
    return Leg(seconds, _peak_bytes(), tuple(Tally(*sums) for sums in found))


def _add_by_hand(sums: list[int], policy: BenchmarkPolicy, number: int, answers: pl.DataFrame) -> None:
    eligible = answers[f"eligible {number}"]
    matched, undetermined = int(eligible.sum()), eligible.null_count()
    if policy.amount is None:
        amount = matched * policy.constant
    else:
        # Eligible with an unknown amount is undetermined.
        amounts = answers[f"amount {number}"].filter(eligible)
        matched, undetermined = matched - amounts.null_count(), undetermined + amounts.null_count()
        amount = int(amounts.sum())
    for place, value in enumerate((matched, undetermined, amount)):
        sums[place] += value


def require_equal(ours: Sequence[Tally], theirs: Sequence[Tally]) -> None:
    """Raise RunError unless both ways of matching found the same."""
    different = [number for number, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1]]
    if different:
        number = different[0]
        raise RunError.of(
            "benchmark-differs",
            f"第 {number} 个政策两种算法结果不同：{ours[number]} 与 {theirs[number]}",
            f"the two ways of matching differ for policy {number}: {ours[number]} and {theirs[number]}",
            help_zh="这是引擎的错误，请报告",
            help_en="this is an error of the engine; please report it",
        )


def measured(
    leg: Callable[..., Leg], file: str, subjects: int, policies: int, seed: int, rows: int | None = None
) -> Leg:
    """Run one way over the file in a fresh process, because a process never gives back its peak of memory.

    Raises RunError if the process is ended from outside.
    """
    try:
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as process:
            return process.submit(leg, file, subjects, policies, seed, rows).result()
    except BrokenProcessPool:
        raise RunError.of(
            "benchmark-process-ended",
            "测量用的进程被中止",
            "the process that was measured ended before its time",
            help_zh="可能内存不足：请减少对象数量后重试",
            help_en="memory may have run out: try again with fewer subjects",
        ) from None


def _seconds(leg: Leg) -> float:
    return leg.seconds


def _peak_bytes() -> int:
    return getrusage(RUSAGE_SELF).ru_maxrss * 1024
