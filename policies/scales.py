"""The brackets of progressive scales."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from policies.document import Items, Located, Mapping, Scalar
from policies.document_errors import fail
from policies.errors import Place, PolicyError
from policies.parameter_values import Entry, is_number, scaled, type_of_entries
from policies.tree import Literal


def brackets(located: Located, unit: str | None) -> Iterator[tuple[Literal, Literal]]:
    """Yield the brackets (from, rate) of a scale. Raises PolicyError unless they begin at 0 and rise."""
    previous: Decimal | int | None = None
    items = located.items if isinstance(located, Items) else ()
    for item in items:
        pair = (
            {key.value: value.value for key, value in item.entries if isinstance(value, Scalar)}
            if isinstance(item, Mapping)
            else {}
        )
        start, rate = pair.get("from"), pair.get("rate")
        if set(pair) != {"from", "rate"} or not (is_number(start) and is_number(rate)):
            raise _bad_brackets(item.place)
        assert isinstance(start, int | Decimal) and isinstance(rate, int | Decimal)
        if (previous is None and start != 0) or (previous is not None and start <= previous):
            raise fail(
                item.place,
                "brackets-out-of-order",
                "分级应从 0 开始，由低到高",
                "the brackets begin at 0 and rise",
                "第一级写 from: 0，其后递增",
                "begin with from: 0 and let each one be higher than the one before",
            )
        previous = start
        yield _literal(start, unit, item.place), _literal(rate, None, item.place)
    if previous is None:
        raise _bad_brackets(located.place)


def _bad_brackets(place: Place) -> PolicyError:
    return fail(
        place,
        "wrong-type",
        "分级应写成 {from: 数, rate: 数} 的列表",
        "a scale is a list of {from: number, rate: number}",
        "例：[{from: 0, rate: 0.03}, {from: 36000, rate: 0.1}]",
        "for example [{from: 0, rate: 0.03}, {from: 36000, rate: 0.1}]",
    )


def _literal(value: int | Decimal, unit: str | None, place: Place) -> Literal:
    kind = type_of_entries("", unit, [Entry(value, place)])
    return Literal(kind, scaled(Entry(value, place), kind))
