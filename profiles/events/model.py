"""What the event log gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from policies.text import Bilingual
from policies.types import Value

# applied        it changed the profiles, in whole or in part
# superseded     all that it says is older than what is known
# contradictory  it cannot be true together with what is known; it changed nothing, a person looks at it
Outcome = Literal["applied", "superseded", "contradictory"]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event that is safe on disk.

    number      its place in the log, ascending without gaps; what `Snapshot.versions` pins as `_events`
    subject     the pseudonym of its subject in `space`
    changed     `space` or `space.collection` -> the names of what changed there
    subjects    (space, pseudonym) of everybody whose profile changed
    superseded  as `changed`: what it says that something newer has overtaken
    reason      why it is contradictory or superseded
    already     it had been stored before, by the same key with the same content
    answer      what was answered to whoever posted it (see `EventLog.answer`)
    """

    number: int
    key: str
    kind: str
    space: str
    subject: str
    occurred_on: date
    outcome: Outcome
    changed: Mapping[str, frozenset[str]]
    subjects: tuple[tuple[str, str], ...]
    already: bool = False
    answer: Mapping[str, object] | None = None
    superseded: Mapping[str, frozenset[str]] = field(default_factory=dict)
    reason: Bilingual | None = None
    received_at: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event that was not taken: the code and text of the first reason, and how often it was posted.

    The event itself is kept sealed; only its digest can be shown.
    """

    code: str
    reason: Bilingual
    digest: str
    first_at: str
    last_at: str
    times: int
    actor: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What an event says of one datum; `name` may be `patches.EXISTENCE`, `item` may be `patches.NO_ITEM`."""

    space: str
    collection: str | None
    source: str
    subject: str
    item: str
    name: str
    value: Value

    @property
    def place(self) -> str:
        """`space`, or `space.collection`."""
        return self.space if self.collection is None else f"{self.space}.{self.collection}"
