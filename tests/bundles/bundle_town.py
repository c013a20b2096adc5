"""The little town of events with a library of its own: rules that belong together, and the bundles that say so."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from engine.events.answer import EventAnswer
from engine.events.opening import event_road
from engine.installation import Installation
from engine.ledger import open_ledger, tables
from engine.ledger.approvals import add_version, approve
from engine.ledger.funds import appropriate
from engine.ledger.opening import table
from engine.running import run
from notifier.bundles.combining import Combiner, combiner_of
from notifier.bundles.shelf import bundle_by_version
from notifier.bundles.texts import CombinedTexts
from notifier.channels.channel import Channel
from notifier.routing import route
from notifier.sending import SendingReport, send_due
from notifier.templates import renderer
from notifier.versions import policy_by_version
from profiles.events.log import EventLog
from profiles.home import Home
from profiles.vault import Secret, open_vault
from tests.events_road.little_town import MIDDLE, OLD, RULES, TODAY, citizen, event, household, intake

AT_FIRST = ("mother-gift", "insured-gift", "child-meal")
SIGNATURE = "某市民政"
MORNING = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def rule(id: str, zh: str, en: str, amount: int, when: str, more: str = "") -> str:
    return f"""\
id: {id}
title: {{zh: {zh}, en: {en}}}
space: citizen
author: li
authority: 民政局
basis: [{{document: 文十一}}]
region: "310000"
in_force: {{from: 2020-01-01}}
delivery: automatic
period: once
schedule: "0 2 1 * *"
{more}
eligibility: {{all: [alive, {when}]}}
benefit: {{kind: cash, amount: {amount}}}
notice: {{granted: {{zh: "您的{zh}{{amount}}元，无需申请", en: "{en}: {{amount}} yuan"}}}}
examples: []
"""


MOTHER = rule("mother-gift", "产妇慰问", "Gift to mothers", 500, 'sex == "2"', "triggers: [birth, retirement]")
CARE = rule("care-grant", "残疾人家庭护理", "Care for the disabled", 200, 'sex == "2"', "triggers: [birth]")
LATER = rule("later-grant", "生育补贴", "Birth grant", 800, 'sex == "2"')
TEENS = rule("child-meal", "学前营养餐", "Meals for small children", 90, "'age == 1'", "payee: guardian")
OPEN = rule(
    "insured-gift", "参保奖励", "Gift to the insured", 70, "'resident_pension_years >= 15'", "triggers: [birth]"
)
EXTRA = {"mother": MOTHER, "care": CARE, "later": LATER, "meal": TEENS, "insured": OPEN}

BIRTH = """\
id: birth
title: {zh: 新生儿出生, en: A child is born}
author: zhou
events: [birth]
within_days: 3
policies:
  - {policy: family-allowance, because: {zh: 孩子不满三周岁, en: the child is under three}}
  - {policy: mother-gift, because: {zh: 您刚生育, en: you have just given birth}}
  - {policy: later-grant, because: {zh: 有生育记录, en: a birth is on record}}
  - {policy: child-meal, because: {zh: 孩子满一周岁, en: the child is one year old}}
  - {policy: insured-gift, because: {zh: 缴费满15年, en: insured for 15 years}}
  - {policy: care-grant, because: {zh: 家庭需要护理, en: care is needed}}
notice:
  zh: 孩子出生的登记已收到，以下{count}项待遇已核对，合计{total}元：{policies}。
  en: "The birth has been recorded. These {count} benefits are yours, {total} yuan in all: {policies}."
next: {zh: 款项拨付后可在市民主页看到。, en: Payments appear on your own page.}
to_do: {zh: 需确认的一项请在主页确认。, en: Confirm on your page what waits for you.}
"""
FAREWELL = """\
id: farewell
title: {zh: 身后事项, en: After a death}
author: zhou
events: [death]
within_days: 0
quiet: true
policies:
  - {policy: household-relief, because: {zh: 家庭人口有变化, en: the household has changed}}
  - {policy: farewell-service, because: {zh: 登记同步, en: the registers are informed}}
notice:
  zh: 有关登记已完成，以下{count}项已核对：{policies}。
  en: "The registrations are complete; these {count} are taken care of: {policies}."
