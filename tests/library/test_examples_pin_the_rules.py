"""The examples of every rule file hold its rules in place: no condition and no boundary can move unnoticed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from engine.ceiling_standing import after_ceilings
from engine.coverage import coverage_of
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
LIST_OF_CODES = re.compile(r'\[("[^"\]]*"(?:, "[^"\]]*")+)\]')
# A figure of the law: an amount, or a value that a parameter holds from a day on, alone or in a table.
FIGURE = re.compile(r"(?<=: )[0-9]+(?:\.[0-9]+)?(?=[,}\s])")
# The day from which on a parameter holds another value.
CHANGE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?=:)")
ONE_DAY = timedelta(days=1)
TITLES = re.compile(r"(?:title|says): \{[^}]*\}")
# What no example can show, for another figure says the same already.
IMPLIED = {
    ("cn-consumer-loan-interest", "500"): "one per cent of the 50,000 yuan that count",
    ("cn-consumer-loan-interest", "100000000"): "no limit: the catalog knows no larger loan",
    ("cn-consumer-loan-interest", "2026-01-01"): "what counts at most changes on the same day, and says as much",
    ("cn-unemployment-benefit", "24"): "the most months with what is left of before are those after ten years, too",
}
COMPARISON = re.compile(r"(?<![<>=!])(?:<=|>=|<|>)(?!=)")


def _notices_a_change(policy: Policy) -> bool:
    return any(not result.passed for result in run_examples(policy, VOCABULARY, decide, after_ceilings))


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


@EVERY_POLICY
def test_every_code_that_a_condition_lists_is_shown_by_an_example(policy: Policy) -> None:
    unnoticed = []
    for found in LIST_OF_CODES.finditer(policy.text, 0, policy.text.index("\nnotice:")):
        codes = found.group(1).split(", ")
        for code in codes:
            rest = ", ".join(one for one in codes if one != code)
            without = policy.text[: found.start(1)] + rest + policy.text[found.end(1) :]
            if not _notices_a_change(read_policy_text(without, VOCABULARY, policy.file)):
                unnoticed.append(code)
    assert unnoticed == []


def _with_each_figure_raised(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield each figure of the parameters and the benefit, and the text of the file with more than twice as much."""
    start, position = max(policy.text.find("\nparameters:"), 0), 0
    for line in policy.text[: policy.text.index("\nnotice:")].splitlines(keepends=True):
        bare = TITLES.sub(lambda found: " " * len(found.group()), line).partition(" #")[0]
        dated = "values:" in bare or re.match(r" +\d{4}-\d\d-\d\d:", bare)
        if position >= start and (dated or "amount:" in bare):
            for found in FIGURE.finditer(bare):
                raised = str(Decimal(found.group()) * 2 + (1 if "." not in found.group() else 0))
                at = position + found.start()
                yield found.group(), policy.text[:at] + raised + policy.text[at + len(found.group()) :]
        position += len(line)


@EVERY_POLICY
def test_every_figure_of_the_law_is_shown_by_an_example(policy: Policy) -> None:
    unnoticed = []
    for figure, text in _with_each_figure_raised(policy):
        try:
            raised = read_policy_text(text, VOCABULARY, policy.file)
        except PolicyError:
            continue  # the checker notices it before any example does
        if not _notices_a_change(raised) and (policy.id, figure) not in IMPLIED:
            unnoticed.append(figure)
    # A nothing is a figure only where something would be granted for it: the code is then refused by a condition.
    assert [figure for figure in unnoticed if figure != "0"] == []


@EVERY_POLICY
def test_the_first_and_the_last_day_are_worked_through_from_both_sides(policy: Policy) -> None:
    first, last = policy.in_force
    edges = {first, first - ONE_DAY} | ({last, last + ONE_DAY} if last is not None else set())
    assert edges - {example.on for example in policy.examples} == set()


def _with_each_later_date_moved(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield each day on which a parameter changes, and the text of the file with it a day earlier or later."""
    first, notice = policy.in_force[0], policy.text.index("\nnotice:")
    for found in CHANGE.finditer(policy.text, policy.text.index("\nin_force:"), notice):
        day = date.fromisoformat(found.group())
        for moved in (day - ONE_DAY, day + ONE_DAY):
            if day > first:
                yield found.group(), policy.text[: found.start()] + moved.isoformat() + policy.text[found.end() :]


@EVERY_POLICY
def test_every_day_on_which_a_figure_changes_is_worked_through_from_both_sides(policy: Policy) -> None:
    unnoticed = []
    for day, text in _with_each_later_date_moved(policy):
        try:
            moved = read_policy_text(text, VOCABULARY, policy.file)
        except PolicyError:
            continue  # the checker notices it before any example does
        if not _notices_a_change(moved) and (policy.id, day) not in IMPLIED:
            unnoticed.append(day)
    assert unnoticed == []


@EVERY_POLICY
def test_both_sides_of_every_boundary_of_a_condition_or_tier_have_an_example(policy: Policy) -> None:
    # Where an amount takes the smaller of two sums, the value next to the crossing is often no amount that occurs.
    unseen = [one for one in coverage_of(policy, VOCABULARY).unseen if one.kind == "boundary"]
    assert [f"{one.text}: {one.words.en}" for one in unseen if not one.key.startswith("amount")] == []


@EVERY_POLICY
def test_every_datum_that_a_rule_decides_by_is_missing_in_an_example(policy: Policy) -> None:
    assert [one.text for one in coverage_of(policy, VOCABULARY).unseen if one.kind == "missing"] == []
