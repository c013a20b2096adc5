"""Reading `parameters:`: dated values, tables, regional values and progressive scales."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Literal as OneOf

from policies.codes import trimmed
from policies.document import Document, Located, Mapping, Scalar
from policies.document_errors import fail, shortened
from policies.errors import PolicyError
from policies.model import ParameterShape
from policies.parameter_keys import TableKeys
from policies.parameter_values import Entry, is_number, one_value, scaled, type_of_entries
from policies.policy import Parameter
from policies.scales import brackets
from policies.scopes import Scope
from policies.text import Bilingual
from policies.tree import Attribute, Literal
from policies.types import MONEY_SCALE, Number, Type, Value, to_day_number
from policies.vocabulary import Vocabulary

_LIMITS = ("at_least", "at_most")


class ParameterReader:
    """Reads the parameters of one document."""

    def __init__(self, document: Document, vocabulary: Vocabulary, scope: Scope, definitions: frozenset[str]) -> None:
        self._document = document
        self._keys = TableKeys(document, vocabulary, scope, definitions)

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

    def _refuse_beyond_limits(self, name: str, shape: ParameterShape | None, kind: Type, entries: list[Entry]) -> None:
        """Raise PolicyError if a value lies beyond the parameter's own `at_least` and `at_most`."""
        limits = {key: getattr(shape, key) for key in _LIMITS if shape is not None and getattr(shape, key) is not None}
        if not limits:
            return
        place = self._document.key_place(("parameters", name, next(iter(limits))))
        if entries and not isinstance(kind, Number):
            raise fail(
                place,
                "parameter-form",
                f"`at_least` 与 `at_most` 只用于数，`{name}` 不是数",
                f"`at_least` and `at_most` belong to numbers; `{name}` is none",
                "删除它们",
                "delete them",
            )
        least, most = limits.get("at_least"), limits.get("at_most")
        if least is not None and most is not None and least > most:
            raise fail(
                place,
                "parameter-form",
                f"`at_least` {least} 大于 `at_most` {most}",
                f"`at_least` {least} is above `at_most` {most}",
                "更正其中一个",
                "correct one of the two",
            )
        for entry in entries:
            if not is_number(entry.value):
                continue
            if (least is not None and entry.value < least) or (most is not None and entry.value > most):
                raise _beyond(name, entry, least, most)

    def _refuse_disorder(self, values: Mapping) -> None:
        days = [key for key, _ in values.entries]
        for before, after in pairwise(days):
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
            key for key, given in (("by", shape.by), ("by_region", shape.by_region), ("scale", shape.scale)) if given
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

    def _scalar(self, name: str, shape: ParameterShape | None, dated: list[tuple[date, Located]]) -> Parameter:
        entries = [Entry(one_value(located), located.place) for _, located in dated]
        kind = type_of_entries(name, shape.unit if shape else None, entries)
        self._refuse_beyond_limits(name, shape, kind, entries)
        contents = tuple(
            (to_day_number(day), scaled(entry, kind)) for (day, _), entry in zip(dated, entries, strict=True)
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
            limits=_limits_of(shape) if shape is not None else (),
        )

    def _table(self, name: str, shape: ParameterShape, dated: list[tuple[date, Located]]) -> Parameter:
        by = self._keys.keyed_by(name, shape.by or "", dated)
        tables = [
            (day, self._rows(located, by.type) if located is not None else None) for day, located in _or_none(dated)
        ]
        further = self._optional(name, "each_further", shape)
        otherwise = self._optional(name, "otherwise", shape)
        entries = [entry for _, rows in tables if rows is not None for entry in rows.values()]
        kind = type_of_entries(name, shape.unit, [*entries, *(one for one in (further, otherwise) if one is not None)])
        if further is not None and not (isinstance(by.type, Number) and isinstance(kind, Number)):
            raise fail(
                further.place,
                "parameter-form",
                "`each_further` 只用于以整数为键的数值表",
                "`each_further` belongs to tables of numbers keyed by integers",
                "删除它，或改用 `otherwise:`",
                "delete it, or use `otherwise:`",
            )
        self._refuse_beyond_limits(name, shape, kind, entries)
        bounds = type_of_entries(name, shape.unit, [*entries, *([otherwise] if otherwise else [])])
        if isinstance(kind, Number) and isinstance(bounds, Number):
            grow = 10 ** (kind.scale - bounds.scale)
            kind = Number(kind.scale, kind.unit, bounds.low * grow, bounds.high * grow)
        contents: list[tuple[int, object]] = []
        for day, rows in tables:
            self._keys.refuse_gaps(name, by.type, rows, shape, day)
            content = None if rows is None else {key: scaled(entry, kind) for key, entry in rows.items()}
            contents.append((to_day_number(day), content))
        return self._parameter(
            name,
            "table",
            kind,
            tuple(contents),
            shape,
            each_further=scaled(further, kind) if further else None,
            default=scaled(otherwise, kind) if otherwise else None,
            key=by,
        )

    def _optional(self, name: str, key: str, shape: ParameterShape) -> Entry | None:
        if key not in shape.model_fields_set:
            return None
        located = self._document.at(("parameters", name, key))
        assert located is not None
        return Entry(one_value(located), located.place)

    def _rows(self, located: Located, by: Type) -> dict[int | str, Entry]:
        if not isinstance(located, Mapping) or not located.entries:
            raise fail(
                located.place,
                "wrong-type",
                "表的每个日期下应为“键: 值”",
                "a table has keys and values under each date",
                "例：{full: 500, mostly: 250}",
                "for example {full: 500, mostly: 250}",
            )
        rows: dict[int | str, Entry] = {}
        for key, value in located.entries:
            found = self._keys.row_key(key, by)
            if found in rows:
                raise fail(
                    key.place,
                    "duplicate-key",
                    f"键 `{key.text}` 重复",
                    f"the key `{key.text}` stands here twice",
                    "删除其中一个",
                    "delete one of the two",
                )
            rows[found] = Entry(one_value(value), value.place)
        return rows

    def _regional(self, name: str, shape: ParameterShape, dated: list[tuple[date, Located]]) -> Parameter:
        tables = [(day, self._regions(located) if located is not None else None) for day, located in _or_none(dated)]
        entries = [entry for _, rows in tables if rows is not None for entry in rows.values()]
        kind = type_of_entries(name, shape.unit, entries)
        self._refuse_beyond_limits(name, shape, kind, entries)
        contents = tuple(
            (
                to_day_number(day),
                None if rows is None else {key: scaled(entry, kind) for key, entry in rows.items()},
            )
            for day, rows in tables
        )
        return self._parameter(name, "regional", kind, contents, shape)

    def _regions(self, located: Located) -> dict[str, Entry]:
        rows: dict[str, Entry] = {}
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
            rows[prefix] = Entry(one_value(value), value.place)
        # No region yet: the rule opens the parameter, and leaves every value to the overlays of the places.
        if not rows and not isinstance(located, Mapping):
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
        limits = [key for key in _LIMITS if getattr(shape, key) is not None]
        if limits:
            raise fail(
                self._document.key_place(("parameters", name, limits[0])),
                "parameter-form",
                f"`{limits[0]}` 不用于分级（`scale`）",
                f"`{limits[0]}` does not go with brackets (`scale`)",
                "删除它，或在 `benefit` 里写 `floor:`、`cap:`",
                "delete it, or give `floor:` or `cap:` in `benefit`",
            )
        contents: list[tuple[int, object]] = []
        scale = MONEY_SCALE if shape.unit == "yuan" else 0
        for day, located in _or_none(dated):
            content = None if located is None else tuple(brackets(located, shape.unit))
            contents.append((to_day_number(day), content))
        return self._parameter(name, "scale", Number(scale, shape.unit), tuple(contents), shape)


