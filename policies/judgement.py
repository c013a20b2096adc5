"""Policies that a machine must not decide alone: only hints, never a grant, and nothing that looks like one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.document import Document, Path
from policies.errors import Diagnostic, Place
from policies.model import PolicyShape
from policies.policy import Judgement, Policy
from policies.text import Bilingual
from policies.vocabulary import Vocabulary

KINDS = {
    "discretionary": Bilingual("由机关个案裁量", "an authority weighs the single case"),
    "competitive": Bilingual("评审择优，名额有限", "some are chosen out of many"),
    "assessment": Bilingual("须先经专业评定或验收", "somebody has to examine it first"),
}
# What takes something from others, or computes what only a person may set.
_NOT_FOR_HINTS = ("fund", "claims", "excludes", "exclusive", "net_of", "order_of_need")
_AMOUNTS = ("amount", "tiers", "floor", "cap", "rounding", "monotone", "instalments", "obligation", "ceilings")


def judgement_of(document: Document, shape: PolicyShape) -> Judgement | None:
    """Return the judgement that a rule file declares, or None."""
    if shape.judgement is None:
        return None
    reason = Bilingual(shape.judgement.reason.zh, shape.judgement.reason.en)
    return Judgement(shape.judgement.kind, reason, document.key_place(("judgement",)))


def check_judgement(document: Document, shape: PolicyShape, vocabulary: Vocabulary) -> Iterator[Diagnostic]:
    """A policy with a judgement is only told: no other delivery, no amount, and it takes nothing from others."""
    if shape.judgement is None:
        return
    why = KINDS[shape.judgement.kind]
    reason = shape.judgement.reason
    if shape.delivery != "notify":
        yield Diagnostic(
            "judgement-not-automatic",
            Bilingual(
                f"`delivery: {shape.delivery}` 不可用：{why.zh}，机器不得单独决定（{reason.zh}）",
                f"`delivery: {shape.delivery}` is not possible: {why.en}, "
                f"a machine must not decide alone ({reason.en})",
            ),
            Bilingual(
                "写 `delivery: notify`：命中只作线索；若确可自动判定，删除 `judgement`",
                "write `delivery: notify`: a match is then a hint; delete `judgement` if no judgement is needed",
            ),
            document.place(("delivery",)),
        )
    for key in _AMOUNTS:
        if getattr(shape.benefit, key) is not None:
            yield _refused(
                document,
                ("benefit", key),
                f"`{key}` 不可用：待遇须由人裁定，机器不写金额",
                f"`{key}` is not possible: the benefit is for people to decide, a machine states no amount",
                "删除它，用 `says: {zh: …, en: …}` 说明法规怎样规定",
                "delete it, and tell with `says: {zh: ..., en: ...}` what the law provides",
            )
    for key in _NOT_FOR_HINTS:
        if key in shape.model_fields_set and getattr(shape, key):
            yield _refused(
                document,
                (key,),
                f"`{key}` 不可用：线索不占用资金、名额或他人的机会",
                f"`{key}` is not possible: a hint takes nothing from a fund or from anybody else",
                "删除它",
                "delete it",
            )
    for language in ("zh", "en"):
        if "{amount}" in getattr(shape.notice.granted, language):
            yield _refused(
                document,
                ("notice", "granted", language),
                "通知中不能写 `{amount}`：线索没有金额",
                "the notice cannot say `{amount}`: a hint has none",
                "说明如何申请、向谁咨询",
                "say how to apply, and whom to ask",
            )


def _refused(document: Document, path: Path, zh: str, en: str, help_zh: str, help_en: str) -> Diagnostic:
    place = document.key_place(path)
    return Diagnostic("judgement-without-grant", Bilingual(zh, en), Bilingual(help_zh, help_en), place)


def not_automatic(policy: Policy) -> Diagnostic | None:
    """Return the note that this policy will never run automatically, and why; None for all others."""
    if policy.judgement is None:
        return None
    kind, reason = KINDS[policy.judgement.kind], policy.judgement.reason
    return Diagnostic(
        "not-automatic",
        Bilingual(
            f"政策 `{policy.id}` 不会自动兑现：{kind.zh}（{reason.zh}）",
            f"the policy `{policy.id}` will not run automatically: {kind.en} ({reason.en})",
        ),
        Bilingual(
            "命中者只作为线索告知，由主管机关决定；无需更改",
            "whoever matches is only told, and the authority decides; nothing has to be changed",
        ),
        policy.judgement.place,
        "note",
    )


def references_to_hints(policy: Policy, known: Mapping[str, Policy]) -> list[Diagnostic]:
    """Return the references to policies that never grant: nothing can be excluded by, or net of, a hint."""
    found = []
    for key, others in (("excludes", policy.excludes), ("net_of", policy.net_of)):
        for other in others:
            if other not in known or known[other].judgement is None:
                continue
            found.append(
                Diagnostic(
                    "refers-to-a-hint",
                    Bilingual(
                        f"`{key}` 写了 `{other}`，它只给线索，从不兑现",
                        f"`{key}` names `{other}`, which only gives hints and never grants",
                    ),
                    Bilingual(
                        "删除它；已由主管机关给予的待遇，用一项数据写成条件",
                        "delete it; what the authority has given is a datum, to be named in a condition",
                    ),
                    Place(policy.file),
                )
            )
    return found
