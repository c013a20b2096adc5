"""An event as posted, checked against its kind: every value typed, every identity number a pseudonym."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel, ConfigDict, ValidationError

from policies.errors import Diagnostic, EventError
from policies.text import Bilingual
from policies.types import Text, Value
from profiles.catalog_event_model import EventField, EventKind
from profiles.catalog_findings import suggestion
from profiles.catalog_model import Catalog
from profiles.events.reading import LARGEST_EVENT, too_large
from profiles.events.values import UNPRINTABLE, WrongValue, to_day, to_text, to_typed
from profiles.identity import normalised, number_fault, pseudonym
from profiles.intake_checks import CONTACT_SHAPES, FORMULA
from profiles.quarantine import REASONS

LONGEST_KEY = 200
EARLIEST = date(1900, 1, 1)
_LONG_NUMBER = re.compile(r"\d{17}[\dXx]", re.ASCII)


class PostedEvent(BaseModel):
    """The shape of an event as posted; the data are checked against the kind."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    key: str
    kind: str
    subject: str
    occurred_on: str
    data: dict[str, object] = {}


@dataclass(frozen=True, slots=True, repr=False)
class CheckedEvent:
    """An event whose every value is right by itself; whether it agrees with what is known is another matter.

    subject   the pseudonym
    values    data field -> typed value, identity numbers as pseudonyms; fields not given are left out
    contacts  data field -> text for the vault
    numbers   `subject` or data field -> the identity number in its one form, for the vault alone
    """

    key: str
    kind: EventKind
    subject: str
    occurred_on: date
    values: Mapping[str, Value]
    contacts: Mapping[str, str]
    numbers: Mapping[str, str]


def key_of(raw: Mapping[str, object]) -> str | None:
    """Return the idempotency key, or None if there is no usable one."""
    key = raw.get("key")
    usable = isinstance(key, str) and 0 < len(key) <= LONGEST_KEY and not UNPRINTABLE.search(key)
    return key if usable and isinstance(key, str) else None


def checked(raw: Mapping[str, object], catalog: Catalog, key: bytes, today: date) -> CheckedEvent:
    """Return the event, or every mistake in it at once.

    Args:
        raw: as read from JSON (decimals as Decimal or text).
        catalog: the declared kinds.
        key: the key of pseudonyms.
        today: an event may not lie after this day.

    Raises:
        EventError: a diagnostic for each mistake; none of them repeats a value.
    """
    posted = _shaped(raw)
    kind = catalog.events.get(posted.kind)
    if kind is None:
        shown = "".join(character for character in posted.kind[:40] if character.isalpha() or character in "_-")
        raise EventError(
            _finding(
                "event-unknown-kind", f"没有事件种类 `{shown}`", f"there is no kind of event `{shown}`",
                *suggestion(shown, catalog.events),
            )
        )  # fmt: skip
    return _Checking(catalog, kind, key, today).event(posted)


def _shaped(raw: Mapping[str, object]) -> PostedEvent:
    try:
        if len(json.dumps(raw, default=str).encode()) > LARGEST_EVENT:
            raise too_large()
        posted = PostedEvent.model_validate(dict(raw))
    except (RecursionError, TypeError, ValueError) as problem:
        if not isinstance(problem, ValidationError):
            raise too_large() from problem
        raise EventError([_shape_finding(error["type"], error["loc"]) for error in problem.errors()]) from problem
    if key_of(raw) is None:
        raise EventError(
            _finding(
                "event-out-of-range", "`key` 为空、过长或含有不可见字符",
                "`key` is empty, too long, or has invisible characters",
                f"写 1 至 {LONGEST_KEY} 个字符", f"write 1 to {LONGEST_KEY} characters",
            )
        )  # fmt: skip
    if any(number_fault("citizen", number.upper()) is None for number in _LONG_NUMBER.findall(posted.key)):
        raise EventError(
            _finding(
                "event-key-names-somebody", "`key` 中含有身份号码", "`key` holds an identity number",
                "换用流水号或随机标识", "use a serial number or a random identifier",
            )
        )  # fmt: skip
    return posted


def _shape_finding(kind: str, place: tuple[int | str, ...]) -> Diagnostic:
    name = _printable(str(place[0])) if place else "event"
    if kind == "extra_forbidden":
        zh, en = suggestion(name, PostedEvent.model_fields)
        return _finding("event-unknown-field", f"事件没有 `{name}`", f"an event has no `{name}`", zh, en)
    if kind == "missing":
        return _finding(
            "event-missing-field", f"缺少 `{name}`", f"`{name}` is missing", f"补上 `{name}`", f"add `{name}`"
        )
    return _finding(
        "event-wrong-type", f"`{name}` 的类型不对", f"`{name}` is of a wrong type",
        "key、kind、subject、occurred_on 是文本，data 是对象",
        "key, kind, subject and occurred_on are text, data is an object",
    )  # fmt: skip


def _printable(name: str) -> str:
    """Return the name of an unknown field as it may be shown: no control characters, no number of somebody."""
    return re.sub(r"\d{6,}", "…", UNPRINTABLE.sub("?", name))[:40]


def _finding(code: str, zh: str, en: str, help_zh: str, help_en: str) -> Diagnostic:
    return Diagnostic(code, Bilingual(zh, en), Bilingual(help_zh, help_en))


