"""The published statistics behind the sample city, each figure with its source and its certainty.

`statistics.yaml` holds them. Reading refuses a figure that names no source; nothing is computed here
(`fitting.py` fits what is estimated inside a table to the totals that are certain).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from policies.document import read_bytes, read_document, to_plain
from policies.errors import CatalogError, Place, PolicyError
from policies.text import Bilingual
from profiles.sample_city.chance import Reals

STATISTICS_FILE = Path(__file__).parent / "statistics.yaml"

Certainty: TypeAlias = Literal["exact", "rounded", "estimated"]
CERTAINTIES: Mapping[str, Bilingual] = MappingProxyType(
    {
        "exact": Bilingual("与公布数一致", "as published"),
        "rounded": Bilingual("公布数取整", "published, rounded here"),
        "estimated": Bilingual("估计,待核实", "estimated, to be verified"),
    }
)
UNITS: Mapping[str, Bilingual] = MappingProxyType(
    {
        en: Bilingual(zh, en)
        for en, zh in (
            ("people", "人"), ("thousand people", "千人"), ("households", "户"), ("couples", "对"), ("percent", "%"),
            ("yuan a month", "元/月"), ("thousand yuan", "千元"), ("thousand", "千户"), ("ten thousand", "万个"),
            ("enterprises", "家"), ("weight", "权重"), ("times", "倍"),
        )
    }
)  # fmt: skip
Words = Annotated[str, StringConstraints(min_length=1)]


def _known_unit(unit: str) -> str:
    if unit not in UNITS:
        raise ValueError(f"`{unit}` is no unit; there are: {', '.join(UNITS)}")
    return unit


Unit = Annotated[str, AfterValidator(_known_unit)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Title(_Part):
    """A text in both languages."""

    zh: Words
    en: Words

    def to_bilingual(self) -> Bilingual:
        """Return the text as the language knows it."""
        return Bilingual(self.zh, self.en)


class Publication(_Part):
    """Where figures come from."""

    title: Title
    publisher: Title
    published: date


class Figure(_Part):
    """One figure or table of figures.

    source is a key of `sources`; table the place in it; year the year that it describes; value a number,
    or numbers by key (an age range `15-19`, a code, a name), of `unit`.
    """

    title: Title
    source: Words
    table: Words
    year: Annotated[int, Field(ge=1949, le=2100)]
    certainty: Certainty
    unit: Unit
    note: str | None = None
    value: Any


class Device(_Part):
    """What is no statistic, but there so that every rule of the library finds somebody."""

    says: Title
    unit: Unit
    value: Any


class Statistics(_Part):
    """Everything the sample city is drawn from."""

    sources: Mapping[str, Publication]
    figures: Mapping[str, Figure]
    devices: Mapping[str, Device]

    def number(self, name: str) -> float:
        """Return the one number of the figure or device `name`; per cent as printed (28, not 0.28)."""
        return float(self._value(name))

    def table(self, name: str) -> dict[str, float]:
        """Return the numbers of the figure or device `name` by key."""
        return {str(key): float(value) for key, value in self._value(name).items()}

    def inner_table(self, name: str, part: str) -> dict[str, float]:
        """Return the numbers by key under `part` of the figure `name`."""
        return {str(key): float(value) for key, value in self._value(name)[part].items()}

    def share(self, name: str) -> float:
        """Return a number of people as a share of all residents."""
        return self.number(name) / self.number("population")

    def at_age(self, name: str, age: Reals) -> Reals:
        """Return, for each exact age in years, the number of the age range of `name` that holds it (0: none)."""
        ranges = [(*age_range(key), value) for key, value in self.table(name).items()]
        completed = np.floor(age)
        found: Reals = np.select(
            [(completed >= low) & (completed <= high) for low, high, _ in ranges],
            [np.full(len(age), value) for _, _, value in ranges],
            default=0.0,
        )
        return found

    def _value(self, name: str) -> Any:
        return (self.figures[name] if name in self.figures else self.devices[name]).value


def age_range(key: str) -> tuple[int, int]:
    """Return the first and the last completed year of an age range such as `15-19`; `65+` ends with 106."""
    if key.endswith("+"):
        return int(key[:-1]), 106
    low, _, high = key.partition("-")
    return int(low), int(high)


@cache
def published(path: Path = STATISTICS_FILE) -> Statistics:
    """Return the statistics in `path`.

    Raises CatalogError if it is no such file, lacks a source, or names one that is not listed.
    """
    try:
        plain = to_plain(read_document(read_bytes(path.read_bytes(), path.name), path.name).root)
        statistics = Statistics.model_validate(plain)
    except PolicyError as error:
        raise CatalogError(*error.diagnostics) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _wrong(path, ".".join(str(one) for one in first["loc"]), str(first["msg"])) from None
    for name, figure in statistics.figures.items():
        if figure.source not in statistics.sources:
            raise _wrong(path, f"figures.{name}.source", f"`{figure.source}` is not listed under `sources`")
    return statistics


def _wrong(path: Path, where: str, what: str) -> CatalogError:
    return CatalogError.of(
        "wrong-statistics",
        f"统计数据 `{where}` 有误:{what}",
        f"the statistics are wrong at `{where}`: {what}",
        help_zh="每个数字都要写明 title、source、table、year、certainty、unit 和 value",
        help_en="every figure needs title, source, table, year, certainty, unit and value",
        place=Place(path.name),
    )
