"""The catalog of the agreement suite: every kind of value, with ranges up to the ends of 64 bits."""

from __future__ import annotations

from policies.scopes import GRANTS
from policies.text import Bilingual
from policies.types import INT64_HIGH, INT64_LOW, Bool, Code, Date, Number, Text, Type
from policies.vocabulary import Attribute, CodeSet, Collection, Indicator, Link, Space, Vocabulary

YUAN = Number(2, "yuan", 0, 10**11)
DEBT = Number(2, "yuan", -(10**11), 10**11)
REGIONS = ("310000", "310101", "310115", "320100", "320500", "330000", "650402", "110105")
CARE, SIZES = ("full", "mostly", "partly", "none"), ("L", "M", "S", "XS")
KINDS, RELATIONS, GROUPS = (
    ("wage", "pension", "other"),
    ("head", "spouse", "child"),
    ("graduate", "veteran", "other"),
)
INDUSTRIES = ("5211", "5212", "6010", "6020")
WORDS = ("a", "b", "baker", "面包师")


def _title(name: str) -> Bilingual:
    return Bilingual(f"【{name}】", name)


def _attributes(derived: dict[str, tuple[Type, str]] | None = None, **types: Type) -> dict[str, Attribute]:
    found = {name: Attribute(name, kind, _title(name), source="register") for name, kind in types.items()}
    for name, (kind, derivation) in (derived or {}).items():
        found[name] = Attribute(name, kind, _title(name), derivation=derivation)
    return found


def _codes(name: str, codes: tuple[str, ...], *, hierarchical: bool = False, pattern: str | None = None) -> CodeSet:
    return CodeSet(
        name, _title(name), {code: _title(code) for code in codes}, hierarchical, pattern is not None, pattern
    )


def _links(**targets: str) -> dict[str, Link]:
    return {name: Link(name, target, _title(name)) for name, target in targets.items()}


def _citizen() -> Space:
    attributes = _attributes(
        {
            "age": (Number(0, "years", 0, 150), "years_between(birth_date, on)"),
            "age_in_month": (Number(0, "years", 0, 150), "years_between(birth_date, month_end(on))"),
            "guardian_age": (Number(0, "years", 0, 150), "guardian.age"),
            "skills": (Number(0, None, 0, 20), "count(certificates, level <= 3)"),
            "poor": (Bool(), "income < 1000 or dibao"),
        },
        birth_date=Date(),
        died_on=Date(),
        alive=Bool(),
        dibao=Bool(),
        hukou_region=Code("region"),
        care_level=Code("care_level"),
        income=YUAN,
        debt=DEBT,
        months=Number(0, "months", 0, 1_200),
        children=Number(0, None, 0, 20),
        rate=Number(4, None, 0, 10_000),
        balance=Number(0, None, -(10**6), 10**6),
        widest=Number(0, None, INT64_LOW, INT64_HIGH),
        widest_money=Number(2, "yuan", INT64_LOW // 1_000, INT64_HIGH // 1_000),
        word=Text(),
    )
    incomes = Collection(
        "incomes",
        _title("incomes"),
        _attributes(year=Number(0, None, 1_900, 2_999), kind=Code("income_kind"), monthly_amount=YUAN, paid_on=Date()),
        at_most=20,
    )
    certificates = Collection(
        "certificates",
        _title("certificates"),
        _attributes(level=Number(0, None, 1, 5), issued_on=Date(), shortage=Bool(), occupation=Text()),
        at_most=20,
    )
    return Space(
        "citizen", _title("citizen"), attributes,
        _links(guardian="citizen", household="household", employer="enterprise"),
        {"incomes": incomes, "certificates": certificates},
    )  # fmt: skip


def _household() -> Space:
    members = Collection(
        "members",
        _title("members"),
        _attributes(relationship=Code("relationship"), share=Number(2, None, 0, 100)),
        member_space="citizen",
        at_most=10,
    )
    attributes = _attributes(size=Number(0, "people", 1, 50), region=Code("region"), rent=YUAN)
    return Space("household", _title("household"), attributes, {}, {"members": members})


def _enterprise() -> Space:
    hires = Collection(
        "hires",
        _title("hires"),
        _attributes(group=Code("hire_group"), contract_on=Date(), insured_months=Number(0, "months", 0, 1_200)),
        _links(person="citizen"),
        at_most=1_000,
    )
    attributes = _attributes(
        {
            "hire_share": (Number(2, None, 0, 10**6), "round_half_up(count(hires) / employees, 2)"),
            "is_small": (Bool(), "size_class in sme and employees < 300"),
        },
        active=Bool(),
        size_class=Code("size_class"),
        industry=Code("industry"),
        employees=Number(0, "people", 0, 10**6),
        premium=YUAN,
        founded=Date(),
    )
    return Space("enterprise", _title("enterprise"), attributes, _links(owner="citizen"), {"hires": hires})


VOCABULARY = Vocabulary(
    spaces={one.name: one for one in (_citizen(), _household(), _enterprise())},
    code_sets={
        "region": _codes("region", REGIONS, hierarchical=True, pattern=r"^\d{6}$"),
        "care_level": _codes("care_level", CARE),
        "income_kind": _codes("income_kind", KINDS),
        "relationship": _codes("relationship", RELATIONS),
        "hire_group": _codes("hire_group", GROUPS),
        "size_class": _codes("size_class", SIZES),
        "industry": _codes("industry", INDUSTRIES, hierarchical=True),
    },
    indicators={
        "price_index": Indicator(
            "price_index", _title("price_index"), Number(1, None, -500, 5_000), {"": {"2026-01": 36, "2024-01": 20}}
        ),
        "standard_of_living": Indicator(
            "standard_of_living",
            _title("standard_of_living"),
            Number(2, "yuan", 0, 10**7),
            {"310000": {"2026-02": 160_000}, "": {"2026-02": 80_000, "2024-02": 70_000}},
            lag_months=0,
        ),
    },
    code_groups={"sme": ("size_class", ("M", "S", "XS")), "retail": ("industry", ("52",))},
    funds={"allowance": _title("allowance")},
)


def codes_of(code_set: str) -> tuple[str, ...]:
    """Return the listed codes of a set."""
    return tuple(VOCABULARY.code_sets[code_set].codes)


def collections_of(space: str) -> dict[str, Collection]:
    """Return the collections of a space, past grants included."""
    return {**VOCABULARY.spaces[space].collections, GRANTS.name: GRANTS}
