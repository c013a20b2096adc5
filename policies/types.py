"""The value types of the rule language.

Every number is a scaled integer: a value of scale `s` is the integer number of 10**-s units. Money is
the number type with unit `yuan` and scale 2, so its integers are fen. A date is the integer number of
days since 1970-01-01. There is no binary floating point anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

EPOCH = date(1970, 1, 1)
INT64_LOW, INT64_HIGH = -(2**63), 2**63 - 1
MONEY_SCALE = 2

# What one value is at run time, in every engine: None is the unknown of three-valued logic.
Value: TypeAlias = bool | int | str | None


@dataclass(frozen=True, slots=True)
class Bool:
    """True, false, or unknown."""


@dataclass(frozen=True, slots=True)
class Number:
    """A scaled integer.

    `scale` is the number of decimal places, `unit` a word such as `yuan`, `months`, `people` or None
    for a plain number, `low` and `high` the inclusive bounds of the scaled integer. An `age` is counted in `years`;
    `calendar_year` is the number of a year.
    """

    scale: int = 0
    unit: str | None = None
    low: int = -(10**15)
    high: int = 10**15

    @property
    def is_money(self) -> bool:
        """True for yuan; with scale 2 the integers are fen."""
        return self.unit == "yuan"


def are_of_one_kind(one: str | None, other: str | None) -> bool:
    """Return whether numbers of two units can be compared and added: an age is so many years."""
    return one == other or {one, other} == {"age", "years"}


@dataclass(frozen=True, slots=True)
class Date:
    """A calendar day, as days since 1970-01-01."""


@dataclass(frozen=True, slots=True)
class Text:
    """Free text; only equality and membership are defined on it."""


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a named code set, such as `region` or `size_class`; kept as text."""

    code_set: str


Type: TypeAlias = Bool | Number | Date | Text | Code


def to_day_number(day: date) -> int:
    """Return the days from 1970-01-01 to `day`."""
    return (day - EPOCH).days


def from_day_number(number: int) -> date:
    """Return the calendar day that lies `number` days after 1970-01-01."""
    return EPOCH + timedelta(days=number)
