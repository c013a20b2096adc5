"""Whatever changes between runs, deciding only what has changed leaves the ledger that deciding everybody leaves."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine import redeciding
from engine.ledger import audit
from profiles import fault_points, picked_rows, point_index
from profiles.compaction import compact
from profiles.fault_points import ArmedFault
from tests.incremental.changing_town import (
    CITIZENS,
    FIRMS,
    HOUSEHOLDS,
    Town,
    moved_in,
    settled_town,
    what_it_counts,
    what_it_says,
)
from tests.incremental.town_events import kinds
from tests.incremental.town_rules import rules

BEFORE_RECORDING = ("run-started", "changes-found", "bucket-matched", "guarded")
WHILE_RECORDING = ("recording-begun", "allocated", "grants-inserted", "bucket-recorded", "run-closing")
SIZES = {
    "population": CITIZENS, "welfare": CITIZENS, "certificates": CITIZENS, "households": HOUSEHOLDS,
    "members": HOUSEHOLDS, "firms": FIRMS, "hires": FIRMS,
}  # fmt: skip
Step = tuple[Any, ...]


@st.composite
def an_intake(draw: st.DrawFn) -> Step:
    source = draw(st.sampled_from(sorted(SIZES)))
    everyone = SIZES[source] + 2
    full = draw(st.integers(0, 4)) == 0
    most = everyone if full else 4
    numbers = draw(st.lists(st.integers(0, everyone - 1), min_size=1, max_size=most))
    return ("take", source, tuple(numbers), draw(st.integers(0, 10**6)), "full" if full else "partial")


STEPS = st.one_of(
    an_intake(),
    an_intake(),
    st.tuples(st.just("event"), st.sampled_from(sorted(kinds())), st.integers(0, CITIZENS), st.integers(0, 10**6)),
    st.tuples(st.just("event"), st.sampled_from(sorted(kinds())), st.integers(0, 5), st.integers(0, 10)),
    st.tuples(st.just("wait"), st.sampled_from([1, 1, 1, 2, 5, 8, 9, 10, 21, 40])),
    st.tuples(st.just("edit"), st.sampled_from(["senior", "welfare"])),
    st.tuples(st.just("reading"), st.sampled_from([85_000, 100_000, 110_000])),
    st.tuples(st.just("money"), st.sampled_from(["welfare", "jobs"]), st.integers(3, 30)),
    st.just(("compact",)),
    st.tuples(st.just("only"), st.lists(st.sampled_from(sorted(rules({}))), min_size=1, max_size=4, unique=True)),
    st.tuples(st.just("broken"), st.sampled_from(BEFORE_RECORDING + WHILE_RECORDING), st.integers(1, 2)),
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settled")
    settled_town(folder)
    return folder


@contextmanager
def armed(place: str, passing: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MIANSHEN_FAULT", f"{place}:raise:{passing}")
        fault_points._passed.clear()
        yield
    fault_points._passed.clear()


def run_both_ways(town: Town, only: Sequence[str] | None = None) -> None:
    everybody = town.run("full", full=True, only=only)
    changed = town.run("changed", only=only)
    if changed.continued:  # it has begun in another state; what counts is what it leaves
        changed = town.run("changed", only=only)
        everybody = town.run("full", full=True, only=only)
    assert what_it_counts(changed) == what_it_counts(everybody)
    assert what_it_says(town.ledgers["changed"]) == what_it_says(town.ledgers["full"])


def run_interrupted(town: Town, place: str, passing: int) -> None:
    """Both ledgers are run; the run of one is killed at a hand-over, and goes on when something is run next."""
    town.run("full", full=True)
    with armed(place, passing), suppress(ArmedFault):
        town.run("changed")
    if place in BEFORE_RECORDING:  # it has promised nothing yet: on another day it would just not have been run
        town.run("changed")


def do(town: Town, step: Step) -> None:
    match step:
        case ("take", source, numbers, seed, extract):
            town.take(source, numbers, seed, extract)
        case ("event", kind, number, seed):
            town.post(kind, number, seed)
        case ("wait", days):
            town.day += timedelta(days=days)
        case ("edit", policy):
            town.run("changed")  # finishes what was interrupted: old rules are not to meet a new catalog
            town.run("full", full=True)
            town.versions[policy] = town.versions.get(policy, 0) + 1
            town.approve_all()
        case ("reading", value):
            town.run("changed")
            town.run("full", full=True)
            town.reading = value
        case ("money", fund, hundreds):
            town.run("changed")
            town.run("full", full=True)
            town.appropriate(fund, max(used(town, fund), hundreds * 30_000))
        case ("compact",):
            compact(town.home)
        case ("only", policies):
            run_both_ways(town, policies)
        case ("broken", place, passing):
            run_interrupted(town, place, passing)


def used(town: Town, fund: str) -> int:
    entries = what_it_says(town.ledgers["full"])["funds"]
    return sum(int(str(amount)) for name, _, amount in entries if name == fund)


# Each example runs a whole town a dozen times: a few in the day, many in the night run.
NIGHT = os.environ.get("MIANSHEN_HYPOTHESIS") == "night"
EXAMPLES = 200 if NIGHT else 2


@pytest.mark.timeout(4 * 3600 if NIGHT else 600)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(st.lists(STEPS, min_size=1, max_size=3), min_size=1, max_size=5),
    most_picked=st.sampled_from([30, 101, 101]),
    laid_out=st.booleans(),
)
@example(  # 28 and 29 February, a change of a parameter, data growing stale, a new month, a death of old data
    steps=[
        [("wait", 1)],
        [("wait", 4), ("take", "population", (1, 2, 3), 7, "partial")],
        [("wait", 3)],
        [("wait", 1)],
        [("take", "welfare", tuple(range(20)), 3, "full"), ("wait", 1)],
        [("wait", 21)],
    ],
    most_picked=101,
    laid_out=True,
)
@example(  # events before, after and on the day of extracts; a new full extract overrules some of them
    steps=[
        [("event", name, number, number) for number, name in enumerate(kinds())],
        [("take", "welfare", tuple(range(30)), 5, "full"), ("event", "support", 3, 9), ("wait", 1)],
        [("take", "hires", tuple(range(4)), 8, "full"), ("event", "support", 3, 10), ("wait", 21)],
        [("take", "population", tuple(range(CITIZENS)), 8, "full"), ("compact",)],
    ],
    most_picked=101,
    laid_out=True,
)
@example(
    steps=[
        [("take", "firms", (0, 1), 1, "partial")],
        [("broken", "bucket-recorded", 1), ("take", "members", (1, 2), 5, "partial"), ("wait", 1)],
        [("compact",), ("take", "welfare", (1, 2, 3), 5, "partial")],
        [("money", "jobs", 30)],
    ],
    most_picked=101,
    laid_out=True,
)
def test_the_ledger_is_that_of_full_runs(
    tmp_path_factory: pytest.TempPathFactory, template: Path, steps: list[list[Step]], most_picked: int, laid_out: bool
) -> None:
    town = moved_in(template, tmp_path_factory.mktemp("town") / "it", "changed", "full")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(redeciding, "FEW", 3)
        patched.setattr(redeciding, "MOST_PICKED", most_picked)
        if laid_out:  # in a town of this size every file is small, and everybody is many
            patched.setattr(point_index, "SMALL_FILE", 0)
            patched.setattr(picked_rows, "ONE_IN", 1)
            town.snapshot().prepare_point_reads()
        run_both_ways(town)
        for several in steps:
            for step in several:
                do(town, step)
            run_both_ways(town)
    for ledger in town.ledgers.values():
        assert audit.verify(ledger).intact
        ledger.close()
