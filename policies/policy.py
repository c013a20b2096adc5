"""A checked policy: what the checker hands to everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from hashlib import sha256
from typing import Literal

from policies.errors import Diagnostic, Place
from policies.periods import Period, PeriodKind
from policies.text import Bilingual
from policies.tree import Node
from policies.types import Type, Value

Delivery = Literal["automatic", "confirm", "notify", "declare", "channel"]
BenefitKind = Literal["cash", "waiver", "refund", "voucher", "deduction", "service", "qualification"]
JudgementKind = Literal["discretionary", "competitive", "assessment"]
Silence = Literal["granted", "not_taken_yet", "waived"]
CeilingSpan = Literal["period", "year", "always"]
Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One node of the eligibility tree.

    `all`, `any` and `none` have children; a `leaf` has an expression of type Bool. `none` is true when
    none of its children is. `basis` is the clause of the law, `says` the plain words, `text` the source.
    """

    kind: Literal["all", "any", "none", "leaf"]
    children: tuple[Condition, ...] = ()
    expression: Node | None = None
    text: str = ""
    says: Bilingual | None = None
    basis: str | None = None
    place: Place = Place()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of a tiered benefit: the first whose `when` is true applies; `when` None is always true.

    `amount` is in fen, complete. `text` and `amount_text` are condition and amount as the author wrote them.
    """

    when: Node | None
    amount: Node
    text: str
    amount_text: str = ""
    place: Place = Place()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Monotone:
    """A promise that proofs hold the amount to: as `name` rises, the amount never falls (or never rises).

    `node` is what `name` stands for: a datum, a derived one or a definition; a number or a date.
    """

    name: str
    direction: Literal["rising", "falling"]
    node: Node
    place: Place = Place()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Instalment:
    """One part of an amount that is due bit by bit; at most one part is granted in a period.

    `share` is its exact part of the whole, `text` its own condition as written ("" if it has none).
    """

    share: Fraction
    text: str = ""
    says: Bilingual | None = None
    basis: str | None = None
    place: Place = Place()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Obligation:
    """What the receiver must do later, such as paying a deposit back.

    `due` is a date that does not look at anybody's data (`policies.fixing` settles it for the day of the grant),
    `text` it as the author wrote it.
    """

    says: Bilingual
    due: Node
    text: str
    basis: str | None = None
    place: Place = Place()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a subject gets at most over several grants of the policy.

    `amount` (fen, no data) limits the sum of the grants `within` the period, the calendar year, or for good, taken
    together for each value of `keys` (expressions of the unit; none: for the whole subject). `when` says which units
    it is about (None: all); the others are neither cut nor counted. `measure` (fen) is what of a unit counts, once in
    the span however often the unit gets something: whose measure has room only in part gets that part of the amount.
    Without it the grants themselves count. `is_money` is False where the measure is a number without a unit: a quota,
    which like money has two decimals inside. The texts are as the author wrote them.
    """

    name: str
    amount: Node
    within: CeilingSpan
    measure: Node | None = None
    is_money: bool = True
    keys: tuple[Node, ...] = ()
    when: Node | None = None
    text: str = ""
    measure_text: str = ""
    key_texts: tuple[str, ...] = ()
    when_text: str = ""
    says: Bilingual | None = None
    basis: str | None = None
    place: Place = Place()  # noqa: RUF009 - frozen

    @property
    def reading(self) -> str:
        """A digest of what it reads of a unit, as it is written: grants that were read otherwise cannot be compared."""
        return sha256("\n".join((self.measure_text, *self.key_texts, "", self.when_text)).encode()).hexdigest()[:8]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every expression of the ceiling."""
        return (self.amount, *self.keys, *(one for one in (self.measure, self.when) if one is not None))


@dataclass(frozen=True, slots=True)
class Judgement:
    """Why a machine must not decide alone.

    `discretionary`: an authority weighs the single case; `competitive`: some are chosen out of many;
    `assessment`: an expert or a committee has to examine something first.
    """

    kind: JudgementKind
    reason: Bilingual
    place: Place = Place()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Benefit:
    """What is granted.

    `amount` is the complete computation in fen: tiers or formula, floor, cap and rounding. It is None for
    services and qualifications. `tiers` repeats the steps for explanations and plain words; `text` is the
    formula as the author wrote it, `limits` the pairs of floor, cap, rounding and their texts. With `instalments`
    every amount here is that of the part which is due. A `deduction` is taken off a tax base, not paid. `says` tells
    in words what the law provides where no amount can be computed.
    """

    kind: BenefitKind
    amount: Node | None
    tiers: tuple[Tier, ...] = ()
    text: str = ""
    limits: tuple[tuple[str, str], ...] = ()
    monotone: tuple[Monotone, ...] = ()
    place: Place = Place()  # noqa: RUF009 - frozen
    says: Bilingual | None = None
    instalments: tuple[Instalment, ...] = ()
    obligation: Obligation | None = None
    ceilings: tuple[Ceiling, ...] = ()


@dataclass(frozen=True, slots=True)
class Basis:
    """A legal document: its number and its date."""

    document: str
    date: date | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A dated parameter.

    `form`: `scalar` (a value), `table` (a mapping from keys), `regional` (a mapping from region prefixes),
    `scale` (brackets (from, rate), marginal or stepped). `dated` is ordered by the first day of validity,
    as days since 1970-01-01; a content of None means abolished from that day on. The brackets of a scale are
    pairs of literals. The type of `key` is what a table is keyed by. `default` is what a table gives outside
    its keys if `has_otherwise`. `limits` holds `at_least` and `at_most`, as far as given, as the author wrote them.
    """

    name: str
    form: Literal["scalar", "table", "regional", "scale"]
    type: Type
    dated: tuple[tuple[int, object], ...]
    title: Bilingual | None = None
    each_further: Value = None
    default: Value = None
    stepped: bool = False
    key: Node | None = None
    review_by: date | None = None
    has_otherwise: bool = False
    limits: tuple[tuple[Literal["at_least", "at_most"], str], ...] = ()


