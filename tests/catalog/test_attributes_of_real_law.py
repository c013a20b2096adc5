"""Every datum about people that the collected law asks for is in the catalog, from the agency that answers for it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from policies.library import read_library
from policies.types import Bool, Code, Date, Number
from profiles.catalog_reading import read_catalog

CATALOG = read_catalog()
CITIZEN = CATALOG.spaces["citizen"]
LIBRARY = read_library(Path(__file__).resolve().parents[2] / "policies", CATALOG.vocabulary).policies

# What the law asks for: its name in the catalog, the agency that answers for it, its type.
ASKED = {
    "户籍地": ("hukou_region", "公安", Code),
    "出生日期": ("birth_date", "公安", Date),
    "性别": ("sex", "公安", Code),
    "在世": ("alive", "公安", Bool),
    "符合规定生育": ("lawful_birth", "卫生健康", Bool),
    "低保": ("dibao", "民政", Bool),
    "低保边缘": ("dibao_margin", "民政", Bool),
    "特困": ("tekun", "民政", Bool),
    "低收入": ("low_income", "民政", Bool),
    "孤儿": ("orphan", "民政", Bool),
    "重点困境儿童": ("child_in_hardship", "民政", Bool),
    "急难情形": ("hardship_reported", "民政", Bool),
    "机构托养": ("in_institution", "民政", Bool),
    "能力评估": ("elder_disability", "民政", Code),
    "计划生育特殊家庭": ("special_family", "卫生健康", Bool),
    "特别扶助类别": ("special_support", "卫生健康", Code),
    "监测帮扶": ("poverty_monitored", "农业农村", Bool),
    "优抚对象": ("pension_preference", "退役军人事务", Bool),
    "退役士兵": ("retired_soldier", "退役军人事务", Bool),
    "残疾人证": ("disability_certificate", "残联", Bool),
    "残疾类别": ("disability_type", "残联", Code),
    "残疾等级": ("disability_grade", "残联", Number),
    "自理程度": ("care_level", "残联", Code),
    "失业保险状态": ("unemployment_status", "人力资源社会保障", Code),
    "失业保险缴费月数": ("unemployment_insured_months", "人力资源社会保障", Number),
    "应领未领月数": ("unemployment_unclaimed_months", "人力资源社会保障", Number),
    "本次已领月数": ("unemployment_received_months", "人力资源社会保障", Number),
    "失业日期": ("unemployed_on", "人力资源社会保障", Date),
    "非本人意愿": ("unemployment_involuntary", "人力资源社会保障", Bool),
    "失业登记": ("unemployment_registered", "人力资源社会保障", Bool),
    "求职": ("job_seeking", "人力资源社会保障", Bool),
    "零就业家庭": ("jobless_household", "人力资源社会保障", Bool),
    "灵活就业": ("flexible_employment", "人力资源社会保障", Bool),
    "本人缴费": ("social_insurance_paid", "人力资源社会保障", Number),
    "参保地": ("social_insurance_region", "人力资源社会保障", Code),
    "连续缴费": ("social_insurance_months", "人力资源社会保障", Number),
    "职工养老金": ("employee_pension", "人力资源社会保障", Bool),
    "居民养老保险": ("resident_pension_insured", "人力资源社会保障", Bool),
    "居民养老缴费年限": ("resident_pension_years", "人力资源社会保障", Number),
    "幼儿园阶段": ("kindergarten_stage", "教育", Code),
    "全日制在校": ("fulltime_student", "教育", Bool),
    "学历": ("education_level", "教育", Code),
    "学位": ("degree", "教育", Code),
    "毕业日期": ("graduation_date", "教育", Date),
    "届别": ("class_year", "教育", Number),
    "年级": ("study_year", "教育", Number),
    "院校类别": ("school_kind", "教育", Code),
    "院校所在地": ("school_region", "教育", Code),
    "定向培养": ("directed_study", "教育", Bool),
    "助学贷款": ("student_loan", "教育", Bool),
}


def _agencies() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for source in CATALOG.sources.values():
        if source.space == "citizen" and source.collection is None:
            for field in source.fields:
                found[field.name].add(source.agency.zh)
    return found


@pytest.mark.parametrize(("name", "agency", "kind"), ASKED.values(), ids=list(ASKED))
def test_what_the_law_asks_for_comes_from_the_agency_that_answers_for_it(name: str, agency: str, kind: type) -> None:
    assert isinstance(CITIZEN.attributes[name].type, kind)
    assert _agencies()[name] == {agency}


def test_every_condition_of_a_person_that_may_end_grows_stale() -> None:
    """A status that a person had years ago must not be granted on for ever."""
    for_ever = {"lawful_birth", "retired_soldier"}
    ending = [one for one in CITIZEN.attributes.values() if isinstance(one.type, Bool) and one.derivation is None]
    assert {one.name for one in ending if one.freshness_days is None} == for_ever


def test_no_datum_about_people_is_kept_that_no_policy_asks_for() -> None:
    """Minimal necessary: what is in the catalog is read by a policy, or stands for what one reads."""
    read = {name for policy in LIBRARY.values() for name in policy.reads.get("citizen", ())}
    # The age of a person is reckoned from the day of birth; a health record of children is named in the law on the
    # price subsidy, which this library leaves to the civil affairs office.
    spare = {"sex", "hiv_child", "kindergarten_kind"}
    kept = {name for name, one in CITIZEN.attributes.items() if one.derivation is None}
    assert kept - read == spare


def test_degrees_are_those_of_the_national_standard() -> None:
    degree = CATALOG.vocabulary.code_sets["degree"]
    assert degree.hierarchical and degree.open
    assert {"1", "2", "3", "4"} <= set(degree.codes)


def test_every_datum_that_an_agency_delivers_says_how_long_it_counts() -> None:
    silent = [
        f"{place}.{one.name}"
        for space in CATALOG.spaces.values()
        for place, attributes in [
            (space.name, space.attributes),
            *((f"{space.name}.{name}", each.attributes) for name, each in space.collections.items()),
        ]
        for one in attributes.values()
        if one.derivation is None and one.freshness_days is None and not one.lasting
    ]
    assert not silent, "give them freshness_days, or `never`"
