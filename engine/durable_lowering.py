"""A fixed policy as questions to durable-rules.

Every policy asks whether it is known to hold (`yes`) and whether it is known not to hold (`no`); neither means
undetermined. A policy by units also asks whether `unit_where` leaves the unit out, and a benefit with tiers asks
of each tier whether it applies and whether it fails. Amounts are terms: the interpreter's value functions compute
that of the tier which the rules have chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.durable_conditions import (
    ALWAYS,
    NEVER,
    Conjunction,
    Formula,
    conjunctions,
    expression_fires_when,
    fires_when,
    not_expressible,
)
from engine.durable_terms import Term, TermBook
from engine.policy_inputs import whole_condition
from policies.errors import Diagnostic, DurableError
from policies.policy import FixedPolicy
from policies.text import Bilingual
from policies.vocabulary import Vocabulary

YES, NO, LEFT_OUT = "yes", "no", "left out"


def applies(tier: int) -> str:
    """Return the question whether a tier is known to apply."""
    return f"tier {tier} applies"


def fails(tier: int) -> str:
    """Return the question whether a tier is known not to apply."""
    return f"tier {tier} fails"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; it is answered yes if one of the conjunctions holds, each of them one rule."""

    name: str
    alternatives: tuple[Conjunction, ...]


@dataclass(frozen=True, slots=True)
class DurablePolicy:
    """A policy as durable-rules gets it. `terms` are the numbers, in `book`, of what its questions read."""

    fixed: FixedPolicy
    questions: tuple[Question, ...]
    terms: tuple[int, ...]
    book: TermBook

    @property
    def id(self) -> str:
        """The policy's id."""
        return self.fixed.policy.id

    def described_terms(self) -> list[Term]:
        """Return its terms in the order in which its questions first read them."""
        return [self.book.terms[number] for number in self.terms]


def lower(fixed: FixedPolicy, vocabulary: Vocabulary, book: TermBook | None = None) -> DurablePolicy:
    """Return the questions of a policy.

    Args:
        fixed: the policy, settled for one reference date.
        vocabulary: the names it was checked against (kept for a signature like that of the other compilers).
        book: where its terms are entered; policies of one engine share theirs. Default: a book of its own.

    Raises:
        DurableError: `not-expressible`, naming the construct that durable-rules could only approximate.
    """
    entered = TermBook() if book is None else book
    questions: list[Question] = []

    def ask(name: str, formula: Callable[[], Formula], what: str) -> None:
        questions.append(Question(name, conjunctions(formula(), what)))

    try:
        condition = whole_condition(fixed)
        ask(YES, lambda: fires_when(condition, True, entered), "eligibility")
        ask(NO, lambda: fires_when(condition, False, entered), "not eligibility")
        if fixed.unit_where is not None:
            where = fixed.unit_where
            ask(LEFT_OUT, lambda: expression_fires_when(where, False, entered), "not unit_where")
        for number, tier in enumerate(fixed.tiers):
            when = tier.when
            if when is None:
                ask(applies(number), lambda: ALWAYS, "tier")
                ask(fails(number), lambda: NEVER, "tier")
                continue
            for wanted, name in ((True, applies(number)), (False, fails(number))):
                ask(name, lambda when=when, wanted=wanted: expression_fires_when(when, wanted, entered), name)  # type: ignore[misc]
    except DurableError as error:
        raise _of_policy(fixed, error) from None
    except RecursionError:
        raise _of_policy(fixed, _too_deep()) from None
    if fixed.tiers and fixed.tiers[-1].when is not None:
        raise _of_policy(fixed, _open_tiers())
    read = {test.term for question in questions for one in question.alternatives for test in one}
    return DurablePolicy(fixed, tuple(questions), tuple(sorted(read)), entered)


def _too_deep() -> DurableError:
    return not_expressible("嵌套这样深的条件", "conditions that nest this deeply", "减少嵌套", "nest less")


def _open_tiers() -> DurableError:
    return not_expressible(
        "最后一档仍带条件的分档", "tiers of which the last has a condition", "给出没有 when 的最后一档", "end with a tier without `when`"
    )  # fmt: skip


def _of_policy(fixed: FixedPolicy, error: DurableError) -> DurableError:
    """Say which policy is meant, and where it is written."""
    found = error.diagnostics[0]
    name = fixed.policy.id
    message = Bilingual(f"政策 `{name}`：{found.message.zh}", f"policy `{name}`: {found.message.en}")
    return DurableError(Diagnostic(found.code, message, found.help, fixed.eligibility.place))
