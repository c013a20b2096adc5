"""Plain pandas, as an analyst would write it: one boolean mask for each policy, over numpy-backed columns."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from operator import and_
from typing import Any

import numpy as np
import polars as pl

from engine.peers.plain_policies import (
    Begins,
    Between,
    Is,
    OneOf,
    PlainPolicy,
    Share,
    Steps,
    Test,
    columns_of,
    plain_policies,
)
from engine.peers.tally import Found, Ready
from policies.types import EPOCH


def by_pandas(people: pl.DataFrame, policies: int, seed: int) -> Ready:
    """pandas; the people lie in a DataFrame with categories for codes and numpy columns for the rest."""
    import pandas as pd  # type: ignore[import-untyped]

    chosen = plain_policies(policies, seed)
    frame = pd.DataFrame({name: _column(people[name], pd) for name in columns_of(chosen)})

    def run() -> list[Found]:
        found = []
        for one in chosen:
            mask = reduce(and_, (_mask(frame, test, pd) for test in one.tests))
            found.append(Found(int(mask.sum()), _amount(frame, one, mask)))
        return found

    return run


def _column(series: pl.Series, pd: Any) -> Any:
    if series.dtype == pl.String:
        return pd.Categorical(series.to_list())
    return series.to_numpy()


def _mask(frame: Any, test: Test, pd: Any) -> Any:
    column = frame[test.column]
    match test:
        case Is(value=value):
            return column if value else ~column
        case OneOf(codes=codes):
            return column.isin(codes)
        case Begins(prefixes=prefixes):
            # Categories are few: they are tested, and the rows by membership.
            within = [one for one in column.cat.categories if one.startswith(prefixes)]
            return column.isin(within)
        case Between(low=low, high=high):
            masks = []
            dates = column.dtype.kind == "M"
            if low is not None:
                masks.append(column >= (_day(low, pd) if dates else low))
            if high is not None:
                masks.append(column <= (_day(high, pd) if dates else high))
            return reduce(and_, masks)


def _day(number: int, pd: Any) -> Any:
    return pd.Timestamp(EPOCH + timedelta(days=number))


def _amount(frame: Any, policy: PlainPolicy, mask: Any) -> int:
    amount = policy.amount
    if isinstance(amount, int):
        return int(mask.sum()) * amount
    numbers = frame.loc[mask, amount.column]
    if isinstance(amount, Share):
        return int(((numbers * amount.thousandths + 500) // 1_000).sum())
    assert isinstance(amount, Steps)
    conditions = [numbers < limit for limit, _ in amount.steps]
    return int(np.select(conditions, [fen for _, fen in amount.steps], amount.last).sum())
