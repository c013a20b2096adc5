"""The values of parameters: their common type, unit, scale and range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from policies.document import Located, Scalar
from policies.document_errors import fail, shortened
from policies.errors import Place
from policies.foreign_signs import is_like_a_number, number_remedy
from policies.operands import SCALE_LIMIT, type_name
from policies.text import Bilingual
from policies.types import (
    INT64_HIGH,
    INT64_LOW,
    MONEY_SCALE,
    Bool,
    Date,
    Number,
    Text,
    Type,
    Value,
    to_day_number,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One value as it stands in the file."""

    value: object
    place: Place


def one_value(located: Located) -> object:
    """Return the value of a scalar. Raises PolicyError for lists and mappings."""
    if isinstance(located, Scalar):
        return located.value
    raise fail(
        located.place,
        "wrong-type",
        "这里需要一个值",
        "a single value is needed here",
        "以键查值的表要写 `by:` 或 `by_region: true`；分级写 `scale:`",
        "a table needs `by:` or `by_region: true`, brackets need `scale:`",
    )


def type_of_entries(name: str, unit: str | None, entries: Sequence[Entry]) -> Type:
    """Return the one type of all entries, with their bounds. Raises PolicyError if they differ."""
    known = [entry for entry in entries if entry.value is not None]
    kinds = [_kind_of(entry.value) for entry in known]
    for entry, kind in zip(known, kinds, strict=True):
        if kind is not kinds[0] or (unit is not None and kind is not Number):
            wanted = type_name(Number(0, unit) if unit is not None else _example_type(kinds[0]))
            remedy = _number_in_words(entry) or Bilingual(
                "同一参数的值应为同一类型；数不加引号",
                "all values of a parameter are of one type; numbers have no quotes",
            )
            raise fail(
                entry.place,
                "wrong-type",
                f"`{shortened(str(entry.value))}` 与参数 `{name}` 的类型不符（应为{wanted.zh}）",
                f"`{shortened(str(entry.value))}` does not fit the parameter `{name}`, which is {wanted.en}",
                remedy.zh,
                remedy.en,
            )
    if not known:
        return Number(MONEY_SCALE if unit == "yuan" else 0, unit, 0, 0)
    _refuse_numbers_in_words(name, known)
    if kinds[0] is not Number:
        return _example_type(kinds[0])
    numbers = [Decimal(str(entry.value)) for entry in known]
    scale = max([MONEY_SCALE if unit == "yuan" else 0, *(_places(number) for number in numbers)])
    for entry, number in zip(known, numbers, strict=True):
        too_fine = _places(number) > SCALE_LIMIT
        if too_fine or (scale <= SCALE_LIMIT and not INT64_LOW <= _to_scale(number, scale) <= INT64_HIGH):
            raise fail(
                entry.place,
                "number-too-long",
                f"数字 `{entry.value}` 的位数过多",
                f"the number `{entry.value}` has too many digits",
                "减少位数",
                "use fewer digits",
            )
    scaled = [_to_scale(number, scale) for number in numbers]
    return Number(scale, unit, min(scaled), max(scaled))


def _refuse_numbers_in_words(name: str, entries: Sequence[Entry]) -> None:
    for entry in entries:
        remedy = _number_in_words(entry)
        if remedy is not None:
            raise fail(
                entry.place,
                "wrong-type",
                f"参数 `{name}` 的 `{shortened(str(entry.value))}` 会被读成文字，不是数字",
                f"`{shortened(str(entry.value))}` in the parameter `{name}` is read as a text and not as a number",
                remedy.zh,
                remedy.en,
            )


def _number_in_words(entry: Entry) -> Bilingual | None:
    """Return how to write a number that stands there as a text, such as `1e3` or `200元`, or None."""
    return number_remedy(entry.value) if isinstance(entry.value, str) and is_like_a_number(entry.value) else None


def scaled(entry: Entry, kind: Type) -> Value:
    """Return an entry in the form of the engines."""
    value = entry.value
    if isinstance(kind, Number) and isinstance(value, int | Decimal):
        return _to_scale(Decimal(str(value)), kind.scale)
    if isinstance(value, date):
        return to_day_number(value)
    assert value is None or isinstance(value, bool | str)
    return value


def is_number(value: object) -> bool:
    """Return whether a value of the file is a number."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _kind_of(value: object) -> type:
    if isinstance(value, bool):
        return Bool
    if isinstance(value, int | Decimal):
        return Number
    return Date if isinstance(value, date) else Text


def _example_type(kind: type) -> Type:
    types: dict[type, Type] = {Bool: Bool(), Number: Number(), Date: Date(), Text: Text()}
    return types[kind]


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(-exponent, 0)


def _to_scale(number: Decimal, scale: int) -> int:
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    whole = int("".join(map(str, digits)) or "0") * (-1 if sign else 1)
    shift = exponent + scale
    return int(whole * 10**shift if shift >= 0 else whole // 10**-shift)
