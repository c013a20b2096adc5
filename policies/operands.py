"""What the checker carries while it builds the tree: nodes, and quotients that are not yet settled.

A division gives a `Quotient`, an exact fraction of two integers. It is no node: it must end in a
comparison (cross-multiplication) or in a rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from policies.source import Spot
from policies.text import Bilingual
from policies.tree import If, Literal, Maximum, Minimum, Multiply, Node
from policies.types import INT64_HIGH, INT64_LOW, Bool, Code, Date, Number, Text, Type

SCALE_LIMIT = 18


@dataclass(frozen=True, slots=True)
class Quotient:
    """`numerator / denominator`, both numbers; `unit` is the unit of the fraction's value."""

    numerator: Node
    denominator: Node
    unit: str | None


Operand: TypeAlias = Node | Quotient


def type_name(kind: Type | None) -> Bilingual:
    """Return how people call a type; None stands for a quotient."""
    if isinstance(kind, Bool):
        return Bilingual("是非判断", "a condition (true or false)")
    if isinstance(kind, Number):
        if kind.is_money:
            return Bilingual("金额", "an amount of money")
        return Bilingual(f"数（{kind.unit}）", f"a number ({kind.unit})") if kind.unit else Bilingual("数", "a number")
    if isinstance(kind, Date):
        return Bilingual("日期", "a date")
    if isinstance(kind, Code):
        return Bilingual(f"`{kind.code_set}` 代码", f"a code of `{kind.code_set}`")
    if isinstance(kind, Text):
        return Bilingual("文字", "a text")
    return Bilingual("未取整的商", "a quotient that is not rounded")


def type_of(operand: Operand) -> Type | None:
    """Return the type of a node, None for a quotient."""
    return None if isinstance(operand, Quotient) else operand.type


def is_number(operand: Operand) -> bool:
    """True for numeric nodes and quotients."""
    return isinstance(operand, Quotient) or isinstance(operand.type, Number)


def number_of(node: Node) -> Number:
    """Return the type of a node that is known to be numeric."""
    assert isinstance(node.type, Number)
    return node.type


def is_bare(operand: Operand) -> bool:
    """True if the operand consists of number literals without a unit: it takes the unit of its neighbour."""
    if isinstance(operand, Quotient):
        return False
    if isinstance(operand, Literal):
        return isinstance(operand.type, Number) and operand.type.unit is None and operand.value is not None
    if isinstance(operand, If):
        return is_bare(operand.then) and is_bare(operand.otherwise)
    if isinstance(operand, Minimum | Maximum):
        return all(is_bare(child) for child in operand.children)
    return False


def with_unit(node: Node, unit: str) -> Node:
    """Return a bare node in `unit`."""
    kind = replace(number_of(node), unit=unit)
    if isinstance(node, If):
        return replace(node, type=kind, then=with_unit(node.then, unit), otherwise=with_unit(node.otherwise, unit))
    if isinstance(node, Minimum | Maximum):
        return replace(node, type=kind, children=tuple(with_unit(child, unit) for child in node.children))
    return replace(node, type=kind)


def integer_literal(value: int, unit: str | None = None, scale: int = 0) -> Literal:
    """Return the literal of a scaled integer, with itself as bounds."""
    return Literal(Number(scale, unit, value, value), value)


def decimal_literal(value: Decimal, spot: Spot, unit: str | None = None) -> Literal:
    """Return the literal of a decimal, in the scale of its digits without trailing zeros."""
    sign, digits, exponent = value.normalize().as_tuple()
    assert isinstance(exponent, int)
    scale = max(-exponent, 0)
    integer = int("".join(map(str, digits)) or "0") * 10 ** max(exponent, 0) * (-1 if sign else 1)
    if scale > SCALE_LIMIT or not INT64_LOW <= integer <= INT64_HIGH:
        raise spot.error(
            "number-too-long",
            f"数字 `{spot.text}` 的位数过多",
            f"the number `{spot.text}` has too many digits",
            "减少小数位数",
            "use fewer digits",
        )
    return integer_literal(integer, unit, scale)


def aligned(node: Node, scale: int, spot: Spot) -> Node:
    """Return `node` at a scale that is not smaller than its own."""
    kind = number_of(node)
    if kind.scale == scale:
        return node
    factor = 10 ** (scale - kind.scale)
    if isinstance(node, Literal) and isinstance(node.value, int):
        value = node.value * factor
        check_range(value, value, spot)
        return Literal(replace(kind, scale=scale, low=value, high=value), value)
    low, high = kind.low * factor, kind.high * factor
    check_range(low, high, spot)
    if isinstance(node, If):
        # The factor goes to the branches, where it mostly meets literals.
        then, otherwise = aligned(node.then, scale, spot), aligned(node.otherwise, scale, spot)
        return replace(node, type=replace(kind, scale=scale, low=low, high=high), then=then, otherwise=otherwise)
    return Multiply(replace(kind, scale=scale, low=low, high=high), node, integer_literal(factor))


def check_range(low: int, high: int, spot: Spot) -> None:
    """Raise PolicyError `may-overflow` unless both bounds fit into 64 bits."""
    if low >= INT64_LOW and high <= INT64_HIGH:
        return
    raise spot.error(
        "may-overflow",
        f"`{spot.text}` 的取值范围 [{magnitude(low)}, {magnitude(high)}]（最小单位）超出 64 位整数",
        f"`{spot.text}` may range over [{magnitude(low)}, {magnitude(high)}]: more than 64 bits hold",
        "在目录中写明属性的取值范围，或先取整再相乘",
        "declare tighter ranges in the catalog, or round before multiplying",
    )


def magnitude(value: int) -> str:
    """Return an integer for people: exact if short, else as `-3.2e21`, without binary floats."""
    digits = str(abs(value))
    if len(digits) <= 9:
        return f"{value:,}"
    return f"{'-' if value < 0 else ''}{digits[0]}.{digits[1]}e{len(digits) - 1}"
