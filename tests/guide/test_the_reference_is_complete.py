"""The reference names every key, function, operator, command and error code, and its examples hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.interpreter import decide
from policies.examples import run_examples
from policies.functions import FUNCTIONS
from policies.library import read_policy
from profiles.catalog_reading import read_catalog
from tests.guide.functions_shown import SHOWN
from tests.guide.reference import OPERATORS, REFERENCE, commands, commands_in_english, errors, keys, reference_text

TEXT = REFERENCE.read_text(encoding="utf-8")
RULE = """id: reference-example
title: {{zh: 样例, en: example}}
space: citizen
authority: 某局
author: author
basis: [{{document: 文〔2026〕1号, date: 2026-01-01}}]
region: "310000"
in_force: {{from: 2020-01-01}}
delivery: automatic
period: month
schedule: "0 2 1 * *"
parameters:
  rates: {{scale: marginal, unit: yuan, values: {{2020-01-01: [{{from: 0, rate: 0.1}}, {{from: 100, rate: 0.2}}]}}}}
  minimum: {{values: {{2020-01-01: 60, 2021-01-01: 65}}}}
  by_place: {{by_region: true, values: {{2020-01-01: {{"310000": 5}}}}}}
eligibility:
  all:
    - {{when: alive}}
    - when: minimum > 0 and by_place[hukou_region] > 0 and progressive(rates, yuan(1)) >= 0
    - when: {condition!r}
benefit: {{kind: cash, amount: 1}}
notice: {{granted: {{zh: "{{title}}:{{amount}}", en: "{{title}}: {{amount}}"}}}}
examples:
  - name: it holds
    on: 2026-05-20
    profile:
      alive: true
      sex: "1"
      dibao: false
      birth_date: 1960-01-01
      hukou_region: "310115"
      certificates: [{{level: 3, issued_on: 2024-05-01}}, {{level: 4, issued_on: 2025-05-01}}]
    expect: {{eligible: true, amount: 1}}
"""


def test_every_function_has_an_example() -> None:
    assert set(SHOWN) == set(FUNCTIONS)


@pytest.mark.parametrize(
    "condition", [*(one[2] for one in SHOWN.values()), *(one[3] for one in OPERATORS)], ids=lambda text: text[:40]
)
def test_every_example_of_the_reference_holds(condition: str, tmp_path: Path) -> None:
    vocabulary = read_catalog().vocabulary
    path = tmp_path / "rule.yaml"
    path.write_text(RULE.format(condition=condition), encoding="utf-8")
    results = run_examples(read_policy(path, vocabulary), vocabulary, decide)
    assert [result.passed for result in results] == [True], results


def test_every_key_is_documented() -> None:
    for title, rows in keys():
        assert f"### {title}\n" in TEXT
        for key, _, zh, en in rows:
            assert zh and en and f"| `{key}` |" in TEXT, key


def test_every_command_and_option_is_documented() -> None:
    found = list(commands())
    assert len(found) >= 30
    for words, text, options in found:
        assert text and f"### `{words}`\n" in TEXT, f"{words}: run python tests/guide/reference.py"
        for label, meaning in options:
            assert meaning, f"{words} {label} has no help"
            assert f"- `{label}` " in TEXT, f"{words} {label}: run python tests/guide/reference.py"


def test_every_error_code_is_documented() -> None:
    missing = [code for code in errors() if f"| `{code}` |" not in TEXT]
    assert not missing, f"run python tests/guide/reference.py: {missing}"


def test_the_reference_is_the_one_drawn_from_the_code() -> None:
    assert reference_text() == TEXT, "run python tests/guide/reference.py"


def test_commands_and_errors_are_told_in_both_languages() -> None:
    in_english = commands_in_english()
    assert [words for words, _, _ in in_english] == [words for words, _, _ in commands()]
    chinese = re.compile("[\u4e00-\u9fff]")
    for words, text, options in in_english:
        assert text and not chinese.search(text + "".join(meaning for _, meaning in options)), words
    for code, one in errors().items():
        assert chinese.search(one.zh) and one.en and not chinese.search(one.en + one.remedy_en), code
        assert bool(one.remedy_zh) == bool(one.remedy_en), code
