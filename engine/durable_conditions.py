"""Conditions in the shape that durable-rules decides soundly: negation at the leaves, one rule per conjunction.

`fires_when` turns a condition into a formula that holds exactly when the condition is *known* to be true (or
known to be false). Kleene's logic is a distributive lattice, so taking the formula apart into conjunctions
changes nothing; a comparison on a missing attribute is false for either answer, so nothing is proved by absence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.durable_terms import LARGEST, LONGEST_TEXT, TermBook
from engine.interpreter_values import TURNED, Surroundings, evaluate
from policies.errors import DurableError
from policies.policy import Condition
from policies.tree import And, Compare, CompareRatio, If, In, Literal, Named, Node, Not, Or, Within
from policies.types import Bool, Code, Text, Value

LONGEST_LIST = 100  # values of one list; a longer one is tested before, and its answer handed over as one datum
MOST_NOT_IN = 150  # values that one conjunction may rule out
MOST_LISTS = 8  # in-lists of one conjunction: each is a group of alternatives in durable-rules' network
MOST_CONJUNCTIONS = 400  # rules of one question
_MOST_ON_THE_WAY = 1_200

_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_EMPTY = Surroundings((), False, {}, None)


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison of a term with constants; `operator` is one of < <= > >= in not-in (sets: sorted)."""

    term: int
    operator: str
    values: tuple[int | str | bool, ...]


@dataclass(frozen=True, slots=True)
class Every:
    """Holds if every part holds; empty: always."""

    parts: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Some:
    """Holds if some part holds; empty: never."""

    parts: tuple[Formula, ...] = ()


Formula = Test | Every | Some
Conjunction = frozenset[Test]
ALWAYS, NEVER = Every(), Some()


def fires_when(condition: Condition, wanted: bool, book: TermBook) -> Formula:
    """Return what must be found for `condition` to be known as `wanted`; its terms are entered in `book`."""
    if condition.expression is not None:
        return expression_fires_when(condition.expression, wanted, book)
    inner = not wanted if condition.kind == "none" else wanted
    parts = tuple(fires_when(child, inner, book) for child in condition.children)
    every = wanted if condition.kind in ("all", "none") else not wanted
    return Every(parts) if every else Some(parts)


def expression_fires_when(node: Node, wanted: bool, book: TermBook) -> Formula:
    """Return what must be found for a boolean expression to be known as `wanted`.

    Raises DurableError `not-expressible` for constants that durable-rules cannot hold.
    """
    if isinstance(node, Named):
        inner = _inner(node)
        # A term keeps the name that people know.
        return _leaf(node, wanted, book) if _is_term(inner) else expression_fires_when(inner, wanted, book)
    if isinstance(node, Literal):
        return ALWAYS if node.value is wanted else NEVER
    if isinstance(node, Not):
        return expression_fires_when(node.child, not wanted, book)
    if isinstance(node, And | Or):
        parts = tuple(expression_fires_when(child, wanted, book) for child in node.children)
        return Every(parts) if isinstance(node, And) is wanted else Some(parts)
    if isinstance(node, If):
        return Some(
            tuple(
                Every((expression_fires_when(node.condition, met, book), expression_fires_when(branch, wanted, book)))
                for met, branch in ((True, node.then), (False, node.otherwise))
            )
        )
    if isinstance(node, Compare):
        return _compare(node, wanted, book)
    if isinstance(node, CompareRatio):
        return _signed("ratio", node, node.operator, wanted, book)
    if isinstance(node, In | Within) and len(set(_listed(node))) > LONGEST_LIST:
        return _leaf(node, wanted, book)
    if isinstance(node, In):
        return _in_list(book, "value", node.child, node.values, wanted)
    if isinstance(node, Within):
        return _within(node, wanted, book)
    return _leaf(node, wanted, book)


def _listed(node: In | Within) -> tuple[int | str, ...]:
    return node.values if isinstance(node, In) else node.prefixes


def _is_term(node: Node) -> bool:
    return not isinstance(node, Literal | Not | And | Or | If | Compare | CompareRatio | In | Within)


def _inner(node: Node) -> Node:
    while isinstance(node, Named):
        node = node.child
    return node


def _leaf(node: Node, wanted: bool, book: TermBook) -> Formula:
    return Test(book.number_of("value", node), "in", (wanted,))


