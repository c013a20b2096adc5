"""From pydantic's findings to diagnostics with a line, a column and a suggestion."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches
from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from policies.document import Document, Located, Mapping, Scalar, to_plain
from policies.document_errors import shortened
from policies.errors import Diagnostic, PolicyError
from policies.foreign_signs import foreign_sign, number_remedy
from policies.model import PolicyShape, Shape
from policies.text import Bilingual

_DATE_LIKE = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
Model = TypeVar("Model", bound=Shape)


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` most probably stands for, or None."""
    by_lower_case = {one.lower(): one for one in known}
    found = get_close_matches(name.lower(), list(by_lower_case), n=1, cutoff=0.6)
    return by_lower_case[found[0]] if found else None


def read_shape(document: Document) -> PolicyShape:
    """Return the rule file's content in its shape. Raises PolicyError with every finding."""
    return read_as(document, PolicyShape)


def read_as(document: Document, model: type[Model]) -> Model:
    """Return a file's content in the shape of `model`. Raises PolicyError with every finding."""
    plain = to_plain(document.root)
    if not isinstance(plain, dict):
        raise PolicyError.of(
            "wrong-type",
            "文件应由键和值组成",
            "the file is made of keys and values",
            help_zh="从 `{}:` 和 `{}:` 开始写".format(*list(model.model_fields)[:2]),
            help_en="begin with `{}:` and `{}:`".format(*list(model.model_fields)[:2]),
            place=document.root.place,
        )
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        details = error.errors(include_url=False)
        misspelt = {
            (detail["loc"][:-1], did_you_mean(str(detail["loc"][-1]), _known_keys(detail["loc"], model)))
            for detail in details
            if detail["type"] == "extra_forbidden"
        }
        found: dict[tuple[object, ...], Diagnostic] = {}
        for detail in details:
            if detail["type"] == "missing" and (detail["loc"][:-1], detail["loc"][-1]) in misspelt:
                continue  # the misspelt key says it all
            diagnostic = _diagnostic(detail, document, model)
            found.setdefault((diagnostic.place, diagnostic.code, diagnostic.message), diagnostic)
        ordered = sorted(found.values(), key=lambda one: (one.place.line or 0, one.place.column or 0))
        raise PolicyError(ordered) from None


def _walk(document: Document, location: tuple[int | str, ...], model: type[Shape]) -> tuple[Located, list[object]]:
    """Follow pydantic's location as far as the document goes; return where it ends and the path there.

    Pydantic writes dates as text, marks keys with `[key]` and inserts the names of alternatives.
    """
    here: Located = document.root
    path: list[object] = []
    is_alternative = False
    for part in location:
        if is_alternative:
            is_alternative = False
            continue
        if isinstance(here, Mapping):
            key = next((k.value for k, _ in here.entries if k.value == part or k.text == str(part)), None)
            entry = here.entry(key)
            if entry is None:
                continue
            path.append(key)
            here = entry[1]
        elif isinstance(part, int) and not isinstance(here, Scalar) and part < len(here.items):
            path.append(part)
            here = here.items[part]
        else:
            continue
        is_alternative = model is PolicyShape and _has_alternatives(path)
    return here, path


def _has_alternatives(path: list[object]) -> bool:
    """Return whether what stands at `path` has several forms, whose name pydantic puts next."""
    if path[0] == "eligibility":
        return len(path) == 1 or isinstance(path[-1], int)
    return len(path) == 2 and path[0] in ("parameters", "definitions")


