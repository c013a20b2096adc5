"""Operators of the language: conditions, comparisons, membership, arithmetic and conditional values."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from policies.arithmetic import (
    add,
    choose,
    compare,
    divide,
    multiply,
    negative,
    numeric,
    rounded_number,
    unit_of,
)
from policies.codes import as_code, group_codes
from policies.errors import PolicyError
from policies.operands import (
    Operand,
    Quotient,
    is_number,
    number_of,
    type_name,
    type_of,
)
from policies.source import Spot
from policies.tree import Add, And, Compare, Comparison, If, In, Literal, Node, Not, Subtract
from policies.types import Bool, Code, Date, Number, Text, are_of_one_kind

if TYPE_CHECKING:
    from policies.expression import Lowering

DAYS_LIMIT = 1_000_000
DATE_DIFFERENCE = 800_000

_COMPARISONS: dict[type[ast.cmpop], Comparison] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


def as_condition(operand: Operand, spot: Spot) -> Node:
    """Return the operand if it is a condition. Raises PolicyError `not-a-condition`."""
    if not isinstance(operand, Quotient) and isinstance(operand.type, Bool):
        return operand
    name = type_name(type_of(operand))
    raise spot.error(
        "not-a-condition",
        f"`{spot.text}` 是{name.zh}，这里需要是非判断",
        f"`{spot.text}` is {name.en}; a condition is needed here",
        "把它与某个值比较，例如 `… >= 65`",
        "compare it with something, such as `... >= 65`",
    )


def lower_not(operand: Operand, spot: Spot) -> Node:
    """Return `not operand`."""
    return Not(Bool(), as_condition(operand, spot))


def mismatch(left: Operand, right: Operand, spot: Spot) -> PolicyError:
    """Return the error of two types that do not go together."""
    one, other = type_name(type_of(left)), type_name(type_of(right))
    return spot.error(
        "wrong-type",
        f"`{spot.text}` 的两边类型不同：{one.zh}与{other.zh}",
        f"the two sides of `{spot.text}` differ in type: {one.en} and {other.en}",
        "两边应是同类的值；日期写 date(2025, 1, 1)",
        "both sides must be of one kind; dates are written date(2025, 1, 1)",
    )


def chain(lowering: Lowering, node: ast.Compare) -> Node:
    """Return a comparison, or the conjunction of a chained one such as `60 <= age < 70`."""
    found = []
    left = node.left
    for operator, right in zip(node.ops, node.comparators, strict=True):
        part = ast.Compare(left, [operator], [right])
        part.col_offset = left.col_offset
        part.end_col_offset = right.end_col_offset
        found.append(_comparison(lowering, left, operator, right, lowering.source.at(part)))
        left = right
    return found[0] if len(found) == 1 else And(Bool(), tuple(found))


def _comparison(lowering: Lowering, left: ast.expr, operator: ast.cmpop, right: ast.expr, spot: Spot) -> Node:
    if isinstance(operator, ast.In | ast.NotIn):
        found = _membership(lowering, left, right, spot)
        return Not(Bool(), found) if isinstance(operator, ast.NotIn) else found
    symbol = _COMPARISONS.get(type(operator))
    if symbol is None:
        raise spot.error(
            "not-in-language",
            f"规则语言没有 `is`：`{spot.text}`",
            f"the rule language has no `is`: `{spot.text}`",
            "写 `==` 或 `!=`",
            "write `==` or `!=`",
        )
    return _compare(lowering, symbol, lowering.lower(left), lowering.lower(right), spot)


def _compare(lowering: Lowering, symbol: Comparison, left: Operand, right: Operand, spot: Spot) -> Node:
    if is_number(left) and is_number(right):
        return compare(symbol, left, right, spot)
    if isinstance(left, Quotient) or isinstance(right, Quotient):
        raise mismatch(left, right, spot)
    vocabulary = lowering.context.vocabulary
    if isinstance(left.type, Code) and isinstance(right, Literal) and isinstance(right.type, Text):
        right = as_code(right, left.type, vocabulary, spot)
    elif isinstance(right.type, Code) and isinstance(left, Literal) and isinstance(left.type, Text):
        left = as_code(left, right.type, vocabulary, spot)
    if left.type != right.type:
        raise mismatch(left, right, spot)
    if symbol not in ("==", "!=") and not isinstance(left.type, Date):
        name = type_name(left.type)
        raise spot.error(
            "wrong-type",
            f"`{spot.text}`：{name.zh}没有大小之分",
            f"`{spot.text}`: {name.en} has no order",
            "用 `==`、`!=` 或 `in`",
            "use `==`, `!=` or `in`",
        )
    return Compare(Bool(), symbol, left, right)


def _membership(lowering: Lowering, left: ast.expr, right: ast.expr, spot: Spot) -> Node:
    child = lowering.lower(left)
    where = lowering.source.at(right)
    if isinstance(child, Quotient) or not isinstance(child.type, Number | Text | Code):
        name = type_name(type_of(child))
        raise spot.error(
            "wrong-type",
            f"`in` 的左边应为代码、文字或数，这里是{name.zh}",
            f"the left side of `in` must be a code, a text or a number, not {name.en}",
            "改用比较",
            "use a comparison instead",
        )
    if isinstance(right, ast.Name):
        if not isinstance(child.type, Code):
            raise mismatch(child, Literal(Text(), ""), spot)
        return In(Bool(), child, group_codes(right.id, child.type, lowering.context.vocabulary, where))
    if not isinstance(right, ast.List | ast.Tuple | ast.Set) or not right.elts:
        raise where.error(
            "wrong-type",
            f"`in` 的右边应为非空列表或代码组，这里是 `{where.text}`",
            f"the right side of `in` must be a list with something in it, or a group, not `{where.text}`",
            '写成 ["M", "S"]；区划范围用 within(…)',
            'write ["M", "S"]; for regions use within(...)',
        )
    values = tuple(dict.fromkeys(_element(lowering, child, element) for element in right.elts))
    return In(Bool(), child, values)


def _element(lowering: Lowering, child: Node, element: ast.expr) -> int | str:
    spot = lowering.source.at(element)
    found = lowering.lower(element)
    if isinstance(found, Literal) and found.value is not None:
        value = _constant_like(lowering, child, found, spot)
        if value is not None:
            return value
    name = type_name(child.type)
    raise spot.error(
        "wrong-type",
        f"列表中的 `{spot.text}` 不是{name.zh}常量",
        f"`{spot.text}` in the list is not a constant of the same kind ({name.en})",
        "列表里只写与左边同类的常量",
        "list only constants of the kind on the left",
    )


def _constant_like(lowering: Lowering, child: Node, literal: Literal, spot: Spot) -> int | str | None:
    """Return a literal in the form of the values of `child`, or None if it is of another kind."""
    if isinstance(child.type, Code) and isinstance(literal.type, Text):
        return str(as_code(literal, child.type, lowering.context.vocabulary, spot).value)
    if isinstance(child.type, Text) and isinstance(literal.type, Text):
        return str(literal.value)
    if not isinstance(child.type, Number) or not isinstance(literal.type, Number):
        return None
    if literal.type.scale > child.type.scale or not (
        literal.type.unit is None or are_of_one_kind(literal.type.unit, child.type.unit)
    ):
        return None
    assert isinstance(literal.value, int)
    return int(literal.value * 10 ** (child.type.scale - literal.type.scale))


_ARITHMETIC: dict[type[ast.operator], Callable[..., Operand]] = {
    ast.Mult: multiply,
    ast.Div: divide,
}


def arithmetic(lowering: Lowering, node: ast.UnaryOp | ast.BinOp) -> Operand:
    """Return the value of `+ - * /` and of the unary minus."""
    spot = lowering.source.at(node)
    if isinstance(node, ast.UnaryOp):
        operand = numeric(lowering.lower(node.operand), lowering.source.at(node.operand))
        return negative(operand, spot) if isinstance(node.op, ast.USub) else operand
    left, right = lowering.lower(node.left), lowering.lower(node.right)
    subtract = isinstance(node.op, ast.Sub)
    if isinstance(node.op, ast.Add | ast.Sub):
        dates = _with_dates(lowering, left, right, spot, subtract)
        if dates is not None:
            return dates
    one, other = numeric(left, lowering.source.at(node.left)), numeric(right, lowering.source.at(node.right))
    if isinstance(node.op, ast.Add | ast.Sub):
        return add(one, other, spot, subtract=subtract)
    operation = _ARITHMETIC.get(type(node.op))
    if operation is None:
        raise spot.error(
            "not-in-language",
            f"规则语言没有这个运算符：`{spot.text}`",
            f"the rule language has no such operator: `{spot.text}`",
            "可用 + - * /；取整用 round_down(…)",
            "use + - * /; round with round_down(...)",
        )
    return operation(one, other, spot)


def _with_dates(lowering: Lowering, left: Operand, right: Operand, spot: Spot, subtract: bool) -> Node | None:
    first, second = isinstance(type_of(left), Date), isinstance(type_of(right), Date)
    if not first and not second:
        return None

    if first and second and subtract:
        return Subtract(Number(0, "days", -DATE_DIFFERENCE, DATE_DIFFERENCE), left, right)  # type: ignore[arg-type]
    if first and is_number(right):
        days = day_count(right, spot)
        return (Subtract if subtract else Add)(Date(), left, days)  # type: ignore[arg-type]
    if second and not subtract and is_number(left):
        return Add(Date(), right, day_count(left, spot))  # type: ignore[arg-type]
    raise spot.error(
        "wrong-type",
        f"`{spot.text}`：日期只能加减天数，或与日期相减",
        f"`{spot.text}`: to a date only days can be added; two dates can be subtracted",
        "加月、加年用 add_months(日期, n)、add_years(日期, n)",
        "for months and years use add_months(date, n) and add_years(date, n)",
    )


def day_count(operand: Operand, spot: Spot, unit: str = "days", limit: int = DAYS_LIMIT) -> Node:
    """Return a whole number of days (or months, years) that can be added to a date."""
    node = rounded_number(numeric(operand, spot), spot)
    if number_of(node).scale != 0:
        raise spot.error(
            "wrong-type",
            f"`{spot.text}`：加到日期上的必须是整数",
            f"`{spot.text}`: only a whole number can be added to a date",
            "用 round_down(…) 等取整",
            "round it, for example with round_down(...)",
        )
    told = unit_of(node)
    if told is not None and not are_of_one_kind(told, unit):
        raise spot.error(
            "unit-mismatch",
            f"`{spot.text}`：需要单位 `{unit}`，这里是 `{told}`",
            f"`{spot.text}`: the unit must be `{unit}`, not `{told}`",
            "用与单位相符的 add_days、add_months 或 add_years",
            "use the one of add_days, add_months and add_years that fits the unit",
        )
    kind = number_of(node)
    if kind.low < -limit or kind.high > limit:
        raise spot.error(
            "may-overflow",
            f"`{spot.text}`：可能加到日期上的数在 [{kind.low:,}, {kind.high:,}] 之间，超出历法范围",
            f"`{spot.text}`: what is added to the date ranges over [{kind.low:,}, {kind.high:,}], "
            "more than the calendar holds",
            "在目录中写明更小的取值范围，或用 min(…) 限制",
            "declare a tighter range in the catalog, or limit it with min(...)",
        )
    return node


def conditional(lowering: Lowering, node: ast.IfExp) -> Operand:
    """Return `then if condition else otherwise`."""
    condition = lowering.condition(node.test)
    then, otherwise = lowering.lower(node.body), lowering.lower(node.orelse)
    return either(lowering, condition, then, otherwise, lowering.source.at(node))


def either(lowering: Lowering, condition: Node, then: Operand, otherwise: Operand, spot: Spot) -> Operand:
    """Return the conditional value of two operands of one type."""
    if is_number(then) and is_number(otherwise):
        return choose(condition, then, otherwise, spot)
    if isinstance(then, Quotient) or isinstance(otherwise, Quotient):
        raise mismatch(then, otherwise, spot)
    one: Any = then
    other: Any = otherwise
    vocabulary = lowering.context.vocabulary
    if isinstance(one.type, Code) and isinstance(other, Literal) and isinstance(other.type, Text):
        other = as_code(other, one.type, vocabulary, spot)
    elif isinstance(other.type, Code) and isinstance(one, Literal) and isinstance(one.type, Text):
        one = as_code(one, other.type, vocabulary, spot)
    if one.type != other.type:
        raise mismatch(one, other, spot)
    return If(one.type, condition, one, other)
