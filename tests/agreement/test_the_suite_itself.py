"""The agreement suite is worth something: it reaches every construct, and a fault in one engine is found."""

from __future__ import annotations

import ast
import json
import operator
import re
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

import tests.agreement.cases as cases
from engine.columnar_types import OPERATORS
from engine.policy_inputs import deciding_expressions
from policies import tree
from policies.errors import PolicyError
from policies.fixing import fix
from policies.functions import FUNCTIONS
from policies.policy import Policy
from policies.tree import walk
from tests.agreement.cases import Case, checked, problems, read_case
from tests.agreement.engines import by_columns, by_interpreter
from tests.agreement.shrinking import require_agreement
from tests.agreement.test_all_engines_agree import ON, draw_case
from tests.agreement.town_vocabulary import VOCABULARY
from tests.agreement.towns import TownMaker
from tests.agreement.written_policies import PolicyWriter

BEFORE_FIXING = {"Reference", "ParameterValue", "IndicatorValue"}
NODES = {one.__name__ for one in tree.Node.__args__} - BEFORE_FIXING
FILE_PARTS = (
    "for_each:", "unit_where:", "claims:", "order_of_need:", "definitions:", "tiers:", "floor:", "cap:", "rounding:",
    "to: fen", "to: jiao", "to: yuan", 'to: "50"', "mode: half_up", "mode: down", "mode: up", "all: [", "any: [",
    "none: [", "says:", "scale: marginal", "scale: stepped", "by_region:", "by: care_level", "by: integer",
    "each_further:", "otherwise: 0", "otherwise: null", "2026-02-01: null", "kind: cash", "kind: service",
    "period: month", "period: quarter", "period: year", "in sme", "not in", "retail", "subject.", "price_index",
    "standard_of_living[", "household.members.incomes", "period_start", "period_end", "grants",
    "instalments: [", "share: 1/3", "kind: deduction", "overlays: p", "values: {2015-01-01: {}",
)  # fmt: skip
SYNTAX = (
    ast.And,
    ast.Or,
    ast.Not,
    ast.USub,
    ast.IfExp,
    ast.Compare,
    ast.Subscript,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
)


def accepted(seeds: range) -> Iterator[tuple[str, Policy]]:
    """Yield the texts of these seeds that the checker accepts."""
    for seed in seeds:
        text = PolicyWriter(Random(seed)).policy(f"p{seed}")
        try:
            yield text, checked(text)
        except PolicyError:
            continue


def test_every_node_function_and_part_of_a_rule_file_is_generated_and_accepted() -> None:
    nodes: Counter[str] = Counter()
    together, syntax = [], set()
    for text, policy in accepted(range(600)):
        together.append(text)
        for root in deciding_expressions(fix(policy, VOCABULARY, ON[0])):
            nodes.update(type(one).__name__ for one in walk(root))
        for quoted in re.findall(r'"(?:[^"\\]|\\.)*"', text):
            try:
                written = ast.parse(json.loads(quoted), mode="eval")
            except SyntaxError:
                continue
            syntax |= {type(one) for one in ast.walk(written)}
    assert len(together) > 400
    whole = "\n".join(together)
    assert not NODES - nodes.keys()
    assert not [name for name in FUNCTIONS if f"{name}(" not in whole]
    assert not [part for part in FILE_PARTS if part not in whole]
    assert not [one.__name__ for one in SYNTAX if one not in syntax]


def test_the_people_are_unknown_extreme_empty_and_born_on_leap_days() -> None:
    towns = [TownMaker(Random(seed), subjects=8).town() for seed in range(60)]
    citizens = [row for town in towns for row in town.subjects["citizen"].values()]
    widest = {row["widest"] for row in citizens}
    assert {None, 2**63 - 1, -(2**63), 0} <= widest
    assert {-3_595, 19_782} & {row["birth_date"] for row in citizens}  # 1960-02-29 and 2024-02-29
    assert any(row["guardian"] == "nobody" for row in citizens) and any(row["guardian"] is None for row in citizens)
    known = [town.items.get("citizen.incomes") for town in towns]
    assert None in known and any(found is not None and len(found) < 8 for found in known)


@pytest.mark.parametrize(
    ("name", "wrong"), [("<=", operator.lt), (">", operator.ge), ("!=", operator.eq)], ids=["<=", ">", "!="]
)
def test_a_fault_in_one_engine_is_found_and_shrunk_to_a_file_that_shows_it(monkeypatch, tmp_path, name, wrong) -> None:
    monkeypatch.setattr(cases, "CORPUS", tmp_path)
    monkeypatch.setitem(OPERATORS, name, wrong)
    engines = {"interpreter": by_interpreter, "columns": by_columns}

    with pytest.raises(AssertionError, match="columns for"):
        for seed in range(100):
            require_agreement(draw_case(Random(seed)), engines)
    (path,) = tmp_path.glob("found-*.json")
    found: Case = read_case(path)
    assert len(found.policies) == 1
    assert sum(len(rows) for rows in found.town.subjects.values()) <= 3
    assert problems(found, engines)
    monkeypatch.undo()
    assert not problems(found, engines)
