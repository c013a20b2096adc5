"""A no is told with the least that would have to be different, and that is then really a yes."""

from __future__ import annotations

import random
from datetime import date
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.decision import Outcome
from engine.evidence_facts import decide_again
from engine.nearest_change import NearestChange, nearest_change, nearest_changes
from engine.policy_inputs import inputs_of
from policies import tree as t
from policies.fixing import fix
from policies.library import read_policy_text
from policies.policy import Condition
from policies.types import from_day_number, to_day_number
from tests.engine_compilers.generated_trees import make_policy
from tests.notifier.town import RULE, person, vocabulary
from tests.undetermined.brute_force import TYPES, VALUES, VOCABULARY, Small, draw_inputs, outcomes

ON = date(2026, 11, 20)
POLICY = read_policy_text(RULE, vocabulary(), "rule.yaml")
FIXED = fix(POLICY, vocabulary(), ON)


def change_for(**data: object) -> NearestChange:
    found = nearest_change(FIXED, person(**data), vocabulary())  # type: ignore[arg-type]
    assert found is not None
    return found


@given(st.integers(0, 10**9))
@settings(max_examples=100, deadline=None)
def test_no_smaller_set_and_no_nearer_value_would_do(seed: int) -> None:
    r = random.Random(seed)
    fixed = Small(r).policy()
    names = [one.name for one in inputs_of(fixed)]
    inputs = draw_inputs(r, names, 0.1)
    before = decide_again(fixed, inputs)
    found = nearest_changes(fixed, inputs, VOCABULARY, limit=1000, work=10**6)
    if before.outcome is not Outcome.INELIGIBLE:
        assert found == ()
        return
    possible = [
        set(one)
        for size in range(1, len(names) + 1)
        for one in combinations(names, size)
        if Outcome.ELIGIBLE in outcomes(fixed, inputs, one)
    ]
    if not possible:
        assert found == ()
        return
    fewest = min(len(one) for one in possible)
    if fewest <= 3:
        told = [{change.name for change in one.changes} for one in found]
        assert sorted(map(sorted, told)) == sorted(sorted(one) for one in possible if len(one) == fewest)
    for one in found:
        values = {change.name: change.needed for change in one.changes}
        assert decide_again(fixed, {**inputs, **values}).outcome is Outcome.ELIGIBLE
        assert one.decision.outcome is Outcome.ELIGIBLE
        if len(one.changes) == 1:
            (change,) = one.changes
            works = [
                value for value in VALUES[TYPES[change.name]]
                if decide_again(fixed, {**inputs, change.name: value}).outcome is Outcome.ELIGIBLE
            ]  # fmt: skip
            if isinstance(change.needed, int) and not isinstance(change.needed, bool) and change.now is not None:
                assert abs(change.needed - change.now) == min(abs(value - change.now) for value in works)
                low = 0 if change.low is None else change.low
                high = 4 if change.high is None else change.high
                assert set(range(low, high + 1)) <= set(works)
                assert not ({low - 1, high + 1} & set(works) - {change.now})
            elif not isinstance(change.needed, int) or isinstance(change.needed, bool):
                assert set(change.choices) == set(works)


def test_a_year_too_young_is_told_as_a_date_that_time_will_bring() -> None:
    found = change_for(born=date(1962, 3, 1))
    (change,) = found.changes
    assert (change.name, change.by) == ("birth_date", "time")
    assert change.high == change.needed == to_day_number(date(1961, 11, 20)) and change.low is None
    (short,) = found.conditions
    assert short.condition.says is not None and short.condition.says.en == "65 or older"
    assert {one.name: one.value for one in short.now}["age"] == 64
    assert {one.name: one.value for one in short.needed}["age"] == 65
    assert found.decision.amount == 7_500


def test_every_way_of_one_change_is_listed_to_the_fen() -> None:
    inputs = {"birth_date": to_day_number(date(1956, 1, 1)), "hukou_region": "310115", "pension": 300_000, "alone": False}  # fmt: skip
    ways = {one.changes[0].name: one.changes[0] for one in nearest_changes(FIXED, inputs, vocabulary())}
    assert set(ways) == {"alone", "pension"}
    assert (ways["pension"].needed, ways["pension"].high, ways["pension"].low) == (299_999, 299_999, None)
    assert ways["alone"].choices == (True,)


def test_a_region_outside_is_told_with_one_inside() -> None:
    (change,) = change_for(hukou_region="330100").changes
    assert (change.now, change.needed, change.by) == ("330100", "310000", "somebody")
    assert (change.within, change.choices) == (("310000",), ())


