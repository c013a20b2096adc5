"""A child process that is spoken with in length-prefixed messages over its standard input and output.

The parent never waits for it without end, and learns of its death from the pipe; whatever else it holds is lost with
it, so nothing may be kept there that matters. Both ends are here: `ChildProcess` for the parent, the functions for
the child.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

_HEADER = struct.Struct(">I")
_ROOT = str(Path(__file__).resolve().parent.parent)


class Gone(Exception):
    """The child died, hung or ended itself; the text says which."""


class ChildProcess:
    """A Python module that runs in a process of its own.

    Args:
        module: what to run, e.g. `engine.durable_child`.
        arguments: of its command line.
        environment: variables besides those of this process.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        variables = {**os.environ, **(environment or {})}
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, (_ROOT, variables.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-X", "utf8", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=variables,
            bufsize=0,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._pipes = (self._process.stdin, self._process.stdout)
        self._to, self._from = (pipe.fileno() for pipe in self._pipes)
        for number in (self._to, self._from):
            os.set_blocking(number, False)
        self._ended = False

    @property
    def pid(self) -> int | None:
        """The process number; None once it has ended."""
        return None if self._process.poll() is not None else self._process.pid

    def send(self, body: bytes, until: float) -> None:
        """Send one message before `until` (`time.monotonic`). Raises Gone."""
        left = memoryview(_HEADER.pack(len(body)) + body)
        while left:
            self._wait(self._to, select.POLLOUT, until)
            try:
                left = left[os.write(self._to, left) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise Gone(self._death()) from None

    def receive(self, until: float) -> bytes:
        """Return the next message, which must be complete before `until` (`time.monotonic`). Raises Gone."""
        (length,) = _HEADER.unpack(self._read(_HEADER.size, until))
        return self._read(length, until)

    def says_something(self) -> bool:
        """Return whether a message, or its end, is there to be received."""
        if self._ended:
            return False
        watch = select.poll()
        watch.register(self._from, select.POLLIN)
        return bool(watch.poll(0))

    def end(self) -> None:
        """End it at once; it holds nothing that could be lost, and might be in an endless loop."""
        self._ended = True
        for pipe in self._pipes:
            with contextlib.suppress(OSError):
                pipe.close()
        self._process.kill()
        self._process.wait()

    def _read(self, length: int, until: float) -> bytes:
        parts, missing = [], length
        while missing:
            self._wait(self._from, select.POLLIN, until)
            try:
                part = os.read(self._from, min(missing, 1 << 20))
            except BlockingIOError:
                continue
            if not part:
                raise Gone(self._death())
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _wait(self, number: int, event: int, until: float) -> None:
        if self._ended:
            raise Gone("it was ended")
        left = until - time.monotonic()
        watch = select.poll()
        watch.register(number, event)
        if left <= 0 or not watch.poll(left * 1000):
            raise Gone("it did not answer in time")

    def _death(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(5)
            return f"signal {-code}" if code < 0 else f"exit code {code}"
        return "it closed its output"


def own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return what the child reads from and writes to; standard input and output are kept for the protocol alone."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 0)
    os.dup2(quiet, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    return source, sink


def read_message(stream: BinaryIO) -> bytes | None:
    """Return the next message; None at the end of the stream."""
    header = stream.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    (length,) = _HEADER.unpack(header)
    body = stream.read(length)
    return body if len(body) == length else None


def write_message(stream: BinaryIO, body: bytes) -> None:
    """Send one message."""
    stream.write(_HEADER.pack(len(body)) + body)
    stream.flush()
