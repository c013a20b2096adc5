"""The watch checks after every save, lives through half-written and deleted files, and ends in peace."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.workbench.conftest import ELDERLY, Desk


@contextmanager
def watching(desk: Desk, *paths: Path) -> Iterator[subprocess.Popen[str]]:
    command = desk.command("policies", "check", "--watch", *map(str, paths))
    environment = {**desk.environment(), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until(process: subprocess.Popen[str], words: str) -> str:
    """Read what the watch says until the line with these words; the test's own limit ends a watch that is silent."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError(f"ended without {words!r}: {''.join(lines)}")


@pytest.mark.timeout(180)
def test_saves_half_written_files_and_deletions_are_all_followed(desk: Desk, tmp_path: Path) -> None:
    path, text = tmp_path / "elderly.yaml", ELDERLY.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    with watching(desk, tmp_path) as process:
        assert "examples pass" in until(process, "1 clean")
        path.write_text(text.replace("< 80, amount: 150}", "< 80, amount: 151}"), encoding="utf-8")
        assert "- expected: eligible, 150.00 yuan" in until(process, "1 with problems")
        path.write_text(text[: len(text) // 2], encoding="utf-8")
        assert "error[" in until(process, "with problems")
        path.unlink()
        until(process, "is gone")
        path.write_text(text, encoding="utf-8")
        assert "examples pass" in until(process, "1 clean")
        process.send_signal(signal.SIGINT)
        until(process, "no longer watching")
        assert process.wait(timeout=60) == 0


def test_a_path_that_is_not_there_is_told_at_once(desk: Desk, tmp_path: Path) -> None:
    told = desk.call("policies", "check", "--watch", str(tmp_path / "nothing.yaml"))
    assert told.code == 2
    assert "nothing-to-watch" in told.problems
