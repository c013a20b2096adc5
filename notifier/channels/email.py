"""E-mail over SMTP. The Message-ID is made from the key, so that a second copy can be told for what it is."""

from __future__ import annotations

import re
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from hashlib import sha256

from notifier.channels.channel import Message, PermanentFailure, TemporaryFailure
from policies.errors import DeliveryError

_ADDRESS = re.compile(r"[^@\s<>\",;:\\()\[\]\x00-\x1f]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class EmailChannel:
    """An SMTP server and who the mail is from. `implicit_tls` is smtps; otherwise STARTTLS where offered."""

    host: str
    port: int
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    implicit_tls: bool = False
    timeout: float = 30.0

    def send(self, message: Message, key: str) -> str:
        """Hand the mail to the server; return its Message-ID.

        Raises:
            TemporaryFailure: no connection, it broke (perhaps after the server took the mail), or a 4xx answer.
            PermanentFailure: the address is malformed, or a 5xx answer.
            DeliveryError: the password would go over the net in the clear.
        """
        mail = self._mail(message, key)
        try:
            with self._connected() as server:
                server.send_message(mail, self.sender, [message.to])
        except smtplib.SMTPRecipientsRefused as refused:
            raise _failure(next(iter(refused.recipients.values()))[0]) from None
        except smtplib.SMTPAuthenticationError:
            raise TemporaryFailure("smtp-login-refused") from None
        except smtplib.SMTPResponseException as answer:
            raise _failure(answer.smtp_code) from None
        except smtplib.SMTPNotSupportedError:
            raise PermanentFailure("smtp-not-supported") from None
        except (smtplib.SMTPException, OSError):
            raise TemporaryFailure("smtp-connection") from None
        return str(mail["Message-ID"])

    def _mail(self, message: Message, key: str) -> EmailMessage:
        if not _ADDRESS.fullmatch(message.to):
            raise PermanentFailure("address-malformed")
        mail = EmailMessage()
        mail["From"] = self.sender
        mail["To"] = message.to
        mail["Subject"] = " ".join(message.subject.split())
        mail["Date"] = formatdate(usegmt=True)
        mail["Message-ID"] = message_id(key, self.sender)
        mail["Content-Language"] = "zh-CN" if message.language == "zh" else "en"
        # RFC 3834: no out-of-office answers to a machine.
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.body)
        return mail

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.implicit_tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        try:
            self._begin(server, context)
        except BaseException:
            server.close()
            raise
        return server

    def _begin(self, server: smtplib.SMTP, context: ssl.SSLContext) -> None:
        server.ehlo_or_helo_if_needed()
        secure = self.implicit_tls
        if not secure and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
            secure = True
        if self.user is None:
            return
        if not secure and self.host not in LOOPBACK:
            raise DeliveryError.of(
                "smtp-without-tls",
                f"邮件服务器 `{self.host}` 不支持加密，不能把密码明文发给它",
                f"the mail server `{self.host}` offers no TLS; the password is not sent in the clear",
                help_zh="MIANSHEN_SMTP_URL 改用 smtps://，或在服务器上启用 STARTTLS",
                help_en="use smtps:// in MIANSHEN_SMTP_URL, or enable STARTTLS on the server",
            )
        server.login(self.user, self.password or "")


def message_id(key: str, sender: str) -> str:
    """Return the Message-ID of a key: the same for every attempt, and it tells nothing about anybody."""
    domain = sender.rpartition("@")[2].rstrip(">").strip() or "localhost"
    return f"<{sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def _failure(code: int) -> TemporaryFailure | PermanentFailure:
    return PermanentFailure(f"smtp-{code}") if code >= 500 else TemporaryFailure(f"smtp-{code}")
