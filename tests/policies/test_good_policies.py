"""Every file of good/ is accepted, and each of its examples comes out as it says, on the reference engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.ceiling_standing import after_ceilings
from engine.interpreter import decide
from policies.document import read_document, to_plain
from policies.errors import PolicyError
from policies.examples import run_examples
from policies.fixing import fix
from policies.library import read_policy
from policies.plain_words import to_plain_words
from policies.policy import Condition, Policy
from policies.tree import IndicatorValue, Node, ParameterValue, Reference, walk
from policies.vocabulary import Vocabulary

GOOD = sorted((Path(__file__).parent / "good").glob("*.yaml"))


@pytest.fixture(params=GOOD, ids=lambda path: path.stem)
def policy(request: pytest.FixtureRequest, vocabulary: Vocabulary) -> Policy:
    try:
        return read_policy(request.param, vocabulary)
    except PolicyError as error:
        pytest.fail("\n".join(one.render() for one in error.diagnostics))


def test_every_example_of_a_good_policy_comes_out_as_it_says(policy: Policy, vocabulary: Vocabulary) -> None:
    results = run_examples(policy, vocabulary, decide, after_ceilings)
    assert results
    wrong = [one for one in results if not one.passed]
    assert not wrong, [(str(one.place), one.name, one.expected.en, one.found.en) for one in wrong]


def test_a_fixed_policy_holds_nothing_that_depends_on_the_date(policy: Policy, vocabulary: Vocabulary) -> None:
    fixed = fix(policy, vocabulary, policy.examples[0].on)
    roots = [
        *_expressions(fixed.eligibility),
        fixed.amount,
        fixed.claim_key,
        fixed.unit_where,
        fixed.order_of_need,
        *(node for ceiling in fixed.ceilings for node in ceiling.nodes),
    ]
    for root in roots:
        for node in walk(root) if root is not None else ():
            assert not isinstance(node, Reference | ParameterValue | IndicatorValue)


def test_a_good_policy_can_be_told_in_plain_words(policy: Policy) -> None:
    assert policy.title.zh in to_plain_words(policy, "zh")
    assert policy.title.en in to_plain_words(policy, "en")


def test_reading_a_policy_twice_gives_the_same_policy(policy: Policy, vocabulary: Vocabulary) -> None:
    assert read_policy(Path(policy.file), vocabulary) == policy


def _expressions(condition: Condition) -> list[Node]:
    own = [condition.expression] if condition.expression is not None else []
    return own + [node for child in condition.children for node in _expressions(child)]


def test_the_corpus_is_read_from_yaml_without_binary_floats(vocabulary: Vocabulary) -> None:
    def floats(plain: object) -> list[object]:
        if isinstance(plain, dict):
            return [one for pair in plain.items() for part in pair for one in floats(part)]
        if isinstance(plain, list):
            return [one for part in plain for one in floats(part)]
        return [plain] if isinstance(plain, float) else []

    for path in GOOD:
        assert floats(to_plain(read_document(path.read_text(encoding="utf-8"), path.name).root)) == []
