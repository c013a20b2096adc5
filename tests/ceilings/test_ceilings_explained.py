"""Whoever asks is told the amount by the rule, the ceiling, what counted before, and what was left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.allocating import Reason
from engine.ceiling_standing import Standing, standing_under_ceilings
from engine.ledger.grants import grants
from engine.ledger.opening import Ledger
from notifier.explaining import Explanation, explain_grant
from policies.fixing import fix
from policies.policy import Policy
from policies.types import Value
from tests.ceilings.firms_and_hires import FIRM, Hire, hiring, limited, run_all
from tests.run.small_city import prepared, vocabulary

NOVEMBER = date(2026, 11, 22)
HIRES: tuple[Hire, ...] = (("a", "li", 4), ("b", "li", 4), ("c", "li", 4))
PERSON = "one_person: {amount: 600, within: year, for_each: [person], says: {zh: 每人, en: one person}, basis: 第三条}"


@dataclass(frozen=True)
class Written:
    """The firm's profile as a test wants it."""

    values: Mapping[str, Value]
    hires: Sequence[Written] = ()
    id: str = ""

    def value(self, path: tuple[str, ...]) -> Value:
        return self.values.get(path[0])

    def items(self, path: tuple[str, ...]) -> Sequence[Written] | None:
        return self.hires if path == ("hires",) else None


def standing(policy: Policy, ledger: Ledger, *hires: Hire) -> dict[str, Standing]:
    facts = Written({}, [Written({"person": person, "months": months}, (), unit) for unit, person, months in hires])
    amounts = {unit: (months or 0) * 10_000 for unit, _, months in hires}
    return standing_under_ceilings(fix(policy, vocabulary(), NOVEMBER), FIRM, facts, amounts, ledger)


def explained(policy: Policy, ledger: Ledger) -> dict[str, Explanation]:
    rows = grants(ledger, subject=FIRM, limit=10).to_dicts()
    return {row["unit"]: explain_grant(row, policy, vocabulary()) for row in rows}


def test_a_cut_grant_tells_the_ceiling_what_counted_before_and_what_was_left(tmp_path: Path) -> None:
    policy = limited(PERSON)
    ledger = prepared(tmp_path, {policy.id: policy})
    run_all(ledger, [policy], NOVEMBER, hiring(*HIRES))
    told = explained(policy, ledger)["b"]
    assert (told.amount, told.left) == (40_000, 20_000)
    (line,) = told.ceilings
    assert (line.words.zh, line.words.en, line.clause) == ("每人（li）", "one person (li)", "第三条")
    assert [(one.name, one.value.zh) for one in line.values] == [("ceiling", "600.00元"), ("before", "400.00元")]


def test_a_grant_under_a_measure_tells_what_of_it_counts(tmp_path: Path) -> None:
    policy = limited("months: {amount: 10, within: always, measure: yuan(months)}")
    ledger = prepared(tmp_path, {policy.id: policy})
    run_all(ledger, [policy], NOVEMBER, hiring(("a", "li", 7), ("b", "li", 6)))
    (line,) = explained(policy, ledger)["b"].ceilings
    assert [(one.name, one.value.en) for one in line.values] == [
        ("ceiling", "10.00 yuan"), ("before", "7.00 yuan"), ("measure", "6.00 yuan"), ("counted", "3.00 yuan")
    ]  # fmt: skip


def test_before_a_run_it_is_told_what_the_run_would_leave(tmp_path: Path) -> None:
    policy = limited(PERSON)
    ledger = prepared(tmp_path, {policy.id: policy})
    found = standing(policy, ledger, *HIRES, ("d", None, 4))
    assert {unit: one.amount for unit, one in found.items()} == {"a": 40_000, "b": 20_000, "c": 0, "d": 0}
    assert (found["c"].waits_for, found["c"].waits_because) == ("one_person", Reason.CEILING)
    assert (found["d"].waits_for, found["d"].waits_because) == ("one_person", Reason.CEILING_UNKNOWN)
    run_all(ledger, [policy], NOVEMBER, hiring(*HIRES, ("d", None, 4)))
    assert {unit: one.left for unit, one in explained(policy, ledger).items()} == {"a": 40_000, "b": 20_000}


def test_after_a_run_what_was_granted_stands_as_it_stood_then_and_the_rest_waits(tmp_path: Path) -> None:
    policy = limited(PERSON)
    ledger = prepared(tmp_path, {policy.id: policy})
    before = standing(policy, ledger, *HIRES)
    run_all(ledger, [policy], NOVEMBER, hiring(*HIRES))
    after = standing(policy, ledger, *HIRES)
    assert {unit: after[unit] for unit in "ab"} == {unit: before[unit] for unit in "ab"}
    assert (after["c"].amount, after["c"].waits_for) == (0, "one_person")
