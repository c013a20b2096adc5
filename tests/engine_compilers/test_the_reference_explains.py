"""The interpreter says what it decided, on what, and which facts would settle the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pytest

from engine.decision import Outcome
from engine.evidence_facts import decide_again, inputs_from_json
from engine.interpreter import amount_steps, claim_key_and_need, decide, decide_units
from policies import tree as t
from policies.errors import PolicyError
from policies.policy import Condition, Tier
from policies.types import Value, to_day_number
from tests.engine_compilers.generated_trees import BOOL, DATE, NUMBER, REGION, TEXT, make_policy

FLAG, OTHER, THIRD = (t.Attribute(BOOL, (name,)) for name in ("flag", "other", "third"))
COUNT = t.Attribute(NUMBER, ("n",))
BORN = t.Attribute(DATE, ("born",))
AGE = t.Named(
    NUMBER,
    "age",
    t.Round(
        NUMBER,
        t.MonthsBetween(NUMBER, BORN, t.Literal(DATE, to_day_number(date(2026, 5, 20)))),
        t.Literal(NUMBER, 12),
        "floor",
    ),
)


@dataclass(frozen=True)
class Person:
    data: Mapping[str, Value] = field(default_factory=dict)
    collections: Mapping[str, Sequence[Person]] = field(default_factory=dict)
    id: str = ""

    def value(self, path: tuple[str, ...]) -> Value:
        return self.data.get(".".join(path))

    def items(self, path: tuple[str, ...]) -> Sequence[Person] | None:
        return self.collections.get(".".join(path))


def leaf(node: t.Node) -> Condition:
    return Condition("leaf", expression=node)


def at_least(node: t.Node, number: int) -> t.Compare:
    return t.Compare(BOOL, ">=", node, t.Literal(NUMBER, number))


def test_unknown_is_neither_yes_nor_no() -> None:
    policy = make_policy("p", leaf(FLAG))
    assert decide(policy, Person({"flag": True})).outcome is Outcome.ELIGIBLE
    assert decide(policy, Person({"flag": False})).outcome is Outcome.INELIGIBLE
    assert decide(policy, Person()).outcome is Outcome.UNDETERMINED


def test_all_the_missing_facts_of_a_conjunction_are_needed() -> None:
    policy = make_policy("p", Condition("all", (leaf(FLAG), leaf(OTHER), leaf(THIRD))))
    assert decide(policy, Person({"third": True})).settled_by == ("flag", "other")


def test_the_cheapest_way_to_a_yes_is_named() -> None:
    both = Condition("all", (leaf(FLAG), leaf(OTHER)))
    policy = make_policy("p", Condition("any", (both, leaf(THIRD))))
    assert decide(policy, Person()).settled_by == ("third",)


def test_equally_cheap_ways_are_ordered_by_name() -> None:
    policy = make_policy("p", Condition("any", (leaf(THIRD), leaf(OTHER))))
    assert decide(policy, Person()).settled_by == ("other",)


def test_a_way_that_is_already_barred_is_not_named() -> None:
    both = Condition("all", (leaf(FLAG), leaf(OTHER)))
    policy = make_policy("p", Condition("any", (both, leaf(THIRD))))
    assert decide(policy, Person({"flag": False})).settled_by == ("third",)


def test_every_missing_fact_of_a_none_must_turn_out_false() -> None:
    policy = make_policy("p", Condition("none", (leaf(FLAG), leaf(OTHER))))
    assert decide(policy, Person()).settled_by == ("flag", "other")
    inside = make_policy("p", leaf(t.Not(BOOL, t.And(BOOL, (FLAG, OTHER)))))
    assert decide(inside, Person()).settled_by == ("flag",)


def test_a_derived_value_is_settled_by_the_stored_fact_behind_it() -> None:
    assert decide(make_policy("p", leaf(at_least(AGE, 65))), Person()).settled_by == ("born",)


def test_a_parameter_without_a_value_is_named() -> None:
    policy = make_policy("p", leaf(at_least(COUNT, 1)), t.Literal(NUMBER, None, "allowance"))
    decision = decide(policy, Person({"n": 1}))
    assert (decision.outcome, decision.amount) == (Outcome.UNDETERMINED, None)
    assert decision.settled_by == ("allowance",)


def test_a_regional_parameter_without_this_region_is_named_and_not_the_region() -> None:
    standard = t.Named(NUMBER, "standard", t.PrefixLookup(NUMBER, t.Attribute(REGION, ("region",)), (("31", 5),)))
    policy = make_policy("p", leaf(at_least(standard, 1)))
    assert decide(policy, Person({"region": "650402"})).settled_by == ("standard",)
    assert decide(policy, Person()).settled_by == ("region",)


def test_an_unknown_amount_leaves_the_decision_open() -> None:
    policy = make_policy("p", leaf(FLAG), COUNT)
    decision = decide(policy, Person({"flag": True}))
    assert (decision.outcome, decision.settled_by) == (Outcome.UNDETERMINED, ("n",))


def test_a_division_by_zero_is_unknown_and_names_its_facts() -> None:
    share = t.CompareRatio(BOOL, "<", COUNT, t.Attribute(NUMBER, ("size",)), t.Literal(NUMBER, 3))
    decision = decide(make_policy("p", leaf(share)), Person({"n": 4, "size": 0}))
    assert (decision.outcome, decision.settled_by) == (Outcome.UNDETERMINED, ("n", "size"))


def test_the_trace_shows_every_condition_with_what_it_looked_at() -> None:
    policy = make_policy("p", Condition("all", (leaf(at_least(AGE, 65)), leaf(FLAG))))
    born = to_day_number(date(1961, 5, 21))
    trace = decide(policy, Person({"born": born, "flag": True})).trace
    assert trace.result is False
    first, second = trace.children
    assert [(one.name, one.value) for one in first.used] == [("age", 64), ("born", born)]
    assert (first.result, second.result) == (False, True)


def test_only_stored_facts_are_evidence() -> None:
    born = to_day_number(date(1950, 1, 1))
    decision = decide(make_policy("p", leaf(at_least(AGE, 65)), COUNT), Person({"born": born, "n": 7}))
    assert decision.inputs == {"born": born, "n": 7}
    assert decide_again(make_policy("p", leaf(at_least(AGE, 65)), COUNT), decision.inputs) == decision


def test_evidence_with_a_gap_is_refused() -> None:
    with pytest.raises(PolicyError, match="does not record `flag`"):
        decide_again(make_policy("p", leaf(FLAG)), {"other": True})
    with pytest.raises(PolicyError, match="cannot be read"):
        inputs_from_json(make_policy("p", leaf(FLAG)), "[1")


def test_a_branch_not_taken_is_not_looked_at() -> None:
    chosen = t.If(BOOL, FLAG, OTHER, THIRD)
    decision = decide(make_policy("p", leaf(chosen)), Person({"flag": True, "other": True}))
    assert (decision.outcome, decision.inputs) == (Outcome.ELIGIBLE, {"flag": True, "other": True})


def test_the_tier_that_applied_is_told() -> None:
    low, rest = t.Literal(NUMBER, 10), t.Literal(NUMBER, 20)
    small = t.Compare(BOOL, "<", COUNT, t.Literal(NUMBER, 5))
    tiers = (Tier(small, low, "n < 5: 10"), Tier(None, rest, "20"))
    policy = make_policy("p", leaf(FLAG), t.If(NUMBER, small, low, rest), tiers=tiers)
    decision = decide(policy, Person({"flag": True, "n": 9}))
    assert (decision.tier, decision.amount) == (1, 20)


def test_the_steps_of_an_amount_are_told_in_order() -> None:
    base = t.Named(NUMBER, "base", t.Multiply(NUMBER, COUNT, t.Literal(NUMBER, 100)))
    amount = t.Minimum(NUMBER, (base, t.Named(NUMBER, "cap", t.Literal(NUMBER, 500))))
    steps = amount_steps(make_policy("p", leaf(FLAG), amount), Person({"n": 7}))
    assert steps == [("base", 700), ("n", 7), ("cap", 500), ("amount", 500)]


def test_a_negative_amount_is_an_error_of_the_policy() -> None:
    with pytest.raises(PolicyError, match="negative amount: -3 fen") as found:
        decide(make_policy("p", leaf(FLAG), COUNT), Person({"flag": True, "n": -3}))
    assert found.value.diagnostics[0].code == "negative-amount"


HIRES = [
    Person({"months": 3, "word": "x1"}, id="1"),
    Person({"months": 1}, id="2"),
    Person({"months": 9}, id="3"),
]
MONTHS = t.Attribute(NUMBER, ("months",), 1)


def test_each_unit_is_decided_and_those_left_out_do_not_appear() -> None:
    small = t.Compare(BOOL, "<", MONTHS, t.Literal(NUMBER, 5))
    policy = make_policy("p", leaf(at_least(MONTHS, 3)), for_each="hires", unit_where=small)
    found = decide_units(policy, Person(collections={"hires": HIRES}))
    assert [(unit, decision.outcome) for unit, decision in found] == [
        ("1", Outcome.ELIGIBLE),
        ("2", Outcome.INELIGIBLE),
    ]


def test_unknown_units_leave_the_decision_open_and_no_units_decide_nothing() -> None:
    policy = make_policy("p", leaf(at_least(MONTHS, 3)), for_each="hires")
    ((unit, decision),) = decide_units(policy, Person())
    assert (unit, decision.outcome, decision.settled_by) == ("", Outcome.UNDETERMINED, ("hires",))
    assert decision.inputs is not None
    assert decide_again(policy, decision.inputs) == decision
    assert decide_units(policy, Person(collections={"hires": []})) == []


def test_the_subject_behind_a_unit_is_named_as_such() -> None:
    condition = Condition("all", (leaf(FLAG), leaf(at_least(MONTHS, 3))))
    policy = make_policy("p", condition, for_each="hires", claim_key=t.Attribute(TEXT, ("word",), 1))
    firm = Person({"flag": None})
    decision = decide(policy, firm, HIRES[0])
    assert decision.inputs == {"subject.flag": None, "months": 3}
    assert decision.settled_by == ("subject.flag",)
    assert claim_key_and_need(policy, firm, HIRES[0]) == ("x1", None)


def test_a_policy_for_units_does_not_decide_without_one_nor_the_reverse() -> None:
    with pytest.raises(PolicyError, match="no unit was given"):
        decide(make_policy("p", leaf(FLAG), for_each="hires"), Person())
    with pytest.raises(PolicyError, match="takes no unit"):
        decide(make_policy("p", leaf(FLAG)), Person(), Person())


def test_an_aggregate_is_one_fact_by_its_text() -> None:
    many = t.Aggregate(NUMBER, "count", ("hires",), 0, 1, at_least(MONTHS, 3), None, "count(hires, months >= 3)")
    policy = make_policy("p", leaf(at_least(many, 2)))
    decision = decide(policy, Person(collections={"hires": HIRES}))
    assert decision.inputs == {"count(hires, months >= 3)": 2}
    assert decide_again(policy, decision.inputs) == decision
    assert decide(policy, Person()).settled_by == ("count(hires, months >= 3)",)


def test_two_aggregates_of_one_text_stay_two_facts() -> None:
    def many(number: int) -> t.Aggregate:
        return t.Aggregate(NUMBER, "count", ("hires",), 0, 1, at_least(MONTHS, number), None, "count(hires, good)")

    policy = make_policy("p", Condition("all", (leaf(at_least(many(1), 3)), leaf(at_least(many(3), 2)))))
    decision = decide(policy, Person(collections={"hires": HIRES}))
    assert decision.inputs == {"count(hires, good)": 3, "count(hires, good) #2": 2}
    assert decide_again(policy, decision.inputs) == decision


def test_conditions_nested_beyond_measure_are_an_error_and_no_crash() -> None:
    node: t.Node = FLAG
    for _ in range(3_000):
        node = t.Not(BOOL, node)
    with pytest.raises(PolicyError, match="nests too deeply"):
        decide(make_policy("p", leaf(node)), Person({"flag": True}))
