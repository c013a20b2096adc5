"""How long an event takes from its arrival to the committed grant, in a store of a given size.

The sample city is multiplied to the size wanted; births, deaths, moves, hires and reclassifications happen to
people of its first copy, spread over all buckets, under the whole policy library and durable-rules in its own
process. Everything is as in the service, but for the network: each event is stored, decided by two engines,
granted and answered, with every commit synchronous.
"""

from __future__ import annotations

import csv
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from engine.benchmark_city import FIRST_CITIZENS, build_city
from engine.events.opening import event_road
from engine.events.road import EventRoad
from engine.events.writer import EventWriter
from engine.installation import Installation
from policies.errors import MianshenError
from profiles.identity import resident_check_character
from profiles.sample_city import generate

OnProgress = Callable[[str, int, int], None]
Event = Mapping[str, object]
ON = date(2026, 11, 22)
WARM_UP = 100
SENDERS = 8
_SEED = 1


@dataclass(slots=True)
class _Measured:
    seconds: list[float] = field(default_factory=list)
    granting: list[float] = field(default_factory=list)
    grants: int = 0
    refused: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


def event_benchmark(
    subjects: int = 100_000,
    events: int = 1_000,
    folder: Path | None = None,
    on_progress: OnProgress | None = None,
) -> dict[str, object]:
    """Post events one after another, then from several senders at once; return a report with plain values.

    Args:
        subjects: about how many the store holds, all spaces together.
        events: how many are posted in each of the two parts.
        folder: where to build the city, or where it was built before; default a temporary folder.
        on_progress: called with a stage, done and total.

    Raises:
        SettingsError: `folder` holds something else.
    """
    report = on_progress or (lambda stage, done, total: None)
    with tempfile.TemporaryDirectory(prefix="mianshen-bench-") as scratch:
        report("city", 0, 1)
        installation = build_city((folder or Path(scratch)) / "home", subjects, ON)
        report("city", 1, 1)
        people, firms = _known(Path(scratch), subjects)
        # A city that was built before has had its events: the next ones are others.
        source = happening(people, firms, random.Random(time.time_ns()))
        with event_road(installation) as road:
            road.ready(ON)
            road.take_up(ON)
            report("layout", 0, 1)
            road.lay_out(ON)
            report("layout", 1, 1)
            _one_after_another(road, _some(source, WARM_UP), lambda done: None)
            single = _one_after_another(road, _some(source, events), lambda done: report("events", done, events))
        report("saturation", 0, events)
        throughput, waited = _saturated(installation, _some(source, events))
        report("saturation", events, events)
        there = sum(installation.snapshot(ON).count(space) for space in installation.catalog.spaces)
    return {
        "subjects": there,
        "policies": len(installation.library.policies),
        "events": len(single.seconds),
        "granting_events": len(single.granting),
        "grants": single.grants,
        "median_milliseconds": _at(single.seconds, 0.5) * 1000,
        "p99_milliseconds": _at(single.seconds, 0.99) * 1000,
        "median_of_granting_milliseconds": _at(single.granting, 0.5) * 1000,
        "p99_of_granting_milliseconds": _at(single.granting, 0.99) * 1000,
        "outcomes": dict(single.outcomes),
        "senders": SENDERS,
        "events_per_second_at_saturation": throughput,
        "median_at_saturation_milliseconds": _at(waited, 0.5) * 1000,
    }


def happening(people: Sequence[str], firms: Sequence[str], chance: random.Random) -> Iterator[Event]:
    """Yield events without end; births and moves are the most frequent, as in life."""
    number = 0
    run = f"{chance.getrandbits(64):016x}"
    kinds = ["birth"] * 4 + ["move"] * 3 + ["hire"] * 2 + ["death"]
    while True:
        number += 1
        kind = chance.choice(kinds)
        data: dict[str, object]
        if kind == "birth":
            data = {"child": _newborn(chance), "hukou_region": "310115", "lawful_birth": True}
        elif kind == "move":
            data = {"hukou_region": chance.choice(["310101", "310115", "440305", "110101"])}
        elif kind == "hire":
            data = {"employer": chance.choice(firms), "record_number": f"{run}-{number}", "contract_months": 24}
        else:
            data = {}
        yield {
            "key": f"{run}-{number}",
            "kind": kind,
            "subject": chance.choice(people),
            "occurred_on": ON.isoformat(),
            "data": data,
        }


def _newborn(chance: random.Random) -> str:
    body = f"{chance.choice(['310101', '310115', '440305', '350203'])}{ON:%Y%m%d}{chance.randrange(1000):03d}"
    return body + resident_check_character(body)


def _known(scratch: Path, subjects: int) -> tuple[list[str], list[str]]:
    """Return the numbers of the people and firms of the city's first copy: the generator makes them again."""
    extracts = scratch / "numbers"
    extracts.mkdir()
    generate(extracts, citizens=min(subjects, FIRST_CITIZENS), seed=_SEED, on=ON)
    return _column(extracts, "population"), _column(extracts, "enterprises")


def _column(extracts: Path, source: str) -> list[str]:
    (file,) = extracts.glob(f"{source}-*.csv")
    with file.open(encoding="gb18030", newline="") as rows:
        return [row[0] for row in list(csv.reader(rows))[1:]]


def _some(source: Iterator[Event], count: int) -> list[Event]:
    return [next(source) for _ in range(count)]


def _one_after_another(road: EventRoad, events: Sequence[Event], on_done: Callable[[int], None]) -> _Measured:
    measured = _Measured()
    for done, event in enumerate(events):
        if done % 100 == 0:
            on_done(done)
        start = time.perf_counter()
        try:
            answer = road.post(event, today=ON, received_at=datetime.now(UTC), actor="benchmark").answer
        except MianshenError as problem:
            # The sample city holds rows with wrong numbers on purpose: these people are not in the register.
            measured.outcomes[problem.diagnostics[0].code] += 1
            measured.refused += 1
            continue
        seconds = time.perf_counter() - start
        measured.outcomes[answer.outcome] += 1
        measured.seconds.append(seconds)
        if answer.granted:
            measured.granting.append(seconds)
            measured.grants += len(answer.granted)
    on_done(len(events))
    return measured


def _saturated(installation: Installation, events: Sequence[Event]) -> tuple[float, list[float]]:
    """Return events a second with several senders at once, and how long each waited for its answer."""
    noon = datetime(ON.year, ON.month, ON.day, 4, tzinfo=UTC)
    writer = EventWriter(lambda: event_road(installation), clock=lambda: noon)
    writer.start()

    def send(event: Event) -> float:
        start = time.perf_counter()
        try:
            writer.submit(event, "benchmark").result()
        except MianshenError:
            return 0.0
        return time.perf_counter() - start

    with ThreadPoolExecutor(SENDERS) as senders:
        list(senders.map(send, events[:SENDERS]))  # the engine starts with the first ones
        start = time.perf_counter()
        waited = [seconds for seconds in senders.map(send, events[SENDERS:]) if seconds]
        throughput = len(waited) / (time.perf_counter() - start)
    writer.stop()
    return throughput, waited


def _at(seconds: Sequence[float], share: float) -> float:
    ordered = sorted(seconds) or [0.0]
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
