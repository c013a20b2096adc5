"""Sending what is due: claim and commit, call the channel with the key, record and commit.

No transaction is open while a channel is called. Whoever dies between the call and the record leaves a lease;
when it has run out, the next sender calls again with the same key, and the other side sends once.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from sqlalchemy import and_, func, or_, select, update

from engine.ledger import tables
from engine.ledger.opening import Ledger, table
from engine.ledger.times import Clock, to_text
from notifier.bundles.combined import COMBINED
from notifier.channels.channel import Channel, Message, PermanentFailure, TemporaryFailure
from notifier.settings import require_channel
from notifier.templates import Notice, Render
from policies.errors import MianshenError
from policies.text import Language
from profiles.fault_points import fault_point
from profiles.vault import Contact

LEASE = timedelta(minutes=10)
MOST_ATTEMPTS = 8
FEW = 20  # claimed at a time: so few that their lease lasts
_WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 720, 1_440))
_ACTOR = "notifier"


class ContactVault(Protocol):
    """What sending needs of `profiles.vault.Vault`."""

    def contact(self, subject: str, actor: str, purpose: str) -> Contact:
        """Return the contact; the opening is logged first."""


@dataclass(frozen=True, slots=True)
class SendingReport:
    """What came of one round: sent, to be tried again, failed for good."""

    sent: int = 0
    temporary: int = 0
    permanent: int = 0
    by_channel: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Due:
    id: str
    subject: str
    channel: str
    language: Language
    attempts: int
    notice: Notice


@dataclass(frozen=True, slots=True)
class _Outcome:
    state: str
    error: str | None = None
    provider_id: str | None = None
    wait: timedelta | None = None


def send_due(
    ledger: Ledger,
    vault: ContactVault,
    channels: Mapping[str, Channel],
    render: Render,
    clock: Clock | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> SendingReport:
    """Send every delivery whose time has come; return what came of it.

    Several senders may run at once. A temporary failure waits longer each time (1 minute to 1 day, or as long
    as the other side asks) and is permanent after 8 attempts.

    Args:
        ledger: holds the deliveries.
        vault: opens each contact, logged with the actor `notifier` and the delivery as purpose.
        channels: by name, see `notifier.settings.channels_from_environment`.
        render: makes the message, see `notifier.templates.renderer`.
        clock: the present moment; the ledger's if not given.
        on_progress: called with done and total.

    Raises:
        DeliveryError: something is due for a channel that is not configured; nothing was sent.
    """
    now = clock or ledger.clock
    waiting = due(ledger, to_text(now()))
    for name in waiting:
        require_channel(channels, name)
    total, done = sum(waiting.values()), 0
    sender = secrets.token_hex(8)
    tally: dict[str, Counter[str]] = {}
    while claimed := _claim(ledger, sender, now):
        lease_ends = now() + LEASE
        for one in claimed:
            if now() >= lease_ends - LEASE / 2:
                break  # slow channels: the rest is claimed anew, by whoever comes first
            outcome = _attempt(one, vault, require_channel(channels, one.channel), render)
            fault_point("channel-called")
            if _record(ledger, one, sender, outcome, now):
                tally.setdefault(one.channel, Counter())[outcome.state] += 1
            done += 1
            if on_progress is not None:
                on_progress(done, max(total, done))
        else:
            continue
        _give_back(ledger, sender)
    return _report(tally)


def due(ledger: Ledger, now: str) -> dict[str, int]:
    """Return how many deliveries are due at `now` (as the ledger writes times), by channel."""
    columns = table(tables.Delivery).c
    query = select(columns.channel, func.count()).where(_is_due(now)).group_by(columns.channel)
    with ledger.reading() as connection:
        return {str(channel): int(count) for channel, count in connection.execute(query)}


def _is_due(now: str):  # type: ignore[no-untyped-def]
    columns = table(tables.Delivery).c
    return or_(
        and_(columns.state.in_(("created", "temporary-failure")), columns.next_attempt_at <= now),
        and_(columns.state == "sending", columns.leased_until <= now),
    )


def _claim(ledger: Ledger, sender: str, clock: Clock) -> list[_Due]:
    deliveries, announcements = table(tables.Delivery), table(tables.Announcement)
    moment = clock()
    query = (
        select(
            deliveries.c.id, deliveries.c.subject, deliveries.c.channel, deliveries.c.language,
            deliveries.c.attempts, announcements.c.policy, announcements.c.version, announcements.c.data,
            announcements.c.kind,
        )
        .join(announcements, announcements.c.id == deliveries.c.announcement)
        .where(_is_due(to_text(moment)))
        .order_by(deliveries.c.next_attempt_at, deliveries.c.id)
        .limit(FEW)
    )  # fmt: skip
    with ledger.writing() as connection:
        rows = connection.execute(query).all()
        if rows:
            connection.execute(
                update(deliveries)
                .where(deliveries.c.id.in_([row.id for row in rows]))
                .values(
                    state="sending",
                    leased_by=sender,
                    leased_until=to_text(moment + LEASE),
                    attempts=deliveries.c.attempts + 1,
                )
            )
    claimed = []
    for row in rows:
        data = json.loads(row.data)
        combined = row.data if row.kind == COMBINED else None
        notice = Notice(row.policy, row.version, data.get("amount"), str(data.get("period", "")), combined)
        language: Language = "en" if row.language == "en" else "zh"
        claimed.append(_Due(row.id, row.subject, row.channel, language, row.attempts + 1, notice))
    return claimed


def _attempt(one: _Due, vault: ContactVault, channel: Channel, render: Render) -> _Outcome:
    try:
        contact = vault.contact(one.subject, _ACTOR, f"delivery {one.id}")
        message: Message = render(one.notice, one.channel, contact, one.language)
        if one.channel != "page" and not message.to:
            return _Outcome("permanent-failure", "no-address")
        return _Outcome("sent", provider_id=channel.send(message, one.id))
    except PermanentFailure as failure:
        return _Outcome("permanent-failure", failure.code)
    except TemporaryFailure as failure:
        if one.attempts >= MOST_ATTEMPTS:
            return _Outcome("permanent-failure", failure.code)
        wait = _WAITS[min(one.attempts, len(_WAITS)) - 1]
        if failure.retry_after is not None:
            wait = min(max(wait, timedelta(seconds=failure.retry_after)), _WAITS[-1])
        return _Outcome("temporary-failure", failure.code, wait=wait)
    except MianshenError as problem:
        # A vault entry or a policy text that cannot be read, or a setting: it can be put right, and then goes.
        if one.attempts >= MOST_ATTEMPTS:
            return _Outcome("permanent-failure", problem.diagnostics[0].code)
        wait = _WAITS[min(one.attempts, len(_WAITS)) - 1]
        return _Outcome("temporary-failure", problem.diagnostics[0].code, wait=wait)


def _record(ledger: Ledger, one: _Due, sender: str, outcome: _Outcome, clock: Clock) -> bool:
    """Write what happened; False if the lease had run out and another sender has it now."""
    deliveries = table(tables.Delivery)
    moment = clock()
    values: dict[str, object] = {"state": outcome.state, "error": outcome.error, "leased_until": None}
    values["leased_by"] = None
    if outcome.wait is not None:
        values["next_attempt_at"] = to_text(moment + outcome.wait)
    else:
        values["finished_at"] = to_text(moment)
    if outcome.provider_id is not None:
        values["provider_id"] = outcome.provider_id
    with ledger.writing() as connection:
        changed = connection.execute(
            update(deliveries)
            .where(deliveries.c.id == one.id, deliveries.c.leased_by == sender, deliveries.c.state == "sending")
            .values(values)
        ).rowcount
    return changed == 1


def _give_back(ledger: Ledger, sender: str) -> None:
    """Let go of what was claimed and not called: it is due at once, and was no attempt."""
    deliveries = table(tables.Delivery)
    with ledger.writing() as connection:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.leased_by == sender, deliveries.c.state == "sending")
            .values(state="created", leased_by=None, leased_until=None, attempts=deliveries.c.attempts - 1)
        )


def _report(tally: Mapping[str, Counter[str]]) -> SendingReport:
    total: Counter[str] = Counter()
    for states in tally.values():
        total.update(states)
    return SendingReport(
        total["sent"],
        total["temporary-failure"],
        total["permanent-failure"],
        {channel: dict(states) for channel, states in sorted(tally.items())},
    )
