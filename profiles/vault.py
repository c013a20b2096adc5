"""The vault: identity numbers, names, contacts and accounts, each value sealed to its row and column.

Only delivery and payment open it, and no value leaves it before the opening (who, why, when, whose) is on
disk. Every value is AES-256-GCM with its own nonce; the associated data is `subject:field`, so that a value
moved to another person or another column does not open. The table holds nothing readable but pseudonyms.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from policies.errors import StoreError
from profiles.home import Home
from profiles.identity import masked
from profiles.manifest import read_manifest
from profiles.secret import derived_key, secret_key

NONCE_BYTES = 12
_TABLES = """
CREATE TABLE IF NOT EXISTS sealed (
    subject TEXT NOT NULL, field TEXT NOT NULL, sequence INTEGER NOT NULL, value BLOB,
    PRIMARY KEY (subject, field, sequence)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS opening (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, purpose TEXT NOT NULL,
    subject TEXT NOT NULL, fields TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS opening_of_subject ON opening (subject);
CREATE TABLE IF NOT EXISTS writing (sequence INTEGER PRIMARY KEY);
"""


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """One value to seal: whose, which field (`name`, `phone`, …), and the text (None: forget it)."""

    subject: str
    field: str
    value: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Contact:
    """How to reach and pay somebody; None where nothing is known. `language` is `zh` or `en`."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    account: str | None = None
    language: str | None = None
    channels: str | None = None

    def __repr__(self) -> str:
        # A contact that slips into a log or a traceback must not say who it is.
        return f"Contact({', '.join(f'{each.name}=…' for each in fields(self) if getattr(self, each.name))})"

    def masked(self) -> Contact:
        """Return the form that may be shown on a screen: `张*`, `138****0001`, `a***@example.org`."""
        return Contact(
            name=masked_name(self.name),
            phone=masked_phone(self.phone),
            email=masked_email(self.email),
            account=masked_account(self.account),
            language=self.language,
            channels=self.channels,
        )


@dataclass(frozen=True, slots=True)
class Opening:
    """One line of the log: `actor` read `fields` of `subject` for `purpose` at `at` (aware UTC, ISO 8601)."""

    at: str
    actor: str
    purpose: str
    subject: str
    fields: tuple[str, ...]


_CONTACT_FIELDS = tuple(field.name for field in fields(Contact))
NUMBER_FIELD = "number"


def open_vault(home: Home, *, now: Callable[[], datetime] | None = None) -> Vault:
    """Open the vault of `home`, making it on first use.

    Args:
        home: the installation.
        now: the clock for the log of openings (aware UTC); the system's if not given.

    Raises:
        StoreError: the key file is missing or damaged, or the vault is not an SQLite file.
    """
    secret = secret_key(home)
    home.path.mkdir(parents=True, exist_ok=True)
    try:
        if not home.vault.exists():
            os.close(os.open(home.vault, os.O_WRONLY | os.O_CREAT, 0o600))
        connection = sqlite3.connect(home.vault, timeout=60, check_same_thread=False, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_TABLES)
    except (sqlite3.Error, OSError) as problem:
        raise StoreError.of(
            "vault-damaged",
            f"无法打开密库 `{home.vault}`",
            f"the vault `{home.vault}` cannot be opened",
            help_zh="请从备份恢复密库文件",
            help_en="restore the vault file from a backup",
        ) from problem
    return Vault(home, connection, AESGCM(derived_key(secret, "vault")), now or (lambda: datetime.now(UTC)))


class Vault:
    """An open vault. It may be used from several threads; close it, or use it as a context manager."""

    def __init__(self, home: Home, connection: sqlite3.Connection, cipher: AESGCM, now: Callable[[], datetime]) -> None:
        self._home = home
        self._connection = connection
        self._cipher = cipher
        self._now = now
        self._lock = threading.RLock()

    def __enter__(self) -> Vault:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database connection."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    # --- writing ---------------------------------------------------------------------------------------

    def put(self, rows: Iterable[Secret], sequence: int | None = None) -> int:
        """Seal and store `rows` in one transaction; return how many.

        Args:
            rows: the values; a later value of the same subject and field replaces the earlier one.
            sequence: the intake that brings them: they are invisible until the store's manifest reaches it.
                Without it they count at once.
        """
        committed = read_manifest(self._home).sequence
        counts_from = committed if sequence is None else sequence
        encrypt = self._cipher.encrypt
        nonces = _nonces()

        def sealed() -> Iterator[tuple[str, str, int, bytes | None]]:
            for row in rows:
                value = None
                if row.value is not None:
                    nonce = next(nonces)
                    bound = f"{row.subject}:{row.field}".encode()
                    value = nonce + encrypt(nonce, row.value.encode(), bound)
                yield row.subject, row.field, counts_from, value

        with self._transaction() as connection:
            if counts_from > committed:
                connection.execute("INSERT OR IGNORE INTO writing VALUES (?)", (counts_from,))
            return connection.executemany("INSERT OR REPLACE INTO sealed VALUES (?, ?, ?, ?)", sealed()).rowcount

    def sealed(self, secret: Secret) -> bytes | None:
        """Return the sealed form of a value, as `put_sealed` takes it; None for a value to forget."""
        if secret.value is None:
            return None
        nonce = os.urandom(NONCE_BYTES)
        bound = f"{secret.subject}:{secret.field}".encode()
        return nonce + self._cipher.encrypt(nonce, secret.value.encode(), bound)

    def put_sealed(self, subject: str, field: str, value: bytes | None) -> None:
        """Store a value that `sealed` has sealed; it counts at once."""
        committed = read_manifest(self._home).sequence
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO sealed VALUES (?, ?, ?, ?)", (subject, field, committed, value)
            )  # fmt: skip

    def unsealed(self, secret: Secret, value: bytes) -> str:
        """Return what `sealed` has sealed for this subject and field; StoreError if it does not open."""
        return self._unsealed(secret.subject, secret.field, value)

    def forget_unfinished(self) -> None:
        """Remove what an intake that never finished has left behind; the caller holds the store's lock."""
        committed = read_manifest(self._home).sequence
        unfinished = "SELECT 1 FROM writing WHERE sequence > ?"
        if self._connection.execute(unfinished, (committed,)).fetchone() is None:
            return
        with self._transaction() as connection:
            connection.execute("DELETE FROM sealed WHERE sequence > ?", (committed,))
            connection.execute("DELETE FROM writing")

    def forget_superseded(self) -> int:
        """Remove values that a newer one has replaced; return how many. The caller holds the store's lock."""
        committed = read_manifest(self._home).sequence
        with self._transaction() as connection:
            return connection.execute(
                "DELETE FROM sealed WHERE EXISTS (SELECT 1 FROM sealed AS newer"
                " WHERE newer.subject = sealed.subject AND newer.field = sealed.field"
                " AND newer.sequence > sealed.sequence AND newer.sequence <= ?)",
                (committed,),
            ).rowcount

    # --- opening ---------------------------------------------------------------------------------------

    def contact(self, subject: str, actor: str, purpose: str) -> Contact:
        """Return the contact of `subject`; all None if nothing is known. The opening is logged first.

        Raises:
            StoreError: the values were sealed with another key, or were tampered with.
        """
        return self.contacts([subject], actor, purpose)[subject]

    def contacts(self, subjects: Sequence[str], actor: str, purpose: str) -> dict[str, Contact]:
        """Return the contacts of `subjects`, each opening logged first; see `contact`."""
        opened = self._open(subjects, _CONTACT_FIELDS, actor, purpose)
        return {subject: Contact(**values) for subject, values in opened.items()}

    def number(self, subject: str, actor: str, purpose: str) -> str | None:
        """Return the identity number of `subject`, or None; see `contact`."""
        return self._open([subject], (NUMBER_FIELD,), actor, purpose)[subject].get(NUMBER_FIELD)

    def openings(self, subject: str | None = None, limit: int = 1000) -> list[Opening]:
        """Return the newest log lines first, of one subject if given."""
        where, values = ("WHERE subject = ?", (subject, limit)) if subject is not None else ("", (limit,))
        with self._lock:
            rows = self._connection.execute(
                f"SELECT at, actor, purpose, subject, fields FROM opening {where} ORDER BY id DESC LIMIT ?",
                values,
            ).fetchall()
        return [
            Opening(at, actor, purpose, whose, tuple(names.split(","))) for at, actor, purpose, whose, names in rows
        ]

    def _open(
        self, subjects: Sequence[str], wanted: Sequence[str], actor: str, purpose: str
    ) -> dict[str, dict[str, str]]:
        if not actor.strip() or not purpose.strip():
            raise StoreError.of(
                "opening-without-purpose",
                "打开密库必须说明何人、何用",
                "the vault opens only to a named actor with a purpose",
            )
        at = self._now().astimezone(UTC).isoformat(timespec="seconds")
        with self._transaction() as connection:
            connection.executemany(
                "INSERT INTO opening (at, actor, purpose, subject, fields) VALUES (?, ?, ?, ?, ?)",
                [(at, actor, purpose, subject, ",".join(wanted)) for subject in subjects],
            )
        committed = read_manifest(self._home).sequence
        marks = ",".join("?" * len(wanted))
        query = (
            f"SELECT field, value FROM sealed WHERE subject = ? AND field IN ({marks}) AND sequence <= ?"
            " ORDER BY sequence"
        )
        found: dict[str, dict[str, str]] = {}
        with self._lock:
            for subject in subjects:
                newest = dict(self._connection.execute(query, (subject, *wanted, committed)).fetchall())
                found[subject] = {
                    name: self._unsealed(subject, name, value) for name, value in newest.items() if value is not None
                }
        return found

    def _unsealed(self, subject: str, name: str, value: bytes) -> str:
        try:
            bound = f"{subject}:{name}".encode()
            return self._cipher.decrypt(value[:NONCE_BYTES], value[NONCE_BYTES:], bound).decode()
        except InvalidTag as problem:
            raise StoreError.of(
                "vault-sealed",
                "密库中的数据无法解开：密钥不符，或数据被改动",
                "a value in the vault does not open: another key sealed it, or it was tampered with",
                help_zh="请恢复密钥文件；若密钥无误，请核查密库文件",
                help_en="restore the key file; if the key is right, look into who touched the vault file",
            ) from problem


def _nonces() -> Iterator[bytes]:
    """Yield random nonces; the system is asked for many at once, as it is slow to answer."""
    while True:
        many = os.urandom(NONCE_BYTES * 1024)
        for start in range(0, len(many), NONCE_BYTES):
            yield many[start : start + NONCE_BYTES]


def masked_name(name: str | None) -> str | None:
    """Return the first character and stars: `张*`."""
    return name[0] + "*" * max(len(name) - 1, 1) if name else name


def masked_phone(phone: str | None) -> str | None:
    """Return `138****0001`."""
    return f"{phone[:3]}{'*' * max(len(phone) - 7, 4)}{phone[-4:]}" if phone and len(phone) >= 8 else phone and "****"


def masked_email(email: str | None) -> str | None:
    """Return the first letter and the domain: `a***@example.org`."""
    if not email or "@" not in email:
        return email and "***"
    local, domain = email.rsplit("@", 1)
    return f"{local[:1]}***@{domain}"


def masked_account(account: str | None) -> str | None:
    """Return the last four digits of a bank account: `************0001`."""
    return "*" * (len(account) - 4) + account[-4:] if account and len(account) > 8 else account and "****"


def masked_number(number: str | None) -> str | None:
    """Return `110105********002X`."""
    return masked(number) if number else number
