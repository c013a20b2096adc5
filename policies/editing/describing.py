"""What an editor shows of a name: one line beside it, and all that is known of it when it is pointed at."""

from __future__ import annotations

from decimal import Decimal

from policies.editing.knowledge import Knowledge, OwnDefinition, OwnParameter
from policies.function_meanings import FUNCTION_MEANINGS
from policies.functions import FUNCTIONS
from policies.operands import type_name
from policies.scopes import GRANTS
from policies.text import Bilingual
from policies.types import Code, Number, Type
from policies.vocabulary import Attribute, Collection, Indicator, Link

EMPTY = Bilingual("", "")
# The words of the language that are neither functions nor names, and what they mean.
WORDS: dict[str, Bilingual] = {
    "on": Bilingual("判定的那一天", "the day for which it is decided"),
    "period_start": Bilingual("本期第一天", "the first day of the period"),
    "period_end": Bilingual("本期最后一天", "the last day of the period"),
    "subject": Bilingual("外层对象,如 subject.名称", "the subject outside: subject.name"),
    "true": Bilingual("是", "true"),
    "false": Bilingual("否", "false"),
    "not": Bilingual("不", "not"),
}
OPERATORS: dict[str, Bilingual] = {
    "and": Bilingual("并且", "both hold"),
    "or": Bilingual("或者", "one of them holds"),
    "in": Bilingual("属于所列的值或代码组", "is one of those listed, or of a group of codes"),
    "not in": Bilingual("不属于", "is none of those listed"),
    "if": Bilingual("甲 if 条件 else 乙", "a if condition else b"),
    "else": Bilingual("否则", "otherwise"),
}


def joined(*parts: Bilingual | None) -> Bilingual:
    """Return several short texts as one line."""
    found = [part for part in parts if part is not None and part != EMPTY]
    return Bilingual(" · ".join(one.zh for one in found), " · ".join(one.en for one in found))


def stacked(*parts: Bilingual | None) -> Bilingual:
    """Return several texts as paragraphs."""
    found = [part for part in parts if part is not None and part != EMPTY]
    return Bilingual("\n\n".join(one.zh for one in found), "\n\n".join(one.en for one in found))


def both(text: Bilingual) -> Bilingual:
    """Return a title in both languages at once: what law calls a thing has to be found in either."""
    return text if text.zh == text.en else Bilingual(f"{text.zh} · {text.en}", f"{text.en} · {text.zh}")


def of_type(kind: Type, knowledge: Knowledge) -> Bilingual:
    """Return what kind of value it is: of a code set its title, of a number its unit and bounds."""
    if isinstance(kind, Code):
        code_set = knowledge.vocabulary.code_sets.get(kind.code_set)
        title = code_set.title if code_set is not None else Bilingual(kind.code_set, kind.code_set)
        return Bilingual(f"代码 `{kind.code_set}`({title.zh})", f"a code of `{kind.code_set}` ({title.en})")
    return type_name(kind)


def of_attribute(attribute: Attribute, knowledge: Knowledge) -> Bilingual:
    """Return one line: title, type, who delivers it, how long it counts, whether it is sensitive."""
    sensitive = Bilingual("敏感", "sensitive") if attribute.sensitivity == "sensitive" else None
    return joined(
        attribute.title, of_type(attribute.type, knowledge), _agency(attribute.source, knowledge),
        _freshness(attribute), sensitive,
    )  # fmt: skip


def attribute_in_full(attribute: Attribute, knowledge: Knowledge) -> Bilingual:
    """Return everything that the catalog says of an attribute."""
    sensitive = None
    if attribute.sensitivity == "sensitive":
        name = attribute.name
        sensitive = Bilingual(
            f"敏感信息:须在 `sensitive:` 中写 `{name}: 用途`",
            f"sensitive: write `{name}: purpose` under `sensitive:`",
        )
    derived = None
    if attribute.derivation is not None:
        derived = Bilingual(
            f"由目录算出:`{attribute.derivation}`", f"worked out in the catalog: `{attribute.derivation}`"
        )
    facts = joined(of_type(attribute.type, knowledge), _bounds(attribute.type), _agency(attribute.source, knowledge))
    code_set = attribute.type.code_set if isinstance(attribute.type, Code) else ""
    codes = _some_codes(code_set, knowledge)
    return stacked(_heading(attribute.name, attribute.title), facts, _freshness(attribute), sensitive, derived, codes)


def of_link(link: Link, knowledge: Knowledge) -> Bilingual:
    """Return one line about a link."""
    target = Bilingual(f"→ {link.target}", f"→ {link.target}")
    return joined(link.title, target, _agency(link.source, knowledge))


def of_collection(collection: Collection, knowledge: Knowledge) -> Bilingual:
    """Return one line about a collection."""
    most = Bilingual(f"至多 {collection.at_most} 项", f"at most {collection.at_most} items")
    kind = Bilingual("一组记录", "a collection")
    return joined(collection.title, kind, most, _agency(collection.source, knowledge))


def found_in_full(what: Attribute | Link | Collection, knowledge: Knowledge) -> Bilingual:
    """Return everything that is known of a name of the catalog."""
    if isinstance(what, Attribute):
        return attribute_in_full(what, knowledge)
    if isinstance(what, Link):
        return stacked(_heading(what.name, what.title), of_link(what, knowledge))
    names = sorted({*what.attributes, *what.links})
    inner = Bilingual("含:" + "、".join(names), "has: " + ", ".join(names)) if names else None
    past = Bilingual("账本里此前的兑现", "what the ledger holds of earlier grants") if what is GRANTS else None
    return stacked(_heading(what.name, what.title), of_collection(what, knowledge), past, inner)


