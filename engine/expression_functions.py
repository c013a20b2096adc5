"""Expressions as functions, for values alone: the same expression is worked out for very many subjects.

`function_of` turns a tree once into nested functions. What an operator comes to is said in one place, the table of
`engine.interpreter_values`; left out is what an explanation needs on the way: which data were looked at, and which
were missing. The terms of durable-rules are worked out so. The interpreter keeps to the tree itself: where both
are asked, as for a second opinion, a fault of either comes to light.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Any

from engine.decision import Facts
from engine.interpreter_values import COMPARISONS, STRICT, folded
from policies.tree import Aggregate, And, Attribute, Compare, If, Literal, Named, Node, Not, Or, children
from policies.types import Value

# The facts of each depth: the subject, perhaps a unit, and the items of aggregates.
Function = Callable[[tuple[Facts, ...]], Value]


def function_of(node: Node) -> Function:
    """Return the function that gives the value of `node`, None if it is unknown: that of `interpreter_values.evaluate`.

    Raises RecursionError for a tree that nests too deeply, here or when the function is called.
    """
    match node:
        case Literal(value=value):
            return lambda facts: value
        case Attribute(depth=depth, path=path):
            return lambda facts: facts[depth].value(path)
        case Named(child=child):
            return function_of(child)
        case Not(child=child):
            return _negation(function_of(child))
        case And() | Or():
            return _kleene([function_of(part) for part in node.children], isinstance(node, Or))
        case If():
            return _choice(function_of(node.condition), function_of(node.then), function_of(node.otherwise))
        case Aggregate():
            return _aggregate(node)
        case _:
            return _strict(node)


def _negation(inner: Function) -> Function:
    def negation(facts: tuple[Facts, ...]) -> Value:
        value = inner(facts)
        return None if value is None else not value

    return negation


def _kleene(parts: list[Function], decisive: bool) -> Function:
    def kleene(facts: tuple[Facts, ...]) -> Value:
        result: Value = not decisive
        for part in parts:
            value = part(facts)
            if value is decisive:
                return decisive
            if value is None:
                result = None
        return result

    return kleene


def _choice(condition: Function, then: Function, otherwise: Function) -> Function:
    def choice(facts: tuple[Facts, ...]) -> Value:
        holds = condition(facts)
        return None if holds is None else then(facts) if holds else otherwise(facts)

    return choice


def _strict(node: Node) -> Function:
    compute, operands = STRICT[type(node)]
    chosen = [attrgetter(name)(node) for name in operands] if operands else list(children(node))
    parts = [function_of(part) for part in chosen]
    operate: Callable[..., Value] = COMPARISONS[node.operator] if isinstance(node, Compare) else partial(compute, node)
    if len(parts) == 1:
        return _unary(operate, *parts)
    if len(parts) == 2:
        return _binary(operate, *parts)

    def several(facts: tuple[Facts, ...]) -> Value:
        values = [part(facts) for part in parts]
        return None if None in values else operate(*values)

    return several


def _unary(operate: Callable[[Any], Value], only: Function) -> Function:
    def unary(facts: tuple[Facts, ...]) -> Value:
        value = only(facts)
        return None if value is None else operate(value)

    return unary


def _binary(operate: Callable[[Any, Any], Value], first: Function, second: Function) -> Function:
    def binary(facts: tuple[Facts, ...]) -> Value:
        left = first(facts)
        if left is None:
            return None
        right = second(facts)
        return None if right is None else operate(left, right)

    return binary


def _aggregate(node: Aggregate) -> Function:
    filter_of = None if node.filter is None else function_of(node.filter)
    value_of = None if node.value is None else function_of(node.value)
    return lambda facts: folded(node, facts, filter_of, value_of)