def test_a_region_with_an_exception_is_not_told_as_the_whole_region() -> None:
    text = RULE.partition("examples:")[0].replace(
        'within(hukou_region, "31")', 'within(hukou_region, "31") and not within(hukou_region, "3101")'
    )
    fixed = fix(read_policy_text(text, vocabulary(), "rule.yaml"), vocabulary(), ON)
    found = nearest_change(fixed, person(hukou_region="330100"), vocabulary())
    assert found is not None
    (change,) = found.changes
    assert "310000" not in change.within and all(not str(one).startswith("3101") for one in change.choices)
    assert change.needed in change.choices or change.needed in change.within


def test_two_conditions_short_need_two_changes() -> None:
    found = change_for(born=date(1980, 5, 5), hukou_region="330100")
    assert {one.name for one in found.changes} == {"birth_date", "hukou_region"}
    assert len(found.conditions) == 2


def test_a_no_that_nothing_can_turn_is_told_as_such() -> None:
    text = RULE.replace('when: within(hukou_region, "31")', "when: age < 65")
    fixed = fix(read_policy_text(text, vocabulary(), "rule.yaml"), vocabulary(), ON)
    assert nearest_change(fixed, person(), vocabulary()) is None


@pytest.mark.parametrize("facts", [person(), person(pension=None)])
def test_only_a_no_has_a_nearest_change(facts: object) -> None:
    assert nearest_change(FIXED, facts, vocabulary()) is None  # type: ignore[arg-type]


def test_a_birth_date_that_lies_too_far_back_is_nobodys_to_change() -> None:
    text = RULE.replace("when: age >= minimum_age", "when: age < minimum_age")
    policy = read_policy_text(text.partition("examples:")[0], vocabulary(), "rule.yaml")
    found = nearest_change(fix(policy, vocabulary(), ON), person(), vocabulary())
    assert found is not None
    (change,) = found.changes
    assert change.by == "nobody" and from_day_number(int(change.needed or 0)) == date(1961, 11, 21)


def test_time_is_not_said_to_bring_what_a_fixed_day_decides() -> None:
    text = RULE.replace('when: within(hukou_region, "31")', "when: birth_date < date(1950, 1, 1)")
    policy = read_policy_text(text.partition("examples:")[0], vocabulary(), "rule.yaml")
    found = nearest_change(fix(policy, vocabulary(), ON), person(), vocabulary())
    assert found is not None
    (change,) = found.changes
    assert from_day_number(int(change.needed or 0)) == date(1949, 12, 31)
    assert change.by == "nobody"  # old enough already: however long one waits, the day of birth stays the same


def test_a_search_without_enough_work_answers_with_what_is_certain() -> None:
    inputs = {"birth_date": 0, "hukou_region": "330100", "pension": 300_000, "alone": False}
    assert nearest_changes(FIXED, inputs, vocabulary(), work=3) == ()


def test_a_set_too_large_to_be_proven_smallest_says_so() -> None:
    number = TYPES["n"]
    flags = [t.Attribute(TYPES["flag"], (name,)) for name in ("flag", "other")]
    more = [t.Compare(TYPES["flag"], ">", t.Attribute(number, (name,)), t.Literal(number, 2)) for name in ("n", "k")]
    policy = make_policy("p", Condition("all", tuple(Condition("leaf", expression=one) for one in [*flags, *more])))
    (found,) = nearest_changes(policy, {"flag": False, "other": False, "n": 0, "k": 1}, VOCABULARY)
    assert {(one.name, one.needed) for one in found.changes} == {("flag", True), ("other", True), ("n", 3), ("k", 3)}
    assert not found.smallest and len(found.conditions) == 4


def test_a_count_is_told_as_the_count_that_would_do() -> None:
    hires = t.Aggregate(TYPES["n"], "count", ("hires",), 0, 1, None, None, "count(hires)")
    at_least = t.Compare(TYPES["flag"], ">=", hires, t.Literal(TYPES["n"], 3))
    policy = make_policy("p", Condition("leaf", expression=at_least))
    (found,) = nearest_changes(policy, {"count(hires)": 2}, VOCABULARY)
    (change,) = found.changes
    assert (change.name, change.now, change.needed, change.low, change.by) == ("count(hires)", 2, 3, 3, "somebody")


def test_what_nobody_can_change_comes_after_what_somebody_can() -> None:
    alive = t.Attribute(TYPES["flag"], ("alive",))
    either = Condition("any", (Condition("leaf", expression=alive), Condition("leaf", expression=t.Attribute(TYPES["flag"], ("flag",)))))  # fmt: skip
    ways = nearest_changes(make_policy("p", either), {"alive": False, "flag": False}, VOCABULARY)
    assert [(one.changes[0].name, one.changes[0].by) for one in ways] == [("flag", "somebody"), ("alive", "nobody")]
