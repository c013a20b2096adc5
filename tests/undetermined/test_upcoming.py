"""The day on which somebody becomes eligible, or ceases to be, is exact: trying every day gives the same day."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.decision import Facts, Outcome
from engine.interpreter import decide
from engine.planning import is_in_force
from engine.upcoming import ending, upcoming
from policies.examples import facts_from_example
from policies.fixing import fix
from policies.library import read_library, read_policy_text
from policies.policy import Policy
from policies.vocabulary import Vocabulary
from profiles.catalog_reading import read_catalog
from tests.notifier.town import RULE, person, vocabulary

CITY = read_catalog().vocabulary
LIBRARY = read_library(Path(__file__).resolve().parents[2] / "policies", CITY).policies
CASES = [(policy, example) for policy in LIBRARY.values() for example in policy.examples]
RULE_ALONE = RULE.partition("examples:")[0]
TODAY = date(2026, 11, 20)

CONDITIONS = (
    "age >= 60", "age < 70", "age >= minimum_age", "age >= retirement", "month(on) == 3", "month(on) in [2, 12]",
    "day(on) == 29", "day(birth_date) == day(on)", "days_between(birth_date, on) >= 24000",
    "years_between(birth_date, period_end) >= 66", "years_between(birth_date, period_start) < 68",
    "months_between(birth_date, on) >= 803", "calendar_months(birth_date, on) == 805", "year(on) == 2027",
    "add_months(birth_date, 804) <= on", "on < add_years(birth_date, 68)", "month_end(on) == on",
    "pension < threshold", "pension < value_on(threshold, add_years(birth_date, 66))", "alone", "period_start <= birth_date",
)  # fmt: skip


def rule_of(conditions: list[str], join: str, period: str, until: str) -> str:
    """Return the rule file with other conditions, and parameters that change on their dates."""
    lines = "".join(f'    - {{when: "{one}", says: {{zh: 条件, en: condition}}}}\n' for one in conditions)
    head, _, rest = RULE_ALONE.partition("eligibility:")
    tail = rest[rest.index("benefit:") :]
    head = head.replace("period: month", f"period: {period}").replace("{from: 2016-05-01}", until)
    head += (
        "  retirement: {2016-05-01: 66, 2027-03-01: 65, 2028-03-01: 67}\n"
        "  threshold: {unit: yuan, values: {2016-05-01: 1000, 2027-07-01: 2500, 2028-01-01: null}}\n"
    )
    return f"{head}eligibility:\n  {join}:\n{lines}{tail}"


def granted(policy: Policy, words: Vocabulary, facts: Facts, unit: Facts | None, day: date) -> bool:
    outcome = decide(fix(policy, words, day), facts, unit).outcome
    return is_in_force(policy, day) and outcome is Outcome.ELIGIBLE


def agree(policy: Policy, words: Vocabulary, facts: Facts, unit: Facts | None, today: date, days: int) -> None:
    """Compare both functions with the decisions of every single day."""
    now = granted(policy, words, facts, unit, today)
    tried = (today + timedelta(days=ahead) for ahead in range(1, days + 1))
    first = next((day for day in tried if granted(policy, words, facts, unit, day) is not now), None)
    horizon = timedelta(days=days)
    looked = ending if now else upcoming
    found = looked(policy, words, facts, today, horizon, unit)
    assert (None if found is None else found.on) == first
    other = upcoming if now else ending
    assert other(policy, words, facts, today, horizon, unit) is None
    if found is not None:
        assert found.decision == decide(fix(policy, words, found.on), facts, unit)


@given(
    conditions=st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=4),
    join=st.sampled_from(["all", "any", "none"]),
    period=st.sampled_from(["month", "quarter", "year", "once"]),
    until=st.sampled_from(["{from: 2016-05-01}", "{from: 2016-05-01, to: 2027-12-31}", "{from: 2027-02-01}"]),
    born=st.one_of(st.dates(date(1955, 1, 1), date(1967, 12, 31)), st.sampled_from([date(1960, 2, 29), date(1964, 2, 29), date(1961, 8, 31)])),
    alone=st.sampled_from([True, False, None]),
    today=st.dates(date(2026, 11, 1), date(2027, 3, 5)),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_trying_every_day_finds_the_same_day(
    conditions: list[str], join: str, period: str, until: str, born: date, alone: bool | None, today: date
) -> None:
    if period == "once":  # it has no first and last day
        conditions = [one for one in conditions if "period_" not in one] or ["alone"]
    policy = read_policy_text(rule_of(conditions, join, period, until), vocabulary(), "rule.yaml")
    agree(policy, vocabulary(), person(born=born, alone=alone), None, today, 600)


@given(st.sampled_from(CASES), st.integers(-400, 400))
@settings(max_examples=25, deadline=None)
def test_every_day_of_the_rule_library_finds_the_same_day(case: tuple, shift: int) -> None:  # type: ignore[type-arg]
    policy, example = case
    facts = facts_from_example(policy, CITY, example.profile)
    units = [None] if policy.for_each is None else facts.items((policy.for_each,)) or []
    for unit in units:
        agree(policy, CITY, facts, unit, example.on + timedelta(days=shift), 300)


def test_a_birthday_to_come_is_told_with_the_age_and_the_amount() -> None:
    policy = read_policy_text(RULE_ALONE, vocabulary(), "rule.yaml")
    found = upcoming(policy, vocabulary(), person(born=date(1962, 3, 1)), TODAY)
    assert found is not None and found.on == date(2027, 3, 1)
    assert found.decision.outcome is Outcome.ELIGIBLE and found.decision.amount == 7_500
    (turn,) = found.turns
    assert turn.condition.says is not None and turn.condition.says.en == "65 or older"
    assert {one.name: one.value for one in turn.before}["age"] == 64
    assert {one.name: one.value for one in turn.then}["age"] == 65


def test_a_birthday_on_the_leap_day_is_reached_on_the_last_of_february() -> None:
    policy = read_policy_text(RULE_ALONE, vocabulary(), "rule.yaml")
    found = upcoming(policy, vocabulary(), person(born=date(1964, 2, 29)), TODAY)
    assert found is not None and found.on == date(2029, 2, 28)


def test_a_policy_that_is_not_in_force_yet_is_told_from_its_first_day() -> None:
    policy = read_policy_text(rule_of(["age >= 60"], "all", "month", "{from: 2027-02-01}"), vocabulary(), "rule.yaml")
    found = upcoming(policy, vocabulary(), person(), TODAY)
    assert found is not None and found.on == date(2027, 2, 1) and found.turns == ()


def test_a_lowered_age_is_seen_coming_from_the_parameters_dates() -> None:
    policy = read_policy_text(
        rule_of(["age >= retirement"], "all", "month", "{from: 2016-05-01}"), vocabulary(), "rule.yaml"
    )
    found = upcoming(policy, vocabulary(), person(born=date(1961, 9, 1)), TODAY)
    assert found is not None and found.on == date(2027, 3, 1)
    end = ending(policy, vocabulary(), person(born=date(1961, 9, 1)), date(2027, 9, 2))
    assert end is not None and end.on == date(2028, 3, 1)


@pytest.mark.parametrize("days", [100, 101])
def test_the_horizon_is_kept_to_the_day(days: int) -> None:
    policy = read_policy_text(RULE_ALONE, vocabulary(), "rule.yaml")
    found = upcoming(policy, vocabulary(), person(born=date(1962, 3, 1)), TODAY, timedelta(days=days))
    assert (found is not None) == (TODAY + timedelta(days=days) >= date(2027, 3, 1))


def test_who_lacks_something_else_is_not_told_to_wait() -> None:
    policy = read_policy_text(RULE_ALONE, vocabulary(), "rule.yaml")
    young = person(born=date(1962, 3, 1), hukou_region="330100")
    assert upcoming(policy, vocabulary(), young, TODAY) is None
    unknown = person(born=date(1962, 3, 1), hukou_region=None)
    assert upcoming(policy, vocabulary(), unknown, TODAY) is None
