"""What the catalog declares, beside the vocabulary that policies see: sources and how agencies write.

`profiles.catalog_reading.read_catalog` builds one `Catalog` from the YAML files; everything is frozen.
A `Source` is one extract file of one agency. Its `fields` say, column by column, which attribute, link or
contact a column delivers and how the agency writes it; intake needs nothing else to validate a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from policies.text import Bilingual
from policies.types import Code, Date, Number, Type
from policies.vocabulary import Space, Vocabulary
from profiles.catalog_event_model import EventKind

# register    who exists in a space: one row per subject; fields are attributes, links, contacts
# attributes  more data about subjects that a register knows: at most one row per subject
# collection  items that belong to a subject: any number of rows per subject
# identity    contacts only: every field goes to the vault, none to the store
SourceKind = Literal["register", "attributes", "collection", "identity"]

# What the vault keeps about a subject. `channels` is a comma-separated order of preference,
# `language` is `zh` or `en`.
Contact = Literal["name", "phone", "email", "account", "language", "channels"]
CONTACTS: tuple[Contact, ...] = ("name", "phone", "email", "account", "language", "channels")

# Words that stand for yes and no in agencies' files; a field may declare others.
YES_WORDS: tuple[str, ...] = ("1", "是", "true", "True", "TRUE", "Y", "y")
NO_WORDS: tuple[str, ...] = ("0", "否", "false", "False", "FALSE", "N", "n")
# Words that stand for a missing value; a source may declare others. Surrounding blanks never count.
MISSING_WORDS: tuple[str, ...] = ("", "NULL", "null", "None", "不详", "\\N")

DATE_FORMATS: tuple[str, ...] = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d")


@dataclass(frozen=True, slots=True)
class SourceField:
    """One column of an extract file.

    Exactly one of `attribute`, `link` and `contact` is set: the catalog name that the column delivers.
    (The columns of the subject's number, the item's number and the member's number are not fields; they
    are `Source.key`, `Source.item` and `Source.member`.)

    column        header in the file, Chinese allowed
    type          the catalog type of the attribute; `Text()` for links and contacts
    target        for a link: the space whose identity number the column holds; else None
    required      a row without this value goes to quarantine
    date_formats  strptime formats, tried in order; Excel and Parquet dates are taken as they are
    power         the written number times 10**power is the value in the attribute's own unit: 4 where an
                  agency writes 万元 for an attribute in yuan, -2 where it writes percent for a ratio
    codes         how this agency writes a code -> the catalog's code; an unlisted text must be a code
    yes, no       the words of a bool
    sensitive     as the attribute's sensitivity
    """

    column: str
    type: Type
    attribute: str | None = None
    link: str | None = None
    contact: Contact | None = None
    target: str | None = None
    required: bool = False
    date_formats: tuple[str, ...] = DATE_FORMATS
    power: int = 0
    codes: Mapping[str, str] = field(default_factory=dict)
    yes: tuple[str, ...] = YES_WORDS
    no: tuple[str, ...] = NO_WORDS
    sensitive: bool = False

    @property
    def name(self) -> str:
        """The catalog name that the column delivers: attribute, link or contact."""
        return self.attribute or self.link or self.contact or ""

    @property
    def role(self) -> Literal["attribute", "link", "contact"]:
        """Which of the three the column delivers."""
        if self.attribute is not None:
            return "attribute"
        return "link" if self.link is not None else "contact"

    @property
    def unit(self) -> str | None:
        """The unit of a number, such as `yuan`; None for anything else."""
        return self.type.unit if isinstance(self.type, Number) else None

    @property
    def scale(self) -> int:
        """The decimal places of a number (2 for money); 0 for anything else."""
        return self.type.scale if isinstance(self.type, Number) else 0

    @property
    def low(self) -> int | None:
        """The lowest scaled integer allowed, inclusive; None unless a number."""
        return self.type.low if isinstance(self.type, Number) else None

    @property
    def high(self) -> int | None:
        """The highest scaled integer allowed, inclusive; None unless a number."""
        return self.type.high if isinstance(self.type, Number) else None

    @property
    def code_set(self) -> str | None:
        """The name of the code set of a code; None for anything else."""
        return self.type.code_set if isinstance(self.type, Code) else None

    @property
    def is_date(self) -> bool:
        """True if the column holds a calendar day."""
        return isinstance(self.type, Date)


@dataclass(frozen=True, slots=True)
class Source:
    """One extract that an agency delivers as one file, named `<id>*.<ext>`.

    catalogue   the id under which the agency's data catalogue lists it
    purpose     why it is needed; shown to people who ask who used their data
    refresh     how often it is delivered: `daily`, `weekly`, `monthly`, `yearly`
    space       the space of the subjects (for a collection: of the owners of the items)
    collection  the collection that it fills; None unless `kind` is `collection`
    key         the column with the subject's identity number
    item        the column that numbers the items of a collection, unique in the file; None where `member`
                says which item it is, and for other kinds
    member      the column with the identity number of the member, for a collection with a member space
    missing     the texts that stand for a missing value in this file
    """

    id: str
    title: Bilingual
    agency: Bilingual
    catalogue: str
    purpose: Bilingual
    refresh: str
    kind: SourceKind
    space: str
    key: str
    fields: tuple[SourceField, ...]
    collection: str | None = None
    item: str | None = None
    member: str | None = None
    member_space: str | None = None
    missing: tuple[str, ...] = MISSING_WORDS

    @property
    def columns(self) -> tuple[str, ...]:
        """All headers of the file, the identity columns first."""
        identities = [column for column in (self.key, self.item, self.member) if column is not None]
        return (*identities, *(each.column for each in self.fields))

    @property
    def stored_fields(self) -> tuple[SourceField, ...]:
        """The fields that go to the columnar store: attributes and links."""
        return tuple(each for each in self.fields if each.contact is None)

    @property
    def vault_fields(self) -> tuple[SourceField, ...]:
        """The fields that go to the encrypted vault: contacts."""
        return tuple(each for each in self.fields if each.contact is not None)

    def field_of(self, name: str) -> SourceField | None:
        """Return the field that delivers the attribute, link or contact `name`, or None."""
        return next((each for each in self.fields if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when (inclusive; None: open) a code is in use, and which codes took its place."""

    valid_from: date | None = None
    valid_to: date | None = None
    successors: tuple[str, ...] = ()

    def holds_on(self, day: date) -> bool:
        """Return whether the code is in use on `day`."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything that the catalog's YAML files declare.

    vocabulary  what policies may name
    sources     source id -> source, in the order in which files should be taken in (registers first)
    validity    code set -> code -> validity; a code that is not listed is valid for ever
    digest      SHA-256 (hexadecimal) over the names and bytes of the files
    events      the kinds of life events by name
    """

    vocabulary: Vocabulary
    sources: Mapping[str, Source]
    validity: Mapping[str, Mapping[str, Validity]] = field(default_factory=dict)
    digest: str = ""
    events: Mapping[str, EventKind] = field(default_factory=dict)

    @property
    def spaces(self) -> Mapping[str, Space]:
        """The declared spaces by name."""
        return self.vocabulary.spaces

    def register_of(self, space: str) -> Source:
        """Return the source that says who exists in `space`; there is exactly one."""
        return next(each for each in self.sources.values() if each.kind == "register" and each.space == space)

    def sources_of(self, space: str, collection: str | None = None) -> tuple[Source, ...]:
        """Return the sources of `space`: those of `collection`, or if None those of its attributes."""
        return tuple(
            each
            for each in self.sources.values()
            if each.space == space and each.collection == collection and each.kind != "identity"
        )

    def codes_on(self, code_set: str, day: date) -> tuple[str, ...]:
        """Return the listed codes of `code_set` that are in use on `day`."""
        validity = self.validity.get(code_set, {})
        return tuple(
            code
            for code in self.vocabulary.code_sets[code_set].codes
            if code not in validity or validity[code].holds_on(day)
        )
