"""One policy settled for two dates: for whom the difference matters.

Ages, anniversaries, dated parameters and public series change the settled rule without any datum changing.
The two rules are laid beside each other, condition by condition; those conditions and amounts that differ are
worked out both ways for everybody, reading only the columns that these name, and whoever gets two different
results has to be decided anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from engine.columnar_expressions import ExpressionCompiler
from engine.columnar_frames import FrameBuilder, with_derived
from engine.columnar_scopes import Scope, Scopes
from engine.decision import Population
from engine.policy_inputs import expressions, inputs_of
from policies.policy import FixedPolicy
from policies.tree import Aggregate, Node
from policies.vocabulary import Vocabulary

Pair = tuple[Node, Node]


def differing_parts(one: FixedPolicy, other: FixedPolicy) -> tuple[Pair, ...] | None:
    """Return the conditions and amounts in which two settlings of one policy differ.

    None: they do not even look at the same data, so that nothing less than deciding everybody will do.
    """
    first, second = inputs_of(one), inputs_of(other)
    if [(each.name, each.type) for each in first] != [(each.name, each.type) for each in second]:
        return None
    pairs: list[Pair] = []
    for mine, theirs in zip(first, second, strict=True):
        if mine.node != theirs.node:
            if not (isinstance(mine.node, Aggregate) and isinstance(theirs.node, Aggregate)):
                return None
            pairs.append((mine.node, theirs.node))  # whether it is known counts in the report
    leaves = zip(expressions(one.eligibility), expressions(other.eligibility), strict=True)
    pairs += [(mine, theirs) for mine, theirs in leaves if mine != theirs]
    for left, right in (
        (one.amount, other.amount),
        (one.unit_where, other.unit_where),
        (one.claim_key, other.claim_key),
        (one.order_of_need, other.order_of_need),
    ):
        if left is None and right is None:
            continue
        if left is None or right is None:
            return None
        if left != right:
            pairs.append((left, right))
    return tuple(pairs)


@dataclass(slots=True)
class _Frame:
    """All pairs that are worked out over one frame: of a space's subjects, or of the units of a collection."""

    space: str
    for_each: str | None
    scope: Scope
    pairs: dict[tuple[int, int], Pair] = field(default_factory=dict)
    wanted: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # policy -> keys of `pairs`


class DifferingRules:
    """The differing parts of several policies, compiled once, to be worked out bucket by bucket."""

    def __init__(self, parts: Mapping[str, tuple[FixedPolicy, Sequence[Pair]]], vocabulary: Vocabulary) -> None:
        """Compile `parts`: policy -> (settled policy, pairs). Raises PolicyError for an unknown name."""
        scopes = Scopes(vocabulary)
        self._scopes = scopes
        self._compiler = ExpressionCompiler(scopes)
        self._subjects: dict[str, Scope] = {}
        self._frames: dict[tuple[str, str | None], _Frame] = {}
        for name, (fixed, pairs) in parts.items():
            self._add(name, fixed, pairs)

    def _add(self, name: str, fixed: FixedPolicy, pairs: Sequence[Pair]) -> None:
        space, for_each = fixed.policy.space, fixed.policy.for_each
        subject = self._subjects.setdefault(space, self._scopes.subjects(space))
        if (space, for_each) not in self._frames:
            scope = subject if for_each is None else self._scopes.items(subject, (subject,), space, for_each)
            self._frames[space, for_each] = _Frame(space, for_each, scope)
        frame = self._frames[space, for_each]
        for one, other in pairs:
            number = self._compiler.interner.number
            key = (number(one), number(other))
            frame.pairs[key] = (one, other)
            frame.wanted.setdefault(name, []).append(key)
            for node in (one, other):
                self._compiler.compile(node, frame.scope)

    def subjects(self, population: Population) -> dict[str, pl.Series]:
        """Return for each policy the subjects for whom a part differs. Raises StoreError."""
        builder = FrameBuilder(self._scopes, population)
        frames = {space: builder.subjects(scope) for space, scope in self._subjects.items()}
        found: dict[str, pl.Series] = {}
        for frame in self._frames.values():
            data: pl.DataFrame | None = frames[frame.space]
            if frame.for_each is not None:
                data = builder.units(frame.scope, frames[frame.space], frame.for_each)
            if data is not None:  # units that are unknown for everybody are so on both dates
                found |= self._differing(frame, data)
        return found

    def _differing(self, frame: _Frame, data: pl.DataFrame) -> dict[str, pl.Series]:
        compile_ = self._compiler.compile
        sides = [
            compile_(node, frame.scope).alias(f"{side} {number}")
            for number, pair in enumerate(frame.pairs.values())
            for side, node in zip(("then", "now"), pair, strict=True)
        ]
        values: pl.DataFrame = with_derived(data.lazy(), frame.scope).select("subject", *sides).collect().to_native()
        numbers = {key: number for number, key in enumerate(frame.pairs)}
        found: dict[str, pl.Series] = defaultdict(lambda: pl.Series("subject", [], dtype=pl.String))
        flags = values.select(
            "subject",
            *(pl.col(f"then {n}").ne_missing(pl.col(f"now {n}")).alias(str(n)) for n in numbers.values()),
        )
        for name, keys in frame.wanted.items():
            differs = pl.any_horizontal([pl.col(str(numbers[key])) for key in keys])
            found[name] = flags.filter(differs)["subject"].unique()
        return dict(found)
