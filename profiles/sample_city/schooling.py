"""Kindergarten, school and study: who attends what, who has finished what, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from policies.types import to_day_number
from profiles.sample_city.chance import Flags, Numbers, Reals, days, drawn, gathered, happens, where, words
from profiles.sample_city.fitting import COLLEGE, JUNIOR, NO_SCHOOL, PRIMARY, SENIOR, schooling
from profiles.sample_city.people import People
from profiles.sample_city.statistics import published

Columns = dict[str, pl.Series]
# Codes of GB/T 4658: doctor, master, bachelor, diploma, technical secondary, senior, junior, primary school.
DOCTOR, MASTER, BACHELOR, DIPLOMA, VOCATIONAL, SENIOR_SCHOOL, JUNIOR_SCHOOL, PRIMARY_SCHOOL, NONE = range(9)
_FINISHED = ("11", "14", "21", "31", "41", "61", "71", "81", None)
# The codes of those who still attend: postgraduate, undergraduate, college, vocational, senior, junior, primary.
_ATTENDING = ("10", "20", "30", "40", "60", "70", "80")
_POSTGRADUATE, _UNDERGRADUATE, _COLLEGE, _VOCATIONAL, _SENIOR, _JUNIOR, _PRIMARY = range(7)
# The age, in the September before, at which one sets out for each level, and the years until its last June.
_ENDS = np.array([29, 25, 22, 21, 18, 18, 15, 12, 6])
# GB/T 6864, without the honorary ones: disciplines of degrees with how common they are.
_DISCIPLINES = ("02", "03", "04", "05", "06", "07", "08", "09", "10", "12", "13")
_DISCIPLINE_WEIGHTS = (8, 5, 4, 10, 1, 9, 34, 2, 8, 15, 4)


@dataclass(frozen=True, slots=True)
class Studies:
    """Columns of education, and what work depends on.

    student tells who attends a school full time; level is DOCTOR to NONE (of what is or will be finished);
    graduated is the day number of leaving college, or -1 (not a graduate of a college, or not yet);
    leaving tells who is in the last year of college.
    """

    columns: Columns
    student: Flags
    level: Numbers
    graduated: Numbers
    leaving: Flags


def study(chance: np.random.Generator, people: People, on: date) -> Studies:
    """Return the schooling of `people` on the day `on`."""
    count = people.count
    september = date(on.year if on.month >= 9 else on.year - 1, 9, 1)
    # The age on 1 September decides: a child starts school in the September after turning six.
    at_start = (to_day_number(september) - people.birth_days) / 365.2425
    level = _levels(chance, people)
    later = np.where(level <= DIPLOMA, drawn(chance, (0.45, 0.33, 0.22), count), 0)
    first_year = september.year - np.floor(at_start).astype(np.int64)  # of the September at age nought
    last_year = first_year + _ENDS[level] + later
    still = (at_start >= 6) & (level != NONE) & _ahead(last_year, on)
    waiting = (at_start >= 18) & (at_start < 18 + later)
    began = np.where(at_start >= 18, at_start - later, at_start)
    stage = _stage(level, began, still)
    schooled = still & ~waiting
    leaving_day = _june(last_year, on)
    finished = ~still & (at_start >= _ENDS[level]) & (level != NONE)
    graduated = np.where(finished & (level <= DIPLOMA), leaving_day, -1)
    final = schooled & (stage <= _COLLEGE) & (last_year == september.year + 1)
    columns = _kindergarten(chance, at_start) | {
        "fulltime_student": pl.Series(schooled),
        "education_level": _education_codes(level, stage, schooled, finished),
        "graduation_date": where(finished & (level <= JUNIOR_SCHOOL), days(leaving_day)),
        "degree": _degrees(chance, level, finished),
    }
    columns |= _school(chance, people, schooled, stage, began, last_year, graduated, on)
    return Studies(columns, schooled, level, graduated, final)


def _levels(chance: np.random.Generator, people: People) -> Numbers:
    """Return what each resident finishes in the end: the census by age, and locals a little longer than incomers."""
    figures, table = published(), schooling()
    count = people.count
    # Those under twenty will go as far as people in their early twenties have.
    row = np.maximum(np.searchsorted(np.array(table.lows), np.floor(people.age), side="right") - 1, 4)
    steps = np.cumsum(table.chances, axis=1)[row]
    # One draw for each, pushed up or down: within an age group, the shares stay those of the census.
    draw = _ranked(chance.random(count) + np.where(people.incomer, 0.22, 0.0), row)
    broad = (draw[:, None] >= steps[:, :-1]).sum(axis=1)
    college = figures.table("college_levels")
    inner = np.array([DIPLOMA, BACHELOR, MASTER, DOCTOR])[drawn(chance, list(college.values()), count)]
    young = figures.table("college_levels_young")
    inner_young = np.array([DIPLOMA, BACHELOR, MASTER, DOCTOR])[drawn(chance, list(young.values()), count)]
    inner = np.where(people.age < 30, inner_young, inner)
    # Fewer of the old have gone beyond a diploma.
    inner = np.where((people.age >= 60) & (inner <= MASTER), BACHELOR, inner)
    senior = np.where(happens(chance, 0.45, count), VOCATIONAL, SENIOR_SCHOOL)
    level: Numbers = np.select(
        [broad == COLLEGE, broad == SENIOR, broad == JUNIOR, broad == PRIMARY, broad == NO_SCHOOL],
        [inner, senior, np.full(count, JUNIOR_SCHOOL), np.full(count, PRIMARY_SCHOOL), np.full(count, NONE)],
    )
    # Nine years of school are compulsory today.
    return np.where((people.age < 20) & (level > JUNIOR_SCHOOL), JUNIOR_SCHOOL, level)


def _ranked(value: Reals, group: Numbers) -> Reals:
    """Return where each value stands within its group, evenly from 0 to 1."""
    order = np.lexsort((value, group))
    sizes = np.bincount(group)
    starts = np.cumsum(sizes) - sizes
    place = np.empty(len(value))
    place[order] = (np.arange(len(value)) - starts[group[order]] + 0.5) / sizes[group[order]]
    return place


def _ahead(last_year: Numbers, on: date) -> Flags:
    """Whether the last June is still to come."""
    flags: Flags = (last_year > on.year) | ((last_year == on.year) & (on <= date(on.year, 6, 30)))
    return flags


def _june(year: Numbers, on: date) -> Numbers:
    known = np.array([to_day_number(date(one, 6, 30)) for one in range(1900, on.year + 40)])
    leaving: Numbers = known[np.clip(year, 1900, on.year + 39) - 1900]
    return leaving


def _stage(level: Numbers, began: Reals, still: Flags) -> Numbers:
    """Return what those who attend a school attend now (a position in `_ATTENDING`); `began` counts years as at 1 September."""
    higher = np.select(
        [(level <= MASTER) & (began >= 22), level <= BACHELOR], [_POSTGRADUATE, _UNDERGRADUATE], default=_COLLEGE
    )
    middle = np.where(level == VOCATIONAL, _VOCATIONAL, _SENIOR)
    stage: Numbers = np.select([began >= 18, began >= 15, began >= 12], [higher, middle, _JUNIOR], default=_PRIMARY)
    return np.where(still, stage, len(_ATTENDING))


def _kindergarten(chance: np.random.Generator, at_start: Reals) -> Columns:
    figures = published()
    goes = happens(chance, figures.number("kindergarten") / 100, len(at_start))
    stage = np.select([(at_start >= 5) & (at_start < 6) & goes, (at_start >= 3) & (at_start < 5) & goes], [0, 1], 2)
    private = happens(chance, figures.number("private_kindergarten") / 100, len(at_start)).astype(np.int64)
    return {
        "kindergarten_stage": words(("final_year", "other", "none"), stage),
        "kindergarten_kind": where(stage < 2, words(("public", "private"), private)),
    }


def _education_codes(level: Numbers, stage: Numbers, schooled: Flags, finished: Flags) -> pl.Series:
    at = np.where(schooled, len(_FINISHED) + stage, np.where(finished, level, NONE))
    # Between two schools the last one counts: a leaver of senior school who waits for college.
    at = np.where(~schooled & ~finished & (stage < len(_ATTENDING)), SENIOR_SCHOOL, at)
    return words([*_FINISHED, *_ATTENDING, None], at)


def _degrees(chance: np.random.Generator, level: Numbers, finished: Flags) -> pl.Series:
    kind = words(("2", "3", "4", None), np.minimum(np.where(finished, level, DIPLOMA), DIPLOMA))
    discipline = words(_DISCIPLINES, drawn(chance, _DISCIPLINE_WEIGHTS, len(level)))
    return pl.DataFrame({"k": kind, "d": discipline}).select(pl.concat_str("k", "d").alias("degree"))["degree"]


def _school(
    chance: np.random.Generator,
    people: People,
    schooled: Flags,
    stage: Numbers,
    began: Reals,
    last_year: Numbers,
    graduated: Numbers,
    on: date,
) -> Columns:
    """Return the columns that speak of the school itself."""
    figures, count = published(), people.count
    higher = schooled & (stage <= _COLLEGE)
    kind = np.select(
        [higher, (stage == _VOCATIONAL) & happens(chance, 0.2, count), happens(chance, 0.004, count)],
        [0, 1, 2],
        default=3,
    )
    # Graduates of the last four years keep what is known of their school.
    known = schooled | (graduated > to_day_number(on) - 4 * 366)
    away = happens(chance, figures.number("schools_elsewhere") / 100, count) & (higher | (known & ~schooled))
    places = figures.table("places_of_schools")
    elsewhere = words(tuple(places), drawn(chance, list(places.values()), count))
    here = gathered(people.household_region, people.household)
    region = pl.DataFrame({"a": pl.Series(away), "e": elsewhere, "h": here}).select(
        pl.when("a").then("e").otherwise("h").alias("region")
    )["region"]
    first = np.array([22, 18, 18, 15, 15, 12, 6, 0])[stage]
    poor = people.hardship[people.household]
    loan = (higher | (graduated > to_day_number(on) - 4 * 366)) & happens(
        chance, np.where(poor, 0.6, np.where(away, 0.35, np.where(people.incomer, 0.16, 0.08))), count
    )
    return {
        "school_kind": where(
            known,
            words(("university", "technician", "special_vocational", "other"), np.where(known & ~schooled, 0, kind)),
        ),
        "school_region": where(known, region),
        "study_year": where(schooled, pl.Series(np.clip(np.floor(began).astype(np.int64) - first + 1, 1, 9))),
        "class_year": where(higher | (graduated >= 0), pl.Series(np.maximum(last_year, 1949))),
        "directed_study": pl.Series(schooled & happens(chance, 0.01, count)),
        "student_loan": pl.Series(loan),
    }
