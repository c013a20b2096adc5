"""No number of the sample city can belong to anyone, and all of them pass the checks of real ones."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import SettingsError
from policies.types import to_day_number
from profiles.identity import (
    citizen_number_faults,
    credit_code_faults,
    has_valid_organisation_check,
    other_number_faults,
)
from profiles.sample_city.numbers import (
    account_numbers,
    booklet_numbers,
    credit_codes,
    phone_numbers,
    resident_numbers,
)

DAYS = st.dates(date(1900, 1, 1), date(2026, 11, 22))


@given(st.lists(st.tuples(DAYS, st.booleans()), min_size=1, max_size=60))
def test_resident_numbers_are_valid_distinct_and_tell_birth_and_sex(born: list[tuple[date, bool]]) -> None:
    days = np.array([to_day_number(day) for day, _ in born])
    numbers = resident_numbers(days, np.array([male for _, male in born]))
    assert citizen_number_faults(numbers, date(2026, 11, 22)).null_count() == len(born)
    assert numbers.n_unique() == len(born)
    for number, (day, male) in zip(numbers, born, strict=True):
        assert number.startswith("999999" + day.strftime("%Y%m%d"))
        assert int(number[16]) % 2 == male


def test_resident_numbers_agree_with_published_samples() -> None:
    days = np.array([to_day_number(date(1958, 5, 15)), to_day_number(date(1945, 1, 1))])
    first = resident_numbers(days, np.array([True, False]))
    assert first.to_list()[0] == "999999195805150016"
    assert first.to_list()[1][:16] == "9999991945010100"


def test_more_people_of_one_birthday_than_numbers_are_refused() -> None:
    with pytest.raises(SettingsError) as refused:
        resident_numbers(np.zeros(501, dtype=np.int64), np.ones(501, dtype=bool))
    assert refused.value.diagnostics[0].code == "city-too-large"


def test_credit_codes_pass_both_checks_and_carry_no_real_division() -> None:
    codes = credit_codes(3_000)
    assert codes.to_list()[:3] == ["91999999MA00000154", "91999999MA0000023Y", "91999999MA0000031R"]
    assert credit_code_faults(codes).null_count() == 3_000
    assert all(has_valid_organisation_check(code) for code in codes)
    assert codes.n_unique() == 3_000 and codes.str.starts_with("91999999").all()


def test_phones_have_the_right_shape_in_a_range_nobody_serves() -> None:
    phones = phone_numbers(100)
    assert phones.str.contains(r"^142\d{8}$").all() and phones.n_unique() == 100


def test_accounts_pass_the_luhn_check() -> None:
    for account in account_numbers(200, first=77):
        digits = [int(one) for one in reversed(account)]
        doubled = [2 * one - 9 if 2 * one > 9 else 2 * one for one in digits[1::2]]
        assert len(account) == 19 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def test_booklet_numbers_have_a_shape_that_intake_takes() -> None:
    assert other_number_faults(booklet_numbers(500)).null_count() == 500
