"""Two engines answered one event differently: the case is kept as a file that reproduces it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.difference_cases import Case, make_case, write_case
from engine.durable_engine import DurableEngine
from engine.events.deciding import EventEngine, SubjectDecisions
from engine.frame_facts import facts_in_bulk
from engine.ledger.earlier import past_grants_of
from engine.ledger.opening import Ledger
from engine.past_grants import WithPastGrants
from policies.errors import StoreError
from policies.policy import FixedPolicy
from policies.vocabulary import Vocabulary
from profiles.snapshot import Snapshot


def keep_cases(
    folder: Path,
    decisions: Sequence[SubjectDecisions],
    fixed: Mapping[str, FixedPolicy],
    engine: EventEngine,
    snapshot: Snapshot,
    vocabulary: Vocabulary,
    ledger: Ledger,
) -> list[Path]:
    """Write one case for every policy and subject on which the engines differed; nothing in it names a person.

    Raises StoreError if a file cannot be written: the event then stays unanswered.
    """
    written = []
    for decided in decisions:
        for name, units in decided.differing.items():
            with past_grants_of(ledger, None) as past:
                population = WithPastGrants(snapshot.bucket(snapshot.bucket_of(decided.subject)), past)
                subject = facts_in_bulk(population, vocabulary, [fixed[name]]).one(decided.space, decided.subject)
                assert isinstance(engine, DurableEngine)
                case = make_case(fixed[name], subject, units[0], None, engine)
            written.append(_kept(folder, case))
    return written


def _kept(folder: Path, case: Case) -> Path:
    try:
        return write_case(folder, case)
    except OSError as problem:
        raise StoreError.of(
            "case-not-kept",
            f"分歧案例无法写入 `{folder}`：{problem.strerror}",
            f"a case on which the engines differ could not be written to `{folder}`: {problem.strerror}",
            help_zh="检查权限和磁盘空间；事件已保存，之后会接着做",
            help_en="check permissions and disk space; the event is stored and will be taken up",
        ) from problem
