"""The process that holds durable-rules: it may die at any moment, and its parent starts it again.

It speaks length-prefixed JSON over standard input and output. First it is given the rulesets; then it answers
frames of cases, each a ruleset and one flat fact, with the rules that fired. Any doubt (an error code, a canary
that did not fire exactly once and last) ends the process: a partial answer never leaves it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import BinaryIO

import durable_rules_engine as rules

from engine.child_process import own_streams, read_message, write_message
from profiles.fault_points import fault_point

CANARY = "canary"
_RETRACT = '{"id":"e","sid":"0"}'
_DECODER = json.JSONDecoder()
# Where an answer is wrong rather than late; the parent reads it as any other death.
FAILED = 70


class Doubt(Exception):
    """durable-rules did not behave as measured; nothing it says is to be used."""


def read_frame(stream: BinaryIO) -> object | None:
    """Return the next message; None at the end of the stream."""
    body = read_message(stream)
    return None if body is None else json.loads(body)


def write_frame(stream: BinaryIO, message: object) -> None:
    """Send one message."""
    write_message(stream, json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode())


def fired(handle: int, fact: str) -> list[str]:
    """Assert one fact, return the rules that fired, retract it. Raises Doubt."""
    code, state = rules.assert_fact(handle, fact)
    if code != 0:
        raise Doubt(f"assert: {code}")
    names: list[str] = []
    action = rules.start_action_for_state(handle, state)
    text = None if action is None else action[1]
    while text:
        # The message is {"name of the rule": {...}}; the fact that it repeats is of no interest.
        names.append(_DECODER.raw_decode(text, 1)[0])
        text = rules.complete_and_start_action(handle, state)
    rules.retract_fact(handle, _RETRACT)
    if not names or names[-1] != CANARY or names.count(CANARY) != 1:
        raise Doubt("the canary did not fire once and last")
    return list(dict.fromkeys(names[:-1]))


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Build the rulesets that the first frame names, then answer frames of cases until the stream ends."""
    first = read_frame(source)
    if not isinstance(first, dict):
        return
    deadline = int(first["deadline"])
    handles = [
        rules.create_ruleset(f"rules {number}", definition) for number, definition in enumerate(first["rulesets"])
    ]
    write_frame(sink, {"ready": len(handles)})
    while True:
        frame = read_frame(source)
        if not isinstance(frame, dict):
            return
        # An endless loop inside the C code holds the interpreter; the alarm ends even an orphan.
        signal.alarm(deadline)
        answers = []
        for ruleset, fact in frame["cases"]:
            answers.append(fired(handles[ruleset], fact))
            fault_point("durable-case-decided")
        signal.alarm(0)
        write_frame(sink, {"fired": answers})


def main() -> None:
    """Serve the process that has started this one."""
    source, sink = own_streams()
    try:
        serve(source, sink)
    except BrokenPipeError:
        os._exit(0)
    except Exception:
        os._exit(FAILED)
    sys.exit(0)


if __name__ == "__main__":
    main()
