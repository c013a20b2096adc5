"""Routes what waits, in a process of its own that a test may kill. Arguments: home, rules, moment."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bundles.bundle_town import Clock, opened, routed


def main(home: str, rules: str, moment: str) -> None:
    installation = opened(Path(home), Path(rules), Clock(datetime.fromisoformat(moment)))
    print(sum(routed(installation, "page", "email").values()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
