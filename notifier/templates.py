"""The words of a notice: from the policy's own notice, for each channel and language."""

from __future__ import annotations

import re
from calendar import month_name
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from notifier.channels.channel import Message
from notifier.sms_conventions import MOST_CHARACTERS, has_link, is_sensitive, violations
from policies.errors import DeliveryError
from policies.policy import Policy
from policies.text import Bilingual, Language
from profiles.vault import Contact, masked_name

_PLACEHOLDER = re.compile(r"\{(amount|period|title)\}")
_STANDARD = Bilingual(
    "您的{title}（{period}）金额为{amount}元，无需申请。",
    "You receive {title} for {period}: {amount} yuan. You need not apply.",
)
_WITHOUT_AMOUNT = Bilingual(
    "您可享受{title}（{period}），无需申请。", "You receive {title} for {period}. You need not apply."
)
_HINT = Bilingual(
    "您可能符合{title}（{period}）的条件，是否给予由主管机关决定。",
    "You may qualify for {title} ({period}); the authority decides.",
)
_LATER = Bilingual(
    "此后您须：{duty}。期限见市民主页。", "What you have to do later: {duty}. Your own page shows by which day."
)
_CLOSING = Bilingual(
    "可在官方App或市民主页查看为什么、依据哪一条。如有异议，请拨打12345。\n本通知不含链接，不索要验证码、密码或银行卡号。",
    "Your own page shows why, and on which clause it rests. If you object, call 12345.\n"
    "This notice holds no link and never asks for a code, a password or a card number.",
)


@dataclass(frozen=True, slots=True)
class Notice:
    """What a message is about: `amount` in fen (None for a service), `period` as its key.

    Of a combined notice `policy` and `version` are those of the bundle, and `combined` is its content.
    """

    policy: str
    version: str
    amount: int | None
    period: str
    combined: str | None = None


# Makes the message of one notice for one channel and contact; the second that of the content of a combined one.
Render = Callable[[Notice, str, Contact, Language], Message]
RenderCombined = Callable[[str, str, Contact, Language], Message]


def yuan_in_words(fen: int | None) -> str:
    """Return fen as yuan without empty decimals: `75`, `12,600.50`; "" for None."""
    if fen is None:
        return ""
    whole, part = divmod(fen, 100)
    return f"{whole:,}" + (f".{part:02d}" if part else "")


def period_in_words(key: str, language: Language) -> str:
    """Return a period's key as people say it: `2026年11月`, `November 2026`, `2026年第4季度`, `本次`."""
    if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", key):
        year, month = key.split("-")
        return f"{year}年{int(month)}月" if language == "zh" else f"{month_name[int(month)]} {year}"
    if re.fullmatch(r"\d{4}Q[1-4]", key):
        return f"{key[:4]}年第{key[5]}季度" if language == "zh" else f"quarter {key[5]} of {key[:4]}"
    if re.fullmatch(r"\d{4}", key):
        return f"{key}年" if language == "zh" else key
    return "本次" if language == "zh" else "this occasion"


def notice_text(policy: Policy, notice: Notice, language: Language) -> str:
    """Return the notice of a grant: the policy's own words, else the standard ones, filled in."""
    standard = _HINT if policy.judgement else _STANDARD if notice.amount is not None else _WITHOUT_AMOUNT
    words = policy.notices.get("granted")
    if words is None or (notice.amount is None and "{amount}" in words.zh + words.en):
        words = standard
    return _filled(words.in_language(language), notice, policy.title.in_language(language), language)


def subject_line(policy: Policy, notice: Notice, language: Language) -> str:
    """Return the subject of an e-mail. It shows on lock screens: sensitive titles stay out of it."""
    title = policy.title.in_language(language)
    if is_sensitive(policy.title.zh) or is_sensitive(policy.title.en):
        title = "一项补贴" if language == "zh" else "a benefit"
    period = period_in_words(notice.period, language)
    return f"{title}（{period}）" if language == "zh" else f"{title} ({period})"


def body_text(policy: Policy, notice: Notice, language: Language, name: str | None) -> str:
    """Return the body of an e-mail; the name is masked, and no document is named whose title tells of a hardship."""
    basis = "；".join(each.document for each in policy.basis if not is_sensitive(each.document))
    labels = ("依据：", "发文机关：") if language == "zh" else ("Basis: ", "Authority: ")
    lines = [greeting_of(name, language), "", notice_text(policy, notice, language), ""]
    if policy.benefit.obligation is not None:
        duty = policy.benefit.obligation.says.in_language(language)
        lines += [_LATER.in_language(language).replace("{duty}", duty), ""]
    lines += [labels[0] + basis] if basis else []
    lines += [labels[1] + policy.authority, "", closing_words(language)]
    return "\n".join(lines)


