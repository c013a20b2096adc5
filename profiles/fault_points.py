"""Named places where a test may let the process die.

Each is a no-op unless the environment says `MIANSHEN_FAULT=name:kill` (SIGKILL, as a power cut would) or
`name:raise`; a third part counts: `bucket-recorded:kill:3` dies at the third passing.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

_passed: Counter[str] = Counter()


class ArmedFault(Exception):
    """Raised by a fault point that a test has armed with `raise`."""


def fault_point(name: str) -> None:
    """Die here if the environment has armed this name."""
    armed = os.environ.get("MIANSHEN_FAULT")
    if not armed:
        return
    wanted, _, rest = armed.partition(":")
    if wanted != name:
        return
    effect, _, count = rest.partition(":")
    _passed[name] += 1
    if _passed[name] < int(count or 1):
        return
    if effect == "raise":
        raise ArmedFault(name)
    os.kill(os.getpid(), signal.SIGKILL)
