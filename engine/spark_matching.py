"""Matching on a Spark cluster: every bucket is a task, and its answers come back to this process.

The workers run the same columnar compiler over the same Parquet files, so that a cluster cannot decide
otherwise than one machine. Guard, allocation and recording stay here: the ledger has one writer, and its keys make
it indifferent to a bucket that was decided twice because a worker died.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from engine.ledger.earlier import PastGrants
from engine.matches import Counts
from engine.matching import Answers, Profiles, Progress, columnar_matcher
from engine.past_grants import reads_grants
from engine.spark_tasks import SCHEMA, BucketAnswers, PolicyAnswer, deciding, packed
from policies.errors import MianshenError, RunError
from policies.policy import FixedPolicy
from policies.vocabulary import Vocabulary
from profiles.portable_snapshot import portable
from profiles.snapshot import Snapshot

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_LOOK_EVERY = 0.5  # seconds between two looks at how far the cluster is


@dataclass(frozen=True)
class SparkMatcher:
    """The `Matcher` that decides on a cluster. `on_progress` is called with "spark", tasks done and tasks in all."""

    session: SparkSession
    on_progress: Progress | None = None

    def __call__(
        self, fixed: Sequence[FixedPolicy], profiles: Profiles, vocabulary: Vocabulary, past: PastGrants
    ) -> Iterator[tuple[int, Answers]]:
        """Yield every bucket with the answers of all policies; see `engine.matching.Matcher`.

        A policy that reads past grants is decided in this process: the ledger is not on the workers.

        Raises RunError if the cluster fails for good, and StoreError if its workers cannot read the profiles.
        """
        assert isinstance(profiles, Snapshot)
        at_home = [one for one in fixed if reads_grants(one.policy)]
        away = [one for one in fixed if not reads_grants(one.policy)]
        answered = self._on_the_cluster(away, profiles, vocabulary)
        if not at_home:
            yield from answered
            return
        here = columnar_matcher(at_home, profiles, vocabulary, past)
        for (bucket, there), (same, own) in zip(answered, here, strict=True):
            assert bucket == same
            yield bucket, _Both({one.policy.id for one in at_home}, own, there)

    def _on_the_cluster(
        self, fixed: Sequence[FixedPolicy], snapshot: Snapshot, vocabulary: Vocabulary
    ) -> Iterator[tuple[int, BucketAnswers]]:
        if not fixed:
            for bucket in snapshot.buckets:
                yield bucket, BucketAnswers({}, {})
            return
        work = self.session.sparkContext.broadcast(packed(fixed, vocabulary, portable(snapshot)))
        buckets = self.session.range(0, len(snapshot.buckets), 1, numPartitions=len(snapshot.buckets))
        answers = buckets.mapInArrow(deciding(lambda: work.value), SCHEMA)
        # Kept on the workers' disks until they are fetched, bucket by bucket: this process needs room for one.
        from pyspark import StorageLevel

        answers = answers.persist(StorageLevel.DISK_ONLY)
        try:
            self._wait(answers, len(snapshot.buckets))
            yield from _fetched(answers, snapshot.buckets)
        except MianshenError:
            raise
        except Exception as problem:
            raise _failed(problem) from None
        finally:
            answers.unpersist()
            work.destroy()

    def _wait(self, answers: DataFrame, tasks: int) -> None:
        """Have all buckets decided, in parallel, and tell how far it is."""
        tracker = self.session.sparkContext.statusTracker()
        most = 0
        self._tell(most, tasks)
        with ThreadPoolExecutor(max_workers=1) as pool:
            counting = pool.submit(answers.count)
            while not wait_for([counting], timeout=_LOOK_EVERY).done:
                stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
                # Counting ends in a stage of one task, so that a stage's number can also fall.
                most = max([most, *(stage.numCompletedTasks for stage in stages if stage is not None)])
                self._tell(most, tasks)
            counting.result()
        self._tell(tasks, tasks)

    def _tell(self, done: int, tasks: int) -> None:
        if self.on_progress is not None:
            self.on_progress("spark", min(done, tasks), tasks)


@dataclass(frozen=True, slots=True)
class _Both:
    """The answers of one bucket, some from this process and the others from the cluster."""

    names: set[str]
    own: Answers
    there: Answers

    def error(self, policy: str) -> MianshenError | None:
        return self._of(policy).error(policy)

    def counts(self, policy: str) -> Counts:
        return self._of(policy).counts(policy)

    def missing(self, policy: str) -> Mapping[str, int]:
        return self._of(policy).missing(policy)

    def rows(self, policy: str) -> pl.DataFrame:
        return self._of(policy).rows(policy)

    def _of(self, policy: str) -> Answers:
        return self.own if policy in self.names else self.there


def _fetched(answers: DataFrame, buckets: range) -> Iterator[tuple[int, BucketAnswers]]:
    """Yield the answers bucket by bucket; partitions are in the order of buckets, one bucket each."""
    found: dict[str, PolicyAnswer] = {}
    files: dict[str, bytes] = {}
    current = None
    for row in answers.toLocalIterator(prefetchPartitions=True):
        if row.bucket != current:
            if current is not None:
                yield buckets[current], BucketAnswers(found, files)
            current, found, files = row.bucket, {}, {}
        found[row.policy] = pickle.loads(row.answer)
        files[row.policy] = bytes(row.rows)
    if current is not None:
        yield buckets[current], BucketAnswers(found, files)


def _failed(problem: Exception) -> RunError:
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    reason = next((line for line in reversed(lines) if "Error" in line and not line.startswith("at ")), "")
    shown = (reason or (lines[0] if lines else type(problem).__name__))[:300]
    return RunError.of(
        "spark-failed",
        f"集群未能完成匹配：{shown}",
        f"the cluster could not finish matching: {shown}",
        help_zh="未写入任何结果；检查各工作节点能否读取档案库的文件、是否装有 mianshen，然后重新运行",
        help_en="nothing was written; check that every worker can read the store's files and has mianshen, then run again",
    )
