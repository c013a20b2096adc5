"""Exact arithmetic on operands: units, scales and ranges are settled here.

Adding and comparing bring both sides to one unit and one scale; multiplying adds the scales; dividing
gives a `Quotient`. The range of every result is worked out from the ranges of its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from policies.errors import PolicyError
from policies.operands import (
    Operand,
    Quotient,
    aligned,
    check_range,
    integer_literal,
    is_bare,
    number_of,
    type_name,
    with_unit,
)
from policies.source import Spot
from policies.tree import (
    Add,
    Compare,
    CompareRatio,
    Comparison,
    If,
    Literal,
    Maximum,
    Minimum,
    Multiply,
    Node,
    Round,
    RoundingMode,
    Subtract,
)
from policies.types import Bool, Number, are_of_one_kind

TURNED: dict[Comparison, Comparison] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def numeric(operand: Operand, spot: Spot) -> Operand:
    """Return the operand if it is a number. Raises PolicyError `wrong-type` otherwise."""
    if isinstance(operand, Quotient) or isinstance(operand.type, Number):
        return operand
    name = type_name(operand.type)
    raise spot.error(
        "wrong-type",
        f"`{spot.text}` 是{name.zh}，这里需要数",
        f"`{spot.text}` is {name.en}; a number is needed here",
        "换成数值属性、参数或计算",
        "use a numeric attribute, a parameter or a computation",
    )


def rounded_number(operand: Operand, spot: Spot) -> Node:
    """Return the operand if it is a number and no quotient. Raises PolicyError otherwise."""
    found = numeric(operand, spot)
    if not isinstance(found, Quotient):
        return found
    raise spot.error(
        "quotient-needs-rounding",
        f"`{spot.text}` 是除法的结果，可能除不尽",
        f"`{spot.text}` is the result of a division and may not come out even",
        "用 round_half_up、round_down 或 round_up 写明如何取整",
        "say how it is rounded: round_half_up, round_down or round_up",
    )


def unit_of(operand: Operand) -> str | None:
    """Return the unit of a numeric operand."""
    return operand.unit if isinstance(operand, Quotient) else number_of(operand).unit


def same_unit(left: Operand, right: Operand, spot: Spot) -> tuple[Operand, Operand]:
    """Return both operands in one unit: bare numbers take the other side's. Raises `unit-mismatch`."""
    one, other = unit_of(left), unit_of(right)
    if are_of_one_kind(one, other):
        return left, right
    if other is None and is_bare(right) and one is not None and not isinstance(right, Quotient):
        return left, with_unit(right, one)
    if one is None and is_bare(left) and other is not None and not isinstance(left, Quotient):
        return with_unit(left, other), right
    if (one is None or other is None) and "yuan" not in (one, other):
        return left, right
    raise unit_mismatch(one, other, spot)


def unit_mismatch(one: str | None, other: str | None, spot: Spot) -> PolicyError:
    """Return the error of two units that do not go together."""
    help_zh, help_en = "两边应使用同一单位", "bring both sides to the same unit"
    if "yuan" in (one, other) and None in (one, other):
        help_zh = "金额参数请写 `unit: yuan`，或用 yuan(…) 把数变成金额"
        help_en = "declare the parameter's `unit: yuan`, or make the number money with yuan(...)"
    return spot.error(
        "unit-mismatch",
        f"`{spot.text}` 把单位 `{one or '无'}` 与 `{other or '无'}` 放在一起",
        f"`{spot.text}` puts the unit `{one or 'none'}` together with `{other or 'none'}`",
        help_zh,
        help_en,
    )


def same_scale(nodes: Sequence[Node], spot: Spot) -> tuple[Node, ...]:
    """Return all nodes at the largest of their scales."""
    scale = max(number_of(node).scale for node in nodes)
    return tuple(aligned(node, scale, spot) for node in nodes)


def make(low: int, high: int, scale: int, unit: str | None, spot: Spot) -> Number:
    """Return a number type after checking its range."""
    check_range(low, high, spot)
    return Number(scale, unit, low, high)


def negative(operand: Operand, spot: Spot) -> Operand:
    """Return `-operand`."""
    if isinstance(operand, Quotient):
        return replace(operand, numerator=_node(negative(operand.numerator, spot)))
    return add(integer_literal(0, unit_of(operand), number_of(operand).scale), operand, spot, subtract=True)


def _node(operand: Operand) -> Node:
    assert not isinstance(operand, Quotient)
    return operand


def add(left: Operand, right: Operand, spot: Spot, *, subtract: bool = False) -> Operand:
    """Return `left + right` or `left - right`."""
    left, right = same_unit(left, right, spot)
    if isinstance(left, Quotient) or isinstance(right, Quotient):
        return _add_quotients(as_quotient(left), as_quotient(right), spot, subtract)
    first, second = same_scale((left, right), spot)
    a, b = number_of(first), number_of(second)
    low, high = (a.low - b.high, a.high - b.low) if subtract else (a.low + b.low, a.high + b.high)
    unit = a.unit or b.unit
    if isinstance(first, Literal) and isinstance(second, Literal):
        check_range(low, high, spot)
        return integer_literal(low, unit, a.scale)
    kind = make(low, high, a.scale, unit, spot)
    return (Subtract if subtract else Add)(kind, first, second)


