"""The benchmark's invented population and policies, each policy written twice.

Once as the typed tree that the engine compiles, once as the Polars expressions that a programmer would
write by hand: ages as birth-date limits, lists as `is_in`, tiers as `when`/`then`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import and_

import polars as pl

from policies.periods import period_of
from policies.policy import Benefit, Condition, FixedPolicy, Policy
from policies.text import Bilingual
from policies.tree import (
    Attribute,
    Compare,
    If,
    In,
    Literal,
    MonthsBetween,
    Multiply,
    Node,
    Not,
    Round,
    Within,
)
from policies.types import Bool, Code, Date, Number, Type, to_day_number
from policies.vocabulary import Attribute as Described
from policies.vocabulary import Space, Vocabulary

ON = date(2026, 11, 22)
SPACE = "citizen"
NUMBERS = tuple(f"number_{n}" for n in range(12))
CODES = tuple(f"code_{n}" for n in range(7))
REGIONS = tuple(f"region_{n}" for n in range(3))
DATES = tuple(f"date_{n}" for n in range(6))
FLAGS = tuple(f"flag_{n}" for n in range(11))
CODE_VALUES = tuple(f"{n:02d}" for n in range(20))
REGION_VALUES = tuple(f"{p}{c:02d}{d:02d}" for p in (11, 31, 32, 33, 65) for c in range(1, 9) for d in range(1, 11))
NUMBER_HIGH = 1_000_000
FIRST_DATE, LAST_DATE = date(1936, 1, 1), date(2026, 6, 30)

_BOOL, _NUMBER, _DATE = Bool(), Number(0, None, 0, NUMBER_HIGH), Date()
_MONEY = Number(2, "yuan", 0, 10**12)


def benchmark_vocabulary() -> Vocabulary:
    """Return the vocabulary of the invented space: 39 attributes, with the subject 40 columns."""
    types: dict[str, Type] = {
        **dict.fromkeys(NUMBERS, _NUMBER),
        **dict.fromkeys(CODES, Code("code")),
        **dict.fromkeys(REGIONS, Code("region")),
        **dict.fromkeys(DATES, _DATE),
        **dict.fromkeys(FLAGS, _BOOL),
    }
    attributes = {name: Described(name, type_, Bilingual(name, name)) for name, type_ in types.items()}
    return Vocabulary({SPACE: Space(SPACE, Bilingual("公民", "citizen"), attributes)})


@dataclass(frozen=True, slots=True)
class Twin:
    """One requirement, or one amount, in both forms."""

    tree: Node
    polars: pl.Expr


@dataclass(frozen=True, slots=True)
class BenchmarkPolicy:
    """One policy in both forms; `amount` by hand is None where it is the same for everybody."""

    fixed: FixedPolicy
    eligible: pl.Expr
    amount: pl.Expr | None
    constant: int


def benchmark_policies(number: int, seed: int) -> list[BenchmarkPolicy]:
    """Return `number` policies of about five conditions each, the same for the same seed."""
    drawn = random.Random(seed)
    return [_policy(f"policy-{one:03d}", drawn) for one in range(number)]


def _policy(name: str, drawn: random.Random) -> BenchmarkPolicy:
    makers = [_range, _codes, _regions, _age, _since, _flag]
    twins = [drawn.choice(makers)(drawn) for _ in range(drawn.choice([4, 5, 5, 5, 5]))]
    constant = drawn.randrange(1_000, 100_000, 100)
    amount = drawn.choice([None, None, None, _tiers, _share])
    money = Twin(Literal(_MONEY, constant), pl.lit(constant)) if amount is None else amount(drawn)
    condition = Condition("all", tuple(Condition("leaf", expression=twin.tree) for twin in twins))
    title = Bilingual(name, name)
    policy = Policy(
        id=name,
        version="0" * 64,
        text="",
        file="-",
        title=title,
        space=SPACE,
        authority="",
        basis=(),
        region="",
        in_force=(date(2000, 1, 1), None),
        delivery="automatic",
        silence="not_taken_yet",
        period="month",
        schedule="0 2 1 * *",
        eligibility=condition,
        benefit=Benefit("cash", money.tree),
        parameters={},
        definitions={},
        notices={},
        examples=(),
        reads={SPACE: frozenset()},
    )
    fixed = FixedPolicy(policy, ON, period_of("month", ON), condition, money.tree)
    by_hand = reduce(and_, (twin.polars for twin in twins))
    return BenchmarkPolicy(fixed, by_hand, None if amount is None else money.polars, constant)


def _compare(operator: str, left: Node, right: Node) -> Compare:
    return Compare(_BOOL, operator, left, right)  # type: ignore[arg-type]


def _number(name: str) -> Attribute:
    return Attribute(_NUMBER, (name,))


def _literal(value: int) -> Literal:
    return Literal(_NUMBER, value)


def _range(drawn: random.Random) -> Twin:
    name, low = drawn.choice(NUMBERS), drawn.randrange(0, NUMBER_HIGH // 2)
    if drawn.random() < 0.5:
        return Twin(_compare(">=", _number(name), _literal(low)), pl.col(name) >= low)
    return Twin(_compare("<", _number(name), _literal(low + 300_000)), pl.col(name) < low + 300_000)


def _codes(drawn: random.Random) -> Twin:
    name, values = drawn.choice(CODES), drawn.sample(CODE_VALUES, drawn.choice([8, 10, 12]))
    return Twin(In(_BOOL, Attribute(Code("code"), (name,)), tuple(values)), pl.col(name).is_in(values))


def _regions(drawn: random.Random) -> Twin:
    name, prefixes = drawn.choice(REGIONS), drawn.sample(["11", "31", "32", "33", "6501"], 3)
    by_hand = [pl.col(name).str.starts_with(prefix) for prefix in prefixes]
    within = Within(_BOOL, Attribute(Code("region"), (name,)), tuple(prefixes))
    return Twin(within, by_hand[0] | by_hand[1] | by_hand[2])


def _age(drawn: random.Random) -> Twin:
    name, age = drawn.choice(DATES), drawn.choice([3, 16, 18, 25, 60, 65])
    months = MonthsBetween(Number(), Attribute(_DATE, (name,)), Literal(_DATE, to_day_number(ON)))
    years = Round(Number(), months, _literal(12), "floor")
    born_by = date(ON.year - age, ON.month, ON.day)
    if age < 30:
        return Twin(_compare(">=", years, _literal(age)), pl.col(name) <= born_by)
    return Twin(_compare("<", years, _literal(age)), pl.col(name) > born_by)


def _since(drawn: random.Random) -> Twin:
    name, day = drawn.choice(DATES), date(drawn.randrange(1940, 1985), 1, 1)
    later = _compare(">=", Attribute(_DATE, (name,)), Literal(_DATE, to_day_number(day)))
    return Twin(later, pl.col(name) >= day)


def _flag(drawn: random.Random) -> Twin:
    name = drawn.choice(FLAGS)
    flag = Attribute(_BOOL, (name,))
    return Twin(flag, pl.col(name)) if drawn.random() < 0.7 else Twin(Not(_BOOL, flag), ~pl.col(name))


def _tiers(drawn: random.Random) -> Twin:
    name, step = drawn.choice(NUMBERS), drawn.randrange(100_000, 400_000)
    value = _number(name)
    last = Literal(_MONEY, 18_000)
    second = If(_MONEY, _compare("<", value, _literal(2 * step)), Literal(_MONEY, 15_000), last)
    tree = If(_MONEY, _compare("<", value, _literal(step)), Literal(_MONEY, 7_500), second)
    column = pl.col(name)
    by_hand = (
        pl.when(column < step).then(7_500).when(column < 2 * step).then(15_000).when(column.is_not_null()).then(18_000)
    )
    return Twin(tree, by_hand)


def _share(drawn: random.Random) -> Twin:
    name, rate = drawn.choice(NUMBERS), drawn.randrange(5, 60)
    product = Multiply(Number(5, None, 0, NUMBER_HIGH * rate), _number(name), _literal(rate))
    tree = Round(_MONEY, product, _literal(1_000), "half_up")
    return Twin(tree, (pl.col(name) * rate + 500) // 1_000)


def population_chunk(first: int, count: int, seed: int) -> pl.DataFrame:
    """Return `count` invented subjects from number `first` on: 40 columns, 3 % of the values missing."""
    import numpy

    drawn = numpy.random.default_rng((seed, first))
    columns: dict[str, pl.Series] = {
        "subject": pl.int_range(first, first + count, eager=True).cast(pl.String).str.zfill(32)
    }
    for name in NUMBERS:
        columns[name] = pl.Series(drawn.integers(0, NUMBER_HIGH, count), dtype=pl.Int64)
    for names, values in ((CODES, CODE_VALUES), (REGIONS, REGION_VALUES)):
        table = pl.Series(values)
        for name in names:
            columns[name] = table.gather(drawn.integers(0, len(values), count))
    low, high = to_day_number(FIRST_DATE), to_day_number(LAST_DATE)
    for name in DATES:
        columns[name] = pl.Series(drawn.integers(low, high, count), dtype=pl.Int32).cast(pl.Date)
    for name in FLAGS:
        columns[name] = pl.Series(drawn.integers(0, 10, count) < 8)
    frame = pl.DataFrame(columns)
    present = {name: pl.Series(drawn.integers(0, 100, count, dtype=numpy.int8) >= 3) for name in frame.columns[1:]}
    return frame.with_columns(pl.when(here).then(pl.col(name)).alias(name) for name, here in present.items())


def columns_of(policies: Sequence[BenchmarkPolicy]) -> list[str]:
    """Return the columns that the policies name, as the hand-written query reads them."""
    expressions = [policy.eligible for policy in policies]
    expressions += [policy.amount for policy in policies if policy.amount is not None]
    return sorted({name for one in expressions for name in one.meta.root_names()})
