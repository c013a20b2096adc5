"""Month by month, the batch counts exactly those whom the reference decides on the same days one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.decision import Decision, Outcome, Population
from engine.frames_population import FramesPopulation
from engine.interpreter import decide
from engine.ledger import open_ledger
from engine.ledger.earlier import PastGrants, past_grants_of
from engine.planning import is_in_force
from engine.upcoming_batch import Coming, ComingReport, days_ahead, upcoming_of
from policies.fixing import fix
from policies.library import read_policy_text
from policies.policy import Policy
from policies.types import to_day_number
from tests.notifier.town import Person, vocabulary
from tests.undetermined.test_upcoming import CONDITIONS, rule_of

TODAY = date(2026, 11, 20)


@dataclass(frozen=True)
class Buckets:
    """Populations as the buckets of a store."""

    populations: Sequence[Population]
    versions: Mapping[str, int]

    @property
    def buckets(self) -> Sequence[int]:
        return range(len(self.populations))

    def bucket(self, number: int) -> Population:
        return self.populations[number]

    def count(self, space: str) -> int:
        return 0

    def as_of(self, space: str, subject: str | None) -> Mapping[str, date]:
        return {}


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PastGrants]:
    ledger = open_ledger(f"sqlite:///{tmp_path_factory.mktemp('coming') / 'ledger.sqlite'}")
    with past_grants_of(ledger, None) as nothing:
        yield nothing
    ledger.close()


def store_of(born: Sequence[date | None]) -> tuple[Buckets, dict[str, Person]]:
    """Return people of these birth dates in two buckets, and the same people one by one."""
    names = [f"c{number:03d}" for number in range(len(born))]
    populations = []
    for part in (slice(0, None, 2), slice(1, None, 2)):
        frame = pl.DataFrame(
            {
                "subject": names[part], "birth_date": list(born[part]), "hukou_region": ["310115"] * len(names[part]),
                "pension": [200_000] * len(names[part]), "alone": [False] * len(names[part]),
            },
            schema={
                "subject": pl.String, "birth_date": pl.Date, "hukou_region": pl.String,
                "pension": pl.Int64, "alone": pl.Boolean,
            },
        )  # fmt: skip
        populations.append(FramesPopulation(vocabulary(), {"citizen": frame}, {}))
    people = {
        name: Person(
            {
                "birth_date": None if day is None else to_day_number(day),
                "hukou_region": "310115", "pension": 200_000, "alone": False,
            }
        )
        for name, day in zip(names, born, strict=True)
    }  # fmt: skip
    return Buckets(populations, {}), people


def one_by_one(policy: Policy, people: Mapping[str, Person], days: Sequence[date]) -> list[Coming]:
    """Return the same counts from the reference."""

    def decided(person: Person, day: date) -> Decision | None:
        return decide(fix(policy, vocabulary(), day), person) if is_in_force(policy, day) else None

    def granted(person: Person, day: date) -> bool:
        found = decided(person, day)
        return found is not None and found.outcome is Outcome.ELIGIBLE

    seen = {name for name, person in people.items() if granted(person, TODAY)}
    staying, changes = set(seen), []
    for day in days:
        now = {name for name, person in people.items() if granted(person, day)}
        new, gone = now - seen, staying - now
        amount = sum(found.amount or 0 for name in new if (found := decided(people[name], day)) is not None)
        still_open = sum(
            found is not None and found.outcome is Outcome.UNDETERMINED
            for name in gone
            for found in [decided(people[name], day)]
        )
        if new or gone:
            changes.append(Coming(policy.id, day, len(new), amount, len(gone) - still_open, still_open))
        seen |= new
        staying -= gone
    return changes


def looked(policies: Sequence[Policy], store: Buckets, past: PastGrants, days: int) -> ComingReport:
    return upcoming_of(store, policies, vocabulary(), TODAY, days, past)


@given(
    conditions=st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=3),
    join=st.sampled_from(["all", "any", "none"]),
    until=st.sampled_from(["{from: 2016-05-01}", "{from: 2016-05-01, to: 2027-02-15}", "{from: 2027-02-01}"]),
    born=st.lists(st.one_of(st.none(), st.dates(date(1956, 1, 1), date(1967, 12, 31))), min_size=1, max_size=12),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_batch_counts_whom_the_reference_counts(
    past: PastGrants, conditions: list[str], join: str, until: str, born: list[date | None]
) -> None:
    policy = read_policy_text(rule_of(conditions, join, "month", until), vocabulary(), "rule.yaml")
    store, people = store_of(born)
    report = looked([policy], store, past, 200)
    assert not report.errors
    assert list(report.changes) == one_by_one(policy, people, report.days)


def test_the_days_are_the_firsts_of_the_months_and_the_last_day() -> None:
    assert days_ahead(TODAY, 90) == (date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1), date(2027, 2, 18))
    assert days_ahead(TODAY, 11) == (date(2026, 12, 1),)
    assert days_ahead(TODAY, 1) == (TODAY + timedelta(days=1),)
    assert days_ahead(date(2026, 12, 31), 1) == (date(2027, 1, 1),)


def test_a_policy_that_no_date_changes_is_left_out(past: PastGrants) -> None:
    store, _ = store_of([date(1950, 1, 1)])
    policy = read_policy_text(rule_of(["alone"], "all", "month", "{from: 2016-05-01}"), vocabulary(), "rule.yaml")
    assert looked([policy], store, past, 400).changes == ()


def test_everybody_is_counted_once_when_they_come_and_once_when_they_go(past: PastGrants) -> None:
    store, _ = store_of([date(1961, 1, 10), date(1961, 1, 20), date(1956, 12, 24)])
    rule = rule_of(["age >= 66", "age < 70"], "all", "month", "{from: 2016-05-01}")
    (first, second) = looked([read_policy_text(rule, vocabulary(), "rule.yaml")], store, past, 100).changes
    assert (first.on, first.becoming, first.ceasing, first.amount) == (date(2027, 1, 1), 0, 1, 0)
    assert (second.on, second.becoming, second.ceasing, second.amount) == (date(2027, 2, 1), 2, 0, 15_000)
