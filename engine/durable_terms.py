"""Terms: what durable-rules compares, each one attribute of one flat fact.

durable-rules decides the boolean skeleton of a policy. It has neither dates nor aggregates nor look-ups, and it
compares one attribute with one constant; so everything below a comparison is computed before, by
`engine.expression_functions`, and handed over under a name. A term without a value is left out of the fact: a
missing attribute satisfies neither a comparison nor its opposite, which is Kleene's unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from typing import Literal as OneOf

from engine.decision import Facts
from engine.expression_functions import Function, function_of
from policies.errors import DurableError
from policies.tree import Aggregate, Attribute, Compare, CompareRatio, In, Named, Node, Within, walk
from policies.types import Bool, Code, Number, Text, Value

Form = OneOf["value", "difference", "ratio", "same", "prefix", "known"]

# durable-rules keeps integers exactly within these bounds and holds whatever lies outside at the bound.
LARGEST = 2**63 - 1
LONGEST_TEXT = 10_000
# Names that durable-rules keeps for itself, and the guard of every rule.
RESERVED = frozenset(("id", "sid", "kind"))


@dataclass(frozen=True, slots=True)
class Term:
    """One named attribute of the flat fact.

    `form` says how it comes from `node`:

    - `value`: the value of the node (integer, day number, text, code or bool);
    - `difference`: left - right of a `Compare` of two computed sides, held within 64 bits, which keeps its sign;
    - `ratio`: the sign-true difference numerator - right * denominator of a `CompareRatio` (turned round where the
      denominator is negative; none where it is zero), held within 64 bits;
    - `same`: whether both texts of a `Compare` are equal;
    - `prefix`: the first `length` characters of a code;
    - `known`: true if the node has a value.
    """

    name: str
    form: Form
    node: Node
    length: int = 0
    reads_unit: bool = False

    def function(self) -> Function:
        """Return the function that gives the value for the facts of a subject (and unit); None if it is unknown.

        It raises DurableError `text-too-long` or `text-not-unicode` for a text that durable-rules cannot hold.
        """
        compute = _FORMS[self.form](self)

        def value(facts: tuple[Facts, ...]) -> Value:
            found = compute(facts)
            if found is None or found is True or found is False:
                return found
            if isinstance(found, str):
                return _checked_text(self, found)
            return found if -LARGEST <= found <= LARGEST else LARGEST if found > 0 else -LARGEST

        return value

    @property
    def kind(self) -> str:
        """What sort of value it has: `integer`, `text` or `bool`."""
        if self.form in ("difference", "ratio"):
            return "integer"
        if self.form in ("same", "known"):
            return "bool"
        if self.form == "prefix":
            return "text"
        type_ = self.node.type
        return "bool" if isinstance(type_, Bool) else "text" if isinstance(type_, Text | Code) else "integer"


def _value(term: Term) -> Function:
    return function_of(term.node)


def _difference(term: Term) -> Function:
    return _of_both(term, lambda left, right: int(left) - int(right))


def _same(term: Term) -> Function:
    return _of_both(term, lambda left, right: left == right)


def _of_both(term: Term, operate: Callable[[Any, Any], Value]) -> Function:
    assert isinstance(term.node, Compare)
    left_of, right_of = function_of(term.node.left), function_of(term.node.right)

    def value(facts: tuple[Facts, ...]) -> Value:
        left = left_of(facts)
        right = None if left is None else right_of(facts)
        return None if right is None else operate(left, right)

    return value


def _ratio(term: Term) -> Function:
    node = term.node
    assert isinstance(node, CompareRatio)
    parts = [function_of(one) for one in (node.numerator, node.denominator, node.right)]

    def value(facts: tuple[Facts, ...]) -> Value:
        numerator, denominator, right = (part(facts) for part in parts)
        if numerator is None or denominator is None or right is None or int(denominator) == 0:
            return None
        difference = int(numerator) - int(right) * int(denominator)
        return difference if int(denominator) > 0 else -difference

    return value


def _prefix(term: Term) -> Function:
    code_of, length = function_of(term.node), term.length

    def value(facts: tuple[Facts, ...]) -> Value:
        code = code_of(facts)
        return None if code is None else str(code)[:length]

    return value


def _known(term: Term) -> Function:
    value_of = function_of(term.node)
    return lambda facts: None if value_of(facts) is None else True


_FORMS = {
    "value": _value,
    "difference": _difference,
    "ratio": _ratio,
    "same": _same,
    "prefix": _prefix,
    "known": _known,
}


def _checked_text(term: Term, text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise DurableError.of(
            "text-too-long",
            f"`{term.name}` 的文本有 {len(text):,} 个字符，durable-rules 至多能容纳 {LONGEST_TEXT:,} 个",
            f"the text of `{term.name}` has {len(text):,} characters; durable-rules holds {LONGEST_TEXT:,} at most",
            help_zh="缩短来源中的文本，或在目录中改用代码",
            help_en="shorten the text in its source, or declare the attribute as a code",
        )
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise DurableError.of(
                "text-not-unicode",
                f"`{term.name}` 的文本不是有效的 Unicode",
                f"the text of `{term.name}` is not valid Unicode",
                help_zh="更正来源中的文本",
                help_en="correct the text in its source",
            ) from None
    return text


def attribute_hashes(name: str) -> tuple[int, int]:
    """Return the 32-bit hashes FNV-1 and FNV-1a of a name; a collision in either is avoided."""
    first = second = 2166136261
    for byte in name.encode():
        first = (first * 16777619 & 0xFFFFFFFF) ^ byte
        second = (second ^ byte) * 16777619 & 0xFFFFFFFF
    return first, second


@dataclass(slots=True)
class TermBook:
    """The terms of one policy, or of all policies of one engine: equal terms are one, names are unique."""

    terms: list[Term] = field(default_factory=list)
    _known: dict[tuple[Form, Node, int], int] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)
    _hashes: set[int] = field(default_factory=lambda: {one for name in RESERVED for one in attribute_hashes(name)})

    def number_of(self, form: Form, node: Node, length: int = 0) -> int:
        """Return the number of the term, which is entered if it is new."""
        inner = node
        while isinstance(inner, Named):
            inner = inner.child
        key = (form, inner, length)
        if key not in self._known:
            self._known[key] = len(self.terms)
            name = self._new_name(_plain_name(form, node, length))
            self.terms.append(Term(name, form, inner, length, _reads_unit(inner)))
        return self._known[key]

    def _new_name(self, wanted: str) -> str:
        # durable-rules tells attributes apart by a 32-bit hash alone: a name that collides is not used.
        name, number = wanted, 1
        while name in self._names or not self._hashes.isdisjoint(attribute_hashes(name)):
            number += 1
            name = f"{wanted}_{number}"
        self._names.add(name)
        self._hashes.update(attribute_hashes(name))
        return name


def _reads_unit(node: Node) -> bool:
    return any(
        (isinstance(one, Attribute) and one.depth == 1) or (isinstance(one, Aggregate) and one.from_depth == 1)
        for one in walk(node)
    )


def _plain_name(form: Form, node: Node, length: int) -> str:
    if form == "prefix":
        return f"{_plain_name('value', node, 0)}_first_{length}"
    if form == "known":
        return f"{_plain_name('value', node, 0)}_known"
    if isinstance(node, Named):
        found = node.name
    elif isinstance(node, Attribute):
        found = "_".join(node.path)
    elif isinstance(node, Compare):
        found = f"{_plain_name('value', node.left, 0)}_{'less' if form == 'difference' else 'is'}_" + _plain_name(
            "value", node.right, 0
        )
    elif isinstance(node, In | Within):
        found = f"{_plain_name('value', node.child, 0)}_is_listed"
    elif isinstance(node, Aggregate):
        found = f"{node.kind}_{'_'.join(node.path)}"
    else:
        found = {"CompareRatio": "ratio"}.get(type(node).__name__, type(node).__name__.lower())
    cleaned = "".join(one if one.isascii() and (one.isalnum() or one == "_") else "_" for one in found)[:60]
    if not cleaned.strip("_") or cleaned in RESERVED or cleaned[0].isdigit():
        cleaned = f"term_{cleaned}".rstrip("_")
    return cleaned


def type_words(term: Term) -> str:
    """Return the type of a term for readers of a definition, scale and unit included."""
    type_ = term.node.type
    if term.form != "value" or not isinstance(type_, Number):
        return type(type_).__name__.lower() if term.form == "value" else term.kind
    unit = f" {type_.unit}" if type_.unit else ""
    return f"integer, in 10^-{type_.scale}{unit}" if type_.scale else f"integer{unit}"
