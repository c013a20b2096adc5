"""The benchmark's policies in the plainest words, from which every peer's own form is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import polars as pl

from engine.benchmark_policies import (
    CODES,
    DATES,
    FLAGS,
    NUMBERS,
    REGIONS,
    BenchmarkPolicy,
    benchmark_policies,
    population_chunk,
)
from engine.columnar_dates import as_date_comparison
from engine.columnar_interning import Interner
from policies.tree import Attribute, Compare, If, In, Literal, Multiply, Node, Not, Round, Within


@dataclass(frozen=True, slots=True)
class Between:
    """A number, or a day number, lies between two bounds; both inclusive, None: no bound."""

    column: str
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class OneOf:
    """A code is one of some."""

    column: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Begins:
    """A region lies within one of some others, given by their prefixes."""

    column: str
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Is:
    """A flag is set, or is not."""

    column: str
    value: bool


Test: TypeAlias = Between | OneOf | Begins | Is


@dataclass(frozen=True, slots=True)
class Steps:
    """An amount in steps: the first whose limit is above the number; the last has none."""

    column: str
    steps: tuple[tuple[int, int], ...]
    last: int


@dataclass(frozen=True, slots=True)
class Share:
    """So many thousandths of a number, rounded half up."""

    column: str
    thousandths: int


Amount: TypeAlias = int | Steps | Share


@dataclass(frozen=True, slots=True)
class PlainPolicy:
    """All tests must hold; then the amount, in fen, is granted."""

    name: str
    tests: tuple[Test, ...]
    amount: Amount


def plain_policies(number: int, seed: int) -> list[PlainPolicy]:
    """Return the benchmark's policies in plain words."""
    return [plain(one) for one in benchmark_policies(number, seed)]


def plain(policy: BenchmarkPolicy) -> PlainPolicy:
    """Return one of the benchmark's policies in plain words."""
    fixed = policy.fixed
    leaves = [child.expression for child in fixed.eligibility.children]
    assert fixed.amount is not None
    return PlainPolicy(fixed.policy.id, tuple(_test(one) for one in leaves if one is not None), _amount(fixed.amount))


def _test(node: Node) -> Test:
    match node:
        case Attribute(path=(name,)):
            return Is(name, True)
        case Not(child=Attribute(path=(name,))):
            return Is(name, False)
        case In(child=Attribute(path=(name,)), values=values):
            return OneOf(name, tuple(str(one) for one in values))
        case Within(child=Attribute(path=(name,)), prefixes=prefixes):
            return Begins(name, prefixes)
        case Compare(operator=">=", left=Attribute(path=(name,)), right=Literal(value=int(limit))):
            return Between(name, limit, None)
        case Compare(operator="<", left=Attribute(path=(name,)), right=Literal(value=int(limit))):
            return Between(name, None, limit - 1)
        case Compare():
            found = as_date_comparison(node, Interner())
            assert found is not None
            return Between(found[0].path[0], found[1], found[2])
    raise AssertionError(f"no plain words for {type(node).__name__}")


def _amount(node: Node) -> Amount:
    steps: list[tuple[int, int]] = []
    column = ""
    while isinstance(node, If):
        assert isinstance(node.condition, Compare) and isinstance(node.condition.left, Attribute)
        column = node.condition.left.path[0]
        steps.append((_value(node.condition.right), _value(node.then)))
        node = node.otherwise
    if steps:
        return Steps(column, tuple(steps), _value(node))
    if isinstance(node, Round):
        assert isinstance(node.numerator, Multiply) and isinstance(node.numerator.left, Attribute)
        return Share(node.numerator.left.path[0], _value(node.numerator.right))
    return _value(node)


def _value(node: Node) -> int:
    assert isinstance(node, Literal) and isinstance(node.value, int)
    return node.value


def complete_people(count: int, seed: int) -> pl.DataFrame:
    """Return the benchmark's people without gaps, because the peers have no unknown value."""
    whole = population_chunk(0, count, seed)
    usual: dict[Sequence[str], object] = {
        NUMBERS: 500_000, CODES: "07", REGIONS: "310101", DATES: date(1980, 6, 15), FLAGS: True,
    }  # fmt: skip
    return whole.with_columns(pl.col(name).fill_null(value) for names, value in usual.items() for name in names)


def columns_of(policies: Sequence[PlainPolicy]) -> list[str]:
    """Return the columns that the policies name, each once."""
    named = [test.column for one in policies for test in one.tests]
    named += [one.amount.column for one in policies if not isinstance(one.amount, int)]
    return sorted(set(named))


def amount_of(amount: Amount, person: dict[str, object]) -> int:
    """Return the amount for one person in fen, in plain Python."""
    if isinstance(amount, int):
        return amount
    number = person[amount.column]
    assert isinstance(number, int)
    if isinstance(amount, Share):
        return (number * amount.thousandths + 500) // 1_000
    return next((fen for limit, fen in amount.steps if number < limit), amount.last)
