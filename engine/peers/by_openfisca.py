"""OpenFisca-core: one variable for each policy, computed for the whole population as numpy vectors."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import Any

import numpy as np
import polars as pl

from engine.peers.plain_policies import (
    Amount,
    Begins,
    Between,
    Is,
    OneOf,
    PlainPolicy,
    Share,
    Test,
    columns_of,
    plain_policies,
)
from engine.peers.tally import Found, Ready

_PERIOD = "2026-11"


def by_openfisca(people: pl.DataFrame, policies: int, seed: int) -> Ready:
    """OpenFisca; inputs are numpy vectors: codes and regions as integers, days as day numbers.

    Texts were far slower, and OpenFisca's own enumerations are integers too. -1 stands for no grant.
    """
    from openfisca_core.simulations import SimulationBuilder

    chosen = plain_policies(policies, seed)
    columns = columns_of(chosen)
    system = _system(chosen, columns)
    inputs = {name: _vector(people[name]) for name in columns}

    def run() -> list[Found]:
        simulation = SimulationBuilder().build_default_simulation(system, people.height)
        for name, vector in inputs.items():
            simulation.set_input(name, _PERIOD, vector)
        found = []
        for number in range(len(chosen)):
            amounts = simulation.calculate(f"policy_{number}", _PERIOD)
            granted = amounts[amounts >= 0]
            found.append(Found(len(granted), int(granted.sum(dtype=np.int64))))
        return found

    return run


def _system(policies: list[PlainPolicy], columns: list[str]) -> Any:
    from openfisca_core.entities import build_entity
    from openfisca_core.periods import DateUnit
    from openfisca_core.taxbenefitsystems import TaxBenefitSystem
    from openfisca_core.variables import Variable

    person = build_entity("person", "persons", "a person", is_person=True)
    system = TaxBenefitSystem([person])
    common = {"entity": person, "definition_period": DateUnit.MONTH, "label": "benchmark"}
    for name in columns:
        kind = bool if name.startswith("flag") else int
        system.add_variable(type(name, (Variable,), {**common, "value_type": kind}))
    for number, one in enumerate(policies):
        members = {**common, "value_type": int, "default_value": -1, "formula": _formula(one)}
        system.add_variable(type(f"policy_{number}", (Variable,), members))
    return system


def _formula(policy: PlainPolicy) -> Any:
    def formula(person: Any, period: Any) -> Any:
        eligible = reduce(and_, (_mask(person, period, test) for test in policy.tests))
        return np.where(eligible, _amount(person, period, policy.amount), -1)

    return formula


def _mask(person: Any, period: Any, test: Test) -> Any:
    vector = person(test.column, period)
    match test:
        case Is(value=value):
            return vector if value else ~vector
        case OneOf(codes=codes):
            return np.isin(vector, [int(code) for code in codes])
        case Begins(prefixes=prefixes):
            parts = [vector // 10 ** (6 - len(prefix)) == int(prefix) for prefix in prefixes]
            return np.logical_or.reduce(parts)
        case Between(low=low, high=high):
            bounds = [] if low is None else [vector >= low]
            return reduce(and_, [*bounds, *([] if high is None else [vector <= high])])


def _amount(person: Any, period: Any, amount: Amount) -> Any:
    if isinstance(amount, int):
        return amount
    vector = person(amount.column, period)
    if isinstance(amount, Share):
        return (vector * amount.thousandths + 500) // 1_000
    return np.select([vector < limit for limit, _ in amount.steps], [fen for _, fen in amount.steps], amount.last)


def _vector(series: pl.Series) -> Any:
    if series.dtype == pl.String or series.dtype == pl.Date:
        series = series.cast(pl.Int32)
    return series.to_numpy()
