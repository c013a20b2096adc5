"""Arithmetic in rules is exact: whatever is written, the engine's value is that of rational numbers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st

from engine.decision import Outcome
from engine.interpreter import decide
from policies.errors import PolicyError
from policies.examples import facts_from_example
from policies.fixing import fix
from policies.library import read_policy_text
from policies.policy import Policy
from policies.tree import Literal, Node, walk
from policies.types import Number
from policies.vocabulary import Vocabulary

TEMPLATE = (Path(__file__).parent / "good" / "tiers_by_age.yaml").read_text(encoding="utf-8")
TODAY = date(2026, 5, 20)

# An expression and what it means: its text, and its exact value for given data (None: no value).
Data = dict[str, Fraction]


class Term:
    """One generated expression with its meaning."""

    def __init__(self, text: str, meaning: object) -> None:
        self.text = text
        self.meaning = meaning

    def __repr__(self) -> str:
        return self.text


def _round(value: Fraction, places: int, mode: str) -> Fraction:
    scaled = abs(value) * 10**places
    whole = scaled.numerator // scaled.denominator
    rest = scaled - whole
    if (mode == "up" and rest > 0) or (mode == "half_up" and rest >= Fraction(1, 2)):
        whole += 1
    return Fraction(whole if value >= 0 else -whole, 10**places)


_LITERALS = st.decimals(min_value=0, max_value=1_000, places=3).map(
    lambda value: Term(format(value, "f"), lambda data, value=value: Fraction(value))
)
_DATA = st.sampled_from(["rate", "level"]).map(lambda name: Term(name, lambda data, name=name: data[name]))


def _both(left: Term, right: Term, operator: str) -> Term:
    def meaning(data: Data) -> Fraction:
        a, b = left.meaning(data), right.meaning(data)  # type: ignore[operator]
        return {"+": a + b, "-": a - b, "*": a * b}[operator] if operator != "/" else a / b

    return Term(f"({left.text} {operator} {right.text})", meaning)


def _rounded(term: Term, mode: str, places: int) -> Term:
    return Term(
        f"round_{mode}({term.text}, {places})",
        lambda data: _round(term.meaning(data), places, mode),  # type: ignore[operator]
    )


def _chosen(test: Term, then: Term, otherwise: Term) -> Term:
    return Term(
        f"({then.text} if {test.text} > 1 else {otherwise.text})",
        lambda data: then.meaning(data) if test.meaning(data) > 1 else otherwise.meaning(data),  # type: ignore[operator]
    )


def _extreme(left: Term, right: Term, name: str) -> Term:
    pick = min if name == "min" else max
    return Term(
        f"{name}({left.text}, {right.text})",
        lambda data: pick(left.meaning(data), right.meaning(data)),  # type: ignore[operator]
    )


TERMS = st.recursive(
    _LITERALS | _DATA,
    lambda inner: (
        st.builds(_both, inner, inner, st.sampled_from("+-*/"))
        | st.builds(_rounded, inner, st.sampled_from(["half_up", "down", "up"]), st.integers(0, 3))
        | st.builds(_chosen, inner, inner, inner)
        | st.builds(_extreme, inner, inner, st.sampled_from(["min", "max"]))
    ),
    max_leaves=6,
)


def _policy(expression: str, vocabulary: Vocabulary) -> Policy:
    text = TEMPLATE.replace("age_in_month >= minimum_age", f'"{expression}"').replace("    - alive\n", "")
    text = text.replace('within(hukou_region, "31")', "minimum_age > 0")
    text = text[: text.index("examples:")] + 'notice: {granted: {zh: "好", en: "good"}}\n'
    return read_policy_text(text, vocabulary)


def _outcome(expression: str, profile: dict[str, object], vocabulary: Vocabulary) -> Outcome:
    policy = _policy(expression.replace("level", "max(certificates, level)"), vocabulary)
    facts = facts_from_example(policy, vocabulary, {**profile, "birth_date": date(1950, 1, 1)})
    return decide(fix(policy, vocabulary, TODAY), facts).outcome


@given(
    TERMS,
    TERMS,
    st.integers(0, 10_000),
    st.integers(1, 5),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
)
def test_a_comparison_is_that_of_the_exact_values(
    vocabulary: Vocabulary, left: Term, right: Term, rate: int, level: int, operator: str
) -> None:
    data = {"rate": Fraction(rate, 10_000), "level": Fraction(level)}
    profile: dict[str, object] = {"rate": Decimal(rate).scaleb(-4), "certificates": [{"level": level}]}
    try:
        found = _outcome(f"{left.text} {operator} {right.text}", profile, vocabulary)
    except PolicyError as error:
        # What could leave 64 bits, or divides by a literal zero, is refused beforehand.
        assume(not {one.code for one in error.diagnostics} <= {"may-overflow", "division-by-zero"})
        raise
    try:
        a, b = left.meaning(data), right.meaning(data)  # type: ignore[operator]
    except ZeroDivisionError:
        assert found in (Outcome.UNDETERMINED, Outcome.INELIGIBLE, Outcome.ELIGIBLE)
        return
    holds = {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[operator]
    if found is not Outcome.UNDETERMINED:
        assert (found is Outcome.ELIGIBLE) == holds
    else:
        # Unknown only where some division by zero lies on a road that exact arithmetic need not take.
        assert "/" in left.text + right.text


@given(TERMS, st.integers(0, 10_000))
def test_every_value_lies_within_the_range_that_the_checker_worked_out(
    vocabulary: Vocabulary, term: Term, rate: int
) -> None:
    text = term.text.replace("level", "3")
    try:
        policy = _policy(f"round_half_up({text}, 2) > 1", vocabulary)
    except PolicyError as error:
        assert {one.code for one in error.diagnostics} <= {"may-overflow", "division-by-zero"}
        return
    data = {"rate": Fraction(rate, 10_000), "level": Fraction(3)}
    try:
        value = _round(term.meaning(data), 2, "half_up")  # type: ignore[operator]
    except ZeroDivisionError:
        return
    compared = policy.eligibility.children[1].expression
    assert compared is not None
    kind = _left(compared).type
    assert isinstance(kind, Number)
    assert kind.low <= value * 10**kind.scale <= kind.high


def _left(node: Node) -> Node:
    left = getattr(node, "left", None)
    assert left is not None
    return left  # type: ignore[no-any-return]


@given(TERMS)
def test_no_literal_of_a_checked_tree_is_a_float(vocabulary: Vocabulary, term: Term) -> None:
    try:
        policy = _policy(f"{term.text.replace('level', '3')} > 1", vocabulary)
    except PolicyError:
        return
    expression = policy.eligibility.children[1].expression
    assert expression is not None
    assert all(not isinstance(node.value, float) for node in walk(expression) if isinstance(node, Literal))
