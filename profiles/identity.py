"""Identity numbers: whether one can exist, how it is written, and the pseudonym that stands for it.

A resident number follows GB 11643-1999, a unified social credit code GB 32100-2015 (its inner organisation
code GB 11714). The number of a person is never a source of facts about that person: the first six digits are
the place of *first* registration and stay for life, so any division code is accepted, abolished ones too.
The vectorised forms work on whole columns of text and never loop over rows, except for the keyed hash.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from hashlib import blake2b

import numpy as np
import polars as pl

from profiles.home import Home
from profiles.secret import derived_key, secret_key

RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
RESIDENT_CHECKS = "10X98765432"
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
PSEUDONYM_DIGITS = 32
ITEM_DIGITS = 16

_RESIDENT_SHAPE = r"^[0-9]{17}[0-9X]$"
_LEGACY_SHAPE = r"^[0-9]{15}$"
_CREDIT_SHAPE = r"^[0-9A-HJ-NPQRTUWXY]{18}$"
# Household booklets have no national check character; only their shape can be looked at.
_OTHER_SHAPE = r"^[0-9A-Z][0-9A-Z-]{3,31}$"

# The value of each byte in the 31-character alphabet; 255: not in it.
_CREDIT_VALUES = np.full(256, 255, dtype=np.uint8)
for _value, _character in enumerate(CREDIT_ALPHABET):
    _CREDIT_VALUES[ord(_character)] = _value
_CREDIT_CHECKS = np.frombuffer(CREDIT_ALPHABET.encode(), dtype=np.uint8)
_RESIDENT_CHECK_BYTES = np.frombuffer(RESIDENT_CHECKS.encode(), dtype=np.uint8)
# What a well-shaped number may still get wrong; 0 stands for nothing.
_REASONS = ("", "future-birth", "impossible-date", "wrong-checksum")
_DAYS_IN_MONTH = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)


def resident_check_character(first_seventeen: str) -> str:
    """Return the 18th character of a resident number whose first 17 digits are given."""
    total = sum(int(digit) * weight for digit, weight in zip(first_seventeen, RESIDENT_WEIGHTS, strict=True))
    return RESIDENT_CHECKS[total % 11]


def credit_check_character(first_seventeen: str) -> str:
    """Return the 18th character of a unified social credit code whose first 17 are given."""
    total = sum(
        CREDIT_ALPHABET.index(character) * weight
        for character, weight in zip(first_seventeen, CREDIT_WEIGHTS, strict=True)
    )
    return CREDIT_ALPHABET[-total % 31]


def organisation_check_character(first_eight: str) -> str:
    """Return the check character of an organisation code (GB 11714), the 17th of a credit code."""
    total = sum(int(char, 36) * weight for char, weight in zip(first_eight, ORGANISATION_WEIGHTS, strict=True))
    return "0X987654321"[total % 11]


def to_eighteen_digits(number: str) -> str:
    """Return the 18-character form of a legacy 15-digit resident number; any other text unchanged."""
    if not re.match(_LEGACY_SHAPE, number, re.ASCII):
        return number
    first_seventeen = number[:6] + "19" + number[6:]
    return first_seventeen + resident_check_character(first_seventeen)


def normalised(space: str, number: str) -> str:
    """Return the one form of `number` that is stored and hashed: trimmed, upper case, 18 digits."""
    plain = number.strip().upper()
    return to_eighteen_digits(plain) if space == "citizen" else plain


def normalised_column(space: str, numbers: pl.Series) -> pl.Series:
    """Return `normalised` for a column of text; null stays null."""
    plain = numbers.str.strip_chars().str.to_uppercase()
    if space != "citizen":
        return plain
    legacy = plain.str.contains(_LEGACY_SHAPE)
    if not legacy.any():
        return plain
    upgraded = pl.Series([to_eighteen_digits(number) for number in plain.filter(legacy)], dtype=pl.String)
    return plain.scatter(legacy.arg_true(), upgraded)


def is_valid_citizen_number(number: str, on: date | None = None) -> bool:
    """Return whether `number` (18 characters, or 15 of the legacy form) can be a resident number.

    The shape, the calendar date and the check character are looked at; with `on`, the date may not lie
    after that day. Residence permits of 81, 82 and 83 have the same shape.
    """
    return citizen_number_faults(pl.Series([normalised("citizen", number)]), on)[0] is None


def is_valid_credit_code(code: str) -> bool:
    """Return whether `code` can be a unified social credit code: alphabet, length, check character."""
    return credit_code_faults(pl.Series([normalised("enterprise", code)]))[0] is None


def has_valid_organisation_check(code: str) -> bool:
    """Return whether the inner organisation code (GB 11714) of a credit code agrees with its own check.

    Some codes given out long ago do not, so a failure is worth a warning and never a refusal.
    """
    inner = normalised("enterprise", code)[8:17]
    return len(inner) == 9 and organisation_check_character(inner[:8]) == inner[8]


def organisation_check_failures(codes: pl.Series) -> int:
    """Return how many of the valid credit codes in `codes` fail the inner check of GB 11714."""
    shaped = codes.drop_nulls()
    shaped = shaped.filter(shaped.str.contains(_CREDIT_SHAPE))
    if shaped.len() == 0:
        return 0
    inner = _characters(shaped)[:, 8:17].astype(np.int64)
    values = np.where(inner[:, :8] <= ord("9"), inner[:, :8] - ord("0"), inner[:, :8] - ord("A") + 10)
    expected = np.frombuffer(b"0X987654321", dtype=np.uint8)[(values @ np.array(ORGANISATION_WEIGHTS)) % 11]
    return int((expected != inner[:, 8]).sum())


def _characters(numbers: pl.Series) -> np.ndarray:
    """Return an n x 18 matrix of bytes for texts of exactly 18 ASCII characters."""
    text: str = numbers.str.join("").item() if numbers.len() else ""
    return np.frombuffer(text.encode("ascii"), dtype=np.uint8).reshape(-1, 18)


def citizen_number_faults(numbers: pl.Series, on: date | None = None) -> pl.Series:
    """Return for each normalised number null (it can exist) or why not; null numbers give null.

    Reasons: `wrong-shape`, `impossible-date`, `future-birth`, `wrong-checksum`.
    """
    shaped = numbers.str.contains(_RESIDENT_SHAPE)
    faults = _shape_faults(numbers, shaped)
    candidates = shaped.fill_null(False).arg_true()
    if candidates.len() == 0:
        return faults
    characters = _characters(numbers.gather(candidates))
    digits = characters[:, :17].astype(np.int64) - 48
    year = digits[:, 6:10] @ np.array([1000, 100, 10, 1])
    month, day = digits[:, 10] * 10 + digits[:, 11], digits[:, 12] * 10 + digits[:, 13]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last_day = _DAYS_IN_MONTH[np.where(month <= 12, month, 0)] + (leap & (month == 2))
    real = (year >= 1800) & (year <= 2099) & (day >= 1) & (day <= last_day)
    expected = _RESIDENT_CHECK_BYTES[(digits @ np.array(RESIDENT_WEIGHTS)) % 11]
    wrong_check = expected != characters[:, 17]
    # A mistyped digit spoils both date and check; the check is the surer sign, so it is told first.
    reasons = np.zeros(len(characters), dtype=np.int8)
    if on is not None:
        born, today = year * 10_000 + month * 100 + day, on.year * 10_000 + on.month * 100 + on.day
        reasons[born > today] = _REASONS.index("future-birth")
    reasons[~real] = _REASONS.index("impossible-date")
    reasons[wrong_check] = _REASONS.index("wrong-checksum")
    return _with_reasons(faults, candidates, reasons)


def credit_code_faults(codes: pl.Series) -> pl.Series:
    """Return for each normalised credit code null, `wrong-shape` or `wrong-checksum`; null gives null."""
    shaped = codes.str.contains(_CREDIT_SHAPE)
    faults = _shape_faults(codes, shaped)
    candidates = shaped.fill_null(False).arg_true()
    if candidates.len() == 0:
        return faults
    characters = _characters(codes.gather(candidates))
    values = _CREDIT_VALUES[characters[:, :17]].astype(np.int64)
    expected = _CREDIT_CHECKS[-(values @ np.array(CREDIT_WEIGHTS)) % 31]
    reasons = np.zeros(len(characters), dtype=np.int8)
    reasons[expected != characters[:, 17]] = _REASONS.index("wrong-checksum")
    return _with_reasons(faults, candidates, reasons)


def other_number_faults(numbers: pl.Series) -> pl.Series:
    """Return null or `wrong-shape` for numbers without a check character (household booklets)."""
    return _shape_faults(numbers, numbers.str.contains(_OTHER_SHAPE))


def number_faults(space: str, numbers: pl.Series, on: date | None = None) -> pl.Series:
    """Return the faults of a column of normalised identity numbers of `space`."""
    if space == "citizen":
        return citizen_number_faults(numbers, on)
    if space == "enterprise":
        return credit_code_faults(numbers)
    return other_number_faults(numbers)


def number_fault(space: str, number: str, on: date | None = None) -> str | None:
    """Return what `number_faults` says of one normalised number, without the cost of a column."""
    if space == "citizen":
        return _citizen_number_fault(number, on)
    if space == "enterprise":
        if not re.fullmatch(_CREDIT_SHAPE, number, re.ASCII):
            return "wrong-shape"
        return None if credit_check_character(number[:17]) == number[17] else "wrong-checksum"
    return None if re.fullmatch(_OTHER_SHAPE, number, re.ASCII) else "wrong-shape"


def _citizen_number_fault(number: str, on: date | None) -> str | None:
    if not re.fullmatch(_RESIDENT_SHAPE, number, re.ASCII):
        return "wrong-shape"
    if resident_check_character(number[:17]) != number[17]:
        return "wrong-checksum"
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    try:
        born = date(year, month, day) if 1800 <= year <= 2099 else None
    except ValueError:
        born = None
    if born is None:
        return "impossible-date"
    return "future-birth" if on is not None and born > on else None


def _shape_faults(numbers: pl.Series, shaped: pl.Series) -> pl.Series:
    frame = pl.DataFrame({"number": numbers, "shaped": shaped})
    reason = pl.when(pl.col("number").is_not_null() & ~pl.col("shaped")).then(pl.lit("wrong-shape"))
    return frame.select(reason.alias("fault"))["fault"]


def _with_reasons(faults: pl.Series, places: pl.Series, reasons: np.ndarray) -> pl.Series:
    found = reasons.nonzero()[0]
    if len(found) == 0:
        return faults
    texts = pl.Series([_REASONS[reason] for reason in reasons[found].tolist()], dtype=pl.String)
    return faults.scatter(places.gather(found), texts)


def _keyed(key: bytes, space: str) -> Callable[[str], str]:
    """Return the function from a normalised number of `space` to its pseudonym."""
    # The space is part of the hashed text: the same digits in two spaces give unrelated pseudonyms.
    started = blake2b(f"{space}:".encode(), digest_size=PSEUDONYM_DIGITS // 2, key=key)

    def hashed(number: str) -> str:
        finished = started.copy()
        finished.update(number.encode())
        return finished.hexdigest()

    return hashed


def pseudonym(key: bytes, space: str, number: str) -> str:
    """Return the pseudonym (32 hexadecimal digits) of the holder of `number` in `space`."""
    return _keyed(key, space)(normalised(space, number))


def pseudonyms(key: bytes, space: str, numbers: pl.Series) -> pl.Series:
    """Return the pseudonyms of a column of normalised numbers; null stays null."""
    hashed = _keyed(key, space)
    return pl.Series(
        numbers.name,
        [None if number is None else hashed(number) for number in numbers.to_list()],
        dtype=pl.String,
    )


def item_pseudonym(key: bytes, source: str, text: str) -> str:
    """Return the id (16 hexadecimal digits) of the item that a source numbers `text` (or of that member)."""
    # Numbers of contracts and certificates may hold identity numbers: the store keeps a keyed hash only.
    return _keyed(key, f"item:{source}")(text)[:ITEM_DIGITS]


def subject_of(home: Home, space: str, number: str) -> str:
    """Return the pseudonym that `home` uses for the holder of an identity number (any accepted form)."""
    return pseudonym(derived_key(secret_key(home), "pseudonym"), space, number)


def masked(number: str) -> str:
    """Return `110105********002X` for an identity number: enough to recognise, too little to use."""
    if len(number) >= 15:
        return f"{number[:6]}{'*' * (len(number) - 10)}{number[-4:]}"
    return f"{number[:2]}{'*' * max(len(number) - 2, 1)}"
