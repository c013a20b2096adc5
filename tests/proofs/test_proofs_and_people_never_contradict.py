"""Whatever is found is what the interpreter decides, and what is proved to be impossible is met by nobody."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.decision import Outcome
from engine.interpreter import decide, decide_units
from policies.policy import FixedPolicy
from policies.proofs.conditions import eligible, granted, not_met
from policies.proofs.questions import Found
from policies.proofs.report import Verdict
from policies.proofs.searching import NOT_CONFIRMED, Search
from policies.tree import Literal, Maximum
from policies.types import Number
from tests.engine_compilers.generated_trees import (
    BOOL,
    NUMBER,
    VOCABULARY,
    Seen,
    TreeMaker,
    make_condition,
    make_policy,
    make_world,
)

TIMEOUT_MS = 300
NEVER_NEGATIVE = Number(0, "yuan", 0, 10**15)


def generated_policy(seed: int) -> FixedPolicy:
    maker = TreeMaker(seed)
    for_each = maker.r.choice([None, None, "incomes"])
    seen: tuple[Seen, ...] = (Seen("citizen"),)
    if for_each is not None:
        seen = (*seen, Seen(None, VOCABULARY.spaces["citizen"].collections[for_each]))
    amount = None
    if maker.r.random() < 0.5:
        amount = Maximum(NEVER_NEGATIVE, (Literal(NUMBER, 0), maker.tree(NUMBER, seen, 3)))
    unit_where = maker.tree(BOOL, seen, 2) if for_each is not None and maker.r.random() < 0.4 else None
    return make_policy("p", make_condition(maker, seen, 3), amount, for_each=for_each, unit_where=unit_where)


@given(seed=st.integers(0, 10**9))
@settings(max_examples=12, deadline=None)
def test_every_sample_is_what_the_interpreter_decides(seed: int) -> None:
    search = Search(VOCABULARY, (generated_policy(seed),), decide, TIMEOUT_MS)
    found = search.look(eligible, granted)
    assert found.reason is not NOT_CONFIRMED
    if found.verdict is Verdict.REFUTED:
        assert found.samples[0].outcome == "eligible"
    not_granted = search.look(not_met, lambda samples: samples[0].outcome != "eligible")
    assert not_granted.reason is not NOT_CONFIRMED


@given(seed=st.integers(0, 10**9))
@settings(max_examples=12, deadline=None)
def test_nobody_is_granted_what_is_proved_to_be_impossible(seed: int) -> None:
    fixed = generated_policy(seed)
    search = Search(VOCABULARY, (fixed,), decide, TIMEOUT_MS)
    impossible, certain = search.nobody(eligible), search.nobody(not_met)
    if Found.NOBODY not in (impossible, certain):
        return
    for number in range(6):
        world = make_world(seed + number)
        for subject in world.subjects["citizen"]:
            for _, decision in decide_units(fixed, world.facts("citizen", subject)):
                assert not (impossible is Found.NOBODY and decision.outcome is Outcome.ELIGIBLE)
                assert not (certain is Found.NOBODY and decision.outcome is Outcome.INELIGIBLE)
