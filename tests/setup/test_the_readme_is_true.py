"""What the README names exists: the tests that keep its promises, and the commands it teaches."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"mianshen ((?:policies|profiles|notices|funds|audit) [a-z-]+|[a-z]+)\b", README)))


def test_every_promise_of_the_readme_names_a_test_that_exists() -> None:
    rows = [line for line in README.splitlines() if line.startswith("| ") and "test_" in line]
    assert len(rows) >= 10
    for row in rows:
        folder = ""
        for name in re.findall(r"`((?:tests/\w+/)?test_\w+\.py)`", row):
            folder = name.rpartition("/")[0] or folder
            assert (ROOT / folder / name.rpartition("/")[2]).exists(), name


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_exists(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "cli.py", *command.split(), "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
