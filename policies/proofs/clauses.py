"""Which clauses a finding is about: the condition tree and the tiers as people know them."""

from __future__ import annotations

from collections.abc import Sequence

from policies.errors import Place
from policies.policy import Condition, FixedPolicy
from policies.proofs.report import Clause
from policies.text import Bilingual


def clause_of(condition: Condition) -> Clause:
    """Return a condition as a clause; a group is told by its heading or by what its first leaf says."""
    words = condition.says
    if words is None and condition.text:
        words = Bilingual(f"`{condition.text}`", f"`{condition.text}`")
    if words is None:
        parts = [clause_of(child).words for child in condition.children]
        joint = {"all": ("且", "and"), "any": ("或", "or"), "none": ("都不：", "none of: ")}[condition.kind]
        if condition.kind == "none":
            words = Bilingual(joint[0] + "、".join(one.zh for one in parts), joint[1] + ", ".join(o.en for o in parts))
        else:
            words = Bilingual(f" {joint[0]} ".join(o.zh for o in parts), f" {joint[1]} ".join(o.en for o in parts))
    return Clause(words, condition.text, condition.basis, condition.place)


def tier_clause(fixed: FixedPolicy, number: int) -> Clause:
    """Return a tier as a clause; `number` counts from 0."""
    tier = fixed.tiers[number]
    text = tier.text or "…"
    words = Bilingual(
        f"第 {number + 1} 档（{tier.text or '其余'}：{tier.amount_text}）",
        f"tier {number + 1} ({tier.text or 'otherwise'}: {tier.amount_text})",
    )
    return Clause(words, text, None, tier.place)


def amount_clause(fixed: FixedPolicy) -> Clause:
    """Return the formula of the amount as a clause."""
    benefit = fixed.policy.benefit
    text = benefit.text or "; ".join(tier.amount_text for tier in benefit.tiers)
    return Clause(Bilingual(f"金额 `{text}`", f"the amount `{text}`"), text, None, amount_place(fixed))


def amount_place(fixed: FixedPolicy) -> Place:
    """Return where the amount stands in the file."""
    benefit = fixed.policy.benefit
    if benefit.place != Place():
        return benefit.place
    return Place(fixed.policy.file)


def listed(clauses: Sequence[Clause]) -> Bilingual:
    """Return the words of the clauses, one after the other, each with its basis."""
    return Bilingual(
        "；".join(one.words.zh + (f"（{one.basis}）" if one.basis else "") for one in clauses),
        "; ".join(one.words.en + (f" ({one.basis})" if one.basis else "") for one in clauses),
    )
