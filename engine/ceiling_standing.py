"""What the ceilings leave of the units of one subject: the step of a run, for an example or for an explanation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from engine.allocating import Reason, terms_of
from engine.ceiling_readings import ceilings_read
from engine.ceilings import CEILING_GRANT_COLUMNS, CeilingTold, ceilings_told, settle_ceilings
from engine.decision import Facts
from engine.ledger.ceiling_grants import grants_under_ceilings
from engine.ledger.opening import Ledger
from engine.matching import CANDIDATE_COLUMNS
from policies.policy import FixedPolicy
from policies.scopes import GRANTS
from policies.types import from_day_number


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ceilings leave of one unit: `amount` in fen, and how each of them stands.

    `waits_for` and `waits_because` name the ceiling for which it waits, and why; both are None if it does not.
    """

    amount: int
    ceilings: tuple[CeilingTold, ...]
    waits_for: str | None = None
    waits_because: Reason | None = None


def standing_under_ceilings(
    fixed: FixedPolicy, subject: str, facts: Facts, amounts: Mapping[str, int], ledger: Ledger
) -> dict[str, Standing]:
    """Return by unit how the ceilings stand on the day of `fixed`; nothing if the policy has none.

    Args:
        fixed: the policy, settled for the day.
        subject: its pseudonym in the ledger.
        facts: its profile.
        amounts: what the rule gives the eligible units, in fen; "" without `for_each`.
        ledger: a unit that has its grant for this period already stands as it stood then.
    """
    if not fixed.ceilings:
        return {}
    with ledger.reading() as connection:
        granted = grants_under_ceilings(connection, pl.Series([subject], dtype=pl.String), [fixed.policy.id])
    found = {
        unit: Standing(amount, tuple(ceilings_told(text)))
        for unit, period, amount, text in granted.select("unit", "period", "amount", "ceilings").iter_rows()
        if period == fixed.period.key and unit in amounts
    }
    open_units = {unit: amount for unit, amount in amounts.items() if unit not in found}
    return found | _settled(fixed, subject, facts, open_units, granted)


def after_ceilings(fixed: FixedPolicy, facts: Facts, amounts: Mapping[str, int]) -> dict[str, int]:
    """Return what is left of the amounts (fen by unit; "" without `for_each`) under the ceilings; 0 of who waits.

    For worked examples: grants of the policy that the profile lists count as earlier ones, against every group.
    """
    left = {
        unit: 0 if one.waits_for is not None else one.amount
        for unit, one in _settled(fixed, "", facts, amounts, _grants_of_example(fixed, facts)).items()
    }
    return dict.fromkeys(amounts, 0) | left


def _settled(
    fixed: FixedPolicy, subject: str, facts: Facts, amounts: Mapping[str, int], granted: pl.DataFrame
) -> dict[str, Standing]:
    policy = fixed.policy
    units: dict[str, Facts] = {}
    if policy.for_each is not None:
        units = {str(getattr(one, "id", "")): one for one in facts.items((policy.for_each,)) or ()}
    rows = [
        (policy.id, subject, unit, amount, None, None, None, ceilings_read(fixed, facts, units.get(unit)))
        for unit, amount in amounts.items()
    ]
    candidates = pl.DataFrame(rows, schema=CANDIDATE_COLUMNS, orient="row")
    settled = settle_ceilings(candidates, {policy.id: terms_of(policy, fixed.on, fixed.period)}, granted)
    kept = {
        unit: Standing(amount, tuple(ceilings_told(text)))
        for unit, amount, text in settled.kept.select("unit", "amount", "ceilings").iter_rows()
    }
    waiting = settled.waiting.select("unit", "ceilings", "detail", "reason").iter_rows()
    return kept | {
        unit: Standing(0, tuple(ceilings_told(text)), name, Reason(reason)) for unit, text, name, reason in waiting
    }


def _grants_of_example(fixed: FixedPolicy, facts: Facts) -> pl.DataFrame:
    rows = []
    for one in facts.items((GRANTS.name,)) or ():
        if one.value(("policy",)) != fixed.policy.id:
            continue
        day, period = one.value(("granted_on",)), one.value(("period",))
        on = fixed.on if day is None else from_day_number(int(day))
        amount, unit = one.value(("amount",)), one.value(("unit",))
        # Without a period the day of the grant decides, as for grants of an event.
        key = str(period or "event")
        rows.append((fixed.policy.id, "", str(unit or ""), key, int(amount or 0), on.isoformat(), None))
    return pl.DataFrame(rows, schema=CEILING_GRANT_COLUMNS, orient="row")
