"""Who of the eligible is granted, and why the others wait."""

from __future__ import annotations

import random
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.allocating import (
    Reason,
    Settled,
    Terms,
    days_of_period,
    layers,
    settle_claims,
    settle_funds,
    settle_net_of,
    settle_within_subjects,
    split_already_granted,
)
from policies.periods import period_of
from policies.policy import Exclusive

ON = date(2026, 11, 22)
SCHEMA = {
    "policy": pl.String,
    "subject": pl.String,
    "unit": pl.String,
    "amount": pl.Int64,
    "claim_key": pl.String,
    "need": pl.Int64,
}
EARLIER = {
    "policy": pl.String,
    "subject": pl.String,
    "unit": pl.String,
    "period": pl.String,
    "amount": pl.Int64,
    "on": pl.String,
}
NOBODY = pl.DataFrame(schema=EARLIER)


def rows(*values: tuple[object, ...]) -> pl.DataFrame:
    """policy, subject[, amount[, unit[, claim_key[, need]]]]"""
    filled = [(*v, *(100, "", None, None)[len(v) - 2 :]) for v in values]
    ordered = [(p, s, u, a, c, n) for p, s, a, u, c, n in filled]
    return pl.DataFrame(ordered, schema=SCHEMA, orient="row")


def earlier(*values: tuple[str, str, str, str, int]) -> pl.DataFrame:
    return pl.DataFrame([(*v, "2026-03-01") for v in values], schema=EARLIER, orient="row")


def terms(*items: Terms) -> dict[str, Terms]:
    return {item.policy: item for item in items}


def term(policy: str, kind: str = "month", **changes: object) -> Terms:
    return Terms(policy, period_of(kind, ON), ON, **changes)  # type: ignore[arg-type]


def kept(settled: Settled) -> set[tuple[str, str]]:
    return set(settled.kept.select("policy", "subject").iter_rows())


def why(settled: Settled) -> dict[tuple[str, str], tuple[str, str]]:
    found = settled.waiting.select("policy", "subject", "reason", "detail").iter_rows()
    return {(p, s): (reason, detail) for p, s, reason, detail in found}


def test_who_has_the_grant_already_is_no_candidate_but_last_month_does_not_count() -> None:
    known = terms(term("a"))
    grants = earlier(("a", "x", "", "2026-11", 1), ("a", "y", "", "2026-10", 1))
    open_ones, granted = split_already_granted(rows(("a", "x"), ("a", "y")), known, grants)
    assert open_ones["subject"].to_list() == ["y"]
    assert granted["subject"].to_list() == ["x"]


def test_the_policy_that_names_another_gives_way_to_it() -> None:
    known = terms(term("a", excludes=("b",)), term("b"))
    settled = settle_within_subjects(rows(("a", "x"), ("b", "x"), ("a", "y")), known, NOBODY)
    assert kept(settled) == {("b", "x"), ("a", "y")}
    assert why(settled) == {("a", "x"): (Reason.EXCLUDED.value, "b")}


def test_exclusion_holds_both_ways_against_what_was_granted_before() -> None:
    known = terms(term("a", excludes=("b",)), term("b"))
    settled = settle_within_subjects(rows(("b", "x")), known, earlier(("a", "x", "", "2026-11", 1)))
    assert why(settled) == {("b", "x"): (Reason.EXCLUDED.value, "a")}


def test_a_grant_for_another_period_does_not_exclude() -> None:
    known = terms(term("a", excludes=("b",)), term("b"))
    settled = settle_within_subjects(rows(("a", "x")), known, earlier(("b", "x", "", "2026-10", 1)))
    assert kept(settled) == {("a", "x")}


def test_of_two_that_exclude_each_other_the_first_by_name_is_granted() -> None:
    known = terms(term("a", excludes=("b",)), term("b", excludes=("a",)))
    settled = settle_within_subjects(rows(("a", "x"), ("b", "x")), known, NOBODY)
    assert kept(settled) == {("a", "x")}


