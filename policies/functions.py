"""The fixed list of functions, each checked for its arguments and lowered to nodes."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from policies.aggregates import AGGREGATES, aggregate, is_collection
from policies.arithmetic import numeric, round_to_scale, rounded_number, smallest_or_largest, unit_of
from policies.codes import within
from policies.date_functions import DATE_FUNCTIONS
from policies.errors import PolicyError
from policies.model_errors import did_you_mean
from policies.operands import Operand, is_bare, number_of, with_unit
from policies.periods import FIRST_DAY, LAST_DAY
from policies.source import Spot
from policies.table_reading import progressive, value_on
from policies.tree import Literal, Maximum, Minimum, Node, RoundingMode
from policies.types import Date, to_day_number

if TYPE_CHECKING:
    from policies.expression import Lowering


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language: how many arguments it takes, how it looks, and what it lowers to."""

    least: int
    most: int
    form: str
    lower: Callable[[Lowering, ast.Call], Operand]


def call(lowering: Lowering, node: ast.Call) -> Operand:
    """Lower a call. Raises PolicyError for unknown functions and wrong arguments."""
    spot = lowering.source.at(node)
    if not isinstance(node.func, ast.Name):
        raise _unknown(lowering.source.at(node.func).text, lowering.source.at(node.func))
    name = node.func.id
    if name in AGGREGATES and node.args and (name not in ("min", "max") or is_collection(lowering, node.args[0])):
        _check_arguments(node, spot, *AGGREGATES[name])
        return aggregate(lowering, name, node)
    function = FUNCTIONS.get(name)
    if function is None:
        raise _unknown(name, lowering.source.at(node.func))
    _check_arguments(node, spot, function.least, function.most, function.form)
    return function.lower(lowering, node)


def _check_arguments(node: ast.Call, spot: Spot, least: int, most: int, form: str) -> None:
    starred = any(isinstance(argument, ast.Starred) for argument in node.args)
    if not node.keywords and not starred and least <= len(node.args) <= most:
        return
    raise spot.error(
        "wrong-arguments",
        f"`{spot.text}` 的参数不对",
        f"`{spot.text}` has the wrong arguments",
        f"写成 {form}",
        f"it is written {form}",
    )


def _unknown(name: str, spot: Spot) -> PolicyError:
    suggestion = did_you_mean(name, FUNCTIONS)
    listed = ", ".join(FUNCTIONS)
    return spot.error(
        "unknown-function",
        f"没有名为 `{name}` 的函数",
        f"there is no function called `{name}`",
        f"是否想写 `{suggestion}`？" if suggestion else f"可用函数：{listed}",
        f"did you mean `{suggestion}`?" if suggestion else f"the functions are: {listed}",
    )


def _date(lowering: Lowering, node: ast.Call) -> Node:
    spot = lowering.source.at(node)
    parts = [part.value if isinstance(part, ast.Constant) else None for part in node.args]
    if all(type(part) is int for part in parts):
        try:
            day = date(*parts)  # type: ignore[arg-type]
        except (ValueError, OverflowError):
            day = date.min
        if FIRST_DAY <= day <= LAST_DAY:
            return Literal(Date(), to_day_number(day))
    raise spot.error(
        "bad-date",
        f"`{spot.text}` 不是一个日期",
        f"`{spot.text}` is not a day of the calendar",
        "写年、月、日三个整数，例如 date(2025, 1, 1)",
        "give year, month and day as whole numbers, such as date(2025, 1, 1)",
    )


def _least_or_most(largest: bool) -> Callable[[Lowering, ast.Call], Operand]:
    def lower(lowering: Lowering, node: ast.Call) -> Operand:
        spot = lowering.source.at(node)
        operands = [lowering.lower(argument) for argument in node.args]
        dates = [one for one in operands if isinstance(getattr(one, "type", None), Date)]
        if dates and len(dates) == len(operands):
            return (Maximum if largest else Minimum)(Date(), tuple(dates))  # type: ignore[arg-type]
        places = [lowering.source.at(argument) for argument in node.args]
        numbers = [numeric(one, place) for one, place in zip(operands, places, strict=True)]
        return smallest_or_largest(numbers, spot, largest=largest)

    return lower


