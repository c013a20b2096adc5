"""A town on the real store whose data, rules and dates change, with one ledger for each way of running it."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from engine.ledger import Ledger, open_ledger
from engine.ledger.approvals import add_version, approve
from engine.ledger.funds import appropriate
from engine.run_report import RunReport
from engine.running import run
from policies.errors import EventError
from policies.library import read_policy_text
from policies.policy import Policy
from policies.text import Bilingual
from policies.types import Number
from policies.vocabulary import Indicator, Vocabulary
from profiles.catalog_model import Catalog
from profiles.events.log import EventLog
from profiles.home import Home
from profiles.intake import take_in
from profiles.manifest import create_store
from profiles.snapshot import Snapshot, open_snapshot
from tests.incremental.town_events import event_of, kinds
from tests.incremental.town_rules import rules
from tests.profiles.small_town import POPULATION, WELFARE, build_catalog, citizen_number, credit_code, write_csv

CITIZENS, HOUSEHOLDS, FIRMS = 40, 12, 4
START = date(2024, 2, 20)
BIRTHDAYS = [
    date(1964, 2, 29), date(1964, 2, 28), date(1964, 3, 1), date(1964, 2, 21), date(1964, 3, 31), date(1960, 1, 1),
    date(2006, 2, 28), date(2006, 3, 2), date(2008, 2, 29), date(2021, 2, 25), date(2024, 2, 10), None,
]  # fmt: skip
HEADERS: dict[str, Sequence[str]] = {
    "population": POPULATION,
    "welfare": WELFARE,
    "certificates": ("id", "number", "issued_on", "level"),
    "households": ("booklet", "size"),
    "members": ("booklet", "id", "relationship"),
    "firms": ("code", "size_class", "employees"),
    "hires": ("code", "person", "months"),
}


def row_of(source: str, number: int, chance: random.Random) -> list[object]:
    """A row of a source about subject `number`, its data by chance; now and then one that goes to quarantine."""
    person = citizen_number(number)
    if source == "population":
        born = chance.choice(BIRTHDAYS)
        guardian = citizen_number(chance.randrange(CITIZENS)) if chance.random() < 0.5 else None
        sex = chance.choice(["男", "女", "女", "X"])
        return [person, f"张{number}", None, born, sex, chance.choice(["310115", None]), guardian, household(number)]
    if source == "welfare":
        income = chance.choice([None, "100.00", "800.00", "1000.00", "1200.00", "x"])
        employer = chance.choice([None, *(credit_code(n) for n in range(FIRMS + 1))])
        return [person, chance.choice(["是", "否", None]), income, chance.choice(["full", "none", None]), employer]
    if source == "certificates":
        issued = chance.choice([date(2023, 2, 20), date(2023, 2, 28), date(2023, 3, 1), date(2024, 1, 1), "2024-02-31"])
        return [person, f"c{chance.randrange(3)}", issued, chance.randrange(1, 6)]
    if source == "households":
        return [household(number), chance.choice([None, 1, 2, 5])]
    if source == "members":
        return [household(number), citizen_number(chance.randrange(CITIZENS)), chance.choice(["child", "head"])]
    if source == "firms":
        return [credit_code(number % FIRMS), chance.choice(["S", "M", "L", None]), chance.randrange(50)]
    return [credit_code(number % FIRMS), citizen_number(chance.randrange(CITIZENS)), chance.choice([1, 5, 6, 9, None])]


def household(number: int) -> str:
    return f"HK{number % HOUSEHOLDS:06d}"


def catalog_with(reading: int) -> Catalog:
    """The small town's catalog with a public series that stands at `reading` in every month."""
    made = build_catalog(freshness=20)
    series = {f"{year}-{month:02d}": reading for year in (2023, 2024) for month in range(1, 13)}
    indicator = Indicator("poverty_line", Bilingual("线", "line"), Number(2, "yuan", 0, 10**9), {"": series})
    funds = {name: Bilingual(name, name) for name in ("welfare", "jobs")}
    vocabulary = replace(made.vocabulary, indicators={"poverty_line": indicator}, funds=funds)
    return replace(made, vocabulary=vocabulary, events=kinds())


