"""`mianshen bench`: matching, recording and intake, its growth, and its peers, measured on this machine."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence

import psutil

from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, progress, table
from policies.errors import SettingsError
from policies.model_errors import did_you_mean

OnProgress = Callable[[str, int, int], None]
Result = Mapping[str, object] | Sequence[Mapping[str, object]]


def _matching(subjects: int | None, on_progress: OnProgress) -> Result:
    from engine.matching_benchmark import match_benchmark

    return match_benchmark(subjects or 5_000_000, on_progress=on_progress)


def _recording(subjects: int | None, on_progress: OnProgress) -> Result:
    from engine.recording_benchmark import recording_benchmark

    return recording_benchmark(subjects or 500_000)


def _intake(subjects: int | None, on_progress: OnProgress) -> Result:
    from profiles.intake_benchmark import intake_benchmark

    return intake_benchmark(subjects or 200_000)


def _growth(subjects: int | None, on_progress: OnProgress) -> Result:
    from engine.growth_benchmark import growth_benchmark

    return growth_benchmark(subjects or 28_000_000, on_progress=on_progress)


def _peers(subjects: int | None, on_progress: OnProgress) -> Result:
    from engine.peers_benchmark import peers_benchmark

    return peers_benchmark(subjects or 500_000, on_progress=on_progress)


def _incremental(subjects: int | None, on_progress: OnProgress) -> Result:
    from engine.incremental_benchmark import incremental_benchmark

    return incremental_benchmark(subjects or 1_000_000, on_progress=on_progress)


def _events(subjects: int | None, on_progress: OnProgress) -> Result:
    from engine.event_benchmark import event_benchmark

    return event_benchmark(subjects or 100_000, on_progress=on_progress)


# name -> title in Chinese and English, what measures it. The first three are measured if nothing is named.
PARTS: dict[str, tuple[str, str, Callable[[int | None, OnProgress], Result]]] = {
    "matching": ("匹配", "matching", _matching),
    "recording": ("记账(SQLite)", "recording (SQLite)", _recording),
    "intake": ("收数", "intake", _intake),
    "growth": ("匹配随规模的增长", "growth of matching", _growth),
    "incremental": ("只算有变动的", "runs that decide what has changed", _incremental),
    "events": ("事件从到达到兑现", "events, from arrival to grant", _events),
    "peers": ("与同类引擎比较", "beside its peers", _peers),
}
USUAL = ("matching", "recording", "intake")


def run_benchmarks(subjects: int | None, say: Speech, *, as_json: bool, parts: Sequence[str] = ()) -> None:
    """Measure and print; ratios are taken within one run, so that they hold on any machine.

    Raises SettingsError for a part that there is not.
    """
    chosen = tuple(dict.fromkeys(parts)) or USUAL
    for part in chosen:
        _require_known(part)
    results: dict[str, object] = {"machine": _machine()}
    with progress() as bar:
        for part in chosen:
            tasks: dict[str, object] = {}

            def on_progress(stage: str, done: int, total: int, tasks: dict[str, object] = tasks) -> None:
                if stage not in tasks:
                    tasks[stage] = bar.add_task(stage, total=total)
                bar.update(tasks[stage], completed=done, total=total)  # type: ignore[arg-type]

            results[part] = PARTS[part][2](subjects, on_progress)
    if as_json:
        print_json(results)
        return
    _show(say("机器", "machine"), results["machine"])
    for part in chosen:
        _show(say(*PARTS[part][:2]), results[part])


def _machine() -> dict[str, object]:
    return {
        "processors": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
    }


def _require_known(part: str) -> None:
    if part in PARTS:
        return
    suggestion, listed = did_you_mean(part, PARTS), ", ".join(PARTS)
    raise SettingsError.of(
        "unknown-benchmark",
        f"没有名为 `{part}` 的测速项",
        f"there is no benchmark called `{part}`",
        help_zh=f"是否想写 `{suggestion}`？" if suggestion else f"可用的有：{listed}",
        help_en=f"did you mean `{suggestion}`?" if suggestion else f"there are: {listed}",
    )


def _show(title: str, measured: object) -> None:
    if isinstance(measured, Mapping):
        rows = [(str(key).replace("_", " "), _cell(value)) for key, value in measured.items()]
        console.print(table(title, ["", ""], rows, numbers=(1,)))
        return
    assert isinstance(measured, Sequence) and measured
    columns = list(measured[0])
    numbers = tuple(place for place, name in enumerate(columns) if not isinstance(measured[0][name], str))
    rows = [tuple(_cell(one[name]) for name in columns) for one in measured]
    console.print(table(title, columns, rows, numbers=numbers))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
