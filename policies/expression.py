"""From the syntax tree of one expression to typed nodes: a closed language, checked as it is built."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from policies.codes import coded
from policies.context import Context, depends_on_data
from policies.document import DEPTH_LIMIT
from policies.errors import PolicyError
from policies.foreign_signs import number_remedy
from policies.functions import FUNCTIONS, call
from policies.model_errors import did_you_mean
from policies.operands import Operand, Quotient, aligned, decimal_literal, number_of, type_name, type_of
from policies.operators import arithmetic, as_condition, chain, conditional, lower_not
from policies.scopes import Found, Scope
from policies.source import Source, Spot, parse, too_deep
from policies.table_reading import look_up
from policies.text import Bilingual
from policies.tree import And, Attribute, IndicatorValue, Literal, Named, Node, Or, ParameterValue, Reference
from policies.types import Bool, Code, Date, Number, Text, are_of_one_kind
from policies.vocabulary import Attribute as Datum
from policies.vocabulary import Collection, Link

REFERENCES = ("on", "period_start", "period_end")
TRUTHS = {"true": True, "false": False}
RESERVED = frozenset({*REFERENCES, *TRUTHS, "subject", *FUNCTIONS})


class Lowering:
    """Lowers one expression in one scope.

    `scope` is where plain names are looked up, `subject` what `subject.x` means, `level` the number of the
    innermost scope in sight (the next item is `level + 1`). `in_item` is True inside an aggregate.
    """

    def __init__(
        self,
        context: Context,
        source: Source,
        scope: Scope,
        subject: Scope,
        level: int,
        *,
        in_item: bool = False,
    ) -> None:
        self.context = context
        self.source = source
        self.scope = scope
        self.subject = subject
        self.level = level
        self.in_item = in_item
        self._nesting = 0

    def inside(self, item: Scope) -> Lowering:
        """Return the lowering of what stands inside an aggregate over items of the scope `item`."""
        inner = Lowering(self.context, self.source, item, self.subject, item.depth, in_item=True)
        inner._nesting = self._nesting
        return inner

    def lower(self, node: ast.expr) -> Operand:
        """Return the operand of `node`. Raises PolicyError."""
        if self._nesting >= DEPTH_LIMIT:
            # Where exactly differs between versions of Python, whose parser may give up first.
            raise too_deep(self.source.at(ast.Pass()))
        self._nesting += 1
        try:
            return self._lower(node)
        finally:
            self._nesting -= 1

    def _lower(self, node: ast.expr) -> Operand:
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name() | ast.Attribute():
                return self._path(node)
            case ast.BoolOp():
                parts = tuple(as_condition(self.lower(part), self.source.at(part)) for part in node.values)
                return (And if isinstance(node.op, ast.And) else Or)(Bool(), parts)
            case ast.UnaryOp(op=ast.Not()):
                return lower_not(self.lower(node.operand), self.source.at(node.operand))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()) | ast.BinOp():
                return arithmetic(self, node)
            case ast.Compare():
                return chain(self, node)
            case ast.IfExp():
                return conditional(self, node)
            case ast.Subscript():
                return look_up(self, node)
            case ast.Call():
                return call(self, node)
        raise self._not_in_language(node)

    def condition(self, node: ast.expr) -> Node:
        """Return the node of a condition. Raises PolicyError if it is something else."""
        return as_condition(self.lower(node), self.source.at(node))

    def _constant(self, node: ast.Constant) -> Node:
        spot = self.source.at(node)
        if isinstance(node.value, bool):
            return Literal(Bool(), node.value)
        if isinstance(node.value, str):
            return Literal(Text(), node.value)
        text = spot.text
        digits = text.replace(".", "", 1)
        if isinstance(node.value, int | float) and digits.isascii() and digits.isdigit():
            return decimal_literal(Decimal(text), spot)
        remedy = number_remedy(text) or Bilingual(
            "数字写成 65 或 0.055，文字加引号，日期写 date(2025, 1, 1)",
            "write numbers as 65 or 0.055, texts in quotes, dates as date(2025, 1, 1)",
        )
        raise spot.error(
            "bad-literal",
            f"`{text}` 不是可用的常量",
            f"`{text}` is not a constant of this language",
            remedy.zh,
            remedy.en,
        )

    def _not_in_language(self, node: ast.expr) -> PolicyError:
        spot = self.source.at(node)
        kind = {
            ast.Lambda: ("函数定义", "a function"),
            ast.ListComp: ("列表推导", "a comprehension"),
            ast.GeneratorExp: ("列表推导", "a comprehension"),
            ast.List: ("列表", "a list"),
            ast.Tuple: ("列表", "a list"),
            ast.Dict: ("映射", "a mapping"),
            ast.JoinedStr: ("格式化文字", "a formatted text"),
            ast.NamedExpr: ("赋值", "an assignment"),
        }.get(type(node), ("这种写法", "this"))
        number = number_remedy(spot.text) if isinstance(node, ast.Tuple) else None
        remedy = number or Bilingual(
            "可用：比较、and/or/not、四则运算、a if c else b、in、函数调用",
            "use comparisons, and/or/not, + - * /, `a if c else b`, `in`, and the listed functions",
        )
        return spot.error(
            "not-in-language",
            f"规则语言不接受{kind[0]}：`{spot.text}`",
            f"the rule language takes no such expression ({kind[1]}): `{spot.text}`",
            remedy.zh,
            remedy.en,
        )

    # Names

    def path_of(self, node: ast.expr) -> list[tuple[str, ast.expr]] | None:
        """Return the names of a dotted path with their places, or None if `node` is no path."""
        parts: list[tuple[str, ast.expr]] = []
        while isinstance(node, ast.Attribute):
            parts.append((node.attr, node))
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        parts.append((node.id, node))
        return parts[::-1]

    def start(self, parts: list[tuple[str, ast.expr]]) -> tuple[Scope, list[tuple[str, ast.expr]]]:
        """Return the scope in which a path begins, and the rest of the path."""
        if parts[0][0] == "subject":
            if len(parts) == 1:
                raise self.source.at(parts[0][1]).error(
                    "bad-path",
                    "`subject` 后面要写属性名",
                    "`subject` must be followed by a name",
                    "写成 subject.名称",
                    "write subject.name",
                )
            return self.subject, parts[1:]
        return self.scope, parts

    def _path(self, node: ast.Name | ast.Attribute) -> Operand:
        parts = self.path_of(node)
        if parts is None:
            raise self._not_in_language(node)
        if len(parts) == 1:
            own = self._single(parts[0][0], self.source.at(node))
            if own is not None:
                return own
        scope, rest = self.start(parts)
        for name, where in rest[:-1]:
            found = self.find(scope, name, where)
            if not isinstance(found.what, Link):
                raise self._not_a_link(found, where)
            self.context.reads.add(found.owner, name)
            scope = scope.follow(found.what, self.context.vocabulary)
        name, where = rest[-1]
        found = self.find(scope, name, where)
        spot = self.source.at(node)
        if isinstance(found.what, Datum):
            return self._attribute(scope, found.what, found.owner, spot)
        if isinstance(found.what, Link):
            self.context.reads.add(found.owner, name)
            return Attribute(Text(), (*scope.prefix, name), scope.depth)
        raise spot.error(
            "collection-needs-function",
            f"`{spot.text}` 是一组记录，不是一个值",
            f"`{spot.text}` is a collection, not a value",
            f"用 count({spot.text})、any({spot.text}, …)、sum({spot.text}, …) 等",
            f"use count({spot.text}), any({spot.text}, ...), sum({spot.text}, ...) and so on",
        )

    def find(self, scope: Scope, name: str, where: ast.expr) -> Found:
        """Return what `name` means in `scope`. Raises PolicyError with the nearest known name."""
        found = scope.find(name)
        if found is not None:
            return found
        spot = self.source.at(where)
        known = {*scope.names()}
        if scope is self.scope:
            known |= {*self.context.definition_names, *self.context.parameters, *REFERENCES}
            known |= {*self.context.vocabulary.indicators}
        remedy = self._remedy(scope, name, known)
        raise spot.error("unknown-name", f"未知的名称 `{name}`", f"unknown name `{name}`", remedy.zh, remedy.en)

    def _remedy(self, scope: Scope, name: str, known: set[str]) -> Bilingual:
        if scope is self.scope and scope is not self.subject and self.subject.find(name) is not None:
            return Bilingual(f"外层对象的属性请写 `subject.{name}`", f"the subject's own is `subject.{name}`")
        suggestion = did_you_mean(name, known)
        if suggestion is not None:
            return Bilingual(f"是否想写 `{suggestion}`？", f"did you mean `{suggestion}`?")
        if name in self.context.vocabulary.code_groups:
            return Bilingual(f"代码组用在 `in {name}` 中", f"a group of codes is used as `in {name}`")
        return Bilingual(
            "在目录中声明该属性，或在 `definitions`、`parameters` 中定义",
            "declare it in the catalog, or define it under `definitions` or `parameters`",
        )

    def _not_a_link(self, found: Found, where: ast.expr) -> PolicyError:
        spot = self.source.at(where)
        if isinstance(found.what, Collection):
            return spot.error(
                "collection-needs-function",
                f"`{spot.text}` 是一组记录，不能直接取其属性",
                f"`{spot.text}` is a collection; its attributes cannot be read directly",
                f"用 any({spot.text}, …)、sum({spot.text}, …) 等",
                f"use any({spot.text}, ...), sum({spot.text}, ...) and so on",
            )
        return spot.error(
            "bad-path",
            f"`{spot.text}` 是一个值，后面不能再接属性",
            f"`{spot.text}` is a value; nothing can follow it",
            "删去后面的部分",
            "delete what follows",
        )

    def _single(self, name: str, spot: Spot) -> Operand | None:
        """Return what a name outside the catalog means: a date, truth, definition, parameter or indicator."""
        if name in TRUTHS:
            return Literal(Bool(), TRUTHS[name])
        if name in REFERENCES:
            return self._reference(name, spot)
        if self.in_item and self.scope.find(name) is not None:
            return None
        if self.source.derived is None and name in self.context.definition_names:
            return self._definition(name, spot)
        parameter = self.context.parameter(name) if self.source.derived is None else None
        if parameter is not None:
            self.context.parameters_used.add(name)
            if parameter.form != "scalar":
                raise self._needs_key(name, parameter.form, spot)
            return ParameterValue(parameter.type, name)
        if name in self.context.vocabulary.indicators and self.scope.find(name) is None:
            return IndicatorValue(self.context.vocabulary.indicators[name].type, name)
        return None

    def _needs_key(self, name: str, form: str, spot: Spot) -> PolicyError:
        if form == "scale":
            return spot.error(
                "needs-key",
                f"`{name}` 是分级比率，不能直接使用",
                f"`{name}` is a scale and cannot be used by itself",
                f"写 progressive({name}, 金额)",
                f"write progressive({name}, amount)",
            )
        return spot.error(
            "needs-key",
            f"`{name}` 是一张表，需要写明查哪一格",
            f"`{name}` is a table; say which entry",
            f"写 {name}[键]",
            f"write {name}[key]",
        )

    def _reference(self, name: str, spot: Spot) -> Node:
        if name != "on" and self.context.period in ("once", "event"):
            raise spot.error(
                "no-period-dates",
                f"周期为 `{self.context.period}` 的政策没有 `{name}`",
                f"a policy with the period `{self.context.period}` has no `{name}`",
                "改用 `on`，或改变 `period`",
                "use `on`, or change `period`",
            )
        which = {"on": "on", "period_start": "period_start", "period_end": "period_end"}[name]
        return Reference(Date(), which)  # type: ignore[arg-type]

    def _definition(self, name: str, spot: Spot) -> Operand:
        assert self.context.definition is not None
        found = self.context.definition(name, spot)
        if self.in_item and depends_on_data(found):
            raise spot.error(
                "definition-not-here",
                f"定义 `{name}` 用到对象自身的数据，不能用在逐条计算之内",
                f"the definition `{name}` uses the subject's data and cannot stand inside an aggregate",
                "把条件直接写在里面，外层属性写 subject.名称",
                "write it out here, with subject.name for the outer attributes",
            )
        return found

    def _attribute(self, scope: Scope, datum: Datum, owner: str, spot: Spot) -> Node:
        path = (*scope.prefix, datum.name)
        if datum.derivation is None:
            self.context.read(owner, datum, spot)
            return Attribute(datum.type, path, scope.depth, datum.type)
        self.context.open(owner, datum, spot)
        key = (owner, datum.name, scope.depth, scope.prefix, self.level)
        known = self.context.derived.get(key)
        if known is None:
            known = self.context.derived[key] = self._derive(scope, datum, owner, spot)
        dotted = ".".join(path)
        is_outer = self.subject.depth == scope.depth and self.scope.depth != scope.depth
        return Named(known.type, f"subject.{dotted}" if is_outer else dotted, known)

    def _derive(self, scope: Scope, datum: Datum, owner: str, spot: Spot) -> Node:
        assert datum.derivation is not None
        if (owner, datum.name) in self.context.deriving:
            raise spot.error(
                "definition-cycle",
                f"派生属性 `{datum.name}` 引用了自己",
                f"the derived attribute `{datum.name}` refers to itself",
                "改正目录中的派生公式",
                "correct its derivation in the catalog",
            )
        self.context.deriving.append((owner, datum.name))
        try:
            source = Source(datum.derivation, spot.place, exact=False, derived=datum.name)
            found = lower_text(self.context, source, scope, scope, self.level)
            return self._as_declared(found, datum, spot)
        finally:
            self.context.deriving.pop()

    def _as_declared(self, found: Operand, datum: Datum, spot: Spot) -> Node:
        if isinstance(datum.type, Code):
            found = coded(found, datum.type, self.context.vocabulary, spot)
        declared, actual = datum.type, type_of(found)
        if not isinstance(found, Quotient) and actual is not None and type(actual) is type(declared):
            if not isinstance(declared, Number) or not isinstance(actual, Number):
                if actual == declared:
                    return found
            elif actual.scale <= declared.scale and (
                actual.unit is None or are_of_one_kind(actual.unit, declared.unit)
            ):
                node = aligned(found, declared.scale, spot)
                return replace(node, type=replace(number_of(node), unit=declared.unit))
        name = type_name(actual)
        raise spot.error(
            "derived-type",
            f"派生属性 `{datum.name}` 算出的是{name.zh}，与声明的类型不符",
            f"the derived attribute `{datum.name}` computes {name.en}, which is not its declared type",
            "改正目录中的类型、小数位或派生公式",
            "correct its type, scale or derivation in the catalog",
        )


def lower_text(context: Context, source: Source, scope: Scope, subject: Scope, level: int) -> Operand:
    """Parse and lower one expression. Raises PolicyError."""
    tree, moved = parse(source)
    _refuse_odd_names(tree, moved)
    found = Lowering(context, moved, scope, subject, level).lower(tree)
    context.measure(found, moved.at(tree))
    return found


def _refuse_odd_names(tree: ast.expr, source: Source) -> None:
    """Python reads look-alike letters as one name; here a name is what it shows: plain ASCII."""
    for node in _names(tree):
        name = node.id if isinstance(node, ast.Name) else node.attr
        spot = source.at(node)
        if not name.isascii() or not spot.text.endswith(name):
            raise spot.error(
                "unknown-name",
                f"名称 `{spot.text}` 含有拉丁字母以外的字符",
                f"the name `{spot.text}` holds characters other than plain letters",
                "名称只用小写拉丁字母、数字和下划线",
                "names are made of lower-case letters, digits and underscores",
            )


def _names(tree: ast.expr) -> Iterator[ast.Name | ast.Attribute]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            yield node
