"""Which sets of facts would settle an undetermined decision, and nothing less than them.

Three questions, each answered by all of its smallest sets:

- *yes*: once these facts are known, the answer can be a yes, although everything else stays as unknown as it is;
- *no*: once these facts are known, the answer can be a no;
- *surely*: once these facts are known, the answer is a yes or a no, whatever they turn out to be.

"Smallest" is meant of sets: no fact can be left out of one. "Can" is meant of values that the catalog allows;
values are tried against each other, so that `x < 3 and x > 5` is no way to a yes. `Decision.settled_by` is the
quick relative of *yes*: it looks at the conditions one by one and names one set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from engine.decision import Facts
from engine.evidence_facts import EvidenceFacts
from engine.interpreter_values import Log, Surroundings, evaluate, surroundings
from engine.policy_inputs import deciding_expressions, inputs_of
from engine.possible_values import NO, UNKNOWN, YES
from engine.searching import OutOfWork, Question, input_values, question_of
from policies.policy import FixedPolicy
from policies.tree import And, Lookup, Named, Node, Not, Or, PrefixLookup
from policies.types import Value
from policies.vocabulary import Vocabulary

Towards = Literal["yes", "no", "surely"]
FactSet = tuple[str, ...]

MOST_SETS = 12
WORK = 20_000


@dataclass(frozen=True, slots=True)
class Settling:
    """The smallest sets of facts, each sorted by name, smaller sets first, equal sizes by name.

    All empty if the decision is not undetermined. `more` is True if there may be further sets that were not
    looked for: the limit on their number or on the work was reached. What is listed is right all the same.
    """

    yes: tuple[FactSet, ...] = ()
    no: tuple[FactSet, ...] = ()
    surely: tuple[FactSet, ...] = ()
    more: bool = False


def settling_sets(
    fixed: FixedPolicy,
    facts: Facts,
    vocabulary: Vocabulary,
    unit: Facts | None = None,
    *,
    towards: Towards = "yes",
    limit: int = MOST_SETS,
) -> tuple[FactSet, ...]:
    """Return the smallest sets of facts that would settle the decision, see the head of this file.

    Args:
        fixed: the policy, settled for the reference date.
        facts: the subject.
        vocabulary: says which values there are.
        unit: the unit of a `for_each` policy.
        towards: which of the three questions.
        limit: at most so many sets.
    """
    found = settling(fixed, input_values(fixed, facts, unit), vocabulary, limit=limit, towards=(towards,))
    return {"yes": found.yes, "no": found.no, "surely": found.surely}[towards]


def settling(
    fixed: FixedPolicy,
    inputs: Mapping[str, Value],
    vocabulary: Vocabulary,
    *,
    limit: int = MOST_SETS,
    towards: Sequence[Towards] = ("yes", "no", "surely"),
    work: int = WORK,
) -> Settling:
    """Return the smallest settling sets of a decision with these inputs (`engine.searching.input_values`).

    Args:
        fixed: the policy, settled for the reference date.
        inputs: every input by name; a `for_each` policy whose units are unknown has only its collection.
        vocabulary: says which values there are.
        limit: at most so many sets for each question.
        towards: the questions to answer.
        work: how many ranges may be looked at for each question.
    """
    collection = fixed.policy.for_each
    if collection is not None and collection in inputs and inputs[collection] is None:
        return Settling(yes=((collection,),), no=((collection,),))
    question = question_of(fixed, inputs, vocabulary, work)
    try:
        if question.answer({}) != UNKNOWN:
            return Settling()
    except OutOfWork:
        return Settling(more=True)
    unknown = [one.name for one in question.data if question.now[one.name] is None]
    changing = sorted({*unknown, *_to_be_changed(fixed, inputs)})
    found: dict[Towards, tuple[FactSet, ...]] = {}
    more = False
    for one in towards:
        asked = question_of(fixed, inputs, vocabulary, work)
        names = sorted(unknown) if one == "surely" else changing
        found[one], cut = _smallest_sets(names, _test(asked, one), limit)
        more = more or cut
    return Settling(found.get("yes", ()), found.get("no", ()), found.get("surely", ()), more)


def _test(question: Question, towards: Towards) -> Callable[[FactSet], bool]:
    if towards == "surely":
        return lambda names: question.witness(question.free(names), UNKNOWN) is None
    wanted = YES if towards == "yes" else NO
    return lambda names: question.witness(question.free(names), wanted) is not None


def _smallest_sets(
    names: Sequence[str], enough: Callable[[FactSet], bool], limit: int
) -> tuple[tuple[FactSet, ...], bool]:
    """Return the minimal sets that are `enough`, and whether some may be missing.

    What is enough stays enough with one more fact: larger sets need no look once a smaller one was found.
    """
    found: list[FactSet] = []
    try:
        if not enough(tuple(names)):
            return (), False
        for size in range(1, len(names) + 1):
            for candidate in combinations(names, size):
                if any(set(one) <= set(candidate) for one in found) or not enough(candidate):
                    continue
                if len(found) == limit:
                    return tuple(found), True
                found.append(candidate)
    except OutOfWork:
        return tuple(found), True
    return tuple(found), False


def _to_be_changed(fixed: FixedPolicy, inputs: Mapping[str, Value]) -> frozenset[str]:
    """Return known inputs that leave a part without a value, such as a divisor of zero: they would have to change."""
    subject = EvidenceFacts(inputs, "subject." if fixed.policy.for_each is not None else "")
    facts: tuple[Facts, ...] = (subject,) if fixed.policy.for_each is None else (subject, EvidenceFacts(inputs))
    at = surroundings(facts, inputs_of(fixed), Log())
    missing: frozenset[str] = frozenset().union(*(_missing(root, at) for root in deciding_expressions(fixed)))
    return frozenset(name for name in missing if inputs.get(name) is not None)


def _missing(node: Node, at: Surroundings) -> frozenset[str]:
    if isinstance(node, Not) or (isinstance(node, Named) and not isinstance(node.child, Lookup | PrefixLookup)):
        return _missing(node.child, at)
    if isinstance(node, And | Or):
        return frozenset().union(*(_missing(child, at) for child in node.children))
    return evaluate(node, at).missing
