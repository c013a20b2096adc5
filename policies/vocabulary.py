"""What a policy may name: the catalog as the language sees it.

`profiles.catalog` builds a `Vocabulary` from its YAML files; tests build small ones by hand. Nothing
here knows where data lies or how it is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from policies.text import Bilingual
from policies.types import Type

Sensitivity = Literal["ordinary", "sensitive"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One datum of a subject or of an item of a collection.

    `source` is the id of the source that delivers it (empty for derived attributes);
    `freshness_days` is the age in days after which the datum counts as unknown (None: never);
    `lasting`: the catalog says expressly that it never goes stale, such as a date of birth;
    `derivation` is the expression text that computes a derived attribute, in the same language.
    A sensitive attribute opens only to a policy that declares it with a purpose.
    """

    name: str
    type: Type
    title: Bilingual
    source: str = ""
    sensitivity: Sensitivity = "ordinary"
    freshness_days: int | None = None
    derivation: str | None = None
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A to-one relation: from a subject (or item) to one subject of `target`, such as `employer`."""

    name: str
    target: str
    title: Bilingual
    source: str = ""


@dataclass(frozen=True, slots=True)
class Collection:
    """A to-many relation: the items that belong to one subject, such as `hires` of an enterprise.

    If `member_space` is set, each item stands for one subject of that space and also has that
    subject's attributes, links and collections (`members` of a household: their incomes).
    `at_most` bounds the number of items of one subject; it bounds sums and counts.
    """

    name: str
    title: Bilingual
    attributes: Mapping[str, Attribute]
    links: Mapping[str, Link] = field(default_factory=dict)
    member_space: str | None = None
    at_most: int = 10_000
    source: str = ""


@dataclass(frozen=True, slots=True)
class Space:
    """One kind of subject: `citizen`, `enterprise`, `household`."""

    name: str
    title: Bilingual
    attributes: Mapping[str, Attribute]
    links: Mapping[str, Link] = field(default_factory=dict)
    collections: Mapping[str, Collection] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CodeSet:
    """A named, versioned list of codes; `codes` maps each code to its name.

    `hierarchical` sets (regions, industries) allow `within(code, prefix)`. `open` sets are too large
    to list whole: any code of `pattern` (a regular expression) is accepted.
    """

    name: str
    title: Bilingual
    codes: Mapping[str, Bilingual]
    hierarchical: bool = False
    open: bool = False
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Indicator:
    """A dated public series such as the consumer price index.

    `values` maps (region code or "" for the whole country) to {month as `YYYY-MM`: scaled integer}.
    A run on a day of month M reads the value of month M minus `lag_months`; a missing one is unknown.
    """

    name: str
    title: Bilingual
    type: Type
    values: Mapping[str, Mapping[str, int]]
    lag_months: int = 1
    source: str = ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything a rule file may name."""

    spaces: Mapping[str, Space]
    code_sets: Mapping[str, CodeSet] = field(default_factory=dict)
    indicators: Mapping[str, Indicator] = field(default_factory=dict)
    # Named groups of codes such as `retail` = ["52"], usable on the right of `in` and in `within`.
    code_groups: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    # Funds a policy may draw on: id to title.
    funds: Mapping[str, Bilingual] = field(default_factory=dict)
    # Kinds of life events a policy may be triggered by: name to title.
    events: Mapping[str, Bilingual] = field(default_factory=dict)
