"""Cutting amounts to ceilings: nobody above, nobody needlessly below, whatever the order of rows."""

from __future__ import annotations

import json
import random
from datetime import date

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.allocating import CeilingTerms, Reason, Terms
from engine.ceilings import CEILING_GRANT_COLUMNS, settle_ceilings
from engine.matching import CANDIDATE_COLUMNS
from policies.periods import period_of

ON = date(2026, 11, 22)
AMOUNTS = st.integers(0, 1_000)
GROUPS = st.sampled_from(["x", "y"])
BOOLS = st.sampled_from([True, True, True, False, None])


def terms(*names: str) -> dict[str, Terms]:
    return {
        "p": Terms(
            "p", period_of("event", ON), ON, ceilings=tuple(CeilingTerms(name, "year", "as written") for name in names)
        )
    }


def reading(limit: int | None, group: str | None, counts: bool | None = True) -> dict[str, object]:
    return {"counts": counts, "limit": limit, "as": "as written", "group": [group]}


def candidates(*rows: tuple[str, str, int, dict[str, object]]) -> pl.DataFrame:
    filled = [("p", subject, unit, amount, None, None, None, json.dumps(read)) for subject, unit, amount, read in rows]
    return pl.DataFrame(filled, schema=CANDIDATE_COLUMNS, orient="row")


def earlier(*rows: tuple[str, str, int, dict[str, object] | None]) -> pl.DataFrame:
    filled = [
        ("p", subject, unit, "event", amount, ON.isoformat(), None if read is None else json.dumps(read))
        for subject, unit, amount, read in rows
    ]
    return pl.DataFrame(filled, schema=CEILING_GRANT_COLUMNS, orient="row")


@st.composite
def one_ceiling(draw: st.DrawFn) -> tuple[int, pl.DataFrame, pl.DataFrame]:
    limit = draw(st.integers(0, 2_000))

    def rows(letter: str, most: int) -> list[tuple[str, str, int, dict[str, object]]]:
        made = draw(st.lists(st.tuples(st.sampled_from("12"), AMOUNTS, GROUPS, BOOLS), max_size=most))
        return [
            (subject, f"{letter}{number}", amount, {"c": reading(limit, group, counts)})
            for number, (subject, amount, group, counts) in enumerate(made)
        ]

    known = [one for one in rows("e", 3) if one[3]["c"]["counts"] is not None]  # type: ignore[index]
    return limit, candidates(*rows("u", 8)), earlier(*known)


@settings(max_examples=150)
@given(one_ceiling())
def test_a_group_gets_the_smaller_of_what_the_rule_gives_and_what_the_ceiling_leaves(
    case: tuple[int, pl.DataFrame, pl.DataFrame],
) -> None:
    limit, rows, granted = case
    settled = settle_ceilings(rows, terms("c"), granted)
    read = pl.col("ceilings").str.json_decode(
        pl.Struct({"c": pl.Struct({"counts": pl.Boolean, "group": pl.List(pl.String)})})
    )

    def sums(frame: pl.DataFrame, counts: bool) -> dict[tuple[str, str], int]:
        opened = frame.with_columns(read.struct.unnest()).unnest("c") if frame.height else frame
        found: dict[tuple[str, str], int] = {}
        for one in opened.to_dicts():
            if one["counts"] is counts:
                key = (one["subject"], one["group"][0])
                found[key] = found.get(key, 0) + one["amount"]
        return found

    before, wanted, given_now = sums(granted, True), sums(rows, True), sums(settled.kept, True)
    for key in wanted:
        left = max(0, limit - before.get(key, 0))
        assert given_now.get(key, 0) == min(wanted[key], left)
    assert sums(settled.kept, False) == sums(rows, False)  # what the ceiling is not about is not cut
    assert settled.kept.height + settled.waiting.height == rows.height


