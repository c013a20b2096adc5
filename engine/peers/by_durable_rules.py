"""durable-rules alone: hand-written rules and flat facts, straight into its C engine, record by record."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from engine.peers.plain_policies import (
    Begins,
    Between,
    Is,
    OneOf,
    PlainPolicy,
    Test,
    amount_of,
    columns_of,
    plain_policies,
)
from engine.peers.tally import Found, Ready

_MOST_RULES = 59  # in one ruleset, with the canary
_CANARY = {"all": [{"m": {"kind": "person"}}], "pri": 1_000}


def by_durable_rules(people: pl.DataFrame, policies: int, seed: int) -> Ready:
    """durable-rules; the facts are JSON texts with the beginnings of regions beside them.

    It decides who matches; the amount of those is plain Python, as it would be in a rule's action.
    """
    import durable_rules_engine as rules

    from engine.durable_child import fired

    chosen = plain_policies(policies, seed)
    groups = [chosen[first : first + _MOST_RULES] for first in range(0, len(chosen), _MOST_RULES)]
    handles = [
        rules.create_ruleset(
            f"peers {number}", json.dumps({**{one.name: _rule(one) for one in group}, "canary": _CANARY})
        )
        for number, group in enumerate(groups)
    ]
    rows = people.select(columns_of(chosen)).with_columns(pl.col(pl.Date).cast(pl.Int32)).to_dicts()
    facts = [json.dumps(_fact(row, chosen)) for row in rows]
    amounts = {one.name: one.amount for one in chosen}

    def run() -> list[Found]:
        found = {one.name: [0, 0] for one in chosen}
        for row, fact in zip(rows, facts, strict=True):
            for handle in handles:
                for name in fired(handle, fact):
                    found[name][0] += 1
                    found[name][1] += amount_of(amounts[name], row)
        return [Found(*found[one.name]) for one in chosen]

    return run


def _rule(policy: PlainPolicy) -> dict[str, Any]:
    conditions = [condition for test in policy.tests for condition in _conditions(test)]
    return {"all": [{"m": {"$and": [{"kind": "person"}, *conditions]}}]}


def _conditions(test: Test) -> list[dict[str, Any]]:
    match test:
        case Is(column=column, value=value):
            return [{column: value}]
        case OneOf(column=column, codes=codes):
            return [{"$or": [{column: code} for code in codes]}]
        case Begins(column=column, prefixes=prefixes):
            return [{"$or": [{_beginning(column, len(prefix)): prefix} for prefix in prefixes]}]
        case Between(column=column, low=low, high=high):
            found: list[dict[str, Any]] = [] if low is None else [{"$gte": {column: low}}]
            return [*found, *([] if high is None else [{"$lte": {column: high}}])]


def _beginning(column: str, length: int) -> str:
    return f"{column}_first_{length}"


def _fact(row: dict[str, object], policies: list[PlainPolicy]) -> dict[str, object]:
    fact: dict[str, object] = {"id": "e", "sid": "0", "kind": "person", **row}
    for test in (test for one in policies for test in one.tests if isinstance(test, Begins)):
        for prefix in test.prefixes:
            fact[_beginning(test.column, len(prefix))] = str(row[test.column])[: len(prefix)]
    return fact
