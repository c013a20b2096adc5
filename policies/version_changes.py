"""What differs between two versions of a policy, in words: condition by condition, parameter by parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from policies.plain_words import condition_in_words, parameter_in_words, value_in_words
from policies.policy import Condition, Policy
from policies.text import Bilingual
from policies.tree import Literal as Constant

Kind = Literal["added", "removed", "changed"]
SECTIONS: Mapping[str, Bilingual] = {
    "condition": Bilingual("条件", "condition"),
    "amount": Bilingual("金额", "amount"),
    "tier": Bilingual("档次", "tier"),
    "parameter": Bilingual("参数", "parameter"),
    "definition": Bilingual("定义", "definition"),
    "dates": Bilingual("施行日期", "days of force"),
    "delivery": Bilingual("兑现方式", "delivery"),
    "relations": Bilingual("与其他待遇、资金的关系", "relations to other benefits and funds"),
    "notice": Bilingual("通知文字", "text of a notice"),
    "formalities": Bilingual("名称、机关与依据", "title, authority and basis"),
    "place": Bilingual("各地的值", "values of places"),
    "examples": Bilingual("例子", "examples"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `section` is a key of `SECTIONS`, `name` says which one of it; `basis` is its clause.

    `before` is None for what was added, `after` for what was removed.
    """

    kind: Kind
    section: str
    name: str
    before: Bilingual | None
    after: Bilingual | None
    basis: str | None = None


@dataclass(frozen=True, slots=True)
class _Item:
    """One thing a policy says: `key` finds its counterpart, `content` tells whether the two are the same."""

    section: str
    key: str
    content: object
    words: Bilingual
    basis: str | None = None


def changes_between(former: Policy, present: Policy) -> tuple[Change, ...]:
    """Return what differs, in the order of a rule file; nothing if only comments or layout differ."""
    found = list(_of_conditions(former, present))
    before, after = ({(one.section, one.key): one for one in _items(policy)} for policy in (former, present))
    for place in dict.fromkeys([*before, *after]):
        old, new = before.get(place), after.get(place)
        if old is None or new is None or old.content != new.content:
            found.append(_change(old, new))
    order = list(SECTIONS)
    return tuple(sorted(found, key=lambda one: order.index(one.section)))


def _change(old: _Item | None, new: _Item | None) -> Change:
    known = new or old
    assert known is not None
    kind: Kind = "added" if old is None else "removed" if new is None else "changed"
    before, after = (None if one is None else one.words for one in (old, new))
    return Change(kind, known.section, known.key, before, after, known.basis)


def _of_conditions(former: Policy, present: Policy) -> Iterator[Change]:
    """Yield the conditions that differ; what stands at the same spot with other words counts as changed."""
    old, new = (list(_conditions(one.eligibility)) for one in (former, present))
    matcher = SequenceMatcher(None, [one.content for one in old], [one.content for one in new], autojunk=False)
    for tag, first, last, start, stop in matcher.get_opcodes():
        if tag == "equal":
            continue
        gone, come = old[first:last], new[start:stop]
        paired = min(len(gone), len(come))
        for one, other in zip(gone, come, strict=False):
            yield _change(one, other)
        for one in gone[paired:]:
            yield _change(one, None)
        for one in come[paired:]:
            yield _change(None, one)


def _conditions(condition: Condition, within: str = "") -> Iterator[_Item]:
    words = Bilingual(*(_told(condition, language) for language in ("zh", "en")))
    content = (within, condition.kind, condition.text, condition.says, condition.basis)
    yield _Item("condition", condition.text or condition.kind, content, words, condition.basis)
    for child in condition.children:
        yield from _conditions(child, f"{within}/{condition.kind}")


def _told(condition: Condition, language: Literal["zh", "en"]) -> str:
    words = condition_in_words(condition, language)
    return f"{words}  ({condition.text})" if condition.text and condition.text != words else words


def _same(text: object) -> Bilingual:
    return Bilingual(str(text), str(text))


