"""The words of notices keep to the conventions; settings that are wrong are told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.channels.channel import Message, PermanentFailure
from notifier.channels.email import EmailChannel, message_id
from notifier.channels.sms import SmsChannel
from notifier.settings import channels_from_environment
from notifier.sms_conventions import violations
from notifier.templates import (
    Notice,
    body_text,
    notice_text,
    period_in_words,
    sms_text,
    subject_line,
    yuan_in_words,
)
from policies.errors import SettingsError
from policies.text import Bilingual
from tests.notifier.town import RULE, SIGNATURE, rule

NOTICE = Notice("elderly-allowance", "v", 15_000, "2026-11")


@pytest.mark.parametrize(
    ("key", "zh", "en"),
    [
        ("2026-11", "2026年11月", "November 2026"),
        ("2026Q4", "2026年第4季度", "quarter 4 of 2026"),
        ("2026", "2026年", "2026"),
        ("once", "本次", "this occasion"),
    ],
)
def test_periods_are_said_as_people_say_them(key: str, zh: str, en: str) -> None:
    assert (period_in_words(key, "zh"), period_in_words(key, "en")) == (zh, en)


def test_amounts_are_said_in_yuan_without_empty_decimals() -> None:
    assert [yuan_in_words(fen) for fen in (7_500, 1_260_050, 0, None)] == ["75", "12,600.50", "0", ""]


def test_the_policy_s_own_notice_is_filled_in() -> None:
    policy, _ = rule()
    assert notice_text(policy, NOTICE, "zh").startswith("您的老年综合津贴2026年11月为150元，无需申请")
    assert "150 yuan" in notice_text(policy, NOTICE, "en")


def test_a_policy_without_a_notice_gets_the_standard_words() -> None:
    policy = replace(rule()[0], notices={})
    assert notice_text(policy, NOTICE, "zh") == "您的老年综合津贴（2026年11月）金额为150元，无需申请。"
    service = Notice("elderly-allowance", "v", None, "once")
    assert "yuan" not in notice_text(policy, service, "en")


def test_a_sensitive_benefit_is_not_named_on_a_lock_screen() -> None:
    policy, _ = rule(RULE.replace("老年综合津贴", "重度残疾人护理补贴"))
    text = sms_text(policy, NOTICE, SIGNATURE, "张三", "zh")
    assert "残疾" not in text and "一项补贴" in text and violations(text, SIGNATURE) == []
    assert "残疾" not in subject_line(policy, NOTICE, "zh")
    assert "残疾" in body_text(policy, NOTICE, "zh", None)


@given(
    words=st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="{}"), min_size=1, max_size=200),
    name=st.one_of(st.none(), st.text(st.characters(categories=("Lo",)), min_size=1, max_size=30)),
    amount=st.one_of(st.none(), st.integers(0, 10**13)),
)
def test_every_sms_keeps_to_the_conventions_whatever_the_notice_says(
    words: str, name: str | None, amount: int | None
) -> None:
    policy, _ = rule()
    loud = replace(policy, notices={"granted": Bilingual(words, words)}, title=Bilingual(words[:60], words[:60]))
    for language in ("zh", "en"):
        text = sms_text(loud, Notice("p", "v", amount, "2026-11"), SIGNATURE, name, language)  # type: ignore[arg-type]
        assert violations(text, SIGNATURE) == []


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("您好", "signature"),
        (f"【{SIGNATURE}】" + "好" * 65, "length"),
        (f"【{SIGNATURE}】请看 http://example.org", "link"),
        (f"【{SIGNATURE}】请看 example.cn", "link"),
        (f"【{SIGNATURE}】您的低保已发放", "sensitive-word"),
        (f"【{SIGNATURE}】请回复您的验证码", "request"),
        (f"【{SIGNATURE}】一\n二", "line-break"),
    ],
)
def test_the_sms_channel_itself_refuses_what_breaks_the_conventions(text: str, broken: str) -> None:
    assert broken in violations(text, SIGNATURE)
    with pytest.raises(PermanentFailure) as refused:
        SmsChannel("http://127.0.0.1:9/", SIGNATURE).send(Message("13800000001", "", text), "key")
    assert refused.value.code.startswith("sms-")


@pytest.mark.parametrize("phone", ["12345", "13800000001\n", "abc", "99900000001", ""])
def test_a_number_that_is_none_is_refused_for_good(phone: str) -> None:
    with pytest.raises(PermanentFailure):
        SmsChannel("http://127.0.0.1:9/", SIGNATURE).send(Message(phone, "", "x"), "key")


@pytest.mark.parametrize(
    "address",
    ["nobody", "a@b\nBcc: x@example.org", "a b@example.org", "<a@example.org>", "a@example.org,b@example.org"],
)
def test_an_address_that_is_none_is_refused_before_any_connection(address: str) -> None:
    with pytest.raises(PermanentFailure):
        EmailChannel("127.0.0.1", 9, "n@example.org").send(Message(address, "s", "b"), "key")


def test_the_message_id_is_the_same_for_the_same_key_only() -> None:
    assert message_id("one", "Office <n@example.org>") == message_id("one", "n@example.org")
    assert message_id("one", "n@example.org") != message_id("two", "n@example.org")


@pytest.mark.parametrize(
    "environment",
    [
        {"MIANSHEN_SMTP_URL": "http://host"},
        {"MIANSHEN_SMTP_URL": "smtp://u:topsecret@:25", "MIANSHEN_SMTP_FROM": "n@example.org"},
        {"MIANSHEN_SMTP_URL": "smtp://u:topsecret@host:99999", "MIANSHEN_SMTP_FROM": "n@example.org"},
        {"MIANSHEN_SMTP_URL": "smtp://u:topsecret@host:25"},
        {"MIANSHEN_SMS_URL": "https://gateway.example/send"},
        {"MIANSHEN_SMS_URL": "http://gateway.example/send", "MIANSHEN_SMS_SIGNATURE": SIGNATURE},
        {"MIANSHEN_SMS_URL": "https://gateway.example/send", "MIANSHEN_SMS_SIGNATURE": "太" * 13},
    ],
)
def test_a_setting_that_is_wrong_is_named_without_its_secret(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as raised:
        channels_from_environment(environment)
    assert "MIANSHEN_SM" in str(raised.value) and "topsecret" not in str(raised.value)


def test_settings_become_channels() -> None:
    channels = channels_from_environment(
        {
            "MIANSHEN_SMTP_URL": "smtps://user:p%40ss@mail.example.org",
            "MIANSHEN_SMTP_FROM": "n@example.org",
            "MIANSHEN_SMS_URL": "https://gateway.example/send",
            "MIANSHEN_SMS_SIGNATURE": "【某市民政】",
            "MIANSHEN_SMS_TOKEN": "gate-token",
        }
    )
    assert list(channels) == ["page", "email", "sms"]
    email = channels["email"]
    assert isinstance(email, EmailChannel)
    assert (email.port, email.password, email.implicit_tls) == (465, "p@ss", True)
    assert "p@ss" not in repr(email) and "gate-token" not in repr(channels["sms"])
