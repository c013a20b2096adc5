"""What an SMS of a public body in mainland China must and must not be.

【signature】 first, at most 70 characters with it (more is billed and shown in parts), no link, nothing that
tells a bystander of an illness or a hardship, no request for a code, a card or a password.
"""

from __future__ import annotations

import re

MOST_CHARACTERS = 70
SIGNATURE = re.compile(r"[^\s【】]{2,12}")

_LINK = re.compile(
    r"https?:|www\.|\b[a-z0-9-]+\.(?:com|cn|net|org|gov|top|xyz|info|cc|vip|app|link)\b|[a-z0-9]\.[a-z]{2,}/",
    re.IGNORECASE,
)
SENSITIVE_WORDS = (
    "残疾", "残障", "低保", "低收入", "失独", "特困", "孤儿", "困境", "贫困", "精神", "智力", "艾滋", "癌", "肿瘤",
    "重病", "大病", "罕见病", "戒毒", "刑", "社区矫正", "救助", "失能", "计划生育", "特别扶助", "流浪", "性别", "宗教",
    "disab", "hiv", "cancer", "mental", "poverty", "low-income", "subsistence", "orphan", "dependen", "bereave", "one-child",
)  # fmt: skip
_REQUEST = re.compile(r"(?:提供|输入|告知|回复|发送)[^。；;]{0,6}(?:验证码|密码|银行卡|身份证)")


def is_sensitive(text: str) -> bool:
    """Return True if the text names a category that must not stand on a lock screen."""
    small = text.casefold()
    return any(word in small for word in SENSITIVE_WORDS)


def has_link(text: str) -> bool:
    """Return True if the text holds a web address."""
    return _LINK.search(text) is not None


def violations(text: str, signature: str) -> list[str]:
    """Return the names of the broken conventions: signature, length, link, sensitive-word, request, line-break."""
    found = []
    if not text.startswith(f"【{signature}】") or not SIGNATURE.fullmatch(signature):
        found.append("signature")
    if len(text) > MOST_CHARACTERS:
        found.append("length")
    if has_link(text):
        found.append("link")
    # The signature names the sender as registered: a federation of the disabled may sign with its name.
    if is_sensitive(text.removeprefix(f"【{signature}】")):
        found.append("sensitive-word")
    if _REQUEST.search(text):
        found.append("request")
    if any(character in text for character in "\r\n\t"):
        found.append("line-break")
    return found
