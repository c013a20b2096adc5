"""durable-rules in a process of its own, which may die, hang or doubt itself without a wrong or partial answer.

The parent keeps the definitions. When the child dies, it is started again, given the same rulesets, and asked the
same frame once more; answers are taken from a complete reply only.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from policies.errors import DurableError
from profiles.fault_points import fault_point

Case = tuple[int, str]  # number of the ruleset, the flat fact as JSON
CASES_PER_FRAME = 2_000
ATTEMPTS = 4  # of one frame, each in a new process
CASES_PER_PROCESS = 500_000  # then a new process: memory stays bounded whatever the library leaks
_HEADER = struct.Struct(">I")
_ROOT = str(Path(__file__).resolve().parent.parent)


class _Gone(Exception):
    """The child died, hung or ended itself; `why` says which."""


class DurableProcess:
    """A child process that holds some rulesets. Not started before it is first asked.

    Args:
        definitions: one durable-rules definition (JSON text, without `run`) per ruleset.
        deadline: seconds that one frame may take.
    """

    def __init__(self, definitions: Sequence[str], deadline: float = 60.0) -> None:
        self._definitions = list(definitions)
        self._deadline = deadline
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._decided = 0
        self.restarts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process number of the child; None while there is none."""
        child = self._child
        return None if child is None or child.poll() is not None else child.pid

    def start(self) -> None:
        """Start the child now rather than with the first question. Raises DurableError."""
        with self._lock:
            self._ask([])

    def evaluate(self, cases: Sequence[Case]) -> list[list[str]]:
        """Return for each case the names of the rules that fired.

        Raises DurableError `durable-process-died` if the child does not survive ATTEMPTS attempts at a frame.
        """
        found: list[list[str]] = []
        with self._lock:
            for start in range(0, len(cases), CASES_PER_FRAME):
                found += self._ask(cases[start : start + CASES_PER_FRAME])
        return found

    def close(self) -> None:
        """End the child. It is started again if it is asked again."""
        with self._lock:
            self._end()

    def _ask(self, cases: Sequence[Case]) -> list[list[str]]:
        why = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self.restarts += 1
            try:
                if self._decided + len(cases) > CASES_PER_PROCESS:
                    self._end()
                self._ensure_started()
                if not cases:
                    return []
                reply = self._exchange({"cases": cases})
                answers = reply.get("fired")
                if not isinstance(answers, list) or len(answers) != len(cases):
                    raise _Gone("an incomplete reply")
                self._decided += len(cases)
                fault_point("durable-answered")
                return answers
            except _Gone as gone:
                why = str(gone)
                self._end()
            except BaseException:
                # Whatever interrupts an exchange leaves the pipe in the middle of a frame.
                self._end()
                raise
        raise DurableError.of(
            "durable-process-died",
            f"durable-rules 的进程连续 {ATTEMPTS} 次未能作答（{why}），没有采用任何部分结果",
            f"the process of durable-rules failed to answer {ATTEMPTS} times in a row ({why}); no partial result was used",
            help_zh="重新运行；若仍出现，请连同政策一起上报",
            help_en="run it again; if it stays, report it together with the policy",
        )

    def _ensure_started(self) -> None:
        if self._child is not None and self._child.poll() is None:
            return
        if self._child is not None:
            self._end()
            self.restarts += 1
        environment = dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (_ROOT, environment.get("PYTHONPATH"))))
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-X", "utf8", "-m", "engine.durable_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                bufsize=0,
            )
        except OSError as error:
            raise DurableError.of(
                "durable-process-not-started",
                f"不能启动 durable-rules 的进程：{error.strerror}",
                f"the process of durable-rules cannot be started: {error.strerror}",
                help_zh="检查内存和进程数的限制",
                help_en="check the limits of memory and processes",
            ) from None
        self._decided = 0
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        reply = self._exchange({"rulesets": self._definitions, "deadline": int(self._deadline) + 5})
        if reply.get("ready") != len(self._definitions):
            raise _Gone("rulesets that could not be built")

    def _exchange(self, message: object) -> dict[str, Any]:
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        until = time.monotonic() + self._deadline
        self._write(_HEADER.pack(len(body)) + body, until)
        (length,) = _HEADER.unpack(self._read(_HEADER.size, until))
        reply = json.loads(self._read(length, until))
        assert isinstance(reply, dict)
        return reply

    def _write(self, body: bytes, until: float) -> None:
        assert self._child is not None and self._child.stdin is not None
        number, left = self._child.stdin.fileno(), memoryview(body)
        while left:
            self._wait(number, select.POLLOUT, until)
            try:
                left = left[os.write(number, left) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise _Gone(self._death()) from None

    def _read(self, length: int, until: float) -> bytes:
        assert self._child is not None and self._child.stdout is not None
        number, parts, missing = self._child.stdout.fileno(), [], length
        while missing:
            self._wait(number, select.POLLIN, until)
            try:
                part = os.read(number, min(missing, 1 << 20))
            except BlockingIOError:
                continue
            if not part:
                raise _Gone(self._death())
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _wait(self, number: int, event: int, until: float) -> None:
        left = until - time.monotonic()
        watch = select.poll()
        watch.register(number, event)
        if left <= 0 or not watch.poll(left * 1000):
            raise _Gone(f"no answer within {self._deadline:g} s")

    def _death(self) -> str:
        assert self._child is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._child.wait(5)
            return f"signal {-code}" if code < 0 else f"exit code {code}"
        return "it closed its output"

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        # It holds nothing that could be lost, and might be in an endless loop.
        child.kill()
        child.wait()