def _diagnostic(detail: ErrorDetails, document: Document, model: type[Shape]) -> Diagnostic:
    kind, location = detail["type"], detail["loc"]
    here, path = _walk(document, location, model)
    last = str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        parent = path[:-1]
        return Diagnostic(
            "unknown-key",
            Bilingual(f"未知的键 `{shortened(last)}`", f"unknown key `{shortened(last)}`"),
            _key_help(last, _known_keys(location, model)),
            document.key_place([*parent, path[-1]]),  # type: ignore[list-item]
        )
    if kind == "missing":
        where = _named(path) if path else None
        return Diagnostic(
            "missing-key",
            Bilingual(
                f"{where} 缺少键 `{last}`" if where else f"缺少键 `{last}`",
                f"{where} lacks the key `{last}`" if where else f"the key `{last}` is missing",
            ),
            Bilingual(f"在此处补上 `{last}:`", f"add `{last}:` here"),
            here.place,
        )
    if last == "[key]":
        key = location[-2]
        place = document.key_place(path)  # type: ignore[arg-type]
        return _wrong(f"键 `{key}` ", f"the key `{key}` ", detail, place)
    subject_zh, subject_en = (_named(path), _named(path)) if path else ("规则文件", "the rule file")
    return _wrong(f"{subject_zh} ", f"{subject_en} ", detail, here.place)


def _named(path: list[object]) -> str:
    """Return what stands at a path as messages name it: its key, and for one of a list its number too."""
    if not isinstance(path[-1], int):
        return f"`{path[-1]}`"
    return f"`{path[-2]}` [{path[-1]}]" if len(path) > 1 else f"[{path[-1]}]"


_EXPECTED = {
    "string_type": ("应为文字", "must be a text"),
    "date_type": ("应为日期", "must be a date"),
    "date_from_datetime_parsing": ("应为日期", "must be a date"),
    "int_type": ("应为整数", "must be an integer"),
    "list_type": ("应为列表", "must be a list"),
    "dict_type": ("应由键和值组成", "must be made of keys and values"),
    "model_type": ("应由键和值组成", "must be made of keys and values"),
    "model_attributes_type": ("应由键和值组成", "must be made of keys and values"),
    "expression": ("应为表达式", "must be an expression"),
    "number": ("应为数字", "must be a number"),
    "share": ("应为份额", "must be a share"),
    "code_or_integer": ("应为代码或整数", "must be a code or an integer"),
    "string_too_short": ("不能为空", "must not be empty"),
    "string_too_long": ("过长", "is too long"),
    "too_short": ("不能为空", "must not be empty"),
    "greater_than_equal": ("太小", "is too small"),
    "less_than_equal": ("太大", "is too large"),
}
_REMEDIES = {
    "string_type": ("给它加上引号", "put quotes around it"),
    "date_type": ("写成 2026-05-20，不加引号", "write it as 2026-05-20, without quotes"),
    "list_type": ("用方括号或以 `- ` 开头的行", "use square brackets, or lines that begin with `- `"),
    "expression": (
        "写一个表达式，例如 `age >= 65`",
        "write an expression such as `age >= 65`",
    ),
    "number": ("写不加引号的数字", "write a number without quotes"),
    "share": ("写 0.4 或 1/3", "write 0.4 or 1/3"),
}


def _wrong(subject_zh: str, subject_en: str, detail: ErrorDetails, place: object) -> Diagnostic:
    kind, value = detail["type"], detail["input"]
    shown = _shown(value)
    context = detail.get("ctx", {})
    remedy: Bilingual | None = None
    code = "wrong-type"
    if kind == "literal_error":
        code = "unknown-choice"
        choices = [part.strip().strip("'") for part in str(context["expected"]).replace(" or ", ", ").split(", ")]
        suggestion = did_you_mean(str(value), choices)
        listed = ", ".join(choices)
        zh, en = f"不能是 {shown}", f"cannot be {shown}"
        remedy = (
            Bilingual(f"是否想写 `{suggestion}`？可选：{listed}", f"did you mean `{suggestion}`? one of: {listed}")
            if suggestion
            else Bilingual(f"可选：{listed}", f"one of: {listed}")
        )
    elif kind == "string_pattern_mismatch":
        code = "bad-format"
        zh, en = f"的写法不对：{shown}", f"is not well written: {shown}"
        sign = foreign_sign(str(value))
        fits = Bilingual(f"应符合 {context['pattern']}", f"it must match {context['pattern']}")
        remedy = sign.remedy if sign is not None else fits
    else:
        zh, en = _EXPECTED.get(kind, ("的内容不对", f"is wrong: {detail['msg'].lower()}"))
        if kind not in ("string_too_short", "too_short"):
            zh, en = f"{zh}，而这里是 {shown}", f"{en}, not {shown}"
        if kind in _REMEDIES:
            remedy = Bilingual(*_REMEDIES[kind])
        remedy = _seen_in(kind, value) or remedy
        if kind in ("string_too_short", "too_short"):
            code = "empty"
            remedy = Bilingual("填写内容，或删除该键", "fill it in, or leave the key out")
    return Diagnostic(code, Bilingual(subject_zh + zh, subject_en + en), remedy, place)  # type: ignore[arg-type]


