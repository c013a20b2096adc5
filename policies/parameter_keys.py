"""The keys of tables: what they are of, and whether every possible one has an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from policies.codes import is_code
from policies.document import Document, Located, Mapping, Scalar
from policies.document_errors import fail
from policies.errors import PolicyError
from policies.model import ParameterShape
from policies.model_errors import did_you_mean
from policies.operands import type_name
from policies.parameter_values import Entry
from policies.scopes import Scope
from policies.tree import Attribute, Literal
from policies.types import Code, Number, Text, Type
from policies.vocabulary import Attribute as Datum
from policies.vocabulary import Collection, Link, Vocabulary


@dataclass(frozen=True, slots=True)
class TableKeys:
    """Reads the keys of the tables of one document; `by` is looked up in `scope`."""

    document: Document
    vocabulary: Vocabulary
    scope: Scope
    definitions: frozenset[str]

    def keyed_by(self, name: str, by: str, dated: list[tuple[date, Located]]) -> Literal | Attribute:
        """Return a node whose type is what the table is keyed by."""
        if by == "integer":
            return Literal(Number(), None)
        if by in self.vocabulary.code_sets and self.scope.find(by.split(".")[0]) is None:
            return Literal(Code(by), None)
        if by in self.definitions:
            keys = [key for _, table in dated if isinstance(table, Mapping) for key, _ in table.entries]
            return Literal(Number() if keys and all(type(key.value) is int for key in keys) else Text(), None)
        found = self._datum(by)
        if found is None:
            raise self._unknown_key(name, by)
        kind = found[0].type
        if not isinstance(kind, Code) and not (isinstance(kind, Number) and kind.scale == 0):
            shown = type_name(kind)
            raise fail(
                self.document.place(("parameters", name, "by")),
                "wrong-type",
                f"表以代码或整数为键，`{by}` 是{shown.zh}",
                f"a table is keyed by a code or an integer; `{by}` is {shown.en}",
                "换一个代码或整数属性",
                "name an attribute that is a code or an integer",
            )
        datum, path = found
        return Attribute(kind, path, declared=kind) if path and datum.derivation is None else Literal(kind, None)

    def _datum(self, dotted: str) -> tuple[Datum, tuple[str, ...]] | None:
        scope, path = self.scope, tuple(dotted.split("."))
        in_subject = True
        for part in path:
            found = scope.find(part)
            what = found.what if found else None
            if isinstance(what, Datum):
                return what, path if in_subject else ()
            if isinstance(what, Link):
                scope = scope.follow(what, self.vocabulary)
            elif isinstance(what, Collection) and found is not None:
                scope, in_subject = scope.item_of(what, found.owner, scope.depth, self.vocabulary), False
            else:
                return None
        return None

    def _unknown_key(self, name: str, by: str) -> PolicyError:
        known = [*self.scope.names(), *self.vocabulary.code_sets, *self.definitions]
        suggestion = did_you_mean(by, known)
        return fail(
            self.document.place(("parameters", name, "by")),
            "unknown-name",
            f"`by` 的 `{by}` 不是属性、定义或代码集",
            f"`{by}` in `by` is no attribute, definition or code set",
            f"是否想写 `{suggestion}`？" if suggestion else "写属性名、代码集名或 integer",
            f"did you mean `{suggestion}`?" if suggestion else "name an attribute, a code set, or integer",
        )

    def row_key(self, key: Scalar, by: Type) -> int | str:
        """Return one key. Raises PolicyError if it is of another kind or no code of the set."""
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
        code_set = self.vocabulary.code_sets.get(by.code_set)
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

    def refuse_gaps(
        self, name: str, by: Type, rows: dict[int | str, Entry] | None, shape: ParameterShape, day: date
    ) -> None:
        """Raise PolicyError if a code of the set has no answer and `otherwise` is not given."""
        if rows is None or "otherwise" in shape.model_fields_set or not isinstance(by, Code):
            return
        code_set = self.vocabulary.code_sets.get(by.code_set)
        missing = [code for code in code_set.codes if code not in rows] if code_set else []
        if not missing and not (code_set and code_set.open):
            return
        listed = ", ".join(missing[:6]) or "…"
        raise fail(
            self.document.place(("parameters", name, "values", day)),
            "table-outside-keys",
            f"表 `{name}` 没有回答这些键：{listed}",
            f"the table `{name}` has no answer for: {listed}",
            "补上这些键，或写 `otherwise:`（不给则写 0，未知则写 null）",
            "add them, or give `otherwise:` (0 for nothing, null for unknown)",
        )
