"""The process that takes a share of the second opinion; see `engine.opinion_processes`.

It is given a file with the policies and with where the profiles are, says that it is ready, and answers shares until
its input ends. Any fault ends it: whoever asked decides the share again.
"""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import BinaryIO

from engine.child_process import own_streams, read_message, write_message
from engine.durable_engine import DurableEngine
from engine.opinion_deciding import Deciding, Opinion, Share
from profiles.fault_points import fault_point
from profiles.snapshot import open_snapshot

FAILED = 70


def serve(path: Path, source: BinaryIO, sink: BinaryIO) -> None:
    """Answer each share with the policies in which all engines agree on everybody, and how many those are."""
    with path.open("rb") as file:
        fixed, vocabulary, catalog, home, on, versions = pickle.load(file)
    policies = {one.policy.id: one for one in fixed}
    population = open_snapshot(home, catalog, on, versions).bucket(0)
    with DurableEngine(fixed, vocabulary) as durable:
        durable.start()
        write_message(sink, b"ready")
        while (body := read_message(source)) is not None:
            share: Share = pickle.loads(body)
            fault_point("opinion-share-asked")
            deciding = Deciding(vocabulary)
            deciding.decide(policies, share, population, durable)
            write_message(sink, pickle.dumps(_agreed(deciding)))


def _agreed(deciding: Deciding) -> dict[str, Opinion]:
    found = deciding.opinions.items()
    return {name: one for name, one in found if not one.differences and name not in deciding.failed}


def main() -> None:
    """Serve the process that has started this one."""
    source, sink = own_streams()
    try:
        serve(Path(sys.argv[1]), source, sink)
    except Exception:
        os._exit(FAILED)


if __name__ == "__main__":
    main()
