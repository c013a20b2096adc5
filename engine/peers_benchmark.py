"""mianshen beside its peers: the same policies of about five conditions, the same people, in one run.

Engines that work on whole columns decide everybody; those that work record by record decide the first of them,
because they would take hours. Each runs in a process of its own, with rules loaded and people ready in its own
form; the quickest of three rounds counts. All must find the same before anything is reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Literal

from engine.peers.by_durable_rules import by_durable_rules
from engine.peers.by_openfisca import by_openfisca
from engine.peers.by_pandas import by_pandas
from engine.peers.by_zen import by_zen
from engine.peers.ours import Maker, by_columns, by_hand, by_interpreter
from engine.peers.plain_policies import complete_people
from engine.peers.tally import Found
from policies.errors import RunError, SettingsError

OnProgress = Callable[[str, int, int], None]
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Peer:
    """One engine: how it is made ready, whether by columns or by records, and what must be installed for it."""

    name: str
    make: Maker
    works: Literal["columns", "records"]
    module: str
    package: str


PEERS = (
    Peer("mianshen, batch", by_columns, "columns", "polars", "polars"),
    Peer("Polars by hand", by_hand, "columns", "polars", "polars"),
    Peer("pandas", by_pandas, "columns", "pandas", "pandas"),
    Peer("OpenFisca", by_openfisca, "columns", "openfisca_core", "openfisca-core"),
    Peer("mianshen, reference", by_interpreter, "records", "polars", "polars"),
    Peer("durable-rules", by_durable_rules, "records", "durable", "durable_rules"),
    Peer("GoRules Zen", by_zen, "records", "zen", "zen-engine"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One engine's figures: the people decided, seconds to make ready and to decide, and what was found."""

    peer: str
    version: str
    works: str
    people: int
    ready_seconds: float
    seconds: float
    found: tuple[Found, ...]


def peers_benchmark(
    people: int = 500_000,
    records: int = 2_000,
    policies: int = 50,
    seed: int = 1,
    on_progress: OnProgress | None = None,
) -> list[dict[str, object]]:
    """Measure every engine and return one row each, with plain values.

    `ratio` says how many times as long an engine takes for one person as our batch does; below 1 it is the quicker
    one. Raises SettingsError if a peer is not installed, and RunError if two engines do not find the same.
    """
    report = on_progress or (lambda stage, done, total: None)
    require_installed()
    records = min(records, people)
    measured: list[Measured] = []
    for number, peer in enumerate(PEERS):
        report("peers", number, len(PEERS))
        measured.append(_apart(peer, people, people if peer.works == "columns" else records, policies, seed))
    few = _apart(PEERS[0], people, records, policies, seed)
    report("peers", len(PEERS), len(PEERS))
    require_equal(measured, {people: measured[0], records: few} if records < people else {people: measured[0]})
    ours = measured[0].seconds / people
    return [
        {
            "engine": one.peer,
            "version": one.version,
            "works by": one.works,
            "people": one.people,
            "seconds": round(one.seconds, 4),
            "microseconds a person": round(one.seconds / one.people * 1e6, 2),
            "decisions a second": int(one.people * policies / one.seconds),
            "ratio": round(one.seconds / one.people / ours, 2),
            "loading seconds": round(one.ready_seconds, 2),
        }
        for one in measured
    ]


def require_installed() -> None:
    """Raise SettingsError with the remedy if a peer is not installed."""
    missing = [peer.package for peer in PEERS if find_spec(peer.module) is None]
    if missing:
        listed = ", ".join(f"`{one}`" for one in missing)
        raise SettingsError.of(
            "peers-missing",
            f"没有安装对比用的引擎：{listed}",
            f"the engines to compare with are not installed: {listed}",
            help_zh='安装：pip install "mianshen[peers]"（在源码目录中：pip install -e ".[peers]"）',
            help_en='install them: pip install "mianshen[peers]" (in a checkout: pip install -e ".[peers]")',
        )


def require_equal(measured: list[Measured], expected: dict[int, Measured]) -> None:
    """Raise RunError unless every engine has found what our batch finds for as many people."""
    for one in measured:
        for number, (theirs, ours) in enumerate(zip(one.found, expected[one.people].found, strict=True)):
            if theirs != ours:
                raise RunError.of(
                    "benchmark-differs",
                    f"`{one.peer}` 对第 {number} 个政策的结果不同：{theirs} 与 {ours}",
                    f"`{one.peer}` differs for policy {number}: {theirs} and {ours}",
                    help_zh="这是基准测试的错误，请报告",
                    help_en="this is an error of the benchmark; please report it",
                )


def measure(number: int, whole: int, people: int, policies: int, seed: int) -> Measured:
    """Measure the peer `number` over the first `people` of `whole`; to be called in a fresh process."""
    peer = PEERS[number]
    chosen = complete_people(whole, seed).head(people).rechunk()
    started = time.perf_counter()
    run = peer.make(chosen, policies, seed)
    ready = time.perf_counter() - started
    rounds, found = [], []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        found = run()
        rounds.append(time.perf_counter() - started)
    return Measured(peer.name, _version(peer.package), peer.works, people, ready, min(rounds), tuple(found))


def _apart(peer: Peer, whole: int, people: int, policies: int, seed: int) -> Measured:
    """Measure in a process of its own, so that no engine's threads or memory disturb another's."""
    try:
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as process:
            return process.submit(measure, PEERS.index(peer), whole, people, policies, seed).result()
    except BrokenProcessPool:
        raise RunError.of(
            "benchmark-process-ended",
            f"测量 `{peer.name}` 的进程被中止",
            f"the process that measured `{peer.name}` ended before its time",
            help_zh="可能内存不足：请减少人数后重试",
            help_en="memory may have run out: try again with fewer people",
        ) from None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