def _rounding(mode: RoundingMode) -> Callable[[Lowering, ast.Call], Operand]:
    def lower(lowering: Lowering, node: ast.Call) -> Operand:
        spot = lowering.source.at(node)
        places = 0
        if len(node.args) == 2:
            given = node.args[1]
            if not isinstance(given, ast.Constant) or type(given.value) is not int or not 0 <= given.value <= 6:
                raise lowering.source.at(given).error(
                    "wrong-arguments",
                    f"小数位数应为 0 到 6 的整数，这里是 `{lowering.source.at(given).text}`",
                    f"the places are a whole number from 0 to 6, not `{lowering.source.at(given).text}`",
                    "例：round_half_up(x, 2)",
                    "for example round_half_up(x, 2)",
                )
            places = given.value
        operand = numeric(lowering.lower(node.args[0]), lowering.source.at(node.args[0]))
        return round_to_scale(operand, places, mode, spot)

    return lower


def _round_to(lowering: Lowering, node: ast.Call) -> Operand:
    spot = lowering.source.at(node)
    operand = numeric(lowering.lower(node.args[0]), lowering.source.at(node.args[0]))
    multiple = lowering.lower(node.args[1])
    mode = node.args[2].value if isinstance(node.args[2], ast.Constant) else None
    is_positive = isinstance(multiple, Literal) and type(multiple.value) is int and multiple.value > 0
    if not is_positive or not isinstance(multiple, Literal) or mode not in ("half_up", "down", "up"):
        raise spot.error(
            "wrong-arguments",
            f"`{spot.text}` 的参数不对",
            f"`{spot.text}` has the wrong arguments",
            '写成 round_to(x, 50, "half_up")，方式为 half_up、down 或 up',
            'it is written round_to(x, 50, "half_up"); the mode is half_up, down or up',
        )
    assert isinstance(multiple.value, int)
    return round_to_scale(operand, number_of(multiple).scale, mode, spot, step=multiple.value)  # type: ignore[arg-type]


def _yuan(lowering: Lowering, node: ast.Call) -> Operand:
    where = lowering.source.at(node.args[0])
    found = rounded_number(numeric(lowering.lower(node.args[0]), where), where)
    if is_bare(found):
        return with_unit(found, "yuan")
    unit = unit_of(found)
    if unit == "yuan":
        return found
    if unit is not None:
        raise where.error(
            "unit-mismatch",
            f"yuan(…) 只接受不带单位的数，`{where.text}` 的单位是 `{unit}`",
            f"yuan(...) takes a number without a unit; `{where.text}` is in `{unit}`",
            "用单价乘以数量",
            "multiply a price by the count instead",
        )
    return replace(found, type=replace(number_of(found), unit="yuan"))


FUNCTIONS: dict[str, Function] = {
    "date": Function(3, 3, "date(2025, 1, 1)", _date),
    **{name: Function(*rest) for name, rest in DATE_FUNCTIONS.items()},
    "min": Function(2, 40, "min(a, b) or min(collection, value[, condition])", _least_or_most(False)),
    "max": Function(2, 40, "max(a, b) or max(collection, value[, condition])", _least_or_most(True)),
    "round_half_up": Function(1, 2, "round_half_up(x, places)", _rounding("half_up")),
    "round_down": Function(1, 2, "round_down(x, places)", _rounding("down")),
    "round_up": Function(1, 2, "round_up(x, places)", _rounding("up")),
    "round_to": Function(3, 3, 'round_to(x, 50, "half_up")', _round_to),
    "yuan": Function(1, 1, "yuan(x)", _yuan),
    "within": Function(2, 2, 'within(code, "31")', within),
    "progressive": Function(2, 2, "progressive(scale, amount)", progressive),
    "value_on": Function(2, 2, "value_on(parameter, date)", value_on),
    **{
        name: Function(least, most, form, lambda lowering, node, name=name: aggregate(lowering, name, node))  # type: ignore[misc]
        for name, (least, most, form) in AGGREGATES.items()
        if name not in ("min", "max")
    },
}
