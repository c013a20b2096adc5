"""What a batch tells: rows with evidence, counts, what is missing, and which policy failed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

import polars as pl
import pytest

from engine.columnar import Compiled, decide_all
from engine.frames_population import FramesPopulation
from engine.matches import ROWS_SCHEMA
from policies import tree as t
from policies.errors import PolicyError, StoreError
from policies.policy import Condition
from policies.types import Number, to_day_number
from tests.engine_compilers.generated_trees import BOOL, DATE, NUMBER, REGION, TEXT, VOCABULARY, make_policy

FLAG = t.Attribute(BOOL, ("flag",))
COUNT = t.Attribute(NUMBER, ("n",))
CITIZENS = pl.DataFrame(
    {
        "subject": ["c2", "c1", "c3", "c4"],
        "flag": [True, True, None, False],
        "n": [7, 5, None, 1],
        "born": [date(1960, 2, 29), None, None, date(2000, 1, 1)],
        "region": ["310101", "310115", "650402", None],
        "guardian": ["c1", None, None, "c2"],
        "employer": ["e1", "e1", "gone", None],
    }
)
FIRMS = pl.DataFrame({"subject": ["e1", "e2"], "staff": [30, 4], "active": [True, None]})
HIRES = pl.DataFrame(
    {
        "owner": ["e1", "e1", "e2"],
        "item": ["1", "2", "1"],
        "months": [3, 9, None],
        "person": ["c2", "c1", "c3"],
    }
)


def leaf(node: t.Node) -> Condition:
    return Condition("leaf", expression=node)


def at_least(node: t.Node, number: int) -> t.Compare:
    return t.Compare(BOOL, ">=", node, t.Literal(NUMBER, number))


def population(**collections: pl.DataFrame) -> FramesPopulation:
    named = {tuple(name.split("__")): frame for name, frame in collections.items()}
    spaces = {"citizen": CITIZENS, "enterprise": FIRMS, "household": pl.DataFrame({"subject": ["h1"]})}
    return FramesPopulation(VOCABULARY, spaces, named)  # type: ignore[arg-type]


def test_rows_are_the_eligible_with_amount_payee_need_and_evidence() -> None:
    born = t.Attribute(DATE, ("born",))
    early = t.Compare(BOOL, "<", born, t.Literal(DATE, to_day_number(date(1990, 1, 1))))
    both = Condition("all", (leaf(FLAG), leaf(t.Or(BOOL, (early, at_least(COUNT, 5))))))
    policy = make_policy(
        "p", both, t.Multiply(NUMBER, COUNT, t.Literal(NUMBER, 100)), payee=("guardian",), order_of_need=COUNT
    )
    matches = decide_all([policy], population())
    rows = matches.rows("p")
    assert rows.schema == ROWS_SCHEMA
    assert rows.drop("evidence").rows() == [
        ("c1", "", 500, None, None, 5, None),
        ("c2", "", 700, "c1", None, 7, None),
    ]
    assert json.loads(rows["evidence"][1]) == {"flag": True, "born": "1960-02-29", "n": 7}
    assert matches.amount("p") == 1200
    assert matches.error("p") is None


def test_the_undetermined_are_counted_with_what_they_lack() -> None:
    policy = make_policy("p", Condition("all", (leaf(FLAG), leaf(at_least(COUNT, 1)))))
    matches = decide_all([policy], population())
    counts = matches.counts("p")
    assert (counts.matched, counts.ineligible, counts.undetermined, counts.subjects) == (2, 1, 1, 4)
    assert matches.missing("p") == {"flag": 1, "n": 1}


def test_a_policy_that_matches_nobody_grants_nobody() -> None:
    policy = make_policy("p", leaf(at_least(COUNT, 10**9)), COUNT)
    matches = decide_all([policy], population())
    assert matches.rows("p").height == 0
    assert matches.rows("p").schema == ROWS_SCHEMA
    assert matches.counts("p").matched == 0


def test_nobody_in_the_population_is_no_error() -> None:
    empty = FramesPopulation(VOCABULARY, {"citizen": CITIZENS.clear()}, {})
    matches = decide_all([make_policy("p", leaf(t.Literal(BOOL, True)), COUNT)], empty)
    assert matches.counts("p").subjects == 0
    assert matches.rows("p").height == 0


def test_a_condition_that_is_always_true_answers_for_every_subject() -> None:
    matches = decide_all([make_policy("p", Condition("all", ()), t.Literal(NUMBER, 5))], population())
    assert matches.rows("p")["amount"].to_list() == [5, 5, 5, 5]


def test_a_policy_that_fails_is_reported_and_the_others_go_on() -> None:
    sound = make_policy("sound", leaf(FLAG))
    broken = make_policy("broken", leaf(t.Attribute(BOOL, ("landlord", "flag"))))
    matches = decide_all([broken, sound], population())
    assert matches.counts("sound").matched == 2
    error = matches.error("broken")
    assert error is not None
    assert error.diagnostics[0].code == "unknown-name"
    assert "`landlord.flag`" in str(error)
    with pytest.raises(PolicyError):
        matches.rows("broken")
    assert matches.policies == ("sound",)


def test_a_policy_that_fails_on_the_data_is_reported_and_the_others_go_on() -> None:
    wrong = CITIZENS.with_columns(pl.lit("many").alias("k"))
    frames = FramesPopulation(VOCABULARY, {"citizen": wrong}, {})
    broken = make_policy("broken", leaf(at_least(t.Attribute(NUMBER, ("k",)), 1)))
    matches = decide_all([broken, make_policy("sound", leaf(FLAG))], frames)
    assert matches.counts("sound").matched == 2
    assert matches.error("broken") is not None


def test_a_negative_amount_holds_only_its_policy() -> None:
    negative = make_policy("negative", leaf(FLAG), t.Subtract(NUMBER, COUNT, t.Literal(NUMBER, 6)))
    always = make_policy("always", leaf(FLAG), t.Literal(NUMBER, -1))
    matches = decide_all([negative, always, make_policy("sound", leaf(FLAG), COUNT)], population())
    for policy, amount in (("negative", -1), ("always", -1)):
        error = matches.error(policy)
        assert error is not None
        assert error.diagnostics[0].code == "negative-amount"
        assert f"{amount} fen" in str(error)
    assert matches.amount("sound") == 12


def test_a_missing_source_of_subjects_is_no_fault_of_the_policies() -> None:
    nothing = FramesPopulation(VOCABULARY, {}, {})
    with pytest.raises(StoreError, match="no frame for `citizen`"):
        decide_all([make_policy("p", leaf(FLAG))], nothing)


def test_one_policy_twice_is_refused() -> None:
    with pytest.raises(PolicyError, match="given twice"):
        decide_all([make_policy("p", leaf(FLAG)), make_policy("p", leaf(FLAG))], population())


def test_each_hire_is_a_unit_with_its_claim() -> None:
    months = t.Attribute(NUMBER, ("months",), 1)
    firm = t.Attribute(NUMBER, ("staff",))
    policy = make_policy(
        "p",
        Condition("all", (leaf(at_least(months, 3)), leaf(at_least(firm, 10)))),
        t.Multiply(NUMBER, months, t.Literal(NUMBER, 10)),
        space="enterprise",
        for_each="hires",
        claim_key=t.Attribute(TEXT, ("person",), 1),
        payee=("person",),
    )
    matches = decide_all([policy], population(enterprise__hires=HIRES))
    rows = matches.rows("p")
    assert rows.select("subject", "unit", "amount", "claim_key", "payee").rows() == [
        ("e1", "1", 30, "c2", "c2"),
        ("e1", "2", 90, "c1", "c1"),
    ]
    assert json.loads(rows["evidence"][0]) == {"months": 3, "subject.staff": 30}
    assert matches.counts("p").ineligible == 1


def test_units_never_taken_in_leave_every_subject_undetermined() -> None:
    policy = make_policy(
        "p", leaf(at_least(t.Attribute(NUMBER, ("months",), 1), 3)), space="enterprise", for_each="hires"
    )
    matches = decide_all([policy], population())
    assert matches.counts("p").undetermined == 2
    assert matches.missing("p") == {"hires": 2}
    assert matches.rows("p").height == 0
    assert matches.outcomes("p").rows() == [("e1", "", None, None), ("e2", "", None, None)]


def count_of(path: tuple[str, ...]) -> t.Aggregate:
    return t.Aggregate(NUMBER, "count", path, 0, 1, None, None, f"count({'.'.join(path)})")


def test_no_items_are_none_but_an_unknown_collection_is_unknown() -> None:
    none = make_policy("p", leaf(t.Compare(BOOL, "==", count_of(("loans",)), t.Literal(NUMBER, 0))))
    empty = pl.DataFrame(schema={"owner": pl.String, "item": pl.String})
    assert decide_all([none], population(citizen__loans=empty)).counts("p").matched == 4
    assert decide_all([none], population()).counts("p").undetermined == 4


def test_past_grants_can_be_asked_for_in_every_space() -> None:
    name = t.Compare(BOOL, "==", t.Attribute(TEXT, ("policy",), 1), t.Literal(TEXT, "dibao"))
    has = t.Aggregate(BOOL, "any", ("grants",), 0, 1, None, name, 'any(grants, policy == "dibao")')
    grants = pl.DataFrame({"owner": ["c1", "c4"], "item": ["g1", "g2"], "policy": ["dibao", "other"]})
    matches = decide_all([make_policy("p", leaf(has))], population(citizen__grants=grants))
    assert matches.rows("p")["subject"].to_list() == ["c1"]


@dataclass(frozen=True)
class Watched:
    """A population that notes what is read from it."""

    frames: FramesPopulation
    read: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    @property
    def vocabulary(self) -> object:
        return self.frames.vocabulary

    def attributes(self, space: str, names: Iterable[str], subjects: pl.Series | None = None) -> pl.DataFrame:
        self.read.append((space, tuple(names)))
        return self.frames.attributes(space, self.read[-1][1], subjects)

    def items(self, space: str, collection: str, names: Iterable[str], owners: pl.Series) -> pl.DataFrame:
        self.read.append((f"{space}.{collection}", tuple(names)))
        return self.frames.items(space, collection, self.read[-1][1], owners)

    def collection_known(self, space: str, collection: str) -> bool:
        return self.frames.collection_known(space, collection)


def test_only_what_the_policies_name_is_read_and_each_thing_once() -> None:
    staff = t.Attribute(NUMBER, ("employer", "staff"))
    loans = [
        t.Aggregate(NUMBER, kind, ("loans",), 0, 1, None, t.Attribute(NUMBER, ("rate",), 1), f"{kind}(loans, rate)")
        for kind in ("sum", "max")
    ]
    policies = [
        make_policy("a", leaf(at_least(staff, 1)), loans[0]),
        make_policy("b", leaf(t.And(BOOL, (FLAG, at_least(staff, 9)))), loans[1]),
        make_policy("c", leaf(at_least(count_of(("loans",)), 1))),
    ]
    empty = pl.DataFrame(schema={"owner": pl.String, "item": pl.String, "rate": pl.Int64})
    watched = Watched(population(citizen__loans=empty))
    matches = decide_all(policies, watched)
    assert not matches.errors
    assert watched.read == [
        ("citizen", ("employer", "flag")),
        ("enterprise", ("staff",)),
        ("citizen.loans", ("rate",)),
    ]


def test_buckets_add_up_to_the_whole() -> None:
    policies = [make_policy("p", leaf(FLAG), COUNT), make_policy("q", leaf(at_least(COUNT, 2)))]
    compiled = Compiled(policies, VOCABULARY)
    whole = compiled.decide(population())
    rows = []
    for bucket in (["c1", "c3"], ["c2", "c4"]):
        part = FramesPopulation(VOCABULARY, {"citizen": CITIZENS}, {}, about={"citizen": pl.Series(bucket)})
        rows.append(compiled.decide(part).rows("p"))
    assert pl.concat(rows).sort("subject").equals(whole.rows("p"))


def test_a_broken_link_is_unknown() -> None:
    matches = decide_all(
        [make_policy("p", leaf(at_least(t.Attribute(NUMBER, ("employer", "staff")), 1)))], population()
    )
    assert matches.outcomes("p")["eligible"].to_list() == [True, True, None, None]


@pytest.mark.parametrize("mode", ["half_up", "down", "up", "floor"])
@pytest.mark.parametrize("bounds", [NUMBER, Number(0, None, 0, 10**17)])
@pytest.mark.parametrize("divisor", [1, 2, 3, 7, 1000])
def test_rounding_is_exact_far_beyond_what_floats_can_hold(mode: str, bounds: Number, divisor: int) -> None:
    from engine.interpreter_values import round_quotient

    odd = 2**53 + 1
    numbers = [0, 1, 2, 3, 4, 499, 500, 501, 1500, odd, odd * 7, 10**17 - 1]
    if bounds.low < 0:
        numbers += [-number for number in numbers]
    people = pl.DataFrame({"subject": [f"c{n:02d}" for n in range(len(numbers))], "n": numbers})
    rounded = t.Round(NUMBER, t.Attribute(bounds, ("n",)), t.Literal(NUMBER, divisor), mode)  # type: ignore[arg-type]
    shifted = t.Add(NUMBER, rounded, t.Literal(NUMBER, 10**17))
    policy = make_policy("p", leaf(t.Literal(BOOL, True)), shifted)
    matches = decide_all([policy], FramesPopulation(VOCABULARY, {"citizen": people}, {}))
    expected = [(round_quotient(number, divisor, mode) or 0) + 10**17 for number in numbers]
    assert matches.rows("p")["amount"].to_list() == expected


def test_a_table_of_many_regions_gives_the_nearest_one() -> None:
    others = ((f"{n}", n) for n in range(10, 30))
    cases = (*others, ("31", 31), ("3101", 3101), ("310101", 310101), ("", 1))
    amount = t.PrefixLookup(NUMBER, t.Attribute(REGION, ("region",)), cases)
    matches = decide_all([make_policy("p", Condition("all", ()), amount)], population())
    assert dict(matches.rows("p").select("subject", "amount").rows()) == {
        "c1": 3101,
        "c2": 310101,
        "c3": 1,
    }
    assert matches.counts("p").undetermined == 1
