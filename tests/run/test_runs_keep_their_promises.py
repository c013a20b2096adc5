"""What a run promises: who is granted, who never is, and that doing it again changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import text

from engine.ledger import Ledger, audit
from engine.ledger.approvals import add_version, approve
from engine.ledger.funds import appropriate, available, balances
from engine.ledger.grants import grants, totals, waiting
from engine.ledger.opening import table
from engine.ledger.tables import Announcement, Claim
from engine.run_report import PolicyReport, RunReport
from engine.running import run
from policies.errors import RunError, SettingsError
from policies.policy import Claims, Condition, Guard, Policy
from policies.tree import Aggregate, Compare, Literal
from policies.tree import Attribute as Datum
from policies.types import Bool, Text
from tests.run.small_city import (
    ON,
    PLAIN,
    at_least,
    city,
    contents,
    library,
    money,
    policy,
    prepared,
    pseudonym,
    title,
    vocabulary,
)

PROCESS = Path(__file__).with_name("run_in_a_process.py")


def do(ledger: Ledger, policies: dict[str, Policy], on: date = ON, **options: Any) -> RunReport:
    snapshot = options.pop("snapshot", None) or city()
    return run(ledger, snapshot, policies, vocabulary(), on, **options)


def line(report: RunReport, name: str) -> PolicyReport:
    return next(item for item in report.policies if item.policy == name)


def only(*policies: Policy) -> dict[str, Policy]:
    return {one.id: one for one in policies}


def count(ledger: Ledger, name: str) -> int:
    with ledger.reading() as connection:
        return int(connection.execute(text(f'select count(*) from "{name}"')).scalar_one())


def everybody() -> Condition:
    alive = Datum(Bool(), ("alive",))
    always = Compare(Bool(), "==", alive, alive)
    return Condition("leaf", expression=always, text="alive == alive")


# Invariants of the ledger, as a run keeps them


def test_one_grant_per_key_however_often_it_is_run(tmp_path: Path) -> None:
    policies = library()
    ledger = prepared(tmp_path, policies, welfare=1_000_000, jobs=2_500_000)
    first = do(ledger, policies)
    before = contents(ledger)
    second = do(ledger, policies)
    assert first.new_grants > 0 and not first.nothing_new
    assert second.new_grants == 0 and second.nothing_new
    found = grants(ledger)
    assert not found.select("subject", "policy", "unit", "period").is_duplicated().any()
    kept = [one for one in before.split("\n") if not one.startswith(("run:", "audit_entry:"))]
    after = [one for one in contents(ledger).split("\n") if not one.startswith(("run:", "audit_entry:"))]
    assert after == kept


def test_a_grant_comes_with_its_evidence_fund_movement_and_announcement(tmp_path: Path) -> None:
    policies = only(policy("elder", at_least("age", 80), money(20_000), fund="welfare"))
    ledger = prepared(tmp_path, policies, welfare=10**9)
    report = do(ledger, policies)
    found = grants(ledger)
    assert found.height == report.new_grants == 76
    evidence = json.loads(found["evidence"][0])
    assert evidence["values"]["age"] >= 80
    assert evidence["as_of"] == {"register": "2026-11-01", "tax": "2026-10-31"}
    assert found["version"].unique().to_list() == [policies["elder"].version]
    assert sum(balance.used for balance in balances(ledger)) == 76 * 20_000 == report.amount
    with ledger.reading() as connection:
        told = connection.execute(table(Announcement).select()).all()
    assert {row.grant for row in told} == set(found["id"])
    assert {json.loads(row.data)["amount"] for row in told} == {20_000}


def test_all_or_nothing_when_a_transaction_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policies = library()
    ledger = prepared(tmp_path, policies, welfare=1_000_000, jobs=2_500_000)
    monkeypatch.setenv("MIANSHEN_FAULT", "funds-reserved:raise")
    with pytest.raises(Exception, match="funds-reserved"):
        do(ledger, policies)
    for name in ("grant", "announcement", "fund_entry", "claim", "waiting", "checkpoint"):
        assert count(ledger, name) == 0
    monkeypatch.delenv("MIANSHEN_FAULT")
    assert do(ledger, policies).continued


def test_a_fund_is_never_overspent_and_who_is_short_waits_with_the_reason(tmp_path: Path) -> None:
    need = Datum(PLAIN, ("need",))
    policies = only(
        policy("elder", at_least("age", 60), money(20_000), fund="welfare", order_of_need=need),
        policy("other", at_least("age", 50), money(7_000), fund="welfare", order_of_need=need),
    )
    ledger = prepared(tmp_path, policies, welfare=333_333)
    report = do(ledger, policies)
    assert 0 <= available(ledger, "welfare") < 20_000
    assert report.amount == 333_333 - available(ledger, "welfare")
    for item in report.policies:
        assert item.matched == item.new_grants + item.waiting["fund"]
    # The reason stays with those who wait, and more money serves them.
    assert waiting(ledger)["reason"].unique().to_list() == ["fund"]
    appropriate(ledger, "welfare", 10**9, title=title("welfare"), actor="zhao")
    again = do(ledger, policies)
    assert all(not item.waiting for item in again.policies)
    assert waiting(ledger).is_empty()
    assert again.new_grants + report.new_grants == sum(item.matched for item in report.policies)


def test_a_fund_that_was_not_appropriated_grants_nobody(tmp_path: Path) -> None:
    policies = only(policy("elder", at_least("age", 80), fund="welfare"))
    report = do(prepared(tmp_path, policies), policies)
    assert (report.new_grants, line(report, "elder").waiting) == (0, {"fund": 76})


def test_a_claim_supports_one_grant_also_in_later_runs(tmp_path: Path) -> None:
    hire = library()["hire"]
    ledger = prepared(tmp_path, only(hire), jobs=10**9)
    do(ledger, only(hire))
    with ledger.reading() as connection:
        keys = [row.key for row in connection.execute(table(Claim).select())]
    assert len(keys) == len(set(keys)) == 20
    rival = replace(hire, id="rival", version="b" * 64, claims=Claims("graduate", Datum(Text(), ("person",), 1)))
    add_version(ledger, rival)
    approve(ledger, rival.version, "wang", date(2026, 1, 1))
    report = do(ledger, only(hire, rival))
    assert line(report, "rival").new_grants == 0
    assert line(report, "rival").waiting == {"claimed": 40}


def test_a_changed_grant_is_found_by_the_audit(tmp_path: Path) -> None:
    policies = library()
    ledger = prepared(tmp_path, policies, welfare=1_000_000, jobs=2_500_000)
    do(ledger, policies)
    assert audit.verify(ledger).intact
    for change in (
        'update "grant" set amount = amount + 1 where id = (select min(id) from "grant")',
        "update fund_entry set amount = amount - 1 where id = 1",
        'delete from "grant" where id = (select min(id) from "grant")',
    ):
        with ledger.engine.connect() as connection, connection.begin() as undone:
            connection.exec_driver_sql(change)
            undone.commit()
        report = audit.verify(ledger)
        assert not report.intact and report.reason is not None


# Who must never be granted


def test_a_policy_that_matches_nobody_grants_nobody(tmp_path: Path) -> None:
    policies = only(policy("nobody", at_least("age", 1_000)), policy("base", at_least("age", 60)))
    ledger = prepared(tmp_path, policies)
    report = do(ledger, policies)
    assert (line(report, "nobody").matched, line(report, "nobody").new_grants) == (0, 0)
    assert grants(ledger, policy="nobody").is_empty()
    assert line(report, "base").new_grants == 156


def test_a_city_without_people_grants_nobody(tmp_path: Path) -> None:
    policies = library()
    ledger = prepared(tmp_path, policies, welfare=10**9, jobs=10**9)
    report = do(ledger, policies, snapshot=city(0, 0))
    assert report.new_grants == 0 and report.nothing_new


def test_a_held_policy_grants_nobody_and_the_others_go_on(tmp_path: Path) -> None:
    wide = policy("wide", at_least("age", 10), guard=Guard(share_at_most=4_000))
    policies = only(wide, policy("base", at_least("age", 60)))
    ledger = prepared(tmp_path, policies)
    report = do(ledger, policies)
    held = line(report, "wide").held
    assert held is not None and (held.code, held.releasable) == ("above-band", True)
    assert grants(ledger, policy="wide").is_empty()
    assert line(report, "base").new_grants == 156
    released = do(ledger, policies, release=["wide"])
    assert line(released, "wide").held is None
    assert line(released, "wide").new_grants == line(released, "wide").matched > 0


def test_a_rule_that_is_always_true_is_held_and_cannot_be_released(tmp_path: Path) -> None:
    policies = only(policy("all", everybody()))
    ledger = prepared(tmp_path, policies)
    for release in ([], ["all"]):
        report = do(ledger, policies, release=release)
        held = line(report, "all").held
        assert held is not None and held.code == "always-true"
    assert grants(ledger).is_empty()


def test_a_jump_against_the_last_run_is_held_until_released_also_when_run_again(tmp_path: Path) -> None:
    narrow = policy("base", at_least("age", 85), period="month")
    ledger = prepared(tmp_path, only(narrow))
    assert line(do(ledger, only(narrow)), "base").matched == 56
    wide = policy("base", at_least("age", 20), period="month")
    add_version(ledger, wide)
    approve(ledger, wide.version, "wang", date(2026, 11, 1))
    for _ in range(2):  # a held run must not become the yardstick of the next
        held = line(do(ledger, only(wide)), "base").held
        assert held is not None and held.code == "jump"
    assert grants(ledger).height == 56
    assert line(do(ledger, only(wide), release=["base"]), "base").new_grants > 0
    assert line(do(ledger, only(wide), date(2026, 12, 1)), "base").held is None


def test_a_policy_that_fails_is_held_with_its_error_and_does_not_hide_the_others(tmp_path: Path) -> None:
    broken = policy("broken", Condition("leaf", expression=Datum(Bool(), ("no_such_datum",)), text="?"))
    policies = only(broken, policy("base", at_least("age", 60)))
    ledger = prepared(tmp_path, policies)
    report = do(ledger, policies)
    assert line(report, "broken").error
    assert line(report, "broken").held is not None and not line(report, "broken").held.releasable  # type: ignore[union-attr]
    assert line(report, "base").new_grants == 156
    assert totals(ledger)["policy"].to_list() == ["base"]


def test_a_policy_that_nobody_but_the_author_has_seen_grants_nobody(tmp_path: Path) -> None:
    base, other = policy("base", at_least("age", 60)), policy("other", at_least("age", 60))
    ledger = prepared(tmp_path, only(base))
    report = do(ledger, only(base, other))
    assert [item.policy for item in report.policies] == ["base"]
    with pytest.raises(RunError, match="not-approved"):
        do(ledger, only(base, other), only=["other"])
    with pytest.raises(SettingsError, match="unknown-policy"):
        do(ledger, only(base, other), only=["basse"])
    shadow = do(ledger, only(base, other), dry_run=True)
    assert [(item.policy, item.approved) for item in shadow.policies] == [("base", True), ("other", False)]


def test_nothing_approved_is_told_and_out_of_force_is_left_out(tmp_path: Path) -> None:
    ended = policy("base", at_least("age", 60), in_force=(date(2020, 1, 1), date(2026, 10, 31)))
    with pytest.raises(RunError, match="nothing-approved"):
        do(prepared(tmp_path / "empty", {}), only(ended))
    ledger = prepared(tmp_path, only(ended))
    assert do(ledger, only(ended)).policies == ()
    with pytest.raises(RunError, match="not-in-force"):
        do(ledger, only(ended), only=["base"])
    assert do(ledger, only(ended), date(2026, 10, 31)).new_grants == 156


# What is counted and told


def test_everybody_is_counted_once(tmp_path: Path) -> None:
    policies = library()
    report = do(prepared(tmp_path, policies, welfare=1_000_000, jobs=2_500_000), policies)
    for item in report.policies:
        if item.policy != "hire":
            assert item.matched + item.ineligible + item.undetermined == item.subjects == 400
        assert item.matched == item.new_grants + item.already_granted + sum(item.waiting.values())
    assert line(report, "base").most_missing == ("age", 8)


def test_a_dry_run_writes_nothing_and_tells_what_would_be(tmp_path: Path) -> None:
    policies = library()
    ledger = prepared(tmp_path, policies, welfare=1_000_000, jobs=2_500_000)
    before = contents(ledger)
    would = do(ledger, policies, dry_run=True)
    assert contents(ledger) == before
    did = do(ledger, policies)
    assert [replace(item) for item in would.policies] == list(did.policies)
    assert would.funds == did.funds
    assert would.run is None and would.dry_run


def test_a_new_month_is_granted_again_and_what_is_once_is_not(tmp_path: Path) -> None:
    policies = library()
    ledger = prepared(tmp_path, policies, welfare=10**9, jobs=10**9)
    do(ledger, policies)
    december = do(ledger, policies, date(2026, 12, 1))
    assert line(december, "base").new_grants == 156
    assert (line(december, "child").new_grants, line(december, "child").already_granted) == (0, 392)


def test_a_top_up_is_paid_net_of_its_base(tmp_path: Path) -> None:
    policies = library()
    ledger = prepared(tmp_path, policies, welfare=10**9, jobs=10**9)
    do(ledger, policies)
    amounts = grants(ledger, policy="top-up")["amount"].unique().to_list()
    assert amounts == [3_000]


def test_the_guardian_is_paid_and_told_for_a_child(tmp_path: Path) -> None:
    policies = only(library()["child"])
    ledger = prepared(tmp_path, policies)
    do(ledger, policies)
    paid = grants(ledger).filter(pl.col("payee") == pseudonym("c1"))
    assert paid["subject"].to_list() == [pseudonym("c0")]
    with ledger.reading() as connection:
        told = {row.grant: row.subject for row in connection.execute(table(Announcement).select())}
    assert told[paid["id"][0]] == pseudonym("c1")


def test_the_number_of_buckets_changes_nothing(tmp_path: Path) -> None:
    results = []
    for buckets in (1, 4, 13):
        policies = library()
        ledger = prepared(tmp_path / str(buckets), policies, welfare=1_000_000, jobs=2_500_000)
        do(ledger, policies, snapshot=city(buckets=buckets))
        columns = ["id", "amount", "payee", "evidence"]
        results.append((grants(ledger).select(columns), waiting(ledger).drop("run")))
    for found, waits in results[1:]:
        assert found.equals(results[0][0])
        assert waits.equals(results[0][1])


def test_a_rule_can_read_what_was_granted_before_but_not_in_the_same_run(tmp_path: Path) -> None:
    has_base = Aggregate(
        Bool(),
        "any",
        ("grants",),
        0,
        1,
        None,
        Compare(Bool(), "==", Datum(Text(), ("policy",), 1), Literal(Text(), "base")),
        "any(grants, …)",
    )
    after = policy(
        "after",
        Condition("leaf", expression=has_base, text="has base"),
        money(500),
        reads={"citizen.grants": frozenset({"policy"})},
    )
    policies = only(after, policy("base", at_least("age", 60)))
    ledger = prepared(tmp_path, policies)
    assert line(do(ledger, policies), "after").matched == 0
    assert line(do(ledger, policies), "after").new_grants == 156


def test_progress_is_told_step_by_step(tmp_path: Path) -> None:
    policies, told = library(), []
    ledger = prepared(tmp_path, policies, welfare=10**9, jobs=10**9)
    do(ledger, policies, on_progress=lambda step, done, total: told.append((step, done, total)))
    assert [entry for entry in told if entry[0] == "record"] == [("record", n, 4) for n in range(5)]
