"""Ceilings in a real ledger: never above them, whoever granted before, and what is left is granted."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import update

from engine.ledger import tables
from engine.ledger.approvals import add_version, approve
from engine.ledger.grants import grants
from engine.ledger.opening import Ledger, table
from policies.policy import Policy
from profiles import fault_points
from profiles.fault_points import ArmedFault
from tests.ceilings.firms_and_hires import FIRM, granted, hiring, limited, run_all, waiting
from tests.run.small_city import prepared

NOVEMBER, JANUARY = date(2026, 11, 22), date(2027, 1, 5)
THREE = (("a", "li", 4), ("b", "li", 4), ("c", "li", 4))


def test_the_rest_is_granted_and_who_is_left_nothing_waits_with_the_ceiling_named(tmp_path: Path) -> None:
    policy = limited("all_hires: {amount: 600, within: year}")
    ledger = prepared(tmp_path, {policy.id: policy})
    report = run_all(ledger, [policy], NOVEMBER, hiring(*THREE))[policy.id]
    assert granted(ledger) == [("a", "event", 400), ("b", "event", 200)]
    assert waiting(ledger) == [("c", "ceiling", "all_hires", 400)]
    assert (report.new_grants, dict(report.waiting)) == (2, {"ceiling": 1})


def test_running_twice_grants_nothing_more(tmp_path: Path) -> None:
    policy = limited("all_hires: {amount: 600, within: year}")
    ledger = prepared(tmp_path, {policy.id: policy})
    for _ in range(2):
        run_all(ledger, [policy], NOVEMBER, hiring(*THREE))
    assert granted(ledger) == [("a", "event", 400), ("b", "event", 200)]
    assert waiting(ledger) == [("c", "ceiling", "all_hires", 400)]


def test_one_who_waits_for_a_ceiling_is_served_when_the_next_year_begins(tmp_path: Path) -> None:
    policy = limited("all_hires: {amount: 600, within: year}")
    ledger = prepared(tmp_path, {policy.id: policy})
    run_all(ledger, [policy], NOVEMBER, hiring(*THREE))
    run_all(ledger, [policy], JANUARY, hiring(*THREE))
    assert granted(ledger) == [("a", "event", 400), ("b", "event", 200), ("c", "event", 400)]
    assert waiting(ledger) == []


def test_for_good_means_in_every_year(tmp_path: Path) -> None:
    policy = limited("all_hires: {amount: 600, within: always}")
    ledger = prepared(tmp_path, {policy.id: policy})
    run_all(ledger, [policy], NOVEMBER, hiring(*THREE))
    run_all(ledger, [policy], JANUARY, hiring(*THREE))
    assert waiting(ledger) == [("c", "ceiling", "all_hires", 400)]


def test_two_quarters_of_one_year_share_the_ceiling_of_the_year_and_a_new_year_has_its_own(tmp_path: Path) -> None:
    policy = limited("all_hires: {amount: 1000, within: year}", period="quarter")
    ledger = prepared(tmp_path, {policy.id: policy})
    for on in (date(2026, 7, 5), date(2026, 10, 5), date(2027, 1, 5)):
        run_all(ledger, [policy], on, hiring(("a", "li", 4), ("b", "li", 3)))
    assert granted(ledger) == [
        ("a", "2026Q3", 400), ("b", "2026Q3", 300), ("a", "2026Q4", 300), ("a", "2027Q1", 400), ("b", "2027Q1", 300)
    ]  # fmt: skip


def test_a_ceiling_of_the_period_begins_anew_with_each(tmp_path: Path) -> None:
    policy = limited("all_hires: {amount: 500, within: period}", period="quarter")
    ledger = prepared(tmp_path, {policy.id: policy})
    for on in (date(2026, 7, 5), date(2026, 10, 5)):
        run_all(ledger, [policy], on, hiring(("a", "li", 4), ("b", "li", 3)))
    assert granted(ledger) == [("a", "2026Q3", 400), ("b", "2026Q3", 100), ("a", "2026Q4", 400), ("b", "2026Q4", 100)]


def test_each_group_has_a_ceiling_of_its_own_and_several_ceilings_all_hold(tmp_path: Path) -> None:
    policy = limited(
        "one_person: {amount: 600, within: year, for_each: [person]}",
        "short: {amount: 300, within: year, for_each: [person], when: months <= 2}",
    )
    ledger = prepared(tmp_path, {policy.id: policy})
    hires = [("a", "li", 2), ("b", "li", 2), ("c", "li", 4), ("d", "wu", 2), ("e", "li", 1), ("f", "wu", 9)]
    run_all(ledger, [policy], NOVEMBER, hiring(*hires))
    # The long ones come first: 400 for li, 600 for wu; then the short ones until li has 600.
    assert granted(ledger) == [("a", "event", 200), ("c", "event", 400), ("f", "event", 600)]
    assert waiting(ledger) == [
        ("b", "ceiling", "one_person", 200), ("d", "ceiling", "one_person", 200), ("e", "ceiling", "one_person", 100)
    ]  # fmt: skip


def test_a_unit_whose_group_is_unknown_waits_until_it_is_known(tmp_path: Path) -> None:
    policy = limited("one_person: {amount: 600, within: year, for_each: [person]}")
    ledger = prepared(tmp_path, {policy.id: policy})
    run_all(ledger, [policy], NOVEMBER, hiring(("a", None, 4), ("b", "li", 4)))
    assert granted(ledger) == [("b", "event", 400)]
    assert waiting(ledger) == [("a", "ceiling-unknown", "one_person", 400)]
    run_all(ledger, [policy], NOVEMBER, hiring(("a", "li", 4), ("b", "li", 4)))
    assert granted(ledger) == [("a", "event", 200), ("b", "event", 400)]


def test_grants_of_a_version_before_the_ceiling_count_against_every_group(tmp_path: Path) -> None:
    before = limited("none: {amount: 900000, within: always}")
    ledger = prepared(tmp_path, {before.id: before})
    run_all(ledger, [before], NOVEMBER, hiring(("a", "li", 4)))
    after = limited("one_person: {amount: 600, within: year, for_each: [person]}")
    add_version(ledger, after)
    approve(ledger, after.version, "wang", date(2026, 2, 1))
    run_all(ledger, [after], NOVEMBER, hiring(("a", "li", 4), ("b", "wu", 4)))
    assert granted(ledger) == [("a", "event", 400), ("b", "event", 200)]


def test_a_grant_that_was_stopped_leaves_room_again(tmp_path: Path) -> None:
    policy = limited("all_hires: {amount: 600, within: year}")
    ledger = prepared(tmp_path, {policy.id: policy})
    run_all(ledger, [policy], NOVEMBER, hiring(*THREE))
    grant = table(tables.Grant)
    with ledger.writing() as connection:
        connection.execute(update(grant).where(grant.c.unit == "a").values(stage="stopped"))
    run_all(ledger, [policy], NOVEMBER, hiring(*THREE))
    assert granted(ledger) == [("a", "event", 400), ("b", "event", 200), ("c", "event", 400)]


def test_a_cut_grant_takes_no_more_from_the_fund_than_it_gives(tmp_path: Path) -> None:
    policy = replace(limited("all_hires: {amount: 600, within: year}"), fund="jobs")
    ledger = prepared(tmp_path, {policy.id: policy}, jobs=60_000)
    run_all(ledger, [policy], NOVEMBER, hiring(*THREE))
    assert granted(ledger) == [("a", "event", 400), ("b", "event", 200)]
    with ledger.reading() as connection:
        taken = connection.exec_driver_sql("select sum(amount) from fund_entry where kind = 'reserved'").scalar_one()
    assert taken == 60_000


def test_the_evidence_tells_what_the_rule_gave_and_what_was_granted_before(tmp_path: Path) -> None:
    policy = limited("one_person: {amount: 600, within: year, for_each: [person]}")
    ledger = prepared(tmp_path, {policy.id: policy})
    run_all(ledger, [policy], NOVEMBER, hiring(*THREE))
    found = {row["unit"]: json.loads(row["evidence"]) for row in grants(ledger, subject=FIRM, limit=10).to_dicts()}
    (ceiling,) = policy.benefit.ceilings
    told = {
        "counts": True,
        "limit": 60_000,
        "as": ceiling.reading,
        "group": ["li"],
        "before": 40_000,
        "by_rule": 40_000,
    }
    assert found["b"]["ceilings"] == {"one_person": told}


MONTHS = "months: {amount: 10, within: always, measure: yuan(months)}"


def test_what_counts_may_be_a_measure_of_the_unit_and_a_part_of_it_gets_that_part_of_the_amount(tmp_path: Path) -> None:
    policy = limited(MONTHS)
    ledger = prepared(tmp_path, {policy.id: policy})
    run_all(ledger, [policy], NOVEMBER, hiring(("a", "li", 7), ("b", "li", 6), ("c", "li", 2)))
    # Of the six months of b three have room, so that it gets half of its 600 yuan.
    assert granted(ledger) == [("a", "event", 700), ("b", "event", 300)]
    assert waiting(ledger) == [("c", "ceiling", "months", 200)]


def test_a_unit_that_gets_something_each_quarter_counts_with_its_measure_only_once(tmp_path: Path) -> None:
    policy = limited(MONTHS, period="quarter")
    ledger = prepared(tmp_path, {policy.id: policy})
    run_all(ledger, [policy], date(2026, 7, 5), hiring(("b", "li", 7)))
    run_all(ledger, [policy], date(2026, 10, 5), hiring(("a", "li", 4), ("b", "li", 7)))
    # Who was counted before comes first, whatever the order of the units.
    assert granted(ledger) == [("b", "2026Q3", 700), ("a", "2026Q4", 300), ("b", "2026Q4", 700)]


def test_a_unit_whose_measure_is_unknown_waits(tmp_path: Path) -> None:
    policy = limited('hours: {amount: 10, within: always, measure: yuan(1) if person == "li" else yuan(2)}')
    ledger = prepared(tmp_path, {policy.id: policy})
    run_all(ledger, [policy], NOVEMBER, hiring(("a", None, 4), ("b", "li", 4)))
    assert granted(ledger) == [("b", "event", 400)]
    assert waiting(ledger) == [("a", "ceiling-unknown", "hours", 400)]


def after_a_version_without_months(folder: Path) -> tuple[Ledger, Policy]:
    """Return a ledger in which `b` was granted something before the rule limited months, and the rule that does."""
    before, after = (
        limited("none: {amount: 900000, within: always}", period="quarter"),
        limited(MONTHS, period="quarter"),
    )
    ledger = prepared(folder, {before.id: before})
    run_all(ledger, [before], NOVEMBER, hiring(("b", "li", 7)))
    add_version(ledger, after)
    approve(ledger, after.version, "wang", date(2026, 2, 1))
    return ledger, after


def test_units_of_a_version_before_the_measure_count_as_soon_as_they_can_be_read_again(tmp_path: Path) -> None:
    ledger, after = after_a_version_without_months(tmp_path)
    run_all(ledger, [after], JANUARY, hiring(("a", "li", 4), ("b", "li", 7)))
    assert granted(ledger) == [("b", "2026Q4", 700), ("a", "2027Q1", 300), ("b", "2027Q1", 700)]


def test_a_unit_of_a_version_before_the_measure_that_is_gone_may_have_used_it_up(tmp_path: Path) -> None:
    ledger, after = after_a_version_without_months(tmp_path)
    run_all(ledger, [after], JANUARY, hiring(("a", "li", 4)))
    assert waiting(ledger) == [("a", "ceiling", "months", 400)]


@pytest.mark.parametrize("place", ["allocated", "grants-inserted", "bucket-recorded", "run-closing"])
def test_a_run_killed_anywhere_ends_within_the_ceiling(tmp_path: Path, place: str) -> None:
    policy = limited("all_hires: {amount: 600, within: year}")
    ledger = prepared(tmp_path, {policy.id: policy})
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MIANSHEN_FAULT", f"{place}:raise:1")
        fault_points._passed.clear()
        with suppress(ArmedFault):
            run_all(ledger, [policy], NOVEMBER, hiring(*THREE))
    fault_points._passed.clear()
    run_all(ledger, [policy], NOVEMBER, hiring(*THREE))
    assert granted(ledger) == [("a", "event", 400), ("b", "event", 200)]
    assert waiting(ledger) == [("c", "ceiling", "all_hires", 400)]
