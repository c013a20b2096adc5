"""What an overlay may not do: set what its rule has not opened, step outside it, or contradict another overlay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import combinations, pairwise

from policies.codes import is_code, trimmed
from policies.document import Document, Mapping, Path
from policies.errors import Diagnostic
from policies.formalities import check_order_of_days
from policies.model import OverlayShape
from policies.model_errors import did_you_mean
from policies.policy import Policy
from policies.text import Bilingual
from policies.types import from_day_number
from policies.vocabulary import CodeSet, Vocabulary

REGIONS = "region"


def findings_of(
    document: Document, shape: OverlayShape, rule: Document, policy: Policy, vocabulary: Vocabulary
) -> Iterator[Diagnostic]:
    """Return what is wrong with one overlay beside its rule; `policy` is the rule, checked without overlays."""
    yield from _check_region(document, shape, policy, vocabulary)
    yield from _check_validity(document, shape, policy)
    for name in shape.parameters:
        opened = policy.parameters.get(name)
        if opened is None or opened.form != "regional":
            yield _not_open(document, name, policy)
            continue
        yield from _check_days(document, shape, name, [(from_day_number(day), one) for day, one in opened.dated])
        yield from _check_rule_itself(document, shape, name, rule)


def _finding(
    document: Document, path: Path, code: str, zh: str, en: str, help_zh: str, help_en: str, *, key: bool = False
) -> Diagnostic:
    place = document.key_place(path) if key else document.place(path)
    return Diagnostic(code, Bilingual(zh, en), Bilingual(help_zh, help_en), place)


def _check_region(
    document: Document, shape: OverlayShape, policy: Policy, vocabulary: Vocabulary
) -> Iterator[Diagnostic]:
    code_set = vocabulary.code_sets.get(REGIONS)
    region, outer = trimmed(shape.region), trimmed(policy.region)
    if code_set is not None and not _is_region(shape.region, region, code_set):
        suggestion = did_you_mean(shape.region, code_set.codes)
        yield _finding(
            document,
            ("region",),
            "unknown-code",
            f"没有区划 `{shape.region}`",
            f"there is no region `{shape.region}`",
            f"是否想写 `{suggestion}`？" if suggestion else "写六位区划代码，例如 650402",
            f"did you mean `{suggestion}`?" if suggestion else "write the six digits of a region, such as 650402",
        )
    elif not region.startswith(outer) or region == outer:
        yield _finding(
            document,
            ("region",),
            "overlay-outside-region",
            f"区划 `{shape.region}` 不是政策 `{policy.id}` 适用范围 `{policy.region}` 之内的一个地方",
            f"the region `{shape.region}` is no place within `{policy.region}`, where `{policy.id}` applies",
            "更正 `region`，或换一项政策；整个范围的值写在规则里",
            "correct `region`, or name another policy; values for the whole region stand in the rule itself",
        )


def _is_region(code: str, prefix: str, code_set: CodeSet) -> bool:
    return is_code(code, code_set) or any(known.startswith(prefix) for known in code_set.codes)


def _check_validity(document: Document, shape: OverlayShape, policy: Policy) -> Iterator[Diagnostic]:
    start, end = shape.in_force.from_, shape.in_force.to
    first, last = policy.in_force
    yield from check_order_of_days(document, shape.in_force)
    words_zh = f"{first} 起" + (f"，至 {last}" if last else "")
    words_en = f"from {first}" + (f" to {last}" if last else " on")
    for key, day in (("from", start), ("to", end)):
        if day is not None and (day < first or (last is not None and day > last)):
            yield _finding(
                document,
                ("in_force", key),
                "overlay-outside-validity",
                f"{day} 超出政策 `{policy.id}` 的有效期（{words_zh}）",
                f"{day} lies outside the days of force of `{policy.id}` ({words_en})",
                "更正日期；规则本身已延长的，先改规则",
                "correct the date; if the rule itself was prolonged, change the rule first",
            )


def _not_open(document: Document, name: str, policy: Policy) -> Diagnostic:
    opened = [each.name for each in policy.parameters.values() if each.form == "regional"]
    listed_zh, listed_en = ", ".join(opened) or "无", ", ".join(opened) or "none"
    if name in policy.parameters:
        return _finding(
            document,
            ("parameters", name),
            "parameter-not-open",
            f"政策 `{policy.id}` 没有把参数 `{name}` 交给各地规定",
            f"`{policy.id}` has not opened its parameter `{name}` to places",
            f"可由各地规定的有：{listed_zh}；要开放它，在规则中写 `by_region: true`",
            f"open are: {listed_en}; the rule opens a parameter with `by_region: true`",
            key=True,
        )
    suggestion = did_you_mean(name, opened or policy.parameters)
    return _finding(
        document,
        ("parameters", name),
        "unknown-parameter",
        f"政策 `{policy.id}` 没有参数 `{name}`",
        f"`{policy.id}` has no parameter `{name}`",
        f"是否想写 `{suggestion}`？" if suggestion else f"可由各地规定的有：{listed_zh}",
        f"did you mean `{suggestion}`?" if suggestion else f"open to places are: {listed_en}",
        key=True,
    )


def _check_days(
    document: Document, shape: OverlayShape, name: str, opened: Sequence[tuple[date, object]]
) -> Iterator[Diagnostic]:
    values = document.at(("parameters", name))
    days = [key for key, _ in values.entries] if isinstance(values, Mapping) else []
    for before, after in pairwise(days):
        if before.value >= after.value:
            yield _finding(
                document,
                ("parameters", name, after.value),
                "dates-out-of-order",
                f"`{after.text}` 排在 `{before.text}` 之后",
                f"`{after.text}` comes after `{before.text}`",
                "按日期从早到晚排列",
                "list the dates from the earliest to the latest",
                key=True,
            )
    start, end = shape.in_force.from_, shape.in_force.to
    if end is not None and end < start:
        return  # told already, and every day would lie outside
    for day in shape.parameters[name]:
        if day < start or (end is not None and day > end):
            yield _finding(
                document,
                ("parameters", name, day),
                "overlay-outside-validity",
                f"{day} 不在本文件 `in_force` 的有效期内",
                f"{day} lies outside the `in_force` of this file",
                "更正日期，或改 `in_force`",
                "correct the date, or change `in_force`",
                key=True,
            )
            continue
        current = [content for first, content in opened if first <= day]
        if not current or current[-1] is None:
            since = f"自 {opened[0][0]} 起才开放" if not current else "此时已废止"
            since_en = f"is open only from {opened[0][0]} on" if not current else "is abolished by then"
            yield _finding(
                document,
                ("parameters", name, day),
                "overlay-outside-validity",
                f"规则的参数 `{name}` {since}",
                f"the rule's parameter `{name}` {since_en}",
                "更正日期，或先改规则",
                "correct the date, or change the rule first",
                key=True,
            )


def _check_rule_itself(document: Document, shape: OverlayShape, name: str, rule: Document) -> Iterator[Diagnostic]:
    """The rule's own file must not set the same place: nobody could say which counts."""
    values = rule.at(("parameters", name, "values"))
    region = trimmed(shape.region)
    for _, content in values.entries if isinstance(values, Mapping) else ():
        for key, _ in content.entries if isinstance(content, Mapping) else ():
            if trimmed(key.text) == region:
                yield _contradiction(document, name, shape.region, str(key.place))
                return


