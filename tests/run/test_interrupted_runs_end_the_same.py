"""A run that is killed anywhere and started again ends as if it had never been disturbed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.ledger import audit, open_ledger
from engine.running import run
from tests.run.small_city import NOW, ON, city, contents, library, prepared, vocabulary

ROOT = Path(__file__).resolve().parents[2]
PROCESS = Path(__file__).with_name("run_in_a_process.py")
FUNDS = {"welfare": 1_000_000, "jobs": 2_500_000}


def named_fault_points() -> list[str]:
    # Events, durable-rules, Spark and the processes of the second opinion are other roads, with tests of their own.
    files = [path for path in (ROOT / "engine").rglob("*.py") if path.parent.name not in ("events", "spark")]
    sources = [path.read_text("utf-8") for path in files if not path.name.startswith(("durable_", "opinion_child"))]
    return sorted({name for text in sources for name in re.findall(r'fault_point\("([^"]+)"\)', text)})


def run_city(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, sys.executable, str(PROCESS), str(folder), "2026-11-22"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )


def run_again(folder: Path) -> None:
    """What a person or the schedule does next: the same command."""
    ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}", clock=lambda: NOW)
    run(ledger, city(), library(), vocabulary(), ON)
    ledger.close()


def new_ledger(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    prepared(folder, library(), **FUNDS).close()
    return folder


def what_is_in(folder: Path) -> str:
    ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
    with ledger.reading() as connection:
        assert connection.exec_driver_sql("pragma integrity_check").scalar() == "ok"
    report = audit.verify(ledger)
    assert report.intact, report.reason
    text = contents(ledger)
    ledger.close()
    return text


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_ledger(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, template: Path) -> str:
    folder = tmp_path_factory.mktemp("undisturbed") / "home"
    shutil.copytree(template, folder)
    done = run_city(folder)
    assert done.returncode == 0, done.stderr
    return what_is_in(folder)


def test_every_hand_over_of_a_run_has_a_fault_point() -> None:
    assert {
        "run-started",
        "bucket-matched",
        "guarded",
        "recording-begun",
        "allocated",
        "grants-inserted",
        "bucket-written",
        "bucket-recorded",
        "run-closing",
        "run-finished",
    } <= set(named_fault_points())


def places_and_passings() -> list[tuple[str, int]]:
    """Every place at its first passing; those passed once for each bucket also at the third."""
    names = named_fault_points()
    return [(name, 1) for name in names] + [(name, 3) for name in names if name.startswith(("bucket", "grants"))]


@pytest.mark.parametrize(("place", "passing"), places_and_passings())
def test_a_run_killed_at_a_hand_over_ends_the_same(
    tmp_path: Path, template: Path, undisturbed: str, place: str, passing: int
) -> None:
    folder = tmp_path / "home"
    shutil.copytree(template, folder)
    killed = run_city(folder, MIANSHEN_FAULT=f"{place}:kill:{passing}")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run_again(folder)
    ended = what_is_in(folder)
    if place != "run-finished":
        assert ended == undisturbed
    else:  # the run was over: the second one is another run that finds nothing new
        assert without_runs(ended) == without_runs(undisturbed)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
def test_a_run_killed_at_a_system_call_ends_the_same(
    tmp_path: Path, template: Path, undisturbed: str, call: str
) -> None:
    """Kills at writes and flushes spread evenly over the whole run."""
    counting = tmp_path / "counting"
    shutil.copytree(template, counting)
    trace = tmp_path / "trace"
    done = run_city(counting, "strace", "-f", "--seccomp-bpf", "-qq", "-e", f"trace={call}", "-o", str(trace))
    if "ptrace" in done.stderr.lower():
        pytest.skip("this machine does not allow tracing")
    assert done.returncode == 0, done.stderr
    total = trace.read_text("utf-8").count(f"{call}(")
    assert total > 4
    for number in range(1, total + 1, max(1, total // 5)):
        folder = tmp_path / f"killed-{number}"
        shutil.copytree(template, folder)
        run_city(
            folder,
            *("strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", f"trace={call}"),
            *("-e", f"inject={call}:signal=KILL:when={number}"),
        )
        run_again(folder)
        assert without_runs(what_is_in(folder)) == without_runs(undisturbed), f"{call} {number} of {total}"


def without_runs(text: str) -> str:
    """Leave out run rows and their audit rows: a run over twice has more of them, but grants no more."""
    lines = [line for line in text.split("\n") if not line.startswith("run: ")]
    return "\n".join(line for line in lines if not re.search(r'"run-(started|finished)"', line))
