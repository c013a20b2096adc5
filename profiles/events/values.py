"""One value of an event, or of a constant in the catalog, to a value of the rule language; or why not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from policies.text import Bilingual
from policies.types import Bool, Code, Date, Number, Type, Value, to_day_number
from policies.vocabulary import CodeSet
from profiles.catalog_findings import suggestion

LONGEST_TEXT = 2_000
# Control characters, surrogates, and the marks that turn the direction of writing.
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_DECIMAL = re.compile(r"[+-]?\d{1,18}(\.\d{1,12})?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class WrongValue(Exception):
    """Why a value does not fit: a stable code, a message and a remedy. Never leaves `profiles`."""

    def __init__(self, code: str, message: Bilingual, remedy: Bilingual) -> None:
        self.code, self.message, self.remedy = code, message, remedy
        super().__init__(message.en)


def to_typed(raw: object, type_: Type, code_sets: Mapping[str, CodeSet]) -> Value:
    """Return `raw` (of JSON or YAML, decimals as Decimal or text) as a value of `type_`.

    A number is written in its own unit, money in yuan. A binary float is refused: what it stands for cannot
    be known any more.

    Raises:
        WrongValue: the type, the range or the code is wrong.
    """
    if isinstance(type_, Bool):
        if not isinstance(raw, bool):
            raise _wrong_type("应为 true 或 false", "it should be true or false")
        return raw
    if isinstance(type_, Number):
        return _number(raw, type_)
    if isinstance(type_, Date):
        return to_day_number(to_day(raw))
    text = to_text(raw)
    return _code(text, code_sets[type_.code_set]) if isinstance(type_, Code) else text


def to_day(raw: object) -> date:
    """Return an ISO day such as `2026-11-22`; WrongValue if it is none."""
    if isinstance(raw, date):
        return raw
    if isinstance(raw, str) and _DAY.fullmatch(raw):
        try:
            return date.fromisoformat(raw)
        except ValueError:
            raise WrongValue(
                "event-out-of-range",
                Bilingual("日历上没有这一天", "there is no such day in the calendar"),
                Bilingual("请核对日期", "check the day"),
            ) from None
    raise _wrong_type('应为日期，如 "2026-11-22"', 'it should be a day such as "2026-11-22"')


def to_text(raw: object) -> str:
    """Return a text without blanks around it; WrongValue if it is none, empty, too long or unprintable."""
    if not isinstance(raw, str):
        raise _wrong_type("应为文本，请加引号", "it should be text, in quotes")
    text = raw.strip()
    if not text or len(text) > LONGEST_TEXT or UNPRINTABLE.search(text):
        raise WrongValue(
            "event-out-of-range",
            Bilingual("文本为空、过长或含有不可见字符", "the text is empty, too long, or has invisible characters"),
            Bilingual(f"写 1 至 {LONGEST_TEXT} 个可见字符", f"write 1 to {LONGEST_TEXT} visible characters"),
        )
    return text


def _number(raw: object, type_: Number) -> int:
    if isinstance(raw, float):
        raise _wrong_type('小数请写成文本，如 "12.50"', 'write a decimal number as text, such as "12.50"')
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal | str):
        raise _wrong_type("应为数字", "it should be a number")
    if isinstance(raw, str) and not _DECIMAL.fullmatch(raw):
        raise _wrong_type("应为数字", "it should be a number")
    exact = Decimal(raw)
    low, high = Decimal(type_.low).scaleb(-type_.scale), Decimal(type_.high).scaleb(-type_.scale)
    if not exact.is_finite() or not low <= exact <= high:
        raise WrongValue(
            "event-out-of-range",
            Bilingual(f"应在 {low:f} 至 {high:f} 之间", f"it should be from {low:f} to {high:f}"),
            Bilingual("请核对数值和单位", "check the number and its unit"),
        )
    scaled = exact.scaleb(type_.scale)
    if scaled != scaled.to_integral_value():
        raise WrongValue(
            "event-out-of-range",
            Bilingual(f"小数位多于 {type_.scale} 位", f"it has more than {type_.scale} decimals"),
            Bilingual("去掉多余的小数位", "drop the decimals that are too many"),
        )
    return int(scaled)


def _code(text: str, code_set: CodeSet) -> str:
    listed = text in code_set.codes
    if listed or (code_set.open and code_set.pattern and re.search(code_set.pattern, text)):
        return text
    raise WrongValue(
        "event-unknown-code",
        Bilingual(f"代码集 `{code_set.name}` 没有此代码", f"the code set `{code_set.name}` has no such code"),
        Bilingual(*suggestion(text, code_set.codes)),
    )


def _wrong_type(zh: str, en: str) -> WrongValue:
    return WrongValue("event-wrong-type", Bilingual("值的类型不对", "the value is of a wrong type"), Bilingual(zh, en))
