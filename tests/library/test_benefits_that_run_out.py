"""Benefits that are counted in months or in instalments: month after month, a person gets exactly what the law counts out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from engine.decision import Outcome
from engine.interpreter import decide
from policies.examples import facts_from_example
from policies.fixing import fix
from policies.library import read_library
from profiles.catalog_reading import read_catalog

VOCABULARY = read_catalog().vocabulary
LIBRARY = read_library(Path(__file__).resolve().parents[2] / "policies", VOCABULARY).policies
UNEMPLOYED = {
    "unemployment_unclaimed_months": 0, "unemployment_received_months": 0, "unemployed_on": date(2025, 1, 10),
    "unemployment_involuntary": True, "unemployment_registered": True, "job_seeking": True,
    "unemployment_status": "none", "employee_pension": False, "social_insurance_region": "310115", "alive": True,
}  # fmt: skip
GRADUATE = {
    "education_level": "14", "degree": "308", "graduation_date": date(2025, 6, 30), "social_insurance_region": "330106", "alive": True,
}  # fmt: skip


def _months(first: date, count: int, day: int) -> list[date]:
    start = first.year * 12 + first.month - 1
    return [date((start + n) // 12, (start + n) % 12 + 1, day) for n in range(count)]


def _granted(policy_id: str, profiles: dict[date, dict[str, object]], earlier: list[dict[str, object]]) -> list[dict]:
    """Decide month after month, each time with all that was granted before; return what was granted anew."""
    policy, ledger = LIBRARY[policy_id], list(earlier)
    before = len(ledger)
    for on, profile in profiles.items():
        facts = facts_from_example(policy, VOCABULARY, profile | {"grants": ledger})
        decision = decide(fix(policy, VOCABULARY, on), facts)
        assert decision.outcome is not Outcome.UNDETERMINED, on
        if decision.outcome is Outcome.ELIGIBLE:
            assert decision.amount is not None
            yuan = decision.amount // 100
            ledger.append({"policy": policy_id, "amount": yuan, "period": f"{on:%Y-%m}", "granted_on": on, "unit": ""})
    return ledger[before:]


@pytest.mark.parametrize(
    ("insured", "unclaimed", "months"),
    [(11, 0, 0), (12, 0, 12), (59, 0, 12), (60, 0, 18), (119, 0, 18), (120, 0, 24), (400, 0, 24),
     (12, 6, 18), (12, 12, 24), (59, 24, 24), (60, 6, 24), (60, 7, 24), (120, 24, 24)],
)  # fmt: skip
def test_who_lost_work_gets_the_benefit_for_as_many_months_as_the_law_says(
    insured: int, unclaimed: int, months: int
) -> None:
    profile = UNEMPLOYED | {"unemployment_insured_months": insured, "unemployment_unclaimed_months": unclaimed}
    granted = _granted("cn-unemployment-benefit", dict.fromkeys(_months(date(2025, 1, 1), 36, 15), profile), earlier=[])
    assert len(granted) == months
    # Month after month from the first on, not scattered over the years.
    assert [one["period"] for one in granted] == [f"{on:%Y-%m}" for on in _months(date(2025, 1, 1), months, 15)]


def test_months_received_before_this_system_count() -> None:
    profile = UNEMPLOYED | {"unemployment_insured_months": 60}
    days = _months(date(2025, 9, 1), 24, 15)
    # The agency counts on while the person receives: eight months before, one more with each month.
    profiles = {on: profile | {"unemployment_received_months": min(8 + n, 24)} for n, on in enumerate(days)}
    assert len(_granted("cn-unemployment-benefit", profiles, earlier=[])) == 10


def test_who_works_and_loses_work_again_begins_anew() -> None:
    first = UNEMPLOYED | {"unemployment_insured_months": 24}
    days = _months(date(2025, 1, 1), 12, 15)
    earlier = _granted("cn-unemployment-benefit", dict.fromkeys(days, first), earlier=[])
    assert len(earlier) == 12
    # A year and a half of work later; the agency has reckoned the months paid in anew.
    second = first | {"unemployed_on": date(2027, 9, 3), "unemployment_insured_months": 18}
    later = dict.fromkeys(_months(date(2027, 9, 1), 24, 15), second)
    assert len(_granted("cn-unemployment-benefit", later, earlier)) == 12


def test_a_second_run_in_the_month_of_the_last_grant_decides_the_same() -> None:
    policy = LIBRARY["cn-unemployment-benefit"]
    profile = UNEMPLOYED | {"unemployment_insured_months": 12}
    days = _months(date(2025, 1, 1), 12, 15)
    granted = _granted("cn-unemployment-benefit", dict.fromkeys(days, profile), earlier=[])
    facts = facts_from_example(policy, VOCABULARY, profile | {"grants": granted})
    assert decide(fix(policy, VOCABULARY, date(2025, 12, 31)), facts).outcome is Outcome.ELIGIBLE
    assert decide(fix(policy, VOCABULARY, date(2026, 1, 1)), facts).outcome is Outcome.INELIGIBLE


@pytest.mark.parametrize(("degree", "total"), [("401", 10_000), ("308", 30_000), ("201", 100_000)])
def test_a_graduate_gets_two_halves_of_the_published_sum_and_never_a_third(degree: str, total: int) -> None:
    days = _months(date(2025, 7, 1), 30, 20)
    profiles = {on: GRADUATE | {"degree": degree, "social_insurance_months": n} for n, on in enumerate(days)}
    granted = _granted("cn-33-graduate-living-subsidy", profiles, earlier=[])
    assert [one["amount"] for one in granted] == [total // 2, total // 2]
    assert [one["period"] for one in granted] == ["2026-01", "2026-07"]


def test_a_graduate_whose_insurance_is_broken_off_gets_the_second_half_once_it_is_whole_again() -> None:
    """The months are those without a break: who begins anew within the first year waits for twelve new ones."""
    days = _months(date(2025, 7, 1), 30, 20)
    unbroken = [n if n < 8 else n - 8 for n in range(30)]
    profiles = {on: GRADUATE | {"social_insurance_months": n} for on, n in zip(days, unbroken, strict=True)}
    granted = _granted("cn-33-graduate-living-subsidy", profiles, earlier=[])
    assert [one["period"] for one in granted] == ["2026-01", "2027-03"]


@pytest.mark.parametrize(
    ("on", "amount"), [(date(2024, 1, 1), 123), (date(2024, 12, 31), 123), (date(2025, 1, 1), 143)]
)
def test_the_residents_pension_of_a_past_month_is_that_months_standard(on: date, amount: int) -> None:
    policy = LIBRARY["cn-resident-pension"]
    profile = {
        "birth_date": date(1950, 3, 1), "resident_pension_insured": True, "resident_pension_years": 15,
        "employee_pension": False, "alive": True, "hukou_region": "370102",
    }  # fmt: skip
    assert decide(fix(policy, VOCABULARY, on), facts_from_example(policy, VOCABULARY, profile)).amount == amount * 100
