"""How matching grows: with the number of policies, and with the number of subjects up to a whole country's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from engine.matching_benchmark import ROWS, Leg, engine_leg, measured, write_population

OnProgress = Callable[[str, int, int], None]
POLICIES = (1, 10, 169, 1_000)
SUBJECTS = (1_000_000, 5_000_000, 28_000_000)


def growth_benchmark(
    subjects: int = 28_000_000, policies: int = 169, seed: int = 1, on_progress: OnProgress | None = None
) -> list[dict[str, object]]:
    """Measure matching with 1 to 1,000 policies over a million subjects, and `policies` over up to `subjects`.

    Returns one row for each measurement with plain values: seconds, seconds for a million subjects (flat: cost is
    linear in subjects), microseconds for a policy and a thousand subjects (flat: linear in policies), and the peak
    of memory. Raises RunError if a measured process ends before its time.
    """
    report = on_progress or (lambda stage, done, total: None)
    base = min(SUBJECTS[0], subjects)
    sizes = sorted({size for size in SUBJECTS if size < subjects} | {subjects})
    planned = [(base, number) for number in POLICIES]
    planned += [(size, policies) for size in sizes if (size, policies) not in planned]
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="mianshen-bench-") as folder:
        file = str(Path(folder) / "profiles.parquet")
        held = min(subjects, ROWS)
        write_population(file, held, seed, report)
        for done, (size, number) in enumerate(planned):
            report("match", done, len(planned))
            rows.append(_row(size, number, measured(engine_leg, file, size, number, seed, held)))
        report("match", len(planned), len(planned))
    return rows


def _row(subjects: int, policies: int, leg: Leg) -> dict[str, object]:
    return {
        "subjects": subjects,
        "policies": policies,
        "seconds": round(leg.seconds, 2),
        "seconds a million subjects": round(leg.seconds / subjects * 1e6, 2),
        "microseconds a policy and thousand subjects": round(leg.seconds / subjects / policies * 1e9, 1),
        "peak megabytes": leg.peak_bytes >> 20,
        "matches": sum(tally.matched for tally in leg.tallies),
    }
