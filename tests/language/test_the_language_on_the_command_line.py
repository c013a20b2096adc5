"""Overlays and policies for people to judge, on the real command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIVING = ROOT / "policies" / "cn-65" / "disabled-living-allowance-gaochang.overlay.yaml"


def call(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "cli.py"), "--home", str(home), "--lang", "en", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_a_single_overlay_is_checked_against_its_rule_and_its_mistakes_stand_in_its_own_file(tmp_path: Path) -> None:
    good = call(tmp_path / "home", "policies", "check", str(LIVING))
    assert (good.returncode, good.stderr) == (0, "")
    path = tmp_path / "draft.overlay.yaml"
    text = LIVING.read_text(encoding="utf-8").replace('"650402"', '"650421"').split("examples:")[0]
    path.write_text(text.replace("standard:", "standart:"), encoding="utf-8")
    bad = call(tmp_path / "home", "policies", "check", str(path))
    assert bad.returncode == 3
    assert f"{path}:10:3: error[unknown-parameter]" in bad.stderr.replace("\n", "")
    assert "did you mean `standard`?" in bad.stderr


def test_the_places_of_a_rule_are_shown(tmp_path: Path) -> None:
    shown = call(tmp_path / "home", "policies", "show", "cn-disabled-living-allowance").stdout
    for place in ("Gaochang, Turpan (650402)", "Shanghai (310000)", "Guangdong (440000)"):
        assert place in shown


@pytest.mark.parametrize("words", ["will not run automatically", "the authority decides"])
def test_checking_a_policy_for_people_to_judge_says_that_it_will_not_run_and_why(tmp_path: Path, words: str) -> None:
    path = ROOT / "policies" / "cn" / "national-scholarship-2024.yaml"
    done = call(tmp_path / "home", "policies", "check", str(path))
    assert done.returncode == 0
    assert "note[not-automatic]" in done.stderr and words in " ".join(done.stderr.split())
