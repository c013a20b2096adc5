"""What a compiler answers, and what it asks for.

Every compiler takes fixed policies (`policies.fixing`) and data behind one of the two protocols below, and
returns decisions that must be equal: outcome, amount and settling facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import polars as pl

from policies.policy import Condition
from policies.types import Value


class Outcome(Enum):
    """The answer of a policy for one unit."""

    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class ValueUsed:
    """One datum a condition or amount has looked at: its name as written, and its value (None: unknown)."""

    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class TraceStep:
    """The result of one node of the eligibility tree, with the data used and the steps below it."""

    condition: Condition
    result: bool | None
    used: tuple[ValueUsed, ...]
    children: tuple[TraceStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """One policy for one subject (and unit).

    `amount` is in fen and None unless the outcome is eligible and the benefit has an amount. Eligible with
    an amount that cannot be computed is undetermined. `settled_by` names, sorted, the fewest facts which,
    once known, could make an undetermined decision a yes; it is empty otherwise.
    `inputs` maps every datum the policy looked at, by its name as in `ValueUsed`, to its value: enough to
    decide again (evidence). `tier` counts the amount's tiers from 0; None without tiers.
    """

    outcome: Outcome
    amount: int | None
    trace: TraceStep
    settled_by: tuple[str, ...] = ()
    inputs: Mapping[str, Value] | None = None
    tier: int | None = None


class Facts(Protocol):
    """One subject, or one item of a collection, as the interpreter sees it."""

    def value(self, path: tuple[str, ...]) -> Value:
        """Return the datum at the end of `path` (links, then attribute); None if unknown. Dates: day numbers."""

    def items(self, path: tuple[str, ...]) -> Sequence[Facts] | None:
        """Return the items of the collection at the end of `path`; None if the collection is unknown."""


class Population(Protocol):
    """Many subjects, as the columnar compiler sees them.

    All frames are Polars. Column types: Bool -> Boolean; Number -> Int64 (scaled); Date -> Date; Text and
    Code -> String; links -> String (the pseudonym of the target). Null is unknown. Data older than the
    attribute's freshness limit on the reference date is already null.
    """

    def attributes(self, space: str, names: Iterable[str], subjects: pl.Series | None = None) -> pl.DataFrame:
        """Return `subject` and the named attributes and links.

        Without `subjects`: the subjects of `space` that this population is about (one bucket, say), each
        exactly once, in ascending order of `subject`. With `subjects`: those of the given pseudonyms that
        exist, wherever they lie.
        """

    def items(self, space: str, collection: str, names: Iterable[str], owners: pl.Series) -> pl.DataFrame:
        """Return `owner`, `item` (its id, unique for the owner) and the named columns, for these owners.

        Owners without items have no row. For collections with a `member_space` the column `member` (the
        pseudonym of the subject that the item stands for) is also returned.
        """

    def collection_known(self, space: str, collection: str) -> bool:
        """Return False if the collection's source was never taken in: it is then unknown for everybody."""
