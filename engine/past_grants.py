"""A population whose subjects also have the collection `grants`: what the ledger says they were granted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from engine.decision import Population
from engine.ledger.earlier import PastGrants

GRANTS = "grants"


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
