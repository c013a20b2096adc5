"""Post events to an installation, as one of several processes: `python post_in_a_process.py HOME FIRST LAST`."""

from __future__ import annotations

import sys
from pathlib import Path

from policies.errors import EventError
from profiles.catalog_reading import read_catalog
from profiles.events.log import EventLog
from profiles.home import Home
from tests.events_log.event_town import birth, november, person, posted, store


def numbered(number: int) -> dict[str, object]:
    """Return the event of a number: every process makes the same of it."""
    return posted(
        "certificate", person(number % 6 + 1), november(number % 9 + 1), f"key-{number}", number=f"N-{number}", level=1
    )


def main(folder: str, first: int, last: int) -> None:
    """Post the events `first` to `last`; 0 stands for a birth with contacts."""
    with EventLog(Home(Path(folder)), read_catalog()) as log:
        for number in range(first, last + 1):
            try:
                event = birth() if number == 0 else numbered(number)
                stored = store(log, event)
                sys.stdout.write(f"{number} {stored.number} {int(stored.already)}\n")
            except EventError as refused:
                sys.stdout.write(f"{number} refused {refused.diagnostics[0].code}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
