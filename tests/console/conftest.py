"""A small city that has walked the whole road once, through the real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAY = "2026-11-22"


@dataclass(frozen=True)
class Answer:
    """What one call of the command line gave."""

    code: int
    out: str
    problems: str


@dataclass(frozen=True)
class City:
    """A home, and the command line on it."""

    home: Path

    def call(self, *arguments: str, lang: str = "en", home: Path | None = None, **environment: str) -> Answer:
        """Call the command line as a person would, in a process of its own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MIANSHEN_")}
        done = subprocess.run(
            [sys.executable, str(ROOT / "cli.py"), "--home", str(home or self.home), *arguments],
            env={**kept, "MIANSHEN_LANG": lang, "COLUMNS": "160", **environment},
            cwd=self.home.parent, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return Answer(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: str) -> Any:
        """Return the parsed answer of a call with `--json`."""
        answer = self.call(*arguments, "--json")
        assert answer.code in (0, 10), answer.problems
        return json.loads(answer.out)


@pytest.fixture(scope="session")
def first_demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[City, Answer]:
    city = City(tmp_path_factory.mktemp("city") / "home")
    return city, city.call("demo", "--citizens", "2000", "--on", DAY)


@pytest.fixture(scope="session")
def city(first_demo: tuple[City, Answer]) -> City:
    return first_demo[0]
