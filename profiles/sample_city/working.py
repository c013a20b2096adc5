"""Work, pay, pensions and social insurance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from profiles.sample_city.chance import Flags, Numbers, days, drawn, gathered, happens, where, words
from profiles.sample_city.firms import Firms
from profiles.sample_city.people import People
from profiles.sample_city.schooling import Studies
from profiles.sample_city.statistics import published

Columns = dict[str, pl.Series]
EMPLOYED, RECEIVING, NOT_INSURED = 0, 1, 2
# How far the middle wage of each level of education lies above the mean: doctor to no school.
_WORTH = np.array([2.3, 1.75, 1.3, 0.95, 0.8, 0.75, 0.62, 0.55, 0.5])
_SPREAD = 0.48


@dataclass(frozen=True, slots=True)
class Work:
    """What each resident lives on.

    state is EMPLOYED, RECEIVING or NOT_INSURED; flexible marks those who work without an employer; employer
    is a position of a firm or -1; income the monthly income in fen; registered marks the registered unemployed;
    pensioner those who draw an employee pension.
    """

    state: Numbers
    flexible: Flags
    registered: Flags
    pensioner: Flags
    employer: Numbers
    income: Numbers


def work(chance: np.random.Generator, people: People, firms: Firms, studies: Studies) -> Work:
    """Return the work and the income of `people`."""
    figures, count, age = published(), people.count, people.age
    rate = np.where(people.male, figures.at_age("employed_men", age), figures.at_age("employed_women", age)) / 100
    pensioner = _pensioners(chance, people)
    works = happens(chance, rate, count) & ~studies.student & people.alive & (age >= 16)
    flexible = works & happens(chance, figures.number("flexibly_employed") / 100, count)
    # After the age of pension one may work on, but no longer insured against unemployment.
    flexible |= works & (age >= np.where(people.male, 60.0, 55.0))
    idle = (
        ~works & ~studies.student & ~pensioner & people.alive & (age >= 18) & (age < np.where(people.male, 60.0, 55.0))
    )
    registered = idle & happens(chance, _level(figures.share("registered_unemployed"), idle), count)
    receiving = registered & happens(
        chance, figures.number("unemployment_benefit") / figures.number("registered_unemployed"), count
    )
    state = np.select([works & ~flexible, receiving], [EMPLOYED, RECEIVING], default=NOT_INSURED)
    drawn_firm = drawn(chance, firms.employees, count) if firms.count else np.full(count, -1)
    employer = np.where(state == EMPLOYED, drawn_firm, -1)
    income = _incomes(chance, people, studies, firms, works, state, pensioner, employer)
    return Work(state, flexible, registered, pensioner, employer, income)


def _level(wanted: float, among: Flags) -> float:
    """Return the chance for those `among` that makes `wanted` of all residents; 1 at most."""
    share = float(among.mean()) if len(among) else 0.0
    return min(wanted / share, 1.0) if share else 0.0


def _pensioners(chance: np.random.Generator, people: People) -> Flags:
    """Return who draws an employee pension: as many as published, incomers at a third of the chance of locals."""
    age = people.age
    of_age = np.select([age >= 60.0, age >= 55.0, age >= 50.0], [1.0, 0.9, 0.45], default=0.0)
    likely = np.where(people.male, (age >= 60.0) * 1.0, of_age) * np.where(people.incomer, 0.33, 1.0)
    mean = float(likely.mean()) if len(age) else 0.0
    level = published().share("employee_pensioners") / mean if mean else 0.0
    return happens(chance, np.minimum(likely * level, 0.97), len(age))


def _incomes(
    chance: np.random.Generator,
    people: People,
    studies: Studies,
    firms: Firms,
    works: Flags,
    state: Numbers,
    pensioner: Flags,
    employer: Numbers,
) -> Numbers:
    """Return monthly incomes in fen, in whole yuan; wages follow education, industry and years of work."""
    figures, count, age = published(), people.count, people.age
    years = np.clip(age - 22.0, 0.0, 25.0)
    worth = _WORTH[studies.level] * (0.72 + 0.018 * years)
    technical = np.zeros(count, dtype=bool)
    technical[employer >= 0] = firms.technical[employer[employer >= 0]]
    worth = worth * np.where(technical, 1.25, 1.0) * np.where(people.male, 1.06, 0.93)
    drawn_wage = worth * np.exp(chance.normal(-(_SPREAD**2) / 2, _SPREAD, count))
    paid = state == EMPLOYED
    mean = float(drawn_wage[paid].mean()) if paid.any() else 1.0
    wage = np.maximum(drawn_wage / mean * figures.number("average_wage"), 2_690.0)
    pension = np.maximum(np.exp(chance.normal(np.log(figures.number("average_pension")) - 0.05, 0.32, count)), 1_600.0)
    old = 1_400.0 + np.exp(chance.normal(5.6, 0.6, count))
    loose = np.where(happens(chance, 0.55, count), np.exp(chance.normal(7.6, 0.7, count)), 0.0)
    income = np.select(
        [paid, works, state == RECEIVING, pensioner, age >= 60, (age >= 18) & ~studies.student],
        [wage, wage * 0.62, 2_255.0, pension, old, loose],
        default=0.0,
    )
    poor = people.hardship[people.household]
    reduced = np.where(works, np.minimum(income * 0.3, 2_800.0), np.minimum(income * 0.25, 1_400.0))
    whole: Numbers = np.where(poor, reduced, income).astype(np.int64) * 100
    return whole


def insure(
    chance: np.random.Generator, people: People, firms: Firms, studies: Studies, work: Work, today: int
) -> Columns:
    """Return the columns of persons' social insurance."""
    count, age = people.count, people.age
    insured = _months_insured(chance, people, work)
    pays = (work.state == EMPLOYED) | (work.flexible & (age < 60))
    paid = np.where(work.flexible, chance.integers(1_900, 3_200, count) * 100, work.income * 105 // 1_000)
    unemployed = work.registered
    return {
        "unemployment_status": words(("employed", "receiving", "none"), work.state),
        "unemployment_insured_months": pl.Series(insured),
        "unemployment_registered": pl.Series(unemployed),
        "unemployment_involuntary": pl.Series(
            unemployed & happens(chance, np.where(work.state == RECEIVING, 0.97, 0.5), count)
        ),
        "flexible_employment": pl.Series(work.flexible),
        "social_insurance_paid": pl.Series(np.where(pays, paid, 0)),
        "social_insurance_region": _place(chance, people, firms, work),
        "social_insurance_months": pl.Series(np.where(pays, np.minimum(insured, chance.integers(0, 240, count)), 0)),
        "employer": gathered(firms.codes, work.employer),
        **_unemployment(chance, work, insured, today),
        "job_seeking": pl.Series(unemployed | (studies.leaving & happens(chance, 0.85, count))),
        "jobless_household": pl.Series(_jobless(chance, people, work)),
        **_pension(chance, people, work),
    }


def _months_insured(chance: np.random.Generator, people: People, work: Work) -> Numbers:
    years = np.maximum(people.age - 21, 0)
    insured = (years * 12 * chance.uniform(0.25, 1.0, people.count)).astype(np.int64)
    # Those who have never had an employer for long have little; those who draw benefit have a year at least.
    insured = np.where((work.state == NOT_INSURED) & ~work.pensioner, insured // 3, insured)
    insured = np.where(work.state == RECEIVING, np.maximum(insured, 13), insured)
    insured = np.where((work.state == EMPLOYED) & happens(chance, 0.01, people.count), 12, insured)
    months: Numbers = np.clip(np.where(people.age < 18, 0, insured), 0, 480)
    return months


def _place(chance: np.random.Generator, people: People, firms: Firms, work: Work) -> pl.Series:
    """Where people are insured: with their employer, else at home; those out of work where they last were."""
    employer = gathered(firms.region, work.employer)
    home = gathered(people.household_region, people.household)
    anywhere = gathered(firms.region, drawn(chance, firms.employees, people.count)) if firms.count else home
    frame = pl.DataFrame(
        {"e": employer, "h": home, "a": anywhere, "f": pl.Series(work.flexible), "u": pl.Series(work.registered)}
    )
    return frame.select(pl.coalesce("e", pl.when("f").then("h"), pl.when("u").then("a")).alias("p"))["p"]


def _unemployment(chance: np.random.Generator, work: Work, insured: Numbers, today: int) -> Columns:
    """Return since when people are out of work, and how many months of benefit they have had."""
    count = len(insured)
    receiving = work.state == RECEIVING
    entitled = np.select([insured >= 120, insured >= 60], [24, 18], default=12)
    received = np.floor(chance.random(count) * np.minimum(entitled + 1, 24)).astype(np.int64)
    since = np.where(receiving, received * 30 + chance.integers(5, 30, count), chance.integers(1, 720, count))
    # In most cases nothing of earlier benefit is left over.
    left = np.where(happens(chance, 0.03, count) & (insured >= 24), chance.integers(1, 13, count), 0)
    return {
        "unemployed_on": where(work.registered, days(today - since)),
        "unemployment_received_months": pl.Series(np.where(receiving, received, 0)),
        "unemployment_unclaimed_months": pl.Series(left),
    }


def _jobless(chance: np.random.Generator, people: People, work: Work) -> Flags:
    """Return who lives where nobody works although somebody could: recognised for some of those households."""
    households = len(people.household_size)
    busy, able, growing = (np.zeros(households, dtype=bool) for _ in range(3))
    busy[people.household[(work.state == EMPLOYED) | work.flexible]] = True
    able[people.household[work.registered]] = True
    growing[people.household[(people.age < 24) & (people.guardian >= 0)]] = True
    likely = np.where(able, 0.18, 0.02) * np.where(growing | people.hardship, 1.5, 0.6)
    found = ~busy & happens(chance, likely, households) & (people.household_size > 1)
    return found[people.household]


def _pension(chance: np.random.Generator, people: People, work: Work) -> Columns:
    count, age = people.count, people.age
    old = (age >= 60) & ~work.pensioner
    young = (age >= 16) & (age < 60) & (work.state == NOT_INSURED) & ~work.pensioner
    chances = np.where(old, np.where(people.incomer, 0.5, 0.93), np.where(young, 0.15, 0.0))
    insured = happens(chance, chances, count)
    # Fifteen years are enough; some have fewer, and who was young when the scheme began has little.
    years = np.where(
        old, 15 + chance.integers(-3, 12, count), np.minimum(chance.integers(0, 16, count), np.maximum(age - 16, 0))
    )
    return {
        "employee_pension": pl.Series(work.pensioner),
        "resident_pension_insured": pl.Series(insured),
        "resident_pension_years": where(insured, pl.Series(years.astype(np.int64))),
    }
