"""A policy in plain words, Chinese or English: what a citizen, an approver or an auditor reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.policy import Benefit, Condition, Parameter, Policy
from policies.text import Bilingual, Language
from policies.tree import Literal, Node
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
    "all": Bilingual("同时满足：", "all of these hold:"),
    "any": Bilingual("满足其一：", "at least one of these holds:"),
    "none": Bilingual("以下都不成立：", "none of these holds:"),
}
_DELIVERY = {
    "automatic": Bilingual("免申即享：不需申请", "granted without any application"),
    "confirm": Bilingual("确认即享：本人确认后兑现", "granted once the person confirms"),
    "notify": Bilingual("只提示：仍须申请", "told only; an application is still needed"),
    "declare": Bilingual("申报享受：自行申报", "taken by declaration"),
    "channel": Bilingual("渠道直达：由银行、学校等减免", "given directly by a bank, school or other channel"),
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
_SILENCE = {
    "granted": Bilingual("未答复视为接受", "silence counts as acceptance"),
    "not_taken_yet": Bilingual("未答复视为暂未领取，可随时再取", "silence means not taken yet; it can be taken later"),
    "waived": Bilingual("未答复视为放弃", "silence counts as a waiver"),
}
_LIMITS = {
    "floor": Bilingual("不低于", "at least"),
    "cap": Bilingual("不高于", "at most"),
    "rounding": Bilingual("取整", "rounded to"),
}
_ROUNDING = {
    "half_up": Bilingual("四舍五入", "half up"),
    "down": Bilingual("向下", "down"),
    "up": Bilingual("向上", "up"),
}
_COINS = {"fen": Bilingual("分", "fen"), "jiao": Bilingual("角", "jiao"), "yuan": Bilingual("元", "yuan")}


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
        if language == "zh":
            return "是" if value else "否"
        return "yes" if value else "no"
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
    """Return one condition in words: what it `says`, else the expression as written; a group's heading."""
    if condition.says is not None:
        return condition.says.in_language(language)
    if condition.kind == "leaf":
        return condition.text
    return _GROUPS[condition.kind].in_language(language)


def to_plain_words(policy: Policy, language: Language) -> str:
    """Return the whole policy as indented text: who, on what conditions, how much, how often and why."""
    return "\n".join(_Telling(policy, language).lines())


