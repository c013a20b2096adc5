"""A server of its own: claims and runs what is due, and prints what it ran. Arguments: folder, name."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.ledger import open_ledger
from engine.run_report import RunReport
from engine.schedule import run_due
from tests.run.small_city import NOW, at_least, policy


def run_slots(names: Sequence[str], on: date, made_up: bool) -> RunReport:
    for name in names:
        print(name, on, flush=True)
    return RunReport(None, on, False, (), (), {}, True)


def main(folder: str, server: str) -> None:
    ledger = open_ledger(f"sqlite:///{Path(folder) / 'ledger.sqlite'}", clock=lambda: NOW)
    policies = {one.id: one for one in (policy(f"policy-{n}", at_least("age", 60)) for n in range(10))}
    for _ in range(3):
        run_due(ledger, policies, run_slots, server=server)


if __name__ == "__main__":
    main(*sys.argv[1:])
