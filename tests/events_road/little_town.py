"""A little town on the real catalog: its extracts, its rules, and events that happen in it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from engine.events.opening import firing_engine
from engine.events.road import EventRoad, Posted
from engine.installation import Installation
from engine.ledger.approvals import add_version, approve
from engine.ledger.funds import appropriate
from engine.running import run
from policies.library import read_library
from profiles.events.log import EventLog
from profiles.home import Home
from profiles.identity import credit_check_character, resident_check_character
from profiles.intake import take_in

RULES = Path(__file__).parent / "rules"
TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
EXTRACTED = date(2026, 11, 10)
APPROVED = (
    "family-allowance", "regional-allowance", "hire-subsidy", "worker-training", "household-relief",
    "farewell-service", "bonus-small", "bonus-large", "top-up", "loyalty",
)  # fmt: skip


def citizen(sequence: int, born: str = "19500101", region: str = "310115") -> str:
    """A resident number; `sequence` tells people of one birthday apart."""
    body = f"{region}{born}{sequence:03d}"
    return body + resident_check_character(body)


def enterprise(sequence: int) -> str:
    body = f"91310000MA{sequence:07d}"
    return body + credit_check_character(body)


def household(sequence: int) -> str:
    return f"H{sequence:09d}"


OLD = [citizen(n, f"{1936 + n}0615") for n in range(1, 21)]  # 89 to 70 years
MIDDLE = [citizen(n, f"{1980 + n % 15}0310") for n in range(1, 21)]
FIRMS = [enterprise(n) for n in range(1, 6)]
BABY = citizen(1, "20261120")


def town(folder: Path) -> Installation:
    """Take the extracts in; everybody lives in a household of one old and one middle-aged person."""
    home = Home(folder)
    installation = Installation(home, RULES)
    population, members, insurance = [], [], []
    for number, person in enumerate([*OLD, *MIDDLE]):
        at_home = household(number % 20 + 1)
        population.append(
            [person, f"人{number}", person[6:14], "女" if number % 2 else "男", "正常", "310115", at_home, ""]
        )
        members.append([at_home, person, "02"])
    for number, person in enumerate(MIDDLE):
        firm = FIRMS[number % 4] if number < 12 else ""
        insurance.append([person, "在职" if firm else "无", "24", "n", "n", "n", "100.00", "310115", "24", firm])
    families = [[household(n), "2", "5000.00", "y", "310115"] for n in range(1, 21)]
    firms = [[firm, f"厂{n}", "310115", "在业", "企业", "y", "6296", "2015-01-01"] for n, firm in enumerate(FIRMS)]
    hires = [
        [FIRMS[n % 4], f"BA{n:04d}", person, "其他", "2026-01-05", "36", "10", "500.00"]
        for n, person in enumerate(MIDDLE[:4])
    ]
    insured_firms = [[firm, "小型"] for firm in FIRMS]
    for source, head, rows in (
        ("population", "公民身份号码,姓名,出生日期,性别,人员状态,户籍地区划,户号,监护人身份号码", population),
        ("households", "户号,人口数,月人均收入,财产符合,区划", families),
        ("enterprises", "统一社会信用代码,名称,登记区划,经营状态,主体类型,民营,行业代码,成立日期", firms),
        ("social_insurance", "社会保障号码,失业保险状态,失业保险缴费月数,失业登记,非本人意愿失业,灵活就业,个人缴费额,参保地区划,连续缴费月数,单位统一社会信用代码", insurance),
        ("household_members", "户号,公民身份号码,与户主关系", members),
        ("hires", "单位统一社会信用代码,备案编号,人员身份号码,重点群体,合同签订日期,合同月数,参保月数,个人缴费", hires),
        ("enterprise_insurance", "统一社会信用代码,企业规模", insured_firms),
    ):  # fmt: skip
        intake(installation, folder.parent, source, head, rows)
    approve_rules(installation)
    return installation


def intake(
    installation: Installation,
    folder: Path,
    source: str,
    head: str,
    rows: Sequence[Sequence[str]],
    on: date = EXTRACTED,
) -> None:
    """Take in one extract; columns of the catalog that `head` does not name are empty."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{source}-{on}.csv"
    named = head.split(",")
    rest = [column for column in installation.catalog.sources[source].columns if column not in named]
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([*named, *rest])
        writer.writerows([*row, *("" for _ in rest)] for row in rows)
    report = take_in(installation.home, installation.catalog, source, file, as_of=on)
    assert report.quarantined == 0, (source, report)


def approve_rules(installation: Installation, names: Sequence[str] = APPROVED) -> None:
    for name in names:
        policy = installation.library.policies[name]
        add_version(installation.ledger, policy)
        approve(installation.ledger, policy.version, "wang", date(2026, 1, 1))
    for fund, title in installation.catalog.vocabulary.funds.items():
        appropriate(installation.ledger, fund, 10**9, title=title, actor="zhao")


def open_road(installation: Installation, engine: Any = firing_engine) -> EventRoad:
    """The road with a log of its own; close the road, then the log (`road._log`)."""
    vocabulary = installation.catalog.vocabulary
    return EventRoad(
        installation.ledger, installation.catalog, lambda: read_library(RULES, vocabulary).policies,
        EventLog(installation.home, installation.catalog), installation.snapshot, engine,
        installation.home.path / "differences",
    )  # fmt: skip


def event(key: str, kind: str, subject: str, on: str = "2026-11-20", **data: Any) -> dict[str, Any]:
    return {"key": key, "kind": kind, "subject": subject, "occurred_on": on, "data": data}


def post(road: EventRoad, raw: Mapping[str, object]) -> Posted:
    return road.post(raw, today=TODAY, received_at=NOW, actor="agency")


def granted(posted: Posted) -> list[tuple[str, int | None]]:
    return [(one.policy, one.amount) for one in posted.answer.granted]


def full_run(installation: Installation, on: date = TODAY) -> Any:
    return run(
        installation.ledger, installation.snapshot(on), installation.library.policies,
        installation.catalog.vocabulary, on, reopen=installation.reopen,
    )  # fmt: skip


def grants_in(installation: Installation, *policies: str) -> list[tuple[Any, ...]]:
    """What the ledger says was granted, without run and day of record; ordered."""
    with installation.ledger.reading() as connection:
        rows = connection.exec_driver_sql(
            'select policy, subject, unit, period, amount, kind, stage, payee, fund, space, version from "grant"'
        ).fetchall()
    return sorted((tuple(row) for row in rows if not policies or row[0] in policies), key=repr)
