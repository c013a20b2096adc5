"""What a rule file may hold: its keys, and the shape of what stands under them.

The models check shape only; what names and expressions mean is checked in `policies.checking`. Everything
is strict and closed: an unknown key is an error. `policies.schema` publishes the same models as a JSON
Schema. Expressions stay as they stand in the file.
"""

from __future__ import annotations

from datetime import date as Day
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetPydanticSchema,
    StringConstraints,
    Tag,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError, core_schema

IDENTIFIER = r"[a-z][a-z0-9_]{0,63}"
POLICY_ID = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else f"`{value}`"


def _expression(value: object) -> object:
    if isinstance(value, bool | int | Decimal) or (isinstance(value, str) and value.strip()):
        return value
    raise PydanticCustomError("expression", "{kind}", {"kind": _kind(value)})


def _number(value: object) -> object:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value
    raise PydanticCustomError("number", "{kind}", {"kind": _kind(value)})


def _share(value: object) -> object:
    if isinstance(value, int | Decimal | str) and not isinstance(value, bool):
        return value
    raise PydanticCustomError("share", "{kind}", {"kind": _kind(value)})


def _key(value: object) -> object:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise PydanticCustomError("code_or_integer", "{kind}", {"kind": _kind(value)})


def _checked_by(check: Any) -> GetPydanticSchema:
    return GetPydanticSchema(lambda _source, _handler: core_schema.no_info_plain_validator_function(check))


# An expression of the rule language: a text, or a bare number or truth value.
Expression = Annotated[
    object,
    _checked_by(_expression),
    WithJsonSchema(
        {"type": ["string", "number", "boolean"], "description": "an expression such as `age >= minimum_age`"}
    ),
]
Amount = Annotated[object, _checked_by(_number), WithJsonSchema({"type": "number"})]
Share = Annotated[
    object,
    _checked_by(_share),
    WithJsonSchema(
        {"type": ["string", "number"], "description": "a share of the whole: 0.4, or a fraction such as 1/3"}
    ),
]
UnitKey = Annotated[str, _checked_by(_key), WithJsonSchema({"type": ["string", "integer"]})]
Anything = Annotated[Any, WithJsonSchema({})]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2_000, strip_whitespace=False)]
Name = Annotated[str, StringConstraints(pattern=rf"^{IDENTIFIER}$")]
PolicyId = Annotated[str, StringConstraints(pattern=rf"^{POLICY_ID}$", max_length=100)]