def _limits_of(shape: ParameterShape) -> tuple[tuple[OneOf["at_least", "at_most"], str], ...]:
    given = (("at_least", shape.at_least), ("at_most", shape.at_most))
    return tuple((key, str(value)) for key, value in given if value is not None)  # type: ignore[misc]


def _beyond(name: str, entry: Entry, least: object, most: object) -> PolicyError:
    bounds_zh = [f"不低于 {least}"] * (least is not None) + [f"不高于 {most}"] * (most is not None)
    bounds_en = [f"at least {least}"] * (least is not None) + [f"at most {most}"] * (most is not None)
    return fail(
        entry.place,
        "parameter-beyond-limits",
        f"`{name}` 的值 {entry.value} 超出规则所定的范围（{'、'.join(bounds_zh)}）",
        f"the value {entry.value} of `{name}` is beyond what the rule allows ({', '.join(bounds_en)})",
        "更正数值；若规则本身已改，先改 `at_least`、`at_most`",
        "correct the value; if the rule itself has changed, change `at_least` or `at_most` first",
    )


def _or_none(dated: list[tuple[date, Located]]) -> list[tuple[date, Located | None]]:
    """Replace abolished contents by None."""
    return [(day, None if isinstance(located, Scalar) and located.value is None else located) for day, located in dated]
