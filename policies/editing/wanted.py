"""Which kind of value a place in an expression wants: what fits is offered before what does not.

Nothing is kept back for its kind: a date may be wanted where `years_between(` has not been written yet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from policies.editing.expressions import Seen, Token, open_brackets, type_before, words
from policies.editing.knowledge import OwnNames, OwnParameter
from policies.types import Bool, Code, Date, Number, Type
from policies.vocabulary import Vocabulary

ValueKind = Literal["number", "date", "bool", "code", "text"]

_ONE_DAY: tuple[ValueKind, ...] = ("date",)
_TWO_DAYS: tuple[ValueKind, ...] = ("date", "date")
_DAY_AND_COUNT: tuple[ValueKind, ...] = ("date", "number")
_NUMBERS: tuple[ValueKind, ...] = ("number", "number")
# Function -> what its arguments are, and what it returns; those of parameters and of either kind are left out.
_ARGUMENTS: dict[str, tuple[ValueKind, ...]] = {
    "year": _ONE_DAY, "month": _ONE_DAY, "day": _ONE_DAY, "month_start": _ONE_DAY, "month_end": _ONE_DAY,
    "years_between": _TWO_DAYS, "months_between": _TWO_DAYS, "calendar_months": _TWO_DAYS, "days_between": _TWO_DAYS,
    "add_years": _DAY_AND_COUNT, "add_months": _DAY_AND_COUNT, "add_days": _DAY_AND_COUNT, "value_on": ("number", "date"),
    "round_half_up": _NUMBERS, "round_down": _NUMBERS, "round_up": _NUMBERS, "round_to": _NUMBERS, "yuan": _NUMBERS,
    "within": ("code", "code"), "progressive": _NUMBERS,
}  # fmt: skip
_RESULTS: dict[str, ValueKind] = {
    **dict.fromkeys(("date", "add_years", "add_months", "add_days", "month_start", "month_end"), "date"),
    **dict.fromkeys(("within", "any", "all"), "bool"),
    **dict.fromkeys(
        (
            "year", "month", "day", "years_between", "months_between", "calendar_months", "days_between", "round_half_up",
            "round_down", "round_up", "round_to", "yuan", "progressive", "count", "sum",
        ),
        "number",
    ),
}  # fmt: skip
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_ARITHMETIC = frozenset("+-*/")
_DATE = re.compile(r"[\"']?\d{4}-\d{2}-\d{2}[\"']?")


def kind_of(type: Type | None) -> ValueKind | None:
    """Return the kind of a type; None if it is not known."""
    if type is None:
        return None
    if isinstance(type, Bool):
        return "bool"
    if isinstance(type, Number):
        return "number"
    if isinstance(type, Date):
        return "date"
    return "code" if isinstance(type, Code) else "text"


def kind_of_parameter(parameter: OwnParameter) -> ValueKind | None:
    """Return the kind of a parameter, judged by its newest value as it is written; None without one, and for brackets."""
    if parameter.form == "scale" or not parameter.values:
        return None
    text = parameter.values[-1][1]
    if parameter.form == "table":
        text = text.strip("{}").rpartition(":")[2].strip()
    if text in ("true", "false"):
        return "bool"
    if _DATE.fullmatch(text):
        return "date"
    return "number" if re.fullmatch(r"-?[\d.]+", text) else None


def kind_of_function(name: str) -> ValueKind | None:
    """Return the kind of what a function returns; None if that depends on its arguments."""
    return _RESULTS.get(name)


def kind_wanted(before: str, seen: Seen, own: OwnNames, vocabulary: Vocabulary) -> ValueKind | None:
    """Return the kind of value that is wanted behind the text `before`, which ends where a value may begin; None for any."""
    found = words(before)
    if not found:
        return None
    last = found[-1]
    if last.text in _COMPARISONS:
        return _kind_before(found, len(found) - 1, seen, own, vocabulary)
    if last.text in _ARITHMETIC:
        return "number"
    brackets = open_brackets(found)
    if last.text not in ("(", ",") or not brackets or brackets[-1].mark != "(":
        return None
    top = brackets[-1]
    number = len(top.arguments) - 1
    if top.function == "sum" and number == 1:
        return "number"
    kinds = _ARGUMENTS.get(top.function, ())
    return kinds[number] if number < len(kinds) else None


def _kind_before(
    found: Sequence[Token], end: int, seen: Seen, own: OwnNames, vocabulary: Vocabulary
) -> ValueKind | None:
    """Return the kind of the value that ends before the word number `end`."""
    last = found[end - 1] if end else None
    if last is None:
        return None
    if last.kind == "number":
        return "number"
    if last.kind == "name":
        if last.text in ("on", "period_start", "period_end"):
            return "date"
        parameter = own.parameters.get(last.text)
        return kind_of(type_before(seen, found, end, own, vocabulary)) or (
            kind_of_parameter(parameter) if parameter is not None else None
        )
    if last.text not in (")", "]"):
        return None
    opened = _opening(found, end - 1)
    name = found[opened - 1] if opened else None
    if name is None or name.kind != "name":
        return None
    if last.text == "]":
        parameter = own.parameters.get(name.text)
        return kind_of_parameter(parameter) if parameter is not None else None
    if name.text in ("min", "max", "value_on"):
        return _kind_of_first(found, opened, seen, own, vocabulary)
    return kind_of_function(name.text)


def _kind_of_first(
    found: Sequence[Token], opened: int, seen: Seen, own: OwnNames, vocabulary: Vocabulary
) -> ValueKind | None:
    """Return the kind of the first argument of a call, if it is a name: that of what `min` or `value_on` returns."""
    end = opened + 1
    while end < len(found) and (found[end].kind == "name" or found[end].text == "."):
        end += 1
    return _kind_before(found, end, seen, own, vocabulary) if end > opened + 1 else None


def _opening(found: Sequence[Token], closing: int) -> int:
    """Return the number of the bracket that the bracket number `closing` closes; 0 if there is none."""
    depth = 0
    for position in range(closing, -1, -1):
        text = found[position].text if found[position].kind == "mark" else ""
        depth += (text in (")", "]")) - (text in ("(", "["))
        if depth == 0:
            return position
    return 0
