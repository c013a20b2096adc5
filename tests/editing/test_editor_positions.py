"""Columns are counted as the editor counts them, also behind Chinese and behind characters beyond the basic plane."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.editing.positions import Encoding, from_units, lines_of, to_units

ENCODINGS: list[Encoding] = ["utf-8", "utf-16", "utf-32"]


@pytest.mark.parametrize(("encoding", "units"), [("utf-8", 8), ("utf-16", 4), ("utf-32", 3)])
def test_a_rare_character_takes_as_many_units_as_the_encoding_says(encoding: Encoding, units: int) -> None:
    assert to_units("a吉𠮷b", 3, encoding) == units
    assert from_units("a吉𠮷b", units, encoding) == 3


@given(line=st.text(alphabet=st.characters(exclude_characters="\r\n"), max_size=30), column=st.integers(0, 30))
def test_there_and_back_is_the_same_place(line: str, column: int) -> None:
    column = min(column, len(line))
    for encoding in ENCODINGS:
        assert from_units(line, to_units(line, column, encoding), encoding) == column


def test_a_place_within_a_character_counts_as_before_it_and_one_beyond_the_line_as_its_end() -> None:
    assert from_units("𠮷b", 1, "utf-16") == 0
    assert from_units("𠮷b", 99, "utf-16") == 2


def test_lines_end_as_in_editors_and_not_at_other_separators() -> None:
    assert lines_of("a\r\nb\rc\nd\u2028e\x0cf") == ["a", "b", "c", "d\u2028e\x0cf"]