next: {zh: 无需再提供证明。, en: No certificates are needed any more.}
"""


class Clock:
    """A clock that a test turns."""

    def __init__(self, moment: datetime = MORNING) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **by: float) -> None:
        self.moment += timedelta(**by)


def settle(folder: Path, rules: Path) -> Installation:
    """Take the people in, an old and a middle-aged one in each household, and approve what is there at the start."""
    installation = Installation(Home(folder), rules)
    population, members = [], []
    for number, person in enumerate([*OLD, *MIDDLE]):
        at_home = household(number % 20 + 1)
        sex = "女" if number % 2 else "男"
        population.append([person, f"人{number}", person[6:14], sex, "正常", "310115", at_home, ""])
        members.append([at_home, person, "02"])
    families = [[household(n), "2", "5000.00", "y", "310115"] for n in range(1, 21)]
    for source, head, rows in (
        ("population", "公民身份号码,姓名,出生日期,性别,人员状态,户籍地区划,户号,监护人身份号码", population),
        ("households", "户号,人口数,月人均收入,财产符合,区划", families),
        ("household_members", "户号,公民身份号码,与户主关系", members),
    ):
        intake(installation, folder.parent, source, head, rows)
    approve_extra(installation, "family-allowance", "household-relief", "farewell-service", *AT_FIRST)
    for fund, title in installation.catalog.vocabulary.funds.items():
        appropriate(installation.ledger, fund, 10**9, title=title, actor="zhao")
    return installation


def library(folder: Path) -> Path:
    """Write the rules of the town, those above and the bundles below `folder`; return it."""
    shutil.copytree(RULES, folder)
    (folder / "bundles").mkdir()
    for name, text in EXTRA.items():
        (folder / "cn" / f"{name}.yaml").write_text(text.replace("examples: []\n", ""), "utf-8")
    (folder / "bundles" / "birth.bundle.yaml").write_text(BIRTH, "utf-8")
    (folder / "bundles" / "farewell.bundle.yaml").write_text(FAREWELL, "utf-8")
    return folder


def approve_extra(installation: Installation, *names: str) -> None:
    for name in names:
        policy = installation.library.policies[name]
        add_version(installation.ledger, policy)
        approve(installation.ledger, policy.version, "wang", date(2026, 1, 1))


def opened(home: Path, folder: Path, clock: Clock) -> Installation:
    """Return the installation with a ledger that goes by `clock`."""
    installation = Installation(Home(home), folder)
    installation.__dict__["ledger"] = open_ledger(installation.home.ledger_url, clock)
    return installation


@contextmanager
def combiner(installation: Installation) -> Any:
    with EventLog(installation.home, installation.catalog) as log:
        yield combiner_of(installation, log)


def post(installation: Installation, *events: Mapping[str, object], at: datetime = MORNING) -> list[EventAnswer]:
    with event_road(installation) as road:
        return [road.post(one, today=TODAY, received_at=at, actor="agency").answer for one in events]


def run_of(installation: Installation, policy: str, on: date) -> None:
    """A batch of one policy, on a day."""
    run(
        installation.ledger, installation.snapshot(on), installation.library.policies,
        installation.catalog.vocabulary, on, only=[policy], reopen=installation.reopen,
    )  # fmt: skip


def birth(key: str = "b1", mother: str = MIDDLE[1], child: str = "", **more: object) -> dict[str, Any]:
    """A child is born to a woman of the town, who is also due the gift to mothers."""
    newborn = child or citizen(9, "20261120")
    return event(key, "birth", mother, child=newborn, hukou_region="310115", lawful_birth=True, **more)


def contact(installation: Installation, subject: str, **fields: str) -> None:
    with open_vault(installation.home) as vault:
        vault.put([Secret(subject, name, value) for name, value in fields.items()])


def routed(installation: Installation, *channels: str, combining: Combiner | None = None) -> dict[str, int]:
    """Route as `notices send` does."""
    with open_vault(installation.home) as vault, combiner(installation) as own:
        return route(
            installation.ledger, lambda subjects: vault.contacts(subjects, "notifier", "routing"),
            channels or ("page",), combining=combining or own,
        )  # fmt: skip


def sent(installation: Installation, channels: dict[str, Channel], clock: Clock) -> SendingReport:
    ledger = installation.ledger
    policy_of = policy_by_version(ledger, installation.catalog.vocabulary)
    render = renderer(policy_of, SIGNATURE, CombinedTexts(bundle_by_version(ledger), policy_of, SIGNATURE).message)
    with open_vault(installation.home) as vault:
        return send_due(ledger, vault, channels, render, clock)


def deliveries(installation: Installation, told: str, channel: str | None = None) -> list[Any]:
    rows = table(tables.Delivery)
    query = select(rows).where(rows.c.subject == told).order_by(rows.c.id)
    with installation.ledger.reading() as connection:
        return [row for row in connection.execute(query) if channel is None or row.channel == channel]
