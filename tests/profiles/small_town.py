"""A small town: its catalog and the rows of its extract files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from policies.text import Bilingual
from policies.types import MONEY_SCALE, Bool, Code, Date, Number, Text, Type
from policies.vocabulary import Attribute, CodeSet, Collection, Link, Space, Vocabulary
from profiles.catalog_model import Catalog, Source, SourceField
from profiles.identity import credit_check_character, organisation_check_character, resident_check_character

MONEY = Number(MONEY_SCALE, "yuan", 0, 10**12)


def _both(text: str) -> Bilingual:
    return Bilingual(text, text)


def _attributes(source: str, types: Mapping[str, Type], **freshness: int) -> dict[str, Attribute]:
    return {
        name: Attribute(name, type_, _both(name), source, freshness_days=freshness.get(name))
        for name, type_ in types.items()
    }


def _source(id_: str, kind: str, space: str, key: str, fields: Iterable[SourceField], **more: object) -> Source:
    return Source(
        id_,
        _both(id_),
        _both("agency"),
        id_,
        _both("purpose"),
        "daily",
        kind,
        space,
        key,
        tuple(fields),
        **more,
    )  # type: ignore[arg-type]


def build_catalog(freshness: int | None = 40) -> Catalog:
    """Return a catalog of citizens, households and enterprises with every kind of source."""
    limits = {} if freshness is None else {"dibao": freshness}
    person = {"birth_date": Date(), "sex": Code("sex"), "hukou_region": Code("region")}
    welfare = {"dibao": Bool(), "income": MONEY, "care_level": Code("care_level")}
    certificate = {"issued_on": Date(), "level": Number(0, None, 1, 5)}
    hire = {"insured_months": Number(0, "months", 0, 600)}
    firm = {"size_class": Code("size_class"), "employees": Number(0, "people", 0, 10**7)}
    spaces = {
        "citizen": Space(
            "citizen",
            _both("citizen"),
            _attributes("population", person) | _attributes("welfare", welfare, **limits),
            {
                "guardian": Link("guardian", "citizen", _both("guardian"), "population"),
                "household": Link("household", "household", _both("household"), "population"),
                "employer": Link("employer", "enterprise", _both("employer"), "welfare"),
            },
            {
                "certificates": Collection(
                    "certificates", _both("certificates"), _attributes("certificates", certificate)
                )
            },
        ),
        "household": Space(
            "household",
            _both("household"),
            _attributes("households", {"size": Number(0, "people", 0, 100)}),
            {},
            {
                "members": Collection(
                    "members",
                    _both("members"),
                    _attributes("members", {"relationship": Text()}),
                    member_space="citizen",
                )
            },
        ),
        "enterprise": Space(
            "enterprise",
            _both("enterprise"),
            _attributes("firms", firm),
            {},
            {
                "hires": Collection(
                    "hires",
                    _both("hires"),
                    _attributes("hires", hire),
                    {"person": Link("person", "citizen", _both("person"), "hires")},
                )
            },
        ),
    }
    codes = {
        "sex": CodeSet("sex", _both("sex"), {"1": _both("m"), "2": _both("f")}),
        "care_level": CodeSet("care_level", _both("care"), {"full": _both("full"), "none": _both("none")}),
        "size_class": CodeSet("size_class", _both("size"), {code: _both(code) for code in "LMS"}),
        "region": CodeSet("region", _both("region"), {"310115": _both("浦东")}, True, True, r"^\d{6}$"),
    }
    sources = [
        _source(
            "population",
            "register",
            "citizen",
            "公民身份号码",
            [
                SourceField("姓名", Text(), contact="name", required=True),
                SourceField("手机", Text(), contact="phone"),
                SourceField("出生日期", Date(), attribute="birth_date"),
                SourceField("性别", Code("sex"), attribute="sex", codes={"男": "1", "女": "2"}),
                SourceField("户籍", Code("region"), attribute="hukou_region"),
                SourceField("监护人", Text(), link="guardian", target="citizen"),
                SourceField("户口簿", Text(), link="household", target="household"),
            ],
        ),
        _source(
            "welfare",
            "attributes",
            "citizen",
            "id",
            [
                SourceField("dibao", Bool(), attribute="dibao"),
                SourceField("income", MONEY, attribute="income"),
                SourceField("care_level", Code("care_level"), attribute="care_level"),
                SourceField("employer", Text(), link="employer", target="enterprise"),
            ],
        ),
        _source(
            "certificates",
            "collection",
            "citizen",
            "id",
            [
                SourceField("issued_on", Date(), attribute="issued_on"),
                SourceField("level", Number(0, None, 1, 5), attribute="level"),
            ],
            collection="certificates",
            item="number",
        ),
        _source(
            "households",
            "register",
            "household",
            "booklet",
            [SourceField("size", Number(0, "people", 0, 100), attribute="size")],
        ),
        _source(
            "members",
            "collection",
            "household",
            "booklet",
            [SourceField("relationship", Text(), attribute="relationship")],
            collection="members",
            member="id",
            member_space="citizen",
        ),
        _source(
            "firms",
            "register",
            "enterprise",
            "code",
            [
                SourceField("size_class", Code("size_class"), attribute="size_class"),
                SourceField("employees", Number(0, "people", 0, 10**7), attribute="employees"),
            ],
        ),
        _source(
            "hires",
            "collection",
            "enterprise",
            "code",
            [
                SourceField("person", Text(), link="person", target="citizen"),
                SourceField("months", Number(0, "months", 0, 600), attribute="insured_months"),
            ],
            collection="hires",
        ),
        _source(
            "contacts",
            "identity",
            "citizen",
            "id",
            [
                SourceField("email", Text(), contact="email"),
                SourceField("language", Text(), contact="language"),
            ],
        ),
    ]
    return Catalog(Vocabulary(spaces, codes), {source.id: source for source in sources})


def citizen_number(sequence: int, born: date = date(1958, 5, 15)) -> str:
    """Return a resident number with the unassigned prefix 999999; from 1,000 on, one of a later birthday."""
    first = f"999999{born + timedelta(days=sequence // 1000):%Y%m%d}{sequence % 1000:03d}"
    return first + resident_check_character(first)


def credit_code(sequence: int) -> str:
    """Return a credit code of the division 999999, which does not exist."""
    organisation = f"MA{sequence:06d}"
    first = f"91999999{organisation}{organisation_check_character(organisation)}"
    return first + credit_check_character(first)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]], encoding: str = "utf-8") -> Path:
    """Write plain lines, exactly as given (None is an empty cell)."""
    lines = [",".join(header)]
    lines += [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


POPULATION = ("公民身份号码", "姓名", "手机", "出生日期", "性别", "户籍", "监护人", "户口簿")
WELFARE = ("id", "dibao", "income", "care_level", "employer")


def population_row(sequence: int, **cells: object) -> list[object]:
    """Return a good row of the population register."""
    row: dict[str, object] = {
        "公民身份号码": citizen_number(sequence),
        "姓名": f"张{sequence}",
        "手机": f"138{sequence:08d}",
        "出生日期": "1958-05-15",
        "性别": "男",
        "户籍": "310115",
        "监护人": None,
        "户口簿": f"HK{sequence:06d}",
    }
    return list((row | cells).values())


TODAY = date(2026, 11, 22)
