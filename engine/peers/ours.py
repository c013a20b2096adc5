"""mianshen's own engines: the batch compiler and the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from engine.benchmark_policies import benchmark_policies, benchmark_vocabulary
from engine.columnar import Compiled
from engine.decision import Outcome
from engine.interpreter import decide
from engine.peers.tally import Found, Ready
from policies.types import Value


def by_columns(people: pl.DataFrame, policies: int, seed: int) -> Ready:
    """The batch compiler; the people lie in a Polars frame."""
    vocabulary = benchmark_vocabulary()
    fixed = [one.fixed for one in benchmark_policies(policies, seed)]
    compiled = Compiled(fixed, vocabulary)
    population = _InMemory(people)

    def run() -> list[Found]:
        matches = compiled.decide(population)
        return [Found(matches.counts(one.policy.id).matched, matches.amount(one.policy.id)) for one in fixed]

    return run


@dataclass(frozen=True, slots=True)
class _InMemory:
    """A frame in order of subject as a population (`engine.decision.Population`); there are no collections."""

    people: pl.DataFrame

    def attributes(self, space: str, names: Iterable[str], subjects: pl.Series | None = None) -> pl.DataFrame:
        return self.people.select("subject", *names)

    def items(self, space: str, collection: str, names: Iterable[str], owners: pl.Series) -> pl.DataFrame:
        return pl.DataFrame(schema={"owner": pl.String, "item": pl.String})

    def collection_known(self, space: str, collection: str) -> bool:
        return False


class _Person:
    """One row as the interpreter sees it."""

    def __init__(self, row: dict[str, Value]) -> None:
        self.row = row

    def value(self, path: tuple[str, ...]) -> Value:
        return self.row[path[0]]

    def items(self, path: tuple[str, ...]) -> Sequence[_Person] | None:
        return None


def by_interpreter(people: pl.DataFrame, policies: int, seed: int) -> Ready:
    """The reference, with its trace of every condition; the people are dictionaries."""
    fixed = [one.fixed for one in benchmark_policies(policies, seed)]
    rows = people.with_columns(pl.col(pl.Date).cast(pl.Int32)).to_dicts()
    persons = [_Person(row) for row in rows]

    def run() -> list[Found]:
        found = []
        for one in fixed:
            granted = [
                decision.amount or 0
                for decision in (decide(one, person) for person in persons)
                if decision.outcome is Outcome.ELIGIBLE
            ]
            found.append(Found(len(granted), sum(granted)))
        return found

    return run


def by_hand(people: pl.DataFrame, policies: int, seed: int) -> Ready:
    """Polars expressions written by hand: all answers and amounts in one query, then their sums.

    Sums within the query were several times slower.
    """
    chosen = benchmark_policies(policies, seed)
    wanted = [one.eligible.alias(f"eligible {number}") for number, one in enumerate(chosen)]
    wanted += [one.amount.alias(f"amount {number}") for number, one in enumerate(chosen) if one.amount is not None]

    def run() -> list[Found]:
        answers = people.lazy().select(wanted).collect()
        found = []
        for number, one in enumerate(chosen):
            eligible = answers[f"eligible {number}"]
            matched = int(eligible.sum())
            amount = matched * one.constant
            if one.amount is not None:
                amount = int(answers[f"amount {number}"].filter(eligible).sum())
            found.append(Found(matched, amount))
        return found

    return run


Maker = Callable[[pl.DataFrame, int, int], Ready]
