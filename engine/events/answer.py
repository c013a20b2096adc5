"""What came of an event: the answer that its sender gets, the first time and every time after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from policies.text import Bilingual


@dataclass(frozen=True, slots=True)
class Granted:
    """One new grant. `amount` is in fen (None: a benefit without one), `stage` as in the ledger."""

    policy: str
    title: Bilingual
    space: str
    subject: str
    unit: str
    period: str
    amount: int | None
    grant: str
    stage: str


@dataclass(frozen=True, slots=True)
class Waits:
    """Somebody qualifies and is not granted yet: `reason` as in `engine.allocating.Reason`."""

    policy: str
    title: Bilingual
    subject: str
    unit: str
    period: str
    reason: str
    detail: str
    amount: int | None


@dataclass(frozen=True, slots=True)
class Unclear:
    """A decision that needs more data: `settled_by` names the fewest facts that could make it a yes."""

    policy: str
    subject: str
    unit: str
    settled_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToLookAt:
    """For a person: an earlier grant that the new data no longer support. Nothing is taken away by itself."""

    policy: str
    subject: str
    unit: str
    period: str
    grant: str
    stage: str


@dataclass(frozen=True, slots=True)
class NotDecided:
    """A policy that the event concerns but that granted nobody by it.

    `code`: `held` (the last run held it), `not-approved`, `retired`, `engines-differ`, `failed`.
    """

    policy: str
    code: str
    reason: Bilingual


@dataclass(frozen=True, slots=True)
class Linked:
    """Others whom the change reaches through a link (the employees of a reclassified employer).

    `decided`: those that the profiles link from both sides were decided with the event. All others are
    decided by the next run of these policies, because the change index names them.
    """

    policies: tuple[str, ...]
    decided: bool
    subjects: int | None


@dataclass(frozen=True, slots=True)
class EventAnswer:
    """What came of one event.

    number       the event in the log
    key          the sender's idempotency key
    outcome      applied, superseded (newer data were known) or contradictory (a person looks at it)
    on           the reference date of the decisions
    run          the id under which grants were recorded; None if nothing had to be recorded
    policies     the policies that were decided
    interpreted  those of them that durable-rules cannot express, decided by the interpreter alone
    superseded   which of the event's data do not count, because newer ones are known (`citizen.dibao`)
    """

    number: int
    key: str
    kind: str
    outcome: str
    occurred_on: date
    on: date
    run: str | None = None
    policies: tuple[str, ...] = ()
    granted: tuple[Granted, ...] = ()
    waiting: tuple[Waits, ...] = ()
    unclear: tuple[Unclear, ...] = ()
    to_look_at: tuple[ToLookAt, ...] = ()
    not_decided: tuple[NotDecided, ...] = ()
    linked: tuple[Linked, ...] = ()
    interpreted: tuple[str, ...] = ()
    superseded: tuple[str, ...] = ()

    @property
    def amount(self) -> int:
        """The sum of what was granted, in fen."""
        return sum(one.amount or 0 for one in self.granted)

    @property
    def needs_a_person(self) -> bool:
        """Whether somebody has to look at something."""
        return self.outcome == "contradictory" or bool(self.to_look_at or self.not_decided)

    def to_json(self) -> dict[str, Any]:
        """Return plain data. Subjects are pseudonyms; nothing in it names a person."""
        return {
            "number": self.number,
            "key": self.key,
            "kind": self.kind,
            "outcome": self.outcome,
            "occurred_on": self.occurred_on.isoformat(),
            "on": self.on.isoformat(),
            "run": self.run,
            "policies": list(self.policies),
            "granted": [_line(one) for one in self.granted],
            "amount": self.amount,
            "waiting": [_line(one) for one in self.waiting],
            "unclear": [_line(one) for one in self.unclear],
            "to_look_at": [_line(one) for one in self.to_look_at],
            "not_decided": [_line(one) for one in self.not_decided],
            "linked": [_line(one) for one in self.linked],
            "interpreted": list(self.interpreted),
            "superseded": list(self.superseded),
        }

    def to_sender(self) -> dict[str, Any]:
        """Return what an agency is told: what follows from its event, without pseudonyms and gaps in data."""
        return {
            "number": self.number,
            "key": self.key,
            "kind": self.kind,
            "outcome": self.outcome,
            "occurred_on": self.occurred_on.isoformat(),
            "on": self.on.isoformat(),
            "granted": [_told(one, ("policy", "title", "period", "amount", "stage")) for one in self.granted],
            "amount": self.amount,
            "waiting": [_told(one, ("policy", "title", "period", "amount", "reason")) for one in self.waiting],
            "not_decided": [_told(one, ("policy", "code", "reason")) for one in self.not_decided],
            "left_to_next_run": sorted({name for one in self.linked if not one.decided for name in one.policies}),
            "superseded": list(self.superseded),
            "needs_a_person": self.needs_a_person,
        }


def answer_from_json(data: Mapping[str, Any]) -> EventAnswer:
    """Return the answer that `EventAnswer.to_json` wrote."""
    return EventAnswer(
        number=data["number"],
        key=data["key"],
        kind=data["kind"],
        outcome=data["outcome"],
        occurred_on=date.fromisoformat(data["occurred_on"]),
        on=date.fromisoformat(data["on"]),
        run=data["run"],
        policies=tuple(data["policies"]),
        granted=tuple(Granted(**_read(one)) for one in data["granted"]),
        waiting=tuple(Waits(**_read(one)) for one in data["waiting"]),
        unclear=tuple(Unclear(**_read(one)) for one in data["unclear"]),
        to_look_at=tuple(ToLookAt(**_read(one)) for one in data["to_look_at"]),
        not_decided=tuple(NotDecided(**_read(one)) for one in data["not_decided"]),
        linked=tuple(Linked(**_read(one)) for one in data["linked"]),
        interpreted=tuple(data["interpreted"]),
        superseded=tuple(data.get("superseded", ())),  # answers of earlier editions do not tell
    )


def _told(one: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _plain(getattr(one, name)) for name in names}


def _line(one: Any) -> dict[str, Any]:
    return {name: _plain(getattr(one, name)) for name in one.__slots__}


def _plain(value: Any) -> Any:
    if isinstance(value, Bilingual):
        return {"zh": value.zh, "en": value.en}
    return list(value) if isinstance(value, tuple) else value


def _read(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _typed(value) for name, value in data.items()}


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return Bilingual(value["zh"], value["en"])
    return tuple(value) if isinstance(value, list) else value