def test_an_excluded_policy_excludes_nobody_itself() -> None:
    known = terms(term("a", excludes=("b",)), term("b", excludes=("c",)), term("c"))
    settled = settle_within_subjects(rows(("a", "x"), ("b", "x"), ("c", "x")), known, NOBODY)
    assert kept(settled) == {("a", "x"), ("c", "x")}


def test_for_the_same_kind_of_unit_exclusion_is_unit_by_unit() -> None:
    known = terms(term("a", for_each="hires", excludes=("b",)), term("b", for_each="hires"))
    settled = settle_within_subjects(rows(("a", "x", 1, "1"), ("a", "x", 1, "2"), ("b", "x", 1, "2")), known, NOBODY)
    assert set(settled.kept.select("policy", "unit").iter_rows()) == {("a", "1"), ("b", "2")}


@pytest.mark.parametrize(("choose", "winner"), [("highest", "b"), ("first", "a")])
def test_of_an_exclusive_group_one_policy_is_granted(choose: str, winner: str) -> None:
    known = terms(
        term("a", exclusive=Exclusive("g", choose, 1)),  # type: ignore[arg-type]
        term("b", exclusive=Exclusive("g", choose, 2)),  # type: ignore[arg-type]
    )
    settled = settle_within_subjects(rows(("a", "x", 100), ("b", "x", 200)), known, NOBODY)
    assert kept(settled) == {(winner, "x")}
    assert set(why(settled).values()) == {(Reason.EXCLUSIVE.value, winner)}


def test_equal_amounts_in_a_group_are_decided_by_rank_then_name() -> None:
    known = terms(
        term("a", exclusive=Exclusive("g", "highest", 5)),
        term("b", exclusive=Exclusive("g", "highest", 1)),
        term("c", exclusive=Exclusive("g", "highest", 1)),
    )
    settled = settle_within_subjects(rows(("a", "x"), ("b", "x"), ("c", "x")), known, NOBODY)
    assert kept(settled) == {("b", "x")}


def test_who_holds_one_of_a_group_does_not_get_another_for_the_period() -> None:
    known = terms(term("a", exclusive=Exclusive("g", "highest")), term("b", exclusive=Exclusive("g", "highest")))
    settled = settle_within_subjects(rows(("a", "x", 900)), known, earlier(("b", "x", "", "2026-11", 1)))
    assert why(settled) == {("a", "x"): (Reason.EXCLUSIVE.value, "b")}


def test_net_of_subtracts_what_the_base_gives_this_year() -> None:
    known = terms(term("raised", "year", net_of=("base",)), term("base", "year"))
    granted = earlier(("base", "x", "", "2026", 60), ("base", "y", "", "2025", 60), ("base", "z", "", "2026", 100))
    settled = settle_net_of(rows(("raised", "x"), ("raised", "y"), ("raised", "z")), known, granted)
    assert dict(settled.kept.select("subject", "amount").iter_rows()) == {"x": 40, "y": 100}
    assert why(settled) == {("raised", "z"): (Reason.NOTHING_LEFT.value, "base")}


def test_net_of_subtracts_once_however_many_units_there_are() -> None:
    known = terms(term("raised", "year", for_each="hires", net_of=("base",)), term("base", "year"))
    candidates = rows(("raised", "x", 100, "1"), ("raised", "x", 100, "2"), ("raised", "x", 100, "3"))
    settled = settle_net_of(candidates, known, earlier(("base", "x", "", "2026", 130)))
    assert dict(settled.kept.select("unit", "amount").iter_rows()) == {"2": 70, "3": 100}


def test_bases_are_settled_before_what_is_net_of_them() -> None:
    known = terms(term("a", net_of=("b",)), term("b", net_of=("c",)), term("c"), term("d"))
    assert layers(known, ["a", "b", "c", "d"]) == [["c", "d"], ["b"], ["a"]]
    circle = terms(term("a", net_of=("b",)), term("b", net_of=("a",)))
    assert layers(circle, ["a", "b"]) == [["a"], ["b"]]


