"""Reading `parameters:`: dated values, tables, regional values and progressive scales."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from policies.codes import is_code, trimmed
from policies.document import Document, Items, Located, Mapping, Scalar
from policies.document_errors import shortened
from policies.errors import Diagnostic, Place, PolicyError
from policies.model import ParameterShape
from policies.model_errors import did_you_mean
from policies.operands import SCALE_LIMIT, type_name
from policies.policy import Parameter
from policies.scopes import Scope
from policies.text import Bilingual
from policies.tree import Attribute, Literal
from policies.types import (
    INT64_HIGH,
    INT64_LOW,
    MONEY_SCALE,
    Bool,
    Code,
    Date,
    Number,
    Text,
    Type,
    Value,
    to_day_number,
)
from policies.vocabulary import Attribute as Datum
from policies.vocabulary import Collection, Link, Vocabulary


def fail(place: Place, code: str, zh: str, en: str, help_zh: str, help_en: str) -> PolicyError:
    """Return an error at a place of the document."""
    return PolicyError(Diagnostic(code, Bilingual(zh, en), Bilingual(help_zh, help_en), place))


@dataclass(frozen=True, slots=True)
class _Entry:
    """One value as it stands in the file."""

    value: object
    place: Place


class ParameterReader:
    """Reads the parameters of one document."""

    def __init__(
        self, document: Document, vocabulary: Vocabulary, scope: Scope, definitions: frozenset[str]
    ) -> None:
        self._document = document
        self._vocabulary = vocabulary
        self._scope = scope
        self._definitions = definitions

    def read(self, name: str, shape: ParameterShape | dict[date, object]) -> Parameter:
        """Return one parameter. Raises PolicyError."""
        described = shape if isinstance(shape, ParameterShape) else None
        path = ("parameters", name, "values") if described else ("parameters", name)
        values = self._document.at(path)
        assert isinstance(values, Mapping)
        dated = [(day, located) for (key, located) in values.entries if isinstance(day := key.value, date)]
        self._refuse_disorder(values)
        if described is None:
            return self._scalar(name, None, dated)
        self._refuse_mixture(name, described)
        if described.scale is not None:
            return self._scale(name, described, dated)
        if described.by is not None:
            return self._table(name, described, dated)
        if described.by_region:
            return self._regional(name, described, dated)
        return self._scalar(name, described, dated)

    def _refuse_disorder(self, values: Mapping) -> None:
        days = [key for key, _ in values.entries]
        for before, after in zip(days, days[1:], strict=False):
            if before.value >= after.value:
                raise fail(
                    after.place,
                    "dates-out-of-order",
                    f"`{after.text}` 排在 `{before.text}` 之后",
                    f"`{after.text}` comes after `{before.text}`",
                    "按日期从早到晚排列",
                    "list the dates from the earliest to the latest",
                )

    def _refuse_mixture(self, name: str, shape: ParameterShape) -> None:
        forms = [
            key
            for key, given in (("by", shape.by), ("by_region", shape.by_region), ("scale", shape.scale))
            if given
        ]
        only_tables = [key for key in ("otherwise", "each_further") if key in shape.model_fields_set]
        place = self._document.key_place(("parameters", name, (forms[1:] or only_tables or ["values"])[0]))
        if len(forms) > 1:
            raise fail(
                place,
                "parameter-form",
                f"`{forms[0]}` 与 `{forms[1]}` 不能同时使用",
                f"`{forms[0]}` and `{forms[1]}` exclude each other",
                "一个参数只有一种形式",
                "a parameter has one form",
            )
        if only_tables and forms != ["by"]:
            raise fail(
                place,
                "parameter-form",
                f"`{only_tables[0]}` 只用于以 `by` 为键的表",
                f"`{only_tables[0]}` belongs to tables with `by`",
                "删除它，或写 `by:`",
                "delete it, or give `by:`",
            )

    # Forms

    def _scalar(
        self, name: str, shape: ParameterShape | None, dated: list[tuple[date, Located]]
    ) -> Parameter:
        entries = [_Entry(self._one(located), located.place) for _, located in dated]
        kind = self._type(name, shape.unit if shape else None, entries)
        contents = tuple(
            (to_day_number(day), self._scaled(entry, kind))
            for (day, _), entry in zip(dated, entries, strict=True)
        )
        return self._parameter(name, "scalar", kind, contents, shape)

    def _parameter(
        self,
        name: str,
        form: str,
        kind: Type,
        contents: tuple[tuple[int, object], ...],
        shape: ParameterShape | None,
        *,
        each_further: Value = None,
        default: Value = None,
        key: Literal | Attribute | None = None,
    ) -> Parameter:
        title = Bilingual(shape.title.zh, shape.title.en) if shape and shape.title else None
        return Parameter(
            name,
            form,  # type: ignore[arg-type]
            kind,
            contents,
            title,
            each_further,
            default,
            stepped=shape is not None and shape.scale == "stepped",
            key=key,
            review_by=shape.review_by if shape else None,
            has_otherwise=shape is not None and "otherwise" in shape.model_fields_set,
        )

    def _table(self, name: str, shape: ParameterShape, dated: list[tuple[date, Located]]) -> Parameter:
        by = self._key(name, shape.by or "", dated)
        tables = [
            (day, self._rows(located, by.type) if located is not None else None)
            for day, located in _or_none(dated)
        ]
        further = self._optional(name, "each_further", shape)
        otherwise = self._optional(name, "otherwise", shape)
        entries = [entry for _, rows in tables if rows is not None for entry in rows.values()]
        kind = self._type(
            name, shape.unit, [*entries, *(one for one in (further, otherwise) if one is not None)]
        )
        if further is not None and not (isinstance(by.type, Number) and isinstance(kind, Number)):
            raise fail(
                further.place,
                "parameter-form",
                "`each_further` 只用于以整数为键的数值表",
                "`each_further` belongs to tables of numbers keyed by integers",
                "删除它，或改用 `otherwise:`",
                "delete it, or use `otherwise:`",
            )
        bounds = self._type(name, shape.unit, [*entries, *([otherwise] if otherwise else [])])
        if isinstance(kind, Number) and isinstance(bounds, Number):
            grow = 10 ** (kind.scale - bounds.scale)
            kind = Number(kind.scale, kind.unit, bounds.low * grow, bounds.high * grow)
        contents: list[tuple[int, object]] = []
        for day, rows in tables:
            self._refuse_gaps(name, by.type, rows, shape, day)
            content = (
                None if rows is None else {key: self._scaled(entry, kind) for key, entry in rows.items()}
            )
            contents.append((to_day_number(day), content))
        return self._parameter(
            name,
            "table",
            kind,
            tuple(contents),
            shape,
            each_further=self._scaled(further, kind) if further else None,
            default=self._scaled(otherwise, kind) if otherwise else None,
            key=by,
        )

    def _optional(self, name: str, key: str, shape: ParameterShape) -> _Entry | None:
        if key not in shape.model_fields_set:
            return None
        located = self._document.at(("parameters", name, key))
        assert located is not None
        return _Entry(self._one(located), located.place)

    def _rows(self, located: Located, by: Type) -> dict[int | str, _Entry]:
        if not isinstance(located, Mapping) or not located.entries:
            raise fail(
                located.place,
                "wrong-type",
                "表的每个日期下应为“键: 值”",
                "a table has keys and values under each date",
                "例：{full: 500, mostly: 250}",
                "for example {full: 500, mostly: 250}",
            )
        rows: dict[int | str, _Entry] = {}
        for key, value in located.entries:
            found = self._row_key(key, by)
            if found in rows:
                raise fail(
                    key.place,
                    "duplicate-key",
                    f"键 `{key.text}` 重复",
                    f"the key `{key.text}` stands here twice",
                    "删除其中一个",
                    "delete one of the two",
                )
            rows[found] = _Entry(self._one(value), value.place)
        return rows

    def _row_key(self, key: Scalar, by: Type) -> int | str:
        if isinstance(by, Number):
            if type(key.value) is int:
                return key.value
            raise fail(
                key.place,
                "wrong-type",
                f"这张表以整数为键，`{key.text}` 不是整数",
                f"this table is keyed by integers; `{key.text}` is none",
                "写整数",
                "write an integer",
            )
        if not isinstance(by, Code):
            return key.text
        code_set = self._vocabulary.code_sets.get(by.code_set)
        if code_set is None or is_code(key.text, code_set):
            return key.text
        suggestion = did_you_mean(key.text, code_set.codes)
        listed = ", ".join(list(code_set.codes)[:12])
        raise fail(
            key.place,
            "unknown-code",
            f"代码集 `{by.code_set}` 中没有 `{key.text}`",
            f"the code set `{by.code_set}` has no `{key.text}`",
            f"是否想写 `{suggestion}`？" if suggestion else f"可用：{listed}",
            f"did you mean `{suggestion}`?" if suggestion else f"it has: {listed}",
        )

    def _refuse_gaps(
        self, name: str, by: Type, rows: dict[int | str, _Entry] | None, shape: ParameterShape, day: date
    ) -> None:
        if rows is None or "otherwise" in shape.model_fields_set or not isinstance(by, Code):
            return
        code_set = self._vocabulary.code_sets.get(by.code_set)
        missing = [code for code in code_set.codes if code not in rows] if code_set else []
        if not missing and not (code_set and code_set.open):
            return
        listed = ", ".join(missing[:6]) or "…"
        raise fail(
            self._document.place(("parameters", name, "values", day)),
            "table-outside-keys",
            f"表 `{name}` 没有回答这些键：{listed}",
            f"the table `{name}` has no answer for: {listed}",
            "补上这些键，或写 `otherwise:`（不给则写 0，未知则写 null）",
            "add them, or give `otherwise:` (0 for nothing, null for unknown)",
        )

    def _regional(self, name: str, shape: ParameterShape, dated: list[tuple[date, Located]]) -> Parameter:
        tables = [
            (day, self._regions(located) if located is not None else None) for day, located in _or_none(dated)
        ]
        entries = [entry for _, rows in tables if rows is not None for entry in rows.values()]
        kind = self._type(name, shape.unit, entries)
        contents = tuple(
            (
                to_day_number(day),
                None if rows is None else {key: self._scaled(entry, kind) for key, entry in rows.items()},
            )
            for day, rows in tables
        )
        return self._parameter(name, "regional", kind, contents, shape)

    def _regions(self, located: Located) -> dict[str, _Entry]:
        rows: dict[str, _Entry] = {}
        for key, value in located.entries if isinstance(located, Mapping) else ():
            text = key.text
            if not (text == "" or (text.isascii() and text.isdigit() and len(text) in (2, 4, 6, 9, 12))):
                raise fail(
                    key.place,
                    "bad-format",
                    f"`{shortened(text)}` 不是区划代码",
                    f"`{shortened(text)}` is not a region",
                    '写 "31"、"310115"，全国写 ""',
                    'write "31" or "310115", and "" for the whole country',
                )
            prefix = trimmed(text)
            if prefix in rows:
                raise fail(
                    key.place,
                    "duplicate-key",
                    f"区划 `{text}` 重复",
                    f"the region `{text}` stands here twice",
                    "删除其中一个",
                    "delete one of the two",
                )
            rows[prefix] = _Entry(self._one(value), value.place)
        if not rows:
            raise fail(
                located.place,
                "wrong-type",
                "分地区的参数在每个日期下应为“区划: 值”",
                "a regional parameter has regions and values under each date",
                '例：{"31": 300, "": 100}',
                'for example {"31": 300, "": 100}',
            )
        return rows

    def _scale(self, name: str, shape: ParameterShape, dated: list[tuple[date, Located]]) -> Parameter:
        contents: list[tuple[int, object]] = []
        scale = MONEY_SCALE if shape.unit == "yuan" else 0
        for day, located in _or_none(dated):
            content = None if located is None else tuple(self._brackets(located, shape.unit))
            contents.append((to_day_number(day), content))
        return self._parameter(name, "scale", Number(scale, shape.unit), tuple(contents), shape)

    def _brackets(self, located: Located, unit: str | None) -> Iterator[tuple[Literal, Literal]]:
        previous: Decimal | int | None = None
        items = located.items if isinstance(located, Items) else ()
        for item in items:
            pair = (
                {key.value: value.value for key, value in item.entries if isinstance(value, Scalar)}
                if isinstance(item, Mapping)
                else {}
            )
            start, rate = pair.get("from"), pair.get("rate")
            if set(pair) != {"from", "rate"} or not (_is_number(start) and _is_number(rate)):
                raise self._bad_brackets(item.place)
            assert isinstance(start, int | Decimal) and isinstance(rate, int | Decimal)
            if (previous is None and start != 0) or (previous is not None and start <= previous):
                raise fail(
                    item.place,
                    "brackets-out-of-order",
                    "分级应从 0 开始，由低到高",
                    "the brackets begin at 0 and rise",
                    "第一级写 from: 0，其后递增",
                    "begin with from: 0 and let each one be higher than the one before",
                )
            previous = start
            yield self._literal(start, unit, item.place), self._literal(rate, None, item.place)
        if previous is None:
            raise self._bad_brackets(located.place)

    def _bad_brackets(self, place: Place) -> PolicyError:
        return fail(
            place,
            "wrong-type",
            "分级应写成 {from: 数, rate: 数} 的列表",
            "a scale is a list of {from: number, rate: number}",
            "例：[{from: 0, rate: 0.03}, {from: 36000, rate: 0.1}]",
            "for example [{from: 0, rate: 0.03}, {from: 36000, rate: 0.1}]",
        )

    def _literal(self, value: int | Decimal, unit: str | None, place: Place) -> Literal:
        kind = self._type("", unit, [_Entry(value, place)])
        scaled = self._scaled(_Entry(value, place), kind)
        return Literal(kind, scaled)

    # Values and keys

    def _one(self, located: Located) -> object:
        if isinstance(located, Scalar):
            return located.value
        raise fail(
            located.place,
            "wrong-type",
            "这里需要一个值",
            "a single value is needed here",
            "以键查值的表要写 `by:` 或 `by_region: true`；分级写 `scale:`",
            "a table needs `by:` or `by_region: true`, brackets need `scale:`",
        )

    def _type(self, name: str, unit: str | None, entries: list[_Entry]) -> Type:
        known = [entry for entry in entries if entry.value is not None]
        kinds = [_kind_of(entry.value) for entry in known]
        for entry, kind in zip(known, kinds, strict=True):
            if kind is not kinds[0] or (unit is not None and kind is not Number):
                wanted = type_name(Number(0, unit) if unit is not None else _example_type(kinds[0]))
                raise fail(
                    entry.place,
                    "wrong-type",
                    f"`{shortened(str(entry.value))}` 与参数 `{name}` 的类型不符（应为{wanted.zh}）",
                    f"`{shortened(str(entry.value))}` does not fit the parameter `{name}`, which is {wanted.en}",
                    "同一参数的值应为同一类型；数不加引号",
                    "all values of a parameter are of one type; numbers have no quotes",
                )
        if not known:
            return Number(MONEY_SCALE if unit == "yuan" else 0, unit, 0, 0)
        if kinds[0] is not Number:
            return _example_type(kinds[0])
        numbers = [Decimal(str(entry.value)) for entry in known]
        scale = max([MONEY_SCALE if unit == "yuan" else 0, *(_places(number) for number in numbers)])
        for entry, number in zip(known, numbers, strict=True):
            if scale > SCALE_LIMIT or not INT64_LOW <= _to_scale(number, scale) <= INT64_HIGH:
                raise fail(
                    entry.place,
                    "number-too-long",
                    f"数字 `{entry.value}` 的位数过多",
                    f"the number `{entry.value}` has too many digits",
                    "减少位数",
                    "use fewer digits",
                )
        scaled = [_to_scale(number, scale) for number in numbers]
        return Number(scale, unit, min(scaled), max(scaled))

    def _scaled(self, entry: _Entry, kind: Type) -> Value:
        value = entry.value
        if isinstance(kind, Number) and isinstance(value, int | Decimal):
            return _to_scale(Decimal(str(value)), kind.scale)
        if isinstance(value, date):
            return to_day_number(value)
        assert value is None or isinstance(value, bool | str)
        return value

    def _key(self, name: str, by: str, dated: list[tuple[date, Located]]) -> Literal | Attribute:
        """Return a node whose type is what the table is keyed by."""
        if by == "integer":
            return Literal(Number(), None)
        if by in self._vocabulary.code_sets and self._scope.find(by.split(".")[0]) is None:
            return Literal(Code(by), None)
        if by in self._definitions:
            keys = [key for _, table in dated if isinstance(table, Mapping) for key, _ in table.entries]
            return Literal(Number() if keys and all(type(key.value) is int for key in keys) else Text(), None)
        found = self._datum(by)
        if found is None:
            raise self._unknown_key(name, by)
        kind = found[0].type
        if not isinstance(kind, Code) and not (isinstance(kind, Number) and kind.scale == 0):
            shown = type_name(kind)
            raise fail(
                self._document.place(("parameters", name, "by")),
                "wrong-type",
                f"表以代码或整数为键，`{by}` 是{shown.zh}",
                f"a table is keyed by a code or an integer; `{by}` is {shown.en}",
                "换一个代码或整数属性",
                "name an attribute that is a code or an integer",
            )
        datum, path = found
        return Attribute(kind, path) if path and datum.derivation is None else Literal(kind, None)

    def _datum(self, dotted: str) -> tuple[Datum, tuple[str, ...]] | None:
        scope, path = self._scope, tuple(dotted.split("."))
        in_subject = True
        for part in path:
            found = scope.find(part)
            what = found.what if found else None
            if isinstance(what, Datum):
                return what, path if in_subject else ()
            if isinstance(what, Link):
                scope = scope.follow(what, self._vocabulary)
            elif isinstance(what, Collection) and found is not None:
                scope, in_subject = scope.item_of(what, found.owner, scope.depth, self._vocabulary), False
            else:
                return None
        return None

    def _unknown_key(self, name: str, by: str) -> PolicyError:
        known = [*self._scope.names(), *self._vocabulary.code_sets, *self._definitions]
        suggestion = did_you_mean(by, known)
        return fail(
            self._document.place(("parameters", name, "by")),
            "unknown-name",
            f"`by` 的 `{by}` 不是属性、定义或代码集",
            f"`{by}` in `by` is no attribute, definition or code set",
            f"是否想写 `{suggestion}`？" if suggestion else "写属性名、代码集名或 integer",
            f"did you mean `{suggestion}`?" if suggestion else "name an attribute, a code set, or integer",
        )


def _or_none(dated: list[tuple[date, Located]]) -> list[tuple[date, Located | None]]:
    """Replace abolished contents by None."""
    return [
        (day, None if isinstance(located, Scalar) and located.value is None else located)
        for day, located in dated
    ]


def _is_number(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _kind_of(value: object) -> type:
    if isinstance(value, bool):
        return Bool
    if isinstance(value, int | Decimal):
        return Number
    return Date if isinstance(value, date) else Text


def _example_type(kind: type) -> Type:
    return {Bool: Bool(), Number: Number(), Date: Date(), Text: Text()}[kind]


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(-exponent, 0)


def _to_scale(number: Decimal, scale: int) -> int:
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    whole = int("".join(map(str, digits)) or "0") * (-1 if sign else 1)
    shift = exponent + scale
    return whole * 10**shift if shift >= 0 else whole // 10**-shift