def _compare(node: Compare, wanted: bool, book: TermBook) -> Formula:
    if isinstance(node.left.type, Bool) or isinstance(node.right.type, Bool):
        return _compare_answers(node, wanted, book)
    operator = node.operator if wanted else _OPPOSITE[node.operator]
    left, right = _inner(node.left), _inner(node.right)
    if isinstance(left, Literal) and isinstance(right, Literal):
        found = evaluate(node, _EMPTY).value if left.value is not None and right.value is not None else None
        return ALWAYS if found is wanted else NEVER
    if isinstance(left, Literal):
        return _with_constant(book, node.right, TURNED[operator], left.value)
    if isinstance(right, Literal):
        return _with_constant(book, node.left, operator, right.value)
    if isinstance(left.type, Text | Code):
        equal = (node.operator == "==") is wanted
        return Test(book.number_of("same", Compare(node.type, "==", node.left, node.right)), "in", (equal,))
    return _signed("difference", node, node.operator, wanted, book)


def _compare_answers(node: Compare, wanted: bool, book: TermBook) -> Formula:
    """Two booleans are equal if both are true or both are false; each side must be known."""
    equal = (node.operator == "==") is wanted
    return Some(
        tuple(
            Every(
                (
                    expression_fires_when(node.left, answer, book),
                    expression_fires_when(node.right, answer is equal, book),
                )
            )
            for answer in (True, False)
        )
    )


def _signed(form: str, node: Compare | CompareRatio, operator: str, wanted: bool, book: TermBook) -> Formula:
    if isinstance(node, CompareRatio):
        plain: Node = CompareRatio(node.type, "==", node.numerator, node.denominator, node.right)
        number = book.number_of("ratio", plain)
    else:
        number = book.number_of("difference", Compare(node.type, "==", node.left, node.right))
    return _test(number, operator if wanted else _OPPOSITE[operator], 0)


def _with_constant(book: TermBook, node: Node, operator: str, constant: Value) -> Formula:
    if constant is None:
        return NEVER
    if not isinstance(constant, str) and not -LARGEST < constant < LARGEST:
        raise not_expressible(
            f"常数 {constant} 超出 64 位", f"the constant {constant}, which leaves 64 bits", _shrink_zh, _shrink_en
        )
    if isinstance(constant, str):
        _check_texts((constant,))
    return _test(book.number_of("value", node), operator, constant)


def _test(term: int, operator: str, constant: int | str | bool) -> Test:
    if operator in ("==", "!="):
        return Test(term, "in" if operator == "==" else "not-in", (constant,))
    return Test(term, operator, (constant,))


def _in_list(
    book: TermBook, form: str, node: Node, values: Iterable[int | str], wanted: bool, length: int = 0
) -> Formula:
    distinct = sorted(set(values), key=lambda one: (isinstance(one, str), one))
    if isinstance(_inner(node), Literal):
        found = _inner(node).value  # type: ignore[union-attr]
        if found is None:
            return NEVER
        inside = (str(found)[:length] if form == "prefix" else found) in distinct
        return ALWAYS if inside is wanted else NEVER
    if any(not isinstance(one, str) and not -LARGEST < one < LARGEST for one in distinct):
        raise not_expressible("超出 64 位的列表值", "a list value that leaves 64 bits", _shrink_zh, _shrink_en)
    _check_texts(one for one in distinct if isinstance(one, str))
    number = book.number_of("prefix" if form == "prefix" else "value", node, length)
    return Test(number, "in" if wanted else "not-in", tuple(distinct))


def _within(node: Within, wanted: bool, book: TermBook) -> Formula:
    """A code begins with one of some prefixes if its beginning of that length is one of them."""
    by_length: dict[int, list[str]] = {}
    for prefix in node.prefixes:
        by_length.setdefault(len(prefix), []).append(prefix)
    if 0 in by_length:
        if isinstance(_inner(node.child), Literal):
            return ALWAYS if wanted and _inner(node.child).value is not None else NEVER  # type: ignore[union-attr]
        return Test(book.number_of("known", node.child), "in", (True,)) if wanted else NEVER
    parts = tuple(
        _in_list(book, "prefix", node.child, prefixes, wanted, length) for length, prefixes in sorted(by_length.items())
    )
    return Some(parts) if wanted else Every(parts)


