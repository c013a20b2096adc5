"""Codes, groups of codes, and regions that lie within others."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from policies.errors import PolicyError
from policies.model_errors import did_you_mean
from policies.operands import Operand, Quotient, type_name, type_of
from policies.source import Spot
from policies.tree import If, Literal, Node, Within
from policies.types import Bool, Code, Text
from policies.vocabulary import CodeSet, Vocabulary

if TYPE_CHECKING:
    from policies.expression import Lowering


def trimmed(code: str) -> str:
    """Return a hierarchical code without its trailing pairs of zeros: `310000` becomes `31`."""
    while len(code) > 2 and len(code) % 2 == 0 and code.endswith("00"):
        code = code[:-2]
    return "" if code == "00" else code


def is_code(code: str, code_set: CodeSet) -> bool:
    """Return whether `code` belongs to the set: listed, or of the pattern of an open set."""
    if code in code_set.codes:
        return True
    return code_set.open and (code_set.pattern is None or re.search(code_set.pattern, code) is not None)


def as_code(literal: Literal, kind: Code, vocabulary: Vocabulary, spot: Spot) -> Literal:
    """Return a text literal as a code of `kind`. Raises PolicyError `unknown-code`."""
    code_set = vocabulary.code_sets.get(kind.code_set)
    code = str(literal.value)
    if code_set is None or is_code(code, code_set):
        return Literal(kind, code)
    raise unknown_code(code, code_set, spot)


def coded(found: Operand, kind: Code, vocabulary: Vocabulary, spot: Spot) -> Operand:
    """Return `found` with the texts that it chooses between as codes of `kind`; anything else stays as it is.

    `"L" if is_large else "S"` is a choice of texts until something says which code set they belong to.
    Raises PolicyError `unknown-code`.
    """
    if isinstance(found, Quotient) or not isinstance(found.type, Text):
        return found
    if isinstance(found, Literal):
        return as_code(found, kind, vocabulary, spot)
    if isinstance(found, If):
        then, otherwise = (coded(one, kind, vocabulary, spot) for one in (found.then, found.otherwise))
        if not isinstance(then, Quotient) and not isinstance(otherwise, Quotient) and then.type == otherwise.type:
            return replace(found, type=then.type, then=then, otherwise=otherwise)
    return found


def unknown_code(code: str, code_set: CodeSet, spot: Spot) -> PolicyError:
    """Return the error of a code that is not in its set."""
    suggestion = did_you_mean(code, code_set.codes)
    some = "、".join(f"{one} {name.zh}" for one, name in list(code_set.codes.items())[:8])
    some_en = ", ".join(f"{one} {name.en}" for one, name in list(code_set.codes.items())[:8])
    return spot.error(
        "unknown-code",
        f"代码集 `{code_set.name}` 中没有 `{code}`",
        f"the code set `{code_set.name}` has no `{code}`",
        f"是否想写 `{suggestion}`？" if suggestion else f"可用的有：{some}",
        f"did you mean `{suggestion}`?" if suggestion else f"it has, among others: {some_en}",
    )


def group_codes(name: str, kind: Code, vocabulary: Vocabulary, spot: Spot) -> tuple[str, ...]:
    """Return the codes of a named group of the same code set. Raises PolicyError."""
    group = vocabulary.code_groups.get(name)
    if group is None:
        known = [one for one, (code_set, _) in vocabulary.code_groups.items() if code_set == kind.code_set]
        suggestion = did_you_mean(name, known)
        raise spot.error(
            "unknown-name",
            f"没有名为 `{name}` 的代码组",
            f"there is no group of codes called `{name}`",
            f"是否想写 `{suggestion}`？" if suggestion else f"`{kind.code_set}` 的代码组：{', '.join(known) or '无'}",
            f"did you mean `{suggestion}`?"
            if suggestion
            else f"groups of `{kind.code_set}`: {', '.join(known) or 'none'}; or list the codes in brackets",
        )
    if group[0] != kind.code_set:
        raise spot.error(
            "wrong-type",
            f"代码组 `{name}` 属于 `{group[0]}`，左边是 `{kind.code_set}` 代码",
            f"the group `{name}` belongs to `{group[0]}`; the code is one of `{kind.code_set}`",
            "换成同一代码集的代码组",
            "use a group of the same code set",
        )
    return group[1]


def within(lowering: Lowering, node: ast.Call) -> Node:
    """Return `within(code, "31")`, `within(code, ["31", "33"])` or `within(code, group)`."""
    spot = lowering.source.at(node)
    child = lowering.lower(node.args[0])
    kind = type_of(child)
    vocabulary = lowering.context.vocabulary
    code_set = vocabulary.code_sets.get(kind.code_set) if isinstance(kind, Code) else None
    if isinstance(child, Quotient) or not isinstance(kind, Code) or code_set is None or not code_set.hierarchical:
        name = type_name(kind)
        raise lowering.source.at(node.args[0]).error(
            "wrong-type",
            f"within 的第一个参数应为分级代码（如区划、行业），这里是{name.zh}",
            f"within takes a hierarchical code (a region, an industry) first, not {name.en}",
            "普通代码用 `in`",
            "use `in` for other codes",
        )
    where = lowering.source.at(node.args[1])
    given = node.args[1]
    if isinstance(given, ast.Name):
        prefixes = group_codes(given.id, kind, vocabulary, where)
    else:
        elements = given.elts if isinstance(given, ast.List | ast.Tuple) else [given]
        prefixes = tuple(_prefix(lowering, element, code_set) for element in elements)
    if not prefixes:
        raise spot.error(
            "wrong-type", "within 的范围是空的", "within needs at least one code", "写上代码", "name a code"
        )
    return Within(Bool(), child, tuple(dict.fromkeys(trimmed(prefix) for prefix in prefixes)))


def _prefix(lowering: Lowering, element: ast.expr, code_set: CodeSet) -> str:
    spot = lowering.source.at(element)
    if not isinstance(element, ast.Constant) or not isinstance(element.value, str):
        raise spot.error(
            "wrong-type",
            f"within 的范围应为加引号的代码或代码组，这里是 `{spot.text}`",
            f"within takes codes in quotes or a group of codes, not `{spot.text}`",
            '例：within(hukou_region, "31")',
            'for example within(hukou_region, "31")',
        )
    prefix = trimmed(element.value)
    known = any(code.startswith(prefix) for code in code_set.codes)
    if not known and not (code_set.open and _could_begin(prefix, code_set)):
        raise unknown_code(element.value, code_set, spot)
    return element.value


def _could_begin(prefix: str, code_set: CodeSet) -> bool:
    """An open set lists no codes to compare with: some padding of the prefix must fit the pattern."""
    if code_set.pattern is None:
        return True
    return any(re.search(code_set.pattern, prefix + "0" * padding) for padding in range(12))
