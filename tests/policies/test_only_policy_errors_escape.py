"""Whatever stands in a rule file, reading it ends in a policy or in a PolicyError, and quickly."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policies.document import read_bytes
from policies.errors import PolicyError
from policies.fixing import fix
from policies.library import read_policy_text
from policies.vocabulary import Vocabulary

FOLDER = Path(__file__).parent
CORPUS = [path.read_bytes() for path in sorted(FOLDER.glob("*/*.yaml")) if path.stat().st_size < 10_000]
TEMPLATE = (FOLDER / "good" / "tiers_by_age.yaml").read_text(encoding="utf-8")
CONDITION = "age_in_month >= minimum_age"
AMOUNT = "amount: 75}"
_LANGUAGE = """
income age alive birth_date hukou_region care_level certificates grants household.members employer.size_class
subject.income minimum_age on period_start true 1 0 -1 0.5 2.50 99999999999999999999 'full' "31" x _ é
( ) [ ] , . + - * / // % ** == != < <= >= > = := in not and or if else is lambda for { } : ; @ ~ & | ^ \\ #
count( sum( any( all( min( max( round_half_up( round_to( date( within( yuan( progressive( value_on(
years_between( add_months( month_end( f'{x}' b'x' 1e9 1_0 0x1 1j ... None await yield * **
"""
WORDS = _LANGUAGE.split()


def _read(text: str, vocabulary: Vocabulary) -> None:
    try:
        policy = read_policy_text(text, vocabulary)
        fix(policy, vocabulary, date(2026, 5, 20))
    except PolicyError as error:
        assert error.diagnostics
        for diagnostic in error.diagnostics:
            assert diagnostic.place.file == "-"
            diagnostic.render("zh")


def _read_raw(data: bytes, vocabulary: Vocabulary) -> None:
    try:
        text = read_bytes(data, "-")
    except PolicyError:
        return
    _read(text, vocabulary)


@given(st.text())
@example("{" * 20_000)
@example("- " * 20_000)
@example("'" * 20_000)
@example("a: " * 20_000)
@example("? " * 20_000)
@example("a:\n" * 20_000)
@example("\ud800")
@example("%YAML 1.1\n---\na: 1")
def test_any_text(vocabulary: Vocabulary, text: str) -> None:
    _read(text, vocabulary)


@given(st.binary())
@example(b"\xff\xfe")
@example(b"\xef\xbb\xbfid: x")
def test_any_bytes(vocabulary: Vocabulary, data: bytes) -> None:
    _read_raw(data, vocabulary)


@given(
    st.sampled_from(CORPUS),
    st.lists(st.tuples(st.integers(0), st.integers(0, 12), st.binary(max_size=6)), max_size=4),
)
def test_a_rule_file_with_bytes_replaced(
    vocabulary: Vocabulary, data: bytes, changes: list[tuple[int, int, bytes]]
) -> None:
    for position, length, new in changes:
        start = position % (len(data) + 1)
        data = data[:start] + new + data[start + length :]
    _read_raw(data, vocabulary)


@given(st.sampled_from(CORPUS), st.sampled_from(CORPUS), st.lists(st.integers(0), min_size=2, max_size=6))
def test_a_rule_file_with_lines_of_another(
    vocabulary: Vocabulary, data: bytes, other: bytes, places: list[int]
) -> None:
    lines, donor = data.split(b"\n"), other.split(b"\n")
    for place in places:
        lines[place % len(lines)] = donor[place % len(donor)]
    _read_raw(b"\n".join(lines), vocabulary)


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12), st.booleans())
def test_any_words_of_the_language_as_an_expression(vocabulary: Vocabulary, words: list[str], as_amount: bool) -> None:
    expression = "'" + " ".join(words).replace("'", "''") + "'"
    if as_amount:
        text = TEMPLATE.replace(AMOUNT, f"amount: {expression}}}")
    else:
        text = TEMPLATE.replace(CONDITION, expression)
    assert text != TEMPLATE
    _read(text, vocabulary)


@given(st.text(min_size=1, max_size=60))
@example("not " * 900 + "alive")
@example("-" * 3_900 + "1")
@example("income+" * 560 + "income")
@example("income" + ".x" * 1_900)
@example("f(" * 40 + ")" * 40)
@example("alive if alive else " * 190 + "alive")
@example("1 < " * 900 + "2")
@example("alive and " * 390 + "alive")
@example("9" * 3_900)
@example("income < 1" + "0" * 3_900)
@example("'" + "x" * 3_900)
def test_any_text_as_an_expression(vocabulary: Vocabulary, expression: str) -> None:
    quoted = "'" + expression.replace("'", "''") + "'"
    _read(TEMPLATE.replace(CONDITION, quoted), vocabulary)


@pytest.mark.parametrize("letter", ["a", "é", "护"])
def test_the_column_counts_characters_not_bytes(vocabulary: Vocabulary, letter: str) -> None:
    text = TEMPLATE.replace(CONDITION, f"'any(certificates, occupation == \"{letter}\" and wrong)'")
    with pytest.raises(PolicyError) as caught:
        read_policy_text(text, vocabulary)
    place = caught.value.diagnostics[0].place
    assert place.line is not None and place.column is not None
    assert text.split("\n")[place.line - 1][place.column - 1 :].startswith("wrong")
