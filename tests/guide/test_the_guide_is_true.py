"""Whoever follows the authoring guide word by word sees what the guide shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.interpreter import decide
from policies.examples import run_examples
from policies.library import read_with_places
from profiles.catalog_reading import read_catalog
from tests.guide.walkthrough import FENCE, GUIDE, ROOT, answers, settled


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_command_of_the_guide_answers_as_shown(language: str, tmp_path: Path) -> None:
    text = (GUIDE / f"authoring.{language}.md").read_text(encoding="utf-8")
    walked = list(answers(text, language, tmp_path))
    assert len(walked) >= 10
    for fence, now in walked:
        assert settled(now) == settled(fence.group(3)), "run python tests/guide/walkthrough.py and read the difference"


def test_both_guides_walk_the_same_road() -> None:
    def road(language: str) -> list[str]:
        text = (GUIDE / f"authoring.{language}.md").read_text(encoding="utf-8")
        return [
            line
            for fence in FENCE.finditer(text)
            for line in (fence.group(3).splitlines() if fence.group(2) else re.findall(r"^\$ .*", fence.group(3), re.M))
        ]

    assert road("zh") == road("en")


@pytest.mark.parametrize("name", ["authoring.zh.md", "authoring.en.md", "reference.md", "editors.md"])
def test_links_of_the_guide_lead_somewhere(name: str) -> None:
    text = (GUIDE / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (GUIDE / target).resolve().exists(), target
        assert (GUIDE / target).resolve().is_relative_to(ROOT), target


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_overlay_of_the_guide_gives_the_place_its_own_amount(language: str, tmp_path: Path) -> None:
    text = (GUIDE / f"authoring.{language}.md").read_text(encoding="utf-8")
    for fence in FENCE.finditer(text):
        if (fence.group(2) or "").startswith("craft/"):
            (tmp_path / fence.group(2).removeprefix("craft/")).write_text(fence.group(3), encoding="utf-8")
    vocabulary = read_catalog().vocabulary
    policy = read_with_places(tmp_path / "rule.yaml", tmp_path, vocabulary)
    assert [one.region for one in policy.overlays] == ["310115"]
    results = run_examples(policy, vocabulary, decide)
    assert len(results) == 3
    assert all(result.passed for result in results), results
