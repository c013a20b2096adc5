"""A retired policy is out of use from its day on; who asks is told since when, by whom and why; grants stay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from engine.events.standing import standing_on
from engine.ledger import Ledger, audit, open_ledger
from engine.ledger.approvals import add_version, approve, approved_policies
from engine.ledger.retirements import retire, retirements
from engine.planning import ending_with_retirement, is_in_force, make_plan
from engine.schedule import due_slots, schedule_report
from policies.errors import LedgerError, RunError
from policies.library import read_policy_text
from policies.policy import Policy
from profiles.catalog_model import Catalog
from tests.workbench.conftest import DAY, ELDERLY, Desk

NAME = "cn-31-elderly-allowance"
APPROVED, RETIRED = date(2026, 1, 1), date(2026, 6, 1)


@pytest.fixture
def policy(catalog: Catalog) -> Policy:
    return read_policy_text(ELDERLY.read_text(encoding="utf-8"), catalog.vocabulary, str(ELDERLY))


@pytest.fixture
def ledger(tmp_path: Path, policy: Policy) -> Iterator[Ledger]:
    found = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", lambda: datetime(2026, 6, 20, tzinfo=UTC))
    add_version(found, policy)
    approve(found, policy.version, "li", APPROVED)
    yield found
    found.close()


def test_from_its_day_on_no_run_takes_it_and_the_days_before_can_still_be_run(
    ledger: Ledger, policy: Policy, catalog: Catalog
) -> None:
    retire(ledger, NAME, "wang", "repealed", RETIRED)
    assert NAME in approved_policies(ledger, date(2026, 5, 31))
    assert NAME not in approved_policies(ledger, RETIRED)
    assert len(make_plan(ledger, {NAME: policy}, catalog.vocabulary, date(2026, 5, 31)).policies) == 1
    for dry_run in (False, True):
        with pytest.raises(RunError) as told:
            make_plan(ledger, {NAME: policy}, catalog.vocabulary, RETIRED, only=[NAME], dry_run=dry_run)
        message = told.value.diagnostics[0].message
        assert told.value.diagnostics[0].code == "policy-retired"
        assert all(part in message.en for part in ("wang", "2026-06-01", "repealed"))


def test_events_do_not_decide_it_either_and_say_why(ledger: Ledger, policy: Policy, catalog: Catalog) -> None:
    retire(ledger, NAME, "wang", "repealed", RETIRED)
    standing = standing_on(ledger, {NAME: policy}, catalog.vocabulary, RETIRED)
    assert NAME not in standing.fixed
    assert standing.withheld[NAME].code == "retired"


def test_missed_slots_before_the_day_are_made_up_those_after_it_are_not(ledger: Ledger, policy: Policy) -> None:
    retire(ledger, NAME, "wang", "repealed", date(2026, 3, 15))
    due = due_slots(ledger, {NAME: policy}, datetime(2026, 6, 20, tzinfo=UTC))
    assert [slot.on for slot in due] == [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
    (line,) = schedule_report(ledger, {NAME: policy}, datetime(2026, 6, 20, tzinfo=UTC))
    assert line.next_at is None


def test_a_new_approval_takes_it_up_again_and_does_not_undo_the_days_between(ledger: Ledger, policy: Policy) -> None:
    retire(ledger, NAME, "wang", "repealed", RETIRED)
    assert approve(ledger, policy.version, "zhao", date(2026, 7, 1))
    assert NAME not in approved_policies(ledger, date(2026, 6, 30))
    assert NAME in approved_policies(ledger, date(2026, 7, 1))
    assert [one.resumed_by for one in retirements(ledger)] == ["zhao"]
    assert audit.verify(ledger).intact


def test_its_author_cannot_take_it_up_again(ledger: Ledger, policy: Policy) -> None:
    retire(ledger, NAME, "wang", "repealed", RETIRED)
    with pytest.raises(LedgerError, match="author-approves"):
        approve(ledger, policy.version, policy.author, date(2026, 7, 1))
    assert NAME not in approved_policies(ledger, date(2026, 7, 1))


@pytest.mark.parametrize(
    ("name", "by", "reason", "code"),
    [
        (NAME, " ", "repealed", "person-missing"),
        (NAME, "wang", "  ", "reason-missing"),
        ("cn-nothing", "wang", "repealed", "never-approved"),
    ],
)
def test_nobody_no_reason_or_no_policy_retires_nothing(
    ledger: Ledger, name: str, by: str, reason: str, code: str
) -> None:
    with pytest.raises(LedgerError, match=code):
        retire(ledger, name, by, reason, RETIRED)
    assert retirements(ledger) == []


def test_it_cannot_be_retired_twice(ledger: Ledger) -> None:
    retire(ledger, NAME, "wang", "repealed", RETIRED)
    with pytest.raises(LedgerError, match="already-retired"):
        retire(ledger, NAME, "zhao", "again", date(2026, 8, 1))
    assert len(retirements(ledger)) == 1


def test_on_the_command_line_grants_stay_and_a_run_names_the_person_and_the_reason(town: Desk) -> None:
    name = "cn-44-shenzhen-elderly-allowance"
    before = (
        len(town.json("grants", "--policy", name)) if town.call("grants", "--policy", name, "--json").code == 0 else 0
    )
    told = town.call("policies", "retire", name, "--by", "wang", "--reason", "repealed", "--on", DAY)
    assert told.code == 0, told.problems
    assert "stay as they are" in told.out
    run = town.call("run", "--policy", name, "--on", DAY)
    assert run.code == 8
    assert "policy-retired" in run.problems and "wang" in run.problems and "repealed" in run.problems
    trial = town.json("policies", "simulate", name, "--on", DAY)
    assert f"It is retired since {DAY} (by wang: repealed)" in trial["notes"][0]["en"]
    after = len(town.json("grants", "--policy", name)) if before else 0
    assert after == before
    assert town.call("audit", "verify").code == 0


def test_whoever_looks_ahead_at_a_retired_policy_or_asks_why_is_told_so(town: Desk) -> None:
    name, day = "cn-11-advanced-age-allowance", "2026-11-20"
    subject = town.json("grants", "--limit", "1", "--policy", "cn-31-elderly-allowance")["grants"][0]["subject"]
    told = town.call("policies", "retire", name, "--by", "wang", "--reason", "repealed", "--on", day)
    assert told.code == 0, told.problems
    explained = town.call("explain", subject, name, "--on", DAY)
    assert explained.code == 0, explained.problems
    assert f"retired since {day} (by wang: repealed)" in explained.out
    (as_data,) = town.json("explain", subject, name, "--on", DAY)
    assert f"自 {day} 起停用（wang：repealed）" in as_data["not_in_use"]["zh"]
    for command in ("upcoming", "gaps", "run"):
        refused = town.call(command, "--policy", name, "--on", DAY)
        assert refused.code == 8, refused.out
        assert "policy-retired" in refused.problems and "repealed" in refused.problems
    (ready,) = town.json("policies", "readiness", name, "--on", DAY)
    assert f"retired since {day} (by wang: repealed)" in ready["retired"]["en"]
    tested = town.call("policies", "backtest", name, "--from", "2026-11-01", "--until", DAY)
    assert tested.code == 0 and f"retired since {day}" in tested.out
    (bundle,) = [one for one in town.json("events", "bundles", "--on", DAY)["bundles"] if one["id"] == "retirement"]
    states = {line["policy"]: line["state"] for line in bundle["policies"]}
    assert states[name] == "retired"


def test_who_looks_ahead_past_a_coming_retirement_sees_nobody_become_eligible_after_it(
    ledger: Ledger, policy: Policy
) -> None:
    retire(ledger, NAME, "wang", "repealed", RETIRED)
    (ending,) = ending_with_retirement(ledger, [policy], APPROVED)
    assert is_in_force(ending, date(2026, 5, 31)) and not is_in_force(ending, RETIRED)
    assert approve(ledger, policy.version, "zhao", date(2026, 7, 1))
    assert ending_with_retirement(ledger, [policy], date(2026, 7, 1)) == [policy]
