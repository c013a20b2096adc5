"""Reproducible chance: one named stream per part, so that a change in one part leaves the others alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias
from zlib import crc32

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers: TypeAlias = npt.NDArray[np.int64]
Reals: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the stream of chance called `name` in the city of `seed`."""
    return np.random.Generator(np.random.PCG64([seed, crc32(name.encode())]))


def happens(chance: np.random.Generator, probability: float | Reals, count: int) -> Flags:
    """Return `count` flags that are true with `probability` (one for all, or one each)."""
    return chance.random(count) < probability


def drawn(chance: np.random.Generator, weights: npt.ArrayLike, count: int) -> Numbers:
    """Return `count` positions drawn with `weights`."""
    steps = np.cumsum(np.asarray(weights, dtype=np.float64))
    found = np.searchsorted(steps, chance.random(count) * steps[-1], side="right")
    # Rounding may put a draw just past the last step.
    places: Numbers = np.minimum(found, len(steps) - 1).astype(np.int64)
    return places


def words(choices: Sequence[str | None], positions: Numbers) -> pl.Series:
    """Return the choice at each position, as a column of text."""
    return pl.Series(list(choices), dtype=pl.String).gather(pl.Series(positions, dtype=pl.Int64))


def days(numbers: Numbers) -> pl.Series:
    """Return day numbers since 1970-01-01 as a column of dates."""
    return pl.Series(numbers.astype(np.int32)).cast(pl.Date)


def where(flags: Flags, column: pl.Series) -> pl.Series:
    """Return `column` where `flags` hold, null elsewhere."""
    return pl.DataFrame({"f": pl.Series(flags), "c": column}).select(pl.when("f").then("c"))["c"]


def gathered(column: pl.Series, positions: Numbers) -> pl.Series:
    """Return the values at `positions`; a negative position gives null."""
    places = pl.DataFrame({"p": pl.Series(positions, dtype=pl.Int64)}).select(pl.when(pl.col("p") >= 0).then("p"))
    return column.gather(places["p"])
