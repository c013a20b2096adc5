"""The items of residents and firms: births, incomes, certificates, loans, hires, qualifications."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from policies.types import to_day_number
from profiles.sample_city.chance import Flags, Numbers, days, drawn, happens, stream, words
from profiles.sample_city.firms import Firms
from profiles.sample_city.lives import EMPLOYED, RECEIVING, Lives
from profiles.sample_city.numbers import record_numbers
from profiles.sample_city.people import CHILD, People

_OCCUPATIONS = (
    "养老护理员", "电工", "焊工", "中式烹调师", "育婴员", "企业人力资源管理师", "健康管理师", "保育师",
    "汽车维修工", "数控车工", "物流服务师", "网络与信息安全管理员", "家政服务员", "消防设施操作员",
)  # fmt: skip
_SHORTAGE = (True, True, True, False, True, False, False, True, False, True, False, True, True, True)


@dataclass(frozen=True, slots=True)
class Records:
    """The items of one source: the position of the owner, the item numbers, and the columns."""

    owner: Numbers
    item: pl.Series
    columns: dict[str, pl.Series]


def keep(people: People, firms: Firms, lives: Lives, seed: int, on: date) -> dict[str, Records]:
    """Return the records of every collection of the city, by source."""
    today = to_day_number(on)
    return {
        "births": _births(stream(seed, "births"), people, lives, today),
        "incomes": _incomes(stream(seed, "incomes"), people, lives, on.year),
        "certificates": _certificates(stream(seed, "certificates"), people, lives, today),
        "loans": _loans(stream(seed, "loans"), people, today),
        "hires": _hires(stream(seed, "hires"), people, firms, lives, on),
        "qualifications": _qualifications(stream(seed, "qualifications"), firms, today),
    }


def _births(chance: np.random.Generator, people: People, lives: Lives, today: int) -> Records:
    born = (people.role == CHILD) & (today - people.birth_days < 365) & (people.guardian >= 0)
    babies = born.nonzero()[0]
    mothers = people.guardian[babies]
    kept = (~people.male[mothers]) & (people.age[mothers] < 55)
    mothers, day = mothers[kept], people.birth_days[babies[kept]]
    kind = drawn(chance, (0.55, 0.45), len(mothers))
    young = (~people.male & (people.age > 22) & (people.age < 44) & (lives.work == EMPLOYED)).nonzero()[0]
    ended = young[happens(chance, 0.004, len(young))]
    owner = np.concatenate([mothers, ended])
    count = len(owner)
    kind = np.concatenate([kind, 2 + drawn(chance, (0.6, 0.3, 0.1), len(ended))])
    babies_born = np.where(kind >= 2, 0, np.where(happens(chance, 0.03, count), 2, 1))
    months = np.where(happens(chance, 0.08, count), chance.integers(0, 12, count), chance.integers(12, 180, count))
    return Records(
        owner,
        record_numbers("FM", count),
        {
            "occurred_on": days(np.concatenate([day, today - chance.integers(0, 365, len(ended))])),
            "kind": words(("natural", "difficult", "terminated_early", "terminated_mid", "terminated_late"), kind),
            "babies": pl.Series(babies_born),
            "direct_settlement": pl.Series(happens(chance, 0.9, count)),
            "employer_kind": words(
                ("enterprise", "self_funded_institution", "government", "funded_institution"),
                drawn(chance, (0.85, 0.03, 0.05, 0.07), count),
            ),
            "insured_months": pl.Series(np.where(happens(chance, 0.02, count), 12, months)),
            "average_wage": pl.Series(chance.integers(450_000, 2_800_000, count)),
        },
    )


def _incomes(chance: np.random.Generator, people: People, lives: Lives, year: int) -> Records:
    """Last year's incomes are known of everyone; this year's of households that are being verified."""
    verified = people.hardship | happens(chance, 0.06, len(people.hardship))
    earners = (lives.income > 0).nonzero()[0]
    again = earners[verified[people.household[earners]]]
    owner = np.concatenate([again, earners])
    is_old = np.arange(len(owner)) >= len(again)
    kind = np.select(
        [lives.work[owner] == EMPLOYED, lives.work[owner] == RECEIVING, people.age[owner] >= 58],
        [0, 3, 4],
        default=1,
    )
    amount = np.where(is_old, lives.income[owner] * 97 // 100, lives.income[owner])
    return Records(
        owner,
        record_numbers("SR", len(owner)),
        {
            "year": pl.Series(np.where(is_old, year - 1, year)),
            "kind": words(("wage", "business", "property", "transfer", "pension", "other"), kind),
            "monthly_amount": pl.Series(amount),
        },
    )


def _certificates(chance: np.random.Generator, people: People, lives: Lives, today: int) -> Records:
    holders = ((lives.work != 2) & happens(chance, 0.06, people.count)).nonzero()[0]
    second = holders[happens(chance, 0.15, len(holders))]
    owner = np.concatenate([holders, second])
    count = len(owner)
    occupation = chance.integers(0, len(_OCCUPATIONS), count)
    return Records(
        owner,
        record_numbers("ZS", count),
        {
            "issued_on": days(today - chance.integers(0, 1_000, count)),
            "occupation": words(_OCCUPATIONS, occupation),
            "level": pl.Series(5 - drawn(chance, (0.35, 0.32, 0.22, 0.08, 0.03), count)),
            "shortage": pl.Series(np.array(_SHORTAGE)[occupation]),
        },
    )


def _loans(chance: np.random.Generator, people: People, today: int) -> Records:
    adult = (people.age >= 20) & (people.age < 66)
    owner = (adult & happens(chance, 0.08, people.count)).nonzero()[0]
    owner = np.concatenate([owner, owner[happens(chance, 0.2, len(owner))]])
    count = len(owner)
    kind = drawn(chance, (0.55, 0.15, 0.06, 0.06, 0.18), count)
    usual = np.array([30_000, 15_000, 200_000, 8_000, 1_200_000])[kind] * chance.uniform(0.2, 1.8, count)
    principal = np.where(happens(chance, 0.02, count), 50_000, usual).astype(np.int64) // 100 * 100 * 100
    rate = chance.integers(300, 520, count)
    age = chance.integers(0, 900, count)
    return Records(
        owner,
        record_numbers("JJ", count),
        {
            "kind": words(("consumer", "card_instalment", "startup", "student", "housing"), kind),
            "started_on": days(today - age),
            "principal": pl.Series(principal),
            "rate": pl.Series(rate),
            "interest_paid": pl.Series(principal * rate * age // 3_650_000),
            "overdue": pl.Series(happens(chance, 0.03, count)),
        },
    )


def _hires(chance: np.random.Generator, people: People, firms: Firms, lives: Lives, on: date) -> Records:
    today = to_day_number(on)
    fresh = (lives.graduated >= 0) & (today - lives.graduated < 900)
    chosen = np.where(fresh, 0.9, np.where(people.age < 50, 0.07, 0.0))
    hired = ((lives.employer >= 0) & happens(chance, chosen, people.count)).nonzero()[0]
    # Now and then two firms register the same graduate; only one of them may be paid for it.
    twice = hired[fresh[hired] & happens(chance, 0.04, len(hired))] if firms.count > 1 else hired[:0]
    person = np.concatenate([hired, twice])
    count = len(person)
    is_second = np.arange(count) >= len(hired)
    other = drawn(chance, firms.employees, count) if firms.count else np.zeros(count, dtype=np.int64)
    other = np.where(other == lives.employer[person], (other + 1) % max(firms.count, 1), other)
    firm = np.where(is_second, other, lives.employer[person])
    since = np.where(fresh[person], np.maximum(today - lives.graduated[person], 1), 720)
    contract = today - (chance.random(count) * since).astype(np.int64)
    insured = np.maximum((today - contract) // 30 - (chance.random(count) < 0.15) * chance.integers(0, 4, count), 0)
    insured = np.where(happens(chance, 0.03, count), 3, insured)
    monthly = lives.income[person] * 105 // 1_000
    return Records(
        firm,
        record_numbers("BA", count),
        {
            "person": people.numbers.gather(pl.Series(person)),
            "group": _groups(chance, person, people, lives, on),
            "contract_on": days(contract),
            "contract_months": pl.Series(np.array([6, 12, 24, 36])[drawn(chance, (0.1, 0.4, 0.2, 0.3), count)]),
            "insured_months": pl.Series(insured),
            "personal_insurance_paid": pl.Series(monthly * insured),
        },
    )


def _groups(chance: np.random.Generator, person: Numbers, people: People, lives: Lives, on: date) -> pl.Series:
    graduated, today = lives.graduated[person], to_day_number(on)
    this_year: Flags = graduated >= to_day_number(date(on.year, 1, 1))
    recent = (graduated >= 0) & (today - graduated < 731)
    group = np.select(
        [this_year, recent, lives.soldier[person], people.age[person] < 25],
        [0, 1, 5, 2],
        default=3 + drawn(chance, (0.25, 0.15, 0.0, 0.60), len(person)),
    )
    return words(
        (
            "graduate_year",
            "graduate_two_years",
            "youth_unemployed",
            "unemployed_3m",
            "unemployed_6m",
            "veteran",
            "other",
        ),
        group,
    )


def _qualifications(chance: np.random.Generator, firms: Firms, today: int) -> Records:
    longhua = (firms.region == "440309").to_numpy()
    share = np.where(firms.technical, 0.18, 0.01) + np.where(longhua, 0.35, 0.0)
    holders = (firms.is_enterprise & happens(chance, share, firms.count)).nonzero()[0]
    sequence = 1 + drawn(chance, (0.6, 0.3, 0.1), len(holders))
    issued = today - chance.integers(5, 1_500, len(holders))
    # A renewed title is a second row beside the expired first one.
    renewed = sequence > 1
    small = (firms.is_enterprise & happens(chance, np.where(firms.technical, 0.2, 0.0), firms.count)).nonzero()[0]
    owner = np.concatenate([holders, holders[renewed], small])
    kind = np.concatenate([np.zeros(len(holders) + int(renewed.sum()), dtype=np.int64), np.full(len(small), 2)])
    issued = np.concatenate([issued, issued[renewed] - 1_096, today - chance.integers(5, 700, len(small))])
    sequence = np.concatenate([sequence, sequence[renewed] - 1, np.ones(len(small), dtype=np.int64)])
    return Records(
        owner,
        record_numbers("GR", len(owner)),
        {
            "kind": words(("hnte", "srdi", "technology_sme"), kind),
            "issued_on": days(issued),
            "valid_until": days(issued + np.where(kind == 0, 1_095, 365)),
            "sequence": pl.Series(sequence),
        },
    )
