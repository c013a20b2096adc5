"""The worked cases of a rule file: read as facts, decided by an engine, compared with what is expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from typing import Any, Protocol

from policies.errors import Place, PolicyError
from policies.example_facts import ExampleFacts, read_facts
from policies.fixing import fix
from policies.policy import Example, FixedPolicy, Policy
from policies.text import Bilingual
from policies.vocabulary import Vocabulary

_WORDS = {
    "eligible": Bilingual("符合", "eligible"),
    "ineligible": Bilingual("不符合", "ineligible"),
    "undetermined": Bilingual("无法判定", "undetermined"),
}


class _Decided(Protocol):
    """What an engine answers, as far as examples look at it."""

    @property
    def outcome(self) -> Enum: ...
    @property
    def amount(self) -> int | None: ...
    @property
    def settled_by(self) -> Sequence[str]: ...


class Decide(Protocol):
    """An engine: decides one fixed policy for one subject (and unit)."""

    def __call__(self, fixed: FixedPolicy, subject: Any, unit: Any = None, /) -> _Decided: ...


class AfterCeilings(Protocol):
    """What the ceilings leave (fen by unit) of the amounts of one subject's units."""

    def __call__(self, fixed: FixedPolicy, subject: Any, amounts: Mapping[str, int], /) -> Mapping[str, int]: ...


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """What came of one example (one unit of it, where the policy has units)."""

    name: str
    place: Place
    passed: bool
    expected: Bilingual
    found: Bilingual


@dataclass(frozen=True, slots=True)
class _Answer:
    outcome: str
    amount: int | None = None
    settled_by: tuple[str, ...] | None = None
    left: int | None = None


def facts_from_example(policy: Policy, vocabulary: Vocabulary, profile: Mapping[str, object]) -> ExampleFacts:
    """Return the profile of an example as facts. Raises PolicyError for unknown names and wrong values."""
    return read_facts(profile, policy.space, vocabulary, lambda path: Place(policy.file))


def run_examples(
    policy: Policy, vocabulary: Vocabulary, decide: Decide, ceilings: AfterCeilings | None = None
) -> list[ExampleResult]:
    """Return the result of every example; what cannot be decided has failed, and says why.

    Ceilings belong to allocation, not to deciding: without `ceilings` only the engine is compared, and what an
    example says under `after_ceilings` is left aside.
    """
    return [result for example in policy.examples for result in _run(policy, vocabulary, example, decide, ceilings)]


def _run(
    policy: Policy, vocabulary: Vocabulary, example: Example, decide: Decide, ceilings: AfterCeilings | None
) -> Iterator[ExampleResult]:
    try:
        answers = _answers(policy, vocabulary, example, decide, ceilings)
    except PolicyError as error:
        message = error.diagnostics[0].message
        yield ExampleResult(example.name, example.place, False, _in_words(_whole(example.expect)), message)
        return
    units = example.expect.get("units")
    expectations: list[tuple[str, _Answer]] = []
    if isinstance(units, Mapping):
        expectations = [(str(unit), _whole(expect)) for unit, expect in units.items()]
        yield from _unlisted(example, answers, {unit for unit, _ in expectations})
    elif "eligible" in example.expect:
        expectations = [(unit, _whole(example.expect)) for unit in answers]
    for unit, expected in expectations:
        name = f"{example.name} [{unit}]" if unit else example.name
        found = answers.get(unit)
        if found is None:
            missing = Bilingual("没有这一条", "there is no such unit")
            yield ExampleResult(name, example.place, False, _in_words(expected), missing)
            continue
        yield ExampleResult(name, example.place, _agree(expected, found), _in_words(expected), _in_words(found))


def _unlisted(example: Example, answers: Mapping[str, _Answer], listed: set[str]) -> Iterator[ExampleResult]:
    """A unit that the example does not name must not be granted unnoticed; naming none says that nobody is."""
    expected = Bilingual("其余各条都不符合", "no other unit is eligible")
    granted = [unit for unit, answer in answers.items() if unit not in listed and answer.outcome == "eligible"]
    for unit in granted:
        yield ExampleResult(f"{example.name} [{unit}]", example.place, False, expected, _in_words(answers[unit]))
    if not listed and not granted:
        yield ExampleResult(example.name, example.place, True, expected, expected)


def _answers(
    policy: Policy, vocabulary: Vocabulary, example: Example, decide: Decide, ceilings: AfterCeilings | None
) -> dict[str, _Answer]:
    start, end = policy.in_force
    subject = facts_from_example(policy, vocabulary, example.profile)
    fixed = fix(policy, vocabulary, example.on, given=example.given)
    in_force = start <= example.on and (end is None or example.on <= end)
    if policy.for_each is None:
        alone = {"": _answer(decide(fixed, subject)) if in_force else _Answer("ineligible")}
        return _with_what_is_left(fixed, subject, alone, ceilings)
    units = subject.items((policy.for_each,))
    if units is None:
        return {"": _Answer("undetermined", None, (policy.for_each,))}
    found = {unit.id: _answer(decide(fixed, subject, unit)) if in_force else _Answer("ineligible") for unit in units}
    return _with_what_is_left(fixed, subject, found, ceilings)


def _with_what_is_left(
    fixed: FixedPolicy, subject: ExampleFacts, answers: dict[str, _Answer], ceilings: AfterCeilings | None
) -> dict[str, _Answer]:
    if ceilings is None or not fixed.ceilings:
        return answers
    left = ceilings(fixed, subject, {unit: one.amount for unit, one in answers.items() if one.amount is not None})
    return {unit: replace(one, left=left.get(unit)) for unit, one in answers.items()}


def _answer(decided: _Decided) -> _Answer:
    return _Answer(str(decided.outcome.value), decided.amount, tuple(sorted(decided.settled_by)))


def _whole(expect: Mapping[str, object]) -> _Answer:
    eligible = expect.get("eligible")
    outcome = "eligible" if eligible is True else "ineligible" if eligible is False else "undetermined"
    settled_by = expect.get("settled_by")
    fen, left = _fen(expect.get("amount")), _fen(expect.get("after_ceilings"))
    return _Answer(outcome, fen, tuple(sorted(settled_by)) if isinstance(settled_by, list) else None, left)


def _fen(amount: object) -> int | None:
    return int(Decimal(amount).scaleb(2)) if isinstance(amount, int | Decimal) else None


def _agree(expected: _Answer, found: _Answer) -> bool:
    if expected.outcome != found.outcome:
        return False
    if expected.amount is not None and expected.amount != found.amount:
        return False
    if expected.left is not None and found.left is not None and expected.left != found.left:
        return False
    return expected.settled_by is None or expected.settled_by == found.settled_by


def _in_words(answer: _Answer) -> Bilingual:
    zh, en = _WORDS[answer.outcome].zh, _WORDS[answer.outcome].en
    if answer.amount is not None:
        yuan = f"{Decimal(answer.amount).scaleb(-2):,.2f}"
        zh, en = f"{zh}，{yuan} 元", f"{en}, {yuan} yuan"
    if answer.left is not None:
        yuan = f"{Decimal(answer.left).scaleb(-2):,.2f}"
        zh, en = f"{zh}，上限之后 {yuan} 元", f"{en}, {yuan} yuan after the ceilings"
    if answer.settled_by:
        names = ", ".join(answer.settled_by)
        zh, en = f"{zh}，有待：{names}", f"{en}, settled by: {names}"
    return Bilingual(zh, en)