class _Telling:
    """Tells one policy in one language, line by line."""

    def __init__(self, policy: Policy, language: Language) -> None:
        self.policy = policy
        self.language = language

    def say(self, zh: str, en: str) -> str:
        """Return the words of the language."""
        return zh if self.language == "zh" else en

    def field(self, zh: str, en: str, value: str) -> str:
        """Return a line with a label."""
        return self.say(f"{zh}：{value}", f"{en}: {value}")

    def lines(self) -> Iterator[str]:
        """Yield every line."""
        yield f"{self.policy.title.in_language(self.language)}  ({self.policy.id})"
        yield from self._formalities()
        yield ""
        yield self.say("条件", "conditions")
        yield from _conditions(self.policy.eligibility, self.language, "  ")
        yield ""
        kind = _KINDS[self.policy.benefit.kind].in_language(self.language)
        yield self.field("待遇", "benefit", kind)
        yield from self._amounts(self.policy.benefit)
        if self.policy.parameters:
            yield ""
            yield self.say("参数", "parameters")
            for parameter in self.policy.parameters.values():
                yield from self._parameter(parameter)
        if self.policy.definition_texts:
            yield ""
            yield self.say("其中", "where")
            yield from (f"  {name} = {text}" for name, text in self.policy.definition_texts.items())
        yield from self._relations()
        for heading, notes in (
            (self.say("敏感信息及用途", "sensitive data and their purpose"), self._purposes()),
            (self.say("未核实", "not verified"), self.policy.unverified),
        ):
            if notes:
                yield ""
                yield heading
                yield from (f"  - {note}" for note in notes)

    def _formalities(self) -> Iterator[str]:
        policy = self.policy
        first, last = policy.in_force
        yield self.field("发文机关", "authority", policy.authority)
        if last is None:
            yield self.field("施行", "in force", self.say(f"{first} 起，长期有效", f"from {first}, no end date"))
        else:
            yield self.field("施行", "in force", self.say(f"{first} 起，至 {last}", f"from {first} until {last}"))
        for basis in policy.basis:
            day = f" ({basis.date})" if basis.date is not None else ""
            note = f" {basis.note}" if basis.note is not None else ""
            yield self.field("依据", "basis", f"{basis.document}{day}{note}")
        yield self.field("方式", "delivery", _DELIVERY[policy.delivery].in_language(self.language))
        if policy.delivery == "confirm":
            yield self.field("不答复时", "if there is no answer", _SILENCE[policy.silence].in_language(self.language))
        yield self.field("周期", "period", _PERIODS[policy.period].in_language(self.language))
        if policy.triggers:
            yield self.field("事件触发", "triggered by", ", ".join(policy.triggers))
        if policy.for_each is not None:
            yield self.field("逐条计", "for each of", policy.for_each)
        if policy.payee:
            yield self.field("付给", "paid to", ".".join(policy.payee))

    def _amounts(self, benefit: Benefit) -> Iterator[str]:
        for number, tier in enumerate(benefit.tiers, start=1):
            condition = tier.text or self.say("其余", "otherwise")
            yield f"  {number}. " + self.field(condition, condition, self._formula(tier.amount, tier.amount_text))
        if benefit.amount is not None and not benefit.tiers:
            yield f"  {self._formula(benefit.amount, benefit.text)}"
        for key, text in benefit.limits:
            yield f"  {_LIMITS[key].in_language(self.language)} {self._limit(key, text)}"
        for promise in benefit.monotone:
            if promise.direction == "rising":
                yield "  " + self.say(f"{promise.name} 越高，金额不降", f"never less where {promise.name} is higher")
            else:
                yield "  " + self.say(f"{promise.name} 越高，金额不升", f"never more where {promise.name} is higher")

    def _formula(self, amount: Node, text: str) -> str:
        if isinstance(amount, Literal):
            return value_in_words(amount.value, amount.type, self.language)
        return text

    def _limit(self, key: str, text: str) -> str:
        if key != "rounding":
            return text
        to, mode = text.split(" ")
        unit = _COINS[to].in_language(self.language) if to in _COINS else self.say(f"{to} 元的倍数", f"{to} yuan")
        return self.say(f"到{unit}，{_ROUNDING[mode].zh}", f"{unit}, {_ROUNDING[mode].en}")

    def _parameter(self, parameter: Parameter) -> Iterator[str]:
        title = parameter.title.in_language(self.language) if parameter.title is not None else parameter.name
        if parameter.form == "scalar":
            changes = (f"{from_day_number(day)}: {self._value(parameter, one)}" for day, one in parameter.dated)
            yield f"  {title}: " + "; ".join(changes)
            return
        yield f"  {title}:"
        for day, content in parameter.dated:
            yield f"    {from_day_number(day)}: {self._content(parameter, content)}"
        if parameter.each_further is not None:
            yield "    " + self.field("每增一", "each further one", self._value(parameter, parameter.each_further))
        if parameter.has_otherwise:
            yield "    " + self.field("其余", "otherwise", self._value(parameter, parameter.default))

    def _content(self, parameter: Parameter, content: object) -> str:
        if content is None:
            return self.say("废止", "abolished")
        if isinstance(content, Mapping):
            everywhere = self.say("全国", "everywhere")
            return ", ".join(f"{key or everywhere} = {self._value(parameter, one)}" for key, one in content.items())
        assert isinstance(content, tuple)
        parts = []
        for start, rate in content:
            since = value_in_words(start.value, start.type, self.language)
            share = value_in_words(rate.value, rate.type, self.language)
            parts.append(self.say(f"{since} 起 {share}", f"from {since}: {share}"))
        return ", ".join(parts)

    def _value(self, parameter: Parameter, content: object) -> str:
        if content is None:
            return self.say("废止", "abolished")
        assert isinstance(content, bool | int | str)
        return value_in_words(content, parameter.type, self.language)

    def _relations(self) -> Iterator[str]:
        policy = self.policy
        if policy.excludes:
            yield self.field("不与以下同享", "not together with", ", ".join(policy.excludes))
        if policy.net_of:
            yield self.field("扣除已享", "net of", ", ".join(policy.net_of))
        if policy.exclusive is not None:
            yield self.field("同组只享一项", "one of the group", policy.exclusive.group)
        if policy.claims is not None:
            yield self.field("只能使用一次", "usable once in", policy.claims.group)
        if policy.fund is not None:
            yield self.field("资金", "fund", policy.fund)

    def _purposes(self) -> tuple[str, ...]:
        return tuple(self.field(name, name, purpose) for name, purpose in (self.policy.sensitive or {}).items())


def _conditions(condition: Condition, language: Language, indent: str) -> Iterator[str]:
    basis = f"  [{condition.basis}]" if condition.basis else ""
    words = condition_in_words(condition, language)
    written = f"  ({condition.text})" if condition.says is not None and condition.text else ""
    yield f"{indent}- {words}{written}{basis}"
    for child in condition.children:
        yield from _conditions(child, language, indent + "  ")
