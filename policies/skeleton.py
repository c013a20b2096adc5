"""A new rule file that already works: a region, a threshold, an amount and six examples, to be rewritten step by step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from policies.codes import trimmed
from policies.errors import Diagnostic, Place, SettingsError
from policies.policy import Policy
from policies.text import Bilingual, Language
from policies.types import Code, Number
from policies.vocabulary import Space, Vocabulary

_SCHEDULES = {
    "once": "0 2 1 * *",
    "month": "0 2 1 * *",
    "quarter": "0 2 1 1,4,7,10 *",
    "year": "0 2 1 1 *",
    "event": "0 2 * * *",
}
# What stands in a skeleton until its author has read the law; as long as any of it is there, nobody can approve it.
AUTHORITY_TO_NAME = Bilingual("(填写发文机关)", "(the authority)")
DOCUMENT_TO_NAME = Bilingual("(填写文号)", "(the document)")
_NOT_YET_THE_LAW = "由向导生成，条件、金额和条款号尚未按文件填写"
WITHOUT_AMOUNT = ("service", "qualification")


@dataclass(frozen=True, slots=True)
class NewPolicy:
    """What the author has answered. `region` has six digits, `000000` is the whole country; `starts` is the first day."""

    id: str
    space: str
    region: str
    title: Bilingual
    authority: str
    author: str
    document: str
    starts: date
    period: str
    delivery: str
    kind: str


@dataclass(frozen=True, slots=True)
class _Threshold:
    """The condition that shows how a boundary is written: what is compared, and values around the boundary."""

    expression: str
    datum: str
    parameter: str
    limit: int
    unit: str | None
    says: Bilingual
    above: str
    at: str
    below: str


def left_of_the_skeleton(policy: Policy) -> tuple[Diagnostic, ...]:
    """Return one warning for each thing that the guided skeleton has left open and nobody has filled in."""
    found = []
    if policy.authority in (AUTHORITY_TO_NAME.zh, AUTHORITY_TO_NAME.en):
        found.append(_open("authority", "发文机关还没有填写", "the authority is not filled in"))
    if any(one.document in (DOCUMENT_TO_NAME.zh, DOCUMENT_TO_NAME.en) for one in policy.basis):
        found.append(_open("basis", "文号还没有填写", "the document is not filled in"))
    if _NOT_YET_THE_LAW in policy.unverified:
        found.append(
            _open(
                "unverified",
                "条件、金额和条款号还是向导写的，没有按文件改",
                "conditions, amounts and clauses are still those of the skeleton and not those of the law",
            )
        )
    return tuple(replace(one, place=Place(policy.file)) for one in found)


def _open(key: str, zh: str, en: str) -> Diagnostic:
    return Diagnostic(
        "not-filled-in",
        Bilingual(f"`{key}` 仍是向导写的内容：{zh}", f"`{key}` still holds what the skeleton wrote: {en}"),
        Bilingual(
            f"按文件改好后，更正或删除 `{key}` 里的这一条",
            f"write what the law says, then correct or delete it in `{key}`",
        ),
        severity="warning",
    )


def skeleton(new: NewPolicy, vocabulary: Vocabulary, language: Language) -> str:
    """Return the text of a rule file that passes the checker and whose examples pass, with comments that teach.

    Raises SettingsError for a space or a region that the catalog does not have.
    """
    space = vocabulary.spaces.get(new.space)
    if space is None:
        known = " ".join(vocabulary.spaces)
        raise SettingsError.of(
            "unknown-space", f"没有 `{new.space}` 这类对象", f"there is no space `{new.space}`",
            help_zh=f"可用:{known}", help_en=f"known are: {known}",
        )  # fmt: skip
    return "\n".join(_Writing(new, space, vocabulary, language).lines()) + "\n"


class _Writing:
    def __init__(self, new: NewPolicy, space: Space, vocabulary: Vocabulary, language: Language) -> None:
        self.new, self.space, self.vocabulary, self.language = new, space, vocabulary, language
        self.prefix = trimmed(new.region) if new.region != "000000" else ""
        self.region = _region_of(space) if self.prefix else None
        self.limit = _threshold_of(space, new.starts)
        self.pays = new.kind not in WITHOUT_AMOUNT
        self.records = _records_of(space) if new.period == "event" else None
        # In a policy for each record the bare names are the record's, and the subject's come after `subject.`.
        self.of_subject = "subject." if self.records else ""

    def note(self, zh: str, en: str) -> str:
        """Return a comment in the author's language."""
        return f"# {zh if self.language == 'zh' else en}"

    def lines(self) -> Iterator[str]:
        """Yield the file."""
        new = self.new
        yield self.note(
            f"边改边看:mianshen policies check --watch 本文件;写好后 mianshen policies show {new.id} 读一遍白话",
            "while you edit: mianshen policies check --watch THIS-FILE; then read it with mianshen policies show",
        )
        yield f"id: {new.id}"
        yield f"title: {{zh: {_quoted(new.title.zh)}, en: {_quoted(new.title.en)}}}"
        yield f"space: {new.space}"
        yield (
            f"author: {_quoted(new.author)}"
            + "  "
            + self.note("审批人必须是另一个人", "whoever approves it must be somebody else")
        )
        yield f"authority: {_quoted(new.authority)}"
        yield (
            f"basis: [{{document: {_quoted(new.document)}}}]"
            + "  "
            + self.note("文号;可再加 date: 2026-01-01", "the document's number; date: 2026-01-01 may follow")
        )
        yield f'region: "{new.region}"'
        yield f"in_force: {{from: {new.starts}}}" + "  " + self.note("有截止日就加 to:", "add to: if it ends")
        yield f"delivery: {new.delivery}"
        yield f"period: {new.period}"
        yield (
            f'schedule: "{_SCHEDULES[new.period]}"'
            + "  "
            + self.note("分 时 日 月 星期", "minute, hour, day, month, weekday")
        )
        if self.records is not None:
            yield f"for_each: {self.records}" + "  " + self.note("每条记录各判定一次", "decided for each record")
        if new.period == "event" and self.vocabulary.events:
            kinds = ", ".join(list(self.vocabulary.events)[:6])
            yield self.note(f"由哪些事件触发:{kinds} …", f"which events trigger it: {kinds} …")
            yield f"triggers: [{next(iter(self.vocabulary.events))}]"
        yield from self._parameters()
        yield from self._conditions()
        yield from self._benefit()
        yield from self._examples()

    def _parameters(self) -> Iterator[str]:
        yield self.note(
            "法规里会变的数写成参数,每个值从某天起生效;调整时只加一行,不改旧值",
            "figures that change are parameters, each valid from a day; a change is a new line, old values stay",
        )
        limit, start = self.limit, self.new.starts
        yield "parameters:"
        yield f"  {limit.parameter}: {{{start}: {limit.limit}}}"
        if self.pays:
            yield f"  amount_each: {{unit: yuan, values: {{{start}: 100}}}}"

    def _conditions(self) -> Iterator[str]:
        yield self.note(
            "逐条对应法规:when 是算式,says 是白话,basis 是条款号。可用 all、any、none 嵌套",
            "clause by clause: when computes, says tells, basis names the clause. all, any and none may be nested",
        )
        yield "eligibility:"
        yield "  all:"
        if self.region is not None:
            zh, en = f"户籍或登记在 {self.prefix} 范围内", f"registered within {self.prefix}"
            yield from _leaf(f'within({self.of_subject}{self.region}, "{self.prefix}")', Bilingual(zh, en))
        yield from _leaf(self.of_subject + self.limit.expression, self.limit.says)
        if self._has_alive():
            yield from _leaf(f"{self.of_subject}alive", Bilingual("在世", "alive"))

    def _benefit(self) -> Iterator[str]:
        yield "benefit:"
        yield f"  kind: {self.new.kind}"
        told = "{amount}" if self.pays else ""
        if self.pays:
            yield (
                "  amount: amount_each"
                + "  "
                + self.note("元;分档时改用 tiers:", "yuan; use tiers: where the amount goes by steps")
            )
            zh, en = (
                f"您的待遇为{told}元，已按规定兑现，无需申请。咨询12345",
                f"You are granted {told} yuan. Questions to 12345.",
            )
        else:
            zh, en = "您已符合条件，无需申请。咨询12345", "You qualify and need not apply. Questions to 12345."
        if self.new.delivery not in ("automatic", "channel"):
            zh, en = (
                "您可能符合条件，请在官方App查看并办理。咨询12345",
                "You may qualify. Please look it up in the app, or ask 12345.",
            )
        yield "notice:"
        yield "  granted:"
        yield f"    zh: {_quoted(zh)}"
        yield f"    en: {_quoted(en)}"
        yield self.note(
            "high、medium 或 low;没核实的逐条写下来", "high, medium or low; write down what is not verified"
        )
        yield "confidence: low"
        yield f"unverified: [{_quoted(_NOT_YET_THE_LAW)}]"

    def _examples(self) -> Iterator[str]:
        yield self.note(
            "六个例子:明显符合、明显不符合、界限两侧、缺数据、金额。policies test --coverage 指出还缺哪些",
            "six examples: a clear yes, a clear no, both sides of the boundary, a missing datum, the amount; "
            "policies test --coverage tells which others are needed",
        )
        yield "examples:"
        yes = f"{{eligible: true{', amount: 100' if self.pays else ''}}}"
        limit = self.limit
        elsewhere = None if self.region is None else ("650000" if self.prefix[:2] != "65" else "110000")
        yield from self._example("clear yes", limit.above, "{eligible: true}")
        if elsewhere is not None:
            yield from self._example("clear no: registered elsewhere", limit.above, "{eligible: false}", elsewhere)
        elif self._has_alive():
            yield from self._example("clear no: has died", limit.above, "{eligible: false}", alive="false")
        else:
            yield from self._example("clear no: far below the limit", limit.below, "{eligible: false}")
        yield from self._example("exactly at the boundary", limit.at, "{eligible: true}")
        yield from self._example("just below the boundary", limit.below, "{eligible: false}")
        yield from self._example(
            "a datum is missing", None, f"{{eligible: unknown, settled_by: [{self.of_subject}{limit.datum}]}}"
        )
        yield from self._example("the amount", limit.at, yes)

    def _example(
        self, name: str, value: str | None, expect: str, place: str | None = None, alive: str = "true"
    ) -> Iterator[str]:
        profile = [] if value is None else [f"{self.limit.datum}: {value}"]
        if self.region is not None:
            profile.append(f'{self.region}: "{place or self.new.region}"')
        if self._has_alive():
            profile.append(f"alive: {alive}")
        if self.records is not None:
            profile.append(f"{self.records}: [{{id: a}}]")
        yield f'  - name: "{name}"'
        yield f"    on: {self.new.starts}"
        yield f"    profile: {{{', '.join(profile)}}}"
        yield f"    expect: {expect}"

    def _has_alive(self) -> bool:
        return "alive" in self.space.attributes and self.space.attributes["alive"].derivation is None


