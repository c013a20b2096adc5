"""Whoever starts the language server by hand is told what it is for, and can end it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "cli", "policies", "language-server"]


def test_at_a_terminal_it_says_what_it_is_for_and_ends_upon_an_interruption(tmp_path: Path) -> None:
    terminal, side = pty.openpty()
    environment = {**os.environ, "MIANSHEN_LANG": "en", "MIANSHEN_HOME": str(tmp_path)}
    started = subprocess.Popen(
        COMMAND, stdin=side, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )
    assert started.stderr is not None
    assert "editors start this command" in started.stderr.readline()
    started.send_signal(signal.SIGINT)
    out, err = started.communicate(timeout=60)
    os.close(terminal)
    os.close(side)
    assert (out, err) == ("", "")


def test_what_is_no_message_is_answered_without_a_traceback(tmp_path: Path) -> None:
    environment = {**os.environ, "MIANSHEN_LANG": "en", "MIANSHEN_HOME": str(tmp_path)}
    for typed in ("hello\n", "Content-Length: 5\r\n\r\nabcde", ""):
        done = subprocess.run(
            COMMAND, input=typed, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=120
        )
        assert done.returncode == 0 and done.stderr == ""
        assert "Traceback" not in done.stdout
