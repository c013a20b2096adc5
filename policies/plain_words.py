"""A policy in plain words, Chinese or English: what a citizen, an approver or an auditor reads."""

from __future__ import annotations

from collections.abc import Iterator

from policies.policy import Benefit, Condition, Parameter, Policy
from policies.text import Bilingual, Language
from policies.types import Bool, Code, Date, Number, Type, Value, from_day_number
from policies.vocabulary import Vocabulary

_UNITS = {
    "yuan": Bilingual("元", "yuan"),
    "years": Bilingual("岁", "years"),
    "months": Bilingual("个月", "months"),
    "days": Bilingual("天", "days"),
    "people": Bilingual("人", "people"),
    "percent": Bilingual("%", "%"),
}
_GROUPS = {
    "all": Bilingual("同时满足:", "all of these hold:"),
    "any": Bilingual("满足其一:", "at least one of these holds:"),
    "none": Bilingual("以下都不成立:", "none of these holds:"),
}
_DELIVERY = {
    "automatic": Bilingual("免申即享:不需申请", "granted without any application"),
    "confirm": Bilingual("确认即享:本人确认后兑现", "granted once the person confirms"),
    "notify": Bilingual("只提示:仍须申请", "told only; an application is still needed"),
    "declare": Bilingual("申报享受:自行申报", "taken by declaration"),
    "channel": Bilingual("渠道直达:由银行、学校等直接减免", "given directly by a bank, school or other channel"),
}
_PERIODS = {
    "once": Bilingual("一次性", "once"),
    "month": Bilingual("按月", "monthly"),
    "quarter": Bilingual("按季", "quarterly"),
    "year": Bilingual("按年", "yearly"),
    "event": Bilingual("每次事件", "for each event"),
}
_KINDS = {
    "cash": Bilingual("发放现金", "cash"),
    "waiver": Bilingual("减免", "a waiver"),
    "refund": Bilingual("退还", "a refund"),
    "voucher": Bilingual("消费券", "a voucher"),
    "service": Bilingual("服务", "a service"),
    "qualification": Bilingual("资格", "a qualification"),
}


def scaled_to_text(value: int, scale: int) -> str:
    """Return a scaled integer as a decimal with `scale` places, thousands separated."""
    sign, digits = ("-" if value < 0 else ""), abs(value)
    whole, part = divmod(digits, 10**scale)
    return f"{sign}{whole:,}" + (f".{part:0{scale}d}" if scale else "")


def value_in_words(value: Value, type: Type, language: Language, vocabulary: Vocabulary | None = None) -> str:
    """Return one value as people write it: `75.00元`, `1961-05-31`, `浦东新区 (310115)`; None is unknown."""
    if value is None:
        return "未知" if language == "zh" else "unknown"
    if isinstance(type, Bool):
        return {("zh", True): "是", ("zh", False): "否", ("en", True): "yes", ("en", False): "no"}[language, bool(value)]
    if isinstance(type, Date):
        return from_day_number(int(value)).isoformat()
    if isinstance(type, Number):
        return _number_in_words(int(value), type, language)
    if isinstance(type, Code) and vocabulary is not None:
        code_set = vocabulary.code_sets.get(type.code_set)
        name = code_set.codes.get(str(value)) if code_set is not None else None
        if name is not None:
            return f"{name.in_language(language)} ({value})"
    return str(value)


def _number_in_words(value: int, type: Number, language: Language) -> str:
    text = scaled_to_text(value, type.scale)
    if type.unit is None:
        return text
    unit = _UNITS[type.unit].in_language(language) if type.unit in _UNITS else type.unit
    return f"{text}{unit}" if language == "zh" or unit == "%" else f"{text} {unit}"


def condition_in_words(condition: Condition, language: Language) -> str:
    """Return one condition in words: the author's `says`, else the expression as written; a group's heading."""
    if condition.says is not None:
        return condition.says.in_language(language)
    if condition.kind == "leaf":
        return condition.text
    return _GROUPS[condition.kind].in_language(language)


def to_plain_words(policy: Policy, language: Language) -> str:
    """Return the whole policy as indented text: who, on what conditions, how much, how often, on what basis."""
    return "\n".join(_lines(policy, language))


def _lines(policy: Policy, language: Language) -> Iterator[str]:
    def say(zh: str, en: str) -> str:
        return zh if language == "zh" else en

    yield f"{policy.title.in_language(language)}  ({policy.id})"
    first, last = policy.in_force
    until = say("长期有效", "no end date") if last is None else say(f"至 {last}", f"until {last}")
    yield say(f"发文机关:{policy.authority}", f"authority: {policy.authority}")
    yield say(f"施行:{first} 起,{until}", f"in force: from {first}, {until}")
    for basis in policy.basis:
        day = f" ({basis.date})" if basis.date is not None else ""
        yield say("依据:", "basis: ") + basis.document + day
    yield say("方式:", "delivery: ") + _DELIVERY[policy.delivery].in_language(language)
    yield say("周期:", "period: ") + _PERIODS[policy.period].in_language(language)
    if policy.for_each is not None:
        yield say(f"按每条 {policy.for_each} 计", f"for each of: {policy.for_each}")
    yield ""
    yield say("条件", "conditions")
    yield from _conditions(policy.eligibility, language, "  ")
    yield ""
    yield say("待遇:", "benefit: ") + _KINDS[policy.benefit.kind].in_language(language)
    yield from _amounts(policy.benefit, language)
    if policy.parameters:
        yield ""
        yield say("参数", "parameters")
        for parameter in policy.parameters.values():
            yield f"  {_parameter(parameter, language)}"
    if policy.excludes:
        yield say("不与以下同享:", "not together with: ") + ", ".join(policy.excludes)
    if policy.net_of:
        yield say("扣除已享:", "net of: ") + ", ".join(policy.net_of)
    if policy.unverified:
        yield ""
        yield say("未核实", "not verified")
        for note in policy.unverified:
            yield f"  - {note}"


def _conditions(condition: Condition, language: Language, indent: str) -> Iterator[str]:
    basis = f"  [{condition.basis}]" if condition.basis else ""
    words = condition_in_words(condition, language)
    written = f"  ({condition.text})" if condition.says is not None and condition.text else ""
    yield f"{indent}- {words}{written}{basis}"
    for child in condition.children:
        yield from _conditions(child, language, indent + "  ")


def _amounts(benefit: Benefit, language: Language) -> Iterator[str]:
    for number, tier in enumerate(benefit.tiers, start=1):
        yield f"  {number}. {tier.text}"


def _parameter(parameter: Parameter, language: Language) -> str:
    title = parameter.title.in_language(language) if parameter.title is not None else parameter.name
    if parameter.form != "scalar":
        days = ", ".join(from_day_number(day).isoformat() for day, _ in parameter.dated)
        form = {
            "table": Bilingual("表", "table"),
            "regional": Bilingual("分地区", "by region"),
            "scale": Bilingual("累进", "scale"),
        }[parameter.form].in_language(language)
        return f"{title}: {form} ({days})"
    changes = []
    for day, content in parameter.dated:
        known = content if isinstance(content, (bool, int, str)) else None
        changes.append(f"{from_day_number(day)}: {value_in_words(known, parameter.type, language)}")
    return f"{title}: " + "; ".join(changes)