def _check_texts(texts: Iterable[str]) -> None:
    for text in texts:
        if len(text) > LONGEST_TEXT or any("\ud800" <= one <= "\udfff" for one in text):
            raise not_expressible(
                f"长度 {len(text)} 的文本常数",
                f"a text constant of {len(text)} characters",
                "改用较短的代码",
                "use a shorter code",
            )


_shrink_zh, _shrink_en = "缩小数值，或改用较小的单位精度", "use smaller numbers, or a coarser scale"


def not_expressible(zh: str, en: str, help_zh: str, help_en: str) -> DurableError:
    """Return the refusal of a construct that durable-rules could only approximate."""
    error = DurableError.of(
        "not-expressible", f"durable-rules 不能精确表达{zh}", f"durable-rules cannot express exactly {en}",
        help_zh=help_zh, help_en=help_en,
    )  # fmt: skip
    assert isinstance(error, DurableError)
    return error


def conjunctions(formula: Formula, what: str) -> tuple[Conjunction, ...]:
    """Return the alternatives under which `formula` holds, each a set of tests that must all succeed.

    Raises DurableError `not-expressible` if there are more than MOST_CONJUNCTIONS; `what` names the question.
    """
    found = _absorbed(_alternatives(formula, what))
    if len(found) > MOST_CONJUNCTIONS:
        raise _too_many(len(found), what)
    for one in found:
        lists = sum(test.operator == "in" and len(test.values) > 1 for test in one)
        ruled_out = sum(len(test.values) for test in one if test.operator == "not-in")
        if lists > MOST_LISTS or ruled_out > MOST_NOT_IN or len(one) + ruled_out > 200:
            raise not_expressible(
                f"同时含 {lists} 个列表、排除 {ruled_out} 个值的 {len(one)} 个并列条件",
                f"{len(one)} conditions at once with {lists} lists and {ruled_out} values ruled out",
                "拆分条件，或把列表改为上级代码",
                "split the condition, or replace lists by common prefixes",
            )
    return found


def _alternatives(formula: Formula, what: str) -> list[Conjunction]:
    if isinstance(formula, Test):
        return [frozenset((formula,))]
    if isinstance(formula, Some):
        together = [one for part in formula.parts for one in _alternatives(part, what)]
        return list(_absorbed(together)) if len(formula.parts) > 1 else together
    products: list[Conjunction] = [frozenset()]
    for part in formula.parts:
        options = _alternatives(part, what)
        if len(products) * len(options) > _MOST_ON_THE_WAY:
            raise _too_many(len(products) * len(options), what)
        joined = (_merged(left | right) for left in products for right in options)
        products = list(_absorbed(one for one in joined if one is not None))
    return products


def _too_many(count: int, what: str) -> DurableError:
    return not_expressible(
        f"{what}：展开成 {count} 个并列情形（至多 {MOST_CONJUNCTIONS} 个）",
        f"`{what}`: it falls apart into {count} alternatives ({MOST_CONJUNCTIONS} at most)",
        "减少 any 与 or 的层层嵌套，或合并同类条件",
        "nest fewer any and or, or merge conditions of one kind",
    )


def _merged(tests: Conjunction) -> Conjunction | None:
    """Join the tests of equality on one term; None if they contradict each other, so that nothing can fire."""
    allowed: dict[int, set[int | str | bool]] = {}
    ruled_out: dict[int, set[int | str | bool]] = {}
    kept: set[Test] = set()
    for test in tests:
        if test.operator == "in":
            known = allowed.get(test.term)
            allowed[test.term] = set(test.values) if known is None else known & set(test.values)
        elif test.operator == "not-in":
            ruled_out.setdefault(test.term, set()).update(test.values)
        else:
            kept.add(test)
    for term, values in allowed.items():
        left = values - ruled_out.pop(term, set())
        if not left:
            return None
        kept.add(Test(term, "in", _in_order(left)))
    kept.update(Test(term, "not-in", _in_order(values)) for term, values in ruled_out.items())
    return frozenset(kept)


def _in_order(values: Iterable[int | str | bool]) -> tuple[int | str | bool, ...]:
    return tuple(sorted(values, key=lambda one: (isinstance(one, str), one)))


def _absorbed(found: Iterable[Conjunction]) -> tuple[Conjunction, ...]:
    """Leave out alternatives that ask for more than another one does."""
    kept: list[Conjunction] = []
    for one in sorted(dict.fromkeys(found), key=len):
        if not any(smaller <= one for smaller in kept):
            kept.append(one)
    return tuple(kept)
