"""Ranges in the catalog bound every result: what the checker lets pass cannot leave 64 bits in any engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from engine.interpreter_values import Log, evaluate, surroundings
from engine.policy_inputs import deciding_expressions, inputs_of
from policies.errors import PolicyError
from policies.tree import Aggregate, CompareRatio, Node, Round, children
from policies.types import INT64_HIGH, INT64_LOW, Number
from tests.agreement.cases import Case, checked, problems
from tests.agreement.engines import by_columns, by_durable_rules, by_interpreter, by_pandas
from tests.agreement.test_all_engines_agree import ON, draw_case
from tests.agreement.town_vocabulary import VOCABULARY, collections_of
from tests.agreement.towns import Town, TownMaker, stored

ENGINES = {
    "interpreter": by_interpreter, "columns": by_columns, "pandas": by_pandas, "durable-rules": by_durable_rules,
}  # fmt: skip


def parts(node: Node) -> Iterator[Node]:
    """Yield the nodes outside aggregates, which are evaluated in the same surroundings."""
    yield node
    if not isinstance(node, Aggregate):
        for child in children(node):
            yield from parts(child)


def test_every_result_lies_within_the_range_that_the_checker_worked_out() -> None:
    looked_at = 0
    for seed in range(60):
        case = draw_case(Random(seed), 6)
        town = TownMaker(Random(seed), 6, extreme=seed % 2 == 0).town()
        for fixed in case.fixed():
            for subject in town.subjects[fixed.policy.space]:
                facts = town.facts(fixed.policy.space, subject)
                units = [()] if fixed.policy.for_each is None else [
                    (unit,) for unit in facts.items((fixed.policy.for_each,)) or ()
                ]  # fmt: skip
                for unit in units:
                    at = surroundings((facts, *unit), inputs_of(fixed), Log())
                    for node in (node for root in deciding_expressions(fixed) for node in parts(root)):
                        looked_at += 1
                        require_in_range(node, at)
    assert looked_at > 20_000


def require_in_range(node: Node, at) -> None:
    value = evaluate(node, at).value
    if isinstance(node.type, Number) and value is not None:
        assert INT64_LOW <= node.type.low <= value <= node.type.high <= INT64_HIGH, node
    # What engines compute on the way: products by cross-multiplication, and twice the numerator when rounding.
    if isinstance(node, CompareRatio | Round):
        divisor, number = evaluate(node.denominator, at).value, evaluate(node.numerator, at).value
        if divisor is not None and number is not None:
            assert abs(2 * number) + abs(divisor) <= INT64_HIGH or isinstance(node, CompareRatio)
        right = evaluate(node.right, at).value if isinstance(node, CompareRatio) else None
        if right is not None and divisor is not None:
            assert INT64_LOW <= right * divisor <= INT64_HIGH


def test_at_the_ends_of_all_ranges_the_engines_agree() -> None:
    for seed in range(1_000, 1_020):
        case = draw_case(Random(seed), 6)
        extreme = replace(case, town=TownMaker(Random(seed), 6, extreme=True).town())
        assert not problems(extreme, ENGINES)


@pytest.mark.parametrize("items", [20, 21])
def test_more_items_than_the_catalog_allows_are_not_believed_so_that_no_sum_can_wrap(items: int) -> None:
    text = checkable('{any: ["count(incomes) > 5", "sum(incomes, monthly_amount) > 7"]}')
    maker = TownMaker(Random(1))
    maker.unknown = 0
    town = maker.town()
    incomes = [
        {"item": str(n), **{name: maker.value(one.type) for name, one in attributes_of_incomes().items()}}
        for n in range(items)
    ]
    crowded = Town(town.subjects, {**town.items, "citizen.incomes": {"c0": incomes}})
    case = Case((text,), crowded, ON[0])
    assert not problems(case, ENGINES)
    found = by_interpreter(case.fixed(), crowded)["crowd", "c0", ""]
    assert found.outcome.value == ("eligible" if items == 20 else "undetermined")


def attributes_of_incomes():
    return stored(dict(collections_of("citizen")["incomes"].attributes))


@pytest.mark.parametrize(
    "condition",
    [
        "widest + 1 > 0", "widest - 1 > 0", "-widest > 0", "widest * 2 > 0", "widest_money * 2000 > 0", "widest / 2 > 1.5",
        "round_half_up(widest_money * 600) > 0", "sum(incomes, monthly_amount * 100000000) > 0", "widest == 0.1",
        "income / rate > widest_money", "round_to(widest, 3, \"up\") > 0", "round_up(widest / 3) > 0",
    ],
)  # fmt: skip
def test_what_could_leave_64_bits_is_refused_when_it_is_checked(condition: str) -> None:
    with pytest.raises(PolicyError, match="may-overflow"):
        checked(checkable(json_text(condition)))


def json_text(condition: str) -> str:
    return "'" + condition + "'"


def checkable(eligibility: str) -> str:
    """Return a rule file with these conditions and a plain amount."""
    assert "citizen" in VOCABULARY.spaces
    return f"""id: crowd
title: {{zh: 试, en: trial}}
space: citizen
authority: 某局
author: author
basis: [{{document: 文〔2026〕1号, date: 2026-01-01}}]
region: "310000"
in_force: {{from: 2020-01-01}}
delivery: automatic
period: month
schedule: "0 2 1 * *"
eligibility: {eligibility}
benefit: {{kind: cash, amount: 100}}
examples:
  - {{name: none, on: 2026-02-28, profile: {{}}, expect: {{eligible: unknown}}}}
notice: {{granted: {{zh: "{{title}}：{{amount}}", en: "{{title}}: {{amount}}"}}}}
"""
