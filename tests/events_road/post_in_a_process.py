"""Posts the events of a JSON Lines file, in a process of its own that a test may kill. Arguments: home, file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.installation import Installation
from profiles.home import Home
from tests.events_road.little_town import RULES, open_road, post


def main(home: str, file: str) -> None:
    installation = Installation(Home(Path(home)), RULES)
    with open_road(installation) as road:
        print("ready", flush=True)
        for line in Path(file).read_text("utf-8").splitlines():
            posted = post(road, json.loads(line))
            print(posted.answer.number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
