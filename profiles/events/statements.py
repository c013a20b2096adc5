"""What a checked event says, datum by datum, as its kind's patches declare it."""

from __future__ import annotations

from policies.types import Value, to_day_number
from profiles.catalog_event_model import OCCURRED_ON, SUBJECT, EventPatch, PatchValue
from profiles.events.checking import CheckedEvent
from profiles.events.model import Statement
from profiles.events.patches import EXISTENCE, NO_ITEM
from profiles.identity import item_pseudonym

_NOT_GIVEN = object()


def statements_of(event: CheckedEvent, key: bytes) -> list[Statement]:
    """Return what `event` says, register entries first; patches whose data are not given say nothing."""
    found: list[Statement] = []
    for patch in event.kind.patches:
        subject = subject_named(event, patch.of)
        if subject is None:
            continue
        if patch.effect in ("add", "remove"):
            found += _item(event, patch, subject, key)
            continue
        if patch.effect == "register":
            found.append(Statement(patch.space, None, patch.source, subject, NO_ITEM, EXISTENCE, 1))
        for value in patch.values:
            given = _value(event, value)
            if given is not _NOT_GIVEN:
                found.append(Statement(patch.space, None, value.source, subject, NO_ITEM, value.name, given))  # type: ignore[arg-type]
    return found


def subject_named(event: CheckedEvent, name: str) -> str | None:
    """Return the pseudonym of `subject` or of the subject in a data field; None if it is not given."""
    if name == SUBJECT:
        return event.subject
    given = event.values.get(name)
    return None if given is None else str(given)


def _value(event: CheckedEvent, value: PatchValue) -> Value | object:
    if value.given is None:
        return value.constant
    if value.given == OCCURRED_ON:
        return to_day_number(event.occurred_on)
    if value.given == SUBJECT:
        return event.subject
    return event.values.get(value.given, _NOT_GIVEN)


def _item(event: CheckedEvent, patch: EventPatch, subject: str, key: bytes) -> list[Statement]:
    member = subject_named(event, patch.member) if patch.member is not None else None
    text = member if patch.member is not None else event.values.get(patch.item or "")
    if text is None:
        return []
    item = item_pseudonym(key, patch.source, str(text))

    def said(name: str, value: Value) -> Statement:
        return Statement(patch.space, patch.collection, patch.source, subject, item, name, value)

    if patch.effect == "remove":
        return [said(EXISTENCE, 0)]
    found = [said(EXISTENCE, 1)]
    if member is not None:
        found.append(said("member", member))
    for value in patch.values:
        given = _value(event, value)
        if given is not _NOT_GIVEN:
            found.append(said(value.name, given))  # type: ignore[arg-type]
    return found
