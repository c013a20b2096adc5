"""How the service begins and ends: it takes its address or says why not, and leaves nothing running."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def command(home: Path, port: int) -> list[str]:
    return [
        sys.executable, str(ROOT / "cli.py"), "--home", str(home), "--lang", "en",
        "serve", "--port", str(port), "--no-schedule",
    ]  # fmt: skip


def test_an_address_in_use_is_one_clear_mistake_of_the_command(tmp_path: Path, taken: socket.socket) -> None:
    port = taken.getsockname()[1]
    answer = subprocess.run(command(tmp_path / "home", port), capture_output=True, text=True, cwd=ROOT, check=False)
    assert (answer.returncode, answer.stdout) == (2, ""), answer.stderr
    assert f"error[address-not-free]: cannot listen on 127.0.0.1:{port}" in answer.stderr
    assert "help: " in answer.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_terminated_or_interrupted_the_service_ends_what_it_started(
    tmp_path: Path, taken: socket.socket, how: signal.Signals
) -> None:
    port = taken.getsockname()[1]
    taken.close()
    service = subprocess.Popen(
        command(tmp_path / "home", port), stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert service.stdout is not None
        assert "pages:" in service.stdout.readline()
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=60) as answer:
            assert answer.status == 200
        service.send_signal(how)
        # The pipe ends only when nothing that the service started holds it any more.
        assert service.stdout.read() == ""
        assert service.wait() == 0
    finally:
        service.kill()
