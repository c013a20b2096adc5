"""Runs many command lines one after the other in this process: reads them as JSON, writes their outputs as JSON.

Starting Python anew for each would take most of the time of the test.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path


def output_of(words: list[str]) -> str:
    """Return everything that one command writes, to either stream."""
    import cli

    with tempfile.TemporaryFile() as file:
        sys.stdout.flush()
        kept = os.dup(1), os.dup(2)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.argv = ["mianshen", *words]
        try:
            cli.main()
        except SystemExit as end:
            if isinstance(end.code, str):
                print(end.code)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for stream, number in zip(kept, (1, 2), strict=True):
                os.dup2(stream, number)
                os.close(stream)
        file.seek(0)
        return file.read().decode("utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    asked = json.load(sys.stdin)
    answered = [output_of(words) for words in asked]
    sys.stdout.write(json.dumps(answered))
