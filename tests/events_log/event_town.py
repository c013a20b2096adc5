"""A town in the shipped catalog: six people, two households, two firms; and events of their lives as posted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from profiles.catalog_model import Catalog
from profiles.catalog_reading import read_catalog
from profiles.events.log import EventLog
from profiles.events.model import StoredEvent
from profiles.home import Home
from profiles.identity import subject_of
from profiles.intake import take_in
from tests.profiles.small_town import citizen_number, credit_code, write_csv

EXTRACT_DAY = date(2026, 11, 1)
TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
PEOPLE = 6
CHILD = citizen_number(1, date(2026, 11, 10))
NEWCOMER = credit_code(9)

POPULATION = ("公民身份号码", "姓名", "出生日期", "性别", "人员状态", "户籍地区划", "户号", "监护人身份号码")
INSURANCE = (
    "社会保障号码", "失业保险状态", "失业保险缴费月数", "失业登记", "非本人意愿失业", "灵活就业", "个人缴费额",
    "参保地区划", "连续缴费月数", "单位统一社会信用代码",
)  # fmt: skip
HIRES = (
    "单位统一社会信用代码",
    "备案编号",
    "人员身份号码",
    "重点群体",
    "合同签订日期",
    "合同月数",
    "参保月数",
    "个人缴费",
)
FIRMS = ("统一社会信用代码", "名称", "登记区划", "经营状态", "主体类型", "民营", "行业代码", "成立日期")
HOUSEHOLDS = ("户号", "户主身份号码", "人口数", "月人均收入", "财产符合", "区划")
MEMBERS = ("户号", "公民身份号码", "与户主关系")
CONTACTS = ("公民身份号码", "手机号", "电子邮箱", "银行账号", "语言", "渠道")
CERTIFICATES = ("身份证号", "证书编号", "发证日期", "职业工种", "等级", "紧缺职业")


def person(n: int) -> str:
    """Return the number of the n-th person (1 to 6)."""
    return citizen_number(n)


def person_row(n: int, **cells: object) -> list[object]:
    """Return a row of the population register."""
    row: dict[str, object] = {
        "号码": person(n), "姓名": f"张{n}", "出生日期": "19580515", "性别": "女", "人员状态": "正常",
        "户籍地区划": "310115", "户号": f"HK{n % 2:06d}", "监护人": None,
    }  # fmt: skip
    return list((row | cells).values())


def take(
    home: Home, source: str, header: Sequence[str], rows: Iterable[Sequence[object]], day: date, extract: str = "full"
) -> None:
    """Take in one extract of a source; columns of the catalog that `header` does not name are empty."""
    catalog = read_catalog()
    rest = [column for column in catalog.sources[source].columns if column not in header]
    file = home.path / "extracts" / f"{source}-{day:%Y%m%d}-{extract}.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_csv(file, [*header, *rest], [[*row, *(None for _ in rest)] for row in rows])
    take_in(home, catalog, source, file, as_of=day, extract=extract)  # type: ignore[arg-type]


def insured_row(n: int, **cells: object) -> list[object]:
    """Return a row of social insurance."""
    row: dict[str, object] = {
        "号码": person(n), "状态": "在职", "缴费月数": 24, "登记": "否", "非本人": "否", "灵活": "否", "缴费额": "500.00",
        "参保地": "310115", "连续": 24, "单位": credit_code(1),
    }  # fmt: skip
    return list((row | cells).values())


def settle(home: Home, day: date = EXTRACT_DAY) -> Catalog:
    """Take the town in and return its catalog."""
    catalog = read_catalog()
    take(home, "population", POPULATION, [person_row(n) for n in range(1, PEOPLE + 1)], day)
    firms = [[credit_code(n), f"公司{n}", "310115", "存续", "企业", "是", "65", "2020-01-01"] for n in (1, 2)]
    take(home, "enterprises", FIRMS, firms, day)
    take(home, "households", HOUSEHOLDS, [[f"HK{n:06d}", None, 3, "1200.00", "是", "310115"] for n in (0, 1)], day)
    members = [[f"HK{n % 2:06d}", person(n), None] for n in range(1, PEOPLE + 1)]
    take(home, "household_members", MEMBERS, members, day)
    take(home, "social_insurance", INSURANCE, [insured_row(n) for n in (1, 2, 3)], day)
    take(home, "hires", HIRES, [[credit_code(1), "B-1", person(1), "其他", "2026-01-05", 12, 9, "300.00"]], day)
    take(home, "certificates", CERTIFICATES, [[person(1), "Z-1", "2026-03-01", "电工", 4, "是"]], day)
    contacts = [[person(n), f"1390000{n:04d}", None, f"622200000000{n:04d}", "zh", None] for n in range(1, 4)]
    take(home, "citizen_contacts", CONTACTS, contacts, day)
    return catalog


def who(home: Home, space: str, number: str) -> str:
    """Return the pseudonym of a number."""
    return subject_of(home, space, number)


def posted(kind: str, subject: str, day: date, key: str = "", /, **data: object) -> dict[str, object]:
    """Return an event as posted."""
    return {
        "key": key or f"{kind}-{day}",
        "kind": kind,
        "subject": subject,
        "occurred_on": day.isoformat(),
        "data": data,
    }


def store(log: EventLog, event: Mapping[str, object], today: date = TODAY) -> StoredEvent:
    """Store an event as a test does."""
    return log.store(event, today=today, received_at=NOW, actor="tester")


def november(day: int) -> date:
    """Return a day of the month after the extracts."""
    return date(2026, 11, 1) + timedelta(days=day - 1)


def birth(day: date = date(2026, 11, 10), key: str = "birth", **data: object) -> dict[str, object]:
    """Return the birth of CHILD by the second person."""
    return posted("birth", person(2), day, key, child=CHILD, child_name="张小宝", sex="2", **data)


def home_of(path: Path) -> Home:
    """Return the installation in a folder."""
    return Home(path / "home")
