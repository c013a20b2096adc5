"""The words of a combined notice, for each channel and language.

What is private, or whose title tells of a hardship, is counted and not named, and its amount is in no total.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from notifier.bundles.combined import CombinedNotice, NotYet, Part, combined_from_text
from notifier.channels.channel import Message
from notifier.sms_conventions import MOST_CHARACTERS, has_link, is_sensitive, violations
from notifier.templates import closing_words, greeting_of, period_in_words, yuan_in_words
from policies.bundles import Bundle
from policies.policy import Delivery, Policy
from policies.text import Bilingual, Language
from profiles.vault import Contact, masked_name

_PLACEHOLDER = re.compile(r"\{(count|policies|total)\}")
_WITHOUT_TOTAL = Bilingual("以下{count}项已为您核对符合：{policies}。", "You qualify for these {count}: {policies}.")
_ONLY_PRIVATE = Bilingual(
    "有{count}项事项已有结果，详情请在市民主页查看。", "There are {count} results; your own page shows them."
)
_STEPS: Mapping[Delivery, Bilingual] = {
    "automatic": Bilingual("直接办理，无需申请", "it comes by itself"),
    "channel": Bilingual("由办理机构直接减免或抵扣", "it is deducted where you pay"),
    "confirm": Bilingual("需您确认", "waits for your consent"),
    "notify": Bilingual("可能符合，还需您办理", "you may qualify; one more step is yours"),
    "declare": Bilingual("申报时享受", "take it with your tax return"),
}
_BY_ITSELF = ("automatic", "channel")


@dataclass(frozen=True, slots=True)
class Told:
    """One part in words; `policy` in the version that granted."""

    part: Part
    policy: Policy
    because: Bilingual
    is_named: bool


def told_parts(bundle: Bundle, notice: CombinedNotice, policy_of: Callable[[str], Policy]) -> list[Told]:
    """Return the parts with their policies and reasons, in the order of the notice."""
    found = []
    for part in notice.parts:
        policy, line = policy_of(part.version), bundle.line_of(part.policy)
        # A company is no person: what a relief of its own is called tells nothing of anybody's hardship.
        tells = policy.space != "enterprise" and (is_sensitive(policy.title.zh) or is_sensitive(policy.title.en))
        found.append(Told(part, policy, line.because, not line.is_private and not tells))
    return found


def opening_text(bundle: Bundle, parts: Sequence[Told], language: Language) -> str:
    """Return the bundle's own sentence, filled in; without amounts or names, the standard one."""
    named = [one for one in parts if one.is_named]
    amounts = [one.part.amount for one in named if one.part.amount is not None]
    words = bundle.notice
    if not named:
        words = _ONLY_PRIVATE
    elif not amounts and "{total}" in words.zh + words.en:
        words = _WITHOUT_TOTAL
    values = {
        "count": str(len(named) or len(parts)),
        "policies": ("、" if language == "zh" else ", ").join(_named(one, language) for one in named),
        "total": yuan_in_words(sum(amounts)) if amounts else "0",
    }
    # One pass: a title that holds braces is not filled in again.
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], words.in_language(language))


def subject_line(bundle: Bundle, parts: Sequence[Told], language: Language) -> str:
    """Return the subject of an e-mail. It shows on lock screens: quiet bundles say nothing in it."""
    if _says_nothing(bundle):
        return "办理结果告知" if language == "zh" else "A note from the benefits office"
    title = bundle.title.in_language(language)
    return f"{title}：{len(parts)}项待遇" if language == "zh" else f"{title}: {len(parts)} benefits"


def body_text(
    bundle: Bundle, notice: CombinedNotice, parts: Sequence[Told], language: Language, name: str | None
) -> str:
    """Return the body of an e-mail; the name is masked."""
    is_zh = language == "zh"
    lines = [greeting_of(name, language), "", opening_text(bundle, parts, language), ""]
    for number, one in enumerate([one for one in parts if one.is_named], start=1):
        lines += [f"{number}. {_line(one, language)}"]
    hidden = sum(not one.is_named for one in parts)
    if hidden and hidden < len(parts):
        lines += [f"另有{hidden}项，请在市民主页查看。" if is_zh else f"{hidden} more: see your own page."]
    lines += ["", *_not_yet_lines(bundle, notice, language)]
    lines += [("接下来：" if is_zh else "What happens next: ") + bundle.next.in_language(language)]
    if bundle.to_do is not None and any(one.policy.delivery not in _BY_ITSELF for one in parts):
        lines += [("还需您：" if is_zh else "Left for you: ") + bundle.to_do.in_language(language)]
    lines += ["", closing_words(language)]
    return "\n".join(lines)


def sms_text(bundle: Bundle, parts: Sequence[Told], signature: str, name: str | None, language: Language) -> str:
    """Return an SMS of at most 70 characters: count and total, the details are on the page."""
    head = f"【{signature}】"
    forms = _sms_forms(bundle, parts, masked_name(name), language)
    for form in forms:
        if not violations(head + form, signature):
            return head + form
    return head + forms[-1][: MOST_CHARACTERS - len(head)]


