"""Unfinished runs are finished first, and runs at the same time never double anything."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from engine.ledger import Ledger, audit
from engine.ledger.funds import balances
from engine.ledger.grants import grants
from engine.ledger.opening import table
from engine.ledger.tables import FundEntry, Grant
from engine.run_report import PolicyReport, RunReport
from engine.run_rows import abandon, all_runs
from engine.running import run
from policies.errors import RunError
from policies.policy import Policy
from tests.run.small_city import (
    ON,
    CitySnapshot,
    city,
    library,
    prepared,
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


def interrupted(ledger: Ledger, policies: dict[str, Policy], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIANSHEN_FAULT", "bucket-recorded:raise")
    with pytest.raises(Exception, match="bucket-recorded"):
        do(ledger, policies)
    monkeypatch.delenv("MIANSHEN_FAULT")


def test_an_unfinished_run_is_finished_with_its_own_data_before_another_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = library()
    ledger = prepared(tmp_path, policies, welfare=1_000_000, jobs=2_500_000)
    interrupted(ledger, policies, monkeypatch)
    newer = replace(city(500), versions={"register": 2, "tax": 1})
    opened: list[tuple[date, dict[str, int]]] = []

    def reopen(on: date, versions: Any) -> CitySnapshot:
        opened.append((on, dict(versions)))
        return city()

    with pytest.raises(RunError, match="run-unfinished"):
        do(ledger, policies, snapshot=newer)
    report = do(ledger, policies, snapshot=newer, reopen=reopen)
    assert opened == [(ON, {"register": 1, "tax": 1})]
    assert [row.state for row in all_runs(ledger)] == ["finished", "finished"]
    assert line(report, "base").already_granted == 156
    assert line(report, "base").new_grants == 39  # of the hundred who came
    assert audit.verify(ledger).intact


def test_a_run_that_cannot_be_continued_can_be_given_up_by_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = library()
    ledger = prepared(tmp_path, policies, welfare=1_000_000, jobs=2_500_000)
    interrupted(ledger, policies, monkeypatch)
    number = all_runs(ledger)[0].id
    recorded = grants(ledger).height
    abandon(ledger, number, "zhao", "the disk with the old versions is gone")
    with pytest.raises(RunError, match="run-not-unfinished"):
        abandon(ledger, number, "zhao", "again")
    report = do(ledger, policies, snapshot=replace(city(), versions={"register": 2}))
    assert sum(item.already_granted for item in report.policies) == recorded
    assert audit.verify(ledger).intact


# Concurrency


def test_two_runs_at_the_same_time_never_double_anything(tmp_path: Path) -> None:
    """Two processes with the same plan, and one with another day, on one ledger."""
    policies = library()
    prepared(tmp_path, policies, welfare=1_000_000, jobs=2_500_000).close()
    days = ["2026-11-22", "2026-11-22", "2026-12-01"]
    processes = [
        subprocess.Popen(
            [sys.executable, str(PROCESS), str(tmp_path), day],
            env=dict(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for day in days
    ]
    for process in processes:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
    ledger = prepared(tmp_path, {})
    found = grants(ledger)
    assert not found.select("subject", "policy", "unit", "period").is_duplicated().any()
    assert found.filter(policy="base")["period"].value_counts().sort("period").rows() == [
        ("2026-11", 156),
        ("2026-12", 156),
    ]
    assert count(ledger, "announcement") == found.height
    for balance in balances(ledger):
        assert balance.used <= balance.appropriation
        assert balance.used == found.filter(fund=balance.fund)["amount"].sum()
    with ledger.reading() as connection:
        entries = connection.execute(table(FundEntry).select()).all()
        assert connection.execute(table(Grant).select().where(table(Grant).c.amount < 0)).first() is None
    assert len(entries) == len({(e.run, e.bucket, e.policy, e.kind) for e in entries})
    assert {row.state for row in all_runs(ledger)} == {"finished"}
    assert audit.verify(ledger).intact
