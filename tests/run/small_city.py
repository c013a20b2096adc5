"""A city of a few hundred people in memory, and policies built by hand, for the tests of runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from engine.frames_population import FramesPopulation
from engine.ledger import Ledger, open_ledger
from engine.ledger.approvals import add_version, approve
from engine.ledger.funds import appropriate
from policies.policy import Basis, Benefit, Claims, Condition, Exclusive, Policy
from policies.text import Bilingual
from policies.tree import Attribute as Datum
from policies.tree import Compare, Literal, Node
from policies.types import Bool, Number, Text
from policies.vocabulary import Attribute, Collection, Link, Space, Vocabulary

ON = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
MONEY = Number(2, "yuan", 0, 10**12)
PLAIN = Number(0, None, 0, 10**9)
BUCKETS = 4


def title(text: str) -> Bilingual:
    return Bilingual(text, text)


def pseudonym(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:32]


def vocabulary() -> Vocabulary:
    def attribute(name: str, type_: Any, source: str) -> Attribute:
        return Attribute(name, type_, title(name), source)

    hires = Collection(
        "hires",
        title("hires"),
        {"person": attribute("person", Text(), "hires"), "months": attribute("months", PLAIN, "hires")},
        source="hires",
    )
    citizen = Space(
        "citizen",
        title("citizen"),
        {
            "age": attribute("age", PLAIN, "register"),
            "alive": attribute("alive", Bool(), "register"),
            "income": attribute("income", MONEY, "tax"),
            "need": attribute("need", PLAIN, "tax"),
        },
        {"guardian": Link("guardian", "citizen", title("guardian"), "register")},
    )
    enterprise = Space(
        "enterprise", title("enterprise"), {"size": attribute("size", PLAIN, "firms")}, {}, {"hires": hires}
    )
    return Vocabulary({"citizen": citizen, "enterprise": enterprise})


def at_least(name: str, limit: int, depth: int = 0) -> Condition:
    compared = Compare(Bool(), ">=", Datum(PLAIN, (name,), depth), Literal(PLAIN, limit))
    return Condition("leaf", expression=compared, text=f"{name} >= {limit}")


def money(fen: int) -> Literal:
    return Literal(MONEY, fen)


def policy(
    id: str, eligibility: Condition, amount: Node | None = None, *, author: str = "li", **changes: Any
) -> Policy:
    """A monthly cash policy of citizens, changed as wanted. Its version is the hash of all it says."""
    made = Policy(
        id=id,
        version="",
        text="",
        file=f"{id}.yaml",
        title=title(id),
        space="citizen",
        authority="bureau",
        basis=(Basis("doc 1"),),
        region="310000",
        in_force=(date(2020, 1, 1), None),
        delivery="automatic",
        silence="not_taken_yet",
        period="month",
        schedule="0 2 1 * *",
        eligibility=eligibility,
        benefit=Benefit("cash", amount if amount is not None else money(10_000)),
        parameters={},
        definitions={},
        notices={},
        examples=(),
        reads={"citizen": frozenset({"age", "income"})},
        author=author,
    )
    made = replace(made, **changes)
    text = repr(replace(made, reads={}))  # the order of sets differs between processes
    return replace(made, text=text, version=sha256(text.encode()).hexdigest())


@dataclass(frozen=True)
class CitySnapshot:
    """Citizens 0 to n-1 with age = number % 100; firms with three hires each."""

    spaces: Mapping[str, pl.DataFrame]
    collections: Mapping[tuple[str, str], pl.DataFrame]
    buckets: range = range(BUCKETS)
    versions: Mapping[str, int] = field(default_factory=lambda: {"register": 1, "tax": 1})

    def bucket(self, number: int) -> FramesPopulation:
        count = len(self.buckets)
        place = pl.col("subject").str.slice(0, 4).str.to_integer(base=16) * count // 65_536
        about = {name: frame.filter(place == number)["subject"] for name, frame in self.spaces.items()}
        return FramesPopulation(vocabulary(), self.spaces, self.collections, about)

    def count(self, space: str) -> int:
        return self.spaces[space].height

    def as_of(self, space: str, subject: str | None) -> dict[str, date]:
        return {"register": date(2026, 11, 1), "tax": date(2026, 10, 31), "firms": date(2026, 11, 1)}


def city(citizens: int = 400, firms: int = 20, buckets: int = BUCKETS) -> CitySnapshot:
    numbers = range(citizens)
    people = pl.DataFrame(
        {
            "subject": [pseudonym(f"c{n}") for n in numbers],
            "age": [None if n % 50 == 49 else n % 100 for n in numbers],
            "alive": [n % 97 != 0 for n in numbers],
            "income": [n * 1000 for n in numbers],
            "need": [None if n % 7 == 0 else n % 13 for n in numbers],
            "guardian": [pseudonym(f"c{n + 1}") if n % 100 < 18 else None for n in numbers],
        },
        schema={
            "subject": pl.String,
            "age": pl.Int64,
            "alive": pl.Boolean,
            "income": pl.Int64,
            "need": pl.Int64,
            "guardian": pl.String,
        },
    )
    companies = pl.DataFrame(
        {"subject": [pseudonym(f"e{n}") for n in range(firms)], "size": list(range(firms))},
        schema={"subject": pl.String, "size": pl.Int64},
    )
    hires = [
        (pseudonym(f"e{n}"), str(item), f"person {(n + item) % firms}", item * 3)
        for n in range(firms)
        for item in range(3)
    ]
    hires_frame = pl.DataFrame(
        hires,
        schema={"owner": pl.String, "item": pl.String, "person": pl.String, "months": pl.Int64},
        orient="row",
    )
    return CitySnapshot(
        {"citizen": people, "enterprise": companies},
        {("enterprise", "hires"): hires_frame},
        range(buckets),
    )


def library() -> dict[str, Policy]:
    """Policies that need every step of allocation."""
    need = Datum(PLAIN, ("need",))
    person = Datum(Text(), ("person",), 1)
    firm = {"space": "enterprise", "reads": {"enterprise.hires": frozenset({"person", "months"})}}
    made = [
        policy("base", at_least("age", 60), money(5_000)),
        policy("top-up", at_least("age", 70), money(8_000), net_of=("base",)),
        policy("elder", at_least("age", 80), money(20_000), fund="welfare", order_of_need=need),
        policy("yielding", at_least("age", 85), money(3_000), excludes=("elder",)),
        policy("small", at_least("age", 30), money(1_000), exclusive=Exclusive("one", "highest")),
        policy("large", at_least("age", 40), money(2_000), exclusive=Exclusive("one", "highest")),
        policy("child", at_least("age", 0), Datum(MONEY, ("income",)), payee=("guardian",), period="once"),
        policy(
            "hire",
            at_least("months", 3, depth=1),
            money(150_000),
            for_each="hires",
            claims=Claims("graduate", person),
            period="event",
            fund="jobs",
            **firm,
        ),
    ]
    return {one.id: one for one in made}


def prepared(folder: Path, policies: Mapping[str, Policy], **funds: int) -> Ledger:
    """A ledger in which all policies are approved and the funds (fen) appropriated."""
    ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}", clock=lambda: NOW)
    for one in policies.values():
        add_version(ledger, one)
        approve(ledger, one.version, "wang", date(2026, 1, 1))
    for name, amount in funds.items():
        appropriate(ledger, name, amount, title=title(name), actor="zhao")
    return ledger


def contents(ledger: Ledger) -> str:
    """Everything the ledger says, without times, run ids and what hangs on them, as one text."""
    changing = {
        "run": ("id", "started_at", "finished_at", "report"),
        "audit_entry": ("at", "previous", "hash"),
        "fund_entry": ("id", "at", "run"),
    }
    lines = []
    with ledger.reading() as connection:
        names = [
            row[0]
            for row in connection.exec_driver_sql("select name from sqlite_master where type = 'table' order by 1")
        ]
        runs = [row[0] for row in connection.exec_driver_sql("select id from run order by started_at, id")]
        for name in names:
            if name == "schema_version":
                continue
            result = connection.exec_driver_sql(f'select * from "{name}"')
            columns = result.keys()
            keep = [key for key in columns if key not in (*changing.get(name, ()), "run", "at")]
            rows = sorted(json.dumps([row[key] for key in keep], ensure_ascii=False) for row in result.mappings())
            lines += [f"{name}: {row}" for row in rows]
    text = "\n".join(lines)
    for run in runs:
        text = text.replace(run, "a run")
    return text