@dataclass(slots=True)
class _Checking:
    catalog: Catalog
    kind: EventKind
    key: bytes
    today: date

    def event(self, posted: PostedEvent) -> CheckedEvent:
        findings: list[Diagnostic] = []
        day = self.day(posted.occurred_on, findings)
        numbers: dict[str, str] = {}
        values: dict[str, Value] = {}
        contacts: dict[str, str] = {}
        numbers["subject"] = self.number("subject", posted.subject, self.kind.space, findings)
        for name in posted.data:
            if name not in self.kind.data:
                shown = _printable(name)
                findings.append(
                    _finding(
                        "event-unknown-field", f"事件 `{self.kind.name}` 没有数据项 `{shown}`",
                        f"the event `{self.kind.name}` has no datum `{shown}`", *suggestion(shown, self.kind.data),
                    )
                )  # fmt: skip
        for name, field in self.kind.data.items():
            self.datum(field, posted.data.get(name), values, contacts, numbers, findings)
        findings += self.one_for_two(numbers) if not findings else []
        if findings:
            raise EventError(findings)
        subject = pseudonym(self.key, self.kind.space, numbers["subject"])
        return CheckedEvent(posted.key, self.kind, subject, day, values, contacts, numbers)

    def one_for_two(self, numbers: Mapping[str, str]) -> list[Diagnostic]:
        """Return a finding if the event names one person, household or firm in two places: nobody is their own child."""
        named: dict[str, str] = {}
        for name, number in numbers.items():
            other = named.setdefault(number, name)
            if other != name:
                return [
                    _finding(
                        "event-one-for-two", f"`{other}` 与 `{name}` 是同一个号码",
                        f"`{other}` and `{name}` are the same number",
                        "两处应是不同的对象；请核对号码", "they must be different; check the numbers",
                    )
                ]  # fmt: skip
        return []

    def day(self, raw: str, findings: list[Diagnostic]) -> date:
        try:
            day = to_day(raw)
        except WrongValue as wrong:
            findings.append(_of_value("occurred_on", wrong))
            return self.today
        if day > self.today:
            findings.append(
                _finding(
                    "event-from-the-future", f"`occurred_on` {day} 晚于今天 {self.today}",
                    f"`occurred_on` {day} lies after today, {self.today}",
                    "事件发生后再报送；请核对日期", "post an event once it has happened; check the day",
                )
            )  # fmt: skip
        elif day < EARLIEST:
            findings.append(
                _finding(
                    "event-out-of-range", f"`occurred_on` 早于 {EARLIEST}", f"`occurred_on` lies before {EARLIEST}",
                    "请核对日期", "check the day",
                )
            )  # fmt: skip
        return day

    def datum(
        self,
        field: EventField,
        raw: object,
        values: dict[str, Value],
        contacts: dict[str, str],
        numbers: dict[str, str],
        findings: list[Diagnostic],
    ) -> None:
        name = field.name
        if raw is None:
            if field.required:
                findings.append(
                    _finding(
                        "event-missing-field", f"缺少数据项 `{name}`", f"the datum `{name}` is missing",
                        f"补上 `{name}`（{field.title.zh}）", f"add `{name}` ({field.title.en})",
                    )
                )  # fmt: skip
            elif field.default is not None:
                values[name] = field.default
            return
        try:
            if field.identity is not None:
                numbers[name] = self.number(name, to_text(raw), field.identity, findings)
                values[name] = pseudonym(self.key, field.identity, numbers[name])
            elif field.contact is not None:
                contacts[name] = _contact(to_text(raw), field.contact)
            else:
                value = to_typed(raw, field.type, self.catalog.vocabulary.code_sets)
                values[name] = _harmless(value) if isinstance(field.type, Text) and isinstance(value, str) else value
        except WrongValue as wrong:
            findings.append(_of_value(name, wrong))

    def number(self, name: str, raw: str, space: str, findings: list[Diagnostic]) -> str:
        number = normalised(space, raw)
        fault = number_fault(space, number, self.today)
        if fault is not None:
            words = REASONS[fault]
            findings.append(
                _finding(
                    "event-bad-number", f"`{name}` 不是有效的号码：{words.zh}",
                    f"`{name}` is no valid number: {words.en}", "请核对号码", "check the number",
                )
            )  # fmt: skip
        return number


def _harmless(text: str) -> str:
    """Return a text that no spreadsheet would run, as intake demands of a cell; else raise WrongValue."""
    if re.search(FORMULA, text):
        formula = REASONS["formula-in-cell"]
        raise WrongValue("event-out-of-range", formula, Bilingual("去掉开头的符号", "drop the sign at its beginning"))
    return text


def _contact(text: str, word: str) -> str:
    shape = CONTACT_SHAPES.get(word)
    if shape is None:
        return _harmless(text)
    if re.search(shape, text, re.ASCII):
        return text
    malformed = REASONS["malformed-contact"]
    raise WrongValue("event-out-of-range", malformed, Bilingual("请核对联系方式", "check the contact"))


def _of_value(name: str, wrong: WrongValue) -> Diagnostic:
    message = Bilingual(f"`{name}`：{wrong.message.zh}", f"`{name}`: {wrong.message.en}")
    return Diagnostic(wrong.code, message, wrong.remedy)
