"""Small policies whose inputs can all be tried out: the yardstick for every search."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from engine.decision import Outcome
from engine.evidence_facts import decide_again
from policies import tree as t
from policies.policy import Condition, FixedPolicy
from policies.text import Bilingual
from policies.types import Bool, Code, Number, Type, Value
from policies.vocabulary import Attribute, CodeSet, Space, Vocabulary
from tests.engine_compilers.generated_trees import make_policy

BOOL, SMALL, LETTER = Bool(), Number(0, None, 0, 4), Code("letter")
LETTERS = ("a", "b", "c")
TYPES: dict[str, Type] = {
    "flag": BOOL, "other": BOOL, "n": SMALL, "k": SMALL, "letter": LETTER, "second": LETTER,
}  # fmt: skip
VALUES: dict[Type, tuple[Value, ...]] = {BOOL: (False, True), SMALL: (0, 1, 2, 3, 4), LETTER: LETTERS}
VOCABULARY = Vocabulary(
    {
        "citizen": Space(
            "citizen", Bilingual("个人", "people"),
            {name: Attribute(name, kind, Bilingual(name, name)) for name, kind in TYPES.items()},
        )
    },
    {"letter": CodeSet("letter", Bilingual("字母", "letter"), {one: Bilingual(one, one) for one in LETTERS})},
)  # fmt: skip


@dataclass(frozen=True)
class Small:
    """Draws small policies with a seed: sums, quotients, look-ups and choices over six inputs."""

    r: random.Random

    def policy(self) -> FixedPolicy:
        amount = None if self.r.random() < 0.6 else t.Maximum(SMALL, (t.Literal(SMALL, 0), self.number(2)))
        return make_policy("small", self.condition(2), amount)

    def condition(self, depth: int) -> Condition:
        if depth == 0 or self.r.random() < 0.3:
            return Condition("leaf", expression=self.truth(2))
        kind = self.r.choice(["all", "any", "none"])
        return Condition(kind, tuple(self.condition(depth - 1) for _ in range(self.r.choice([1, 2, 2, 3]))))

    def truth(self, room: int) -> t.Node:
        r = self.r
        kind = r.choice(["flag", "compare", "compare", "ratio", "in", "letters", "and", "or", "not", "if"])
        if room == 0 or kind == "flag":
            return t.Attribute(BOOL, (r.choice(["flag", "other"]),))
        if kind in ("and", "or"):
            parts = (self.truth(room - 1), self.truth(room - 1))
            return t.And(BOOL, parts) if kind == "and" else t.Or(BOOL, parts)
        if kind == "not":
            return t.Not(BOOL, self.truth(room - 1))
        if kind == "if":
            return t.If(BOOL, self.truth(room - 1), self.truth(room - 1), self.truth(room - 1))
        if kind == "in":
            return t.In(BOOL, self.number(room - 1), tuple(r.sample(range(5), 2)))
        if kind == "letters":
            left = t.Attribute(LETTER, ("letter",))
            right = t.Attribute(LETTER, ("second",)) if r.random() < 0.5 else t.Literal(LETTER, r.choice(LETTERS))
            return t.Compare(BOOL, r.choice(["==", "!="]), left, right)
        order = r.choice(["<", "<=", ">", ">=", "==", "!="])
        if kind == "ratio":
            return t.CompareRatio(BOOL, order, self.number(room - 1), self.number(room - 1), t.Literal(SMALL, 1))
        return t.Compare(BOOL, order, self.number(room - 1), self.number(room - 1))

    def number(self, room: int) -> t.Node:
        r = self.r
        kind = r.choice(["input", "input", "literal", "add", "subtract", "round", "lookup", "if"])
        if kind == "literal":
            return t.Literal(SMALL, r.randint(0, 4), None)
        if room <= 0 or kind == "input":
            return t.Attribute(SMALL, (r.choice(["n", "k"]),))
        if kind == "lookup":
            cases = tuple((letter, r.choice([None, 1, 2, 3])) for letter in r.sample(LETTERS, 2))
            return t.Lookup(SMALL, t.Attribute(LETTER, ("letter",)), cases)
        if kind == "if":
            return t.If(SMALL, self.truth(room - 1), self.number(room - 1), self.number(room - 1))
        parts = self.number(room - 1), self.number(room - 1)
        if kind == "round":
            return t.Round(SMALL, *parts, r.choice(["half_up", "down", "up", "floor"]))
        return t.Add(SMALL, *parts) if kind == "add" else t.Subtract(SMALL, *parts)


def draw_inputs(r: random.Random, names: Sequence[str], unknown: float) -> dict[str, Value]:
    """Return a value, or None, for each input."""
    return {name: None if r.random() < unknown else r.choice(VALUES[TYPES[name]]) for name in names}


def worlds(inputs: Mapping[str, Value], free: Sequence[str]) -> Iterator[dict[str, Value]]:
    """Yield the inputs with every combination of known values of the free ones."""
    for values in product(*(VALUES[TYPES[name]] for name in free)):
        yield {**inputs, **dict(zip(free, values, strict=True))}


def outcomes(fixed: FixedPolicy, inputs: Mapping[str, Value], free: Sequence[str]) -> set[Outcome]:
    """Return every outcome that the reference gives over `worlds`."""
    return {decide_again(fixed, one).outcome for one in worlds(inputs, free)}


def minimal(names: Sequence[str], enough: object) -> set[tuple[str, ...]]:
    """Return the sets that are enough and of which no part is, by trying all sets."""
    found: set[tuple[str, ...]] = set()
    for size in range(len(names) + 1):
        for one in combinations(sorted(names), size):
            if not any(set(part) <= set(one) for part in found) and enough(one):  # type: ignore[operator]
                found.add(one)
    return found
