"""What an event has brought to one person, as one story: the event, what was granted, what comes, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from engine.installation import Installation
from engine.ledger import tables
from engine.ledger.opening import Ledger, table
from engine.settling_beside_events import EVENT_RUN
from notifier.bundles.combined import NotYet
from notifier.bundles.combining import Combiner, combined_id, combiner_of, has_events
from notifier.bundles.grouping import Announced, Episode, Group, announced, episode_of, groups_of
from notifier.deliveries import notices_of
from policies.bundles import Bundle
from policies.text import Bilingual
from profiles.events.log import EventLog

_SHOWN = timedelta(days=800)  # older events without a grant are no story any more
_MOST = 50
_WAITING = ("matched", "awaiting-consent", "hinted")


@dataclass(frozen=True, slots=True)
class StoryGrant:
    """One grant of a story; `amount` in fen, `stage` as in the ledger."""

    grant: str
    policy: str
    version: str
    because: Bilingual
    period: str
    amount: int | None
    stage: str
    on: date


@dataclass(frozen=True, slots=True)
class Story:
    """One event and one bundle for one person.

    told_on   the day of the combined notice; None if there was none (yet)
    send_on   the day from which it is sent, if several things are granted by then
    """

    bundle: str
    title: Bilingual
    event: Bilingual
    number: int
    occurred_on: date
    send_on: date
    told_on: date | None
    is_quiet: bool
    grants: tuple[StoryGrant, ...]
    coming: tuple[NotYet, ...]
    missing: tuple[NotYet, ...]
    next: Bilingual
    to_do: Bilingual | None

    @property
    def total(self) -> int | None:
        """The sum of the amounts in fen; None if nothing granted has one."""
        amounts = [one.amount for one in self.grants if one.amount is not None]
        return sum(amounts) if amounts else None

    @property
    def waits_for_somebody(self) -> bool:
        """Whether any of it is not settled without the receiver."""
        return any(one.stage in _WAITING for one in self.grants)


def stories_of(installation: Installation, subject: str, on: date) -> list[Story]:
    """Return the stories of who is told, the newest event first, as they stand on the day `on`.

    Raises StoreError if the event log or the profiles cannot be read.
    """
    if not has_events(installation):
        return []
    with EventLog(installation.home, installation.catalog) as log:
        combiner = combiner_of(installation, log)
        grants = [one.grant for one in notices_of(installation.ledger, subject) if one.grant is not None]
        with installation.ledger.reading() as connection:
            rows = announced(connection, grants)
        episodes = list(_episodes(log, subject, rows, combiner.bundles.values(), on))
        groups = [one for one in groups_of(rows, episodes, combiner.bundles) if one.told == subject]
        groups += _without_grants(groups, episodes, combiner.bundles, subject, on)
        told = _told_on(installation.ledger, groups)
        titles = {name: kind.title for name, kind in installation.catalog.events.items()}
        stories = [_story(combiner, group, titles[group.episode.kind], told, on) for group in groups]
    found = [one for one in stories if one.grants or one.coming or one.missing]
    return sorted(found, key=lambda one: (-one.occurred_on.toordinal(), -one.number, one.bundle))


def _episodes(
    log: EventLog, subject: str, rows: Sequence[Announced], bundles: Iterable[Bundle], on: date
) -> Iterable[Episode]:
    """The events of the person and of those whose grants they are told of, and those that granted something."""
    kinds = frozenset(kind for bundle in bundles for kind in bundle.events)
    stored = [one for each in {subject, *(row.subject for row in rows)} for one in log.events(_MOST, subject=each)]
    numbers = {int(row.run.removeprefix(EVENT_RUN)[:9]) for row in rows if row.run.startswith(EVENT_RUN)}
    stored += [one for one in map(log.event, sorted(numbers - {one.number for one in stored})) if one is not None]
    found = {one.number: episode_of(one) for one in stored if one.kind in kinds and one.outcome != "contradictory"}
    return (found[number] for number in sorted(found))


def _without_grants(
    groups: Sequence[Group], episodes: Sequence[Episode], bundles: Mapping[str, Bundle], subject: str, on: date
) -> list[Group]:
    """Events of the person that have brought nothing yet: what is to come, or is missing, is their story."""
    known = {(group.episode.number, group.bundle.id) for group in groups}
    return [
        Group(bundle, episode, subject, ())
        for episode in episodes
        for bundle in bundles.values()
        if episode.subject == subject
        and episode.kind in bundle.events
        and (episode.number, bundle.id) not in known
        and episode.recorded_on >= on - _SHOWN
    ]


def _told_on(ledger: Ledger, groups: Sequence[Group]) -> dict[str, date]:
    announcements = table(tables.Announcement).c
    query = select(announcements.id, announcements.on).where(announcements.id.in_([combined_id(one) for one in groups]))
    with ledger.reading() as connection:
        return {str(id): date.fromisoformat(day) for id, day in connection.execute(query)}


def _story(combiner: Combiner, group: Group, event: Bilingual, told: Mapping[str, date], on: date) -> Story:
    bundle, episode = group.bundle, group.episode
    not_yet = combiner.not_yet(group, group.rows, on, with_private=True)[0]
    grants = tuple(
        StoryGrant(
            one.grant, one.policy, one.version, bundle.line_of(one.policy).because, one.period, one.amount,
            one.stage, one.on,
        )
        for one in group.rows
    )  # fmt: skip
    return Story(
        bundle.id, bundle.title, event, episode.number, episode.occurred_on, group.send_on,
        told.get(combined_id(group)), bundle.is_quiet, grants,
        tuple(one for one in not_yet if one.on is not None), tuple(one for one in not_yet if one.on is None),
        bundle.next, bundle.to_do,
    )  # fmt: skip
