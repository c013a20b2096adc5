"""A population of which only some subjects are decided; whoever they are linked to is read as ever."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from engine.decision import Population


@dataclass(frozen=True, slots=True)
class RestrictedPopulation:
    """`population`, about the subjects in `about` (space -> pseudonyms); of other spaces about nobody."""

    population: Population
    about: Mapping[str, pl.Series]

    def attributes(self, space: str, names: Iterable[str], subjects: pl.Series | None = None) -> pl.DataFrame:
        """See `engine.decision.Population`."""
        if subjects is not None:
            return self.population.attributes(space, names, subjects)
        chosen = self.about.get(space, pl.Series("subject", [], dtype=pl.String))
        rows = self.population.attributes(space, names, chosen)
        return rows if rows["subject"].is_sorted() else rows.sort("subject")

    def items(self, space: str, collection: str, names: Iterable[str], owners: pl.Series) -> pl.DataFrame:
        """See `engine.decision.Population`."""
        return self.population.items(space, collection, names, owners)

    def collection_known(self, space: str, collection: str) -> bool:
        """See `engine.decision.Population`."""
        return self.population.collection_known(space, collection)
