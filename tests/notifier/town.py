"""A small town for the tests of notices and pages: one policy, a real ledger, a real vault, a few people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from engine.decision import Decision, Facts
from engine.interpreter import decide
from engine.ledger import open_ledger, tables
from engine.ledger.approvals import add_version
from engine.ledger.ids import announcement_id
from engine.ledger.opening import Ledger, insert_many
from engine.policy_inputs import inputs_of
from policies.fixing import fix
from policies.library import read_policy_text
from policies.policy import FixedPolicy, Policy
from policies.text import Bilingual
from policies.types import Bool, Code, Date, Number, Value, from_day_number, to_day_number
from policies.vocabulary import Attribute, CodeSet, Space, Vocabulary
from profiles.home import Home
from profiles.vault import Secret, Vault, open_vault

ON = date(2026, 11, 20)
MORNING = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
SIGNATURE = "某市民政"

RULE = """\
id: elderly-allowance
title: {zh: 老年综合津贴, en: Allowance for the elderly}
space: citizen
authority: 某市民政局
author: policy desk
basis: [{document: 某府发〔2016〕24号, date: 2016-04-07}]
region: "310000"
in_force: {from: 2016-05-01}
delivery: automatic
period: month
schedule: "0 2 1 * *"
parameters:
  minimum_age: {unit: age, values: {2016-05-01: 65}}
eligibility:
  all:
    - when: within(hukou_region, "31")
      says: {zh: 本市户籍, en: registered in this city}
      basis: 某府发〔2016〕24号 第二条
    - when: age >= minimum_age
      says: {zh: 已满65周岁, en: 65 or older}
      basis: 某府发〔2016〕24号 第三条
    - any:
        - {when: pension < 3000, says: {zh: 养老金低于3000元, en: pension below 3000 yuan}}
        - {when: alone, says: {zh: 独居, en: lives alone}}
benefit:
  kind: cash
  tiers:
    - {when: age < 70, amount: 75}
    - {amount: 150}
notice:
  granted:
    zh: 您的老年综合津贴{period}为{amount}元，无需申请。可在官方App查询，咨询12345
    en: Your allowance for {period} is {amount} yuan. You need not apply. Questions to 12345.
examples:
  - name: seventy
    on: 2026-11-20
    profile: {birth_date: 1956-01-01, hukou_region: "310115", pension: 2000, alone: true}
    expect: {eligible: true, amount: 150}
"""


def vocabulary() -> Vocabulary:
    """Return one space of citizens with five data from two sources."""
    attributes = [
        Attribute("birth_date", Date(), Bilingual("出生日期", "date of birth"), "population"),
        Attribute("hukou_region", Code("region"), Bilingual("户籍地", "place of registration"), "population"),
        Attribute("pension", Number(2, "yuan"), Bilingual("每月养老金", "monthly pension"), "pension"),
        Attribute("alone", Bool(), Bilingual("独居", "lives alone"), "population"),
        Attribute(
            "age", Number(0, "age", 0, 150), Bilingual("年龄", "age"), derivation="years_between(birth_date, on)"
        ),
    ]
    citizen = Space("citizen", Bilingual("个人", "people"), {each.name: each for each in attributes})
    names = {"310115": Bilingual("浦东新区", "Pudong"), "310000": Bilingual("上海市", "Shanghai")}
    regions = CodeSet("region", Bilingual("区划", "regions"), names, hierarchical=True, open=True, pattern=r"\d{6}")
    return Vocabulary({"citizen": citizen}, {"region": regions})


AGENCIES = {"population": Bilingual("公安局", "Public security"), "pension": Bilingual("社保中心", "Pension office")}
AS_OF = {"population": date(2026, 11, 18), "pension": date(2026, 11, 1)}


@dataclass(frozen=True)
class Person(Facts):
    """Facts from a plain mapping."""

    data: Mapping[str, Value]

    def value(self, path: tuple[str, ...]) -> Value:
        return self.data.get(".".join(path))

    def items(self, path: tuple[str, ...]) -> Sequence[Facts] | None:
        return None


def person(born: date = date(1956, 1, 1), **others: Value) -> Person:
    """Return a person of seventy who qualifies, unless told otherwise."""
    data = {"birth_date": to_day_number(born), "hukou_region": "310115", "pension": 200_000, "alone": None}
    return Person({**data, **others})


def rule(text: str = RULE) -> tuple[Policy, FixedPolicy]:
    """Return the policy, and it settled for the day."""
    policy = read_policy_text(text, vocabulary(), "rule.yaml")
    return policy, fix(policy, vocabulary(), ON)


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.moment = MORNING

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **by: float) -> None:
        self.moment += timedelta(**by)


@dataclass
class Town:
    """Everything open. `vault` is the real one; `policy` the one everybody is granted."""

    ledger: Ledger
    vault: Vault
    home: Home
    clock: Clock
    policy: Policy

    def grant(
        self, subject: str, *, facts: Person | None = None, period: str = "2026-11", payee: str | None = None
    ) -> str:
        """Record a grant with its announcement as a run would; return its id."""
        fixed = fix(self.policy, vocabulary(), ON)
        decision = decide(fixed, facts or person())
        number = f"{subject[:20]:0<20}{abs(hash_of(self.policy.id + period)):012x}"[:32]
        row: dict[str, object] = {
            "id": number, "subject": subject, "space": "citizen", "policy": self.policy.id,
            "version": self.policy.version, "unit": "", "period": period, "amount": decision.amount,
            "kind": "cash", "stage": "approved", "payee": payee, "fund": None, "on": ON.isoformat(),
            "run": "test", "bucket": 0, "evidence": evidence(fixed, decision),
        }  # fmt: skip
        told = {
            "id": announcement_id(number, "granted"), "subject": payee or subject, "space": "citizen",
            "grant": number, "policy": self.policy.id, "version": self.policy.version, "kind": "granted",
            "data": json.dumps({"amount": decision.amount, "period": period}), "on": ON.isoformat(), "routed": False,
        }  # fmt: skip
        with self.ledger.writing() as connection:
            insert_many(connection, tables.Grant, {name: [value] for name, value in row.items()})
            insert_many(connection, tables.Announcement, {name: [value] for name, value in told.items()})
        return number

    def contact(self, subject: str, **fields: str) -> None:
        """Put contact data into the vault."""
        self.vault.put([Secret(subject, name, value) for name, value in fields.items()])


def hash_of(text: str) -> int:
    """Return a number of 12 hexadecimal digits that is the same in every process."""
    from hashlib import sha256

    return int(sha256(text.encode()).hexdigest()[:12], 16)


def evidence(fixed: FixedPolicy, decision: Decision) -> str:
    """Return the evidence column as a run writes it."""
    dates = {one.name for one in inputs_of(fixed) if isinstance(one.type, Date)}
    values = {
        name: from_day_number(int(value)).isoformat() if name in dates and value is not None else value
        for name, value in (decision.inputs or {}).items()
    }
    days = {name: day.isoformat() for name, day in AS_OF.items()}
    return json.dumps({"values": values, "as_of": days}, ensure_ascii=False)


def open_town(folder: Path, text: str = RULE) -> Town:
    """Return a town with an empty ledger and vault below `folder`."""
    home, clock = Home(folder), Clock()
    ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}", clock)
    policy, _ = rule(text)
    add_version(ledger, policy)
    return Town(ledger, open_vault(home, now=clock), home, clock, policy)