def of_parameter(parameter: OwnParameter) -> Bilingual:
    """Return one line about a parameter: title, unit, newest value."""
    form = {"table": Bilingual(f"按 {parameter.by} 查表", f"a table by {parameter.by}"),
            "scale": Bilingual("分段", "brackets")}.get(parameter.form)  # fmt: skip
    value = None
    if parameter.values and parameter.form == "scalar":
        day, text = parameter.values[-1]
        value = Bilingual(f"{text}({day} 起)", f"{text} (from {day})")
    unit = Bilingual(parameter.unit, parameter.unit) if parameter.unit else None
    opened = Bilingual("各地可自定", "open to places") if parameter.is_open else None
    return joined(parameter.title, unit, form, opened, value)


def parameter_in_full(parameter: OwnParameter) -> Bilingual:
    """Return a parameter with all its dated values: which of them counts depends on the day."""
    rows = "\n".join(f"- {day}: {text}" for day, text in parameter.values)
    heading = _heading(parameter.name, parameter.title)
    values = Bilingual(f"各期的值:\n{rows}", f"values by the day from which they hold:\n{rows}") if rows else None
    unit = Bilingual(f"单位:{parameter.unit}", f"unit: {parameter.unit}") if parameter.unit else None
    table = opened = None
    if parameter.form == "table":
        use = f"{parameter.name}[…]"
        table = Bilingual(f"按 `{parameter.by}` 查表,写 `{use}`", f"a table by `{parameter.by}`, used as `{use}`")
    if parameter.is_open:
        opened = Bilingual("各地可用叠加文件填自己的值", "places set their own value in an overlay")
    return stacked(heading, unit, table, opened, values)


def definition_in_full(definition: OwnDefinition, knowledge: Knowledge) -> Bilingual:
    """Return a definition with its text, and its type once that is known."""
    kind = of_type(definition.type, knowledge) if definition.type is not None else None
    text = f"```\n{definition.text}\n```"
    return stacked(_heading(definition.name, definition.title), kind, Bilingual(text, text))


def of_indicator(indicator: Indicator) -> Bilingual:
    """Return one line about a public series."""
    lag = Bilingual(f"{indicator.lag_months} 个月前的值", f"the value of {indicator.lag_months} month(s) before")
    return joined(indicator.title, type_name(indicator.type), Bilingual("指标", "indicator"), lag)


def function_in_full(name: str) -> Bilingual:
    """Return how a function is written, what it means, and a condition with it that holds."""
    zh, en, shown = FUNCTION_MEANINGS[name]
    form = f"```\n{FUNCTIONS[name].form}\n```"
    example = Bilingual(f"例:`{shown}`", f"for example `{shown}`")
    return stacked(Bilingual(form, form), Bilingual(zh, en), example)


def of_code(code_set: str, code: str, knowledge: Knowledge) -> Bilingual:
    """Return what a code is called, and from when to when it is in use if that is limited."""
    known = knowledge.vocabulary.code_sets.get(code_set)
    title = known.codes.get(code) if known is not None else None
    return joined(both(title) if title is not None else None, validity(code_set, code, knowledge))


def validity(code_set: str, code: str, knowledge: Knowledge) -> Bilingual | None:
    """Return from when to when a code is in use, or None if it always is."""
    first, last = knowledge.validity.get(code_set, {}).get(code, (None, None))
    if first is None and last is None:
        return None
    since = Bilingual(f"{first} 起", f"from {first}") if first is not None else EMPTY
    until = Bilingual(f"至 {last} 止", f"until {last}") if last is not None else EMPTY
    return Bilingual(f"{since.zh}{until.zh}", f"{since.en} {until.en}".strip())


def _heading(name: str, title: Bilingual | None) -> Bilingual:
    words = both(title) if title is not None else Bilingual("", "")
    return Bilingual(f"**{name}** {words.zh}".rstrip(), f"**{name}** {words.en}".rstrip())


def _agency(source: str, knowledge: Knowledge) -> Bilingual | None:
    return knowledge.agencies.get(source)


def _freshness(attribute: Attribute) -> Bilingual | None:
    if attribute.freshness_days is not None:
        days = attribute.freshness_days
        return Bilingual(f"{days} 天内有效", f"counts for {days} days")
    return Bilingual("长期有效", "never goes stale") if attribute.lasting else None


def _bounds(kind: Type) -> Bilingual | None:
    if not isinstance(kind, Number):
        return None
    low, high = (format(Decimal(bound).scaleb(-kind.scale).normalize(), "f") for bound in (kind.low, kind.high))
    return Bilingual(f"{low} 到 {high}", f"{low} to {high}")


def _some_codes(name: str, knowledge: Knowledge) -> Bilingual | None:
    code_set = knowledge.vocabulary.code_sets.get(name)
    if code_set is None or not code_set.codes:
        return None
    shown = list(code_set.codes.items())[:12]
    more = len(code_set.codes) - len(shown)
    zh = [f"- `{code}` {title.zh}" for code, title in shown] + ([f"- 另有 {more} 个"] if more else [])
    en = [f"- `{code}` {title.en}" for code, title in shown] + ([f"- and {more} more"] if more else [])
    return Bilingual("\n".join(zh), "\n".join(en))
