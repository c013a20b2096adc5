"""How the time of a run follows what has changed: everybody, one in a hundred, one in a thousand, nobody."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from engine.benchmark_city import build_city, change_one_in
from engine.installation import Installation
from engine.matching import Progress
from engine.run_report import RunReport
from engine.running import run
from engine.second_opinion import DEFAULT_SAMPLE

_ON = date(2026, 11, 22)


def incremental_benchmark(
    subjects: int = 1_000_000,
    one_in: int = 100,
    folder: Path | None = None,
    on_progress: Progress | None = None,
    second_opinion: int | None = DEFAULT_SAMPLE,
) -> dict[str, object]:
    """Run the policy library over a city: first, once more in full, after 1 % has changed, after 0.1 %, after nothing.

    Args:
        subjects: about how many, all spaces together.
        one_in: the share that changes: one subject in so many.
        folder: an empty folder to work in; default a temporary one.
        on_progress: called with step, done and total.
        second_opinion: the sample of every run, as for `mianshen run`.

    Returns:
        Seconds of each run, the ratio of the run after the change to a full one, and how many decisions each made.
        `equal` says whether a full dry run afterwards counted the same.
    """
    with tempfile.TemporaryDirectory(prefix="mianshen-bench-") as scratch:
        home = (folder or Path(scratch)) / "home"
        installation = build_city(home, subjects, _ON)
        timed = partial(_timed, installation, second_opinion, on_progress)
        first, first_seconds = timed(_ON)
        full, full_seconds = timed(_ON, full=True)
        changed_rows = change_one_in(installation, one_in, _ON)
        changed, changed_seconds = timed(_ON)
        change_one_in(installation, 10 * one_in, _ON)
        little, little_seconds = timed(_ON)
        nothing, nothing_seconds = timed(_ON)
        next_day, next_day_seconds = timed(_ON + timedelta(days=1))
        check, _ = timed(_ON + timedelta(days=1), full=True, dry_run=True)
    return {
        "subjects": sum(_spaces(first).values()),
        "policies": len(first.policies),
        "first_run_seconds": first_seconds,
        "grants": first.new_grants,
        "full_run_again_seconds": full_seconds,
        "full_run_again_matching_seconds": full.seconds["match"],
        "changed_rows": changed_rows,
        "run_after_change_seconds": changed_seconds,
        "run_after_change_matching_seconds": changed.seconds["match"],
        "decisions_after_change": _decisions(changed),
        "share_of_decisions": _decisions(changed) / max(_decisions(full), 1),
        "time_of_a_full_run": changed_seconds / full_seconds,
        "run_after_a_tenth_of_it_seconds": little_seconds,
        "decisions_after_a_tenth_of_it": _decisions(little),
        "run_after_nothing_seconds": nothing_seconds,
        "decisions_after_nothing": _decisions(nothing),
        "next_day_seconds": next_day_seconds,
        "decisions_next_day": _decisions(next_day),
        "equal": _counts(next_day) == _counts(check),
    }


def _timed(
    installation: Installation,
    second_opinion: int | None,
    on_progress: Progress | None,
    on: date,
    *,
    full: bool = False,
    dry_run: bool = False,
) -> tuple[RunReport, float]:
    """Run as the command does: the store is opened, the library is at hand."""
    policies = installation.library.policies
    start = time.perf_counter()
    report = run(
        installation.ledger,
        installation.snapshot(on),
        policies,
        installation.catalog.vocabulary,
        on,
        full=full,
        dry_run=dry_run,
        reopen=installation.reopen,
        on_progress=on_progress,
        second_opinion=second_opinion,
    )
    return report, time.perf_counter() - start


def _decisions(report: RunReport) -> int:
    return sum(each.redecided.subjects for each in report.policies)


def _spaces(report: RunReport) -> Mapping[int, int]:
    """The numbers of subjects that occur: one for each space."""
    return {each.subjects: each.subjects for each in report.policies}


def _counts(report: RunReport) -> list[tuple[object, ...]]:
    return [
        (
            one.policy,
            one.subjects,
            one.matched,
            one.ineligible,
            one.undetermined,
            dict(one.missing),
            one.new_grants,
            one.new_hints,
        )
        for one in report.policies
    ]
