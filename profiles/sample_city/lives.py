"""What agencies know about each resident: assistance, disability, insurance, education, service, health."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from policies.types import to_day_number
from profiles.sample_city.chance import (
    Flags,
    Numbers,
    Reals,
    days,
    drawn,
    gathered,
    happens,
    stream,
    where,
    words,
)
from profiles.sample_city.firms import Firms
from profiles.sample_city.people import CHILD, HEAD, People

Columns = dict[str, pl.Series]
EMPLOYED, RECEIVING, NOT_INSURED = 0, 1, 2
# Codes of GB/T 4658 for completed study, from doctorate to primary school, and their weights.
_COMPLETED = ("11", "14", "21", "31", "41", "61", "71", "81")
_YOUNGER_WEIGHTS = (0.7, 6.0, 34.0, 22.0, 12.0, 10.0, 14.0, 1.3)
_OLDER_WEIGHTS = (0.2, 1.5, 9.0, 11.0, 10.0, 20.0, 34.0, 14.3)


@dataclass(frozen=True, slots=True)
class Lives:
    """Columns per source, and what records are drawn from.

    work is EMPLOYED, RECEIVING or NOT_INSURED; employer a position of a firm or -1; income the monthly
    income in fen; graduated the day number of graduation or -1.
    """

    tables: dict[str, Columns]
    work: Numbers
    employer: Numbers
    income: Numbers
    graduated: Numbers
    soldier: Flags
    poor: Flags


def live(people: People, firms: Firms, seed: int, on: date) -> Lives:
    """Return the lives of `people` on the day `on`."""
    today = to_day_number(on)
    poor = people.hardship[people.household]
    education, graduated, student = _education(stream(seed, "education"), people, on)
    work, employer = _work(stream(seed, "work"), people, firms, student)
    income = _incomes(stream(seed, "income"), people.age, work, poor)
    soldier = _soldiers(stream(seed, "soldiers"), people, student)
    disabled, disability = _disability(stream(seed, "disability"), people, poor)
    veterans = stream(seed, "veterans")
    return Lives(
        tables={
            "civil_affairs": _assistance(stream(seed, "assistance"), people, poor, disabled),
            "disability": disability,
            "social_insurance": _insurance(stream(seed, "insurance"), people, firms, work, employer, income),
            "education": education,
            "veterans": {
                "pension_preference": pl.Series(
                    happens(veterans, np.where(people.age > 50, 0.006, 0.0006), people.count)
                ),
                "retired_soldier": pl.Series(soldier),
            },
            "health": _health(stream(seed, "health"), people),
        },
        work=work,
        employer=employer,
        income=income,
        graduated=np.where(graduated <= today, graduated, -1),
        soldier=soldier,
        poor=poor,
    )


def _education(chance: np.random.Generator, people: People, on: date) -> tuple[Columns, Numbers, Flags]:
    """Return the columns of education, the day of graduation (-1: none) and who studies."""
    count, age = people.count, people.age
    # A child starts school in the September after turning six; the year before is the final one.
    last_september = date(on.year if on.month >= 9 else on.year - 1, 9, 1)
    at_start = (to_day_number(last_september) - people.birth_days) / 365.2425
    goes = happens(chance, 0.96, count)
    stage = np.select([(at_start >= 5) & (at_start < 6) & goes, (at_start >= 3) & (at_start < 5) & goes], [0, 1], 2)
    in_school = (at_start >= 6) & (at_start < 18)
    at_college = (at_start >= 18) & (at_start < 23) & happens(chance, 0.62, count)
    postgraduate = (at_start >= 22) & (at_start < 26) & happens(chance, 0.10, count)
    student = in_school | at_college | postgraduate
    studying = np.select(
        [postgraduate, at_college & happens(chance, 0.62, count), at_college, at_start >= 15, at_start >= 12],
        [0, 1, 2, 3, 4],
        default=5,
    )
    done = np.where(age < 40, drawn(chance, _YOUNGER_WEIGHTS, count), drawn(chance, _OLDER_WEIGHTS, count))
    level = words(
        [*_COMPLETED, "10", "20", "30", "60", "70", "80", None],
        np.select([student, age < 18], [len(_COMPLETED) + studying, len(_COMPLETED) + 6], default=done),
    )
    leaving_age = np.array([28, 25, 22, 21, 18, 18, 15, 12])[done]
    birth_year = 1970 + people.birth_days * 400 // 146_097
    year = np.minimum(
        birth_year + leaving_age + chance.integers(0, 2, count), on.year if on.month >= 7 else on.year - 1
    )
    leaving = np.array([to_day_number(date(one, 6, 30)) for one in range(1900, on.year + 1)])[
        np.maximum(year, 1900) - 1900
    ]
    graduated = np.where(student | (age < 18), -1, leaving)
    columns = {
        "kindergarten_stage": words(("final_year", "other", "none"), stage),
        "kindergarten_kind": where(stage < 2, words(("public", "private"), drawn(chance, (0.7, 0.3), count))),
        "fulltime_student": pl.Series(student),
        "education_level": level,
        "graduation_date": where(graduated >= 0, days(np.maximum(graduated, 0))),
    }
    # Only graduates of colleges count as graduates for the subsidies that look at it.
    return columns, np.where(done <= 3, graduated, -1), student


def _work(chance: np.random.Generator, people: People, firms: Firms, student: Flags) -> tuple[Numbers, Numbers]:
    able = (people.age >= 18) & (people.age < np.where(people.male, 61.0, 56.0)) & ~student & people.alive
    share = np.array([0.80, 0.025, 0.175])
    work = np.where(able, drawn(chance, share, people.count), NOT_INSURED)
    drawn_firm = drawn(chance, firms.employees, people.count) if firms.count else np.full(people.count, -1)
    return work, np.where(work == EMPLOYED, drawn_firm, -1)


def _incomes(chance: np.random.Generator, age: Reals, work: Numbers, poor: Flags) -> Numbers:
    """Return the monthly income of each resident in fen, in whole yuan."""
    count = len(age)
    wage = np.exp(chance.normal(9.3, 0.5, count))
    pension = np.exp(chance.normal(8.45, 0.35, count))
    other = np.where(happens(chance, 0.9, count), np.exp(chance.normal(8.2, 0.6, count)), 0.0)
    income = np.select(
        [work == EMPLOYED, work == RECEIVING, age >= 58, age >= 18],
        [wage, 2_255.0, pension, other],
        default=0.0,
    )
    reduced = np.where(work == EMPLOYED, np.minimum(income * 0.3, 2_800.0), np.minimum(income * 0.25, 1_400.0))
    return np.where(poor, reduced, income).astype(np.int64) * 100


def _soldiers(chance: np.random.Generator, people: People, student: Flags) -> Flags:
    share = np.select(
        [student & (people.age >= 20), (people.age >= 20) & (people.age < 62)], [0.03, 0.025], default=0.0
    )
    return people.male & happens(chance, share, people.count)


def _assistance(chance: np.random.Generator, people: People, poor: Flags, disabled: Flags) -> Columns:
    count, age = people.count, people.age
    households = len(people.hardship)
    # The whole household is poor together, so that chance is drawn per household.
    fate = drawn(chance, (0.60, 0.22, 0.12, 0.06), households)[people.household]
    alone = (people.household_size[people.household] == 1) & (age >= 60)
    tekun = poor & alone & happens(chance, 0.15, count)
    elder = age >= 60
    severity = np.clip((age - 60) / 40, 0, 1)
    able = 1 - 0.10 - 0.45 * severity
    draw = chance.random(count)
    level = np.select(
        [~elder, draw < able, draw < able + 0.04 + 0.12 * severity, draw < able + 0.07 + 0.26 * severity,
         draw < able + 0.09 + 0.38 * severity],
        [0, 0, 1, 2, 3],
        default=4,
    )  # fmt: skip
    institution = happens(chance, np.where(level >= 3, 0.25, 0.002), count) & (elder | disabled)
    orphan = (people.role == CHILD) & (age < 18) & happens(chance, 0.002, count)
    return {
        "dibao": pl.Series(poor & ~tekun & (fate == 0)),
        "dibao_margin": pl.Series(poor & ~tekun & (fate == 1)),
        "tekun": pl.Series(tekun),
        "low_income": pl.Series((poor & ~tekun & (fate == 2)) | happens(chance, 0.002, count)),
        "orphan": pl.Series(orphan),
        "in_institution": pl.Series(institution),
        "elder_disability": words(("none", "mild", "moderate", "severe", "total"), level),
    }


def _disability(chance: np.random.Generator, people: People, poor: Flags) -> tuple[Flags, Columns]:
    count, age = people.count, people.age
    holds = happens(chance, (0.008 + 0.0009 * np.maximum(age - 10, 0)) * np.where(poor, 3.0, 1.0), count)
    grade = 1 + drawn(chance, (0.14, 0.24, 0.30, 0.32), count)
    kind = drawn(chance, (0.13, 0.17, 0.02, 0.45, 0.09, 0.09, 0.05), count)
    need = np.select(
        [grade == 1, grade == 2, grade == 3],
        [drawn(chance, (0.5, 0.3, 0.15, 0.05), count), drawn(chance, (0.15, 0.35, 0.35, 0.15), count),
         drawn(chance, (0.02, 0.08, 0.35, 0.55), count)],
        default=drawn(chance, (0.0, 0.02, 0.18, 0.80), count),
    )  # fmt: skip
    return holds, {
        "disability_certificate": pl.Series(holds),
        "disability_type": where(holds, words(tuple("1234567"), kind)),
        "disability_grade": where(holds, pl.Series(grade)),
        "care_level": words(("full", "mostly", "partly", "none"), np.where(holds, need, 3)),
    }


def _insurance(
    chance: np.random.Generator,
    people: People,
    firms: Firms,
    work: Numbers,
    employer: Numbers,
    income: Numbers,
) -> Columns:
    count = people.count
    worked_years = np.maximum(people.age - 20, 0)
    insured = (worked_years * 12 * chance.uniform(0.1, 1.0, count)).astype(np.int64)
    insured = np.where((work == NOT_INSURED) & (people.age < 58), insured // 3, insured)
    insured = np.clip(np.where(people.age < 18, 0, insured), 0, 480)
    insured = np.where((work == EMPLOYED) & happens(chance, 0.01, count), 12, insured)
    flexible = (work == NOT_INSURED) & (people.age >= 18) & (people.age < 60) & happens(chance, 0.30, count)
    pays = (work == EMPLOYED) | flexible
    paid = np.where(flexible, chance.integers(1_900, 3_200, count) * 100, income * 105 // 1_000)
    place = gathered(firms.region, employer)
    home = gathered(people.household_region, people.household)
    region = pl.DataFrame({"p": place, "h": home, "f": pl.Series(flexible)}).select(
        pl.coalesce("p", pl.when("f").then("h"))
    )["p"]
    idle = (work == NOT_INSURED) & (people.age >= 18) & (people.age < 60) & ~flexible
    unemployed = (work == RECEIVING) | (idle & happens(chance, 0.15, count))
    return {
        "unemployment_status": words(("employed", "receiving", "none"), work),
        "unemployment_insured_months": pl.Series(insured),
        "unemployment_registered": pl.Series(unemployed),
        "unemployment_involuntary": pl.Series(
            unemployed & happens(chance, np.where(work == RECEIVING, 0.97, 0.5), count)
        ),
        "flexible_employment": pl.Series(flexible),
        "social_insurance_paid": pl.Series(np.where(pays, paid, 0)),
        "social_insurance_region": region,
        "social_insurance_months": pl.Series(np.where(pays, np.minimum(insured, chance.integers(0, 240, count)), 0)),
        "employer": gathered(firms.codes, employer),
    }


def _health(chance: np.random.Generator, people: People) -> Columns:
    count, age = people.count, people.age
    bereaved = happens(chance, np.where((age >= 49) & (people.role <= HEAD + 1), 0.006, 0.0), count)
    return {
        "lawful_birth": pl.Series(happens(chance, 0.992, count)),
        "special_family": pl.Series(bereaved),
        "hiv_child": pl.Series((age < 18) & happens(chance, 0.0003, count)),
    }
