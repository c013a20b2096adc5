"""The worked examples of a policy, decided once more with everything that was looked at on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.decision import Decision, Facts, TraceStep
from engine.interpreter import decide, units_unknown
from policies.errors import PolicyError
from policies.examples import facts_from_example
from policies.fixing import fix
from policies.policy import Example, FixedPolicy, Policy
from policies.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class DecidedExample:
    """One example (one unit of it): the settled policy, the facts by depth, and the decision with its trace.

    `facts` is empty where the units of the subject are not known.
    """

    example: Example
    unit: str
    fixed: FixedPolicy
    facts: tuple[Facts, ...]
    decision: Decision

    @property
    def name(self) -> str:
        """The name under which `policies.examples` reports it."""
        return f"{self.example.name} [{self.unit}]" if self.unit else self.example.name


def decided_examples(policy: Policy, vocabulary: Vocabulary) -> Iterator[DecidedExample]:
    """Yield every example that is in force on its day and can be decided, unit by unit."""
    for example in policy.examples:
        yield from decided_example(policy, vocabulary, example)


def decided_example(policy: Policy, vocabulary: Vocabulary, example: Example) -> Iterator[DecidedExample]:
    """Yield one example, unit by unit; nothing if its day lies outside the days of force, or it cannot be decided."""
    start, end = policy.in_force
    if not start <= example.on or (end is not None and end < example.on):
        return
    try:
        fixed = fix(policy, vocabulary, example.on, given=example.given)
        subject = facts_from_example(policy, vocabulary, example.profile)
        if policy.for_each is None:
            yield DecidedExample(example, "", fixed, (subject,), decide(fixed, subject))
            return
        units = subject.items((policy.for_each,))
        if units is None:
            yield DecidedExample(example, "", fixed, (), units_unknown(fixed))
            return
        for unit in units:
            yield DecidedExample(example, unit.id, fixed, (subject, unit), decide(fixed, subject, unit))
    except PolicyError:
        return  # the example fails, and is told as failing


def leaf_steps(trace: TraceStep) -> Iterator[TraceStep]:
    """Yield the leaves of a trace from top to bottom."""
    if trace.condition.kind == "leaf":
        yield trace
    for child in trace.children:
        yield from leaf_steps(child)


def decides(trace: TraceStep, leaf: TraceStep) -> bool:
    """Return whether the whole answer hangs on this leaf: with the opposite of what it said it would be another."""
    if leaf.result is None:
        return False
    return _result(trace, leaf, leaf.result) is not _result(trace, leaf, not leaf.result)


def _result(step: TraceStep, leaf: TraceStep, value: bool) -> bool | None:
    if step is leaf:
        return value
    if step.condition.kind == "leaf":
        return step.result
    results = [_result(child, leaf, value) for child in step.children]
    decisive = step.condition.kind != "all"
    found: bool | None
    if any(one is decisive for one in results):
        found = decisive
    else:
        found = None if any(one is None for one in results) else not decisive
    return not found if step.condition.kind == "none" and found is not None else found
