"""The gaps of a batch are those of its people one by one, in numbers and in money."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data_gaps import GapsReport, MissingDatum, Weight, data_gaps, datum_of_input
from engine.decision import Outcome, Population
from engine.interpreter import amount_steps, decide
from engine.interpreter_values import Log, surroundings
from engine.ledger import open_ledger
from engine.ledger.earlier import PastGrants, past_grants_of
from engine.policy_inputs import inputs_of, whole_condition
from engine.settling_families import families_to_yes
from policies import tree as t
from policies.policy import Condition, FixedPolicy
from policies.types import Value
from tests.engine_compilers.generated_trees import (
    BOOL,
    NUMBER,
    VOCABULARY,
    World,
    make_policy,
    make_world,
)
from tests.engine_compilers.test_both_compilers_agree import generated_policy


@dataclass(frozen=True)
class OneBucket:
    """A population as a store of one bucket."""

    population: Population
    versions: Mapping[str, int]

    @property
    def buckets(self) -> Sequence[int]:
        return (0,)

    def bucket(self, number: int) -> Population:
        return self.population

    def count(self, space: str) -> int:
        return self.population.attributes(space, []).height

    def as_of(self, space: str, subject: str | None) -> Mapping[str, date]:
        return {}


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PastGrants]:
    ledger = open_ledger(f"sqlite:///{tmp_path_factory.mktemp('gaps') / 'ledger.sqlite'}")
    with past_grants_of(ledger, None) as nothing:
        yield nothing
    ledger.close()


def gaps_of(world: World, policies: list[FixedPolicy], past: PastGrants) -> GapsReport:
    return data_gaps(OneBucket(world.population(), {}), policies, VOCABULARY, past)


def one_by_one(fixed: FixedPolicy, world: World) -> tuple[Counter[MissingDatum], Counter[MissingDatum], Counter[MissingDatum], int]:  # fmt: skip
    """Return decisions, decisions alone and money by datum, and the barred, from the reference, subject by subject."""
    decisions: Counter[MissingDatum] = Counter()
    alone: Counter[MissingDatum] = Counter()
    money: Counter[MissingDatum] = Counter()
    barred = 0
    inputs = inputs_of(fixed)
    by_name = {one.name: one for one in inputs}
    for subject in world.subjects[fixed.policy.space]:
        facts = world.facts(fixed.policy.space, subject)
        units = [None] if fixed.policy.for_each is None else facts.items((fixed.policy.for_each,)) or []
        for unit in units:
            if decide(fixed, facts, unit).outcome is not Outcome.UNDETERMINED:
                continue
            at = surroundings((facts,) if unit is None else (facts, unit), inputs, Log())
            sets = {
                frozenset(
                    datum_of_input(by_name[name], fixed, VOCABULARY) if name in by_name else MissingDatum("", name)
                    for name in one
                )
                for one in families_to_yes(fixed, whole_condition(fixed), at)
            }
            barred += not sets
            steps = amount_steps(fixed, facts, unit)
            for datum in frozenset().union(*sets):
                decisions[datum] += 1
                alone[datum] += frozenset((datum,)) in sets
                money[datum] += int(steps[-1][1] or 0) if steps else 0
    return +decisions, +alone, +money, barred


@given(st.integers(0, 10**9))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_batch_counts_what_the_reference_counts_person_by_person(past: PastGrants, seed: int) -> None:
    world = make_world(seed)
    policies = [generated_policy(seed + number, number, 3) for number in range(3)]
    report = gaps_of(world, policies, past)
    for fixed in policies:
        (told,) = [one for one in report.policies if one.policy == fixed.policy.id]
        assert not told.error
        known = fixed.policy.for_each is None or (fixed.policy.space, fixed.policy.for_each) in world.items
        if not known:
            assert told.undetermined == len(world.subjects[fixed.policy.space])
            continue
        decisions, alone, money, barred = one_by_one(fixed, world)
        found = {gap.datum: gap.weight for gap in report.gaps if gap.policy == fixed.policy.id}
        assert {datum: weight.decisions for datum, weight in found.items()} == decisions
        assert {datum: weight.alone for datum, weight in found.items() if weight.alone} == alone
        assert {datum: weight.amount for datum, weight in found.items() if weight.amount} == money
        assert told.barred == barred


def town(**columns: list[Value]) -> World:
    """Return citizens c0, c1, ... with these data; everything else of them is unknown."""
    size = len(next(iter(columns.values())))
    names = [*VOCABULARY.spaces["citizen"].attributes, *VOCABULARY.spaces["citizen"].links]
    people = {
        f"c{number}": {name: columns[name][number] if name in columns else None for name in names}
        for number in range(size)
    }
    return World({"citizen": people, "household": {}, "enterprise": {}}, {})


FLAG, N = t.Attribute(BOOL, ("flag",)), t.Attribute(NUMBER, ("n",))
ENOUGH = Condition("leaf", expression=t.Compare(BOOL, ">", N, t.Literal(NUMBER, 3)))
FLAGGED = Condition("leaf", expression=FLAG)


def test_money_is_exact_where_the_amount_can_be_computed_and_an_average_elsewhere(past: PastGrants) -> None:
    # c0 is granted 400 fen, c1 700; c2 and c3 lack the flag, c4 lacks the number, c5 both, c6 is a no.
    world = town(flag=[True, True, None, None, True, None, False], n=[4, 7, 5, 8, None, None, None])
    amount = t.Multiply(NUMBER, N, t.Literal(NUMBER, 100))
    report = gaps_of(world, [make_policy("p", Condition("all", (FLAGGED, ENOUGH)), amount)], past)
    weights = {gap.datum.name: gap.weight for gap in report.gaps}
    average = (400 + 700) // 2
    assert weights["flag"] == Weight(decisions=3, alone=2, amount=500 + 800, estimated=average, unpriced=0)
    assert weights["n"] == Weight(decisions=2, alone=1, amount=0, estimated=2 * average, unpriced=0)
    (policy,) = report.policies
    assert (policy.subjects, policy.undetermined, policy.barred) == (7, 4, 0)
    assert policy.weight == Weight(decisions=4, alone=3, amount=1_300, estimated=2 * average, unpriced=0)
    assert [gap.datum.name for gap in report.gaps] == ["flag", "n"]


def test_without_anybody_granted_nothing_is_invented(past: PastGrants) -> None:
    world = town(flag=[True, None], n=[None, None])
    report = gaps_of(world, [make_policy("p", Condition("all", (FLAGGED, ENOUGH)), t.Maximum(NUMBER, (N, t.Literal(NUMBER, 0))))], past)  # fmt: skip
    weights = {gap.datum.name: gap.weight for gap in report.gaps}
    assert weights["n"] == Weight(decisions=2, alone=1, amount=0, estimated=0, unpriced=2)


def test_a_datum_that_cannot_help_any_more_blocks_nothing(past: PastGrants) -> None:
    world = town(flag=[False, None], n=[None, 1])
    report = gaps_of(world, [make_policy("p", Condition("all", (FLAGGED, ENOUGH)))], past)
    assert report.gaps == () and report.policies[0].undetermined == 0


def test_either_of_two_data_would_do_and_both_are_told(past: PastGrants) -> None:
    world = town(flag=[None], n=[None])
    (policy,) = [make_policy("p", Condition("any", (FLAGGED, ENOUGH)), t.Literal(NUMBER, 900))]
    report = gaps_of(world, [policy], past)
    assert {gap.datum.name: (gap.weight.decisions, gap.weight.alone, gap.weight.amount) for gap in report.gaps} == {
        "flag": (1, 1, 900), "n": (1, 1, 900),
    }  # fmt: skip


def test_a_collection_never_taken_in_is_the_gap_of_everybody(past: PastGrants) -> None:
    world = town(flag=[True, True])
    report = gaps_of(world, [make_policy("p", FLAGGED, t.Literal(NUMBER, 5), for_each="incomes")], past)
    (gap,) = report.gaps
    assert (gap.datum.place, gap.datum.name, gap.weight.decisions) == ("citizen.incomes", "", 2)


def test_a_link_leads_to_the_datum_of_whom_it_leads_to(past: PastGrants) -> None:
    small = Condition("leaf", expression=t.Compare(BOOL, ">", t.Attribute(NUMBER, ("employer", "staff")), t.Literal(NUMBER, 3)))  # fmt: skip
    (gap,) = gaps_of(town(flag=[True]), [make_policy("p", small)], past).gaps
    assert (gap.datum.place, gap.datum.name, gap.names) == ("enterprise", "staff", ("employer.staff",))


def test_a_policy_that_fails_is_reported_and_does_not_hide_the_others(past: PastGrants) -> None:
    negative = make_policy("negative", FLAGGED, t.Subtract(NUMBER, t.Literal(NUMBER, 1), N))
    sound = make_policy("sound", FLAGGED)
    report = gaps_of(town(flag=[True, None], n=[5, 5]), [negative, sound], past)
    assert {one.policy: bool(one.error) for one in report.policies} == {"negative": True, "sound": False}
    assert [gap.policy for gap in report.gaps] == ["sound"]


def test_the_families_hold_the_facts_that_the_decision_names() -> None:
    """`settled_by` names one set; the plural holds that set, or a part of it."""
    r = random.Random(5)
    for _ in range(200):
        seed = r.randint(0, 10**9)
        world, fixed = make_world(seed), generated_policy(seed, 0, 3)
        for subject in world.subjects[fixed.policy.space]:
            facts = world.facts(fixed.policy.space, subject)
            if fixed.policy.for_each is not None:
                continue
            decision = decide(fixed, facts)
            if decision.outcome is Outcome.UNDETERMINED and decision.trace.result is None and decision.settled_by:
                at = surroundings((facts,), inputs_of(fixed), Log())
                bare = FixedPolicy(fixed.policy, fixed.on, fixed.period, fixed.eligibility, None)
                family = families_to_yes(bare, whole_condition(bare), at)
                assert any(one <= set(decision.settled_by) for one in family)
