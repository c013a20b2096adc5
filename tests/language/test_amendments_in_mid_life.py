"""Real law that was amended while in force: the old or the new value counts by the day that the law names."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from engine.installation import LIBRARY
from engine.interpreter import decide
from policies.examples import facts_from_example
from policies.fixing import fix
from policies.library import read_policy
from policies.plain_words import to_plain_words
from policies.policy import Policy
from profiles.catalog_reading import read_catalog

VOCABULARY = read_catalog().vocabulary


def policy(name: str) -> Policy:
    return read_policy(LIBRARY / "cn" / f"{name}.yaml", VOCABULARY)


def amount(made: Policy, on: date, loan: dict[str, object], **subject: object) -> Decimal | None:
    facts = facts_from_example(made, VOCABULARY, {**subject, "loans": [{"id": "l", **loan}]})
    (unit,) = facts.items(("loans",)) or ()
    found = decide(fix(made, VOCABULARY, on), facts, unit).amount
    return None if found is None else Decimal(found).scaleb(-2)


@pytest.mark.parametrize("on", [date(2026, 1, 1), date(2026, 11, 22)])
def test_a_consumer_loan_keeps_the_limits_of_the_day_on_which_it_was_paid_out(on: date) -> None:
    made = policy("consumer-loan-interest")
    loan = {"kind": "consumer", "principal": 80_000, "rate": Decimal("0.035"), "overdue": False}
    assert amount(made, on, {**loan, "started_on": date(2025, 12, 31)}) == 500
    assert amount(made, on, {**loan, "started_on": date(2026, 1, 1)}) == 800


@pytest.mark.parametrize(("started_on", "expected"), [(date(2025, 12, 31), 1_000_000), (date(2026, 1, 1), 10_000_000)])
def test_of_a_service_loan_as_much_counts_as_on_the_day_on_which_it_was_paid_out(
    started_on: date, expected: int
) -> None:
    made = policy("service-loan-interest")
    loan = {"field": "tourism", "interest_until": date(2026, 12, 31), "principal": 73_000_000, "overdue": False}
    # The second quarter of 2026, settled in the third, has 91 days.
    found = amount(made, date(2026, 7, 10), {**loan, "started_on": started_on}, active=True)
    whole = Decimal(expected) * Decimal("0.01") * 91 / 365
    assert found == whole.quantize(Decimal("0.01"), rounding="ROUND_DOWN")


@pytest.mark.parametrize(
    ("on", "eased"),
    [(date(2022, 8, 31), False), (date(2022, 9, 1), True), (date(2023, 3, 31), True), (date(2023, 4, 1), False)],
)
def test_the_eased_trigger_of_the_price_subsidy_holds_for_its_seven_months(on: date, eased: bool) -> None:
    made = policy("price-subsidy")
    given = {"cpi_yoy": Decimal("3.0"), "food_cpi_yoy": Decimal("1.0"), "dibao_standard": 1500}
    fixed = fix(made, VOCABULARY, on, given=given)
    facts = facts_from_example(made, VOCABULARY, {"dibao_margin": True, "dibao": False, "tekun": False, "orphan": False,
        "pension_preference": False, "unemployment_status": "none", "alive": True, "hukou_region": "310115"})  # fmt: skip
    assert (decide(fixed, facts).outcome.value == "eligible") is eased


def test_the_words_say_which_values_held_when_and_of_which_day_the_value_counts() -> None:
    english = to_plain_words(policy("consumer-loan-interest"), "en")
    assert "limit for one loan (the value on started_on): 2025-09-01: 500.00 yuan; 2026-01-01: 3,000.00 yuan" in english
    chinese = to_plain_words(policy("service-loan-interest"), "zh")
    assert "单户计入贴息的贷款上限（取 started_on 当日的值）: 2025-03-16: 1,000,000.00元" in chinese
    trigger = "2021-11-01: 3.5; 2022-09-01: 3.0; 2023-04-01: 3.5"
    assert trigger in to_plain_words(policy("price-subsidy"), "en")
