"""A simulation counts exactly what the reference interpreter decides, whole and in every group."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select

from engine.decision import Outcome
from engine.installation import Installation
from engine.interpreter import decide_units
from engine.ledger import tables
from engine.ledger.earlier import past_grants_of
from engine.ledger.funds import balances
from engine.ledger.opening import table
from engine.past_grants import facts_with_past_grants
from engine.simulation.figures import CHANGES, Simulation
from engine.simulation.grouping import grouping_of
from engine.simulation.simulating import due_days, simulate
from policies.errors import PolicyError, SettingsError
from policies.fixing import fix
from policies.policy import Policy

ON = date(2026, 11, 22)
POLICY = "cn-31-elderly-allowance"
OLDER, CHEAPER = ("values: {2016-05-01: 65}", "values: {2016-05-01: 63}"), ("amount: 150}", "amount: 140}")


def simulated(installation: Installation, policy: Policy, **options: object) -> Simulation:
    with past_grants_of(installation.ledger, None) as past:
        return simulate(policy, installation.snapshot(ON), installation.catalog.vocabulary, ON, past, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "id", [POLICY, "cn-disability-levy-reduction", "cn-31-hiring-subsidy-2024", "cn-minimum-living-allowance"]
)
def test_counts_sums_and_tiers_are_those_of_the_interpreter(installation: Installation, id: str) -> None:
    policy = installation.library.policies[id]
    found = simulated(installation, policy).decided
    snapshot, fixed = installation.snapshot(ON), fix(policy, installation.catalog.vocabulary, ON)
    outcomes: Counter[Outcome] = Counter()
    amounts: list[int] = []
    tiers: Counter[int] = Counter()
    for subject in snapshot.sample(policy.space, 10_000):
        facts = facts_with_past_grants(snapshot.facts(policy.space, subject), subject, installation.ledger)
        for _, decision in decide_units(fixed, facts):
            outcomes[decision.outcome] += 1
            if decision.amount is not None:
                amounts.append(decision.amount)
            if decision.tier is not None and decision.outcome is Outcome.ELIGIBLE:
                tiers[decision.tier] += 1
    assert (found.total.yes, found.total.no, found.total.undetermined) == (
        outcomes[Outcome.ELIGIBLE], outcomes[Outcome.INELIGIBLE], outcomes[Outcome.UNDETERMINED]
    )  # fmt: skip
    assert found.total.amount == sum(amounts)
    assert {number: cell.yes for number, cell in found.tiers.items()} == dict(tiers)
    if amounts:
        assert found.mean == sum(amounts) // len(amounts)
        assert found.median == sorted(amounts)[(len(amounts) - 1) // 2]
        assert (found.smallest, found.largest) == (min(amounts), max(amounts))


def test_groups_add_up_to_the_whole(installation: Installation) -> None:
    for id in (POLICY, "cn-six-taxes-half", "cn-minimum-living-allowance"):
        found = simulated(installation, installation.library.policies[id]).decided
        for groups in (found.districts, found.bands):
            for name in ("yes", "no", "undetermined", "amount"):
                assert sum(getattr(cell, name) for cell in groups.values()) == getattr(found.total, name)


def test_enterprises_are_grouped_by_the_size_class_of_the_catalog(installation: Installation) -> None:
    found = simulated(installation, installation.library.policies["cn-six-taxes-half"])
    known = installation.catalog.vocabulary.code_sets["size_class"].codes
    assert set(found.decided.bands) <= {*known, "-"} and len(found.decided.bands) > 1
    assert grouping_of("enterprise", installation.catalog.vocabulary, ON).band == "size"


def test_every_condition_says_whom_it_turns_away_and_whom_it_alone_does(
    installation: Installation, changed: Callable[..., Policy]
) -> None:
    found = simulated(installation, installation.library.policies[POLICY]).decided
    by_text = {one.condition.text: one for one in found.barriers}
    age = by_text["age_in_month >= minimum_age"]
    # Without the age, those whom it alone turned away are eligible.
    without = changed(("values: {2016-05-01: 65}", "values: {2016-05-01: 0}"))
    assert simulated(installation, without).decided.total.yes == found.total.yes + age.alone
    assert all(one.alone <= one.fails for one in found.barriers)


def test_gains_losses_and_the_rest_are_everybody_once(
    installation: Installation, changed: Callable[..., Policy]
) -> None:
    former, present = installation.library.policies[POLICY], changed(OLDER, CHEAPER)
    seen: list[object] = []
    found = simulated(installation, present, against=former, samples=2, on_changed=seen.append)
    against = found.against
    assert against is not None
    moved = against.moved
    total = found.decided.total
    assert sum(moved[change].units for change in CHANGES) == total.yes + total.no + total.undetermined
    assert moved["gains"].units > 0 and moved["less"].units > 0 and moved["loses"].units == 0
    assert sum(one.difference for one in moved.values()) == total.amount - against.decided.total.amount
    assert total.yes - against.decided.total.yes == moved["gains"].units - moved["loses"].units
    listed = sum(frame.height for frame in seen)  # type: ignore[attr-defined]
    assert listed == sum(moved[change].units for change in CHANGES[:4])
    assert Counter(one.change for one in against.samples) == {"gains": 2, "less": 2}
    backwards = simulated(installation, former, against=present).against
    assert backwards is not None
    assert backwards.moved["loses"].units == moved["gains"].units
    assert backwards.moved["more"].units == moved["less"].units


def test_a_version_against_itself_changes_nothing(installation: Installation) -> None:
    policy = installation.library.policies[POLICY]
    against = simulated(installation, policy, against=policy).against
    assert against is not None
    assert {change for change, one in against.moved.items() if one.units} <= {"same", "neither"}


def test_the_projection_decides_each_month_as_a_simulation_of_that_day(installation: Installation) -> None:
    policy = installation.library.policies[POLICY]
    balance = next(one for one in balances(installation.ledger) if one.fund == policy.fund)
    found = simulated(installation, policy, until=date(2027, 3, 1), balance=balance)
    assert [str(one.on) for one in found.months] == [
        "2026-11-22",
        "2026-12-01",
        "2027-01-01",
        "2027-02-01",
        "2027-03-01",
    ]
    assert found.months[0].amount == found.decided.total.amount
    with past_grants_of(installation.ledger, None) as past:
        later = simulate(
            policy, installation.snapshot(ON), installation.catalog.vocabulary, date(2027, 3, 1), past
        ).decided  # fmt: skip
    assert (found.months[-1].units, found.months[-1].amount) == (later.total.yes, later.total.amount)
    assert found.months[-1].total == sum(one.amount for one in found.months)
    assert found.fund is not None and found.fund.years == balance.appropriation * 100 // found.decided.yearly


def test_a_simulation_writes_nothing(installation: Installation, changed: Callable[..., Policy]) -> None:
    def state() -> tuple[object, ...]:
        with installation.ledger.reading() as connection:
            counts = tuple(
                connection.execute(select(func.count()).select_from(table(one))).scalar_one()
                for one in (tables.Grant, tables.Waiting, tables.FundEntry, tables.AuditEntry, tables.Run, tables.PolicyVersion)
            )  # fmt: skip
        return (*counts, *_digests(installation.home.store))

    before = state()
    simulated(installation, changed(OLDER), against=installation.library.policies[POLICY], until=date(2027, 1, 1))
    assert state() == before


def _digests(folder: Path) -> list[tuple[str, str]]:
    return [
        (str(path), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]


def test_strangers_and_wrong_days_are_refused(installation: Installation) -> None:
    library = installation.library.policies
    with pytest.raises(PolicyError) as refused:
        simulated(installation, library[POLICY], against=library["cn-six-taxes-half"])
    assert refused.value.diagnostics[0].code == "not-comparable"
    for until in (date(2026, 11, 21), date(2099, 1, 1)):
        with pytest.raises(SettingsError) as wrong:
            simulated(installation, library[POLICY], until=until)
        assert wrong.value.diagnostics[0].code == "wrong-until"


def test_days_of_a_projection_are_the_first_days_of_periods(changed: Callable[..., Policy]) -> None:
    quarterly = changed(("period: month", "period: quarter"))
    assert due_days(quarterly, ON, date(2027, 7, 1)) == (ON, date(2027, 1, 1), date(2027, 4, 1), date(2027, 7, 1))
    ended = changed(("in_force: {from: 2016-05-01}", "in_force: {from: 2016-05-01, to: 2026-12-31}"))
    assert due_days(ended, ON, date(2027, 2, 1)) == (ON, date(2026, 12, 1))