@settings(max_examples=60)
@given(one_ceiling(), st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters(case: tuple[int, pl.DataFrame, pl.DataFrame], chance: random.Random) -> None:
    _, rows, granted = case
    numbers = list(range(rows.height))
    chance.shuffle(numbers)
    one, other = (settle_ceilings(each, terms("c"), granted) for each in (rows, rows[numbers]))
    assert one.kept.equals(other.kept)
    assert one.waiting.sort("unit").equals(other.waiting.sort("unit"))


@settings(max_examples=60)
@given(st.lists(st.tuples(AMOUNTS, GROUPS, GROUPS, BOOLS), max_size=8), st.integers(0, 1_500), st.integers(0, 1_500))
def test_of_several_ceilings_none_is_ever_exceeded(
    units: list[tuple[int, str, str, bool | None]], wide: int, narrow: int
) -> None:
    rows = candidates(
        *(
            ("1", f"u{number}", amount, {"wide": reading(wide, one), "narrow": reading(narrow, other, counts)})
            for number, (amount, one, other, counts) in enumerate(units)
        )
    )
    kept = settle_ceilings(rows, terms("wide", "narrow"), earlier()).kept
    for name, limit in (("wide", wide), ("narrow", narrow)):
        totals: dict[str, int] = {}
        for one in kept.to_dicts():
            read = json.loads(one["ceilings"])[name]
            if read["counts"]:
                totals[read["group"][0]] = totals.get(read["group"][0], 0) + one["amount"]
        assert all(total <= limit for total in totals.values())


@settings(max_examples=100)
@example([(1, 0), (2, 2)], 1, random.Random(0))
@given(
    st.lists(st.tuples(st.integers(0, 1_000), st.integers(0, 900)), max_size=8),
    st.integers(0, 2_000),
    st.randoms(use_true_random=False),
)
def test_of_measures_no_more_counts_than_the_ceiling_and_each_gets_the_part_that_counts(
    units: list[tuple[int, int]], limit: int, chance: random.Random
) -> None:
    made = [
        ("1", f"u{number}", amount, {"c": {"counts": True, "limit": limit, "measure": measure}})
        for number, (amount, measure) in enumerate(units)
    ]
    chance.shuffle(made)
    settled = settle_ceilings(candidates(*made), terms("c"), earlier())
    counted = 0
    for one in settled.kept.to_dicts():
        read = json.loads(one["ceilings"])["c"]
        counted += read["counted"]
        part = read["by_rule"] * read["counted"] // read["measure"] if read["measure"] else read["by_rule"]
        assert one["amount"] == part
    assert counted <= limit
    assert counted <= sum(measure for _, measure in units)
    again = settle_ceilings(settled.kept, terms("c"), earlier())
    assert again.kept.equals(settled.kept)


def test_who_is_settled_a_second_time_is_still_told_what_the_rule_gave() -> None:
    rows = candidates(("1", "a", 500, {"c": reading(600, "x")}), ("1", "b", 500, {"c": reading(600, "x")}))
    once = settle_ceilings(rows, terms("c"), earlier())
    meanwhile = earlier(("1", "e", 400, {"c": reading(600, "x")}))
    twice = settle_ceilings(once.kept, terms("c"), meanwhile)
    assert twice.kept.select("unit", "amount").rows() == [("a", 200)]
    told = json.loads(twice.kept["ceilings"][0])["c"]
    assert (told["by_rule"], told["before"]) == (500, 400)
    assert twice.waiting.select("unit", "amount", "reason").rows() == [("b", 500, Reason.CEILING.value)]


def test_a_ceiling_without_a_value_on_the_day_lets_nobody_through() -> None:
    rows = candidates(("1", "a", 500, {"c": reading(None, "x")}))
    settled = settle_ceilings(rows, terms("c"), earlier())
    assert settled.waiting["reason"].to_list() == [Reason.CEILING_UNKNOWN.value]


def test_an_earlier_grant_of_which_nothing_is_known_counts_against_every_group() -> None:
    rows = candidates(("1", "a", 500, {"c": reading(600, "x")}), ("1", "b", 500, {"c": reading(600, "y")}))
    settled = settle_ceilings(rows, terms("c"), earlier(("1", "old", 400, None)))
    assert settled.kept["amount"].to_list() == [200, 200]


def test_an_earlier_grant_whose_ceiling_was_written_otherwise_counts_against_every_group() -> None:
    rows = candidates(("1", "a", 500, {"c": reading(600, "x")}))
    old = {"c": reading(600, "y") | {"as": "otherwise"}}
    settled = settle_ceilings(rows, terms("c"), earlier(("1", "old", 400, old)))
    assert settled.kept["amount"].to_list() == [200]
