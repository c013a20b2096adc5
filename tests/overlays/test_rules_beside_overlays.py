"""An overlay that is being written outside the library belongs to the rule beside it, else to that of the library."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from policies.errors import Diagnostic, PolicyError
from policies.library import check_overlay_file, rule_files_beside
from policies.vocabulary import Vocabulary
from tests.overlays.conftest import RULES

RULE, OVERLAY = RULES / "allowance.yaml", RULES / "shanghai.overlay.yaml"


def _draft(folder: Path, overlay_folder: Path | None = None) -> Path:
    """Copy the rule, with another title, and an overlay of it; return the overlay."""
    for one in (folder, overlay_folder or folder):
        one.mkdir(parents=True, exist_ok=True)
    text = RULE.read_text(encoding="utf-8").replace("author: ", "author: draft of ")
    (folder / RULE.name).write_text(text, encoding="utf-8")
    return Path(shutil.copy(OVERLAY, (overlay_folder or folder) / OVERLAY.name))


def _found(path: Path, library: Path, vocabulary: Vocabulary) -> Diagnostic:
    with pytest.raises(PolicyError) as caught:
        check_overlay_file(path, library, vocabulary)
    (found,) = caught.value.diagnostics
    return found


def test_the_rule_in_the_same_folder_counts_before_that_of_the_library(
    folder: Path, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    policy = check_overlay_file(_draft(tmp_path / "draft"), folder, vocabulary)
    assert policy.author is not None and policy.author.startswith("draft of")
    assert [one.region for one in policy.overlays] == ["310000"]


def test_rules_and_overlays_may_lie_in_folders_of_regions_as_in_the_library(
    folder: Path, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    path = _draft(tmp_path / "draft" / "cn", tmp_path / "draft" / "cn-31")
    policy = check_overlay_file(path, folder, vocabulary)
    assert policy.author is not None and policy.author.startswith("draft of")
    assert rule_files_beside(path) == [(tmp_path / "draft" / "cn" / RULE.name).resolve()]


def test_neighbouring_folders_that_are_no_regions_are_not_looked_into(
    folder: Path, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    path = _draft(tmp_path / "draft" / "one", tmp_path / "draft" / "two")
    for one in ("pudong.overlay.yaml", "shanghai.overlay.yaml"):
        (folder / one).unlink()
    policy = check_overlay_file(path, folder, vocabulary)
    assert policy.author is not None and not policy.author.startswith("draft of")


def test_without_a_rule_it_is_said_where_to_put_one(vocabulary: Vocabulary, tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    path = Path(shutil.copy(OVERLAY, tmp_path / OVERLAY.name))
    found = _found(path, tmp_path / "library", vocabulary)
    assert found.code == "unknown-policy"
    assert found.help is not None and "same folder" in found.help.en


def test_two_rules_that_are_equally_near_are_refused(folder: Path, vocabulary: Vocabulary, tmp_path: Path) -> None:
    path = _draft(tmp_path / "draft")
    shutil.copy(tmp_path / "draft" / RULE.name, tmp_path / "draft" / "copy.yaml")
    found = _found(path, folder, vocabulary)
    assert found.code == "several-rules"
    assert "copy.yaml" in found.message.en


def test_a_mistake_in_the_rule_beside_is_told_with_its_file(
    folder: Path, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    path = _draft(tmp_path / "draft")
    rule = tmp_path / "draft" / RULE.name
    rule.write_text(rule.read_text(encoding="utf-8").replace("delivery: ", "delivry: "), encoding="utf-8")
    found = _found(path, folder, vocabulary)
    assert (found.code, Path(str(found.place.file)).name) == ("unknown-key", RULE.name)
