"""The examples of every rule file hold its rules in place: no condition and no boundary can move unnoticed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.interpreter import decide
from policies.errors import PolicyError
from policies.examples import run_examples
from policies.library import read_library, read_policy_text
from policies.policy import Condition, Policy
from policies.tree import Literal
from policies.types import Bool
from profiles.catalog_reading import read_catalog

VOCABULARY = read_catalog().vocabulary
LIBRARY = read_library(Path(__file__).resolve().parents[2] / "policies", VOCABULARY).policies
EVERY_POLICY = pytest.mark.parametrize("policy", LIBRARY.values(), ids=list(LIBRARY))
NEIGHBOUR = {"<=": "<", "<": "<=", ">=": ">", ">": ">="}
COMPARISON = re.compile(r"(?<![<>=!])(?:<=|>=|<|>)(?!=)")


def _notices_a_change(policy: Policy) -> bool:
    return any(not result.passed for result in run_examples(policy, VOCABULARY, decide))


def _with_each_comparison_moved(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield the text of the file with one comparison moved by its boundary, and what was moved."""
    end = policy.text.index("\nnotice:")
    for found in COMPARISON.finditer(policy.text, 0, end):
        line_start = policy.text.rfind("\n", 0, found.start()) + 1
        line = policy.text[line_start : policy.text.find("\n", found.end())]
        if "#" in policy.text[line_start : found.start()] or line.lstrip().startswith("#"):
            continue
        moved = policy.text[: found.start()] + NEIGHBOUR[found.group()] + policy.text[found.end() :]
        yield f"{line.strip()} at {found.start() - line_start + 1}", moved


def _with_each_condition_settled(node: Condition, value: bool) -> Iterator[tuple[str, Condition]]:
    """Yield the tree with one leaf that always holds, or never does."""
    if node.kind == "leaf":
        yield node.text, replace(node, expression=Literal(Bool(), value))
        return
    for number, child in enumerate(node.children):
        for text, changed in _with_each_condition_settled(child, value):
            children = (*node.children[:number], changed, *node.children[number + 1 :])
            yield text, replace(node, children=children)


@EVERY_POLICY
def test_an_example_stands_on_each_side_of_every_boundary(policy: Policy) -> None:
    unnoticed = []
    for what, text in _with_each_comparison_moved(policy):
        try:
            moved = read_policy_text(text, VOCABULARY, policy.file)
        except PolicyError:
            continue  # the checker notices it before any example does
        if not _notices_a_change(moved):
            unnoticed.append(what)
    assert unnoticed == []


@EVERY_POLICY
@pytest.mark.parametrize("value", [True, False], ids=["always holds", "never holds"])
def test_every_condition_decides_some_example(policy: Policy, value: bool) -> None:
    unnoticed = [
        text
        for text, eligibility in _with_each_condition_settled(policy.eligibility, value)
        if not _notices_a_change(replace(policy, eligibility=eligibility))
    ]
    assert unnoticed == []
