"""The firms of the city: register, size, insurance, tax and honours, one entry each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from policies.types import to_day_number
from profiles.sample_city.chance import Flags, Numbers, days, drawn, happens, stream, where, words
from profiles.sample_city.names import firm_names
from profiles.sample_city.numbers import credit_codes
from profiles.sample_city.people import SHANGHAI
from profiles.sample_city.size_classes import size_classes

KINDS = (
    "enterprise", "individual", "social_organisation", "foundation", "law_firm", "accounting_firm",
    "cooperative", "public_institution", "government",
)  # fmt: skip
_KIND_WEIGHTS = (68.0, 23.0, 3.5, 0.4, 0.8, 0.5, 0.8, 2.5, 0.5)
_AWAY = ("440309", "350102", "650402", "330106", "360322", "350481", "510100", "610100", "120101")
_AWAY_WEIGHTS = (30, 34, 12, 8, 6, 8, 4, 4, 4)
# Divisions of GB/T 4754 and their weights; the last two digits of a class are drawn.
_INDUSTRIES: dict[str, float] = {
    "01": 0.8, "13": 0.6, "14": 0.8, "18": 1.0, "26": 0.8, "27": 1.0, "29": 0.8, "33": 1.5, "34": 2.0,
    "35": 2.0, "36": 1.2, "38": 2.0, "39": 2.4, "40": 1.0, "47": 1.5, "49": 1.5, "50": 2.0, "51": 14.0,
    "52": 14.0, "54": 2.5, "58": 2.0, "59": 1.5, "60": 0.8, "61": 1.5, "62": 6.0, "63": 0.3, "64": 2.0,
    "65": 7.0, "66": 0.3, "67": 0.5, "70": 3.0, "71": 1.5, "72": 9.0, "73": 1.8, "74": 3.5, "75": 3.0,
    "80": 2.5, "81": 1.0, "83": 2.0, "84": 1.0, "85": 0.6, "87": 0.6, "88": 0.8, "89": 0.4, "90": 0.6,
}  # fmt: skip
_TECHNICAL = ("26", "27", "34", "35", "36", "38", "39", "40", "64", "65", "73", "74", "75")
_MOST_PER_FIRM = 60_000


@dataclass(frozen=True, slots=True)
class Firms:
    """The firms; money in fen, rates scaled by 10,000."""

    codes: pl.Series
    kind: pl.Series
    is_enterprise: Flags
    technical: Flags
    region: pl.Series
    employees: Numbers
    founded: Numbers
    size_class: pl.Series
    tables: dict[str, dict[str, pl.Series]]

    @property
    def count(self) -> int:
        """How many firms there are."""
        return len(self.employees)


def found_firms(count: int, seed: int, on: date) -> Firms:
    """Return the firms of the city on the day `on`, with the columns of each of their sources."""
    chance = stream(seed, "firms")
    today = to_day_number(on)
    codes = credit_codes(count)
    kind_at = drawn(chance, _KIND_WEIGHTS, count)
    kind = words(KINDS, kind_at)
    is_enterprise = kind_at == 0
    divisions = tuple(_INDUSTRIES)
    division_at = drawn(chance, tuple(_INDUSTRIES.values()), count)
    division = np.array([int(one) for one in divisions])[division_at]
    technical = np.isin(division, [int(one) for one in _TECHNICAL])
    region_at = np.where(
        happens(chance, 0.14, count),
        len(SHANGHAI) + drawn(chance, _AWAY_WEIGHTS, count),
        drawn(chance, np.linspace(2.0, 0.6, len(SHANGHAI)), count),
    )
    employees = _employees(chance, kind_at)
    founded = today - (chance.beta(0.9, 2.4, count) * 38 * 365).astype(np.int64)
    revenue = _revenue(chance, employees)
    region = words([*SHANGHAI, *_AWAY], region_at)
    size_class = size_classes(division, employees, revenue)
    shop = kind_at == 1
    tables: dict[str, dict[str, pl.Series]] = {
        "enterprises": {
            "name": firm_names(chance, kind),
            "registration_region": region,
            "active": pl.Series(~happens(chance, 0.03, count)),
            "kind": kind,
            "private": pl.Series(happens(chance, np.where(kind_at >= 7, 0.0, 0.93), count)),
            "industry": _classes(chance, divisions, division_at),
            "founded_on": days(founded),
        },
        "enterprise_statistics": _statistics(chance, size_class, revenue, technical, founded, today),
        "enterprise_credit": {"seriously_dishonest": pl.Series(happens(chance, 0.012, count))},
        "enterprise_insurance": _insurance(chance, employees, founded, division, today),
        "tax": _tax(chance, employees, revenue, shop, division),
        "srdi": _srdi(chance, is_enterprise & technical, employees, today),
    }
    return Firms(codes, kind, is_enterprise, technical, region, employees, founded, size_class, tables)


def _employees(chance: np.random.Generator, kind: Numbers) -> Numbers:
    """Return staff numbers with a heavy tail; some firms stand exactly on the limits of real rules."""
    count = len(kind)
    centre = np.select([kind == 1, kind >= 7], [0.7, 3.4], default=1.9)
    spread = np.where(kind == 1, 0.6, 1.25)
    staff = np.clip(np.exp(chance.normal(centre, spread)).astype(np.int64), 1, _MOST_PER_FIRM)
    on_limit = happens(chance, 0.012, count) & (kind != 1)
    limits = np.array([20, 30, 30, 31, 300, 301])
    return np.where(on_limit, limits[chance.integers(0, len(limits), count)], staff)


def _revenue(chance: np.random.Generator, employees: Numbers) -> Numbers:
    """Return yearly revenue in fen, in whole hundreds of yuan."""
    per_head = np.exp(chance.normal(12.9, 0.8, len(employees)))
    return np.minimum((employees * per_head / 100).astype(np.int64), 9 * 10**8) * 100 * 100


def _classes(chance: np.random.Generator, divisions: tuple[str, ...], at: Numbers) -> pl.Series:
    frame = pl.DataFrame(
        {
            "d": words(divisions, at),
            "g": chance.integers(1, 10, len(at)),
            "c": chance.integers(0, 10, len(at)),
        }
    )
    return frame.select(pl.concat_str("d", "g", "c").alias("class"))["class"]


def _statistics(
    chance: np.random.Generator,
    size_class: pl.Series,
    revenue: Numbers,
    technical: Flags,
    founded: Numbers,
    today: int,
) -> dict[str, pl.Series]:
    count = len(revenue)
    above = (revenue >= 20_000_000 * 100) & happens(chance, 0.9, count)
    first_year = 1970 + founded // 365 + 2
    this_year = 1970 + today * 400 // 146_097
    since = np.clip(first_year + chance.integers(0, 4, count), 1995, this_year)
    return {
        "size_class": size_class,
        "above_scale": pl.Series(above),
        "above_scale_since": where(above, pl.Series(since)),
        "revenue": pl.Series(revenue),
        "key_industry": pl.Series(technical & happens(chance, 0.6, count)),
    }


def _insurance(
    chance: np.random.Generator, employees: Numbers, founded: Numbers, division: Numbers, today: int
) -> dict[str, pl.Series]:
    count = len(employees)
    insured = np.maximum((employees * chance.uniform(0.75, 1.05, count)).astype(np.int64), 0)
    months = np.clip((today - founded) // 30, 0, 300)
    months = np.where(happens(chance, 0.06, count), months // 2, months)
    months = np.where(happens(chance, 0.01, count), 12, months)
    # Half a per cent each from employer and employee, on wages of some 4,000 to 20,000 yuan a month.
    paid = insured * 12 * chance.integers(4_000, 20_000, count)
    rate = np.where(happens(chance, 0.55, count), 0, (chance.beta(1.0, 22.0, count) * 10_000).astype(np.int64))
    exact = happens(chance, 0.01, count)
    rate = np.where(exact, np.array([550, 551, 2_000, 2_001])[chance.integers(0, 4, count)], rate)
    return {
        "labour_dispatch": pl.Series((division == 72) & happens(chance, 0.05, count)),
        "unemployment_insurance_months": pl.Series(months),
        "unemployment_insurance_paid": pl.Series(paid),
        "insured_people": pl.Series(insured),
        "layoff_rate": pl.Series(rate),
        "impacted": pl.Series(happens(chance, np.where((division >= 13) & (division <= 43), 0.12, 0.02), count)),
    }


def _tax(
    chance: np.random.Generator, employees: Numbers, revenue: Numbers, shop: Flags, division: Numbers
) -> dict[str, pl.Series]:
    count = len(employees)
    sales = revenue // 12
    sales = np.where(happens(chance, 0.01, count), 100_000 * 100, sales)
    small = (revenue < 5_000_000 * 100) & happens(chance, np.where(shop, 0.99, 0.85), count)
    margin = chance.normal(0.05, 0.08, count)
    taxable = np.maximum((revenue * margin).astype(np.int64), 0)
    taxable = np.where(happens(chance, 0.006, count), 3_000_000 * 100, taxable)
    disabled_share = np.where(happens(chance, 0.25, count), chance.beta(1.2, 60.0, count), 0.0)
    disabled = np.floor(employees * disabled_share).astype(np.int64)
    ratio = np.where(employees > 0, disabled * 10_000 // np.maximum(employees, 1), 0)
    # The levy: the people missing from 1.5 %, times the average yearly wage (here 90,000 to 200,000 yuan).
    missing = np.maximum(employees * 15 - disabled * 1_000, 0)
    levy = missing * chance.integers(90_000, 200_000, count) // 1_000 * 100
    assets = np.minimum((revenue // 1_000_000 * chance.integers(40, 260, count)) * 10_000, 9 * 10**12)
    return {
        "employees": pl.Series(employees),
        "disability_levy_due": pl.Series(levy),
        "disabled_ratio": pl.Series(ratio),
        "vat_kind": words(("small", "general"), np.where(small, 0, 1)),
        "monthly_sales": pl.Series(sales),
        "taxable_income": pl.Series(taxable),
        "income_tax_employees": pl.Series(np.maximum(employees + chance.integers(-1, 2, count), 1)),
        "income_tax_assets": pl.Series(assets),
        "restricted_industry": pl.Series((division == 70) & happens(chance, 0.03, count)),
        "six_taxes_due": pl.Series((revenue * chance.uniform(0.001, 0.006, count)).astype(np.int64)),
        "union_fee_year": pl.Series(
            np.where(happens(chance, 0.45, count), employees * 12 * chance.integers(8_000, 30_000, count) // 50, 0)
        ),
    }


def _srdi(chance: np.random.Generator, fit: Flags, employees: Numbers, today: int) -> dict[str, pl.Series]:
    count = len(employees)
    provincial = fit & (employees >= 20) & happens(chance, 0.10, count)
    national = fit & (employees >= 40) & happens(chance, 0.06, count)
    level = np.select([national, provincial], [2, 1], default=0)
    recognised = days(today - chance.integers(10, 5 * 365, count))
    return {
        "srdi": words(("none", "provincial", "national"), level),
        "srdi_recognised_on": where(level > 0, recognised),
    }