def _items(policy: Policy) -> Iterator[_Item]:
    yield from _benefit(policy)
    for name, parameter in policy.parameters.items():
        words = Bilingual(parameter_in_words(policy, parameter, "zh"), parameter_in_words(policy, parameter, "en"))
        yield _Item("parameter", name, words, words)
    for name, text in policy.definition_texts.items():
        yield _Item("definition", name, text, _same(text))
    first, last = policy.in_force
    yield _Item("dates", "in_force", policy.in_force, Bilingual(
        f"{first} 起" + (f"，至 {last}" if last else "，长期有效"), f"from {first}" + (f" until {last}" if last else "")
    ))  # fmt: skip
    for name in ("delivery", "silence", "period", "schedule", "for_each", "payee", "triggers"):
        yield from _plain("delivery", policy, name)
    for name in ("fund", "excludes", "exclusive", "net_of", "guard"):
        yield from _plain("relations", policy, name)
    for name in ("claims", "order_of_need"):
        value = getattr(policy, name)
        if value is not None:
            yield _Item("relations", name, value, Bilingual("有规定", "is provided for"))
    for name, notice in policy.notices.items():
        yield _Item("notice", name, notice, notice)
    yield _Item("formalities", "title", policy.title, policy.title)
    for name in ("id", "authority", "region", "confidence", "author"):
        yield from _plain("formalities", policy, name)
    documents = "；".join(f"{one.document} ({one.date})" if one.date else one.document for one in policy.basis)
    yield _Item("formalities", "basis", policy.basis, _same(documents))
    for overlay in policy.overlays:
        values = "; ".join(
            f"{name}: {', '.join(f'{day} {value}' for day, value in dated)}"
            for name, dated in overlay.parameters.items()
        )
        yield _Item("place", overlay.region, (overlay.parameters, overlay.in_force), _same(values))
    for example in policy.examples:
        content = (example.on, example.profile, example.expect, example.given)
        yield _Item("examples", example.name, content, _same(f"{example.on}: {_expected(example.expect)}"))


def _plain(section: str, policy: Policy, name: str) -> Iterator[_Item]:
    value = getattr(policy, name)
    if value is not None and value != () and value != "":
        shown = ", ".join(str(one) for one in value) if isinstance(value, tuple) else str(value)
        yield _Item(section, name, value, _same(shown))


def _benefit(policy: Policy) -> Iterator[_Item]:
    benefit = policy.benefit
    yield _Item("amount", "kind", benefit.kind, _same(benefit.kind))
    if benefit.text:
        yield _Item("amount", "amount", benefit.text, _same(benefit.text))
    for name, text in benefit.limits:
        yield _Item("amount", name, text, _same(text))
    for number, part in enumerate(benefit.instalments, start=1):
        yield _Item("amount", f"part {number}", (part.share, part.text), _same(f"{part.share} {part.text}".strip()))
    for one in benefit.ceilings:
        when = f"when {one.when_text}" if one.when_text else ""
        texts = [one.text, one.within, one.measure_text, *one.key_texts, when]
        said = _same(" ".join(text for text in texts if text))
        yield _Item("amount", f"ceiling {one.name}", (tuple(texts), one.says), said, one.basis)
    if benefit.obligation is not None:
        duty = benefit.obligation
        yield _Item("amount", "obligation", (duty.says, duty.text), duty.says, duty.basis)
    if benefit.says is not None:
        yield _Item("amount", "says", benefit.says, benefit.says)
    for number, tier in enumerate(benefit.tiers, start=1):
        zh, en = (tier.text or other for other in ("其余", "otherwise"))
        texts = [
            value_in_words(tier.amount.value, tier.amount.type, language)
            if isinstance(tier.amount, Constant) else tier.amount_text
            for language in ("zh", "en")
        ]  # fmt: skip
        content = (tier.text, tier.amount_text, texts[1])
        yield _Item("tier", str(number), content, Bilingual(f"{zh}：{texts[0]}", f"{en}: {texts[1]}"))


def _expected(expect: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in expect.items())
