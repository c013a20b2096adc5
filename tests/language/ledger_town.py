"""Rule files on the few hundred people of `tests.run.small_city`, run into a real ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import polars as pl

from engine.ledger import Ledger
from engine.run_report import PolicyReport
from engine.running import run
from policies.library import read_policy_text
from policies.policy import Policy
from tests.run.small_city import CitySnapshot, city, pseudonym, vocabulary

HEAD = """\
id: {id}
title: {{zh: 奖励, en: award}}
space: citizen
authority: 某局
author: li
basis: [{{document: 文〔2026〕1号}}]
region: "310000"
in_force: {{from: 2020-01-01}}
delivery: {delivery}
period: year
schedule: "0 2 1 * *"
"""
NOTICE = 'notice: {granted: {zh: "{title}", en: "{title}"}}\n'


def rule(id: str, body: str, delivery: str = "automatic") -> Policy:
    """Return a checked policy of citizens."""
    return read_policy_text(HEAD.format(id=id, delivery=delivery) + body + NOTICE, vocabulary(), f"{id}.yaml")


def people(**changed: Mapping[int, object]) -> CitySnapshot:
    """The city, in which the data of some people (by number) are others: `people(age={70: 71})`."""
    made = city(citizens=100)
    frame = made.spaces["citizen"]
    for name, values in changed.items():
        by_pseudonym = {pseudonym(f"c{number}"): value for number, value in values.items()}
        whose = pl.col("subject").replace_strict(by_pseudonym, default=None, return_dtype=frame.schema[name])
        is_changed = pl.col("subject").is_in(list(by_pseudonym))
        frame = frame.with_columns(pl.when(is_changed).then(whose).otherwise(pl.col(name)).alias(name))
    return replace(made, spaces={**made.spaces, "citizen": frame})


def run_on(ledger: Ledger, policy: Policy, on: date, snapshot: CitySnapshot | None = None) -> PolicyReport:
    """Run one policy and return its part of the report."""
    report = run(ledger, snapshot or people(), {policy.id: policy}, vocabulary(), on)
    assert len(report.policies) == 1
    assert report.policies[0].error == ()
    return report.policies[0]
