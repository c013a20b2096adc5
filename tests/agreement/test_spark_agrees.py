"""What a Spark worker decides is what everybody else decides: each town is a bucket of one job."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from random import Random
from types import SimpleNamespace

import pyarrow as pa
import pytest

from engine.columnar import decide_all
from engine.decision import Outcome
from engine.spark_session import require_java, spark_session
from policies.errors import MianshenError
from tests.agreement.cases import CASES, Case
from tests.agreement.engines import by_interpreter, from_matches
from tests.agreement.test_all_engines_agree import ON, draw_case
from tests.agreement.town_vocabulary import VOCABULARY
from tests.agreement.towns import TownMaker


def _can_run() -> bool:
    try:
        require_java()
    except MianshenError:
        return False
    return find_spec("pyspark") is not None


pytestmark = pytest.mark.skipif(not _can_run(), reason="no Java 17 or no PySpark on this machine")
TOWNS = max(CASES // 250, 4)


def test_the_workers_of_a_cluster_give_the_decisions_of_the_reference() -> None:
    from engine.spark_tasks import SCHEMA, BucketAnswers, deciding

    texts = {text for seed in range(6) for text in draw_case(Random(7_000 + seed), 8).policies}
    renamed = tuple(text.replace("id: p", f"id: q{number}-", 1) for number, text in enumerate(sorted(texts)))
    towns = [TownMaker(Random(seed), 8, extreme=seed % 3 == 0).town() for seed in range(TOWNS)]
    fixed = Case(renamed, towns[0], ON[0]).fixed()
    populations = {number: town.population() for number, town in enumerate(towns)}
    work = pickle.dumps((tuple(fixed), VOCABULARY, SimpleNamespace(bucket=populations.__getitem__)))
    with spark_session("local[2]") as session:
        sent = session.sparkContext.broadcast(work)
        rows = (
            session.range(0, len(towns), 1, numPartitions=2).mapInArrow(deciding(lambda: sent.value), SCHEMA).collect()
        )
    compared = 0
    for number, town in enumerate(towns):
        mine = [row for row in rows if row.bucket == number]
        answers = {row.policy: pickle.loads(row.answer) for row in mine}
        found = BucketAnswers(answers, {row.policy: bytes(row.rows) for row in mine})
        expected = by_interpreter(fixed, town)
        for one in fixed:
            policy = one.policy.id
            decided = {key[1:]: answer for key, answer in expected.items() if key[0] == policy}
            granted = {key: answer.amount for key, answer in decided.items() if answer.outcome is Outcome.ELIGIBLE}
            assert found.error(policy) is None
            batch = found.rows(policy).select("subject", "unit", "amount").iter_rows()
            assert {(subject, unit): amount for subject, unit, amount in batch} == granted
            undetermined = sum(answer.outcome is Outcome.UNDETERMINED for answer in decided.values())
            assert found.counts(policy).undetermined == undetermined
            compared += len(decided)
    assert compared > 100


def _answering(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Runs on a worker: decide the town of each number, and send back every answer with its settling facts."""
    for batch in batches:
        for seed in batch.column(0).to_pylist():
            fixed, town = _case_of(int(seed))
            answers = pickle.dumps(from_matches(decide_all(fixed, town.population(), VOCABULARY), fixed))
            yield pa.RecordBatch.from_pydict({"seed": pa.array([seed], pa.int64()), "answers": [answers]})


def _case_of(seed: int):  # type: ignore[no-untyped-def]
    case = draw_case(Random(9_000 + seed), 6)
    return case.fixed(), case.town


def test_outcomes_amounts_and_settling_facts_are_the_same_on_a_worker() -> None:
    with spark_session("local[2]") as session:
        sent = session.range(0, TOWNS, 1, numPartitions=2)
        rows = sent.mapInArrow(_answering, "seed long, answers binary").collect()
    undetermined = 0
    for row in rows:
        fixed, town = _case_of(row.seed)
        expected = by_interpreter(fixed, town)
        assert pickle.loads(row.answers) == expected
        undetermined += sum(bool(one.settled_by) for one in expected.values())
    assert len(rows) == TOWNS
    assert undetermined > 20
