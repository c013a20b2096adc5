"""What a resident number and a credit code may look like, and what stands for them."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.identity import (
    CREDIT_ALPHABET,
    citizen_number_faults,
    credit_check_character,
    credit_code_faults,
    has_valid_organisation_check,
    is_valid_citizen_number,
    is_valid_credit_code,
    masked,
    normalised,
    normalised_column,
    number_faults,
    organisation_check_failures,
    pseudonym,
    pseudonyms,
    resident_check_character,
)

GOOD_NUMBERS = [
    "11010519491231002X",
    "440524188001010014",
    "360426199101010071",
    "999999195805150016",
    "999999194501010028",
    "999999202402290033",
    "999999199012310049",
]
GOOD_CODES = [
    "91110000600037341L",
    "91350100M000100Y43",
    "91999999MA00000154",
    "91999999MA0000023Y",
    "91999999MA0000031R",
    "N2999999MF0000013P",
]


@pytest.mark.parametrize("number", GOOD_NUMBERS)
def test_a_real_number_is_accepted(number: str) -> None:
    assert is_valid_citizen_number(number)


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("110105194912310021", "wrong-checksum"),
        ("110105194902300021", "wrong-checksum"),
        ("999999195802300016"[:17] + resident_check_character("99999919580230001"), "impossible-date"),
        ("999999190002290013"[:17] + resident_check_character("99999919000229001"), "impossible-date"),
        ("99999919581301001" + resident_check_character("99999919581301001"), "impossible-date"),
        ("99999919580010001" + resident_check_character("99999919580010001"), "impossible-date"),
        ("99999917991231001" + resident_check_character("99999917991231001"), "impossible-date"),
        ("9999991958051500", "wrong-shape"),
        ("９９９９９９195805150016", "wrong-shape"),
        ("99999919580515001٣", "wrong-shape"),
        ("=cmd()", "wrong-shape"),
    ],
)
def test_a_number_that_cannot_be_is_told_why(number: str, fault: str) -> None:
    assert citizen_number_faults(pl.Series([number])).to_list() == [fault]


def test_a_birth_after_the_reference_date_is_refused() -> None:
    number = "999999202402290033"
    assert is_valid_citizen_number(number, date(2024, 2, 29))
    assert not is_valid_citizen_number(number, date(2024, 2, 28))


def test_lower_case_x_and_blanks_are_accepted_and_stored_in_one_form() -> None:
    assert is_valid_citizen_number(" 11010519491231002x ")
    assert normalised("citizen", " 11010519491231002x ") == "11010519491231002X"


def test_a_legacy_number_of_15_digits_is_the_same_person() -> None:
    assert normalised("citizen", "110105491231002") == "11010519491231002X"
    key = b"k" * 32
    assert pseudonym(key, "citizen", "110105491231002") == pseudonym(key, "citizen", "11010519491231002X")
    column = normalised_column("citizen", pl.Series(["110105491231002", None, "999999195805150016"]))
    assert column.to_list() == ["11010519491231002X", None, "999999195805150016"]


@pytest.mark.parametrize("division", ["810000", "820000", "830000", "310103", "330100", "469001"])
def test_residence_permits_and_abolished_divisions_are_accepted(division: str) -> None:
    first = f"{division}19800101001"
    assert is_valid_citizen_number(first + resident_check_character(first))


@given(st.dates(date(1800, 1, 1), date(2026, 1, 1)), st.integers(100000, 999999), st.integers(0, 999))
def test_every_number_made_by_the_standard_is_accepted_and_every_changed_digit_noticed(
    born: date, division: int, sequence: int
) -> None:
    first = f"{division}{born:%Y%m%d}{sequence:03d}"
    number = first + resident_check_character(first)
    assert is_valid_citizen_number(number, date(2026, 1, 1))
    place = sequence % 17
    changed = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
    assert not is_valid_citizen_number(changed)


@given(st.lists(st.one_of(st.none(), st.sampled_from(GOOD_NUMBERS), st.text(max_size=20)), max_size=20))
def test_the_column_check_says_what_the_single_check_says(numbers: list[str | None]) -> None:
    column = pl.Series(numbers, dtype=pl.String)
    faults = citizen_number_faults(column).to_list()
    for number, fault in zip(numbers, faults, strict=True):
        single = None if number is None else citizen_number_faults(pl.Series([number])).to_list()[0]
        assert fault == single


def test_all_days_of_a_leap_and_a_common_year_are_real() -> None:
    for year in (2023, 2024):
        for month in range(1, 13):
            last = monthrange(year, month)[1]
            for day, real in ((last, True), (last + 1, False)):
                first = f"999999{year}{month:02d}{day:02d}001"
                assert is_valid_citizen_number(first + resident_check_character(first)) is real


@pytest.mark.parametrize("code", GOOD_CODES)
def test_a_real_credit_code_is_accepted_whatever_its_first_letter(code: str) -> None:
    assert is_valid_credit_code(code)
    assert is_valid_credit_code(code.lower())
    assert has_valid_organisation_check(code)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("91110000600037341M", "wrong-checksum"),
        ("91110000600037341", "wrong-shape"),
        ("9111000060003734IL", "wrong-shape"),
        ("91110000600037341?", "wrong-shape"),
    ],
)
def test_a_credit_code_that_cannot_be_is_told_why(code: str, fault: str) -> None:
    assert credit_code_faults(pl.Series([code])).to_list() == [fault]


def test_a_failed_inner_check_is_a_warning_only() -> None:
    first = "91999999MA0000016"
    code = first + credit_check_character(first)
    assert is_valid_credit_code(code)
    assert not has_valid_organisation_check(code)
    assert organisation_check_failures(pl.Series([code, *GOOD_CODES, None])) == 1


@given(st.text(alphabet=CREDIT_ALPHABET, min_size=17, max_size=17), st.integers(0, 16))
def test_every_changed_character_of_a_credit_code_is_noticed(first: str, place: int) -> None:
    code = first + credit_check_character(first)
    assert is_valid_credit_code(code)
    other = CREDIT_ALPHABET[(CREDIT_ALPHABET.index(code[place]) + 1) % 31]
    assert not is_valid_credit_code(code[:place] + other + code[place + 1 :])


def test_household_booklets_are_looked_at_by_shape_only() -> None:
    faults = number_faults("household", pl.Series(["HK000001", "310115-00012", "?", None]))
    assert faults.to_list() == [None, None, "wrong-shape", None]


def test_a_pseudonym_depends_on_key_and_space_and_hides_the_number() -> None:
    number = GOOD_NUMBERS[3]
    one = pseudonym(b"a" * 32, "citizen", number)
    assert len(one) == 32 and set(one) <= set("0123456789abcdef") and number not in one
    assert one == pseudonyms(b"a" * 32, "citizen", pl.Series([number])).to_list()[0]
    assert one != pseudonym(b"b" * 32, "citizen", number)
    assert one != pseudonym(b"a" * 32, "enterprise", number)
    assert pseudonyms(b"a" * 32, "citizen", pl.Series([None], dtype=pl.String)).to_list() == [None]


def test_a_masked_number_keeps_ten_of_eighteen_characters_at_most() -> None:
    assert masked("11010519491231002X") == "110105********002X"
    assert masked("HK000001") == "HK******"
