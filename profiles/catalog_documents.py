"""The shape of a catalog file: which keys there are and what kind of value each takes.

Only the shape is checked here; what the parts mean together is checked in `catalog_building`.
Nothing is coerced: a number in quotes is not a number, and an unknown key is an error.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Discriminator, Field, PlainValidator, StringConstraints, Tag
from pydantic_core import PydanticCustomError

from policies.text import Bilingual

ValueKind = Literal["bool", "integer", "decimal", "money", "date", "text", "code"]
WrittenIn = Literal["units", "percent", "fen", "thousands", "ten_thousands", "hundred_millions"]

# By how many powers of ten the written number is multiplied to become the attribute's own unit.
POWERS: dict[str, int] = {
    "units": 0,
    "percent": -2,
    "fen": -2,
    "thousands": 3,
    "ten_thousands": 4,
    "hundred_millions": 8,
}

Words = Annotated[str, StringConstraints(min_length=1)]


def _to_amount(value: object) -> int | Decimal:
    """Take a whole or decimal number as it stands; true and false are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("number_type", "input should be a number")
    return value


Amount = Annotated[int | Decimal, PlainValidator(_to_amount)]


def _to_constant(value: object) -> bool | int | Decimal | str | date:
    """Take a plain value as it stands; what type it must be of is looked at later."""
    if not isinstance(value, bool | int | Decimal | str | date):
        raise PydanticCustomError("constant_type", "input should be a plain value")
    return value


Constant = Annotated[bool | int | Decimal | str | date, PlainValidator(_to_constant)]


