"""Rows of the event table and what they stand for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from policies.text import Bilingual
from profiles.events.model import StoredEvent

CHANGES = {"subject": pl.String, "name": pl.String}


def to_json(changed: Mapping[str, frozenset[str]]) -> str:
    """Return places and names as the text that is stored."""
    return json.dumps({place: sorted(names) for place, names in sorted(changed.items())})


def event_of_row(row: Sequence[object], *, already: bool = False) -> StoredEvent:
    """Return the event of a row of the columns `log._COLUMNS`."""
    number, key, kind, space, subject, occurred_on, received_at, actor, outcome, changed, superseded, *rest = row
    subjects, reason, answer = rest
    return StoredEvent(
        number=int(str(number)),
        key=str(key),
        kind=str(kind),
        space=str(space),
        subject=str(subject),
        occurred_on=date.fromisoformat(str(occurred_on)),
        outcome=outcome,  # type: ignore[arg-type]
        changed=_names(changed),
        subjects=tuple((one[0], one[1]) for one in json.loads(str(subjects))),
        already=already,
        answer=None if answer is None else json.loads(str(answer)),
        superseded=_names(superseded),
        reason=None if reason is None else Bilingual(*json.loads(str(reason))),
        received_at=str(received_at),
        actor=str(actor),
    )


def _names(text: object) -> dict[str, frozenset[str]]:
    return {place: frozenset(names) for place, names in json.loads(str(text)).items()}
