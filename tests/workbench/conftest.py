"""The command line as a person calls it, on a small city that has been through one run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from profiles.catalog_model import Catalog
from profiles.catalog_reading import read_catalog

ROOT = Path(__file__).resolve().parents[2]
DAY = "2026-11-22"
ELDERLY = ROOT / "policies/cn-31/elderly-allowance.yaml"


@dataclass(frozen=True)
class Told:
    """What one call gave."""

    code: int
    out: str
    problems: str


@dataclass(frozen=True)
class Desk:
    """A home, and the command line on it."""

    home: Path

    def environment(self, lang: str = "en") -> dict[str, str]:
        """Return the environment of a process at this desk."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MIANSHEN_")}
        return {**kept, "MIANSHEN_LANG": lang, "COLUMNS": "200"}

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a call."""
        return [sys.executable, str(ROOT / "cli.py"), "--home", str(self.home), *arguments]

    def call(self, *arguments: str, lang: str = "en") -> Told:
        """Call the command line in a process of its own, without a terminal."""
        done = subprocess.run(
            self.command(*arguments), env=self.environment(lang), cwd=self.home.parent,
            capture_output=True, text=True, check=False, timeout=300, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return Told(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: str) -> Any:
        """Return the parsed answer of a call with `--json`."""
        told = self.call(*arguments, "--json")
        assert told.code in (0, 1, 10), told.problems
        return json.loads(told.out)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return read_catalog()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty desk."""
    return Desk(tmp_path / "home")


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with a small city that has been through one run."""
    found = Desk(tmp_path_factory.mktemp("town") / "home")
    told = found.call("demo", "--citizens", "400", "--on", DAY)
    assert told.code == 0, told.problems
    return found


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """The allowance of the library with another age and another amount, and without the examples that would fail."""
    text = ELDERLY.read_text(encoding="utf-8").partition("examples:")[0]
    text = text.replace("2016-05-01: 65", "2016-05-01: 64").replace("< 70, amount: 75", "< 70, amount: 80")
    path = tmp_path / "changed.yaml"
    path.write_text(text, encoding="utf-8")
    return path
