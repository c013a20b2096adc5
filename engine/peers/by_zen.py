"""GoRules Zen: one decision with an expression for each policy, evaluated record by record."""

from __future__ import annotations

import json

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

_PLACE = {"x": 0, "y": 0}


def by_zen(people: pl.DataFrame, policies: int, seed: int) -> Ready:
    """GoRules Zen; the people are dictionaries, dates as day numbers, and the decision is compiled before."""
    import zen

    chosen = plain_policies(policies, seed)
    decision = zen.ZenEngine().create_decision(zen.ZenDecisionContent(json.dumps(decision_of(chosen))))
    rows = people.select(columns_of(chosen)).with_columns(pl.col(pl.Date).cast(pl.Int32)).to_dicts()

    def run() -> list[Found]:
        matched, amounts = [0] * len(chosen), [0] * len(chosen)
        for row in rows:
            result = decision.evaluate(row)["result"]
            for number in range(len(chosen)):
                fen = result.get(f"p{number}")  # null is left out
                if fen is not None:
                    matched[number] += 1
                    amounts[number] += int(fen)
        return [Found(*pair) for pair in zip(matched, amounts, strict=True)]

    return run


def decision_of(policies: list[PlainPolicy]) -> dict[str, object]:
    """Return the decision graph: the amount of each policy, or null."""
    expressions = [
        {"id": f"e{number}", "key": f"p{number}", "value": f"{_condition(one)} ? {_amount(one.amount)} : null"}
        for number, one in enumerate(policies)
    ]
    nodes = [
        {"id": "in", "type": "inputNode", "name": "person", "position": _PLACE},
        {"id": "rules", "type": "expressionNode", "name": "policies", "position": _PLACE,
         "content": {"expressions": expressions}},
        {"id": "out", "type": "outputNode", "name": "amounts", "position": _PLACE},
    ]  # fmt: skip
    edges = [
        {"id": "1", "type": "edge", "sourceId": "in", "targetId": "rules"},
        {"id": "2", "type": "edge", "sourceId": "rules", "targetId": "out"},
    ]
    return {"nodes": nodes, "edges": edges}


def _condition(policy: PlainPolicy) -> str:
    return "(" + " and ".join(_test(one) for one in policy.tests) + ")"


def _test(test: Test) -> str:
    match test:
        case Is(column=column, value=value):
            return column if value else f"not {column}"
        case OneOf(column=column, codes=codes):
            return f"{column} in {list(codes)}"
        case Begins(column=column, prefixes=prefixes):
            return "(" + " or ".join(f"startsWith({column}, '{one}')" for one in prefixes) + ")"
        case Between(column=column, low=low, high=high):
            parts = [] if low is None else [f"{column} >= {low}"]
            return " and ".join([*parts, *([] if high is None else [f"{column} <= {high}"])])


def _amount(amount: Amount) -> str:
    if isinstance(amount, int):
        return str(amount)
    if isinstance(amount, Share):
        return f"floor(({amount.column} * {amount.thousandths} + 500) / 1000)"
    steps = "".join(f"{amount.column} < {limit} ? {fen} : " for limit, fen in amount.steps)
    return f"({steps}{amount.last})"
