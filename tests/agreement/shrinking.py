"""Making a case small while it still fails: fewer policies, fewer people, less data, shorter expressions."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from io import StringIO

from ruamel.yaml import YAML

from policies.errors import PolicyError
from policies.overlays import joined, parted
from tests.agreement.cases import Case, Engine, checked, problems
from tests.agreement.towns import Town

Fails = Callable[[Case], bool]


def shrunk(case: Case, fails: Fails, attempts: int = 400) -> Case:
    """Return a smaller case that fails as well; `fails` is asked at most `attempts` times."""
    left = attempts
    progress = True
    while progress and left > 0:
        progress = False
        for smaller in _smaller(case):
            if left <= 0:
                break
            if not _is_sound(smaller):
                continue
            left -= 1
            if fails(smaller):
                case, progress = smaller, True
                break
    return case


def _is_sound(case: Case) -> bool:
    try:
        return all(checked(text) for text in case.policies)
    except PolicyError:
        return False


def _smaller(case: Case) -> Iterator[Case]:
    """Yield smaller cases, the greatest leaps first."""
    if len(case.policies) > 1:
        yield from (replace(case, policies=(text,)) for text in case.policies)
    for town in _smaller_towns(case.town):
        yield replace(case, town=town)
    for number, text in enumerate(case.policies):
        for shorter in _shorter_texts(text):
            yield replace(case, policies=(*case.policies[:number], shorter, *case.policies[number + 1 :]))
    for town in _emptier_towns(case.town):
        yield replace(case, town=town)


def _smaller_towns(town: Town) -> Iterator[Town]:
    for space, rows in town.subjects.items():
        for kept in ({}, *({one: row for one, row in rows.items() if one != gone} for gone in rows)):
            if kept != rows:
                yield Town({**town.subjects, space: kept}, town.items)
    for place, owners in town.items.items():
        if any(owners.values()):
            yield Town(town.subjects, {**town.items, place: {}})
        for owner, listed in owners.items():
            for number in range(len(listed)):
                fewer = listed[:number] + listed[number + 1 :]
                yield Town(town.subjects, {**town.items, place: {**owners, owner: fewer}})


def _emptier_towns(town: Town) -> Iterator[Town]:
    for space, rows in town.subjects.items():
        for one, row in rows.items():
            for name, value in row.items():
                if value is not None:
                    yield Town({**town.subjects, space: {**rows, one: {**row, name: None}}}, town.items)


def _shorter_texts(text: str) -> Iterator[str]:
    rule, overlays = parted(text)
    for number in range(len(overlays)):
        yield joined(rule, overlays[:number] + overlays[number + 1 :])
    lines = text.splitlines()
    for number, line in enumerate(lines):
        key, _, rest = line.partition(": ")
        if key in ("order_of_need", "claims", "unit_where"):
            yield "\n".join(lines[:number] + lines[number + 1 :]) + "\n"
        if key.startswith(("  parameter_", "  defined_")) and text.count(key.strip()) == 1:
            without = lines[:number] + lines[number + 1 :]
            yield "\n".join(_without_empty_sections(without)) + "\n"
        if key in ("eligibility", "benefit", "unit_where"):
            structure = YAML(typ="safe").load(StringIO(rest))
            for shorter in _shorter_structures(structure, key):
                written = json.dumps(shorter, ensure_ascii=False)
                yield "\n".join([*lines[:number], f"{key}: {written}", *lines[number + 1 :]]) + "\n"


def _without_empty_sections(lines: list[str]) -> list[str]:
    return [
        line
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if line not in ("parameters:", "definitions:") or following.startswith("  ")
    ]


def _shorter_structures(structure: object, key: str) -> Iterator[object]:
    if isinstance(structure, str):
        yield from _shorter_expressions(structure)
    elif isinstance(structure, list):
        for number, part in enumerate(structure):
            if len(structure) > 1:
                yield structure[:number] + structure[number + 1 :]
            for shorter in _shorter_structures(part, key):
                yield [*structure[:number], shorter, *structure[number + 1 :]]
    elif isinstance(structure, dict):
        if key == "eligibility":
            for parts in structure.values():
                yield from parts if isinstance(parts, list) else ()
            if "when" in structure:
                yield structure["when"]
        for name in ("instalments", "rounding", "cap", "floor"):
            if key == "benefit" and name in structure:
                yield {one: part for one, part in structure.items() if one != name}
        if "tiers" in structure:
            rest = {one: part for one, part in structure.items() if one != "tiers"}
            yield from ({**rest, "amount": tier["amount"]} for tier in structure["tiers"])
        for name, part in structure.items():
            if name not in ("says", "basis", "kind", "rounding"):
                yield from ({**structure, name: shorter} for shorter in _shorter_structures(part, key))


def _shorter_expressions(text: str) -> Iterator[str]:
    """Yield the expression with one part replaced by a part of that part, or by `true` or `1`."""
    try:
        whole = ast.parse(text, mode="eval")
    except SyntaxError:
        return
    places = [node for node in ast.walk(whole) if isinstance(node, ast.expr) and not isinstance(node, ast.Constant)]
    for number, node in enumerate(places):
        inner = [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)]
        if isinstance(node, ast.Attribute | ast.Name):
            continue
        if isinstance(node, ast.Call):
            inner = inner[1:]
        literals: list[ast.expr] = [ast.Name("true"), ast.Constant(1)]
        for other in (*inner, *literals):
            yield ast.unparse(_replaced(whole, number, other))


def _replaced(whole: ast.Expression, number: int, other: ast.expr) -> ast.Expression:
    copied = deepcopy(whole)
    target = [one for one in ast.walk(copied) if isinstance(one, ast.expr) and not isinstance(one, ast.Constant)][
        number
    ]

    class Replace(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return deepcopy(other) if node is target else self.generic_visit(node)

    return Replace().visit(copied)


def require_agreement(case: Case, engines: dict[str, Engine]) -> None:
    """Fail if the engines do not agree, or if one of them fails, after keeping the smallest case that shows it."""
    if not problems(case, engines):
        return
    smallest = shrunk(case, lambda one: bool(problems(one, engines)))
    found = problems(smallest, engines)
    path = smallest.keep(found[0])
    raise AssertionError(f"kept in {path.name}: " + "; ".join(found[:3]))
