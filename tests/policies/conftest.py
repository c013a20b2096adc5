"""A small vocabulary, written by hand, that every construct of the language can be tried on."""

from __future__ import annotations

import pytest

from policies.text import Bilingual
from policies.types import Bool, Code, Date, Number, Text, Type
from policies.vocabulary import Attribute, CodeSet, Collection, Indicator, Link, Space, Vocabulary


def _title(name: str) -> Bilingual:
    return Bilingual(f"【{name}】", name)


def _attributes(derived: dict[str, tuple[Type, str]] | None = None, **types: Type) -> dict[str, Attribute]:
    found = {name: Attribute(name, kind, _title(name), source="register") for name, kind in types.items()}
    for name, (kind, derivation) in (derived or {}).items():
        found[name] = Attribute(name, kind, _title(name), derivation=derivation)
    return found


def _codes(name: str, *codes: str, hierarchical: bool = False, pattern: str | None = None) -> CodeSet:
    named = {code: _title(code) for code in codes}
    return CodeSet(name, _title(name), named, hierarchical, pattern is not None, pattern)


YUAN = Number(2, "yuan", 0, 10**11)


def small_vocabulary() -> Vocabulary:
    """Return three spaces, linked to each other, with collections, derived attributes and indicators."""
    citizen = _attributes(
        {
            "age": (Number(0, "years", 0, 150), "years_between(birth_date, on)"),
            "age_in_month": (Number(0, "years", 0, 150), "years_between(birth_date, month_end(on))"),
            "parent_age": (Number(0, "years", 0, 150), "guardian.age"),
            "certificate_count": (Number(0, None, 0, 100), "count(certificates, level <= 3)"),
        },
        birth_date=Date(),
        alive=Bool(),
        hukou_region=Code("region"),
        care_level=Code("care_level"),
        dibao=Bool(),
        income=YUAN,
        insured_months=Number(0, "months", 0, 1_200),
        rate=Number(4, None, 0, 10_000),
    )
    citizen["hiv"] = Attribute("hiv", Bool(), _title("hiv"), source="health", sensitivity="sensitive")
    certificates = Collection(
        "certificates",
        _title("certificates"),
        _attributes(issued_on=Date(), level=Number(0, None, 1, 5), occupation=Text(), shortage=Bool()),
        at_most=100,
    )
    incomes = Collection(
        "incomes",
        _title("incomes"),
        _attributes(year=Number(0, None, 1_900, 2_999), kind=Code("income_kind"), monthly_amount=YUAN),
        at_most=100,
    )
    members = Collection(
        "members",
        _title("members"),
        _attributes(relationship=Code("relationship")),
        member_space="citizen",
        at_most=50,
    )
    hires = Collection(
        "hires",
        _title("hires"),
        _attributes(group=Code("hire_group"), contract_on=Date(), insured_months=Number(0, "months", 0, 1_200)),
        {"person": Link("person", "citizen", _title("person"))},
        at_most=1_000,
    )
    return Vocabulary(
        spaces={
            "citizen": Space(
                "citizen",
                _title("citizen"),
                citizen,
                {
                    "guardian": Link("guardian", "citizen", _title("guardian")),
                    "household": Link("household", "household", _title("household")),
                    "employer": Link("employer", "enterprise", _title("employer")),
                },
                {"certificates": certificates, "incomes": incomes},
            ),
            "household": Space(
                "household",
                _title("household"),
                _attributes(size=Number(0, "people", 1, 50), region=Code("region")),
                {},
                {"members": members},
            ),
            "enterprise": Space(
                "enterprise",
                _title("enterprise"),
                _attributes(
                    {
                        "hire_share": (
                            Number(2, None, 0, 10**7),
                            "round_half_up(count(hires) / employees, 2)",
                        ),
                        "is_small": (Bool(), "size_class in sme and employees < 300"),
                    },
                    active=Bool(),
                    size_class=Code("size_class"),
                    industry=Code("industry"),
                    registration_region=Code("region"),
                    employees=Number(0, "people", 0, 10**6),
                    premium_paid=YUAN,
                    layoff_rate=Number(4, None, 0, 10**4),
                ),
                {},
                {"hires": hires},
            ),
        },
        code_sets={
            "region": _codes("region", "310000", "310115", "330000", hierarchical=True, pattern=r"^\d{6}$"),
            "care_level": _codes("care_level", "full", "mostly", "partly", "none"),
            "income_kind": _codes("income_kind", "wage", "pension", "other"),
            "relationship": _codes("relationship", "head", "spouse", "child"),
            "hire_group": _codes("hire_group", "graduate_year", "veteran", "other"),
            "size_class": _codes("size_class", "L", "M", "S", "XS"),
            "industry": _codes("industry", "5211", "5212", "6010", hierarchical=True),
        },
        indicators={
            "cpi_yoy": Indicator(
                "cpi_yoy", _title("cpi_yoy"), Number(1, "percent", -500, 5_000), {"": {"2026-04": 36}}
            ),
            "dibao_standard": Indicator(
                "dibao_standard",
                _title("dibao_standard"),
                Number(2, "yuan", 0, 10**7),
                {"310000": {"2026-05": 160_000}, "": {"2026-05": 80_000}},
                lag_months=0,
            ),
        },
        code_groups={"sme": ("size_class", ("M", "S", "XS")), "retail": ("industry", ("52",))},
        funds={"allowance": _title("allowance")},
        events={"birth": _title("birth"), "death": _title("death")},
    )


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    """The small vocabulary."""
    return small_vocabulary()
