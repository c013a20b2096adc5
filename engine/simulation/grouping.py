"""Whom a figure is about: the district, and the age band of a person or the size class of an enterprise."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date

import narwhals as nw
import polars as pl

from engine.columnar_expressions import ExpressionCompiler
from engine.columnar_frames import FrameBuilder, with_derived
from engine.columnar_scopes import Scopes
from engine.decision import Population
from policies.library import read_policy_text
from policies.text import Bilingual
from policies.types import Code
from policies.vocabulary import Space, Vocabulary

UNKNOWN = "-"
DISTRICT, BAND = "district", "band"
_DISTRICTS = ("hukou_region", "registration_region", "region", "social_insurance_region")
_BANDS = (0, 3, 6, 16, 18, 25, 35, 45, 55, 60, 65, 70, 75, 80, 85, 90, 100)
_SIZE, _BIRTH = "size_class", "birth_date"
_PROBE = """\
id: cn-00-grouping
title: {{zh: 分组, en: grouping}}
space: {space}
author: "-"
authority: "-"
basis: [{{document: "-"}}]
region: "000000"
in_force: {{from: 2000-01-01}}
delivery: notify
period: once
schedule: "0 2 1 * *"
definitions: {{grouped_size: {size}}}
eligibility: {{when: grouped_size == "XS"}}
benefit: {{kind: service}}
notice:
  granted: {{zh: "-", en: "-"}}
examples: []
"""


class Sizes:
    """The size class of enterprises: derived by the rule of the catalog, compiled once for all buckets."""

    def __init__(self, space: str, vocabulary: Vocabulary) -> None:
        """Compile the rule. Raises PolicyError if the catalog's rule is wrong."""
        probe = read_policy_text(_PROBE.format(space=space, size=_SIZE), vocabulary, file="grouping")
        self._scopes = Scopes(vocabulary)
        self._scope = self._scopes.subjects(space)
        compiled = ExpressionCompiler(self._scopes).compile(probe.definitions["grouped_size"], self._scope)
        self._size = compiled.alias(BAND)

    def of(self, population: Population) -> pl.DataFrame:
        """Return `subject` and `band`, the code of the size class (null: unknown)."""
        frame = FrameBuilder(self._scopes, population).subjects(self._scope)
        rows = with_derived(frame.lazy(), self._scope).select(nw.col("subject"), self._size)
        found: pl.DataFrame = rows.collect().to_native()
        return found


@dataclass(frozen=True, slots=True)
class Grouping:
    """How the subjects of one space are told apart.

    `district` names the attribute with the region code (None: the space has none); `band` says what the bands are:
    `age` (of citizens, in years), `size` (size classes of enterprises), or None.
    """

    space: str
    on: date
    vocabulary: Vocabulary
    district: str | None
    band: str | None
    sizes: Sizes | None = None

    @property
    def band_title(self) -> Bilingual:
        """What heads the table of bands."""
        return Bilingual("企业规模", "size class") if self.band == "size" else Bilingual("年龄段", "age band")

    def of(self, population: Population) -> pl.DataFrame:
        """Return `subject`, `district` (six digits) and `band` for the subjects of one bucket; "-" is unknown."""
        wanted = [name for name in (self.district, _BIRTH if self.band == "age" else None) if name is not None]
        frame = population.attributes(self.space, wanted)
        unknown = pl.lit(UNKNOWN)
        district = unknown if self.district is None else pl.col(self.district).fill_null(UNKNOWN)
        band = unknown if self.band != "age" else _age_band(pl.col(_BIRTH), self.on)
        found = frame.select("subject", district.alias(DISTRICT), band.alias(BAND))
        if self.sizes is not None:
            found = found.drop(BAND).join(self.sizes.of(population), on="subject", how="left")
        return found.with_columns(pl.col(BAND).fill_null(UNKNOWN)).select("subject", DISTRICT, BAND)

    def district_name(self, code: str) -> Bilingual:
        """Return what people call a district."""
        return self._name("region", code)

    def band_name(self, band: str) -> Bilingual:
        """Return what people call a band: `65-69`, or the name of a size class."""
        return self._name("size_class", band) if self.band == "size" else _named(band)

    def _name(self, code_set: str, code: str) -> Bilingual:
        known = self.vocabulary.code_sets.get(code_set)
        name = None if known is None else known.codes.get(code)
        return _named(code) if name is None else name


def grouping_of(space: str, vocabulary: Vocabulary, on: date) -> Grouping:
    """Return how the subjects of a space are grouped on the day `on`: by what the catalog knows of them."""
    known = vocabulary.spaces[space]
    district = next((name for name in _DISTRICTS if _is_region(known, name)), None)
    if _BIRTH in known.attributes:
        return Grouping(space, on, vocabulary, district, "age")
    size = known.attributes.get(_SIZE)
    if size is None:
        return Grouping(space, on, vocabulary, district, None)
    return Grouping(space, on, vocabulary, district, "size", Sizes(space, vocabulary))


def _is_region(space: Space, name: str) -> bool:
    found = space.attributes.get(name)
    return found is not None and found.derivation is None and isinstance(found.type, Code)


def _named(code: str) -> Bilingual:
    return Bilingual("不详", "unknown") if code == UNKNOWN else Bilingual(code, code)


def _age_band(birth: pl.Expr, on: date) -> pl.Expr:
    """Return the band of the age in completed years."""
    before = (birth.dt.month() > on.month) | ((birth.dt.month() == on.month) & (birth.dt.day() > on.day))
    age = pl.lit(on.year, pl.Int32) - birth.dt.year() - before.cast(pl.Int32)
    found: pl.Expr = pl.lit(UNKNOWN)
    for low, high in itertools.pairwise(_BANDS):
        found = pl.when(age >= low).then(pl.lit(f"{low}-{high - 1}")).otherwise(found)
    return pl.when(age >= _BANDS[-1]).then(pl.lit(f"{_BANDS[-1]}+")).otherwise(found)


def band_order(band: str) -> tuple[int, str]:
    """Return a key that puts age bands in order of age, and what is unknown last."""
    head = band.replace("+", "-").partition("-")[0]
    return (int(head), band) if head.isdigit() else (10_000, band)
