"""A backtest finds exactly what the ledger granted, what it missed, and what it should not have granted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from engine.installation import Installation
from engine.ledger.grants import grants
from engine.simulation.backtesting import Backtest, backtest
from policies.errors import SettingsError
from policies.policy import Policy

ON = date(2026, 11, 22)
POLICY = "cn-31-elderly-allowance"


def compared(installation: Installation, policy: Policy, since: date = date(2026, 11, 1), until: date = ON) -> Backtest:
    return backtest(
        policy, installation.ledger, installation.catalog.vocabulary, installation.snapshot, installation.reopen,
        since, until,
    )  # fmt: skip


def test_the_version_that_ran_would_grant_what_was_granted(installation: Installation) -> None:
    (found,) = compared(installation, installation.library.policies[POLICY]).periods
    granted = grants(installation.ledger, policy=POLICY, period="2026-11")
    assert found.run is not None and found.on == ON
    assert found.both == granted.height > 0
    assert (found.amount_differs, found.missed, found.unfounded) == (0, 0, 0)
    assert found.granted_amount == found.would_amount == granted["amount"].sum()


def test_a_wider_rule_misses_and_a_narrower_one_has_granted_too_much(
    installation: Installation, changed: Callable[..., Policy]
) -> None:
    def version(age: int) -> Policy:
        return changed(("values: {2016-05-01: 65}", f"values: {{2016-05-01: {age}}}"))

    (wider,) = compared(installation, version(60)).periods
    (narrower,) = compared(installation, version(80)).periods
    granted = grants(installation.ledger, policy=POLICY, period="2026-11").height
    assert wider.both == granted and wider.missed > 0 and wider.unfounded == 0
    assert narrower.both + narrower.unfounded == granted and narrower.unfounded > 0 and narrower.missed == 0
    assert {one.reason for one in narrower.samples} == {"ineligible"}


def test_other_amounts_are_told_with_both_sums(installation: Installation, changed: Callable[..., Policy]) -> None:
    (found,) = compared(installation, changed(("amount: 150}", "amount: 140}"))).periods
    assert found.amount_differs > 0 and found.missed == found.unfounded == 0
    assert found.granted_amount - found.would_amount == 1_000 * found.amount_differs


def test_periods_without_a_run_are_read_from_present_data_and_say_so(installation: Installation) -> None:
    found = compared(installation, installation.library.policies[POLICY], since=date(2026, 9, 15))
    assert [(one.period, one.run is None, one.on) for one in found.periods] == [
        ("2026-09", True, date(2026, 9, 30)), ("2026-10", True, date(2026, 10, 31)), ("2026-11", False, ON)
    ]  # fmt: skip
    assert found.periods[0].both == 0 and found.periods[0].missed > 0


def test_periods_out_of_force_are_named_not_tested(installation: Installation, changed: Callable[..., Policy]) -> None:
    late = changed(("in_force: {from: 2016-05-01}", "in_force: {from: 2026-11-01}"))
    found = compared(installation, late, since=date(2026, 10, 1))
    assert found.skipped == ("2026-10",) and [one.period for one in found.periods] == ["2026-11"]


@pytest.mark.parametrize(("since", "until"), [(date(2026, 11, 2), date(2026, 11, 1)), (date(1990, 1, 1), ON)])
def test_a_span_that_makes_no_sense_is_refused(installation: Installation, since: date, until: date) -> None:
    with pytest.raises(SettingsError) as refused:
        compared(installation, installation.library.policies[POLICY], since, until)
    assert refused.value.diagnostics[0].code == "wrong-span"
