"""The kinds of life events, as a sender has to know them: fields, types and an example of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from notifier.console.speech import Speech
from notifier.console.tables import console, table
from policies.types import Bool, Code, Date, Number, Type
from profiles.catalog_event_model import EventField, EventKind
from profiles.catalog_model import Catalog
from profiles.identity import credit_check_character, resident_check_character

# Well formed, and nobody's: sequence numbers and bodies that no agency has given out.
_CHILD = "99999920261120999" + resident_check_character("99999920261120999")
_NUMBERS = {
    "citizen": "99999919900101999" + resident_check_character("99999919900101999"),
    "enterprise": "91999999MA9999999" + credit_check_character("91999999MA9999999"),
    "household": "H999999999",
}
_CONTACTS = {
    "name": "某某公司",
    "phone": "13800000000",
    "email": "someone@example.com",
    "account": "6222020200000000000",
    "language": "zh",
    "channels": "page",
}


def kinds_as_json(kinds: Sequence[EventKind], catalog: Catalog) -> list[dict[str, Any]]:
    """Return the kinds with fields and examples as plain data."""
    return [
        {
            "kind": one.name,
            "title": {"zh": one.title.zh, "en": one.title.en},
            "agency": {"zh": one.agency.zh, "en": one.agency.en},
            "subject": one.space,
            "data": {
                field.name: {
                    "title": {"zh": field.title.zh, "en": field.title.en},
                    "type": _type_words(field)[1],
                    "required": field.required,
                    "codes": sorted(_codes(field, catalog)),
                }
                for field in one.data.values()
            },
            "example": example_of(one, catalog),
        }
        for one in kinds
    ]


def kind_table(kinds: Sequence[EventKind], catalog: Catalog, say: Speech, *, detailed: bool) -> None:
    """Print the kinds; one kind alone with every field and an example to copy."""
    if detailed:
        for one in kinds:
            _print_kind(one, catalog, say)
        return
    rows = [(one.name, say.of(one.title), say.of(one.agency), one.space, _field_words(one)) for one in kinds]
    heads = (
        say("种类", "kind"), say("名称", "title"), say("报送部门", "agency"), say("主体", "subject"),
        say("数据(*必填)", "data (* required)"),
    )  # fmt: skip
    console.print(table(say("人生事件", "life events"), heads, rows))
    console.print(
        say("字段和例子:mianshen events kinds 种类", "fields and an example: mianshen events kinds KIND"), style="dim"
    )


def _print_kind(kind: EventKind, catalog: Catalog, say: Speech) -> None:
    rows = [
        (
            field.name + ("*" if field.required else ""),
            say.of(field.title),
            say(*_type_words(field)),
            ", ".join(f"{code} {say.of(name)}" for code, name in list(_codes(field, catalog).items())[:12]),
        )
        for field in kind.data.values()
    ]
    heads = (
        say("字段(*必填)", "field (* required)"), say("含义", "meaning"), say("类型", "type"), say("代码", "codes"),
    )  # fmt: skip
    console.print(table(f"{kind.name}  {say.of(kind.title)}", heads, rows))
    console.print(json.dumps(example_of(kind, catalog), ensure_ascii=False), markup=False, soft_wrap=True)


def example_of(kind: EventKind, catalog: Catalog) -> dict[str, Any]:
    """Return an event of this kind with every required field, or one if none is; its numbers are invented."""
    shown = [field for field in kind.data.values() if field.required]
    if not shown and not _says_enough(kind):
        told = {one.given for patch in kind.patches if patch.effect == "set" for one in patch.values}
        told |= {name for patch in kind.patches for name in patch.contacts.values()}
        shown = [field for field in kind.data.values() if field.name in told and field.identity is None][:1]
    return {
        "key": f"{kind.name}-0001",
        "kind": kind.name,
        "subject": _NUMBERS.get(kind.space, "…"),
        "occurred_on": "2026-11-20",
        "data": {field.name: _example_value(field, catalog) for field in shown},
    }


def _says_enough(kind: EventKind) -> bool:
    """Return whether the event changes something by merely having happened."""
    return any(
        patch.effect == "register" or any(one.given is None for one in patch.values)
        for patch in kind.patches
        if patch.of == "subject"
    )


def _example_value(field: EventField, catalog: Catalog) -> object:
    if field.identity is not None:
        return _CHILD if field.name == "child" else _NUMBERS.get(field.identity, "…")
    if field.contact is not None:
        return _CONTACTS.get(field.contact, "…")
    kind = field.type
    if isinstance(kind, Bool):
        return True
    if isinstance(kind, Date):
        return "2026-11-20"
    if isinstance(kind, Number):
        return 1
    if isinstance(kind, Code):
        code_set = catalog.vocabulary.code_sets[kind.code_set]
        return "310115" if kind.code_set == "region" else next(iter(code_set.codes), "…")
    return "A-0001"


def _codes(field: EventField, catalog: Catalog) -> dict[str, Any]:
    if not isinstance(field.type, Code) or field.identity is not None or field.contact is not None:
        return {}
    code_set = catalog.vocabulary.code_sets.get(field.type.code_set)
    return {} if code_set is None or code_set.open else dict(code_set.codes)


def _field_words(kind: EventKind) -> str:
    ordered = sorted(kind.data.values(), key=lambda field: not field.required)
    return " ".join(field.name + ("*" if field.required else "") for field in ordered)


def _type_words(field: EventField) -> tuple[str, str]:
    if field.identity is not None:
        return f"{field.identity} 的证件号", f"identity number ({field.identity})"
    if field.contact is not None:
        return f"联系方式({field.contact})", f"contact ({field.contact})"
    return _kind_words(field.type)


def _kind_words(kind: Type) -> tuple[str, str]:
    if isinstance(kind, Bool):
        return "true 或 false", "true or false"
    if isinstance(kind, Date):
        return "日期", "date"
    if isinstance(kind, Number):
        unit = f" ({kind.unit})" if kind.unit else ""
        return (f"数{unit}", f"number{unit}") if kind.scale else (f"整数{unit}", f"integer{unit}")
    if isinstance(kind, Code):
        return f"代码({kind.code_set})", f"code ({kind.code_set})"
    return "文本", "text"