_NOT_A_DAY = Bilingual("日历上没有这一天；核对年月日", "the calendar has no such day; look at it again")


def _seen_in(kind: str, value: object) -> Bilingual | None:
    """Return a remedy that the very value shows: a day that there is not, another spelling of a date or a number."""
    text = value if isinstance(value, str) else ""
    if kind in ("date_type", "date_from_datetime_parsing"):
        parts = _DATE_LIKE.fullmatch(text)
        if parts is None:
            return None
        year, month, day = (int(part) for part in parts.groups())
        try:
            meant = date(year, month, day)
        except ValueError:
            return _NOT_A_DAY
        return Bilingual(f"写成 {meant}，不加引号", f"write it as {meant}, without quotes")
    if kind in ("number", "share", "int_type"):
        sign = foreign_sign(text)
        return number_remedy(text) or (sign.remedy if sign is not None else None)
    return None


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "{…}"
    if isinstance(value, list):
        return "[…]"
    return "null" if value is None else f"`{shortened(str(value))}`"


def _key_help(key: str, known: list[str]) -> Bilingual:
    sign = foreign_sign(key)
    if sign is not None:
        return sign.remedy
    if _DATE_LIKE.fullmatch(key):
        return _NOT_A_DAY
    suggestion = did_you_mean(key, known)
    listed = ", ".join(known)
    if any(character in key for character in " ()[]<>=+*/"):
        return Bilingual(
            "若它属于前面的表达式，请给整个表达式加引号（花括号内逗号会断开）",
            "if it belongs to the expression before it, put quotes around that: in braces a comma ends it",
        )
    if suggestion:
        return Bilingual(f"是否想写 `{suggestion}`？", f"did you mean `{suggestion}`?")
    return Bilingual(f"此处可用：{listed}", f"possible here: {listed}")


def _known_keys(location: tuple[int | str, ...], root: type[Shape]) -> list[str]:
    """Return the keys that the model at `location` (without its last part) accepts."""
    model: type[BaseModel] = root
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        options = _shapes_below(model, part)
        if options:
            model = options
    return [info.alias or name for name, info in model.model_fields.items()]


def _shapes_below(model: type[BaseModel], part: str) -> type[BaseModel] | None:
    by_tag = {
        "all": "AllOf",
        "any": "AnyOf",
        "none": "NoneOf",
        "when": "Leaf",
        "described": "ParameterShape",
        "titled": "DefinitionShape",
    }
    if part in by_tag:
        return next((one for one in Shape.__subclasses__() if one.__name__ == by_tag[part]), None)
    info = next((one for name, one in model.model_fields.items() if (one.alias or name) == part), None)
    if info is None:
        return None
    found = [one for one in _classes(info.annotation) if issubclass(one, Shape)]
    return found[0] if len(found) == 1 else None


def _classes(annotation: object) -> list[type]:
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation]
    return [one for part in get_args(annotation) for one in _classes(part)]
