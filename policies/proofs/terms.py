"""Values of three-valued logic as pairs of formulas, and the few operations that everything is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import z3

# A Z3 formula, and a Z3 integer. Z3 brings no types of its own.
Formula: TypeAlias = Any
Whole: TypeAlias = Any

YES: Formula = z3.BoolVal(True)
NO: Formula = z3.BoolVal(False)


@dataclass(frozen=True, slots=True)
class Truth:
    """A truth value of Kleene's logic: `true` and `false` never hold both; where neither does, it is unknown."""

    true: Formula
    false: Formula


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, a day or the number of a code; `value` means nothing where `known` does not hold."""

    value: Whole
    known: Formula


Term: TypeAlias = Truth | Quantity


def both(parts: Iterable[Formula]) -> Formula:
    """Return the conjunction, without what is plainly true."""
    kept: list[Formula] = []
    for part in parts:
        if z3.is_false(part):
            return NO
        if not z3.is_true(part):
            kept.append(part)
    if not kept:
        return YES
    return kept[0] if len(kept) == 1 else z3.And(kept)


def either(parts: Iterable[Formula]) -> Formula:
    """Return the disjunction, without what is plainly false."""
    kept: list[Formula] = []
    for part in parts:
        if z3.is_true(part):
            return YES
        if not z3.is_false(part):
            kept.append(part)
    if not kept:
        return NO
    return kept[0] if len(kept) == 1 else z3.Or(kept)


def negated(part: Formula) -> Formula:
    """Return the negation."""
    if z3.is_true(part):
        return NO
    if z3.is_false(part):
        return YES
    return z3.Not(part)


def chosen(condition: Formula, then: Any, otherwise: Any) -> Any:
    """Return `then` where the condition holds, else `otherwise`."""
    if z3.is_true(condition):
        return then
    if z3.is_false(condition):
        return otherwise
    return z3.If(condition, then, otherwise)


def whole(number: int) -> Whole:
    """Return a constant."""
    return z3.IntVal(number)


def constant_of(value: Whole) -> int | None:
    """Return the number if `value` is a constant, else None."""
    return int(value.as_long()) if z3.is_int_value(value) else None


def truth_of(claim: Formula, known: Formula) -> Truth:
    """Return a comparison of values: true or false where all of them are known."""
    return Truth(both((known, claim)), both((known, negated(claim))))


UNKNOWN_TRUTH = Truth(NO, NO)


def is_known(term: Term) -> Formula:
    """Return when the term has a value."""
    return term.known if isinstance(term, Quantity) else either((term.true, term.false))


def all_of(parts: Iterable[Truth]) -> Truth:
    """Kleene conjunction."""
    listed = list(parts)
    return Truth(both(one.true for one in listed), either(one.false for one in listed))


def any_of(parts: Iterable[Truth]) -> Truth:
    """Kleene disjunction."""
    listed = list(parts)
    return Truth(either(one.true for one in listed), both(one.false for one in listed))


def opposite(part: Truth) -> Truth:
    """Kleene negation."""
    return Truth(part.false, part.true)
