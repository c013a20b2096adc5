"""The figures of one simulation, as plain frozen values: counts of units, money in fen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from policies.policy import Condition

PERIODS_IN_A_YEAR = {"month": 12, "quarter": 4, "year": 1, "once": 1, "event": 1}
CHANGES = ("gains", "loses", "more", "less", "same", "neither")


@dataclass(frozen=True, slots=True)
class Cell:
    """One group: how many units are a yes, a no, and undetermined, and what the yes come to in fen."""

    yes: int = 0
    no: int = 0
    undetermined: int = 0
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Barrier:
    """One condition: in how many units it fails, and in how many it alone stands against a yes."""

    condition: Condition
    fails: int
    alone: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Decided:
    """One version of a policy, decided for everybody on one day, before allocation.

    `mean` (rounded down) and `median` (the lower of the two middle ones) are amounts in fen, None if nobody has one.
    `missing` counts for each datum the undetermined units in which it is unknown. `tiers` counts the yes by tier.
    """

    policy: str
    version: str
    on: date
    period: str
    subjects: int
    total: Cell
    districts: Mapping[str, Cell]
    bands: Mapping[str, Cell]
    tiers: Mapping[int, Cell]
    barriers: tuple[Barrier, ...]
    missing: Mapping[str, int]
    mean: int | None
    median: int | None
    smallest: int | None
    largest: int | None
    yearly: int


@dataclass(frozen=True, slots=True)
class Person:
    """One unit whose answer another version changes: outcomes, and amounts in fen."""

    subject: str
    unit: str
    change: str
    before: str
    after: str
    before_amount: int | None
    after_amount: int | None
    district: str
    band: str


@dataclass(frozen=True, slots=True)
class Moved:
    """One kind of change (see `CHANGES`): how many units, and the sum of the differences in fen."""

    units: int = 0
    difference: int = 0


@dataclass(frozen=True, slots=True)
class Against:
    """The other version (the former one), and what becomes of everybody when this one takes its place."""

    decided: Decided
    moved: Mapping[str, Moved]
    districts: Mapping[str, Mapping[str, int]]
    bands: Mapping[str, Mapping[str, int]]
    samples: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """One day of the projection: units that are due then, and their sum in fen; `total` adds up from the first."""

    on: date
    units: int
    amount: int
    total: int


@dataclass(frozen=True, slots=True)
class FundOutlook:
    """How long a fund lasts: `years` in hundredths (None: it costs nothing); `exhausted` the first day it is short.

    `appropriation` and `available` are in fen; None: nothing was ever appropriated.
    """

    fund: str
    appropriation: int | None
    available: int | None
    years: int | None
    exhausted: date | None


@dataclass(frozen=True, slots=True)
class Simulation:
    """All that a simulation says. `months` is empty unless a projection was asked for."""

    decided: Decided
    against: Against | None
    months: tuple[Month, ...]
    fund: FundOutlook | None
