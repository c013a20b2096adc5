"""Writing combined notices: one transaction each, which also marks what it tells as told.

The rule of time. A combined notice is sent on the day `recorded + within_days` of its bundle, or with the first
sending after that, and names what was granted by then; until that day the grants wait and are seen on the page.
A single grant is told by its policy's own notice, and so is what is granted after the combined notice. Killed
before the commit, nothing was written; after it, nothing is left to write: the notice's id is derived from the
bundle, the event and the person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256

from sqlalchemy import Connection, bindparam, func, insert, select, update

from engine.installation import Installation
from engine.ledger import audit, tables
from engine.ledger.opening import Ledger, table
from engine.reference_day import ZONE
from notifier.ahead import ahead_of
from notifier.bundles.combined import COMBINED, CombinedNotice, NotYet, Part
from notifier.bundles.grouping import Announced, Group, announced_for, episodes_since, groups_of
from notifier.bundles.shelf import bundles_of, ends_life, keep_version
from notifier.routing import ContactsOf, insert_deliveries, language_of, reachable
from policies.bundles import Bundle
from policies.errors import MianshenError
from profiles.events.log import EventLog
from profiles.events.patches import event_database
from profiles.fault_points import fault_point
from profiles.vault import Contact

_ACTOR = "notifier"
# Looks what lies ahead of a subject on a day, for these policies (`notifier.ahead.ahead_of`).
LooksAhead = Callable[[str, date, frozenset[str]], Sequence[NotYet]]


@dataclass(frozen=True, slots=True)
class Combiner:
    """Combines what the events of one installation bring.

    bundles     by id
    gone        the pseudonyms of those who have died by an event
    """

    ledger: Ledger
    log: EventLog
    bundles: Mapping[str, Bundle]
    gone: frozenset[str]
    looks_ahead: LooksAhead

    def combine(
        self, contacts_of: ContactsOf | None, outside: Sequence[str]
    ) -> tuple[Mapping[str, int], frozenset[str]]:
        """Write the notices whose day has come; return the deliveries made and the announcements that wait."""
        counts: Counter[str] = Counter()
        waiting: set[str] = set()
        today = self.ledger.clock().astimezone(ZONE).date()
        for group in self.groups():
            fresh = tuple(one for one in group.rows if not one.is_routed)
            if not fresh or self._is_told(group):
                continue
            if today < group.send_on:
                waiting.update(one.id for one in fresh)
            elif len(fresh) > 1:
                contact = self._contact(group.told, contacts_of)
                counts.update(self._write(group, fresh, contact, outside, today))
        return counts, frozenset(waiting)

    def groups(self) -> list[Group]:
        """Return what belongs together of what is not told yet, with what was told of the same events."""
        since = self._since()
        if since is None:
            return []
        kinds = frozenset(kind for bundle in self.bundles.values() for kind in bundle.events)
        episodes = episodes_since(self.log, kinds, since)
        rows = announced_for(self.ledger, episodes, self.bundles.values())
        return groups_of(rows, episodes, self.bundles)

    def _since(self) -> date | None:
        """Return the day before which no event can matter any more; None if nothing waits to be told."""
        names = sorted({name for bundle in self.bundles.values() for name in bundle.names})
        announcements = table(tables.Announcement).c
        query = select(func.min(announcements.on)).where(
            announcements.routed.is_(False), announcements.policy.in_(names)
        )
        with self.ledger.reading() as connection:
            oldest = connection.execute(query).scalar()
        if oldest is None:
            return None
        longest = max(bundle.within_days for bundle in self.bundles.values())
        return date.fromisoformat(str(oldest)) - timedelta(days=longest + 1)

    def living(self, contacts_of: ContactsOf) -> ContactsOf:
        """Return the same without those who have died."""

        def contacts(subjects: Sequence[str]) -> Mapping[str, Contact]:
            return contacts_of([one for one in subjects if one not in self.gone])

        return contacts

    def notice_of(self, group: Group, rows: Sequence[Announced], today: date) -> CombinedNotice:
        """Return the notice of a group, with what is still to come for those it is about."""
        not_yet, looked_ahead = self.not_yet(group, rows, today)
        parts = tuple(
            Part(one.id, one.grant, one.policy, one.version, one.unit, one.period, one.amount, one.stage)
            for one in rows
        )
        bundle, episode = group.bundle, group.episode
        return CombinedNotice(
            bundle.id, bundle.version, episode.number, episode.kind, episode.occurred_on, parts, not_yet, looked_ahead
        )

    def not_yet(
        self, group: Group, rows: Sequence[Announced], on: date, *, with_private: bool = False
    ) -> tuple[tuple[NotYet, ...], bool]:
        """Return what of the bundle is no grant yet for those it is about, and whether the profiles could be asked.

        `with_private` is for the person's own page: a notice does not name what is private.
        """
        wanted = group.bundle.names - {one.policy for one in rows}
        if not with_private:
            wanted -= {one.policy for one in group.bundle.policies if one.is_private}
        subjects = sorted({group.told, *(one.subject for one in rows)} - self.gone)
        try:
            found = [one for subject in subjects for one in self.looks_ahead(subject, on, wanted)]
        except MianshenError:
            return (), False  # the profiles are being changed: the grants are told, the page shows the rest
        places = {one.policy: number for number, one in enumerate(group.bundle.policies)}
        return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.on is None, places[one.policy]))), True

    def _contact(self, told: str, contacts_of: ContactsOf | None) -> Contact | None:
        if contacts_of is None or told in self.gone:
            return None
        return contacts_of([told]).get(told)

    def _is_told(self, group: Group) -> bool:
        announcements = table(tables.Announcement)
        query = select(announcements.c.id).where(announcements.c.id == combined_id(group))
        with self.ledger.reading() as connection:
            return connection.execute(query).first() is not None

    def _write(
        self, group: Group, rows: Sequence[Announced], contact: Contact | None, outside: Sequence[str], today: date
    ) -> Counter[str]:
        notice = self.notice_of(group, rows, today)
        id, language = combined_id(group), language_of(contact)
        fault_point("combined-made")
        with self.ledger.writing() as connection:
            if not _still_untold(connection, id, [one.id for one in rows]):
                return Counter()  # another sender was faster, and told some of it; the rest is looked at again
            keep_version(connection, self.ledger, group.bundle, _ACTOR)
            _announce(connection, id, group, notice, rows, today)
            made = [(one.id, group.told, "page", language) for one in rows]
            made += [(id, group.told, channel, language) for channel in ("page", *reachable(contact, outside))]
            insert_deliveries(connection, made, self.ledger.now())
            fault_point("combined-inserted")
            detail = {
                "announcement": id, "bundle": group.bundle.id, "version": group.bundle.version,
                "event": group.episode.run, "grants": [one.grant for one in rows],
            }  # fmt: skip
            audit.append(connection, at=self.ledger.now(), actor=_ACTOR, action="notice-combined", detail=detail)
            fault_point("combined-before-commit")
        fault_point("combined-written")
        return Counter(channel for _, _, channel, _ in made)


def combiner_of(installation: Installation, log: EventLog) -> Combiner:
    """Return the combiner of an installation; bundle files with mistakes combine nothing."""

    def looks_ahead(subject: str, on: date, policies: frozenset[str]) -> list[NotYet]:
        return [
            NotYet(
                one.policy,
                one.title,
                one.coming.on if one.coming else None,
                one.coming.amount if one.coming else None,
                tuple((fact.title, fact.agency) for fact in one.missing),
            )
            for one in ahead_of(installation, subject, on, policies)
        ]

    endings = [name for name, kind in installation.catalog.events.items() if ends_life(kind)]
    return Combiner(installation.ledger, log, bundles_of(installation).bundles, log.subjects_of(endings), looks_ahead)


def has_events(installation: Installation) -> bool:
    """Return whether the installation has ever taken an event."""
    return event_database(installation.home).exists()


def combined_id(group: Group) -> str:
    """Return the id of a group's combined announcement: the same whoever writes it, and when."""
    key = "\x1f".join((group.bundle.id, group.episode.run, group.told))
    return f"{group.told[:20]}{sha256(key.encode()).hexdigest()[:12]}-{COMBINED}"


def _still_untold(connection: Connection, id: str, parts: Sequence[str]) -> bool:
    announcements = table(tables.Announcement)
    if connection.execute(select(announcements.c.id).where(announcements.c.id == id)).first():
        return False
    query = select(announcements.c.id).where(announcements.c.id.in_(parts), announcements.c.routed.is_(False))
    return len(connection.execute(query).all()) == len(parts)


def _announce(
    connection: Connection, id: str, group: Group, notice: CombinedNotice, rows: Sequence[Announced], today: date
) -> None:
    announcements = table(tables.Announcement)
    connection.execute(
        insert(announcements).values(
            id=id, subject=group.told, space=rows[0].space, grant=None, policy=group.bundle.id,
            version=group.bundle.version, kind=COMBINED, data=notice.to_text(), on=today.isoformat(), routed=True,
        )
    )  # fmt: skip
    connection.execute(
        update(announcements).where(announcements.c.id == bindparam("_id")).values(routed=True),
        [{"_id": one.id} for one in rows],
    )
