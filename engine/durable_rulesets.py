"""Questions as rulesets of durable-rules, within what that package was measured to decide soundly.

Every rule has one pattern: the guard `kind` and a flat list of comparisons of attributes with constants. No
negation, no second pattern, no arithmetic. A ruleset has at most 60 rules and 400 comparisons, and a canary: a rule
of lowest priority that every fact must fire exactly once, so that lost answers are noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.durable_conditions import Conjunction, Test
from engine.durable_lowering import DurablePolicy
from engine.durable_terms import TermBook, attribute_hashes
from policies.errors import DurableError

MOST_RULES = 60  # canary included
MOST_COMPARISONS = 400
CANARY = "canary"
KIND = "case"
_GUARD = {"kind": KIND}
_LOWEST_PRIORITY = 1_000

Definition = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One alternative of one question: the name it fires under, and its definition."""

    name: str
    policy: str
    question: str
    comparisons: int
    definition: Definition
    terms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Rules that are decided together. `terms` are the terms of each policy in it."""

    rules: tuple[Rule, ...]
    terms: dict[str, tuple[int, ...]]

    def definition(self) -> Definition:
        """Return a fresh definition (durable-rules alters what it is given), without `run`."""
        found: Definition = {rule.name: rule.definition for rule in self.rules}
        found[CANARY] = {"all": [{"m": dict(_GUARD)}], "pri": _LOWEST_PRIORITY}
        return found


def rulesets_of(policies: Iterable[DurablePolicy]) -> list[Ruleset]:
    """Return the rulesets of some policies (which share one book of terms), in order.

    Raises DurableError `attribute-names-collide` if durable-rules could not tell two attributes apart.
    """
    found: list[list[Rule]] = []
    book: TermBook | None = None
    for policy in policies:
        book = policy.book
        rules = rules_of(policy)
        # A policy that fits into one ruleset is not torn apart: fewer rulesets are asked for fewer policies.
        if found and _fits(found[-1], rules):
            found[-1] += rules
            continue
        found.append([])
        for rule in rules:
            if not _fits(found[-1], [rule]):
                found.append([])
            found[-1].append(rule)
    if book is not None:
        _check_hashes([term.name for term in book.terms])
    return [_ruleset(rules) for rules in found if rules]


def rules_of(policy: DurablePolicy) -> list[Rule]:
    """Return the rules of one policy; the name is unique among all policies."""
    found = []
    for question in policy.questions:
        for number, alternative in enumerate(question.alternatives, start=1):
            name = f"{policy.id} {question.name} {number}"
            found.append(_rule(name, policy, question.name, alternative))
    return found


def _rule(name: str, policy: DurablePolicy, question: str, alternative: Conjunction) -> Rule:
    tests = sorted(alternative, key=lambda test: (len(test.values) > 1, test.term, test.operator, str(test.values)))
    conditions: list[Definition] = [dict(_GUARD)]
    for test in tests:
        conditions += comparisons(test, policy.book.terms[test.term].name)
    weight = 1 + sum(len(test.values) for test in tests)
    pattern = {"$and": conditions} if len(conditions) > 1 else conditions[0]
    return Rule(
        name, policy.id, question, weight, {"all": [{"m": pattern}]}, tuple(sorted({test.term for test in tests}))
    )


def comparisons(test: Test, name: str) -> list[Definition]:
    """Return one test as durable-rules writes it; several entries all have to hold."""
    if test.operator == "in":
        if len(test.values) == 1:
            return [{name: test.values[0]}]
        return [{"$or": [{name: value} for value in test.values]}]
    if test.operator == "not-in":
        return [{"$neq": {name: value}} for value in test.values]
    operator = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}[test.operator]
    return [{operator: {name: test.values[0]}}]


def _fits(rules: Sequence[Rule], more: Sequence[Rule]) -> bool:
    comparisons_ = sum(rule.comparisons for rule in rules) + sum(rule.comparisons for rule in more) + 1
    if len(rules) + len(more) + 1 > MOST_RULES:
        return False
    # A single rule with a long list may exceed the sum; it then has a ruleset to itself.
    return comparisons_ <= MOST_COMPARISONS or (not rules and len(more) == 1)


def _ruleset(rules: Sequence[Rule]) -> Ruleset:
    terms: dict[str, set[int]] = {}
    for rule in rules:
        terms.setdefault(rule.policy, set()).update(rule.terms)
    return Ruleset(tuple(rules), {policy: tuple(sorted(numbers)) for policy, numbers in terms.items()})


def _check_hashes(names: Sequence[str]) -> None:
    seen: dict[tuple[int, int], str] = {}
    for name in (*names, "id", "sid", "kind"):
        for which, number in enumerate(attribute_hashes(name)):
            other = seen.setdefault((which, number), name)
            if other != name:
                raise DurableError.of(
                    "attribute-names-collide",
                    f"durable-rules 分不清 `{other}` 与 `{name}`",
                    f"durable-rules cannot tell `{other}` from `{name}`",
                    help_zh="给其中一个换个名字",
                    help_en="rename one of them",
                )
