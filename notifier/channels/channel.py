"""What every channel is asked to do, and how it says that it failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from policies.text import Language


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """One message to one person. `to` is an address or a telephone number: never logged."""

    to: str
    subject: str
    body: str
    language: Language = "zh"

    def __repr__(self) -> str:
        return f"Message(language={self.language!r}, …)"


class ChannelFailure(Exception):
    """A message was not taken. `code` is a short word such as `smtp-421`; it never holds an address."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TemporaryFailure(ChannelFailure):
    """It may work later, or it may have worked: send again with the same key.

    `retry_after` is the wait in seconds that the other side asks for, if it does.
    """

    def __init__(self, code: str, retry_after: int | None = None) -> None:
        super().__init__(code)
        self.retry_after = retry_after


class PermanentFailure(ChannelFailure):
    """It will never work: a wrong number, a refused address."""


class Channel(Protocol):
    """A way to reach somebody."""

    def send(self, message: Message, key: str) -> str:
        """Send once for `key`, however often it is called with it; return the provider's id.

        Raises TemporaryFailure or PermanentFailure.
        """
