"""Runs the small city against a prepared ledger, in a process of its own that a test may kill.

Arguments: the ledger's folder, the reference date, and optionally the policies to run.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.ledger import open_ledger
from engine.running import run
from tests.run.small_city import NOW, city, library, vocabulary


def main(folder: str, on: str, *only: str) -> None:
    ledger = open_ledger(f"sqlite:///{Path(folder) / 'ledger.sqlite'}", clock=lambda: NOW)
    report = run(
        ledger,
        city(),
        library(),
        vocabulary(),
        date.fromisoformat(on),
        only=list(only) or None,
        reopen=lambda day, versions: city(),
    )
    print(report.new_grants)
    ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
