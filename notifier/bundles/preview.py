"""What the sender of an event sees at once: the combined notice as it would be sent now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from engine.events.answer import EventAnswer
from engine.ledger.opening import Ledger
from notifier.bundles.combined import CombinedNotice, Part
from notifier.bundles.grouping import Group, announced, episode_of, groups_of
from notifier.bundles.texts import opening_text, sms_text, told_parts
from policies.bundles import Bundle
from policies.policy import Policy
from policies.text import Bilingual
from profiles.events.model import StoredEvent


@dataclass(frozen=True, slots=True)
class Preview:
    """One combined notice. `told` is a pseudonym, `count` all that it tells, named or not."""

    bundle: str
    version: str
    title: Bilingual
    told: str
    count: int
    send_on: date
    text: Bilingual
    sms: Bilingual


def previews_of(
    ledger: Ledger,
    answer: EventAnswer,
    stored: StoredEvent,
    bundles: Mapping[str, Bundle],
    policy_of: Callable[[str], Policy],
    signature: str,
) -> list[Preview]:
    """Return the combined notices of what one event granted; empty where nobody was granted several things.

    Runs of the days until `send_on` may add to them.

    Args:
        ledger: where the grants are.
        answer: what came of the event.
        stored: the event in the log.
        bundles: by id.
        policy_of: returns the policy of a version that granted.
        signature: that of the SMS.
    """
    if len(answer.granted) < 2:
        return []
    with ledger.reading() as connection:
        rows = announced(connection, [one.grant for one in answer.granted])
    groups = groups_of(rows, [episode_of(stored)], bundles)
    return [_preview(group, policy_of, signature) for group in groups if len(group.rows) > 1]


def _preview(group: Group, policy_of: Callable[[str], Policy], signature: str) -> Preview:
    parts = tuple(
        Part(one.id, one.grant, one.policy, one.version, one.unit, one.period, one.amount, one.stage)
        for one in group.rows
    )
    bundle, episode = group.bundle, group.episode
    notice = CombinedNotice(bundle.id, bundle.version, episode.number, episode.kind, episode.occurred_on, parts)
    told = told_parts(bundle, notice, policy_of)
    text = Bilingual(opening_text(bundle, told, "zh"), opening_text(bundle, told, "en"))
    sms = Bilingual(sms_text(bundle, told, signature, None, "zh"), sms_text(bundle, told, signature, None, "en"))
    return Preview(bundle.id, bundle.version, bundle.title, group.told, len(parts), group.send_on, text, sms)
