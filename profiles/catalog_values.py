"""From the `type`, `unit`, `scale`, `low` and `high` of a catalog entry to a type of the rule language."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from policies.types import INT64_HIGH, INT64_LOW, MONEY_SCALE, Bool, Code, Date, Number, Text, Type
from policies.vocabulary import CodeSet
from profiles.catalog_documents import Amount, AttributePart, IndicatorPart
from profiles.catalog_findings import Findings, Where, suggestion

NUMBERS = ("integer", "decimal", "money")


def build_type(
    part: AttributePart | IndicatorPart, where: Where, code_sets: Mapping[str, CodeSet], findings: Findings
) -> Type:
    """Return the type that `part` declares; mistakes go to `findings`."""
    _refuse_misplaced(part, where, findings)
    if part.type in NUMBERS:
        return _number(part, where, findings)
    if part.type == "code":
        return _code(part, where, code_sets, findings)
    if part.type == "bool":
        return Bool()
    return Date() if part.type == "date" else Text()


def _refuse_misplaced(part: AttributePart | IndicatorPart, where: Where, findings: Findings) -> None:
    allowed = {
        "integer": {"unit", "low", "high"},
        "decimal": {"unit", "scale", "low", "high"},
        "money": {"low", "high"},
        "code": {"code_set"},
    }.get(part.type, set())
    for key in ("unit", "scale", "low", "high", "code_set"):
        if getattr(part, key, None) is not None and key not in allowed:
            findings.add(
                "misplaced-key", (where / key).key_place, f"类型 `{part.type}` 不能有 `{key}`",
                f"the type `{part.type}` takes no `{key}`", f"删去 `{key}`,或改 `type`",
                f"remove `{key}`, or change `type`",
            )  # fmt: skip


def _number(part: AttributePart | IndicatorPart, where: Where, findings: Findings) -> Number:
    scale = MONEY_SCALE if part.type == "money" else (part.scale or 0)
    unit = "yuan" if part.type == "money" else part.unit
    if part.type == "decimal" and part.scale is None:
        _missing("scale", where, findings)
    if part.low is None or part.high is None:
        _missing("low" if part.low is None else "high", where, findings)
        return Number(scale, unit)
    low, high = (
        scaled(part.low, scale, where / "low", findings),
        scaled(part.high, scale, where / "high", findings),
    )
    if low > high:
        findings.add(
            "wrong-bounds", (where / "low").place, f"`low` {part.low} 大于 `high` {part.high}",
            f"`low` {part.low} is above `high` {part.high}", "对调两个界限", "exchange the two bounds",
        )  # fmt: skip
    return Number(scale, unit, low, high)


def _missing(key: str, where: Where, findings: Findings) -> None:
    findings.add(
        "missing-key", where.place, f"数值缺少 `{key}`", f"a number needs `{key}`",
        f"补上 `{key}`;检查器用界限证明不会溢出",
        f"add `{key}`; the checker proves from bounds that nothing overflows",
    )  # fmt: skip


def _code(
    part: AttributePart | IndicatorPart, where: Where, code_sets: Mapping[str, CodeSet], findings: Findings
) -> Code:
    name = getattr(part, "code_set", None)
    if name is None:
        findings.add(
            "missing-key", where.place, "代码缺少 `code_set`", "a code needs `code_set`",
            "补上 `code_set`", "add `code_set`",
        )  # fmt: skip
        return Code("")
    if name not in code_sets:
        findings.add(
            "unknown-code-set", (where / "code_set").place, f"没有代码集 `{name}`",
            f"there is no code set `{name}`", *suggestion(name, code_sets),
        )  # fmt: skip
    return Code(name)


def scaled(amount: Amount, scale: int, where: Where, findings: Findings) -> int:
    """Return `amount` as the integer number of 10**-scale units; mistakes go to `findings`, giving 0."""
    exact = Decimal(amount).scaleb(scale)
    if exact != exact.to_integral_value():
        findings.add(
            "too-many-decimals", where.place, f"`{amount}` 多于 {scale} 位小数",
            f"`{amount}` has more than {scale} decimals", "去掉多余的小数位,或加大 `scale`",
            "drop the decimals, or raise `scale`",
        )  # fmt: skip
        return 0
    number = int(exact)
    if not INT64_LOW <= number <= INT64_HIGH:
        findings.add(
            "beyond-64-bits", where.place, f"`{amount}` 超出 64 位整数", f"`{amount}` does not fit 64 bits",
            "缩小界限", "make the bound smaller",
        )  # fmt: skip
        return 0
    return number