def as_quotient(operand: Operand) -> Quotient:
    """Return the operand as a fraction."""
    if isinstance(operand, Quotient):
        return operand
    return Quotient(operand, integer_literal(1), number_of(operand).unit)


def _plain(node: Node) -> Node:
    """Return the node without its unit, for computing with parts of fractions."""
    return replace(node, type=replace(number_of(node), unit=None))


def _add_quotients(left: Quotient, right: Quotient, spot: Spot, subtract: bool) -> Quotient:
    first = multiply(_plain(left.numerator), _plain(right.denominator), spot)
    second = multiply(_plain(right.numerator), _plain(left.denominator), spot)
    numerator = add(first, second, spot, subtract=subtract)
    denominator = multiply(_plain(left.denominator), _plain(right.denominator), spot)
    return Quotient(_node(numerator), _node(denominator), left.unit or right.unit)


def product_unit(one: str | None, other: str | None, spot: Spot) -> str | None:
    """Return the unit of a product: money times a count is money; money times money is refused."""
    if one == "yuan" and other == "yuan":
        raise spot.error(
            "unit-mismatch",
            f"`{spot.text}` 把金额与金额相乘",
            f"`{spot.text}` multiplies money by money",
            "其中一个应为不带单位的数",
            "one of the two must be a plain number",
        )
    if "yuan" in (one, other):
        return "yuan"
    if one is None or other is None:
        return one or other
    return None


def multiply(left: Operand, right: Operand, spot: Spot) -> Operand:
    """Return `left * right`."""
    unit = product_unit(unit_of(left), unit_of(right), spot)
    if isinstance(left, Quotient) or isinstance(right, Quotient):
        one, other = as_quotient(left), as_quotient(right)
        numerator = multiply(_plain(one.numerator), _plain(other.numerator), spot)
        denominator = multiply(_plain(one.denominator), _plain(other.denominator), spot)
        return Quotient(_node(numerator), _node(denominator), unit)
    a, b = number_of(left), number_of(right)
    corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    scale = a.scale + b.scale
    kind = make(min(corners), max(corners), scale, unit, spot)
    if isinstance(left, Literal) and isinstance(right, Literal):
        return _shortest(integer_literal(kind.low, unit, scale))
    if isinstance(right, Literal) and right.value == 1:
        return replace(left, type=kind)
    return Multiply(kind, left, right)


def _shortest(literal: Literal) -> Literal:
    value, scale = literal.value, number_of(literal).scale
    assert isinstance(value, int)
    while scale > 0 and value % 10 == 0:
        value, scale = value // 10, scale - 1
    return integer_literal(value, number_of(literal).unit, scale)


def divide(left: Operand, right: Operand, spot: Spot) -> Operand:
    """Return `left / right` as a fraction; literals that come out even are worked out."""
    if isinstance(right, Literal) and right.value == 0:
        raise spot.error(
            "division-by-zero",
            f"`{spot.text}` 除以零",
            f"`{spot.text}` divides by zero",
            "改正除数",
            "correct the divisor",
        )
    one, other = unit_of(left), unit_of(right)
    unit = None if are_of_one_kind(one, other) or (other is not None and one != "yuan") else one
    if other == "yuan" and one != "yuan":
        raise unit_mismatch(one, other, spot)
    if isinstance(left, Literal) and isinstance(right, Literal):
        even = _even(left, right, unit)
        if even is not None:
            return even
    a, b = as_quotient(left), as_quotient(right)
    numerator = multiply(_plain(a.numerator), _plain(b.denominator), spot)
    denominator = multiply(_plain(a.denominator), _plain(b.numerator), spot)
    return Quotient(_node(numerator), _node(denominator), unit)


def _even(left: Literal, right: Literal, unit: str | None) -> Literal | None:
    assert isinstance(left.value, int) and isinstance(right.value, int)
    numerator = left.value * 10 ** number_of(right).scale
    denominator = right.value * 10 ** number_of(left).scale
    for scale in range(7):
        value, rest = divmod(numerator * 10**scale, denominator)
        if rest == 0:
            return integer_literal(value, unit, scale)
    return None


def compare(operator: Comparison, left: Operand, right: Operand, spot: Spot) -> Node:
    """Return the comparison of two numbers or fractions."""
    left, right = same_unit(left, right, spot)
    if isinstance(left, Quotient) and isinstance(right, Quotient):
        difference = _add_quotients(left, right, spot, subtract=True)
        zero = integer_literal(0)
        return CompareRatio(Bool(), operator, difference.numerator, difference.denominator, zero)
    if isinstance(right, Quotient):
        return compare(TURNED[operator], right, left, spot)
    if isinstance(left, Quotient):
        return _compare_ratio(operator, left, right, spot)
    first, second = same_scale((left, right), spot)
    return Compare(Bool(), operator, first, second)


