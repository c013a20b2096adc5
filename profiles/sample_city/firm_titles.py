"""Titles of firms: SRDI and high-tech, zones, conversions, the licences of travel agencies, the digital pilot."""

from __future__ import annotations

import numpy as np
import polars as pl

from profiles.sample_city.chance import Flags, Numbers, Reals, days, drawn, happens, where, words
from profiles.sample_city.firm_tables import Base
from profiles.sample_city.statistics import Statistics

Columns = dict[str, pl.Series]
# Little giants were named in batches, the first in 2019; then one a year.
_FIRST_BATCH = 2019
_CONVERSIONS = ("none", "individual", "sole_proprietorship", "partnership", "public_institution", "branch")
# Deposits of travel agencies: inland and inbound, or outbound as well.
_DEPOSITS = (200_000, 1_400_000)


def titled(able: Flags, away: Flags, figure: str, figures: Statistics) -> Reals:
    """Return each firm's chance of a title: in the city as many as published, elsewhere more (a device)."""
    bodies = figures.table("entities")
    wanted = figures.number(figure) / 1_000 / sum(bodies.values()) * int((~away).sum())
    there = int((able & ~away).sum())
    level = min(wanted / there, 0.9) if there else 0.0
    raised = min(max(level, 0.06) * figures.number("honours_elsewhere"), 0.7)
    chances: Reals = np.where(able, np.where(away, raised, level), 0.0)
    return chances


def year_of(day: Numbers) -> Numbers:
    """Return the calendar year of day numbers (off by one at most around New Year in rare years)."""
    years: Numbers = pl.Series(day.astype(np.int32)).cast(pl.Date).dt.year().cast(pl.Int64).to_numpy()
    return years


def srdi_columns(chance: np.random.Generator, base: Base, figures: Statistics) -> Columns:
    """Return the columns of the economy commission: SRDI, its batch, and the digital pilot."""
    count = base.count
    grown = (base.kind == 0) & base.technical & (base.employees >= 8)
    provincial = happens(chance, titled(grown, base.away, "srdi", figures), count)
    national = happens(chance, titled(grown & (base.employees >= 12), base.away, "little_giants", figures), count)
    level = np.select([national, provincial], [2, 1], default=0)
    recognised = base.today - chance.integers(10, 6 * 365, count)
    # Where a rule speaks of the third batch only, that of 2021, half of them are of it.
    chengdu = base.region.str.starts_with("5101").to_numpy() & happens(chance, 0.6, count)
    third = 18_840 + chance.integers(0, 30, count)  # the summer of 2021
    recognised = np.where(chengdu & (base.today > 18_900), third, recognised)
    batch = np.where(level == 2, np.maximum(year_of(recognised) - _FIRST_BATCH + 1, 1), 0)
    pilot = base.region.str.starts_with("4420").to_numpy() & (base.kind == 0) & happens(chance, 0.6, count)
    spent = np.where(pilot, chance.integers(50_000, 2_000_000, count) * 100, 0)
    return {
        "srdi": words(("none", "provincial", "national"), level),
        "srdi_recognised_on": where(level > 0, days(recognised)),
        "srdi_batch": pl.Series(batch),
        "digital_pilot": pl.Series(pilot),
        "digital_level": pl.Series(np.where(pilot, 1 + drawn(chance, (0.2, 0.5, 0.25, 0.05), count), 1)),
        "digital_spend": pl.Series(spent),
    }


def zones_and_conversions(chance: np.random.Generator, base: Base) -> Columns:
    """Return in which zone a firm sits, and what it was before it became an enterprise."""
    count = base.count
    tianjin = base.region.str.starts_with("1201").to_numpy()
    zone = np.select([tianjin & happens(chance, 0.6, count), happens(chance, 0.03, count)], [1, 2], default=0)
    seek = base.region.str.starts_with("51").to_numpy() | base.region.str.starts_with("61").to_numpy()
    enterprise = base.kind == 0
    # From an individual business more often where a rule rewards it.
    converted = enterprise & happens(chance, np.where(seek, 0.4, 0.03), count)
    source = np.where(converted, 1 + drawn(chance, (0.66, 0.12, 0.10, 0.04, 0.08), count), 0)
    return {
        "functional_zone": words(("none", "120116-teda", "other"), zone),
        "converted_from": words(_CONVERSIONS, source),
        "converted_on": where(source > 0, days(base.founded)),
    }


def travel_columns(chance: np.random.Generator, base: Base) -> Columns:
    """Return the licences and deposits of travel agencies; every other firm has none."""
    count = base.count
    agency = (base.kind == 0) & (base.division == 72) & happens(chance, 0.05, count)
    deposit = np.array(_DEPOSITS)[drawn(chance, (0.8, 0.2), count)] * 100
    return {
        "travel_licence": pl.Series(agency),
        "travel_deposit": pl.Series(np.where(agency, deposit, 0)),
        "travel_deposit_frozen": pl.Series(agency & happens(chance, 0.1, count)),
    }
