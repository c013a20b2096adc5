"""What the checker hands on: minimal reads, settled scopes, ranges, warnings."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from policies.errors import PolicyError
from policies.fixing import constant, fix
from policies.library import read_policy_text
from policies.periods import period_of
from policies.policy import FixedPolicy, Policy
from policies.tree import (
    Aggregate,
    And,
    Attribute,
    Compare,
    If,
    Literal,
    Lookup,
    Named,
    Node,
    PrefixLookup,
    walk,
)
from policies.types import Number, to_day_number
from policies.vocabulary import Vocabulary

TEMPLATE = (Path(__file__).parent / "good" / "tiers_by_age.yaml").read_text(encoding="utf-8")
HEAD, REST = TEMPLATE[: TEMPLATE.index("parameters:")], TEMPLATE[TEMPLATE.index("notice:") :]
HEAD = HEAD[HEAD.index("\n") + 1 :]


def _policy(vocabulary: Vocabulary, condition: str, *, extra: str = "", amount: str = "75", head: str = HEAD) -> Policy:
    text = f"{head}{extra}eligibility: {condition!r}\nbenefit: {{kind: cash, amount: {amount!r}}}\n{REST}"
    return read_policy_text(text, vocabulary)


def _expression(policy: Policy | FixedPolicy) -> Node:
    assert policy.eligibility.expression is not None
    return policy.eligibility.expression


def _codes(vocabulary: Vocabulary, condition: str, **more: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        _policy(vocabulary, condition, **more)
    return [one.code for one in caught.value.diagnostics]


# What is read


def test_only_what_is_named_is_read(vocabulary: Vocabulary) -> None:
    policy = _policy(vocabulary, "age >= 65 and employer.size_class == 'L'")
    assert policy.reads == {
        "citizen": frozenset({"birth_date", "employer"}),
        "enterprise": frozenset({"size_class"}),
    }


def test_a_collection_through_a_link_is_read_with_its_members(vocabulary: Vocabulary) -> None:
    policy = _policy(vocabulary, "count(household.members, relationship == 'head' and age > 60) > 0")
    assert policy.reads == {
        "citizen": frozenset({"household", "birth_date"}),
        "household.members": frozenset({"relationship"}),
    }


def test_past_grants_are_a_collection_of_every_space(vocabulary: Vocabulary) -> None:
    policy = _policy(vocabulary, "not any(employer.grants, amount > 100)")
    assert policy.reads["enterprise.grants"] == {"amount"}


def test_the_key_of_a_table_is_read_but_not_what_by_names(vocabulary: Vocabulary) -> None:
    table = "parameters: {t: {by: employer.size_class, otherwise: 1, values: {2020-01-01: {L: 2}}}}\n"
    assert "enterprise" not in _policy(vocabulary, "alive or t['L'] > 3", extra=table).reads


def test_a_sensitive_attribute_behind_a_link_must_be_declared_too(vocabulary: Vocabulary) -> None:
    assert _codes(vocabulary, "alive and guardian.hiv") == ["sensitive-not-declared"]
    policy = _policy(vocabulary, "alive and guardian.hiv", extra="sensitive: {hiv: why}\n")
    assert policy.sensitive == {"hiv": "why"}


def test_a_sensitive_attribute_may_be_declared_with_its_space(vocabulary: Vocabulary) -> None:
    assert _policy(vocabulary, "hiv", extra="sensitive: {citizen.hiv: why}\n").warnings == ()


def test_what_is_declared_and_not_used_is_a_warning(vocabulary: Vocabulary) -> None:
    policy = _policy(vocabulary, "alive", extra="sensitive: {hiv: why}\nparameters: {x: {2020-01-01: 1}}\n")
    assert [one.code for one in policy.warnings] == ["unused-parameter", "unused-sensitive"]
    assert {one.severity for one in policy.warnings} == {"warning"}


# Scopes


def test_a_derived_attribute_behind_a_link_keeps_the_link(vocabulary: Vocabulary) -> None:
    node = _expression(_policy(vocabulary, "parent_age > 60"))
    assert [one.path for one in walk(node) if isinstance(one, Attribute)] == [("guardian", "birth_date")]
    assert [one.name for one in walk(node) if isinstance(one, Named)] == ["parent_age", "guardian.age"]


def test_nested_collections_become_an_aggregate_of_aggregates(vocabulary: Vocabulary) -> None:
    node = _expression(_policy(vocabulary, "count(household.members.incomes, kind == 'wage') > 1"))
    outer, inner = (one for one in walk(node) if isinstance(one, Aggregate))
    assert (outer.kind, outer.path, outer.from_depth, outer.depth) == ("sum", ("household", "members"), 0, 1)
    assert (inner.kind, inner.path, inner.from_depth, inner.depth) == ("count", ("incomes",), 1, 2)
    assert outer.text == "count(household.members.incomes, kind == 'wage')"


def test_with_units_the_subject_is_depth_0_and_aggregates_start_at_depth_2(vocabulary: Vocabulary) -> None:
    head = HEAD.replace("space: citizen", "space: enterprise").replace(
        "period: month", "period: event\nfor_each: hires"
    )
    node = _expression(
        _policy(
            vocabulary,
            "insured_months > 3 and count(subject.hires) > 1 and any(person.certificates, shortage)",
            head=head,
        )
    )
    assert isinstance(node, And)
    assert [one.depth for one in walk(node) if isinstance(one, Attribute)] == [1, 2]
    folds = [one for one in walk(node) if isinstance(one, Aggregate)]
    assert [(one.path, one.from_depth, one.depth) for one in folds] == [
        (("hires",), 0, 2),
        (("person", "certificates"), 1, 2),
    ]


def test_with_units_the_subjects_names_need_a_prefix(vocabulary: Vocabulary) -> None:
    head = HEAD.replace("space: citizen", "space: enterprise").replace(
        "period: month", "period: event\nfor_each: hires"
    )
    assert _codes(vocabulary, "active", head=head) == ["unknown-name"]


# Ranges, units, scales


@pytest.mark.parametrize(
    ("expression", "low", "high", "scale", "unit"),
    [
        ("income + 1", 100, 10**11 + 100, 2, "yuan"),
        ("-income", -(10**11), 0, 2, "yuan"),
        ("income * 0.055", 0, 55 * 10**11, 5, "yuan"),
        ("min(income, 20)", 0, 2000, 2, "yuan"),
        ("max(income, 20)", 2000, 10**11, 2, "yuan"),
        ("insured_months * income", 0, 1_200 * 10**11, 2, "yuan"),
        ("insured_months * 2.5", 0, 30_000, 1, "months"),
        ("income if alive else 7", 0, 10**11, 2, "yuan"),
        ("count(certificates)", 0, 100, 0, None),
        ("sum(certificates, level)", 0, 500, 0, None),
        ("round_down(income / 3)", 0, 333_333_334, 0, "yuan"),
        ("round_to(income, 50, 'up')", 0, 10**9, 0, "yuan"),
        ("yuan(rate)", 0, 10_000, 4, "yuan"),
    ],
)
def test_the_range_of_a_result_follows_from_its_parts(
    vocabulary: Vocabulary, expression: str, low: int, high: int, scale: int, unit: str | None
) -> None:
    policy = _policy(vocabulary, "x == x", extra=f"definitions: {{x: {expression!r}}}\n")
    kind = policy.definitions["x"].type
    assert isinstance(kind, Number)
    assert (kind.low, kind.high, kind.scale, kind.unit) == (low, high, scale, unit)


def _of_unit(unit: str) -> str:
    return f"parameters: {{limit: {{unit: {unit}, values: {{2020-01-01: 65}}}}}}\n"


@pytest.mark.parametrize("condition", ["age >= limit", "min(age, limit) > 3", "add_years(birth_date, limit) <= on"])
def test_an_age_goes_together_with_years(vocabulary: Vocabulary, condition: str) -> None:
    for unit in ("age", "years"):
        assert _policy(vocabulary, condition, extra=_of_unit(unit))


@pytest.mark.parametrize("condition", ["age >= limit", "add_years(birth_date, limit) <= on"])
def test_the_number_of_a_year_is_no_count_of_years(vocabulary: Vocabulary, condition: str) -> None:
    assert _codes(vocabulary, condition, extra=_of_unit("calendar_year")) == ["unit-mismatch"]
    assert _policy(vocabulary, "year(on) >= limit", extra=_of_unit("calendar_year"))


def test_a_literal_takes_the_unit_and_scale_of_its_neighbour(vocabulary: Vocabulary) -> None:
    node = _expression(_policy(vocabulary, "income >= 1000.5"))
    assert isinstance(node, Compare) and isinstance(node.right, Literal)
    assert node.right.value == 100_050


@pytest.mark.parametrize(
    "condition",
    [
        "income > rate",
        "income > insured_months",
        "income + rate > 3",
        "rate / income > 3",
        "min(income, rate) > 3",
    ],
)
def test_money_is_not_mixed_with_numbers(vocabulary: Vocabulary, condition: str) -> None:
    assert _codes(vocabulary, condition) == ["unit-mismatch"]


def test_amounts_are_fen(vocabulary: Vocabulary) -> None:
    policy = _policy(vocabulary, "alive", amount="0.5")
    assert policy.benefit.amount == Literal(Number(2, "yuan", 50, 50), 50)


# Settling


def test_a_definition_may_stand_before_what_it_uses(vocabulary: Vocabulary) -> None:
    policy = _policy(vocabulary, "a", extra="definitions: {a: b > 1, b: c + 1, c: insured_months}\n")
    assert list(policy.definitions) == ["c", "b", "a"]


def _fixed(vocabulary: Vocabulary, condition: str, on: date, extra: str) -> Node:
    return _expression(fix(_policy(vocabulary, condition, extra=extra), vocabulary, on))


def test_a_parameter_has_no_value_before_its_first_date_and_after_its_abolition(
    vocabulary: Vocabulary,
) -> None:
    extra = "parameters: {x: {2020-01-01: 3, 2025-01-01: 4, 2026-01-01: null}}\n"
    values = {}
    for year in (2019, 2020, 2024, 2025, 2026):
        node = _fixed(vocabulary, "x > 1", date(year, 1, 1), extra)
        assert isinstance(node, Compare)
        values[year] = constant(node.left)
    assert values == {2019: None, 2020: 3, 2024: 3, 2025: 4, 2026: None}


def test_a_value_on_a_date_of_the_subject_becomes_steps(vocabulary: Vocabulary) -> None:
    extra = "parameters: {x: {2020-01-01: 3, 2025-01-01: 4}}\n"
    node = _fixed(vocabulary, "value_on(x, birth_date) > 1", date(2026, 1, 1), extra)
    steps = [one for one in walk(node) if isinstance(one, If)]
    assert len(steps) == 2
    assert any(isinstance(one, Literal) and one.missing == "x" for one in walk(node))


def test_tables_become_look_ups(vocabulary: Vocabulary) -> None:
    extra = "parameters: {t: {by: household.size, each_further: 5, values: {2020-01-01: {1: 3, 2: 4}}}}\n"
    node = _fixed(vocabulary, "t[household.size] > 1", date(2026, 1, 1), extra)
    found = next(one for one in walk(node) if isinstance(one, Lookup))
    assert (found.cases, found.each_further, found.default) == (((1, 3), (2, 4)), (2, 5), None)


def test_an_indicator_is_read_at_its_lag(vocabulary: Vocabulary) -> None:
    def value(on: date) -> object:
        node = _fixed(vocabulary, "cpi_yoy > 1", on, "")
        assert isinstance(node, Compare)
        return constant(node.left)

    assert value(date(2026, 5, 1)) == value(date(2026, 5, 31)) == 36
    assert value(date(2026, 4, 30)) is None
    assert value(date(2026, 6, 1)) is None


def test_regions_are_prefixes_without_their_zeros(vocabulary: Vocabulary) -> None:
    node = _fixed(vocabulary, "dibao_standard[hukou_region] > 1", date(2026, 5, 1), "")
    found = next(one for one in walk(node) if isinstance(one, PrefixLookup))
    assert found.cases == (("31", 160_000), ("", 80_000))


def test_dates_are_those_of_the_given_period(vocabulary: Vocabulary) -> None:
    policy = _policy(vocabulary, "birth_date <= month_end(add_months(period_start, 1))")
    node = _expression(fix(policy, vocabulary, date(2026, 5, 20), period_of("month", date(2026, 1, 5))))
    assert isinstance(node, Compare)
    assert constant(node.right) == to_day_number(date(2026, 2, 28))


def test_only_indicators_can_be_given(vocabulary: Vocabulary) -> None:
    policy = _policy(vocabulary, "cpi_yoy > 1")
    with pytest.raises(PolicyError) as caught:
        fix(policy, vocabulary, date(2026, 5, 20), given={"cpi_yo": 3})
    assert caught.value.diagnostics[0].code == "unknown-name"
    with pytest.raises(PolicyError) as caught:
        fix(policy, vocabulary, date(2026, 5, 20), given={"cpi_yoy": "3"})
    assert caught.value.diagnostics[0].code == "wrong-type"


# Limits


def test_a_long_chain_of_definitions_is_refused_in_any_order(vocabulary: Vocabulary) -> None:
    links = ["a0: insured_months", *(f"a{n}: a{n - 1} + 1" for n in range(1, 300))]
    for ordered in (links, links[::-1]):
        codes = _codes(vocabulary, "a299 > 1", extra="definitions: {" + ", ".join(ordered) + "}\n")
        assert set(codes) == {"too-deep"}


def test_a_chain_of_definitions_within_the_limit_is_read_in_any_order(vocabulary: Vocabulary) -> None:
    links = ["a0: insured_months", *(f"a{n}: a{n - 1} + 1" for n in range(1, 50))]
    for ordered in (links, links[::-1]):
        policy = _policy(vocabulary, "a49 > 1", extra="definitions: {" + ", ".join(ordered) + "}\n")
        assert list(policy.definitions) == [f"a{n}" for n in range(50)]


def test_a_long_circle_of_definitions_is_one_finding_for_each(vocabulary: Vocabulary) -> None:
    circle = ", ".join(f"a{n}: a{(n + 1) % 300} + 1" for n in range(300))
    codes = _codes(vocabulary, "a0 > 1", extra=f"definitions: {{{circle}}}\n")
    assert set(codes) <= {"definition-cycle", "too-deep"}


def test_definitions_that_double_are_refused_at_once(vocabulary: Vocabulary) -> None:
    doubling = ", ".join([*(f"a{n}: 'min(a{n - 1}, a{n - 1})'" for n in range(1, 60)), "a0: insured_months"])
    codes = _codes(vocabulary, "a59 > 1", extra=f"definitions: {{{doubling}}}\n")
    assert set(codes) == {"too-many-nodes"}


def test_scales_of_scales_are_refused_at_once(vocabulary: Vocabulary) -> None:
    brackets = ", ".join(f"{{from: {n * 10}, rate: 0.{n + 1}}}" for n in range(8))
    extra = f"parameters: {{s: {{scale: stepped, values: {{2020-01-01: [{brackets}]}}}}}}\n"
    nested = "insured_months"
    for _ in range(6):
        nested = f"progressive(s, {nested})"
    assert set(_codes(vocabulary, f"{nested} > 1", extra=extra)) <= {"too-many-nodes", "may-overflow"}


def test_many_conditions_together_are_refused(vocabulary: Vocabulary) -> None:
    leaves = "eligibility:\n  all:\n" + "    - age >= 65 and age < 70\n" * 700
    text = f"{HEAD}{leaves}benefit: {{kind: service}}\n{REST}"
    with pytest.raises(PolicyError) as caught:
        read_policy_text(text, vocabulary)
    assert [one.code for one in caught.value.diagnostics] == ["too-many-nodes"]


def test_a_fraction_with_a_floor_may_be_negative_before_it(vocabulary: Vocabulary) -> None:
    head = HEAD.replace("fund: allowance\n", "")
    text = f"{head}eligibility: alive\nbenefit: {{kind: cash, amount: (income - 100) / 3, floor: 0, "
    text += f"rounding: {{to: fen, mode: down}}}}\n{REST}"
    assert read_policy_text(text, vocabulary).benefit.amount is not None