def greeting_of(name: str | None, language: Language) -> str:
    """Return the first line of an e-mail; the name is masked."""
    shown = masked_name(name)
    return (f"{shown}您好：" if shown else "您好：") if language == "zh" else f"Dear {shown or 'Sir or Madam'},"


def closing_words(language: Language) -> str:
    """Return the last lines of an e-mail: where to look, whom to call, and what we never ask."""
    return _CLOSING.in_language(language)


def sms_text(policy: Policy, notice: Notice, signature: str, name: str | None, language: Language) -> str:
    """Return an SMS of at most 70 characters: the fullest of its forms that keeps to the conventions.

    The last form always fits: it says that there is something and where to ask.
    """
    shown = masked_name(name)
    amount, period = yuan_in_words(notice.amount).replace(",", ""), period_in_words(notice.period, language)
    forms = _sms_forms(policy, notice, shown, amount, period, language)
    head = f"【{signature}】"
    for form in forms:
        text = head + form
        if not violations(text, signature):
            return text
    return head + forms[-1][: MOST_CHARACTERS - len(head)]


def _sms_forms(
    policy: Policy, notice: Notice, name: str | None, amount: str, period: str, language: Language
) -> list[str]:
    own = " ".join(notice_text(policy, notice, language).split())
    title = policy.title.in_language(language)
    if is_sensitive(title) or has_link(title):
        title = "一项补贴" if language == "zh" else "benefit"
    if language == "zh":
        greeting = f"{name}您好，" if name else ""
        if policy.judgement is not None:
            may = f"您可能符合{title}的条件，由主管机关决定。咨询12345"
            return [f"{greeting}{own}", own, f"{greeting}{may}", may, "您可能符合一项待遇的条件。咨询12345"]
        for_amount = f"{amount}元" if amount else "已办结"
        return [
            f"{greeting}{own}",
            own,
            f"{greeting}您的{title}{period}{for_amount}，无需申请。可在官方App查询，咨询12345",
            f"您的{title}{period}{for_amount}，无需申请。咨询12345",
            f"您的一项补贴{period}{for_amount}，无需申请。可在官方App查询，咨询12345",
            "您有一项待遇已办结，无需申请。咨询12345",
        ]
    if policy.judgement is not None:
        may = f"You may qualify for {title}; the authority decides. Call 12345"
        return [own, may, "You may qualify for a benefit. Call 12345"]
    money = f": {amount} yuan" if amount else ""
    return [own, f"{title}, {period}{money}. No application needed. Call 12345", f"benefit{money}. No application needed. Call 12345",
            "A benefit is granted to you. Call 12345"]  # fmt: skip


def _filled(words: str, notice: Notice, title: str, language: Language) -> str:
    values: Mapping[str, str] = {
        "amount": yuan_in_words(notice.amount),
        "period": period_in_words(notice.period, language),
        "title": title,
    }
    # One pass: a title that holds braces is not filled in again.
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], words)


def renderer(
    policy_of_version: Callable[[str], Policy], signature: str, combined: RenderCombined | None = None
) -> Render:
    """Return what makes messages: the policy comes in the version that granted, for SMS with this signature.

    `combined` makes those of combined notices (`notifier.bundles.texts.CombinedTexts.message`).
    """

    def render(notice: Notice, channel: str, contact: Contact, language: Language) -> Message:
        if notice.combined is not None:
            if combined is None:
                raise _no_bundles()
            return combined(notice.combined, channel, contact, language)
        policy = policy_of_version(notice.version)
        if channel == "sms":
            text = sms_text(policy, notice, signature, contact.name, language)
            return Message(contact.phone or "", "", text, language)
        line = subject_line(policy, notice, language)
        return Message(contact.email or "", line, body_text(policy, notice, language, contact.name), language)

    return render


def _no_bundles() -> DeliveryError:
    return DeliveryError.of(
        "no-bundles", "这是一份合并通知，发送方没有载入组合", "this is a combined notice, and the sender knows no bundles",
        help_zh="用 `mianshen notices send` 发送", help_en="send it with `mianshen notices send`",
    )  # fmt: skip