def test_a_claim_goes_to_the_greatest_need_and_only_once() -> None:
    known = terms(term("hire", "event", for_each="hires", claim_group="graduates"))
    candidates = rows(
        ("hire", "x", 1, "1", "graduate 1", 1),
        ("hire", "y", 1, "1", "graduate 1", 2),
        ("hire", "z", 1, "1", "graduate 1", None),
        ("hire", "z", 1, "2", "graduate 2", None),
        ("hire", "z", 1, "3", None, None),
    )
    taken = pl.DataFrame({"group": ["graduates"], "key": ["graduate 2"]})
    settled = settle_claims(candidates, known, taken)
    assert settled.kept.select("subject", "unit").rows() == [("y", "1")]
    assert sorted(settled.waiting["reason"]) == ["claim-key-unknown", "claimed", "claimed", "claimed"]


def test_claims_of_different_groups_do_not_meet() -> None:
    known = terms(term("a", claim_group="g"), term("b", claim_group="h"))
    candidates = rows(("a", "x", 1, "", "k"), ("b", "x", 1, "", "k"))
    settled = settle_claims(candidates, known, pl.DataFrame(schema={"group": pl.String, "key": pl.String}))
    assert settled.kept.height == 2


def test_a_fund_serves_in_order_of_need_and_stops_at_the_first_it_cannot_serve() -> None:
    known = terms(term("a", fund="f"), term("free"))
    candidates = rows(
        ("a", "w", 50, "", None, 1),
        ("a", "x", 60, "", None, 9),
        ("a", "y", 60, "", None, 5),
        ("a", "z", 10, "", None, None),
        ("free", "w", 10_000),
    )
    settled = settle_funds(candidates, known, {"f": 110})
    assert kept(settled) == {("a", "x"), ("free", "w")}
    assert set(why(settled).values()) == {(Reason.FUND.value, "f")}


def test_a_fund_that_was_never_appropriated_grants_nothing() -> None:
    settled = settle_funds(rows(("a", "x")), terms(term("a", fund="f")), {})
    assert settled.kept.is_empty()


@given(
    st.lists(
        st.tuples(
            st.sampled_from("pq"),
            st.sampled_from("uvwxyz"),
            st.integers(0, 100),
            st.none() | st.integers(0, 3),
        ),
        unique_by=lambda row: row[:2],
    ),
    st.integers(0, 300),
    st.integers(0, 1000),
)
def test_a_fund_is_never_overspent_nobody_is_lost_and_the_order_of_rows_is_irrelevant(
    candidates: list[tuple[str, str, int, int | None]], limit: int, seed: int
) -> None:
    known = terms(term("p", fund="f"), term("q", fund="f"))
    frame = rows(*((p, s, a, "", None, n) for p, s, a, n in candidates))
    settled = settle_funds(frame, known, {"f": limit})
    assert settled.kept["amount"].sum() <= limit
    assert settled.kept.height + settled.waiting.height == frame.height
    shuffled = frame.sample(fraction=1, shuffle=True, seed=random.Random(seed).randrange(2**32))
    assert settle_funds(shuffled, known, {"f": limit}).kept.equals(settled.kept)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(1, 9)),
        unique_by=lambda r: r[:2],
    )
)
def test_no_subject_ever_has_two_of_a_group_or_two_that_exclude_each_other(
    candidates: list[tuple[str, str, int]],
) -> None:
    known = terms(
        term("a", exclusive=Exclusive("g", "highest")),
        term("b", exclusive=Exclusive("g", "highest"), excludes=("c",)),
        term("c"),
    )
    frame = rows(*candidates)
    settled = settle_within_subjects(frame, known, NOBODY)
    assert settled.kept.height + settled.waiting.height == frame.height
    by_subject = settled.kept.group_by("subject").agg("policy").iter_rows()
    for _, got in by_subject:
        assert not {"a", "b"} <= set(got)
        assert not {"b", "c"} <= set(got)


@pytest.mark.parametrize(
    ("key", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
    ],
)
def test_the_key_of_a_period_tells_its_days(key: str, first: date, last: date) -> None:
    assert days_of_period(key) == (first, last)
    assert days_of_period("once")[0] < date(1901, 1, 1) and days_of_period("event")[1] > date(2900, 1, 1)
