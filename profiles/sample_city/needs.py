"""Assistance, disability, care, service and family planning: what agencies know of people in need."""

from __future__ import annotations

import numpy as np
import polars as pl

from profiles.sample_city.chance import Flags, Reals, drawn, happens, where, words
from profiles.sample_city.people import CHILD, HEAD, SPOUSE, People
from profiles.sample_city.statistics import published

Columns = dict[str, pl.Series]
# Grade of disability (rows) and need of care: full, mostly, partly, none.
_CARE = np.array([[0.5, 0.3, 0.15, 0.05], [0.15, 0.35, 0.35, 0.15], [0.02, 0.08, 0.35, 0.55], [0.0, 0.02, 0.18, 0.80]])


def assistance(chance: np.random.Generator, people: People, disabled: Flags, student: Flags) -> Columns:
    """Return the columns of civil affairs; a household is poor together, so chance is drawn per household."""
    figures, count, age = published(), people.count, people.age
    poor = people.hardship[people.household]
    kinds = [figures.number(one) for one in ("dibao", "dibao_margin", "low_income")]
    fate = drawn(chance, kinds, len(people.hardship))[people.household]
    alone = poor & (people.household_size[people.household] == 1) & (age >= 60)
    wanted = figures.share("tekun") * figures.number("rare_people")
    tekun = alone & happens(chance, _level(wanted, alone), count)
    level = _abilities(chance, age)
    in_care = (age >= 60) | disabled
    institution = in_care & happens(chance, np.where(level >= 3, 0.25, 0.002), count)
    rare = figures.number("rare_people")
    minor = (people.role == CHILD) & (age < 18)
    young = (age < 18) | (student & (age < 23))
    return {
        "dibao": pl.Series(poor & ~tekun & (fate == 0)),
        "dibao_margin": pl.Series(poor & ~tekun & (fate == 1)),
        "tekun": pl.Series(tekun),
        "low_income": pl.Series(poor & ~tekun & (fate == 2)),
        "orphan": pl.Series(minor & happens(chance, 0.0006 * rare, count)),
        "in_institution": pl.Series(institution),
        "elder_disability": words(("none", "mild", "moderate", "severe", "total"), level),
        "child_in_hardship": pl.Series(young & happens(chance, np.where(poor, 0.08, 0.002), count)),
        "hardship_reported": pl.Series(
            happens(chance, np.where(poor, 0.03, np.where(people.incomer, 0.012, 0.002)), count)
        ),
    }


def _abilities(chance: np.random.Generator, age: Reals) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return what an assessment of elders has found, from 0 (able) to 4 (total disability); rising with age."""
    severity = np.clip((age - 60) / 40, 0, 1)
    able = 0.93 - 0.48 * severity
    draw = chance.random(len(age))
    return np.select(
        [age < 60, draw < able, draw < able + 0.03 + 0.14 * severity, draw < able + 0.05 + 0.28 * severity,
         draw < able + 0.06 + 0.39 * severity],
        [0, 0, 1, 2, 3],
        default=4,
    )  # fmt: skip


def disability(chance: np.random.Generator, people: People) -> tuple[Flags, Columns]:
    """Return who holds a certificate of disability, and the columns of the disabled persons' federation."""
    figures, count = published(), people.count
    poor = people.hardship[people.household]
    likely = (
        figures.at_age("disability_by_age", people.age) * np.where(poor, 6.0, 1.0) * np.where(people.incomer, 0.25, 1.0)
    )
    mean = float(likely.mean()) if count else 0.0
    level = figures.share("certificate_holders") / mean if mean else 0.0
    holds = happens(chance, np.minimum(likely * level, 0.6), count)
    types, grades = figures.table("disability_types"), figures.table("disability_grades")
    grade = drawn(chance, list(grades.values()), count)
    need = (chance.random(count)[:, None] >= np.cumsum(_CARE, axis=1)[grade][:, :-1]).sum(axis=1)
    return holds, {
        "disability_certificate": pl.Series(holds),
        "disability_type": where(holds, words(tuple(types), drawn(chance, list(types.values()), count))),
        "disability_grade": where(holds, pl.Series(grade + 1)),
        "care_level": words(("full", "mostly", "partly", "none"), np.where(holds, need, 3)),
    }


def service(chance: np.random.Generator, people: People, student: Flags) -> tuple[Flags, Columns]:
    """Return who has been a soldier, and the columns of veterans' affairs."""
    figures, count, age = published(), people.count, people.age
    grown = people.male & (age >= 20) & (age < 60)
    share = _level(figures.share("veterans"), grown)
    soldier = grown & happens(chance, np.where(student, 0.06, share), count)
    rare = figures.number("rare_people")
    pensioned = happens(chance, np.where(age > 50, 0.0012, 0.0001) * rare, count)
    return soldier, {"pension_preference": pl.Series(pensioned), "retired_soldier": pl.Series(soldier)}


def health(chance: np.random.Generator, people: People) -> Columns:
    """Return the columns of the health agency."""
    figures, count, age = published(), people.count, people.age
    rare = figures.number("rare_people")
    parent = (age >= 49) & ((people.role == HEAD) | (people.role == SPOUSE))
    special = parent & happens(chance, _level(figures.share("special_families") * rare, parent), count)
    surgery = ~people.male & (age >= 50) & ~special & happens(chance, 0.0002 * rare, count)
    kind = np.select(
        [special, surgery],
        [1 + drawn(chance, (0.60, 0.38, 0.02), count), 3 + drawn(chance, (0.15, 0.35, 0.50), count)],
        default=0,
    )
    codes = ("none", "death", "disability", "complication_1", "complication_2", "complication_3")
    return {
        "lawful_birth": pl.Series(happens(chance, 0.992, count)),
        "special_family": pl.Series(special),
        "special_support": words(codes, kind),
        "hiv_child": pl.Series((age < 18) & happens(chance, 0.0003 * rare, count)),
    }


def watched(chance: np.random.Generator, people: People) -> Columns:
    """Return who is watched against falling back into poverty: people registered in the countryside elsewhere."""
    poor = people.hardship[people.household]
    chances = np.where(people.incomer, 0.04, 0.001) * np.where(poor, 3.0, 1.0)
    return {"poverty_monitored": pl.Series(happens(chance, chances, people.count))}


def _level(wanted: float, among: Flags) -> float:
    """Return the chance for those `among` that makes `wanted` of all residents; 1 at most."""
    share = float(among.mean()) if len(among) else 0.0
    return min(wanted / share, 1.0) if share else 0.0
