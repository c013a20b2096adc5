"""The batch compiler gives the answers of the reference evaluator, on generated policies and people."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.columnar import decide_all
from engine.decision import Outcome
from engine.evidence_facts import decide_again, inputs_from_json
from engine.interpreter import decide_units
from policies.policy import FixedPolicy
from policies.tree import Literal, Maximum
from policies.types import Number
from tests.engine_compilers.generated_trees import (
    BOOL,
    NUMBER,
    VOCABULARY,
    Seen,
    TreeMaker,
    World,
    make_condition,
    make_policy,
    make_world,
)

OUTCOMES = {Outcome.ELIGIBLE: True, Outcome.INELIGIBLE: False, Outcome.UNDETERMINED: None}
NEVER_NEGATIVE = Number(0, "yuan", 0, 10**15)


def generated_policy(seed: int, number: int, room: int) -> FixedPolicy:
    maker = TreeMaker(seed)
    r = maker.r
    for_each = r.choice([None, None, "incomes", "loans"])
    space = "citizen"
    if r.random() < 0.2:
        space, for_each = "enterprise", r.choice([None, "hires"])
    if r.random() < 0.1:
        space, for_each = "household", r.choice([None, "members"])
    seen: tuple[Seen, ...] = (Seen(space),)
    if for_each is not None:
        collection = VOCABULARY.spaces[space].collections[for_each]
        seen = (*seen, Seen(collection.member_space, collection))
    amount = None
    if r.random() < 0.7:
        amount = Maximum(NEVER_NEGATIVE, (Literal(NUMBER, 0), maker.tree(NUMBER, seen, room)))
    unit_where = maker.tree(BOOL, seen, 2) if for_each is not None and r.random() < 0.4 else None
    condition = make_condition(maker, seen, room)
    return make_policy(f"p{number}", condition, amount, space=space, for_each=for_each, unit_where=unit_where)


def answers_of_the_interpreter(fixed: FixedPolicy, world: World) -> list[tuple]:
    found = []
    for subject in sorted(world.subjects[fixed.policy.space]):
        for unit, decision in decide_units(fixed, world.facts(fixed.policy.space, subject)):
            found.append((subject, unit, OUTCOMES[decision.outcome], decision.amount))
    return sorted(found, key=lambda one: one[:2])


@given(seed=st.integers(0, 10**9))
@settings(max_examples=150)
def test_a_batch_decides_like_the_reference(seed: int) -> None:
    world = make_world(seed)
    policies = [generated_policy(seed * 10 + number, number, 4) for number in range(6)]
    matches = decide_all(policies, world.population())
    assert not matches.errors, next(iter(matches.errors.values()))
    for fixed in policies:
        expected = answers_of_the_interpreter(fixed, world)
        assert matches.outcomes(fixed.policy.id).rows() == expected
        counts = matches.counts(fixed.policy.id)
        found = [one[2] for one in expected]
        if fixed.policy.for_each is None:
            assert (counts.matched, counts.ineligible, counts.undetermined) == (
                found.count(True), found.count(False), found.count(None),
            )  # fmt: skip


@given(seed=st.integers(0, 10**9))
@settings(max_examples=60)
def test_evidence_alone_decides_again_the_same(seed: int) -> None:
    world = make_world(seed)
    fixed = generated_policy(seed, 0, 4)
    for subject in world.subjects[fixed.policy.space]:
        for _, decision in decide_units(fixed, world.facts(fixed.policy.space, subject)):
            assert decision.inputs is not None
            again = decide_again(fixed, decision.inputs)
            assert (again.outcome, again.amount, again.settled_by) == (
                decision.outcome, decision.amount, decision.settled_by,
            )  # fmt: skip
    matches = decide_all([fixed], world.population())
    for row in matches.rows("p0").rows(named=True):
        again = decide_again(fixed, inputs_from_json(fixed, row["evidence"]))
        assert (again.outcome, again.amount) == (Outcome.ELIGIBLE, row["amount"])
