"""SMS by an HTTP gateway, held to the conventions of mainland China."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import httpx

from notifier.channels.channel import Message, PermanentFailure, TemporaryFailure
from notifier.sms_conventions import violations

_PHONE = re.compile(r"(?:\+?86)?1[3-9]\d{9}")
_ACCEPTED_BEFORE = 409
_LATER = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class SmsChannel:
    """A gateway that takes `{"phone", "text"}` by POST and answers `{"id"}`.

    The key goes along as `Idempotency-Key`: the gateway sends once for it, however often it is asked.
    """

    url: str
    signature: str
    token: str | None = field(default=None, repr=False)
    timeout: float = 10.0

    def send(self, message: Message, key: str) -> str:
        """Hand the text to the gateway; return its id.

        Raises:
            TemporaryFailure: no connection, no answer in time (it may have been taken), 408, 425, 429 or 5xx.
            PermanentFailure: no mobile number, a text against the conventions, or any other refusal.
        """
        phone = message.to.replace(" ", "").replace("-", "")
        if not _PHONE.fullmatch(phone):
            raise PermanentFailure("phone-malformed")
        broken = violations(message.body, self.signature)
        if broken:
            raise PermanentFailure(f"sms-{broken[0]}")
        headers = {"Idempotency-Key": key}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        body = {"phone": phone[-11:], "text": message.body}
        try:
            answer = httpx.post(self.url, json=body, headers=headers, timeout=self.timeout)
        except httpx.TimeoutException:
            raise TemporaryFailure("gateway-timeout") from None
        except httpx.HTTPError:
            raise TemporaryFailure("gateway-connection") from None
        if not (answer.is_success or answer.status_code == _ACCEPTED_BEFORE):
            _refuse(answer)
        return _provider_id(answer) or key


def _refuse(answer: httpx.Response) -> None:
    code = f"gateway-{answer.status_code}"
    # A redirect would carry number and key to another address: it is a wrong setting, and can be put right.
    if answer.status_code >= 500 or answer.status_code in _LATER or answer.is_redirect:
        wait = answer.headers.get("Retry-After", "")
        raise TemporaryFailure(code, int(wait) if wait.isascii() and wait.isdigit() else None)
    if answer.status_code in (401, 403):
        raise TemporaryFailure(code)  # the token is wrong, not the message
    raise PermanentFailure(code)


def _provider_id(answer: httpx.Response) -> str | None:
    try:
        found = answer.json().get("id")
    except (ValueError, AttributeError):
        return None
    return str(found)[:100] if found is not None else None
