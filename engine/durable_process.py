"""durable-rules in a process of its own, which may die, hang or doubt itself without a wrong or partial answer.

The parent keeps the definitions. When the child dies, it is started again, given the same rulesets, and asked the
same frame once more; answers are taken from a complete reply only.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from engine.child_process import ChildProcess, Gone
from policies.errors import DurableError
from profiles.fault_points import fault_point

Case = tuple[int, str]  # number of the ruleset, the flat fact as JSON
CASES_PER_FRAME = 2_000
ATTEMPTS = 4  # of one frame, each in a new process
CASES_PER_PROCESS = 500_000  # then a new process: memory stays bounded whatever the library leaks


class DurableProcess:
    """A child process that holds some rulesets. Not started before it is first asked.

    Args:
        definitions: one durable-rules definition (JSON text, without `run`) per ruleset.
        deadline: seconds that one frame may take.
    """

    def __init__(self, definitions: Sequence[str], deadline: float = 60.0) -> None:
        self._definitions = list(definitions)
        self._deadline = deadline
        self._child: ChildProcess | None = None
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
        return None if child is None else child.pid

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
                    raise Gone("an incomplete reply")
                self._decided += len(cases)
                fault_point("durable-answered")
                return answers
            except Gone as gone:
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
        if self.pid is not None:
            return
        if self._child is not None:
            self._end()
            self.restarts += 1
        try:
            self._child = ChildProcess("engine.durable_child")
        except OSError as error:
            raise DurableError.of(
                "durable-process-not-started",
                f"不能启动 durable-rules 的进程：{error.strerror}",
                f"the process of durable-rules cannot be started: {error.strerror}",
                help_zh="检查内存和进程数的限制",
                help_en="check the limits of memory and processes",
            ) from None
        self._decided = 0
        reply = self._exchange({"rulesets": self._definitions, "deadline": int(self._deadline) + 5})
        if reply.get("ready") != len(self._definitions):
            raise Gone("rulesets that could not be built")

    def _exchange(self, message: object) -> dict[str, Any]:
        assert self._child is not None
        until = time.monotonic() + self._deadline
        self._child.send(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode(), until)
        reply = json.loads(self._child.receive(until))
        assert isinstance(reply, dict)
        return reply

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()
