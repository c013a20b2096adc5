"""One subject, the policies that an event concerns, two engines: what they agree on goes further."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from engine.ceiling_readings import ceilings_read
from engine.decision import Decision, Facts, Outcome
from engine.events.answer import NotDecided, Unclear
from engine.events.plain_grants import Candidate
from engine.interpreter import claim_key_and_need, decide_units
from engine.interpreter_values import Log, evaluate, surroundings
from engine.policy_inputs import inputs_of
from policies.errors import Diagnostic, MianshenError, PolicyError
from policies.policy import FixedPolicy
from policies.text import Bilingual
from policies.types import Date, Value, from_day_number
from policies.vocabulary import Vocabulary


class Verdict(Protocol):
    """What an engine answers for one unit."""

    @property
    def outcome(self) -> Outcome:
        """Eligible, ineligible or undetermined."""

    @property
    def amount(self) -> int | None:
        """Fen; None unless eligible with an amount."""


class EventEngine(Protocol):
    """The engine of events (`engine.durable_process.DurableEngine`), alive for one day's policies."""

    @property
    def refused(self) -> Mapping[str, Diagnostic]:
        """The policies it cannot express, and why."""

    def decide(
        self, subject: Facts, policies: Collection[str], *, settling: bool
    ) -> Sequence[tuple[str, str, Verdict]]:
        """Return policy, unit and verdict for every unit; `settling`: with what would settle the undetermined.

        Raises:
            PolicyError: one of the policies cannot be computed for this subject.
            DurableError: the engine's process cannot be kept running.
        """

    def close(self) -> None:
        """End the process."""


@dataclass(slots=True)
class SubjectDecisions:
    """What was decided for one subject. `outcomes` maps (policy, unit) to the outcome both engines gave.

    `differing` maps the policies on which they differ to the units concerned.
    """

    space: str
    subject: str
    facts: Facts
    rows: list[Candidate] = field(default_factory=list)
    outcomes: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    units_known: set[str] = field(default_factory=set)
    unclear: list[Unclear] = field(default_factory=list)
    not_decided: list[NotDecided] = field(default_factory=list)
    interpreted: set[str] = field(default_factory=set)
    differing: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def policies(self) -> set[str]:
        """The policies on which the engines agree."""
        return {policy for policy, _ in self.outcomes} | self.units_known


def decide_subject(
    engine: EventEngine,
    fixed: Mapping[str, FixedPolicy],
    vocabulary: Vocabulary,
    space: str,
    subject: str,
    facts: Facts,
) -> SubjectDecisions:
    """Decide `fixed` for one subject with both engines.

    A policy that fails, or on which they differ, has no rows and stands in `not_decided`. Raises what the
    engine raises if its process does not recover: the event then stays unanswered.
    """
    found = SubjectDecisions(space, subject, facts)
    firing = [name for name in fixed if name not in engine.refused]
    fired, failed = _fired(engine, facts, firing)
    found.interpreted = set(fixed) - set(firing)
    for name, policy in fixed.items():
        try:
            if name in failed:
                raise failed[name]
            pairs = decide_units(policy, facts)
            units = _differing(fired[name], pairs) if name in fired else ()
            if units:
                found.differing[name] = units
                found.not_decided.append(_differ(name))
                continue
            rows = _rows(policy, vocabulary, subject, facts, pairs)
        except MianshenError as problem:
            found.not_decided.append(NotDecided(name, "failed", problem.diagnostics[0].message))
            continue
        _note(found, name, policy, facts, pairs)
        found.rows += rows
    return found


def _fired(
    engine: EventEngine, facts: Facts, names: Sequence[str]
) -> tuple[dict[str, dict[str, Verdict]], dict[str, PolicyError]]:
    """Ask the engine; a policy that it cannot compute must not take the others with it."""
    fired: dict[str, dict[str, Verdict]] = {name: {} for name in names}
    failed: dict[str, PolicyError] = {}
    try:
        answers = engine.decide(facts, names, settling=False) if names else []
    except PolicyError:
        answers = []
        for name in names:
            try:
                answers = [*answers, *engine.decide(facts, [name], settling=False)]
            except PolicyError as problem:
                failed[name] = problem
    for name, unit, verdict in answers:
        fired[name][unit] = verdict
    return fired, failed


def _note(
    found: SubjectDecisions, name: str, policy: FixedPolicy, facts: Facts, pairs: Sequence[tuple[str, Decision]]
) -> None:
    for_each = policy.policy.for_each
    if for_each is None or facts.items((for_each,)) is not None:
        found.units_known.add(name)
    for unit, decision in pairs:
        found.outcomes[name, unit] = decision.outcome
        if decision.outcome is Outcome.UNDETERMINED:
            found.unclear.append(Unclear(name, found.subject, unit, decision.settled_by))


def _differing(fired: Mapping[str, Verdict], pairs: Sequence[tuple[str, Decision]]) -> tuple[str, ...]:
    """Return the units on which the engines differ."""
    mine = {unit: (decision.outcome, decision.amount) for unit, decision in pairs}
    theirs = {unit: (verdict.outcome, verdict.amount) for unit, verdict in fired.items()}
    return tuple(unit for unit in sorted(mine.keys() | theirs.keys()) if mine.get(unit) != theirs.get(unit))


def _differ(name: str) -> NotDecided:
    reason = Bilingual(
        "两个引擎的判定不一致，已保留案例待人工核查",
        "the engines do not agree; the case was kept for a person",
    )
    return NotDecided(name, "engines-differ", reason)


def _rows(
    policy: FixedPolicy,
    vocabulary: Vocabulary,
    subject: str,
    facts: Facts,
    pairs: Sequence[tuple[str, Decision]],
) -> list[Candidate]:
    eligible = [(unit, decision) for unit, decision in pairs if decision.outcome is Outcome.ELIGIBLE]
    if not eligible:
        return []
    name = policy.policy.for_each
    items = {} if name is None else {str(getattr(one, "id", "")): one for one in facts.items((name,)) or ()}
    rows = []
    for unit, decision in eligible:
        item = items.get(unit)
        key, need = claim_key_and_need(policy, facts, item)
        payee = _payee(policy, vocabulary, facts, item)
        to = None if payee is None else str(payee)
        read, shown = ceilings_read(policy, facts, item), evidence_of(policy, facts, item)
        rows.append(Candidate(policy.policy.id, subject, unit, decision.amount, to, key, need, read, shown))
    return rows


def _payee(policy: FixedPolicy, vocabulary: Vocabulary, facts: Facts, item: Facts | None) -> Value:
    """Return whom the payee's path leads to: through a link of the unit if it has it, else of the subject."""
    path = policy.policy.payee
    if not path:
        return None
    if item is not None:
        declared = vocabulary.spaces[policy.policy.space].collections.get(str(policy.policy.for_each))
        if declared is not None and path[0] in declared.links:
            return item.value(path)
    return facts.value(path)


def evidence_of(policy: FixedPolicy, facts: Facts, item: Facts | None) -> str:
    """Return the JSON object of every input of a policy, as a batch writes it: dates in ISO form."""
    at = surroundings((facts,) if item is None else (facts, item), inputs_of(policy), Log())
    values = {}
    for one in inputs_of(policy):
        value = evaluate(one.node, at).value
        if isinstance(one.type, Date) and value is not None:
            value = from_day_number(int(value)).isoformat()
        values[one.name] = value
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
