"""From announcements to deliveries: by which roads somebody is told. Each announcement is routed once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from sqlalchemy import Connection, bindparam, func, select, update

from engine.ledger import tables
from engine.ledger.opening import Ledger, insert_many, table
from profiles.vault import Contact

BATCH = 5_000
# Opens the contacts of many subjects at once; subjects that are missing in the answer have none.
ContactsOf = Callable[[Sequence[str]], Mapping[str, Contact]]


def route(
    ledger: Ledger,
    contacts_of: ContactsOf,
    channels: Collection[str] = ("page",),
    on_progress: Callable[[int, int], None] | None = None,
    combining: Combining | None = None,
) -> dict[str, int]:
    """Turn every announcement that is not routed yet into deliveries; return how many by channel.

    The page always gets one, delivered by being there. E-mail and SMS get one where the channel is among
    `channels`, the person has an address or number, and has not chosen otherwise. Contacts are opened only if
    one of the two is among `channels`.

    Args:
        ledger: holds both.
        contacts_of: opens the vault, logged; called outside transactions.
        channels: names of the configured channels.
        on_progress: called with routed and total.
        combining: tells together what belongs together (`notifier.bundles.combining`); what still waits for
            that stays unrouted. Without it every grant is told by itself.
    """
    announcements = table(tables.Announcement).c
    outside = [name for name in ("email", "sms") if name in channels]
    counts: Counter[str] = Counter()
    waiting: frozenset[str] = frozenset()
    if combining is not None:
        told, waiting = combining.combine(contacts_of if outside else None, outside)
        counts.update(told)
        contacts_of = combining.living(contacts_of)
    with ledger.reading() as connection:
        total = connection.execute(
            select(func.count()).select_from(table(tables.Announcement)).where(announcements.routed.is_(False))
        ).scalar_one()
    done, last = 0, ""
    while True:
        query = (
            select(announcements.id, announcements.subject)
            .where(announcements.id > last, announcements.routed.is_(False))
            .order_by(announcements.id)
            .limit(BATCH)
        )
        with ledger.reading() as connection:
            found = [(str(id), str(subject)) for id, subject in connection.execute(query)]
        if not found:
            return dict(counts)
        last, rows = found[-1][0], [row for row in found if row[0] not in waiting]
        if not rows:
            continue
        contacts = contacts_of(sorted({subject for _, subject in rows})) if outside else {}
        counts.update(_route_batch(ledger, rows, contacts, outside))
        done += len(rows)
        if on_progress is not None:
            on_progress(done, max(total, done))


class Combining(Protocol):
    """What routing needs of `notifier.bundles.combining.Combiner`."""

    def combine(
        self, contacts_of: ContactsOf | None, outside: Sequence[str]
    ) -> tuple[Mapping[str, int], frozenset[str]]:
        """Write the combined notices whose day has come; return the deliveries made by channel, and the ids of
        the announcements that wait for theirs."""

    def living(self, contacts_of: ContactsOf) -> ContactsOf:
        """Return the same without those who have died: nobody writes to them."""


def _route_batch(
    ledger: Ledger, rows: list[tuple[str, str]], contacts: Mapping[str, Contact], outside: Sequence[str]
) -> Counter[str]:
    announcements = table(tables.Announcement)
    with ledger.writing() as connection:
        # Another router may have been faster since the batch was read.
        still = set(
            connection.execute(
                select(announcements.c.id).where(
                    announcements.c.id >= rows[0][0],
                    announcements.c.id <= rows[-1][0],
                    announcements.c.routed.is_(False),
                )
            ).scalars()
        )
        rows = [row for row in rows if row[0] in still]
        if not rows:
            return Counter()
        made = [
            (announcement, subject, channel, language_of(contacts.get(subject)))
            for announcement, subject in rows
            for channel in ("page", *reachable(contacts.get(subject), outside))
        ]
        insert_deliveries(connection, made, ledger.now())
        connection.execute(
            update(announcements).where(announcements.c.id == bindparam("_id")).values(routed=True),
            [{"_id": announcement} for announcement, _ in rows],
        )
    return Counter(channel for _, _, channel, _ in made)


def insert_deliveries(connection: Connection, made: Sequence[tuple[str, str, str, str]], now: str) -> None:
    """Insert deliveries: announcement, subject, channel and language; the page's are delivered by being there."""
    at_once = [channel == "page" for _, _, channel, _ in made]
    insert_many(
        connection,
        tables.Delivery,
        {
            "id": [f"{announcement}:{channel}" for announcement, _, channel, _ in made],
            "announcement": [announcement for announcement, _, _, _ in made],
            "subject": [subject for _, subject, _, _ in made],
            "channel": [channel for _, _, channel, _ in made],
            "state": ["delivered" if page else "created" for page in at_once],
            "attempts": [int(page) for page in at_once],
            "next_attempt_at": [now] * len(made),
            "language": [language for _, _, _, language in made],
            "finished_at": [now if page else None for page in at_once],
        },
    )


def reachable(contact: Contact | None, outside: Sequence[str]) -> list[str]:
    """Return the channels, among `outside`, by which somebody wants to be told and can be."""
    if contact is None:
        return []
    wanted = None
    if contact.channels is not None:
        wanted = {name.strip() for name in contact.channels.split(",")}
    address = {"email": contact.email, "sms": contact.phone}
    return [name for name in outside if address[name] and (wanted is None or name in wanted)]


def language_of(contact: Contact | None) -> str:
    """Return the language of somebody's messages."""
    return "en" if contact is not None and contact.language == "en" else "zh"