class Shape(BaseModel):
    """A closed mapping: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


class BothLanguages(Shape):
    """One text in Chinese and in English."""

    zh: Words
    en: Words


class BasisShape(Shape):
    """A legal document."""

    document: Words
    date: Day | None = None
    note: Words | None = None


class InForce(Shape):
    """The first day, and the last day if there is one."""

    from_: Day = Field(alias="from")
    to: Day | None = None


class AllOf(Shape):
    """Every one must hold."""

    all: list[Eligibility] = Field(min_length=1)
    says: BothLanguages | None = None
    basis: Words | None = None


class AnyOf(Shape):
    """At least one must hold."""

    any: list[Eligibility] = Field(min_length=1)
    says: BothLanguages | None = None
    basis: Words | None = None


class NoneOf(Shape):
    """None may hold."""

    none: list[Eligibility] = Field(min_length=1)
    says: BothLanguages | None = None
    basis: Words | None = None


class Leaf(Shape):
    """One condition, with what it says in plain words and the clause it stands on."""

    when: Expression
    says: BothLanguages | None = None
    basis: Words | None = None


def _condition_form(value: object) -> str:
    if not isinstance(value, dict):
        return "expression"
    return next((key for key in ("all", "any", "none") if key in value), "when")


Eligibility: TypeAlias = Annotated[
    Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[NoneOf, Tag("none")]
    | Annotated[Leaf, Tag("when")]
    | Annotated[Expression, Tag("expression")],
    Discriminator(_condition_form),
]


class ParameterShape(Shape):
    """A dated parameter with its unit, its key, or its brackets."""

    values: dict[Day, Anything] = Field(min_length=1)
    unit: Words | None = None
    title: BothLanguages | None = None
    review_by: Day | None = None
    by: Words | None = None
    by_region: Literal[True] | None = None
    scale: Literal["marginal", "stepped"] | None = None
    otherwise: Anything = None
    each_further: Amount | None = None
    at_least: Amount | None = None
    at_most: Amount | None = None


def _parameter_form(value: object) -> str:
    if isinstance(value, dict) and value and all(isinstance(key, Day) for key in value):
        return "dated"
    return "described"


Dated = Annotated[dict[Day, Anything], Field(min_length=1)]
ParameterForm: TypeAlias = Annotated[
    Annotated[Dated, Tag("dated")] | Annotated[ParameterShape, Tag("described")],
    Discriminator(_parameter_form),
]


class DefinitionShape(Shape):
    """An expression that has a name, with what people call it."""

    value: Expression
    title: BothLanguages | None = None


def _definition_form(value: object) -> str:
    return "titled" if isinstance(value, dict) else "expression"


DefinitionForm: TypeAlias = Annotated[
    Annotated[Expression, Tag("expression")] | Annotated[DefinitionShape, Tag("titled")],
    Discriminator(_definition_form),
]


class TierShape(Shape):
    """One step of a benefit."""

    amount: Expression
    when: Expression | None = None


class Rounding(Shape):
    """To what an amount is rounded, and how."""

    to: Words
    mode: Literal["half_up", "down", "up"]


class InstalmentShape(Shape):
    """One part of an amount that is due bit by bit."""

    share: Share
    when: Expression | None = None
    says: BothLanguages | None = None
    basis: Words | None = None


class ObligationShape(Shape):
    """What the receiver must do later."""

    says: BothLanguages
    due: Expression | None = None
    months_after: Annotated[int, Field(ge=1, le=1_200)] | None = None
    basis: Words | None = None


class CeilingShape(Shape):
    """What one receiver gets at most over several grants."""

    amount: Expression
    within: Literal["period", "year", "always"]
    measure: Expression | None = None
    for_each: Annotated[list[Expression], Field(min_length=1)] | None = None
    when: Expression | None = None
    says: BothLanguages | None = None
    basis: Words | None = None


class BenefitShape(Shape):
    """What is granted."""

    kind: Literal["cash", "waiver", "refund", "voucher", "deduction", "service", "qualification"]
    amount: Expression | None = None
    tiers: list[TierShape] | None = None
    floor: Expression | None = None
    cap: Expression | None = None
    rounding: Rounding | None = None
    monotone: Annotated[dict[Name, Literal["rising", "falling"]], Field(min_length=1)] | None = None
    says: BothLanguages | None = None
    instalments: list[InstalmentShape] | None = None
    obligation: ObligationShape | None = None
    ceilings: Annotated[dict[Name, CeilingShape], Field(min_length=1)] | None = None


class JudgementShape(Shape):
    """Why a machine must not decide alone."""

    kind: Literal["discretionary", "competitive", "assessment"]
    reason: BothLanguages


class ClaimsShape(Shape):
    """What may be used only once across all subjects."""

    group: Name
    key: Expression


class ExclusiveShape(Shape):
    """A group of policies of which a subject gets one."""

    group: Name
    choose: Literal["first", "highest"]
    rank: int = Field(default=0, ge=0, le=10_000)


class GuardShape(Shape):
    """The share of the space that may match."""

    share_at_most: Amount | None = None
    share_at_least: Amount | None = None


class UnitExpectation(Shape):
    """What an example expects of one unit."""

    eligible: Literal[True, False, "unknown"]
    amount: Amount | None = None
    settled_by: list[Words] | None = None
    after_ceilings: Amount | None = None


class Expectation(Shape):
    """What an example expects."""

    eligible: Literal[True, False, "unknown"] | None = None
    amount: Amount | None = None
    settled_by: list[Words] | None = None
    units: dict[UnitKey, UnitExpectation] | None = None
    after_ceilings: Amount | None = None


class Given(Shape):
    """What an example assumes beside the profile."""

    indicators: dict[Name, Anything] | None = None


class ExampleShape(Shape):
    """One worked case."""

    name: Words
    on: Day
    profile: dict[Name, Anything]
    expect: Expectation
    given: Given | None = None


class OverlayShape(Shape):
    """One overlay file: the values of one place for parameters that a rule has opened with `by_region`."""

    overlays: PolicyId
    region: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    place: BothLanguages | None = None
    author: Words
    authority: Words
    basis: list[BasisShape] = Field(min_length=1)
    in_force: InForce
    parameters: Annotated[dict[Name, Dated], Field(min_length=1)]
    confidence: Literal["high", "medium", "low"] | None = None
    unverified: list[Words] = []
    examples: list[ExampleShape] = []


class NoticeShape(Shape):
    """The texts that people receive."""

    granted: BothLanguages


class PolicyShape(Shape):
    """One rule file."""

    id: PolicyId
    title: BothLanguages
    space: Name
    authority: Words
    author: Words
    basis: list[BasisShape] = Field(min_length=1)
    region: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    in_force: InForce
    delivery: Literal["automatic", "confirm", "notify", "declare", "channel"]
    period: Literal["once", "month", "quarter", "year", "event"]
    schedule: Words
    triggers: list[Name] = []
    eligibility: Eligibility
    benefit: BenefitShape
    notice: NoticeShape
    judgement: JudgementShape | None = None
    silence: Literal["granted", "not_taken_yet", "waived"] = "not_taken_yet"
    for_each: Name | None = None
    unit_where: Expression | None = None
    claims: ClaimsShape | None = None
    payee: Words | None = None
    fund: Words | None = None
    excludes: list[PolicyId] = []
    exclusive: ExclusiveShape | None = None
    net_of: list[PolicyId] = []
    order_of_need: Expression | None = None
    guard: GuardShape | None = None
    sensitive: dict[Words, Words] = {}
    parameters: dict[Name, ParameterForm] = {}
    definitions: dict[Name, DefinitionForm] = {}
    examples: list[ExampleShape] = []
    confidence: Literal["high", "medium", "low"] | None = None
    unverified: list[Words] = []
