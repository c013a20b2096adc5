"""What agencies know about each resident: assistance, disability, insurance, education, service, health."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from policies.types import to_day_number
from profiles.sample_city.chance import Flags, Numbers, stream
from profiles.sample_city.firms import Firms
from profiles.sample_city.needs import assistance, disability, health, service, watched
from profiles.sample_city.people import People
from profiles.sample_city.schooling import study
from profiles.sample_city.working import EMPLOYED, NOT_INSURED, RECEIVING, insure, work

__all__ = ["EMPLOYED", "NOT_INSURED", "RECEIVING", "Lives", "live"]

Columns = dict[str, pl.Series]


@dataclass(frozen=True, slots=True)
class Lives:
    """Columns per source, and what records are drawn from.

    work is EMPLOYED, RECEIVING or NOT_INSURED; employer a position of a firm or -1; income the monthly
    income in fen; graduated the day number of leaving college or -1; student_loan who took one.
    """

    tables: dict[str, Columns]
    work: Numbers
    employer: Numbers
    income: Numbers
    graduated: Numbers
    soldier: Flags
    poor: Flags
    pensioner: Flags
    student_loan: Flags


def live(people: People, firms: Firms, seed: int, on: date) -> Lives:
    """Return the lives of `people` on the day `on`."""
    studies = study(stream(seed, "education"), people, on)
    working = work(stream(seed, "work"), people, firms, studies)
    soldier, veterans = service(stream(seed, "soldiers"), people, studies.student)
    disabled, disabilities = disability(stream(seed, "disability"), people)
    return Lives(
        tables={
            "civil_affairs": assistance(stream(seed, "assistance"), people, disabled, studies.student),
            "disability": disabilities,
            "social_insurance": insure(stream(seed, "insurance"), people, firms, studies, working, to_day_number(on)),
            "education": studies.columns,
            "veterans": veterans,
            "health": health(stream(seed, "health"), people),
            "rural_affairs": watched(stream(seed, "rural"), people),
        },
        work=working.state,
        employer=working.employer,
        income=working.income,
        graduated=studies.graduated,
        soldier=soldier,
        poor=people.hardship[people.household],
        pensioner=working.pensioner,
        student_loan=studies.columns["student_loan"].to_numpy(),
    )
