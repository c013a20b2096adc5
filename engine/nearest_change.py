"""What would have to be different for a no to be a yes: as few data as possible, each changed as little as possible.

The search is over the policy's inputs: a stored datum, or a whole aggregate (a count, a sum) as one number.
Whatever is answered has been decided again by the reference with the changed inputs, and is a yes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from engine.decision import Decision, Facts, Outcome, TraceStep, ValueUsed
from engine.evidence_facts import decide_again
from engine.policy_inputs import attribute_name, expressions, inputs_of
from engine.possible_values import YES, Choice, Possible, Span, of_value
from engine.searching import Box, OutOfWork, Question, input_values, question_of
from policies.codes import trimmed
from policies.policy import Condition, FixedPolicy, Policy
from policies.tree import And, Attribute, Named, Node, Not, Or, Reference, walk
from policies.types import Code, Date, Type, Value
from policies.vocabulary import Vocabulary

# Who can bring a change about: somebody (the person, an agency, a firm), the calendar alone, or nobody.
By = Literal["somebody", "time", "nobody"]

MOST_CHANGES = 5
LARGEST_SET_SEARCHED = 3  # larger sets are found by leaving out what is not needed, and may not be the smallest
WORK = 20_000
# What nobody can be asked to change, beside dates that have passed.
_UNCHANGING_CODES = ("sex",)
_PAST_GRANTS = re.compile(r"[a-z]+\((subject\.)?grants\b")  # the name of an aggregate over past grants
_UNCHANGING_DATA = ("alive",)


@dataclass(frozen=True, slots=True)
class Change:
    """One datum: what it is now (None: unknown), and the nearest value that would do, with the other changes.

    For numbers and dates `low` and `high` bound the values around `needed` that would do (None: no bound that
    the catalog does not set anyway). For codes, texts and truths `choices` are the values that would do; of
    codes that the policy does not tell apart there are one or two. `within` are those of a hierarchical code set
    with everything below them: all of it would do, and is left out of `choices`.
    """

    name: str
    type: Type
    now: Value
    needed: Value
    low: int | None = None
    high: int | None = None
    choices: tuple[Value, ...] = ()
    within: tuple[str, ...] = ()
    by: By = "somebody"


@dataclass(frozen=True, slots=True)
class ConditionShort:
    """A condition whose answer has to change: what it looked at, and what it would look at with the changes."""

    condition: Condition
    now: tuple[ValueUsed, ...]
    needed: tuple[ValueUsed, ...]


@dataclass(frozen=True, slots=True)
class NearestChange:
    """A smallest set of changes that makes the no a yes.

    `conditions` are those that fall short; `decision` is what would then be decided, amount included (in fen).
    `smallest` is False if a set of fewer data may exist: the search was cut short.
    """

    changes: tuple[Change, ...]
    conditions: tuple[ConditionShort, ...]
    decision: Decision
    smallest: bool = True


def nearest_change(
    fixed: FixedPolicy, facts: Facts, vocabulary: Vocabulary, unit: Facts | None = None
) -> NearestChange | None:
    """Return the nearest change that would make a no a yes; None if the decision is no no, or nothing can.

    Args:
        fixed: the policy, settled for the reference date.
        facts: the subject.
        vocabulary: says which values there are.
        unit: the unit of a `for_each` policy.
    """
    found = nearest_changes(fixed, input_values(fixed, facts, unit), vocabulary, limit=1)
    return found[0] if found else None


def nearest_changes(
    fixed: FixedPolicy,
    inputs: Mapping[str, Value],
    vocabulary: Vocabulary,
    *,
    limit: int = MOST_CHANGES,
    work: int = WORK,
) -> tuple[NearestChange, ...]:
    """Return the ways from a no to a yes that change the fewest data, those first that somebody can bring about.

    Args:
        fixed: the policy, settled for the reference date.
        inputs: every input by name (`engine.searching.input_values`).
        vocabulary: says which values there are.
        limit: at most so many ways.
        work: how many ranges may be looked at.
    """
    name = fixed.policy.for_each
    if name is not None and name in inputs and inputs[name] is None:
        return ()
    before = decide_again(fixed, inputs)
    if before.outcome is not Outcome.INELIGIBLE:
        return ()
    question = question_of(fixed, inputs, vocabulary, work)
    names = [one.name for one in inputs_of(fixed)]
    found: list[NearestChange] = []
    try:
        sets, smallest = _smallest_sets(question, names)
        for chosen in sets:
            found += _changes(question, inputs, chosen, before, smallest, vocabulary)
    except OutOfWork:
        pass  # what was found until then is right
    return tuple(sorted(found, key=_order)[:limit])


def _order(one: NearestChange) -> tuple[object, ...]:
    rank = {"somebody": 0, "time": 1, "nobody": 2}
    return max(rank[change.by] for change in one.changes), len(one.conditions), [change.name for change in one.changes]


def _smallest_sets(question: Question, names: Sequence[str]) -> tuple[list[tuple[str, ...]], bool]:
    """Return the sets of the fewest inputs that can make a yes, and whether none can be smaller."""
    if question.witness(question.free(list(names)), YES) is None:
        return [], True
    for size in range(1, min(len(names), LARGEST_SET_SEARCHED) + 1):
        found = [
            chosen for chosen in combinations(names, size) if question.witness(question.free(chosen), YES) is not None
        ]
        if found:
            return found, True
    kept = list(names)
    for name in names:
        fewer = [one for one in kept if one != name]
        if question.witness(question.free(fewer), YES) is not None:
            kept = fewer
    return [tuple(kept)], False


def _changes(
    question: Question,
    inputs: Mapping[str, Value],
    chosen: tuple[str, ...],
    before: Decision,
    smallest: bool,
    vocabulary: Vocabulary,
) -> Iterator[NearestChange]:
    """Yield the change of these inputs, each as near to its present value as the ones before it allow."""
    box: Box = question.free(chosen)
    needed: dict[str, list[Value]] = {}
    for name in chosen:
        needed[name] = list(question.nearest(box, name, YES))
        if not needed[name]:
            return
        box = {**box, name: of_value(needed[name][0], question.domains[name])}
    values = {name: options[0] for name, options in needed.items()}
    decision = decide_again(question.fixed, {**inputs, **values})
    if decision.outcome is not Outcome.ELIGIBLE:
        return
    kinds = {one.name: one.type for one in question.data}
    short = _short(before.trace, decision.trace)
    changes = tuple(_change(question, box, name, kinds[name], needed[name][0], short, vocabulary) for name in chosen)
    yield NearestChange(changes, short, decision, smallest)


def _change(
    question: Question,
    box: Box,
    name: str,
    kind: Type,
    needed: Value,
    short: Sequence[ConditionShort],
    vocabulary: Vocabulary,
) -> Change:
    """Return one change, with everything that would do while the other changes stay as they are in `box`."""
    now, domain = question.now[name], question.domains[name]
    by = _by(question.fixed, name, kind, now, needed, short)
    if not isinstance(domain, Span):
        others = [one for one in question.nearest({**box, name: domain}, name, YES) if one != needed]
        choices, within = _collapsed((needed, *others), domain, kind, vocabulary)
        return Change(name, kind, now, needed, choices=choices, within=within, by=by)
    assert isinstance(needed, int)
    upwards = not isinstance(now, int) or needed > now
    end = _end_of_run(question, box, name, needed, domain, upwards)
    if upwards:
        low: int | None = needed if isinstance(now, int) or needed > domain.low else None
        return Change(name, kind, now, needed, low, end, by=by)
    return Change(name, kind, now, needed, end, needed, by=by)


def _collapsed(
    choices: tuple[Value, ...], domain: Possible, kind: Type, vocabulary: Vocabulary
) -> tuple[tuple[Value, ...], tuple[str, ...]]:
    """Return the single choices, and the codes below which everything that the policy tells apart would do."""
    code_set = vocabulary.code_sets.get(kind.code_set) if isinstance(kind, Code) else None
    if code_set is None or not code_set.hierarchical or not isinstance(domain, Choice):
        return choices, ()
    within: list[str] = []
    left = set(choices)
    for code in sorted((str(one) for one in choices), key=lambda one: (len(trimmed(one)), one)):
        below = {one for one in domain.values if one.startswith(trimmed(code))}
        if trimmed(code) and len(below) > 1 and below <= set(choices) and code in left:
            within.append(code)
            left -= below
    return tuple(one for one in choices if one in left), tuple(within)


def _end_of_run(question: Question, box: Box, name: str, needed: int, domain: Span, upwards: bool) -> int | None:
    """Return the last value beyond `needed`, away from the present one, up to which all would do; None: all do."""
    beyond = Span(needed, domain.high) if upwards else Span(domain.low, needed)
    others: dict[str, Possible] = {one: possible for one, possible in box.items() if one != name}
    first = question.first({**others, name: beyond}, name, ~YES & 7, backwards=not upwards)
    if first is None:
        return None
    return first - 1 if upwards else first + 1


def _by(fixed: FixedPolicy, name: str, kind: Type, now: Value, needed: Value, short: Sequence[ConditionShort]) -> By:
    last = name.rpartition(".")[2]
    if _PAST_GRANTS.match(name):
        return "nobody"  # what was granted was granted
    if last in _UNCHANGING_DATA or (isinstance(kind, Code) and kind.code_set in _UNCHANGING_CODES):
        return "nobody"
    if not isinstance(kind, Date) or now is None:
        return "somebody"
    assert isinstance(now, int) and isinstance(needed, int)
    if needed >= now or name not in _compared_with_today(fixed.policy):
        return "nobody"
    return "nobody" if _turns_on_a_fixed_day(fixed, name, short) else "time"


def _compared_with_today(policy: Policy) -> frozenset[str]:
    """Return the stored dates that the policy holds against the reference date: they age by themselves."""
    roots = [*expressions(policy.eligibility), *([] if policy.unit_where is None else [policy.unit_where])]
    return frozenset(name for root in roots for name in _aging_dates(root, policy))


def _turns_on_a_fixed_day(fixed: FixedPolicy, name: str, short: Sequence[ConditionShort]) -> bool:
    """Return whether a condition that has to turn reads this date, but not against the reference date.

    A birth date held against the day a scheme began stays on its side of that day, however long one waits.
    """
    turned = [one.condition for one in short]
    # The conditions as written: in those of the trace the reference date has become a number.
    pairs = zip(expressions(fixed.policy.eligibility), _leaves(fixed.eligibility), strict=True)
    return any(
        name in _dates(written, fixed.policy) and name not in _aging_dates(written, fixed.policy)
        for written, settled in pairs
        if settled in turned
    )


def _leaves(condition: Condition) -> Iterator[Condition]:
    if condition.expression is not None:
        yield condition
    for child in condition.children:
        yield from _leaves(child)


def _aging_dates(root: Node, policy: Policy) -> frozenset[str]:
    """Return the stored dates that an expression holds against the reference date."""
    atoms = [atom for atom in _atoms(root) if any(isinstance(node, Reference) for node in walk(atom))]
    return frozenset(name for atom in atoms for name in _dates(atom, policy))


def _dates(root: Node, policy: Policy) -> frozenset[str]:
    return frozenset(
        attribute_name(node, policy.for_each is not None)
        for node in walk(root)
        if isinstance(node, Attribute) and isinstance(node.type, Date)
    )


def _atoms(node: Node) -> Iterator[Node]:
    if isinstance(node, And | Or):
        for child in node.children:
            yield from _atoms(child)
    elif isinstance(node, Not | Named):
        yield from _atoms(node.child)
    else:
        yield node


def _short(before: TraceStep, after: TraceStep) -> tuple[ConditionShort, ...]:
    if not before.children:
        same = before.result is after.result
        return () if same else (ConditionShort(before.condition, before.used, after.used),)
    pairs = zip(before.children, after.children, strict=True)
    return tuple(one for left, right in pairs for one in _short(left, right))
