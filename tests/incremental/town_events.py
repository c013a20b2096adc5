"""Kinds of life events for the changing town."""

from __future__ import annotations

import random
from datetime import date, timedelta

from policies.text import Bilingual
from policies.types import Bool, Code, Number, Text, Type
from profiles.catalog_event_model import OCCURRED_ON, SUBJECT, EventField, EventKind, EventPatch, PatchValue
from tests.profiles.small_town import MONEY, citizen_number, credit_code

Event = dict[str, object]


def _both(text: str) -> Bilingual:
    return Bilingual(text, text)


def _kind(name: str, space: str, data: dict[str, EventField], *patches: EventPatch) -> EventKind:
    return EventKind(name, _both(name), _both("agency"), space, data, patches)


def _field(name: str, type_: Type, **more: object) -> EventField:
    return EventField(name, _both(name), type_, **more)  # type: ignore[arg-type]


def kinds() -> dict[str, EventKind]:
    """Return what happens in the town: data are set, somebody is born, hired, and leaves."""
    welfare = (PatchValue("dibao", "welfare", given="dibao"), PatchValue("income", "welfare", given="income"))
    hire = (PatchValue("insured_months", "hires", given="months"), PatchValue("person", "hires", given="person"))
    made = [
        _kind(
            "registered",
            "citizen",
            {"sex": _field("sex", Code("sex"))},
            EventPatch("set", SUBJECT, "citizen", values=(PatchValue("sex", "population", given="sex"),)),
        ),
        _kind(
            "support",
            "citizen",
            {"dibao": _field("dibao", Bool()), "income": _field("income", MONEY)},
            EventPatch("set", SUBJECT, "citizen", values=welfare),
        ),
        _kind(
            "birth",
            "citizen",
            {"child": _field("child", Text(), identity="citizen", required=True)},
            EventPatch(
                "register",
                "child",
                "citizen",
                "population",
                values=(
                    PatchValue("birth_date", "population", given=OCCURRED_ON),
                    PatchValue("guardian", "population", given=SUBJECT),
                ),
            ),
        ),
        _kind(
            "hired",
            "enterprise",
            {
                "number": _field("number", Text(), required=True),
                "person": _field("person", Text(), identity="citizen"),
                "months": _field("months", Number(0, "months", 0, 600)),
            },
            EventPatch("add", SUBJECT, "enterprise", "hires", "hires", item="number", values=hire),
        ),
        _kind(
            "left",
            "enterprise",
            {"number": _field("number", Text(), required=True)},
            EventPatch("remove", SUBJECT, "enterprise", "hires", "hires", item="number"),
        ),
        _kind(
            "sized",
            "enterprise",
            {"size": _field("size", Code("size_class"))},
            EventPatch("set", SUBJECT, "enterprise", values=(PatchValue("size_class", "firms", given="size"),)),
        ),
    ]
    return {one.name: one for one in made}


def event_of(name: str, number: int, seed: int, today: date) -> Event:
    """Return an event of a kind, by chance, of the last days."""
    chance = random.Random(seed)
    day = today - timedelta(days=chance.choice([0, 0, 1, 5, 30]))
    subject = citizen_number(number)
    data: Event = {}
    if name == "registered":
        data = {"sex": chance.choice(["1", "2"])}
    elif name == "support":
        data = {"dibao": chance.choice([True, False]), "income": chance.choice(["100.00", "800.00", "1050.00"])}
    elif name == "birth":
        data = {"child": citizen_number(500 + seed % 400, day)}
    else:
        subject = credit_code(number % 4)
        if name == "sized":
            data = {"size": chance.choice(["S", "M"])}
        else:
            data = {"number": f"e{chance.randrange(3)}"}
            if name == "hired":
                data |= {"person": citizen_number(chance.randrange(40)), "months": chance.choice([1, 5, 9])}
    key = f"{name}-{number}-{seed}-{today}"
    return {"key": key, "kind": name, "subject": subject, "occurred_on": day.isoformat(), "data": data}