class Part(BaseModel):
    """The rules that all parts of a catalog file share."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Title(Part):
    """A text in both languages; neither may be left out."""

    zh: Words
    en: Words

    def to_bilingual(self) -> Bilingual:
        """Return the text as the language knows it."""
        return Bilingual(self.zh, self.en)


# Days after which a datum counts as unknown; `never` for what does not go stale.
Freshness = Annotated[
    Annotated[Annotated[int, Field(ge=1, le=36_500)], Tag("days")] | Annotated[Literal["never"], Tag("word")],
    Discriminator(lambda value: "word" if isinstance(value, str) else "days"),
]


class AttributePart(Part):
    """One attribute. Numbers need `low` and `high`, inclusive, in the attribute's own unit.

    `freshness_days: never` says that it does not go stale, such as a date of birth.
    """

    title: Title
    type: ValueKind
    code_set: str | None = None
    unit: str | None = None
    scale: Annotated[int, Field(ge=0, le=9)] | None = None
    low: Amount | None = None
    high: Amount | None = None
    sensitivity: Literal["ordinary", "sensitive"] = "ordinary"
    freshness_days: Freshness | None = None
    derivation: Words | None = None


class LinkPart(Part):
    """A to-one relation to a subject of `target`."""

    title: Title
    target: str


class CollectionPart(Part):
    """A to-many relation; `at_most` bounds the items of one subject."""

    title: Title
    attributes: dict[str, AttributePart]
    links: dict[str, LinkPart] = {}
    member_space: str | None = None
    at_most: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000


class SpacePart(Part):
    """One kind of subject."""

    title: Title
    attributes: dict[str, AttributePart]
    links: dict[str, LinkPart] = {}
    collections: dict[str, CollectionPart] = {}


class FieldPart(Part):
    """One column of a source, filed under the name that it delivers."""

    column: Words
    required: bool = False
    dates: Annotated[list[Words], Field(min_length=1)] | None = None
    written_in: WrittenIn = "units"
    codes: dict[str, str] = {}
    yes: Annotated[list[Words], Field(min_length=1)] | None = None
    no: Annotated[list[Words], Field(min_length=1)] | None = None


class SourcePart(Part):
    """One extract file of one agency."""

    title: Title
    agency: Title
    catalogue: Words
    purpose: Title
    refresh: Literal["daily", "weekly", "monthly", "quarterly", "yearly"]
    kind: Literal["register", "attributes", "collection", "identity"]
    space: str
    collection: str | None = None
    key: Words
    item: Words | None = None
    member: Words | None = None
    missing: list[str] | None = None
    fields: Annotated[dict[str, FieldPart], Field(min_length=1)]


class CodePart(Title):
    """One code: its name, and when it was in use (inclusive)."""

    valid_from: date | None = Field(default=None, alias="from")
    valid_to: date | None = Field(default=None, alias="to")
    successors: list[str] = []


class CodeSetPart(Part):
    """A list of codes."""

    title: Title
    codes: dict[str, CodePart]
    hierarchical: bool = False
    open: bool = False
    pattern: str | None = None


class CodeGroupPart(Part):
    """A named group of codes of one set."""

    code_set: str
    codes: Annotated[list[str], Field(min_length=1)]


class IndicatorPart(Part):
    """A dated public series: region ("" for the country) -> month -> value."""

    title: Title
    type: Literal["integer", "decimal", "money"]
    unit: str | None = None
    scale: Annotated[int, Field(ge=0, le=9)] | None = None
    low: Amount
    high: Amount
    lag_months: Annotated[int, Field(ge=0, le=24)] = 1
    source: str = ""
    values: dict[str, dict[str, Amount]]


class EventFieldPart(Part):
    """One datum of an event: an `attribute` of the catalog, an `identity` number, a `contact`, or an own type."""

    title: Title | None = None
    attribute: Words | None = None
    identity: str | None = None
    contact: Literal["name", "phone", "email", "account", "language", "channels"] | None = None
    type: ValueKind | None = None
    code_set: str | None = None
    unit: str | None = None
    scale: Annotated[int, Field(ge=0, le=9)] | None = None
    low: Amount | None = None
    high: Amount | None = None
    required: bool = False
    default: Constant | None = None


class EventPatchPart(Part):
    """One change that an event makes to the subject named by `of`."""

    of: Words = "subject"
    register_: bool = Field(default=False, alias="register")
    add: Words | None = None
    remove: Words | None = None
    item: Words | None = None
    member: Words | None = None
    set_: dict[str, Words] = Field(default={}, alias="set")
    constants: dict[str, Constant] = {}
    clear: list[Words] = []
    contacts: dict[Literal["name", "phone", "email", "account", "language", "channels"], Words] = {}


class EventPart(Part):
    """One kind of life event."""

    title: Title
    agency: Title
    space: str
    requires: dict[str, Words] = {}
    data: dict[str, EventFieldPart] = {}
    patches: Annotated[list[EventPatchPart], Field(min_length=1)]


class CatalogFile(Part):
    """A whole file; every top-level key is optional, and the files of a folder are put together."""

    spaces: dict[str, SpacePart] = {}
    sources: dict[str, SourcePart] = {}
    code_sets: dict[str, CodeSetPart] = {}
    code_groups: dict[str, CodeGroupPart] = {}
    indicators: dict[str, IndicatorPart] = {}
    funds: dict[str, Title] = {}
    events: dict[str, EventPart] = {}


SECTIONS: tuple[str, ...] = tuple(CatalogFile.model_fields)


def known_keys(path: tuple[Any, ...]) -> tuple[str, ...]:
    """Return the keys that a catalog file knows at `path`, for suggestions."""
    here: Any = CatalogFile
    for key in path:
        if isinstance(here, type) and issubclass(here, Part):
            found = next((info for name, info in here.model_fields.items() if key in (name, info.alias)), None)
            here = found.annotation if found is not None else None
        else:
            inner = get_args(here)
            here = inner[-1] if inner else None
    if get_origin(here) is Annotated:
        here = get_args(here)[0]
    if not (isinstance(here, type) and issubclass(here, Part)):
        return ()
    return tuple(info.alias or name for name, info in here.model_fields.items())