def _leaf(when: str, says: Bilingual) -> Iterator[str]:
    yield f"    - when: {when}"
    yield f"      says: {{zh: {_quoted(says.zh)}, en: {_quoted(says.en)}}}"
    yield "      basis: 第一条"


def _region_of(space: Space) -> str | None:
    regions = [
        one.name
        for one in space.attributes.values()
        if isinstance(one.type, Code) and one.type.code_set == "region" and one.derivation is None
    ]
    return regions[0] if regions else None


def _records_of(space: Space) -> str:
    """Return the collection whose records a policy by events is decided for. Raises SettingsError if there is none."""
    # Members are subjects of their own; records that are nothing but records come first.
    for one in sorted(space.collections.values(), key=lambda one: one.member_space is not None):
        return one.name
    raise SettingsError.of(
        "no-records",
        f"`{space.name}` 没有可逐条判定的记录,不能用 --period event",
        f"`{space.name}` has no records to decide one by one, so --period event is not possible",
        help_zh="改用 --period once,或先在目录里登记集合",
        help_en="take --period once, or declare a collection in the catalog first",
    )


def _threshold_of(space: Space, on: date) -> _Threshold:
    """Return a condition with a boundary that this space can have: an age, or the first whole number it knows."""
    born, age = space.attributes.get("birth_date"), space.attributes.get("age")
    if born is not None and age is not None and age.derivation is not None:
        turned = _years_before(on, 60)
        return _Threshold(
            "age >= minimum_age", "birth_date", "minimum_age", 60, "age", Bilingual("已满60周岁", "60 or older"),
            str(_years_before(on, 70)), str(turned), str(turned + timedelta(days=1)),
        )  # fmt: skip
    for one in sorted(space.attributes.values(), key=lambda one: not _counts_people(one.type)):
        kind = one.type
        if isinstance(kind, Number) and kind.scale == 0 and one.derivation is None and one.sensitivity == "ordinary":
            least = max(kind.low + 1, min(10, kind.high - 1))
            says = Bilingual(f"{one.title.zh}不少于{least}", f"{one.title.en}: at least {least}")
            return _Threshold(
                f"{one.name} >= at_least", one.name, "at_least", least, kind.unit, says,
                str(min(kind.high, least + 10)), str(least), str(least - 1),
            )  # fmt: skip
    raise SettingsError.of(
        "nothing-to-compare",
        f"目录里 `{space.name}` 没有可比较的数",
        f"the catalog has no number of `{space.name}` that could be compared",
        help_zh="先在目录里登记属性",
        help_en="declare its attributes in the catalog first",
    )


def _counts_people(kind: object) -> bool:
    return isinstance(kind, Number) and kind.unit == "people"


def _years_before(on: date, years: int) -> date:
    try:
        return on.replace(year=on.year - years)
    except ValueError:  # 29 February
        return on.replace(year=on.year - years, day=28)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
