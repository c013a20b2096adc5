"""The channels that this installation has, from the environment.

MIANSHEN_SMTP_URL       smtp://user:password@host:port, or smtps:// for TLS from the first byte
MIANSHEN_SMTP_FROM      who the mail is from: an address, or `Name <address>`
MIANSHEN_SMS_URL        the gateway's address (https, or http on this machine)
MIANSHEN_SMS_SIGNATURE  the registered signature, without brackets: 2 to 12 characters
MIANSHEN_SMS_TOKEN      the gateway's token, if it wants one
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit

from notifier.channels.channel import Channel
from notifier.channels.email import LOOPBACK, EmailChannel
from notifier.channels.page import PageChannel
from notifier.channels.sms import SmsChannel
from notifier.sms_conventions import SIGNATURE
from policies.errors import DeliveryError, SettingsError

SETTING_OF = {"email": "MIANSHEN_SMTP_URL", "sms": "MIANSHEN_SMS_URL"}


def channels_from_environment(environment: Mapping[str, str] | None = None) -> dict[str, Channel]:
    """Return the configured channels by name; `page` is always there.

    Raises SettingsError if a setting is malformed or half of a channel is missing.
    """
    given = os.environ if environment is None else environment
    channels: dict[str, Channel] = {"page": PageChannel()}
    if given.get("MIANSHEN_SMTP_URL"):
        channels["email"] = _email(given["MIANSHEN_SMTP_URL"], given.get("MIANSHEN_SMTP_FROM", ""))
    if given.get("MIANSHEN_SMS_URL"):
        channels["sms"] = _sms(given)
    return channels


def signature_from_environment(environment: Mapping[str, str] | None = None) -> str:
    """Return the SMS signature, "" if there is none."""
    given = os.environ if environment is None else environment
    return given.get("MIANSHEN_SMS_SIGNATURE", "").strip().strip("【】")


def require_channel(channels: Mapping[str, Channel], name: str) -> Channel:
    """Return a channel. Raises DeliveryError if it is not configured."""
    found = channels.get(name)
    if found is not None:
        return found
    setting = SETTING_OF.get(name)
    raise DeliveryError.of(
        "channel-not-configured",
        f"渠道 `{name}` 没有配置，消息发不出去",
        f"the channel `{name}` is not configured; its messages cannot be sent",
        help_zh=f"设置 {setting}" if setting else "可用的渠道：page、email、sms",
        help_en=f"set {setting}" if setting else "the channels are page, email and sms",
    )


def _email(url: str, sender: str) -> EmailChannel:
    parts = _parts("MIANSHEN_SMTP_URL", url, ("smtp", "smtps"), "smtp://user:password@host:port")
    if "@" not in sender or any(character in sender for character in "\r\n"):
        raise _wrong("MIANSHEN_SMTP_FROM", "notices@example.gov.cn")
    secure = parts.scheme == "smtps"
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    port = parts.port or (465 if secure else 25)
    return EmailChannel(str(parts.hostname), port, sender, user, password, secure)


def _sms(given: Mapping[str, str]) -> SmsChannel:
    url = given["MIANSHEN_SMS_URL"]
    parts = _parts("MIANSHEN_SMS_URL", url, ("https", "http"), "https://gateway/send")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise _wrong("MIANSHEN_SMS_URL", "https://gateway/send")  # numbers do not travel in the clear
    signature = signature_from_environment(given)
    if not SIGNATURE.fullmatch(signature):
        raise _wrong("MIANSHEN_SMS_SIGNATURE", "某市民政")
    return SmsChannel(url, signature, given.get("MIANSHEN_SMS_TOKEN") or None)


def _parts(setting: str, url: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if not fits:
        raise _wrong(setting, example)
    return parts


def _wrong(setting: str, example: str) -> SettingsError:
    # The value itself is not repeated: it may hold a password.
    return SettingsError.of(
        "channel-setting",
        f"设置 `{setting}` 缺失或不正确",
        f"the setting `{setting}` is missing or wrong",
        help_zh=f"例如 {setting}={example}",
        help_en=f"for example {setting}={example}",
    )
