"""`mianshen bench`: matching, recording and intake, measured on this machine."""

from __future__ import annotations

import platform

import psutil

from engine.matching_benchmark import match_benchmark
from engine.recording_benchmark import recording_benchmark
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, progress, table
from profiles.intake_benchmark import intake_benchmark


def run_benchmarks(subjects: int, say: Speech, *, as_json: bool) -> None:
    """Measure and print; ratios are taken within one run, so that they hold on any machine."""
    machine = {
        "processors": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
    }
    with progress() as bar:
        tasks: dict[str, object] = {}

        def on_progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)  # type: ignore[arg-type]

        results: dict[str, object] = {
            "machine": machine,
            "matching": match_benchmark(subjects, on_progress=on_progress),
            "recording": recording_benchmark(),
            "intake": intake_benchmark(),
        }
    if as_json:
        print_json(results)
        return
    for name, title in (
        ("machine", say("机器", "machine")), ("matching", say("匹配", "matching")),
        ("recording", say("记账(SQLite)", "recording (SQLite)")), ("intake", say("收数", "intake")),
    ):  # fmt: skip
        measured = results[name]
        assert isinstance(measured, dict)
        rows = [
            (key.replace("_", " "), f"{value:,.2f}" if isinstance(value, float) else value)
            for key, value in measured.items()
        ]
        console.print(table(title, ["", ""], rows, numbers=(1,)))
