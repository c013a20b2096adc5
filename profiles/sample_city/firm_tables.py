"""What agencies know of firms: size and scale, insurance of the staff, taxes and fees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from profiles.sample_city.chance import Flags, Numbers, drawn, happens, where, words
from profiles.sample_city.size_classes import NO_CLASS, SIZE_CLASSES, size_classes

Columns = dict[str, pl.Series]
# Revenue in ten thousand yuan a year from which a unit counts as above the scale, by division from and to.
_SCALE = (
    (6, 46, 2_000), (47, 50, 2_000), (51, 51, 2_000), (52, 52, 500), (61, 62, 200),
    (71, 76, 1_000), (79, 82, 500), (85, 90, 500),
)  # fmt: skip
_SERVICES_SCALE = 2_000
# Divisions in which some classes are restricted or forbidden: chemicals, minerals, metals, property, entertainment.
_RESTRICTED = (26, 30, 33, 70, 90)
_SCALE_SECTORS = ("industry", "construction", "trade", "real_estate", "service", "large_individual")


@dataclass(frozen=True, slots=True)
class Base:
    """What all else about firms follows from, one entry each.

    kind is a position in the published table of bodies (0 enterprise, 1 individual business); sector one in the
    table of staff; division and group of GB/T 4754; revenue in fen a year, assets in fen; founded a day number,
    today the city's.
    """

    kind: Numbers
    sector: Numbers
    division: Numbers
    group: Numbers
    technical: Flags
    away: Flags
    region: pl.Series
    employees: Numbers
    revenue: Numbers
    assets: Numbers
    founded: Numbers
    today: int

    @property
    def count(self) -> int:
        """How many firms there are."""
        return len(self.kind)


def statistics_columns(chance: np.random.Generator, base: Base) -> Columns:
    """Return the columns of the statistics office."""
    count, division = base.count, base.division
    limit = np.select(
        [(division >= low) & (division <= high) for low, high, _ in _SCALE],
        [np.full(count, bound) for _, _, bound in _SCALE],
        default=_SERVICES_SCALE,
    )
    above = (base.revenue >= limit * 10_000 * 100) & happens(chance, np.where(base.away, 0.98, 0.9), count)
    above &= base.kind <= 1
    this_year = 1970 + base.today * 400 // 146_097
    first_year = 1970 + base.founded // 365 + 2
    # Where a rule rewards the first year, many firms have just entered.
    late = happens(chance, np.where(base.away, 0.75, 0.08), count)
    since = np.where(late, this_year - drawn(chance, (0.5, 0.3, 0.2), count), first_year + chance.integers(0, 4, count))
    sector = np.select(
        [
            base.kind == 1,
            division <= 46,
            division <= 50,
            (division <= 52) | np.isin(division, (61, 62)),
            division == 70,
        ],
        [5, 0, 1, 2, 3],
        default=4,
    )
    return {
        "statistical_staff": pl.Series(base.employees),
        "statistical_assets": pl.Series(base.assets),
        "above_scale": pl.Series(above),
        "above_scale_since": where(above, pl.Series(np.clip(since, 1995, this_year))),
        "above_scale_sector": where(above, words(_SCALE_SECTORS, sector)),
        "revenue": pl.Series(base.revenue),
        "key_industry": pl.Series(base.technical & happens(chance, 0.6, count)),
    }


def insurance_columns(chance: np.random.Generator, base: Base) -> Columns:
    """Return the columns of the insurance of the staff."""
    count, division = base.count, base.division
    insured = np.maximum((base.employees * chance.uniform(0.75, 1.05, count)).astype(np.int64), 0)
    months = np.clip((base.today - base.founded) // 30, 0, 300)
    months = np.where(happens(chance, 0.06, count), months // 2, months)
    months = np.where(happens(chance, 0.01, count), 12, months)
    # Half a per cent each from employer and employee, on wages of some 4,000 to 20,000 yuan a month.
    paid = insured * 12 * chance.integers(4_000, 20_000, count)
    rate = np.where(happens(chance, 0.55, count), 0, (chance.beta(1.0, 22.0, count) * 10_000).astype(np.int64))
    exact = happens(chance, 0.01, count)
    rate = np.where(exact, np.array([550, 551, 2_000, 2_001])[chance.integers(0, 4, count)], rate)
    owners = (
        "other", "unemployed_6m", "poverty_alleviated", "graduate_year", "jobless_or_dibao_household", "veteran",
    )  # fmt: skip
    owner = words(owners, drawn(chance, (85, 6, 4, 3, 1, 1), count))
    return {
        "insured_size_class": words(
            SIZE_CLASSES,
            np.where(base.kind == 0, size_classes(base.group, insured, base.revenue, base.assets), NO_CLASS),
        ),
        "labour_dispatch": pl.Series((division == 72) & happens(chance, 0.05, count)),
        "unemployment_insurance_months": pl.Series(months),
        "unemployment_insurance_paid": pl.Series(paid),
        "insured_people": pl.Series(insured),
        "layoff_rate": pl.Series(rate),
        "impacted": pl.Series(happens(chance, np.where((division >= 13) & (division <= 43), 0.12, 0.02), count)),
        "owner_group": where(base.kind == 1, owner),
    }


def tax_columns(chance: np.random.Generator, base: Base) -> Columns:
    """Return the columns of taxes and fees."""
    count, employees, revenue, division = base.count, base.employees, base.revenue, base.division
    shop = base.kind == 1
    sales = np.where(happens(chance, 0.01, count), 100_000 * 100, revenue // 12)
    small = (revenue < 5_000_000 * 100) & happens(chance, np.where(shop, 0.99, 0.92), count)
    margin = chance.normal(0.05, 0.08, count)
    taxable = np.maximum((revenue * margin).astype(np.int64), 0)
    taxable = np.where(happens(chance, 0.006, count), 3_000_000 * 100, taxable)
    disabled_share = np.where(happens(chance, 0.25, count), chance.beta(1.2, 60.0, count), 0.0)
    disabled = np.floor(employees * disabled_share).astype(np.int64)
    ratio = np.where(employees > 0, disabled * 10_000 // np.maximum(employees, 1), 0)
    # The levy: the people missing from 1.5 %, times the average yearly wage (here 90,000 to 200,000 yuan).
    missing = np.maximum(employees * 15 - disabled * 1_000, 0)
    levy = missing * chance.integers(90_000, 200_000, count) // 1_000 * 100
    # The mean of four quarters is near to what stood in the books at the end of the year.
    assets = base.assets // 1_000_000 * chance.integers(92, 109, count) * 10_000
    researching = (base.kind == 0) & base.technical & happens(chance, 0.6, count)
    research = np.where(researching, (revenue * chance.uniform(0.03, 0.15, count)).astype(np.int64), 0)
    amortised = np.where(researching, (revenue * chance.uniform(0.0, 0.02, count)).astype(np.int64), 0)
    union = np.where(happens(chance, 0.45, count), employees * 12 * chance.integers(8_000, 30_000, count) // 50, 0)
    return {
        "employees": pl.Series(employees),
        "disability_levy_due": pl.Series(levy),
        "disabled_ratio": pl.Series(ratio),
        "vat_kind": words(("small", "general"), np.where(small, 0, 1)),
        "monthly_sales": pl.Series(sales),
        "taxable_income": pl.Series(taxable),
        "income_tax_employees": pl.Series(np.maximum(employees + chance.integers(-1, 2, count), 1)),
        "income_tax_assets": pl.Series(assets),
        "restricted_industry": pl.Series(np.isin(division, _RESTRICTED) & happens(chance, 0.06, count)),
        "six_taxes_due": pl.Series((revenue * chance.uniform(0.001, 0.006, count)).astype(np.int64)),
        "union_fee_year": pl.Series(union),
        "research_expensed": pl.Series(research),
        "research_amortised": pl.Series(amortised),
        "deductible_taxes": pl.Series((revenue * chance.uniform(0.01, 0.05, count)).astype(np.int64)),
    }