def _compare_ratio(operator: Comparison, left: Quotient, right: Node, spot: Spot) -> Node:
    numerator, denominator, number = left.numerator, left.denominator, right
    shift = number_of(denominator).scale + number_of(right).scale - number_of(numerator).scale
    if shift >= 0:
        numerator = _times(numerator, 10**shift, spot)
    else:
        number = _times(number, 10**-shift, spot)
    a, b = number_of(denominator), number_of(number)
    corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    check_range(min(corners), max(corners), spot)
    return CompareRatio(Bool(), operator, numerator, denominator, number)


def _times(node: Node, factor: int, spot: Spot) -> Node:
    """Return the scaled integer of `node` times `factor`; the scale is no longer of interest."""
    if factor == 1:
        return node
    kind = number_of(node)
    bare = replace(node, type=replace(kind, scale=0, unit=None))
    return _node(multiply(bare, integer_literal(factor), spot))


def round_to_scale(operand: Operand, scale: int, mode: RoundingMode, spot: Spot, step: int = 1) -> Node:
    """Return the operand rounded to a multiple of `step` units of 10**-scale, at that scale."""
    unit = unit_of(operand)
    if isinstance(operand, Quotient):
        numerator, denominator = operand.numerator, operand.denominator
        shift = scale + number_of(denominator).scale - number_of(numerator).scale
    else:
        if step == 1 and number_of(operand).scale <= scale:
            return aligned(operand, scale, spot)
        numerator, denominator = operand, integer_literal(1)
        shift = scale - number_of(operand).scale
    if shift >= 0:
        numerator = _times(numerator, 10**shift, spot)
    else:
        denominator = _times(denominator, 10**-shift, spot)
    denominator = _times(denominator, step, spot)
    rounded = _round(numerator, denominator, mode, Number(scale, unit), spot)
    if step == 1:
        return rounded
    kind = number_of(rounded)
    check_range(kind.low * step, kind.high * step, spot)
    whole = replace(kind, low=kind.low * step, high=kind.high * step)
    if isinstance(rounded, Literal) and isinstance(rounded.value, int):
        return Literal(whole, rounded.value * step)
    return Multiply(whole, rounded, integer_literal(step))


def _round(numerator: Node, denominator: Node, mode: RoundingMode, kind: Number, spot: Spot) -> Node:
    a, b = number_of(numerator), number_of(denominator)
    if b.low > 0:
        smallest = b.low
    else:
        smallest = -b.high if b.high < 0 else 1
    largest = max(abs(a.low), abs(a.high))
    check_range(-2 * largest - max(abs(b.low), abs(b.high)), 2 * largest + max(abs(b.low), abs(b.high)), spot)
    bound = -(-largest // smallest)
    low = 0 if a.low >= 0 and b.low >= 0 else -bound
    high = 0 if a.high <= 0 and b.low >= 0 else bound
    return Round(replace(kind, low=low, high=high), numerator, denominator, mode)


def smallest_or_largest(operands: Sequence[Operand], spot: Spot, *, largest: bool) -> Operand:
    """Return the minimum or maximum of numbers; with a fraction among them, by comparing pairwise."""
    unified = list(operands)
    for position in range(1, len(unified)):
        unified[0], unified[position] = same_unit(unified[0], unified[position], spot)
    for position in range(1, len(unified)):
        unified[0], unified[position] = same_unit(unified[0], unified[position], spot)
    if any(isinstance(one, Quotient) for one in unified):
        found = unified[0]
        for one in unified[1:]:
            found = choose(compare(">=" if largest else "<=", found, one, spot), found, one, spot)
        return found
    nodes = same_scale([_node(one) for one in unified], spot)
    kinds = [number_of(node) for node in nodes]
    unit = next((kind.unit for kind in kinds if kind.unit), None)
    pick = max if largest else min
    kind = Number(kinds[0].scale, unit, pick(k.low for k in kinds), pick(k.high for k in kinds))
    return (Maximum if largest else Minimum)(kind, nodes)


def choose(condition: Node, then: Operand, otherwise: Operand, spot: Spot) -> Operand:
    """Return `then if condition else otherwise` for two numbers or fractions."""
    then, otherwise = same_unit(then, otherwise, spot)
    if isinstance(then, Quotient) or isinstance(otherwise, Quotient):
        one, other = as_quotient(then), as_quotient(otherwise)
        numerator = choose(condition, _plain(one.numerator), _plain(other.numerator), spot)
        denominator = choose(condition, _plain(one.denominator), _plain(other.denominator), spot)
        return Quotient(_node(numerator), _node(denominator), one.unit or other.unit)
    first, second = same_scale((then, otherwise), spot)
    a, b = number_of(first), number_of(second)
    kind = Number(a.scale, a.unit or b.unit, min(a.low, b.low), max(a.high, b.high))
    return If(kind, condition, first, second)


def lowest_of(operand: Operand) -> int:
    """Return a lower bound that has the sign of the operand's lowest value."""
    if isinstance(operand, Quotient):
        a, b = number_of(operand.numerator), number_of(operand.denominator)
        return 0 if a.low >= 0 and b.low >= 0 else -1
    return number_of(operand).low
