"""From announcements to deliveries: by which roads somebody is told. Each announcement is routed once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

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
    """
    announcements = table(tables.Announcement).c
    outside = [name for name in ("email", "sms") if name in channels]
    counts: Counter[str] = Counter()
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
            rows = [(str(id), str(subject)) for id, subject in connection.execute(query)]
        if not rows:
            return dict(counts)
        contacts = contacts_of(sorted({subject for _, subject in rows})) if outside else {}
        counts.update(_route_batch(ledger, rows, contacts, outside))
        last, done = rows[-1][0], done + len(rows)
        if on_progress is not None:
            on_progress(done, max(total, done))


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
            (announcement, subject, channel, _language(contacts.get(subject)))
            for announcement, subject in rows
            for channel in ("page", *_reachable(contacts.get(subject), outside))
        ]
        _insert(connection, made, ledger.now())
        connection.execute(
            update(announcements).where(announcements.c.id == bindparam("_id")).values(routed=True),
            [{"_id": announcement} for announcement, _ in rows],
        )
    return Counter(channel for _, _, channel, _ in made)


def _insert(connection: Connection, made: Sequence[tuple[str, str, str, str]], now: str) -> None:
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


def _reachable(contact: Contact | None, outside: Sequence[str]) -> list[str]:
    if contact is None:
        return []
    wanted = None
    if contact.channels is not None:
        wanted = {name.strip() for name in contact.channels.split(",")}
    address = {"email": contact.email, "sms": contact.phone}
    return [name for name in outside if address[name] and (wanted is None or name in wanted)]


def _language(contact: Contact | None) -> str:
    return "en" if contact is not None and contact.language == "en" else "zh"
