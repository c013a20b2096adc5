"""Asking Z3, with a limit of time and without taking silence for an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import z3

from policies.proofs.terms import Formula


class Found(Enum):
    """What came of the search for somebody of whom all formulas hold."""

    SOMEBODY = "somebody"
    NOBODY = "nobody"
    NOT_DECIDED = "not-decided"


@dataclass(frozen=True, slots=True)
class Answer:
    """`model` has the values of the symbols where somebody was found."""

    found: Found
    model: Any = None


# Z3's two ways with integers: the newer is quicker on most rules, the older on those with many dates.
_NEWER, _OLDER = 6, 2
_SHARE_OF_THE_FIRST = 6


def ask(formulas: Iterable[Formula], timeout_ms: int) -> Answer:
    """Look for somebody of whom all formulas hold: first in one way, for a part of the time, then in another."""
    listed = list(formulas)
    first = _asked(listed, max(1, timeout_ms // _SHARE_OF_THE_FIRST), _NEWER)
    return first if first.found is not Found.NOT_DECIDED else _asked(listed, max(1, timeout_ms), _OLDER)


def _asked(formulas: Sequence[Formula], timeout_ms: int, way: int) -> Answer:
    solver = z3.Solver()
    solver.set("timeout", timeout_ms)
    solver.set("random_seed", 1)
    solver.set("arith.solver", way)
    solver.add(*formulas)
    try:
        found = solver.check()
    except z3.Z3Exception:
        return Answer(Found.NOT_DECIDED)
    if found == z3.sat:
        return Answer(Found.SOMEBODY, solver.model())
    return Answer(Found.NOBODY if found == z3.unsat else Found.NOT_DECIDED)


def contradicting(background: Iterable[Formula], parts: Sequence[Formula], timeout_ms: int) -> tuple[int, ...] | None:
    """Return the positions of parts that contradict each other, none of which could be left out.

    None if that is not decided in time, or if nothing contradicts. With an empty result the background
    alone is contradictory.
    """
    solver = z3.Solver()
    solver.set("timeout", timeout_ms)
    solver.add(*background)
    names = [z3.Bool(f"part {position}") for position in range(len(parts))]
    for name, part in zip(names, parts, strict=True):
        solver.add(z3.Implies(name, part))
    if solver.check(*names) != z3.unsat:
        return None
    needed = {str(one) for one in solver.unsat_core()}
    kept = [name for name in names if str(name) in needed]
    for name in list(kept):
        without = [one for one in kept if one is not name]
        if solver.check(*without) == z3.unsat:
            kept = without
    return tuple(position for position, name in enumerate(names) if any(name is one for one in kept))
