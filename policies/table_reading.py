"""Reading parameters and indicators in expressions: `table[key]`, `value_on` and `progressive`."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from policies.arithmetic import add, choose, compare, multiply, numeric, rounded_number, smallest_or_largest
from policies.codes import as_code
from policies.errors import PolicyError
from policies.model_errors import did_you_mean
from policies.operands import (
    Operand,
    Quotient,
    check_range,
    integer_literal,
    number_of,
    type_name,
    type_of,
)
from policies.policy import Parameter
from policies.source import Spot
from policies.tree import IndicatorValue, Literal, Node, ParameterValue
from policies.types import Code, Date, Number, Text

if TYPE_CHECKING:
    from policies.expression import Lowering

REGION = Code("region")


def look_up(lowering: Lowering, node: ast.Subscript) -> Node:
    """Return `table[key]`, `regional[region]` or `indicator[region]`. Raises PolicyError."""
    spot = lowering.source.at(node)
    name = node.value.id if isinstance(node.value, ast.Name) else ""
    parameter = lowering.context.parameter(name) if lowering.source.derived is None else None
    if parameter is not None:
        lowering.context.parameters_used.add(name)
        return _entry(lowering, parameter, node.slice, spot)
    indicator = lowering.context.vocabulary.indicators.get(name)
    if indicator is not None:
        return IndicatorValue(indicator.type, name, _region(lowering, node.slice))
    where = lowering.source.at(node.value)
    suggestion = did_you_mean(name, [*lowering.context.parameters, *lowering.context.vocabulary.indicators])
    raise where.error(
        "unknown-name",
        f"没有名为 `{where.text}` 的表参数或指标",
        f"there is no table or indicator called `{where.text}`",
        f"是否想写 `{suggestion}`？" if suggestion else "在 `parameters` 中定义它",
        f"did you mean `{suggestion}`?" if suggestion else "define it under `parameters`",
    )


def _entry(lowering: Lowering, parameter: Parameter, key: ast.expr, spot: Spot) -> Node:
    if parameter.form == "regional":
        return ParameterValue(parameter.type, parameter.name, _region(lowering, key))
    if parameter.form != "table":
        raise spot.error(
            "not-a-table",
            f"`{parameter.name}` 不是表，不能写 [ ]",
            f"`{parameter.name}` is no table; it takes no [ ]",
            f"写 progressive({parameter.name}, 金额)" if parameter.form == "scale" else f"写 {parameter.name}",
            f"write progressive({parameter.name}, amount)" if parameter.form == "scale" else f"write {parameter.name}",
        )
    where = lowering.source.at(key)
    found = lowering.lower(key)
    by = key_type(parameter)
    if isinstance(by, Code) and isinstance(found, Literal) and isinstance(found.type, Text):
        found = as_code(found, by, lowering.context.vocabulary, where)
    actual = type_of(found)
    is_integer = isinstance(by, Number) and isinstance(actual, Number) and actual.scale == 0
    if isinstance(found, Quotient) or not (is_integer or actual == by):
        wanted, name = type_name(by), type_name(actual)
        raise where.error(
            "wrong-type",
            f"`{parameter.name}` 以{wanted.zh}为键，`{where.text}` 是{name.zh}",
            f"`{parameter.name}` is keyed by {wanted.en}; `{where.text}` is {name.en}",
            "换成与 `by` 同类的键；小数先取整",
            "use a key of the kind that `by` names; round decimals first",
        )
    kind = parameter.type
    if isinstance(actual, Number):
        kind = _integer_entry(parameter, actual, spot)
    return ParameterValue(kind, parameter.name, found)


def key_type(parameter: Parameter) -> Code | Number | Text:
    """Return what a table is keyed by."""
    assert parameter.key is not None
    kind = parameter.key.type
    assert isinstance(kind, Code | Number | Text)
    return kind


def _integer_entry(parameter: Parameter, key: Number, spot: Spot) -> Number:
    """Check that every possible integer key has an answer; return the range of the answers."""
    kind = parameter.type
    assert isinstance(kind, Number) or parameter.each_further is None
    low, high = (kind.low, kind.high) if isinstance(kind, Number) else (0, 0)
    for _, content in parameter.dated:
        if not isinstance(content, Mapping):
            continue
        keys = sorted(content)
        first, last = keys[0], keys[-1]
        gap = next((one for one in range(first, last) if one not in content), None)
        outside = gap
        if key.low < first:
            outside = first - 1
        elif key.high > last and parameter.each_further is None:
            outside = last + 1
        if outside is not None and not parameter.has_otherwise:
            raise _outside(parameter, outside, spot)
        if isinstance(parameter.each_further, int) and key.high > last:
            end = content[last] + (key.high - last) * parameter.each_further
            check_range(min(end, low), max(end, high), spot)
            low, high = min(low, end), max(high, end)
    return replace(kind, low=low, high=high) if isinstance(kind, Number) else kind  # type: ignore[return-value]


def _outside(parameter: Parameter, key: int, spot: Spot) -> PolicyError:
    return spot.error(
        "table-outside-keys",
        f"`{spot.text}`：键可能是 {key}，表 `{parameter.name}` 没有这一格",
        f"`{spot.text}`: the key may be {key}, for which the table `{parameter.name}` has no entry",
        "补上该键，或在参数中写 `otherwise:`、`each_further:`",
        "add the key, or give the parameter `otherwise:` or `each_further:`",
    )


def _region(lowering: Lowering, node: ast.expr) -> Node:
    where = lowering.source.at(node)
    found = lowering.lower(node)
    if isinstance(found, Literal) and isinstance(found.type, Text):
        found = as_code(found, REGION, lowering.context.vocabulary, where)
    kind = type_of(found)
    code_set = lowering.context.vocabulary.code_sets.get(kind.code_set) if isinstance(kind, Code) else None
    if isinstance(found, Quotient) or code_set is None or not code_set.hierarchical:
        name = type_name(kind)
        raise where.error(
            "wrong-type",
            f"这里需要区划代码，`{where.text}` 是{name.zh}",
            f"a region is needed here; `{where.text}` is {name.en}",
            "例：hukou_region",
            "for example hukou_region",
        )
    return found


def _parameter_named(lowering: Lowering, node: ast.expr, form: str) -> Parameter:
    spot = lowering.source.at(node)
    name = node.id if isinstance(node, ast.Name) else ""
    parameter = lowering.context.parameter(name) if lowering.source.derived is None else None
    if parameter is not None and parameter.form == form:
        lowering.context.parameters_used.add(name)
        return parameter
    wanted = {
        "scale": ("分级比率参数", "a parameter with a `scale`"),
        "scalar": ("单值参数", "a single-valued parameter"),
    }
    raise spot.error(
        "not-a-parameter",
        f"`{spot.text}` 不是{wanted[form][0]}",
        f"`{spot.text}` is not {wanted[form][1]}",
        "写 `parameters` 中的名称",
        "name one of `parameters`",
    )


def value_on(lowering: Lowering, node: ast.Call) -> Node:
    """Return `value_on(parameter, date)`, also for an entry of a table."""
    first = node.args[0]
    if isinstance(first, ast.Subscript):
        found = look_up(lowering, first)
        if not isinstance(found, ParameterValue):
            raise lowering.source.at(first).error(
                "not-a-parameter",
                "value_on 只能用于参数",
                "value_on takes a parameter",
                "写 `parameters` 中的名称",
                "name one of `parameters`",
            )
    else:
        parameter = _parameter_named(lowering, first, "scalar")
        found = ParameterValue(parameter.type, parameter.name)
    day = lowering.lower(node.args[1])
    if isinstance(type_of(day), Date):
        return replace(found, at=day)  # type: ignore[arg-type]
    spot = lowering.source.at(node.args[1])
    name = type_name(type_of(day))
    raise spot.error(
        "wrong-type",
        f"`{spot.text}` 是{name.zh}，这里需要日期",
        f"`{spot.text}` is {name.en}; a date is needed here",
        "例：value_on(standard, add_years(on, -1))",
        "for example value_on(standard, add_years(on, -1))",
    )


def progressive(lowering: Lowering, node: ast.Call) -> Node:
    """Return `progressive(scale, amount)`; its range is that of all dated versions of the scale."""
    spot = lowering.source.at(node)
    parameter = _parameter_named(lowering, node.args[0], "scale")
    where = lowering.source.at(node.args[1])
    amount = rounded_number(numeric(lowering.lower(node.args[1]), where), where)
    kinds = [
        number_of(by_brackets(content, parameter.stepped, amount, spot))
        for _, content in parameter.dated
        if content is not None
    ]
    if not kinds:
        kinds = [number_of(amount)]
    scale = max(kind.scale for kind in kinds)
    low = min(kind.low * 10 ** (scale - kind.scale) for kind in kinds)
    high = max(kind.high * 10 ** (scale - kind.scale) for kind in kinds)
    check_range(low, high, spot)
    return ParameterValue(Number(scale, kinds[0].unit, low, high), parameter.name, amount)


def by_brackets(content: object, stepped: bool, amount: Node, spot: Spot) -> Node:
    """Return the computation of a progressive scale.

    Marginal: each part of the amount at the rate of its bracket. Stepped: the whole amount at the rate of
    the bracket it falls into.
    """
    assert isinstance(content, tuple)
    brackets: tuple[tuple[Literal, Literal], ...] = content
    found: Operand
    if stepped:
        found = multiply(amount, brackets[0][1], spot)
        for start, rate in brackets[1:]:
            found = choose(compare(">=", amount, start, spot), multiply(amount, rate, spot), found, spot)
        found = choose(compare(">=", amount, brackets[0][0], spot), found, integer_literal(0), spot)
    else:
        zero = integer_literal(0)
        found = zero
        for number, (start, rate) in enumerate(brackets):
            upper: Operand = amount
            if number + 1 < len(brackets):
                upper = smallest_or_largest([amount, brackets[number + 1][0]], spot, largest=False)
            above = upper if start.value == 0 else add(upper, start, spot, subtract=True)
            part = smallest_or_largest([above, zero], spot, largest=True)
            share = multiply(part, rate, spot)
            found = share if found is zero else add(found, share, spot)
    assert not isinstance(found, Quotient)
    return found
