"""Identity numbers, phones and accounts with right check characters that can belong to nobody."""

from __future__ import annotations

import numpy as np
import polars as pl

from policies.errors import SettingsError
from profiles.identity import (
    CREDIT_ALPHABET,
    CREDIT_WEIGHTS,
    ORGANISATION_WEIGHTS,
    RESIDENT_CHECKS,
    RESIDENT_WEIGHTS,
)
from profiles.sample_city.chance import Flags, Numbers, words

RESIDENT_PREFIX = "999999"
CREDIT_PREFIX = "91999999"
# Numbers of one day and sex: odd or even of 000-999.
_PER_DAY_AND_SEX = 500
# 142 has not been given to any operator; the shape is right, nobody answers.
_PHONE_PREFIX = 142
_ACCOUNT_PREFIX = "999999"


def digits_of(numbers: Numbers, count: int) -> Numbers:
    """Return a matrix with the last `count` decimal digits of each number, the highest first."""
    powers = 10 ** np.arange(count - 1, -1, -1, dtype=np.int64)
    return numbers[:, None] // powers % 10


def resident_numbers(birth_days: Numbers, male: Flags) -> pl.Series:
    """Return distinct resident numbers for people born on `birth_days` (days since 1970-01-01).

    Raises SettingsError if more people of one sex were born on one day than there are numbers.
    """
    rank = _rank_within(birth_days * 2 + male)
    if rank.size and int(rank.max()) >= _PER_DAY_AND_SEX:
        raise SettingsError.of(
            "city-too-large",
            "样例城市人口过多:同日同性别的号码已用尽",
            "the sample city has too many people: the numbers of one day and sex are used up",
            help_zh="减少 `citizens`(一千万以内)",
            help_en="ask for fewer `citizens` (below ten million)",
        )
    sequence = rank * 2 + male
    dates = pl.Series(birth_days.astype(np.int32)).cast(pl.Date)
    # Polars gives months and days as single bytes, in which a product would wrap round.
    year, month, day = (part.cast(pl.Int64) for part in (dates.dt.year(), dates.dt.month(), dates.dt.day()))
    written = (year * 10_000 + month * 100 + day).to_numpy()
    prefix = np.full(len(written), int(RESIDENT_PREFIX), dtype=np.int64)
    digits = np.concatenate([digits_of(prefix, 6), digits_of(written, 8), digits_of(sequence, 3)], axis=1)
    checks = (digits @ np.array(RESIDENT_WEIGHTS)) % 11
    body = pl.Series(written * 1_000 + sequence).cast(pl.String)
    return _joined(RESIDENT_PREFIX, body, words(tuple(RESIDENT_CHECKS), checks))


def _joined(prefix: str, *columns: pl.Series) -> pl.Series:
    frame = pl.DataFrame([column.alias(str(place)) for place, column in enumerate(columns)])
    return frame.select(pl.concat_str(pl.lit(prefix), pl.all()).alias("joined"))["joined"]


def _rank_within(groups: Numbers) -> Numbers:
    """Return how many earlier entries belong to the same group, for each entry."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.r_[True, ordered[1:] != ordered[:-1]] if len(ordered) else np.zeros(0, dtype=bool)
    first = np.maximum.accumulate(np.where(starts, np.arange(len(ordered)), 0))
    rank = np.empty(len(groups), dtype=np.int64)
    rank[order] = np.arange(len(ordered)) - first
    return rank


def credit_codes(count: int) -> pl.Series:
    """Return `count` distinct unified social credit codes with right inner and outer check characters."""
    numbers = np.arange(1, count + 1, dtype=np.int64)
    inner_digits = digits_of(numbers, 6)
    # The organisation code is MA and six digits; letters count as in base 36 (M 22, A 10).
    weights = np.array(ORGANISATION_WEIGHTS)
    total = 22 * weights[0] + 10 * weights[1] + inner_digits @ weights[2:]
    inner = words(tuple("0X987654321"), total % 11)
    alphabet = {character: value for value, character in enumerate(CREDIT_ALPHABET)}
    inner_values = np.array([alphabet[character] for character in "0X987654321"])[total % 11]
    fixed = np.array([alphabet[character] for character in f"{CREDIT_PREFIX}MA"])
    values = np.concatenate([np.broadcast_to(fixed, (count, len(fixed))), inner_digits, inner_values[:, None]], axis=1)
    checks = words(tuple(CREDIT_ALPHABET), -(values @ np.array(CREDIT_WEIGHTS)) % 31)
    return _joined(f"{CREDIT_PREFIX}MA", pl.Series(numbers).cast(pl.String).str.zfill(6), inner, checks)


def booklet_numbers(count: int) -> pl.Series:
    """Return `count` distinct numbers of household booklets."""
    return _joined("H", pl.Series(np.arange(1, count + 1)).cast(pl.String).str.zfill(9))


def record_numbers(prefix: str, count: int) -> pl.Series:
    """Return `count` distinct record numbers such as `HT00000001`."""
    return _joined(prefix, pl.Series(np.arange(1, count + 1)).cast(pl.String).str.zfill(8))


def phone_numbers(count: int, first: int = 0) -> pl.Series:
    """Return `count` distinct numbers in a range that no operator serves."""
    return pl.Series(np.arange(first, first + count) % 10**8 + _PHONE_PREFIX * 10**8).cast(pl.String)


def account_numbers(count: int, first: int = 0) -> pl.Series:
    """Return `count` distinct bank card numbers of 19 digits with a right Luhn digit."""
    body = np.arange(first, first + count, dtype=np.int64)
    prefix = np.full(count, int(_ACCOUNT_PREFIX), dtype=np.int64)
    digits = np.concatenate([digits_of(prefix, 6), digits_of(body, 12)], axis=1)
    doubled = digits.copy()
    doubled[:, 1::2] *= 2
    doubled = np.where(doubled > 9, doubled - 9, doubled)
    checks = -doubled.sum(axis=1) % 10
    return _joined(_ACCOUNT_PREFIX, pl.Series(body).cast(pl.String).str.zfill(12), pl.Series(checks).cast(pl.String))
