"""All places of a parameter or definition are found, and another name for it changes nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.installation import LIBRARY
from policies.editing.edited import EditedFile
from policies.editing.knowledge import Knowledge
from policies.editing.occurrences import occurrences_at, refusal_of, renamable_at
from policies.editing.positions import Point, Span, lines_of
from policies.library import read_policy_text, rule_files
from profiles.catalog_reading import read_catalog

KNOWLEDGE = Knowledge(read_catalog().vocabulary)
RULE = """\
space: citizen
parameters:
  most: {unit: yuan, values: {2025-01-01: 3}}
  local: {unit: yuan, by_region: true, values: {2025-01-01: {"": 3}}}
definitions:
  # most of it
  share: min(most, yuan(age)) / 2
eligibility:
  all:
    - {when: 'most > yuan(3) and sex == "most"', says: {zh: most, en: most}}
    - any(household.members, most > yuan(age))
benefit:
  amount: |
    share +
    most + local[hukou_region]
  monotone: {share: rising}
examples:
  - {name: most, on: 2025-01-01, profile: {}, expect: {settled_by: [local]}}
"""


def _at(mark: str, text: str = RULE) -> Point:
    before = text[: text.index(mark)].split("\n")
    return Point(len(before) - 1, len(before[-1]))


def _with_name(text: str, spans: tuple[Span, ...], name: str) -> str:
    lines = lines_of(text)
    for span in reversed(spans):
        line = span.start.line
        lines[line] = lines[line][: span.start.column] + name + lines[line][span.end.column :]
    return "\n".join(lines)


@pytest.mark.parametrize("mark", ["most: {unit", "most, yuan", "most > yuan(3)", "most > yuan(age)", "most + local"])
def test_texts_comments_and_codes_of_the_same_letters_are_no_places(mark: str) -> None:
    edited = EditedFile(RULE, "rule.yaml")
    spans = occurrences_at(edited, _at(mark), KNOWLEDGE)
    assert [span.start.line for span in spans] == [2, 6, 9, 10, 14]
    assert all(edited.outline.slice(span) == "most" for span in spans)


def test_what_an_amount_rises_with_and_what_an_example_waits_for_are_places() -> None:
    edited = EditedFile(RULE, "rule.yaml")
    assert [span.start.line for span in occurrences_at(edited, _at("share: min"), KNOWLEDGE)] == [6, 13, 15]
    assert [span.start.line for span in occurrences_at(edited, _at("local: {"), KNOWLEDGE)] == [3, 14, 17]


def test_what_places_set_in_overlays_and_names_of_the_catalog_keep_their_names() -> None:
    edited = EditedFile(RULE, "rule.yaml")
    assert renamable_at(edited, _at("most, yuan"), KNOWLEDGE) is not None
    for mark in ("local[", "hukou_region", "age)", "amount:", "min("):
        assert renamable_at(edited, _at(mark), KNOWLEDGE) is None
    overlay = EditedFile("overlays: x\nparameters:\n  most: {2025-01-01: 3}\n", "a.overlay.yaml")
    assert renamable_at(overlay, Point(2, 3), KNOWLEDGE) is None


@pytest.mark.parametrize(
    ("name", "refusal"),
    [("largest", None), ("Most", "malformed"), ("1st", "malformed"), ("a b", "malformed"), ("", "malformed"),
     ("share", "taken"), ("age", "taken"), ("incomes", "taken"), ("household", "taken"), ("min", "taken"),
     ("on", "taken"), ("dibao_standard", "taken"), ("not", "taken")],
)  # fmt: skip
def test_a_name_is_refused_if_it_is_none_or_means_something_else(name: str, refusal: str | None) -> None:
    assert refusal_of(name, EditedFile(RULE, "rule.yaml"), KNOWLEDGE) == refusal


@pytest.mark.parametrize("path", rule_files(LIBRARY), ids=lambda path: path.stem)
def test_every_name_of_the_library_can_be_changed_and_the_rule_stays_a_rule(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    edited, number, renamed = EditedFile(text, str(path)), 0, {}
    for section in ("parameters", "definitions"):
        for name in edited.outline.keys((section,)):
            entry = edited.outline.by_path[(section, name)]
            assert entry.key is not None
            if renamable_at(edited, entry.key.start, KNOWLEDGE) is None:
                continue
            spans = occurrences_at(edited, entry.key.start, KNOWLEDGE)
            number += 1
            renamed[f"renamed_{number}"] = name
            edited = EditedFile(_with_name(edited.text, spans, f"renamed_{number}"), str(path))
    policy = read_policy_text(edited.text, KNOWLEDGE.vocabulary, path.name)
    before = read_policy_text(text, KNOWLEDGE.vocabulary, path.name)
    assert {renamed.get(one, one) for one in policy.parameters} == set(before.parameters)
    assert {renamed.get(one, one) for one in policy.definitions} == set(before.definitions)
    back = edited
    for new, name in renamed.items():
        section = "parameters" if name in before.parameters else "definitions"
        entry = back.outline.by_path[(section, new)]
        assert entry.key is not None
        back = EditedFile(_with_name(back.text, occurrences_at(back, entry.key.start, KNOWLEDGE), name), str(path))
    assert back.text == text
