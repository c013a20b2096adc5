"""What a combined notice holds, as the ledger keeps it: enough to say the same words again at any time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from policies.text import Bilingual

COMBINED = "combined"  # the kind of its announcement


@dataclass(frozen=True, slots=True)
class Part:
    """One grant that is told: `amount` in fen (None: a benefit without one), `stage` as in the ledger."""

    announcement: str
    grant: str
    policy: str
    version: str
    unit: str
    period: str
    amount: int | None
    stage: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """A policy of the bundle that is no grant yet: the day it will be one, or the one fact that is missing.

    `facts` are titles, each with the agency that delivers it; any one of them settles it.
    """

    policy: str
    title: Bilingual
    on: date | None = None
    amount: int | None = None
    facts: tuple[tuple[Bilingual, Bilingual | None], ...] = ()


@dataclass(frozen=True, slots=True)
class CombinedNotice:
    """One notice of a bundle. `looked_ahead` is False if the profiles could not be asked what is still to come."""

    bundle: str
    version: str
    event: int
    kind: str
    occurred_on: date
    parts: tuple[Part, ...]
    not_yet: tuple[NotYet, ...] = ()
    looked_ahead: bool = True

    @property
    def coming(self) -> tuple[NotYet, ...]:
        """What only time has to bring."""
        return tuple(one for one in self.not_yet if one.on is not None)

    @property
    def missing(self) -> tuple[NotYet, ...]:
        """What one fact holds up."""
        return tuple(one for one in self.not_yet if one.on is None)

    def to_text(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def combined_from_text(text: str) -> CombinedNotice:
    """Return the notice that `CombinedNotice.to_text` wrote."""
    data = json.loads(text)
    return CombinedNotice(
        data["bundle"],
        data["version"],
        data["event"],
        data["kind"],
        date.fromisoformat(data["occurred_on"]),
        tuple(Part(**one) for one in data["parts"]),
        tuple(_not_yet(one) for one in data["not_yet"]),
        data["looked_ahead"],
    )


def _not_yet(data: Mapping[str, Any]) -> NotYet:
    facts = tuple((Bilingual(**title), Bilingual(**agency) if agency else None) for title, agency in data["facts"])
    on = date.fromisoformat(data["on"]) if data["on"] else None
    return NotYet(data["policy"], Bilingual(**data["title"]), on, data["amount"], facts)
