"""From the parts of all catalog files, each right in shape, to one catalog that agrees with itself."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from typing import Any

from policies.types import Number
from policies.vocabulary import CodeSet, Indicator, Vocabulary
from profiles.catalog_documents import CodeGroupPart, CodeSetPart, IndicatorPart
from profiles.catalog_events import build_events
from profiles.catalog_findings import Findings, Where, suggestion
from profiles.catalog_model import CONTACTS, Catalog, Validity
from profiles.catalog_sources import build_sources
from profiles.catalog_spaces import Deliveries, build_spaces
from profiles.catalog_values import build_type, scaled

Parts = Mapping[str, Mapping[str, tuple[Any, Where]]]

# Words that the rule language keeps for itself; nothing that a policy names may be called so.
RESERVED: frozenset[str] = frozenset({"on", "period_start", "period_end", "subject", "grants", *keyword.kwlist})
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FUND = re.compile(r"[a-z][a-z0-9-]*")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def build_catalog(parts: Parts, digest: str, findings: Findings) -> Catalog | None:
    """Return the catalog, or None if `findings` received a mistake."""
    _check_names(parts, findings)
    code_sets = {name: _code_set(part, where, findings) for name, (part, where) in parts["code_sets"].items()}
    sources = build_sources(parts["sources"], parts["spaces"], code_sets, findings)
    deliveries = Deliveries.of(parts["sources"])
    spaces = build_spaces(parts["spaces"], code_sets, deliveries, findings)
    groups = {name: _group(part, where, code_sets, findings) for name, (part, where) in parts["code_groups"].items()}
    indicators = {
        name: _indicator(name, part, where, code_sets, findings) for name, (part, where) in parts["indicators"].items()
    }
    if findings.found:
        return None
    events = build_events(parts["events"], spaces, sources, code_sets, findings)
    if findings.found:
        return None
    vocabulary = Vocabulary(
        spaces=spaces,
        code_sets=code_sets,
        indicators=indicators,
        code_groups=groups,
        funds={name: title.to_bilingual() for name, (title, _) in parts["funds"].items()},
        events={name: kind.title for name, kind in events.items()},
    )
    validity = {name: _validity(part) for name, (part, _) in parts["code_sets"].items()}
    return Catalog(vocabulary, sources, {name: codes for name, codes in validity.items() if codes}, digest, events)


def _check_names(parts: Parts, findings: Findings) -> None:
    for section in ("spaces", "sources", "code_sets", "code_groups", "indicators", "events"):
        for name, (_, where) in parts[section].items():
            check_name(name, where, findings)
    for name, (_, where) in parts["funds"].items():
        if not _FUND.fullmatch(name):
            _bad_name(name, where, findings, "小写字母、数字和连字符", "lower-case letters, digits and hyphens")
    for name, (space, where) in parts["spaces"].items():
        taken: dict[str, str] = {}
        for kind in ("attributes", "links", "collections"):
            for inner in getattr(space, kind):
                check_name(inner, where / kind / inner, findings)
                _check_free(inner, where / kind / inner, taken, name, findings)
                taken.setdefault(inner, kind)
        for collection_name, collection in space.collections.items():
            inside: dict[str, str] = {}
            for kind in ("attributes", "links"):
                for inner in getattr(collection, kind):
                    spot = where / "collections" / collection_name / kind / inner
                    check_name(inner, spot, findings)
                    _check_free(inner, spot, inside, collection_name, findings)
                    inside.setdefault(inner, kind)


def _check_free(name: str, where: Where, taken: Mapping[str, str], owner: str, findings: Findings) -> None:
    if name in taken or name in CONTACTS:
        what = taken.get(name, "contacts")
        findings.add(
            "name-taken", where.key_place, f"`{owner}` 的 {what} 已有 `{name}`",
            f"`{name}` is already one of the {what} of `{owner}`", "改用另一个名称", "choose another name",
        )  # fmt: skip


def check_name(name: str, where: Where, findings: Findings) -> None:
    """Note a name that the rule language could not write."""
    if not _NAME.fullmatch(name):
        _bad_name(
            name, where, findings, "小写字母、数字和下划线,以字母开头",
            "lower-case letters, digits and underscores, a letter first",
        )  # fmt: skip
    elif name in RESERVED:
        findings.add(
            "reserved-name", where.key_place, f"`{name}` 是规则语言的保留词",
            f"`{name}` is a word of the rule language", "改用另一个名称", "choose another name",
        )  # fmt: skip


def _bad_name(name: str, where: Where, findings: Findings, help_zh: str, help_en: str) -> None:
    findings.add(
        "bad-name", where.key_place, f"名称 `{name}` 写法不对", f"`{name}` is not a name",
        f"只用{help_zh}", f"use {help_en}",
    )  # fmt: skip


def _code_set(part: CodeSetPart, where: Where, findings: Findings) -> CodeSet:
    pattern = None
    if part.pattern is not None:
        try:
            pattern = re.compile(part.pattern)
        except re.error as error:
            findings.add(
                "bad-pattern", (where / "pattern").place, f"正则表达式有误: {error}",
                f"not a regular expression: {error}", "改正 `pattern`", "repair `pattern`",
            )  # fmt: skip
    if part.open and part.pattern is None:
        findings.add(
            "missing-key", where.place, "开放的代码集缺少 `pattern`", "an open code set needs a `pattern`",
            "补上 `pattern`,或去掉 `open`", "add `pattern`, or remove `open`",
        )  # fmt: skip
    for code, entry in part.codes.items():
        spot = where / "codes" / code
        if pattern is not None and not pattern.search(code):
            findings.add(
                "code-not-of-pattern", spot.key_place, f"代码 `{code}` 不符合 `{part.pattern}`",
                f"the code `{code}` does not match `{part.pattern}`",
                "改正代码或 `pattern`", "repair the code or the `pattern`",
            )  # fmt: skip
        if entry.valid_from and entry.valid_to and entry.valid_to < entry.valid_from:
            findings.add(
                "ends-before-it-begins", (spot / "to").place, f"代码 `{code}` 的失效日早于生效日",
                f"the code `{code}` ends before it begins", "改正 `from` 或 `to`", "repair `from` or `to`",
            )  # fmt: skip
        for successor in entry.successors:
            if successor not in part.codes:
                _unknown_code(successor, spot / "successors", part.codes, findings)
    names = {code: entry.to_bilingual() for code, entry in part.codes.items()}
    return CodeSet(where.path[-1], part.title.to_bilingual(), names, part.hierarchical, part.open, part.pattern)


def _validity(part: CodeSetPart) -> dict[str, Validity]:
    return {
        code: Validity(entry.valid_from, entry.valid_to, tuple(entry.successors))
        for code, entry in part.codes.items()
        if entry.valid_from or entry.valid_to or entry.successors
    }


def _unknown_code(code: str, where: Where, known: Mapping[str, Any], findings: Findings) -> None:
    findings.add(
        "unknown-code",
        where.place,
        f"没有代码 `{code}`",
        f"there is no code `{code}`",
        *suggestion(code, known),
    )


def _group(
    part: CodeGroupPart, where: Where, code_sets: Mapping[str, CodeSet], findings: Findings
) -> tuple[str, tuple[str, ...]]:
    code_set = code_sets.get(part.code_set)
    if code_set is None:
        findings.add(
            "unknown-code-set", (where / "code_set").place, f"没有代码集 `{part.code_set}`",
            f"there is no code set `{part.code_set}`", *suggestion(part.code_set, code_sets),
        )  # fmt: skip
    else:
        for number, code in enumerate(part.codes):
            if not is_code(code, code_set):
                _unknown_code(code, where / "codes" / number, code_set.codes, findings)
    return part.code_set, tuple(part.codes)


def is_code(code: str, code_set: CodeSet) -> bool:
    """Return whether `code` is listed in `code_set`, or of its pattern if the set is open."""
    if code in code_set.codes:
        return True
    return code_set.open and code_set.pattern is not None and re.search(code_set.pattern, code) is not None


def _indicator(
    name: str, part: IndicatorPart, where: Where, code_sets: Mapping[str, CodeSet], findings: Findings
) -> Indicator:
    type_ = build_type(part, where, code_sets, findings)
    values: dict[str, dict[str, int]] = {}
    for region, series in part.values.items():
        spot = where / "values" / region
        regions = code_sets.get("region")
        if region and regions is not None and not is_code(region, regions):
            _unknown_code(region, spot, regions.codes, findings)
        values[region] = {}
        for month, amount in series.items():
            if not _MONTH.fullmatch(month):
                findings.add(
                    "bad-month", (spot / month).key_place, f"`{month}` 不是月份", f"`{month}` is not a month",
                    "写成 \"2026-11\" 的样子", "write months like \"2026-11\"",
                )  # fmt: skip
                continue
            number = scaled(amount, type_.scale if isinstance(type_, Number) else 0, spot / month, findings)
            if isinstance(type_, Number) and not type_.low <= number <= type_.high:
                findings.add(
                    "outside-the-range", (spot / month).place, f"`{amount}` 超出 {part.low} 至 {part.high}",
                    f"`{amount}` lies outside {part.low} to {part.high}",
                    "改正数值,或放宽 `low`、`high`", "repair the value, or widen `low` and `high`",
                )  # fmt: skip
            values[region][month] = number
    return Indicator(name, part.title.to_bilingual(), type_, values, part.lag_months, part.source)
