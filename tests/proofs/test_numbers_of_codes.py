"""Codes are numbered one to one, and the codes with one beginning stand side by side."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.proofs.code_numbers import DigitNumbers, _begun_numbers
from profiles.catalog_reading import read_catalog

REGION = read_catalog().vocabulary.code_sets["region"]
NUMBERS = _begun_numbers(REGION.pattern or "") or DigitNumbers(0)
SHORT = DigitNumbers(2, ("11", "13", "40"))
EVERY_SHORT = [f"{begun}{rest:02d}" for begun in SHORT.beginnings for rest in range(100)]


def test_every_region_has_a_number_of_its_own() -> None:
    assert all(NUMBERS.number(code) is not None for code in REGION.codes)
    assert NUMBERS.bounds == (0, 34 * 10_000 - 1)
    assert NUMBERS.text(NUMBERS.number("310115") or 0) == "310115"
    assert [NUMBERS.number(text) for text in ("000000", "999998", "3101", "3101150", "31011x", "")] == [None] * 6


@given(st.integers(*NUMBERS.bounds))
def test_a_number_and_its_region_lead_to_each_other(number: int) -> None:
    code = NUMBERS.text(number)
    assert re.search(REGION.pattern or "", code) and NUMBERS.number(code) == number


@given(st.text("0134", max_size=5))
def test_the_codes_with_one_beginning_are_those_of_its_range(prefix: str) -> None:
    low, high = SHORT.range(prefix)
    assert [SHORT.text(number) for number in range(low, high + 1)] == [c for c in EVERY_SHORT if c.startswith(prefix)]


@pytest.mark.parametrize("pattern", [r"^(1|23)\d{2}$", r"^([A-Z])\d{2}$", r"^(\d{4})\d{2}$", r"^(12345)\d$", "^x$", ""])
def test_patterns_of_another_kind_are_left_to_another_numbering(pattern: str) -> None:
    assert _begun_numbers(pattern) is None