@dataclass(frozen=True, slots=True)
class Overlay:
    """The values of one place for parameters that the rule has opened to places.

    `parameters` maps names to (first day, value in the form of the engines) in order; None is abolished. After the
    last day of `in_force` the place has no value of its own any more.
    """

    region: str
    author: str
    authority: str
    basis: tuple[Basis, ...]
    in_force: tuple[date, date | None]
    parameters: Mapping[str, tuple[tuple[date, Value], ...]]
    file: str
    name: Bilingual | None = None
    confidence: Confidence | None = None
    unverified: tuple[str, ...] = ()
    place: Place = Place()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Claims:
    """`key` (of the unit) is usable once in `group` across all subjects."""

    group: str
    key: Node


@dataclass(frozen=True, slots=True)
class Exclusive:
    """Of the policies in `group` a subject gets only one: the first by `rank`, or the highest amount."""

    group: str
    choose: Literal["first", "highest"]
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Guard:
    """The expected band: the share of the space's subjects that may match, in basis points (1/10,000)."""

    share_at_most: int | None = None
    share_at_least: int | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One worked case of the rule file; `profile` is raw YAML data, read by `policies.examples`.

    `given` maps the names of indicators to the values that the example assumes for them.
    """

    name: str
    on: date
    profile: Mapping[str, object]
    expect: Mapping[str, object]
    place: Place
    given: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of one policy, checked against a vocabulary.

    `version` is the SHA-256 of the text in UTF-8 (hexadecimal); with `overlays` the text is that of the rule and, in
    the order of their regions, those of the overlays (see `policies.overlays`). `definitions` are in order of
    dependency (fractions that are not rounded are left out); `definition_texts` holds all of them as written,
    `definition_titles` what people call them, where that is said. `reads` lists for each space or collection
    (`citizen`, `enterprise.hires`) the attributes and links that the policy names: minimal necessary. `triggers` are the kinds of life events after which it is decided even if it reads nothing that
    they change. With a `judgement` a match is a hint to the authority: it is told, never granted. `confidence` is how
    sure the author is of the figures (high: read in the document itself; medium: second hand, or some from memory;
    low: not found), `unverified` what is open. `parameters`, `amount` and conditions may hold date-dependent nodes;
    `policies.fixing.fix` settles them for one reference date.
    """

    id: str
    version: str
    text: str
    file: str
    title: Bilingual
    space: str
    authority: str
    basis: tuple[Basis, ...]
    region: str
    in_force: tuple[date, date | None]
    delivery: Delivery
    silence: Silence
    period: PeriodKind
    schedule: str
    eligibility: Condition
    benefit: Benefit
    parameters: Mapping[str, Parameter]
    definitions: Mapping[str, Node]
    notices: Mapping[str, Bilingual]
    examples: tuple[Example, ...]
    reads: Mapping[str, frozenset[str]]
    for_each: str | None = None
    unit_where: Node | None = None
    claims: Claims | None = None
    payee: tuple[str, ...] = ()
    fund: str | None = None
    excludes: tuple[str, ...] = ()
    exclusive: Exclusive | None = None
    net_of: tuple[str, ...] = ()
    order_of_need: Node | None = None
    guard: Guard = Guard()
    sensitive: Mapping[str, str] | None = None
    author: str = ""
    confidence: Confidence | None = None
    unverified: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    definition_texts: Mapping[str, str] = field(default_factory=dict)
    definition_titles: Mapping[str, Bilingual] = field(default_factory=dict)
    triggers: tuple[str, ...] = ()
    judgement: Judgement | None = None
    overlays: tuple[Overlay, ...] = ()

    @property
    def authors(self) -> tuple[str, ...]:
        """Who wrote this version: the author of the rule, then those of its overlays, each once."""
        return tuple(dict.fromkeys([self.author, *(one.author for one in self.overlays)]))


@dataclass(frozen=True, slots=True)
class FixedPolicy:
    """A policy settled for one reference date and period: no date-dependent node is left in it."""

    policy: Policy
    on: date
    period: Period
    eligibility: Condition
    amount: Node | None
    tiers: tuple[Tier, ...] = ()
    claim_key: Node | None = None
    unit_where: Node | None = None
    order_of_need: Node | None = None
    monotone: tuple[Monotone, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    due: date | None = None  # the day by which the obligation of a grant made `on` is to be met