def contradictions(overlays: Sequence[tuple[Document, OverlayShape]]) -> Iterator[Diagnostic]:
    """Two overlays must not set one parameter for one place on the same day; a district may refine its city."""
    by_region: dict[str, list[tuple[Document, OverlayShape]]] = {}
    for each in overlays:
        by_region.setdefault(trimmed(each[1].region), []).append(each)
    for same in by_region.values():
        for (first, one), (second, other) in combinations(same, 2):
            for name in other.parameters if _overlap(one, other) else ():
                if name in one.parameters:
                    place = first.key_place(("parameters", name))
                    yield _contradiction(second, name, other.region, str(place))


def _overlap(one: OverlayShape, other: OverlayShape) -> bool:
    def ends_before(earlier: OverlayShape, later: OverlayShape) -> bool:
        return earlier.in_force.to is not None and earlier.in_force.to < later.in_force.from_

    return not ends_before(one, other) and not ends_before(other, one)


def _contradiction(document: Document, name: str, region: str, elsewhere: str) -> Diagnostic:
    return _finding(
        document,
        ("parameters", name),
        "overlays-contradict",
        f"`{name}` 在 `{region}` 同一时期已由 {elsewhere} 规定",
        f"`{name}` of `{region}` is set for the same days at {elsewhere} as well",
        "删除其中一个，或用 `in_force` 分开时期；下级区划可另写更细的值",
        "delete one, or part their days with `in_force`; a district may refine its city in a file of its own",
        key=True,
    )
