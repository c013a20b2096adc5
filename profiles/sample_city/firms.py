"""The firms of the city: what they are, where they are registered, how large they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from policies.types import to_day_number
from profiles.sample_city.chance import Flags, Numbers, days, drawn, happens, stream, words
from profiles.sample_city.firm_tables import Base, insurance_columns, statistics_columns, tax_columns
from profiles.sample_city.firm_titles import srdi_columns, travel_columns, zones_and_conversions
from profiles.sample_city.names import firm_names
from profiles.sample_city.numbers import credit_codes
from profiles.sample_city.statistics import Statistics, published

# Divisions of those that are no enterprises and stand in no sector of the census.
_OWN_DIVISION = {"law_firm": 72, "accounting_firm": 72, "cooperative": 1, "government": 92, "foundation": 95}
_SHOP_SECTORS = {
    "trade": 52, "hotels": 20, "personal_services": 14, "transport": 5, "culture": 3, "construction": 3, "software": 2, "science": 1,
}  # fmt: skip
_BODY_SECTORS = {"education": 40, "health": 30, "culture": 20, "science": 10}
# Sectors in which firms registered elsewhere are met more often: most rules about firms ask for technology.
_SOUGHT_SECTORS = {"industry": 40, "software": 30, "science": 20, "hotels": 10}
_TECHNICAL = (26, 27, 34, 35, 36, 38, 39, 40, 64, 65, 73, 74, 75)
_SPREAD = 1.35
_MOST_PER_FIRM = 60_000


@dataclass(frozen=True, slots=True)
class Firms:
    """The firms; division and group of GB/T 4754; revenue in fen a year, assets in fen; away marks those registered outside the city."""

    codes: pl.Series
    kind: pl.Series
    is_enterprise: Flags
    technical: Flags
    region: pl.Series
    away: Flags
    division: Numbers
    group: Numbers
    employees: Numbers
    revenue: Numbers
    assets: Numbers
    founded: Numbers
    tables: dict[str, dict[str, pl.Series]]

    @property
    def count(self) -> int:
        """How many firms there are."""
        return len(self.employees)


def found_firms(count: int, seed: int, on: date) -> Firms:
    """Return the firms of the city on the day `on`, with the columns of each of their sources."""
    figures, chance, today = published(), stream(seed, "firms"), to_day_number(on)
    bodies = figures.table("entities")
    kinds = tuple(bodies)
    weights = [value * (1.0 if at < 2 else figures.number("other_bodies")) for at, value in enumerate(bodies.values())]
    kind_at = drawn(chance, weights, count)
    kind = words(kinds, kind_at)
    region, away = _places(chance, count, figures)
    sector, division = _industries(chance, kinds, kind_at, away, figures)
    employees = _employees(chance, kind_at, sector, away, figures)
    # Rules of other places often reward the young: half of the firms registered there are of the last three years.
    young = away & happens(chance, 0.5, count)
    founded = today - np.where(young, chance.random(count) * 1_000, chance.beta(0.9, 2.4, count) * 38 * 365).astype(
        np.int64
    )
    revenue = _revenue(chance, employees, sector, kind_at == 1, figures)
    group = _groups(chance, division)
    # Assets of some five months to three years of turnover, in whole ten thousand yuan.
    assets = np.minimum((revenue // 1_000_000 * chance.integers(40, 260, count)) * 10_000, 8 * 10**12)
    base = Base(
        kind=kind_at,
        sector=sector,
        division=division,
        group=group,
        technical=np.isin(division, _TECHNICAL),
        away=away,
        region=region,
        employees=employees,
        revenue=revenue,
        assets=assets,
        founded=founded,
        today=today,
    )
    return Firms(
        codes=credit_codes(count),
        kind=kind,
        is_enterprise=kind_at == 0,
        technical=base.technical,
        region=region,
        away=away,
        division=division,
        group=group,
        employees=employees,
        revenue=revenue,
        assets=assets,
        founded=founded,
        tables=_tables(chance, base, kind, kinds, figures),
    )


def _tables(
    chance: np.random.Generator, base: Base, kind: pl.Series, kinds: tuple[str, ...], figures: Statistics
) -> dict[str, dict[str, pl.Series]]:
    """Return the columns of every source about firms."""
    count = base.count
    always = (base.kind == 1) | (base.kind == kinds.index("cooperative"))
    private = np.where(always, 1.0, np.where(base.kind == 0, figures.number("private_firms") / 100, 0.0))
    return {
        "enterprises": {
            "name": firm_names(chance, kind),
            "registration_region": base.region,
            "active": pl.Series(~happens(chance, 0.03, count)),
            "kind": kind,
            "private": pl.Series(happens(chance, private, count)),
            "industry": _classes(chance, base.group),
            "founded_on": days(base.founded),
            **zones_and_conversions(chance, base),
        },
        "enterprise_statistics": statistics_columns(chance, base),
        "enterprise_credit": {"seriously_dishonest": pl.Series(happens(chance, 0.012, count))},
        "enterprise_insurance": insurance_columns(chance, base),
        "tax": tax_columns(chance, base),
        "srdi": srdi_columns(chance, base, figures),
        "travel_agencies": travel_columns(chance, base),
    }


def _places(chance: np.random.Generator, count: int, figures: Statistics) -> tuple[pl.Series, Flags]:
    """Return where each firm is registered, and which are registered outside the city (a device)."""
    districts, named = figures.table("districts"), figures.table("places_of_firm_rules")
    away = happens(chance, figures.number("firms_registered_elsewhere") / 100, count)
    at = np.where(
        away,
        len(districts) + drawn(chance, list(named.values()), count),
        drawn(chance, list(districts.values()), count),
    )
    return words([*districts, *named], at), away


def _industries(
    chance: np.random.Generator, kinds: tuple[str, ...], kind: Numbers, away: Flags, figures: Statistics
) -> tuple[Numbers, Numbers]:
    """Return the sector of each firm (a position in the table of staff) and its division of GB/T 4754."""
    count = len(kind)
    names = tuple(figures.table("staff"))
    firms = figures.table("sectors") | figures.table("other_sectors")
    by_sector = (_SOUGHT_SECTORS, firms, _SHOP_SECTORS, _BODY_SECTORS)
    sought, usual, shops, bodies = (
        drawn(chance, [weights.get(name, 0.0) for name in names], count) for weights in by_sector
    )
    seeking = (kind == 0) & away & happens(chance, 0.5, count)
    sector = np.select([seeking, kind == 0, kind == 1], [sought, usual, shops], default=bodies)
    division = np.zeros(count, dtype=np.int64)
    for at, name in enumerate(names):
        inner = figures.inner_table("divisions", name)
        here = (sector == at).nonzero()[0]
        division[here] = np.array([int(one) for one in inner])[drawn(chance, list(inner.values()), len(here))]
    for name, own in _OWN_DIVISION.items():
        division[kind == kinds.index(name)] = own
    return sector, division


def _employees(
    chance: np.random.Generator, kind: Numbers, sector: Numbers, away: Flags, figures: Statistics
) -> Numbers:
    """Return staff numbers with a heavy tail; some firms stand exactly on the limits of real rules."""
    count = len(kind)
    # Firms registered elsewhere that are met here are the larger ones.
    mean = np.array(list(figures.table("staff").values()))[sector] * np.where(away, 2.0, 1.0)
    middle = np.select([kind == 1, kind >= 7], [np.log(1.8), 3.4], default=np.log(mean) - _SPREAD**2 / 2)
    spread = np.where(kind == 1, 0.6, _SPREAD)
    staff = np.clip(np.exp(chance.normal(middle, spread)).astype(np.int64), 1, _MOST_PER_FIRM)
    on_limit = happens(chance, 0.012, count) & (kind != 1)
    limits = np.array([20, 30, 30, 31, 300, 301])
    return np.where(on_limit, limits[chance.integers(0, len(limits), count)], staff)


def _revenue(
    chance: np.random.Generator, employees: Numbers, sector: Numbers, shop: Flags, figures: Statistics
) -> Numbers:
    """Return yearly revenue in fen, in whole hundreds of yuan: staff times what their sector earns a head."""
    per_head = np.array(list(figures.table("revenue_per_head").values()))[sector] * 1_000 * np.where(shop, 0.25, 1.0)
    # Small firms earn less a head than the mean of their sector, large ones more.
    scale = np.clip((employees / 40.0) ** 0.3, 0.4, 1.3)
    drawn_per_head = per_head * scale * np.exp(chance.normal(-0.32, 0.8, len(employees)))
    hundreds: Numbers = np.minimum((employees * drawn_per_head / 100).astype(np.int64), 9 * 10**8)
    return hundreds * 100 * 100


def _groups(chance: np.random.Generator, division: Numbers) -> Numbers:
    """Return groups of three digits: in property by the trade, else any within the division."""
    count = len(division)
    property_groups = np.array([1, 2, 3, 4, 9])[drawn(chance, (25, 45, 18, 8, 4), count)]
    group: Numbers = division * 10 + np.where(division == 70, property_groups, chance.integers(1, 10, count))
    return group


def _classes(chance: np.random.Generator, group: Numbers) -> pl.Series:
    """Return classes of four digits; the last digit is drawn."""
    frame = pl.DataFrame({"g": pl.Series(group).cast(pl.String).str.zfill(3), "c": chance.integers(0, 10, len(group))})
    return frame.select(pl.concat_str("g", "c").alias("class"))["class"]
