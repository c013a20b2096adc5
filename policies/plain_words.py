"""A policy in plain words, Chinese or English: what a citizen, an approver or an auditor reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from policies.codes import trimmed
from policies.judgement import KINDS
from policies.policy import Benefit, Condition, Parameter, Policy
from policies.text import Bilingual, Language
from policies.tree import Literal, Node
from policies.types import Bool, Code, Date, Number, Type, Value, from_day_number
from policies.value_days import value_days
from policies.vocabulary import Vocabulary

_UNITS = {
    "yuan": Bilingual("元", "yuan"),
    "years": Bilingual("年", "years"),
    "age": Bilingual("岁", "years"),
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
    "deduction": Bilingual("从税基中扣除，不支付", "taken off a tax base, not paid"),
    "service": Bilingual("服务", "a service"),
    "qualification": Bilingual("资格", "a qualification"),
}
_SILENCE = {
    "granted": Bilingual("未答复视为接受", "silence counts as acceptance"),
    "not_taken_yet": Bilingual("未答复视为暂未领取，可随时再取", "silence means not taken yet; it can be taken later"),
    "waived": Bilingual("未答复视为放弃", "silence counts as a waiver"),
}
_CONFIDENCE = {
    "high": Bilingual("高：关键数额见于所读的官方文本", "high: the figures that decide were read in an official text"),
    "medium": Bilingual("中：见于二手页面，或部分为自有知识", "medium: read at second hand, or partly from memory"),
    "low": Bilingual("低：未能找到可靠来源", "low: no reliable source was found"),
}
_LIMITS = {
    "floor": Bilingual("不低于", "at least"),
    "cap": Bilingual("不高于", "at most"),
    "rounding": Bilingual("取整", "rounded to"),
}
_BOUNDS = {"at_least": Bilingual("不低于", "at least"), "at_most": Bilingual("不高于", "at most")}
_SPANS = {
    "period": Bilingual("每个周期", "in a period"),
    "year": Bilingual("每个日历年", "in a calendar year"),
    "always": Bilingual("一共", "altogether"),
}
_ROUNDING = {
    "half_up": Bilingual("四舍五入", "half up"),
    "down": Bilingual("向下", "down"),
    "up": Bilingual("向上", "up"),
}
_NONE = object()  # a place without a value, which is not the same as an abolished one
_COINS = {"fen": Bilingual("分", "fen"), "jiao": Bilingual("角", "jiao"), "yuan": Bilingual("元", "yuan")}


def scaled_to_text(value: int, scale: int) -> str:
    """Return a scaled integer as a decimal with `scale` places, thousands separated."""
    sign, digits = ("-" if value < 0 else ""), abs(value)
    whole, part = divmod(digits, 10**scale)
    return f"{sign}{whole:,}" + (f".{part:0{scale}d}" if scale else "")


def share_in_words(share: Fraction) -> str:
    """Return a share as people write it: `40%`, `12.5%`, or `1/3` where it does not come out even."""
    for places in range(5):
        hundredths = share * 100 * 10**places
        if hundredths.denominator == 1:
            return f"{scaled_to_text(int(hundredths), places)}%"
    return f"{share.numerator}/{share.denominator}"


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
    if type.unit == "calendar_year":
        return f"{value}年" if language == "zh" else str(value)
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


def parameter_in_words(policy: Policy, parameter: Parameter, language: Language) -> str:
    """Return a parameter of `policy` with its title and all its dated values, in one line."""
    return " ".join(" ".join(_Telling(policy, language).parameter_lines(parameter)).split())


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
        yield from self._parts(self.policy.benefit)
        if self.policy.parameters:
            yield ""
            yield self.say("参数", "parameters")
            for parameter in self.policy.parameters.values():
                yield from self.parameter_lines(parameter)
        if self.policy.overlays:
            yield ""
            yield self.say("各地规定的值", "values of places")
            yield from self._places()
        if self.policy.definition_texts:
            yield ""
            yield self.say("其中", "where")
            for name, text in self.policy.definition_texts.items():
                title = self.policy.definition_titles.get(name)
                called = "" if title is None else self.say(f"（{title.zh}）", f" ({title.en})")
                yield f"  {name}{called} = {text}"
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
        if policy.confidence is not None:
            yield self.field("可信度", "confidence", _CONFIDENCE[policy.confidence].in_language(self.language))
        if policy.judgement is not None:
            kind, reason = KINDS[policy.judgement.kind], policy.judgement.reason
            yield self.say(f"须人工裁定：{kind.zh}（{reason.zh}）", f"for people to judge: {kind.en} ({reason.en})")
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

    def _parts(self, benefit: Benefit) -> Iterator[str]:
        if benefit.says is not None:
            yield f"  {benefit.says.in_language(self.language)}"
        if benefit.instalments:
            yield "  " + self.say("分期兑付，每个周期至多一期：", "in parts, at most one in a period:")
        for number, part in enumerate(benefit.instalments, start=1):
            share = share_in_words(part.share)
            words = part.says.in_language(self.language) if part.says is not None else part.text
            condition = self.say(f"，条件：{words}", f", if {words}") if words else ""
            written = f"  ({part.text})" if part.says is not None and part.text else ""
            basis = f"  [{part.basis}]" if part.basis else ""
            yield f"    {number}. " + self.say(f"全额的 {share}", f"{share} of the whole") + condition + written + basis
        yield from self._ceilings(benefit)
        duty = benefit.obligation
        if duty is not None:
            basis = f"  [{duty.basis}]" if duty.basis else ""
            yield "  " + self.field("义务", "obligation", duty.says.in_language(self.language)) + basis
            yield "    " + self.field("期限（on 为兑现日）", "due (on: the day of the grant)", duty.text)

    def _ceilings(self, benefit: Benefit) -> Iterator[str]:
        if benefit.ceilings:
            yield "  " + self.say("累计上限（金额大的先计）：", "at most over several grants, the largest first:")
        for one in benefit.ceilings:
            words = f"{one.says.in_language(self.language)}: " if one.says is not None else ""
            keys = ", ".join(one.key_texts)
            together = self.say(f"，按 {keys} 分别合计", f", for each {keys}") if keys else ""
            condition = self.say(f"，仅限 {one.when_text}", f", only where {one.when_text}") if one.when_text else ""
            measure = self.say(f"（计 {one.measure_text}）", f" of {one.measure_text}") if one.measure_text else ""
            span = _SPANS[one.within].in_language(self.language)
            basis = f"  [{one.basis}]" if one.basis else ""
            limit = self._formula(one.amount, one.text) if one.is_money else one.text
            amount = f"{limit}{measure} {span}"
            yield f"    - {words}{amount}{together}{condition}  ({one.name}){basis}"

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

    def parameter_lines(self, parameter: Parameter) -> Iterator[str]:
        """Yield a parameter's title and its dated values."""
        title = parameter.title.in_language(self.language) if parameter.title is not None else parameter.name
        days = [day.in_language(self.language) for day in value_days(self.policy).get(parameter.name, ())]
        if days:
            title += self.say(f"（取 {'、'.join(days)} 当日的值）", f" (the value on {' or '.join(days)})")
        title += "".join(f", {_BOUNDS[key].in_language(self.language)} {text}" for key, text in parameter.limits)
        if parameter.form == "scalar":
            changes = (f"{from_day_number(day)}: {self._value(parameter, one)}" for day, one in parameter.dated)
            yield f"  {title}: " + "; ".join(changes)
            return
        yield f"  {title}:"
        if parameter.form == "regional":
            yield from self._by_place(parameter)
            return
        for day, content in parameter.dated:
            yield f"    {from_day_number(day)}: {self._content(parameter, content)}"
        if parameter.each_further is not None:
            yield "    " + self.field("每增一", "each further one", self._value(parameter, parameter.each_further))
        if parameter.has_otherwise:
            yield "    " + self.field("其余", "otherwise", self._value(parameter, parameter.default))

    def _by_place(self, parameter: Parameter) -> Iterator[str]:
        """Tell a regional parameter place by place: a place's values change on days of its own."""
        changes: dict[str, list[str]] = {}
        last: dict[str, object] = {}
        for day, content in parameter.dated:
            now = content if isinstance(content, Mapping) else {}
            for region in dict.fromkeys([*last, *now]):
                value = now.get(region, _NONE)
                if value == last.get(region, _NONE):
                    continue
                shown = self.say("不再有值", "no value") if value is _NONE else self._value(parameter, value)
                changes.setdefault(region, []).append(f"{from_day_number(day)}: {shown}")
                last[region] = value
        names = {trimmed(one.region): one.name for one in self.policy.overlays if one.name is not None}
        for region, told in sorted(changes.items()):
            name = names.get(region)
            words = (
                f"{name.in_language(self.language)} ({region})" if name else region or self.say("全国", "everywhere")
            )
            yield f"    {words}: " + "; ".join(told)
        if not changes:
            first = from_day_number(parameter.dated[0][0])
            yield "    " + self.say(
                f"自 {first} 起由各地规定，尚无一地", f"for places to set from {first} on; none has"
            )

    def _places(self) -> Iterator[str]:
        """Tell which places have laid values over the rule, who says so, and for how long."""
        for one in self.policy.overlays:
            first, last = one.in_force
            name = f"{one.name.in_language(self.language)} ({one.region})" if one.name else one.region
            days = self.say(f"{first} 起", f"from {first}") + (self.say(f"至 {last}", f" until {last}") if last else "")
            documents = ", ".join(basis.document for basis in one.basis)
            yield f"  {name}: {', '.join(one.parameters)}; {days}; {one.authority}; {documents}"
            if one.confidence is not None:
                confidence = _CONFIDENCE[one.confidence].in_language(self.language)
                yield "    " + self.field("可信度", "confidence", confidence)
            yield from (f"    - {self.field('未核实', 'not verified', note)}" for note in one.unverified)

    def _content(self, parameter: Parameter, content: object) -> str:
        if content is None:
            return self.say("废止", "abolished")
        if isinstance(content, Mapping):
            return ", ".join(f"{key} = {self._value(parameter, one)}" for key, one in content.items())
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
