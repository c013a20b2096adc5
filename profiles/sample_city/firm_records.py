"""The items of firms: hires, qualifications and loans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from policies.types import to_day_number
from profiles.sample_city.chance import Flags, Numbers, days, drawn, happens, words
from profiles.sample_city.firm_titles import titled
from profiles.sample_city.firms import Firms
from profiles.sample_city.lives import Lives
from profiles.sample_city.numbers import record_numbers
from profiles.sample_city.people import People
from profiles.sample_city.statistics import published

# The sources of this module; the items of all others belong to residents.
FIRM_RECORDS = ("hires", "qualifications", "business_loans")
_GROUPS = (
    "graduate_year", "graduate_two_years", "youth_unemployed", "unemployed_3m", "unemployed_6m", "veteran", "other",
    "hard_to_employ", "poverty_alleviated", "jobless_or_dibao_household",
)  # fmt: skip
_FIELDS = (
    "catering_accommodation", "health", "elder_care", "childcare", "housekeeping", "culture_entertainment", "tourism",
    "sport", "digital", "green", "retail", "other",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Records:
    """The items of one source: the position of the owner, the item numbers, and the columns."""

    owner: Numbers
    item: pl.Series
    columns: dict[str, pl.Series]


def hires(chance: np.random.Generator, people: People, firms: Firms, lives: Lives, on: date) -> Records:
    """Return the registered hires; now and then two firms register the same graduate."""
    today = to_day_number(on)
    fresh = (lives.graduated >= 0) & (today - lives.graduated < 900)
    away = np.zeros(people.count, dtype=bool)
    away[lives.employer >= 0] = firms.away[lives.employer[lives.employer >= 0]]
    chosen = np.where(fresh, 0.9, np.where(people.age < 50, np.where(away, 0.55, 0.10), 0.03))
    hired = ((lives.employer >= 0) & happens(chance, chosen, people.count)).nonzero()[0]
    # Only one of the two firms may be paid for the graduate.
    twice = hired[fresh[hired] & happens(chance, 0.04, len(hired))] if firms.count > 1 else hired[:0]
    person = np.concatenate([hired, twice])
    count = len(person)
    is_second = np.arange(count) >= len(hired)
    other = drawn(chance, firms.employees, count) if firms.count else np.zeros(count, dtype=np.int64)
    other = np.where(other == lives.employer[person], (other + 1) % max(firms.count, 1), other)
    firm = np.where(is_second, other, lives.employer[person])
    since = np.where(fresh[person], np.maximum(today - lives.graduated[person], 1), 900)
    contract = today - (chance.random(count) * since).astype(np.int64)
    insured = np.maximum((today - contract) // 30 - (chance.random(count) < 0.15) * chance.integers(0, 4, count), 0)
    insured = np.where(happens(chance, 0.03, count), 3, insured)
    group = _groups(chance, person, people, lives, away[person], on)
    left = happens(chance, 0.15, count)
    until = np.where(left, contract + (chance.random(count) * (today - contract)).astype(np.int64), today)
    wage = np.minimum(lives.income[person], 3_650_000)
    return Records(
        firm,
        record_numbers("BA", count),
        {
            "person": people.numbers.gather(pl.Series(person)),
            "group": words(_GROUPS, group),
            "contract_on": days(contract),
            "contract_months": pl.Series(np.array([6, 12, 24, 36])[drawn(chance, (0.1, 0.35, 0.2, 0.35), count)]),
            "insured_months": pl.Series(insured),
            "personal_insurance_paid": pl.Series(wage * 105 // 1_000 * insured),
            "employed_until": days(until),
            "certificate_marked": pl.Series((group == _GROUPS.index("unemployed_6m")) & happens(chance, 0.7, count)),
            "employer_insurance_paid": pl.Series(np.where(left, 0, wage * 25 // 100)),
        },
    )


def _groups(
    chance: np.random.Generator, person: Numbers, people: People, lives: Lives, away: Flags, on: date
) -> Numbers:
    """Return the group of each person hired, as a position in `_GROUPS`."""
    graduated, today = lives.graduated[person], to_day_number(on)
    this_year: Flags = graduated >= to_day_number(date(on.year, 1, 1))
    recent = (graduated >= 0) & (today - graduated < 731)
    usual = 3 + drawn(chance, (0.23, 0.14, 0.0, 0.565, 0.03, 0.03, 0.005), len(person))
    sought = 3 + drawn(chance, (0.15, 0.20, 0.0, 0.29, 0.25, 0.10, 0.01), len(person))
    group: Numbers = np.select(
        [this_year, recent, lives.soldier[person], people.age[person] < 25],
        [0, 1, 5, 2],
        default=np.where(away, sought, usual),
    )
    return group


def qualifications(chance: np.random.Generator, firms: Firms, today: int) -> Records:
    """Return high-tech and technology titles: as many as published; renewed ones stand beside the expired."""
    able = firms.is_enterprise & (firms.technical | happens(chance, 0.06, firms.count))
    holders = happens(chance, titled(able, firms.away, "high_tech", published()), firms.count).nonzero()[0]
    sequence = 1 + drawn(chance, (0.6, 0.3, 0.1), len(holders))
    issued = today - chance.integers(5, 1_500, len(holders))
    # A renewed title is a second row beside the expired first one.
    renewed = sequence > 1
    small = (firms.is_enterprise & happens(chance, np.where(firms.technical, 0.2, 0.0), firms.count)).nonzero()[0]
    # Who stands on the list of SRDI enterprises also has the certificate, of the same day.
    recognised = firms.tables["srdi"]["srdi_recognised_on"].cast(pl.Int32).fill_null(-1).to_numpy().astype(np.int64)
    listed = (recognised >= 0).nonzero()[0]
    owner = np.concatenate([holders, holders[renewed], small, listed])
    kind = np.repeat([0, 0, 2, 1], [len(holders), int(renewed.sum()), len(small), len(listed)])
    first = today - chance.integers(5, 700, len(small))
    issued = np.concatenate([issued, issued[renewed] - 1_096, first, recognised[listed]])
    sequence = np.concatenate([sequence, sequence[renewed] - 1, np.ones(len(small) + len(listed), dtype=np.int64)])
    return Records(
        owner,
        record_numbers("GR", len(owner)),
        {
            "kind": words(("hnte", "srdi", "technology_sme"), kind),
            "issued_on": days(issued),
            "valid_until": days(issued + np.where(kind == 2, 365, 1_095)),
            "sequence": pl.Series(sequence),
        },
    )


def business_loans(chance: np.random.Generator, firms: Firms, today: int) -> Records:
    """Return loans of firms, the larger the firm the larger; fields follow the industry."""
    borrowers = firms.is_enterprise & (firms.employees >= 2)
    share = np.where(np.isin(firms.division, (61, 62, 64, 80, 85, 87, 88, 89, 90)), 0.35, 0.16)
    owner = (borrowers & happens(chance, share, firms.count)).nonzero()[0]
    owner = np.concatenate([owner, owner[happens(chance, 0.25, len(owner))]])
    count = len(owner)
    started = today - chance.integers(1, 1_000, count)
    repaid = happens(chance, 0.2, count)
    until = np.where(repaid, started + (chance.random(count) * (today - started)).astype(np.int64), today)
    usual = np.exp(chance.normal(13.6, 1.0, count)) * np.clip(firms.employees[owner] / 20.0, 0.3, 20.0)
    principal = np.clip(usual, 100_000, 30_000_000).astype(np.int64) // 1_000 * 1_000 * 100
    return Records(
        owner,
        record_numbers("DK", count),
        {
            "kind": words(("fixed_asset", "working_capital", "other"), drawn(chance, (0.32, 0.6, 0.08), count)),
            "field": words(_FIELDS, _fields(chance, firms.division[owner])),
            "started_on": days(started),
            "interest_until": days(until),
            "principal": pl.Series(principal),
            "overdue": pl.Series(happens(chance, 0.03, count)),
        },
    )


def _fields(chance: np.random.Generator, division: Numbers) -> Numbers:
    """Return what a loan is used for, as a position in `_FIELDS`."""
    by_division = {
        61: 0, 62: 0, 84: 1, 85: 2, 83: 3, 80: 4, 81: 4, 87: 5, 88: 5, 90: 5, 72: 6, 89: 7, 64: 8, 65: 8, 77: 9, 52: 10,
    }  # fmt: skip
    field = np.full(len(division), len(_FIELDS) - 1)
    for one, place in by_division.items():
        field[division == one] = place
    # Of business services only a few are travel agencies; some homes look after small children too.
    field = np.where((division == 72) & ~happens(chance, 0.2, len(division)), len(_FIELDS) - 1, field)
    return np.where((division == 85) & happens(chance, 0.3, len(division)), 3, field)
