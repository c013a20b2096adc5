"""Login by a signed link that works once, and the session that follows.

The link may arrive by post, by SMS from a counter, or be printed: opening it shows a button, and only the button
uses it up (mail scanners open links, they press no buttons).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import blake2b

from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, SQLModel

from engine.ledger.opening import Ledger, table

LINK_SECONDS = 24 * 3600
SESSION_SECONDS = 2 * 3600
COOKIE = "mianshen_session"


class UsedLogin(SQLModel, table=True):
    """A login link that was used: its nonce never opens anything again."""

    __tablename__ = "used_login"
    nonce: str = Field(primary_key=True)
    used_at: str


@dataclass(frozen=True, slots=True)
class Logins:
    """Makes and checks links and sessions. `key` is the installation's key for pages."""

    ledger: Ledger
    key: bytes

    def prepare(self) -> None:
        """Create the table of used links if it is not there."""
        with self.ledger.writing() as connection:
            table(UsedLogin).create(connection, checkfirst=True)

    def subject_of_link(self, token: str) -> str | None:
        """Return whose link it is, without using it up; None if it is forged or too old."""
        read = self._read("login", token, LINK_SECONDS)
        return None if read is None else read[0]

    def use(self, token: str) -> str | None:
        """Use a link up and return whose it is; None if it is forged, too old, or was used before."""
        read = self._read("login", token, LINK_SECONDS)
        if read is None:
            return None
        subject, nonce = read
        try:
            with self.ledger.writing() as connection:
                connection.execute(insert(table(UsedLogin)).values(nonce=nonce, used_at=self.ledger.now()))
        except IntegrityError:
            return None
        return subject

    def session(self, subject: str) -> str:
        """Return the cookie's value for a session of `subject`."""
        return _serializer(self.key, "session").dumps([subject, secrets.token_urlsafe(8)])

    def subject_of_session(self, value: str | None) -> str | None:
        """Return who is logged in; None if nobody."""
        read = self._read("session", value, SESSION_SECONDS) if value else None
        return None if read is None else read[0]

    def _read(self, purpose: str, token: str, seconds: int) -> tuple[str, str] | None:
        try:
            found = _serializer(self.key, purpose).loads(token, max_age=seconds)
        except BadData:
            return None
        if isinstance(found, list) and len(found) == 2 and all(isinstance(each, str) for each in found):
            return found[0], found[1]
        return None


def login_link(base_url: str, key: bytes, subject: str) -> str:
    """Return a link that logs `subject` (a pseudonym) in once, within a day.

    Args:
        base_url: where the pages are, such as `https://benefits.example.gov.cn`.
        key: the installation's key for pages (`profiles.secret.derived_key(secret, "pages")`).
        subject: whose page it opens.
    """
    token = _serializer(key, "login").dumps([subject, secrets.token_urlsafe(16)])
    return f"{base_url.rstrip('/')}/login?token={token}"


def _serializer(key: bytes, purpose: str) -> URLSafeTimedSerializer:
    # The subject's pseudonym is readable in a token; it says nothing without the ledger.
    own = blake2b(purpose.encode(), key=key[:64], digest_size=32, person=b"mianshen-page").hexdigest()
    return URLSafeTimedSerializer(own, salt=purpose)
