"""A population whose subjects also have the collection `grants`: what the ledger says they were granted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from engine.decision import Facts, Population
from engine.ledger.earlier import PastGrants, past_grants_of
from engine.ledger.opening import Ledger
from policies.policy import Policy
from policies.types import Value

GRANTS = "grants"


def reads_grants(policy: Policy) -> bool:
    """Return whether a policy reads what was granted before, so that it is decided where the ledger is."""
    return any(place.rpartition(".")[2] == GRANTS for place in policy.reads)


@dataclass(frozen=True, slots=True)
class WithPastGrants:
    """`population`, with the collection `grants` of every space answered by the ledger."""

    population: Population
    past: PastGrants

    def attributes(self, space: str, names: Iterable[str], subjects: pl.Series | None = None) -> pl.DataFrame:
        """See `engine.decision.Population`."""
        return self.population.attributes(space, names, subjects)

    def items(self, space: str, collection: str, names: Iterable[str], owners: pl.Series) -> pl.DataFrame:
        """See `engine.decision.Population`."""
        if collection == GRANTS:
            return self.past.of(owners, names)
        return self.population.items(space, collection, names, owners)

    def collection_known(self, space: str, collection: str) -> bool:
        """Past grants are always known: the ledger holds all of them."""
        return collection == GRANTS or self.population.collection_known(space, collection)


@dataclass(frozen=True, slots=True)
class FactsWithPastGrants:
    """One subject's facts, with its collection `grants` answered by the ledger."""

    facts: Facts
    grants: tuple[PastGrant, ...]

    def value(self, path: tuple[str, ...]) -> Value:
        """See `engine.decision.Facts`."""
        return self.facts.value(path)

    def items(self, path: tuple[str, ...]) -> Sequence[Facts] | None:
        """See `engine.decision.Facts`."""
        return self.grants if path == (GRANTS,) else self.facts.items(path)


@dataclass(frozen=True, slots=True)
class PastGrant:
    """One item of the collection `grants`."""

    id: str
    cells: Mapping[str, Value]

    def value(self, path: tuple[str, ...]) -> Value:
        """Return the cell of this name; a grant has no links."""
        return self.cells.get(path[0]) if len(path) == 1 else None

    def items(self, path: tuple[str, ...]) -> None:
        """A grant has no collections."""
        return


def facts_with_past_grants(
    facts: Facts, subject: str, ledger: Ledger, without_runs: frozenset[str] = frozenset()
) -> FactsWithPastGrants:
    """Return `facts` of `subject` together with what the ledger says it was granted, by other runs than these."""
    with past_grants_of(ledger, None) as past:
        found = past.without(without_runs).of(pl.Series([subject], dtype=pl.String), past.COLUMNS)
    rows = found.with_columns(pl.col("granted_on").cast(pl.Int32)).to_dicts()
    return FactsWithPastGrants(
        facts, tuple(PastGrant(row["item"], {name: row[name] for name in PastGrants.COLUMNS}) for row in rows)
    )