def _sms_forms(bundle: Bundle, parts: Sequence[Told], name: str | None, language: Language) -> list[str]:
    count = len(parts)
    amounts = [one.part.amount for one in parts if one.part.amount is not None]
    total = yuan_in_words(sum(amounts)).replace(",", "") if amounts and all(one.is_named for one in parts) else ""
    by_itself = all(one.policy.delivery in _BY_ITSELF for one in parts)
    title = bundle.title.in_language(language)
    if _says_nothing(bundle) or has_link(title):
        title = ""
    if language == "zh":
        greeting, sum_of = f"{name}您好，" if name else "", f"，合计{total}元" if total else ""
        about = f"因{title}，您有{count}项待遇已核对{sum_of}" if title else f"您有{count}项事项已核对{sum_of}"
        last = "无需申请" if by_itself else "部分需您确认"
        where = "详见官方App，咨询12345"
        return [
            f"{greeting}{about}，{last}。{where}", f"{about}，{last}。{where}", f"{about}。咨询12345",
            f"您有{count}项待遇已核对{sum_of}。{where}", f"您有{count}项待遇已核对。咨询12345",
        ]  # fmt: skip
    money = f", {total} yuan" if total else ""
    return [
        f"{title}: {count} benefits{money}. Details on your page" if title else f"{count} results{money}. Call 12345",
        f"{count} benefits{money}. See your page or call 12345",
        f"{count} benefits. Call 12345",
    ]


def _says_nothing(bundle: Bundle) -> bool:
    return bundle.is_quiet or is_sensitive(bundle.title.zh) or is_sensitive(bundle.title.en)


def _named(one: Told, language: Language) -> str:
    title, amount = one.policy.title.in_language(language), one.part.amount
    if amount is None:
        return title
    return f"{title}{yuan_in_words(amount)}元" if language == "zh" else f"{title} ({yuan_in_words(amount)} yuan)"


def _line(one: Told, language: Language) -> str:
    period = period_in_words(one.part.period, language)
    step = _STEPS["notify"] if one.policy.judgement is not None else _STEPS[one.policy.delivery]
    why, how = one.because.in_language(language), step.in_language(language)
    if language == "zh":
        return f"{_named(one, language)}（{period}）：{why}；{how}。"
    return f"{_named(one, language)}, {period}: {why}; {how}."


def _not_yet_lines(bundle: Bundle, notice: CombinedNotice, language: Language) -> list[str]:
    is_zh = language == "zh"
    private = {one.policy for one in bundle.policies if one.is_private}
    lines = [_in_words(one, language) for one in notice.not_yet if one.policy not in private and _may_be_named(one)]
    if not lines:
        return []
    return ["还在路上的：" if is_zh else "Still to come:", *(f"- {line}" for line in lines), ""]


def _may_be_named(one: NotYet) -> bool:
    return not any(is_sensitive(text) for text in (one.title.zh, one.title.en))


def _in_words(one: NotYet, language: Language) -> str:
    title = one.title.in_language(language)
    if one.on is not None:
        amount = yuan_in_words(one.amount)
        if language == "zh":
            return f"{title}：{one.on} 起" + (f"，{amount}元" if amount else "")
        return f"{title}: from {one.on}" + (f", {amount} yuan" if amount else "")
    facts = [
        fact.in_language(language) + (_from(agency, language) if agency else "")
        for fact, agency in one.facts
        if not is_sensitive(fact.zh) and not is_sensitive(fact.en)
    ]
    if not facts:
        return f"{title}：还缺一项数据" if language == "zh" else f"{title}: one datum is missing"
    if language == "zh":
        return f"{title}：只差一项数据：{' 或 '.join(facts)}"
    return f"{title}: only one datum is missing: {' or '.join(facts)}"


def _from(agency: Bilingual, language: Language) -> str:
    return f"（由{agency.zh}提供）" if language == "zh" else f" (from {agency.en})"


@dataclass(frozen=True, slots=True)
class CombinedTexts:
    """Makes the messages of combined notices: bundles and policies come in the version that told and granted."""

    bundle_of: Callable[[str], Bundle]
    policy_of: Callable[[str], Policy]
    signature: str

    def message(self, text: str, channel: str, contact: Contact, language: Language) -> Message:
        """Return the message for one channel and contact; `text` is the notice as the ledger keeps it."""
        notice = combined_from_text(text)
        bundle = self.bundle_of(notice.version)
        parts = told_parts(bundle, notice, self.policy_of)
        if channel == "sms":
            short = sms_text(bundle, parts, self.signature, contact.name, language)
            return Message(contact.phone or "", "", short, language)
        line = subject_line(bundle, parts, language)
        return Message(contact.email or "", line, body_text(bundle, notice, parts, language, contact.name), language)
