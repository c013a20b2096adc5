"""Rules with ceilings about the firms of `tests.run.small_city`, and firms whose hires are as a test wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from engine.ledger import Ledger
from engine.ledger.grants import grants
from engine.run_report import PolicyReport
from engine.running import run
from policies.library import read_policy_text
from policies.policy import Policy
from tests.run.small_city import CitySnapshot, city, pseudonym, vocabulary

FIRM = pseudonym("e0")
Hire = tuple[str, str | None, int | None]  # unit, person, months

TEXT = """\
id: {id}
title: {{zh: 补贴, en: subsidy}}
space: enterprise
authority: 某局
author: li
basis: [{{document: 文〔2026〕1号}}]
region: "310000"
in_force: {{from: 2020-01-01}}
delivery: automatic
period: {period}
schedule: "0 2 1 * *"
for_each: hires
eligibility: months >= 1
benefit:
  kind: cash
  amount: yuan(100) * months
  ceilings:
{ceilings}
notice: {{granted: {{zh: "得{{amount}}元", en: "{{amount}} yuan"}}}}
"""


def limited(*ceilings: str, id: str = "limited", period: str = "event") -> Policy:
    """Return a policy that grants 100 yuan a month for each hire, under these ceilings."""
    listed = "\n".join(f"    {one}" for one in ceilings)
    text = TEXT.format(id=id, period=period, ceilings=listed)
    return read_policy_text(text, vocabulary(), f"{id}.yaml")


def hiring(*hires: Hire) -> CitySnapshot:
    """Return the city, in which the first firm has these hires and the others none."""
    rows = [(FIRM, unit, person, months) for unit, person, months in hires]
    schema = {"owner": pl.String, "item": pl.String, "person": pl.String, "months": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return replace(city(citizens=2, firms=3), collections={("enterprise", "hires"): frame})


def run_all(ledger: Ledger, policies: Sequence[Policy], on: date, snapshot: CitySnapshot) -> Mapping[str, PolicyReport]:
    """Run the policies and return the report of each."""
    report = run(ledger, snapshot, {one.id: one for one in policies}, vocabulary(), on, second_opinion=5)
    assert [each.message.en for one in report.policies for each in one.error] == []
    return {one.policy: one for one in report.policies}


def granted(ledger: Ledger, policy: str = "limited") -> list[tuple[str, str, int]]:
    """Return unit, period and yuan of the firm's grants, ordered."""
    found = grants(ledger, subject=FIRM, policy=policy, limit=1000)
    rows = found.select("unit", "period", pl.col("amount") // 100).sort("period", "unit").iter_rows()
    return [(str(unit), str(period), int(amount)) for unit, period, amount in rows]


def waiting(ledger: Ledger) -> list[tuple[str, str, str, int]]:
    """Return unit, reason, detail and yuan of everybody who waits, ordered."""
    with ledger.reading() as connection:
        rows = connection.exec_driver_sql("select unit, reason, detail, amount from waiting order by 1").fetchall()
    return [(str(unit), str(reason), str(detail), int(amount) // 100) for unit, reason, detail, amount in rows]
