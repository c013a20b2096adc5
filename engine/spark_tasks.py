"""What a worker of a cluster does: decide one bucket with the columnar compiler, and send back the answers.

A worker has the packages of this project and reads the Parquet files of the profile store. It never sees the
ledger or the vault, and writes nothing.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from engine.columnar import Compiled
from engine.matches import ROWS_SCHEMA, Counts
from policies.errors import MianshenError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policies.policy import FixedPolicy
    from policies.vocabulary import Vocabulary
    from profiles.snapshot import Snapshot

# One row for each bucket and policy; `answer` is a pickled `PolicyAnswer`, `rows` an Arrow file.
SCHEMA = "bucket int, policy string, answer binary, rows binary"
_ARROW = pa.schema([("bucket", pa.int32()), ("policy", pa.string()), ("answer", pa.binary()), ("rows", pa.binary())])


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """What one policy found in one bucket, besides the rows; `error` instead if it could not be evaluated."""

    counts: Counts | None
    missing: Mapping[str, int]
    error: MianshenError | None = None


@dataclass(frozen=True, slots=True)
class BucketAnswers:
    """The answers of all policies in one bucket (`engine.matching.Answers`)."""

    answers: Mapping[str, PolicyAnswer]
    files: Mapping[str, bytes]

    def error(self, policy: str) -> MianshenError | None:
        """Return why a policy could not be evaluated here, or None."""
        return self.answers[policy].error

    def counts(self, policy: str) -> Counts:
        """Return how many units are eligible, not, and undetermined."""
        counts = self.answers[policy].counts
        assert counts is not None
        return counts

    def missing(self, policy: str) -> Mapping[str, int]:
        """Return for each input in how many undetermined units it is unknown."""
        return self.answers[policy].missing

    def rows(self, policy: str) -> pl.DataFrame:
        """Return the eligible units (`engine.matches.ROWS_SCHEMA`)."""
        return pl.read_ipc(io.BytesIO(self.files[policy])) if self.files[policy] else pl.DataFrame(schema=ROWS_SCHEMA)


def packed(fixed: Sequence[FixedPolicy], vocabulary: Vocabulary, snapshot: Snapshot) -> bytes:
    """Return all that a worker needs to know, as bytes."""
    return pickle.dumps((tuple(fixed), vocabulary, snapshot), protocol=pickle.HIGHEST_PROTOCOL)


def deciding(work: Callable[[], bytes]) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the function for `mapInArrow`: from batches of one column of bucket numbers to rows of `SCHEMA`.

    `work` returns the bytes of `packed`.
    """

    def decide(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        compiled, snapshot = _unpacked(work())
        for batch in batches:
            for bucket in batch.column(0).to_pylist():
                yield from _rows_of(compiled, snapshot, int(bucket))

    return decide


_last: tuple[bytes, Compiled, Snapshot] | None = None


def _unpacked(work: bytes) -> tuple[Compiled, Snapshot]:
    """Return the compiled policies and the profiles; a worker's process compiles once for all its buckets."""
    global _last
    digest = hashlib.sha256(work).digest()
    if _last is None or _last[0] != digest:
        fixed, vocabulary, snapshot = pickle.loads(work)
        _last = (digest, Compiled(fixed, vocabulary), snapshot)
    return _last[1], _last[2]


def _rows_of(compiled: Compiled, snapshot: Snapshot, bucket: int) -> Iterator[pa.RecordBatch]:
    matches = compiled.decide(snapshot.bucket(bucket))
    for one in compiled.fixed:
        name = one.policy.id
        file = io.BytesIO()
        try:
            error = matches.error(name)
            if error is not None:
                raise error
            answer = PolicyAnswer(matches.counts(name), matches.missing(name))
            rows = matches.rows(name)
            if rows.height:
                rows.write_ipc(file, compression="lz4")
        except MianshenError as problem:
            answer, file = PolicyAnswer(None, {}, problem), io.BytesIO()
        columns = [[bucket], [name], [pickle.dumps(answer)], [file.getvalue()]]
        yield pa.RecordBatch.from_arrays(
            [pa.array(c, kind) for c, kind in zip(columns, _ARROW.types, strict=True)], schema=_ARROW
        )
