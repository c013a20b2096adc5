"""The items of residents and firms: births, incomes, certificates, loans, hires, qualifications."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from policies.types import to_day_number
from profiles.sample_city.chance import days, drawn, happens, stream, words
from profiles.sample_city.firm_records import Records, business_loans, hires, qualifications
from profiles.sample_city.firms import Firms
from profiles.sample_city.lives import EMPLOYED, NOT_INSURED, RECEIVING, Lives
from profiles.sample_city.numbers import record_numbers
from profiles.sample_city.people import CHILD, People
from profiles.sample_city.statistics import published

_OCCUPATIONS = (
    "养老护理员", "电工", "焊工", "中式烹调师", "育婴员", "企业人力资源管理师", "健康管理师", "保育师",
    "汽车维修工", "数控车工", "物流服务师", "网络与信息安全管理员", "家政服务员", "消防设施操作员",
)  # fmt: skip
_SHORTAGE = (True, True, True, False, True, False, False, True, False, True, False, True, True, True)
_BANKS = ("甲银行", "乙银行", "丙银行", "丁银行", "戊消费金融公司", "己消费金融公司")
_DAYS_KNOWN = 1_000

__all__ = ["Records", "keep"]


def keep(people: People, firms: Firms, lives: Lives, seed: int, on: date) -> dict[str, Records]:
    """Return the records of every collection of the city, by source."""
    today = to_day_number(on)
    return {
        "births": _births(stream(seed, "births"), people, lives, today),
        "incomes": _incomes(stream(seed, "incomes"), people, lives, on.year),
        "certificates": _certificates(stream(seed, "certificates"), people, lives, today),
        "loans": _loans(stream(seed, "loans"), people, lives, today),
        "hires": hires(stream(seed, "hires"), people, firms, lives, on),
        "qualifications": qualifications(stream(seed, "qualifications"), firms, today),
        "business_loans": business_loans(stream(seed, "business_loans"), firms, today),
    }


def _births(chance: np.random.Generator, people: People, lives: Lives, today: int) -> Records:
    born = (people.role == CHILD) & (today - people.birth_days < 365) & (people.guardian >= 0)
    babies = born.nonzero()[0]
    mothers = people.guardian[babies]
    kept = (~people.male[mothers]) & (people.age[mothers] < 55)
    mothers, day = mothers[kept], people.birth_days[babies[kept]]
    kind = drawn(chance, (0.55, 0.45), len(mothers))
    young = (~people.male & (people.age > 22) & (people.age < 44) & (lives.work == EMPLOYED)).nonzero()[0]
    ended = young[happens(chance, 0.01, len(young))]
    owner = np.concatenate([mothers, ended])
    count = len(owner)
    kind = np.concatenate([kind, 2 + drawn(chance, (0.5, 0.3, 0.2), len(ended))])
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
        [
            lives.work[owner] == EMPLOYED,
            lives.work[owner] == RECEIVING,
            lives.pensioner[owner] | (people.age[owner] >= 60),
        ],
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
    figures = published()
    # Certificates of the last thousand days are known.
    share = figures.number("skill_certificates") / 100 * _DAYS_KNOWN / 365
    holders = ((lives.work != NOT_INSURED) & happens(chance, share, people.count)).nonzero()[0]
    second = holders[happens(chance, 0.15, len(holders))]
    owner = np.concatenate([holders, second])
    count = len(owner)
    occupation = chance.integers(0, len(_OCCUPATIONS), count)
    return Records(
        owner,
        record_numbers("ZS", count),
        {
            "issued_on": days(today - chance.integers(0, _DAYS_KNOWN, count)),
            "occupation": words(_OCCUPATIONS, occupation),
            "level": pl.Series(5 - drawn(chance, (0.35, 0.32, 0.22, 0.08, 0.03), count)),
            "shortage": pl.Series(np.array(_SHORTAGE)[occupation]),
        },
    )


def _loans(chance: np.random.Generator, people: People, lives: Lives, today: int) -> Records:
    """Loans of adults of working age; student loans of those who took one for their studies."""
    adult = (people.age >= 20) & (people.age < 66)
    owner = (adult & happens(chance, 0.08, people.count)).nonzero()[0]
    owner = np.concatenate([owner, owner[happens(chance, 0.2, len(owner))]])
    borrowed = (lives.student_loan & happens(chance, 0.8, people.count)).nonzero()[0]
    studying = np.arange(len(owner) + len(borrowed)) >= len(owner)
    owner = np.concatenate([owner, borrowed])
    count = len(owner)
    kind = np.where(studying, 3, drawn(chance, (0.58, 0.16, 0.07, 0.0, 0.19), count))
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
            "bank": words(_BANKS, drawn(chance, (0.28, 0.22, 0.18, 0.14, 0.1, 0.08), count)),
        },
    )
