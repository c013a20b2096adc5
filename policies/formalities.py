"""What must be right beside the expressions: dates, calendar, notices, references and names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from policies.context import Context
from policies.document import Document, Path
from policies.errors import Diagnostic
from policies.model import InForce, PolicyShape
from policies.model_errors import did_you_mean
from policies.periods import FIRST_DAY, LAST_DAY
from policies.policy import Guard
from policies.text import Bilingual
from policies.vocabulary import Collection, Space, Vocabulary

PLACEHOLDERS = ("amount", "period", "title")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _finding(
    document: Document,
    path: Path,
    code: str,
    zh: str,
    en: str,
    help_zh: str,
    help_en: str,
    *,
    key: bool = False,
) -> Diagnostic:
    place = document.key_place(path) if key else document.place(path)
    return Diagnostic(code, Bilingual(zh, en), Bilingual(help_zh, help_en), place)


def check_order_of_days(document: Document, in_force: InForce) -> Iterator[Diagnostic]:
    """The last day of force does not lie before the first."""
    start, end = in_force.from_, in_force.to
    if end is not None and end < start:
        yield _finding(
            document,
            ("in_force", "to"),
            "dates-out-of-order",
            f"失效日 {end} 早于生效日 {start}",
            f"it ends on {end}, before it begins on {start}",
            "更正其中一个日期",
            "correct one of the dates",
        )


def check_dates(document: Document, shape: PolicyShape, vocabulary: Vocabulary) -> Iterator[Diagnostic]:
    """Dates lie within the calendar, and nothing ends before it begins."""
    start, end = shape.in_force.from_, shape.in_force.to
    yield from check_order_of_days(document, shape.in_force)
    given: list[tuple[Path, object]] = [(("in_force", "from"), start), (("in_force", "to"), end)]
    given += [(("examples", number, "on"), one.on) for number, one in enumerate(shape.examples)]
    for path, day in given:
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:  # type: ignore[operator]
            yield _finding(
                document,
                path,
                "bad-date",
                f"{day} 超出历法范围（{FIRST_DAY} 至 {LAST_DAY}）",
                f"{day} is outside the calendar ({FIRST_DAY} to {LAST_DAY})",
                "更正日期",
                "correct the date",
            )
    if shape.period == "event" and shape.for_each is None:
        yield _finding(
            document,
            ("period",),
            "needs-for-each",
            "周期 `event` 按一条条记录兑现，需要 `for_each`",
            "the period `event` grants for each record and needs `for_each`",
            "写 `for_each: 集合`，或换一个周期",
            "give `for_each: collection`, or choose another period",
        )


def check_guard(document: Document, shape: PolicyShape, vocabulary: Vocabulary) -> Iterator[Diagnostic]:
    """Shares lie between 0 and 1, in steps of a basis point."""
    if shape.guard is None:
        return
    for key in ("share_at_most", "share_at_least"):
        share = getattr(shape.guard, key)
        if share is not None and not (0 <= share <= 1 and share * 10_000 == int(share * 10_000)):
            yield _finding(
                document,
                ("guard", key),
                "bad-format",
                f"占比 `{share}` 应在 0 与 1 之间，至多四位小数",
                f"the share `{share}` must lie between 0 and 1, with at most four decimals",
                "例：0.4",
                "for example 0.4",
            )


def guard_of(shape: PolicyShape) -> Guard:
    """Return the guard in basis points."""
    if shape.guard is None:
        return Guard()
    most, least = shape.guard.share_at_most, shape.guard.share_at_least
    return Guard(_points(most), _points(least))


def _points(share: object) -> int | None:
    return int(share * 10_000) if isinstance(share, int | Decimal) else None


def check_notices(document: Document, shape: PolicyShape, vocabulary: Vocabulary) -> Iterator[Diagnostic]:
    """Notices use only the placeholders that are filled in."""
    for language in ("zh", "en"):
        text = getattr(shape.notice.granted, language)
        rest = _PLACEHOLDER.sub("", text)
        wrong = [name for name in _PLACEHOLDER.findall(text) if name not in PLACEHOLDERS]
        if not wrong and "{" not in rest and "}" not in rest:
            continue
        name = wrong[0] if wrong else "{" if "{" in rest else "}"
        suggestion = did_you_mean(name, PLACEHOLDERS)
        yield _finding(
            document,
            ("notice", "granted", language),
            "unknown-placeholder",
            f"通知中的 `{{{name}}}` 无法填写" if wrong else f"通知中有多余的 `{name}`",
            f"nothing fills in `{{{name}}}` in the notice" if wrong else f"the notice has a stray `{name}`",
            f"是否想写 `{{{suggestion}}}`？" if suggestion else "可用：{amount}、{period}、{title}",
            f"did you mean `{{{suggestion}}}`?" if suggestion else "use {amount}, {period} and {title} only",
        )


def check_schedule(document: Document, shape: PolicyShape, vocabulary: Vocabulary) -> Iterator[Diagnostic]:
    """The schedule is a five-field calendar expression; days of the week have names."""
    fields = shape.schedule.split()
    wrong: str | None = None
    if len(fields) != 5:
        wrong = shape.schedule
    else:
        for number, field in enumerate(fields):
            if not all(_is_calendar_part(part, number) for part in field.lower().split(",")):
                wrong = field
                break
    if wrong is None:
        return
    yield _finding(
        document,
        ("schedule",),
        "bad-schedule",
        f"日程中的 `{wrong}` 不对",
        f"`{wrong}` is not well written in the schedule",
        '五项：分 时 日 月 星期；星期写 mon 至 sun，不写数字，例如 "0 2 1 * *"',
        'five fields: minute hour day month weekday (mon to sun, never digits), such as "0 2 1 * *"',
    )


def _is_calendar_part(part: str, number: int) -> bool:
    base, slash, step = part.partition("/")
    if slash and not (step.isascii() and step.isdigit() and 0 < int(step) < 100):
        return False
    if base == "*" or (number == 2 and base == "last" and not slash):
        return True
    ends = base.split("-")
    if len(ends) > 2:
        return False
    values = [_calendar_value(end, number) for end in ends]
    known = [value for value in values if value is not None]
    return len(known) == len(values) and known == sorted(known)


def _calendar_value(text: str, number: int) -> int | None:
    if number == 4:
        return _DAYS.index(text) if text in _DAYS else None
    if number == 3 and text in _MONTHS:
        return _MONTHS.index(text) + 1
    if not (text.isascii() and text.isdigit() and len(text) <= 2):
        return None
    low, high = _BOUNDS[number]
    return int(text) if low <= int(text) <= high else None


def check_references(document: Document, shape: PolicyShape, vocabulary: Vocabulary) -> Iterator[Diagnostic]:
    """Fund and triggering events exist, the region is one, and a policy does not refer to itself."""
    if shape.fund is not None and shape.fund not in vocabulary.funds:
        suggestion = did_you_mean(shape.fund, vocabulary.funds)
        listed = ", ".join(vocabulary.funds)
        yield _finding(
            document,
            ("fund",),
            "unknown-fund",
            f"没有名为 `{shape.fund}` 的资金",
            f"there is no fund called `{shape.fund}`",
            f"是否想写 `{suggestion}`？" if suggestion else f"可用：{listed or '无'}",
            f"did you mean `{suggestion}`?" if suggestion else f"the catalog has: {listed or 'none'}",
        )
    for number, kind in enumerate(shape.triggers):
        if kind not in vocabulary.events:
            suggestion = did_you_mean(kind, vocabulary.events)
            listed = ", ".join(vocabulary.events)
            yield _finding(
                document,
                ("triggers", number),
                "unknown-event",
                f"没有名为 `{kind}` 的人生事件",
                f"there is no kind of life event called `{kind}`",
                f"是否想写 `{suggestion}`？" if suggestion else f"可用：{listed or '无'}",
                f"did you mean `{suggestion}`?" if suggestion else f"the catalog has: {listed or 'none'}",
            )
    for key in ("excludes", "net_of"):
        for number, other in enumerate(getattr(shape, key)):
            if other == shape.id:
                yield _finding(
                    document,
                    (key, number),
                    "refers-to-itself",
                    f"`{key}` 写了本政策自己",
                    f"`{key}` names this policy itself",
                    "写其他政策的 id",
                    "name another policy",
                )


def check_deduction(document: Document, shape: PolicyShape, vocabulary: Vocabulary) -> Iterator[Diagnostic]:
    """A deduction is taken off a tax base: nothing is paid, so no fund is drawn on and nobody else is paid."""
    if shape.benefit.kind != "deduction":
        return
    for key in ("fund", "payee"):
        if getattr(shape, key) is not None:
            yield _finding(
                document,
                (key,),
                "deduction-not-paid",
                f"`{key}` 不可用：`deduction` 是从税基中扣除的数额，不支付",
                f"`{key}` is not possible: a `deduction` is taken off a tax base, nothing is paid",
                "删除它；直接支付或少收的写 `cash`、`refund` 或 `waiver`",
                "delete it, or write `cash`, `refund` or `waiver` for what is paid or not collected",
                key=True,
            )


def check_sensitive_names(document: Document, shape: PolicyShape, vocabulary: Vocabulary) -> Iterator[Diagnostic]:
    """Declared sensitive attributes exist and are sensitive."""
    known = {name for space in vocabulary.spaces.values() for name in _sensitive_names(space)}
    for name in shape.sensitive:
        if name in known:
            continue
        suggestion = did_you_mean(name, known)
        yield _finding(
            document,
            ("sensitive", name),
            "unknown-name",
            f"`{name}` 不是敏感属性",
            f"`{name}` is no sensitive attribute",
            f"是否想写 `{suggestion}`？" if suggestion else "删除它",
            f"did you mean `{suggestion}`?" if suggestion else "delete it",
            key=True,
        )


def _sensitive_names(space: Space) -> Iterator[str]:
    owners: list[tuple[str, Space | Collection]] = [(space.name, space)]
    owners += [(f"{space.name}.{name}", one) for name, one in space.collections.items()]
    for owner, holder in owners:
        for attribute in holder.attributes.values():
            if attribute.sensitivity == "sensitive":
                yield attribute.name
                yield f"{owner}.{attribute.name}"


def unused_warnings(document: Document, shape: PolicyShape, context: Context) -> Iterator[Diagnostic]:
    """Warn about what is declared and never used."""
    for name in shape.parameters:
        if name not in context.parameters_used:
            yield _warning(document, ("parameters", name), "unused-parameter", "参数", "parameter", name)
    for name in shape.sensitive:
        if name not in context.sensitive_used:
            yield _warning(document, ("sensitive", name), "unused-sensitive", "敏感属性", "sensitive attribute", name)


def _warning(document: Document, path: Path, code: str, zh: str, en: str, name: str) -> Diagnostic:
    return Diagnostic(
        code,
        Bilingual(f"{zh} `{name}` 没有用到", f"the {en} `{name}` is never used"),
        Bilingual("删除它，或用在条件或金额中", "delete it, or use it in a condition or an amount"),
        document.key_place(path),
        "warning",
    )