@dataclass
class Town:
    """One store, and ledgers that are all told the same."""

    folder: Path
    ledgers: Mapping[str, Ledger]
    day: date = START
    reading: int = 90_000
    versions: dict[str, int] = field(default_factory=dict)
    files: int = 0

    @property
    def home(self) -> Home:
        return Home(self.folder / "home")

    @property
    def catalog(self) -> Catalog:
        return catalog_with(self.reading)

    @property
    def vocabulary(self) -> Vocabulary:
        return self.catalog.vocabulary

    @property
    def policies(self) -> dict[str, Policy]:
        made = [read_policy_text(text, self.vocabulary) for text in rules(self.versions).values()]
        return {one.id: one for one in made}

    def take(self, source: str, numbers: Sequence[int], seed: int, extract: str = "partial", late: int = 0) -> None:
        """Take in rows about some subjects, drawn up `late` days ago."""
        chance = random.Random(seed)
        rows = [row_of(source, number, chance) for number in numbers]
        self.files += 1
        file = write_csv(self.folder / f"{source}-{self.files}.csv", HEADERS[source], rows)
        as_of = date.fromordinal(self.day.toordinal() - late)
        take_in(self.home, self.catalog, source, file, as_of=as_of, extract=extract, accept_shrinking=True)  # type: ignore[arg-type]

    def post(self, name: str, number: int, seed: int) -> str:
        """Store a life event; return what became of it, or the code of its refusal."""
        event = event_of(name, number, seed, self.day)
        with EventLog(self.home, self.catalog) as log:
            try:
                stored = log.store(event, today=self.day, received_at=datetime.now(UTC), actor="tester")
            except EventError as refused:
                return refused.diagnostics[0].code
        return stored.outcome

    def approve_all(self) -> None:
        """Have the present texts approved in every ledger."""
        for ledger in self.ledgers.values():
            for policy in self.policies.values():
                add_version(ledger, policy)
                approve(ledger, policy.version, "wang", START)

    def appropriate(self, fund: str, fen: int) -> None:
        for ledger in self.ledgers.values():
            appropriate(ledger, fund, fen, title=Bilingual(fund, fund), actor="zhao")

    def snapshot(self) -> Snapshot:
        return open_snapshot(self.home, self.catalog, self.day)

    def reopen(self, on: date, versions: Mapping[str, int]) -> Snapshot:
        return open_snapshot(self.home, self.catalog, on, versions)

    def run(self, ledger: str, *, full: bool = False, only: Sequence[str] | None = None) -> RunReport:
        return run(
            self.ledgers[ledger],
            self.snapshot(),
            self.policies,
            self.vocabulary,
            self.day,
            full=full,
            only=only,
            reopen=self.reopen,
            second_opinion=5,
        )


def settled_town(folder: Path) -> None:
    """Make the store that every test begins with."""
    create_store(Home(folder / "home"), 2)
    town = Town(folder, {})
    for source, count in (
        ("population", CITIZENS), ("welfare", 30), ("certificates", 10), ("households", HOUSEHOLDS),
        ("members", CITIZENS), ("firms", FIRMS), ("hires", 16),
    ):  # fmt: skip
        town.take(source, range(count), seed=count, extract="full", late=15)


def moved_in(template: Path, folder: Path, *ledgers: str) -> Town:
    """Return a copy of the settled town, with a ledger of each name in which all rules are approved."""
    shutil.copytree(template, folder)
    town = Town(folder, {name: opened(folder, name) for name in ledgers}, files=100)
    town.approve_all()
    town.appropriate("welfare", 200_000)
    town.appropriate("jobs", 450_000)
    return town


def opened(folder: Path, name: str) -> Ledger:
    """A ledger whose clock goes on by a second each time that it is looked at."""
    seconds = itertools.count()

    def clock() -> datetime:
        return datetime(2024, 2, 20, 3, 0, tzinfo=UTC) + timedelta(seconds=next(seconds))

    return open_ledger(f"sqlite:///{folder / name}.sqlite", clock=clock)


def what_it_says(ledger: Ledger) -> dict[str, list[tuple[object, ...]]]:
    """Everything that people get from a ledger: without run ids, and with fund entries added up."""
    queries = {
        "grants": 'select id, subject, policy, version, unit, period, amount, stage, payee, fund, "on", evidence'
        ' from "grant"',
        "waiting": "select subject, policy, unit, period, reason, detail, amount from waiting",
        "claims": 'select "group", key, "grant" from claim',
        "announcements": "select id, subject, space, policy, data from announcement",
        "funds": "select fund, policy, sum(amount) from fund_entry group by 1, 2",
    }
    with ledger.reading() as connection:
        return {
            name: sorted((tuple(row) for row in connection.exec_driver_sql(query)), key=repr)
            for name, query in queries.items()
        }


def what_it_counts(report: RunReport) -> dict[str, object]:
    """All counts of a report, policy by policy."""
    return {
        one.policy: (
            one.subjects, one.matched, one.matched_subjects, one.ineligible, one.undetermined, dict(one.missing),
            one.most_missing, one.new_grants, one.new_hints, one.already_granted, dict(one.waiting), one.amount,
            one.held.code if one.held else None, [each.code for each in one.error],
        )
        for one in report.policies
    }  # fmt: skip
