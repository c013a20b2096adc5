"""Guard: a policy whose matches leave the expected band is held for a person. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from engine.matching import Totals
from engine.planning import Plan, Planned
from policies.text import Bilingual

ALWAYS_TRUE_FROM = 100  # units; below, everybody may well qualify
LEARNT_FROM = 50  # matches of the last run; below, a jump says little
LEARNT_FACTOR = 3


@dataclass(frozen=True, slots=True)
class Held:
    """Why a policy grants nobody in this run, and whether a person may release it."""

    code: str  # always-true, above-band, below-band, jump, error
    reason: Bilingual
    releasable: bool = True


def guard(plan: Plan, totals: Mapping[str, Totals], last_matched: Mapping[str, int]) -> dict[str, Held]:
    """Return the held policies.

    `last_matched` is what each policy matched in its last finished run that was not held; a policy without
    one has no learnt band.
    """
    held = {}
    for item in plan.policies:
        found = _hold(item, totals[item.id], last_matched.get(item.id))
        if found is not None and not (found.releasable and item.id in plan.release):
            held[item.id] = found
    return held


def _hold(item: Planned, totals: Totals, last: int | None) -> Held | None:
    if totals.error:
        return Held("error", totals.error[0].message, releasable=False)
    decided = totals.matched + totals.ineligible + totals.undetermined
    if totals.matched == decided and decided >= ALWAYS_TRUE_FROM:
        return Held(
            "always-true",
            Bilingual(
                f"全部 {decided} 个对象都符合条件，规则很可能写错了",
                f"all {decided} qualify; the rule is probably wrong",
            ),
            releasable=False,
        )
    return _outside_band(item, totals) or _jumped(totals.matched, last)


def _outside_band(item: Planned, totals: Totals) -> Held | None:
    if not totals.subjects:
        return None
    band = item.policy.guard
    share = Fraction(totals.matched_subjects * 10_000, totals.subjects)
    for limit, code, outside, zh, en in (
        (band.share_at_most, "above-band", Fraction.__gt__, "高于上限", "above the limit of"),
        (band.share_at_least, "below-band", Fraction.__lt__, "低于下限", "below the limit of"),
    ):
        if limit is not None and outside(share, Fraction(limit)):
            found, allowed = _percent(share), _percent(Fraction(limit))
            return Held(
                code,
                Bilingual(
                    f"符合条件的占 {found}，{zh} {allowed}",
                    f"{found} of the subjects qualify, {en} {allowed}",
                ),
            )
    return None


def _jumped(matched: int, last: int | None) -> Held | None:
    if last is None or last < LEARNT_FROM:
        return None
    if last <= matched * LEARNT_FACTOR and matched <= last * LEARNT_FACTOR:
        return None
    return Held(
        "jump",
        Bilingual(
            f"符合条件 {matched} 个，上次为 {last} 个，相差超过 {LEARNT_FACTOR} 倍",
            f"{matched} qualify, {last} did last time: more than {LEARNT_FACTOR} times apart",
        ),
    )


def _percent(basis_points: Fraction) -> str:
    hundredths = int(basis_points)
    return f"{hundredths // 100}.{hundredths % 100:02d}%"
