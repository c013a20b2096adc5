"""The Makefile names what a machine lacks before it installs anything."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A folder for PATH that holds the basic commands, python and make, but no C compiler."""
    for command in ("sh", "awk", "echo", "test", "touch", "rm", "env", "make", "python3", "dirname", "uname"):
        found = shutil.which(command)
        if found:
            (tmp_path / command).symlink_to(found)
    return tmp_path


def run_make(arguments: list[str], path: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path), "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        [shutil.which("make") or "make", *arguments, "CC="],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_missing_compiler_is_named_before_anything_is_installed(bare_path: Path) -> None:
    import sys

    done = run_make(["check-machine", f"PYTHON={sys.executable}"], bare_path)
    assert done.returncode != 0
    assert "no C compiler found" in done.stdout and "apt-get install gcc" in done.stdout


def test_an_unsupported_python_is_named_with_the_versions_that_work(bare_path: Path, tmp_path: Path) -> None:
    old = tmp_path / "python-old"
    old.write_text('#!/bin/sh\nif [ "$1" = --version ]; then echo Python 3.9.1; exit 0; fi\nexit 1\n')
    old.chmod(0o755)
    done = run_make(["check-machine", f"PYTHON={old}"], bare_path)
    assert done.returncode != 0
    assert "Python 3.9.1 is not supported" in done.stdout and "3.11, 3.12 or 3.13" in done.stdout


def test_the_pinned_requirements_hold_versions_and_no_addresses() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").split()
    assert lines and all("==" in line and "/" not in line and "@" not in line for line in lines)
