"""Contacts that come with events: sealed at once, and brought to the vault if nothing newer is known.

The log's file and the vault's cannot be written in one step. So the sealed contact is part of the event's
own transaction, and is brought over after it; what a killed process has left waiting goes at the next opening.
"""

from __future__ import annotations

import sqlite3
from datetime import date

from policies.types import to_day_number
from profiles.catalog_model import Catalog
from profiles.events.checking import CheckedEvent
from profiles.events.statements import subject_named
from profiles.fault_points import fault_point
from profiles.home import Home
from profiles.manifest import read_manifest
from profiles.snapshot import Snapshot, open_snapshot
from profiles.vault import NUMBER_FIELD, Secret, Vault

# (subject, word of the vault)
Told = tuple[str, str]


class EventContacts:
    """The way of contacts from an event to the vault; the caller holds the log's lock."""

    def __init__(self, home: Home, catalog: Catalog, connection: sqlite3.Connection, vault: Vault) -> None:
        self._home, self._catalog, self._connection, self._vault = home, catalog, connection, vault

    def secrets(self, event: CheckedEvent) -> list[tuple[Secret, str]]:
        """Return the contacts of the event and the numbers of newcomers, each with the source that tells it."""
        found: list[tuple[Secret, str]] = []
        for patch in event.kind.patches:
            subject = subject_named(event, patch.of)
            if subject is None:
                continue
            if patch.effect == "register":
                found.append((Secret(subject, NUMBER_FIELD, event.numbers[patch.of]), patch.source))
            for word, name in patch.contacts.items():
                if name in event.contacts:
                    source = self._source_of(patch.space, word)
                    found.append((Secret(subject, word, event.contacts[name]), source))
        return found

    def _source_of(self, space: str, word: str) -> str:
        return next(
            one.id
            for one in self._catalog.sources.values()
            if one.space == space and any(field.contact == word for field in one.fields)
        )

    def overtaken(self, event: CheckedEvent, snapshot: Snapshot) -> frozenset[Told]:
        """Return those contacts of the event of which something newer is known."""
        day = to_day_number(event.occurred_on)
        return frozenset(
            (secret.subject, secret.field)
            for secret, source in self.secrets(event)
            if self._told_later(snapshot, source, secret.subject, day)
            or self._connection.execute(
                "SELECT 1 FROM sealed_patch WHERE subject = ? AND field = ? AND day > ?",
                (secret.subject, secret.field, day),
            ).fetchone()
        )

    def keep(self, number: int, event: CheckedEvent) -> None:
        """Write the contacts of the event `number`, sealed, as part of its transaction."""
        day = to_day_number(event.occurred_on)
        for secret, source in self.secrets(event):
            self._connection.execute(
                "INSERT INTO sealed_patch (event, source, subject, field, day, value) VALUES (?, ?, ?, ?, ?, ?)",
                (number, source, secret.subject, secret.field, day, self._vault.sealed(secret)),
            )

    def deliver(self) -> None:
        """Bring what waits into the vault; what something newer has overtaken stays out."""
        waiting = self._connection.execute(
            "SELECT event, source, subject, field, day, value FROM sealed_patch WHERE in_vault = 0 ORDER BY event"
        ).fetchall()
        if not waiting:
            return
        snapshot = open_snapshot(self._home, self._catalog, date.max)
        for number, source, subject, field, day, value in waiting:
            newer = self._connection.execute(
                "SELECT 1 FROM sealed_patch WHERE subject = ? AND field = ? AND (day, event) > (?, ?)",
                (subject, field, day, number),
            ).fetchone()
            if newer is None and not self._told_later(snapshot, source, subject, day):
                self._vault.put_sealed(subject, field, value)
            fault_point("event-contact-in-vault")
            self._connection.execute(
                "UPDATE sealed_patch SET in_vault = 1 WHERE subject = ? AND field = ? AND day = ? AND event = ?",
                (subject, field, day, number),
            )

    def _told_later(self, snapshot: Snapshot, source: str, subject: str, day: int) -> bool:
        """Return whether an extract of a later day speaks of the subject's contacts."""
        table = snapshot.tables.get(source)
        if table is None or source not in read_manifest(self._home).tables:
            return False
        told = table.stored_day(snapshot.bucket_of(subject), subject)
        return told is not None and to_day_number(told) > day
