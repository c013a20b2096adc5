"""Overlays drawn by chance: everybody gets the value of the narrowest place that has one, and nothing escapes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.interpreter import decide
from policies.codes import trimmed
from policies.errors import PolicyError
from policies.examples import facts_from_example
from policies.fixing import fix
from policies.library import check_overlay_file, read_policy_text
from policies.overlays import joined
from policies.vocabulary import Vocabulary
from tests.overlays.conftest import RULES

RULE = """\
id: r
title: {{zh: 补贴, en: allowance}}
space: citizen
authority: 某部
author: a
basis: [{{document: 文}}]
region: "000000"
in_force: {{from: 2020-01-01}}
delivery: automatic
period: month
schedule: "0 2 1 * *"
parameters:
  standard: {{unit: yuan, by_region: true, values: {{{values}}}}}
eligibility: alive
benefit: {{kind: cash, amount: "standard[hukou_region]"}}
notice: {{granted: {{zh: "{{title}}", en: "{{title}}"}}}}
"""
PLACES = ["310000", "310100", "310115", "330000"]
DAYS = [date(2020, 1, 1), date(2021, 3, 1), date(2022, 7, 1), date(2023, 1, 1)]
YUAN = st.one_of(st.integers(1, 999), st.none())
RULES_OWN = st.dictionaries(
    st.sampled_from(DAYS[1:]), st.dictionaries(st.sampled_from(["", "65", "6504"]), YUAN), max_size=2
)
VALUES = st.dictionaries(st.sampled_from(DAYS), YUAN, min_size=1, max_size=3)
PLACE = st.tuples(st.sampled_from(PLACES), VALUES, st.sampled_from([None, date(2022, 6, 30), date(2022, 12, 31)]))


def _yaml(values: dict[object, object]) -> str:
    def written(key: object, value: object) -> str:
        shown = "null" if value is None else _yaml(value) if isinstance(value, dict) else str(value)
        return f"{key}: {shown}" if isinstance(key, date) else f'"{key}": {shown}'

    return "{" + ", ".join(written(key, value) for key, value in sorted(values.items(), key=str)) + "}"


def _overlay(region: str, values: dict[date, int | None], end: date | None) -> str:
    to = f", to: {end}" if end else ""
    return (
        f'overlays: r\nregion: "{region}"\nauthor: b\nauthority: 某市\nbasis: [{{document: 文}}]\n'
        f"in_force: {{from: 2020-01-01{to}}}\nparameters:\n  standard: {_yaml(dict(values))}\n"
    )


def _expected(
    on: date, person: str, own: dict[date, dict[str, int | None]], places: list[tuple[str, dict[date, int | None], date | None]]
) -> int | None:  # fmt: skip
    """What the narrowest place that has a value on this day says; None is no value, and an abolished one."""
    known: dict[str, int | None] = {}
    current = [day for day in own if day <= on]
    if current:
        known.update(own[max(current)])
    for region, values, end in places:
        begun = [day for day in values if day <= on]
        if begun and (end is None or on <= end):
            known[trimmed(region)] = values[max(begun)]
    fitting = [region for region in known if person.startswith(region)]
    return known[max(fitting, key=len)] if fitting else None


@settings(max_examples=120, deadline=None)
@given(own=RULES_OWN, places=st.lists(PLACE, max_size=4, unique_by=lambda one: one[0]), person=st.sampled_from(["310115", "310104", "310230", "330106", "650402", "510104"]), on=st.sampled_from([*DAYS, date(2022, 6, 30), date(2022, 12, 31), date(2030, 1, 1)]))  # fmt: skip
def test_the_narrowest_place_with_a_value_on_the_day_decides(
    vocabulary: Vocabulary,
    own: dict[date, dict[str, int | None]],
    places: list[tuple[str, dict[date, int | None], date | None]],
    person: str,
    on: date,
) -> None:
    assume(all(end is None or max(values) <= end for _, values, end in places))
    own = {date(2020, 1, 1): {}, **own}
    text = joined(RULE.format(values=_yaml(dict(own))[1:-1]), [_overlay(*one) for one in places])
    policy = read_policy_text(text, vocabulary)
    facts = facts_from_example(policy, vocabulary, {"alive": True, "hukou_region": person})
    found = decide(fix(policy, vocabulary, on), facts)
    expected = _expected(on, person, own, places)
    assert found.amount == (None if expected is None else expected * 100)
    assert found.outcome.value == ("undetermined" if expected is None else "eligible")


OVERLAY = (RULES / "shanghai.overlay.yaml").read_text(encoding="utf-8").replace('"310000"', '"320000"')


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_an_overlay_only_policy_errors_escape(
    vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    lines = OVERLAY.splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    action = data.draw(st.sampled_from(["drop", "twice", "cut", "replace", "insert"]))
    junk = data.draw(st.sampled_from(["null", "[]", "{}", "2022-02-30", "9999-12-31", "-1", "1e9", '""', "{1: 2}", "true", "\x00", "&a", "*a", "'", "--- # overlay", "999999999999999999999"]))  # fmt: skip
    at = data.draw(st.integers(0, len(lines[number])))
    changed = {
        "drop": [],
        "twice": [lines[number]] * 2,
        "cut": [lines[number][:at]],
        "replace": [lines[number].partition(":")[0] + ": " + junk],
        "insert": [lines[number][:at] + junk + lines[number][at:]],
    }[action]
    path: Path = tmp_path_factory.getbasetemp() / "changed.overlay.yaml"
    path.write_text("\n".join([*lines[:number], *changed, *lines[number + 1 :]]) + "\n", encoding="utf-8")
    try:
        check_overlay_file(path, RULES, vocabulary)
    except PolicyError as error:
        for one in error.diagnostics:
            assert one.place.file is not None and one.message.zh and one.message.en
