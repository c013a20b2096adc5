"""The log of life events: what is posted is stored first, whole and once, and patches the profiles by that.

Everything an event changes is one SQLite transaction, so a process killed at any moment leaves it stored
whole or not at all; posting it again with the same key gives the same answer. Contacts travel sealed and
reach the vault right after the commit, or at the next opening of the log.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any

import polars as pl

from policies.errors import EventError
from policies.text import Bilingual
from policies.types import to_day_number
from profiles.catalog_model import Catalog
from profiles.events.checking import CheckedEvent, checked, key_of
from profiles.events.contacts import EventContacts
from profiles.events.database import damaged, open_database, transaction, unhurried
from profiles.events.judging import Judge, Judgement
from profiles.events.model import RefusedEvent, Statement, StoredEvent
from profiles.events.patches import EXISTENCE, event_database
from profiles.events.rows import CHANGES, event_of_row, to_json
from profiles.events.statements import statements_of
from profiles.fault_points import fault_point
from profiles.home import Home
from profiles.manifest import read_manifest, require_key
from profiles.secret import derived_key, secret_key
from profiles.snapshot import Snapshot, open_snapshot
from profiles.vault import Secret, open_vault

_COLUMNS = (
    "number, key, kind, space, subject, occurred_on, received_at, actor, outcome, changed, superseded, subjects,"
    " reason, answer"
)


class EventLog:
    """The event log of one installation. It may be used from several threads and processes at once."""

    def __init__(self, home: Home, catalog: Catalog) -> None:
        """Open the log, making it on first use.

        Raises:
            StoreError: the key is missing or is not the store's, or the log is damaged.
        """
        secret = secret_key(home)
        require_key(read_manifest(home), secret)
        self._home, self._catalog = home, catalog
        self._pseudonyms = derived_key(secret, "pseudonym")
        self._digests = derived_key(secret, "event")
        self._path = event_database(home)
        self._connection = open_database(self._path)
        self._lock = threading.RLock()
        self._vault = open_vault(home)
        self._contacts = EventContacts(home, catalog, self._connection, self._vault)
        with self._lock:
            self._contacts.deliver()

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._connection.close()
        self._vault.close()

    # --- storing -----------------------------------------------------------------------------------------

    def store(self, raw: Mapping[str, object], *, today: date, received_at: datetime, actor: str) -> StoredEvent:
        """Store one event and its patches; the same event again gives the same answer.

        Args:
            raw: `key`, `kind`, `subject` (an identity number), `occurred_on`, `data`; see `reading.read_event`.
            today: no event may lie after this day.
            received_at: when it arrived (aware).
            actor: who posted it.

        Raises:
            EventError: it is refused; it is kept, sealed, with the reason.
            StoreError: the profile store is empty or damaged, or the disk is full.
        """
        digest = self._digest(raw)
        try:
            with self._lock:
                known = self._known(raw, digest)
                if known is not None:
                    return known
                event = checked(raw, self._catalog, self._pseudonyms, today)
                statements = statements_of(event, self._pseudonyms)
                fault_point("event-checked")
                stored = self._write(event, statements, digest, received_at, actor, today)
                fault_point("event-committed")
                self._contacts.deliver()
                return stored
        except EventError as refusal:
            self._keep_refused(raw, digest, refusal, received_at, actor)
            raise
        except sqlite3.Error as problem:
            raise damaged(self._path) from problem

    def _known(self, raw: Mapping[str, object], digest: str) -> StoredEvent | None:
        key = key_of(raw)
        if key is None:
            return None
        row = self._connection.execute(f"SELECT {_COLUMNS}, digest FROM event WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        if row[-1] != digest:
            raise EventError.of(
                "event-key-reused", "这个 `key` 已用于另一个内容不同的事件", "this `key` was used for an event of other content",
                help_zh="新事件用新的 `key`；重报时内容须完全相同",
                help_en="give a new event a new `key`; an event posted again must be the same throughout",
            )  # fmt: skip
        return event_of_row(row[:-1], already=True)

    def _write(
        self,
        event: CheckedEvent,
        statements: Sequence[Statement],
        digest: str,
        received_at: datetime,
        actor: str,
        today: date,
    ) -> StoredEvent:
        with transaction(self._connection) as connection:
            # Another process may have stored it since; from here on no other can.
            known = self._known({"key": event.key}, digest)
            if known is not None:
                return known
            snapshot = open_snapshot(self._home, self._catalog, today)
            late = self._contacts.overtaken(event, snapshot)
            judgement = Judge(snapshot, event, statements, late).judgement()
            number = snapshot.events + 1
            self._insert_event(connection, number, event, judgement, digest, received_at, actor)
            if judgement.outcome != "contradictory":
                self._insert_patches(connection, number, event, statements, snapshot)
                self._contacts.keep(number, event)
            row = connection.execute(f"SELECT {_COLUMNS} FROM event WHERE number = ?", (number,)).fetchone()
            fault_point("event-before-commit")
        return event_of_row(row)

    def _insert_event(
        self,
        connection: sqlite3.Connection,
        number: int,
        event: CheckedEvent,
        judgement: Judgement,
        digest: str,
        received_at: datetime,
        actor: str,
    ) -> None:
        reason = judgement.reason
        # Texts of the event's own (numbers of certificates, contracts) may name somebody: they are not kept.
        used = {
            name
            for patch in event.kind.patches
            for name in (*(value.given for value in patch.values), patch.member, patch.of)
            if name is not None
        }
        attributes = {name: value for name, value in event.values.items() if name in used}
        connection.execute(
            f"INSERT INTO event ({_COLUMNS}, digest, data) VALUES ({', '.join('?' * 16)})",
            (
                number, event.key, event.kind.name, event.kind.space, event.subject, event.occurred_on.isoformat(),
                received_at.astimezone(UTC).isoformat(timespec="microseconds"), actor, judgement.outcome,
                to_json(judgement.changed), to_json(judgement.superseded), json.dumps(judgement.subjects),
                json.dumps([reason.zh, reason.en], ensure_ascii=False) if reason is not None else None,
                None, digest, json.dumps(attributes, ensure_ascii=False, sort_keys=True),
            ),
        )  # fmt: skip

    def _insert_patches(
        self,
        connection: sqlite3.Connection,
        number: int,
        event: CheckedEvent,
        statements: Sequence[Statement],
        snapshot: Snapshot,
    ) -> None:
        # What is superseded today is written too: which statement is the newest is settled when it is read.
        day = to_day_number(event.occurred_on)
        connection.executemany(
            "INSERT OR REPLACE INTO patch (source, bucket, subject, item, name, day, event, value)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (said.source, snapshot.bucket_of(said.subject), said.subject, said.item, said.name, day, number, said.value)
                for said in statements
            ],
        )  # fmt: skip
        connection.executemany(
            "INSERT OR IGNORE INTO patched_source VALUES (?, ?)",
            sorted({(said.source, number) for said in statements}),
        )

    # --- refusals ----------------------------------------------------------------------------------------

    def _digest(self, raw: Mapping[str, object]) -> str:
        try:
            text = json.dumps(raw, default=str, ensure_ascii=True, sort_keys=True)
        except (RecursionError, TypeError, ValueError):
            text = f"unprintable {len(raw)}"
        return blake2b(text.encode(), key=self._digests, digest_size=16).hexdigest()

    def _keep_refused(
        self, raw: Mapping[str, object], digest: str, refusal: EventError, received_at: datetime, actor: str
    ) -> None:
        first = refusal.diagnostics[0]
        try:
            # Half a character (a lone surrogate) stays the escape that JSON has for it.
            text = json.dumps(raw, default=str, ensure_ascii=False, sort_keys=True)
            text = text.encode("utf-8", "backslashreplace").decode()
        except (RecursionError, TypeError, ValueError):
            text = ""
        # An event far beyond the limit is kept in part: its beginning tells whose it is.
        sealed = self._vault.sealed(Secret(digest, "refused-event", text[:1_000_000]))
        at = received_at.astimezone(UTC).isoformat(timespec="microseconds")
        try:
            with self._lock, transaction(self._connection) as connection:
                connection.execute(
                    "INSERT INTO refused VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT (digest, code)"
                    " DO UPDATE SET last_at = excluded.last_at, times = times + 1",
                    (digest, first.code, first.message.zh, first.message.en, sealed, at, at, actor),
                )
        except sqlite3.Error as problem:
            raise damaged(self._path) from problem

    def refused(self, limit: int = 100) -> list[RefusedEvent]:
        """Return the events that were not taken, the last one first."""
        rows = self._rows(
            "SELECT code, zh, en, digest, first_at, last_at, times, actor FROM refused ORDER BY last_at DESC LIMIT ?",
            (limit,),
        )
        return [RefusedEvent(code, Bilingual(zh, en), *rest) for code, zh, en, *rest in rows]

    def refused_text(self, digest: str) -> str | None:
        """Return the JSON text of a refused event, unsealed for a person who mends it; None if there is none."""
        rows = self._rows("SELECT sealed FROM refused WHERE digest = ? LIMIT 1", (digest,))
        return self._vault.unsealed(Secret(digest, "refused-event", None), rows[0][0]) if rows else None

    # --- reading -----------------------------------------------------------------------------------------

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as problem:
            raise damaged(self._path) from problem

    def latest(self) -> int:
        """Return the number of the newest event, 0 if there is none."""
        return int(str(self._rows("SELECT coalesce(max(number), 0) FROM event")[0][0]))

    def event(self, number: int) -> StoredEvent | None:
        """Return one event, or None."""
        rows = self._rows(f"SELECT {_COLUMNS} FROM event WHERE number = ?", (number,))
        return event_of_row(rows[0]) if rows else None

    def events(
        self, limit: int = 100, *, before: int | None = None, kind: str | None = None, outcome: str | None = None,
        subject: str | None = None,
    ) -> list[StoredEvent]:  # fmt: skip
        """Return stored events, the newest first: those before a number, of a kind, an outcome, a subject."""
        conditions = {"number < ?": before, "kind = ?": kind, "outcome = ?": outcome, "subject = ?": subject}
        given = {condition: value for condition, value in conditions.items() if value is not None}
        where = f" WHERE {' AND '.join(given)}" if given else ""
        query = f"SELECT {_COLUMNS} FROM event{where} ORDER BY number DESC LIMIT ?"
        return [event_of_row(row) for row in self._rows(query, (*given.values(), limit))]

    def subjects_of(self, kinds: Sequence[str]) -> frozenset[str]:
        """Return the subjects of all events of these kinds; those that contradict what is known do not count."""
        marks = ", ".join("?" * len(kinds))
        query = f"SELECT DISTINCT subject FROM event WHERE kind IN ({marks}) AND outcome <> 'contradictory'"
        return frozenset(str(row[0]) for row in self._rows(query, tuple(kinds)))

    def answer(self, number: int, answer: Mapping[str, object]) -> None:
        """Keep what was answered to whoever posted the event; the first answer stays.

        A power cut may take the last answers (never the events): they are then unanswered again, and the
        ledger knows what they led to. Raises StoreError if the disk is full or the log is damaged.
        """
        text = json.dumps(answer, ensure_ascii=False, default=str)
        try:
            with self._lock, unhurried(self._connection) as connection:
                connection.execute("UPDATE event SET answer = ? WHERE number = ? AND answer IS NULL", (text, number))
        except sqlite3.Error as problem:
            raise damaged(self._path) from problem

    def unanswered(self) -> list[StoredEvent]:
        """Return the events that have no answer yet, the oldest first: what a killed process has left to do."""
        query = f"SELECT {_COLUMNS} FROM event WHERE answer IS NULL ORDER BY number"
        return [event_of_row(row) for row in self._rows(query)]

    def changes(self, after: int, upto: int) -> dict[str, pl.DataFrame]:
        """Return what the events after `after` up to `upto` speak of: place -> `subject` and `name`.

        A place is `space` or `space.collection`. The name `*` says that the subject or an item came or went.
        What newer statements overrule is among it too: it may not have changed.
        """
        rows = self._rows(
            "SELECT DISTINCT source, subject, name FROM patch WHERE event > ? AND event <= ?", (after, upto)
        )
        found: dict[str, list[tuple[str, str]]] = {}
        for source, subject, name in rows:
            declared = self._catalog.sources.get(str(source))
            if declared is None:
                continue
            place = declared.space if declared.collection is None else f"{declared.space}.{declared.collection}"
            found.setdefault(place, []).append((str(subject), "*" if name == EXISTENCE else str(name)))
        return {
            place: pl.DataFrame(sorted(set(pairs)), schema=CHANGES, orient="row")
            for place, pairs in sorted(found.items())
        }
