"""On every worked example of every rule file in the library, the batch answers like the reference."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from engine.ceiling_readings import ceilings_read
from engine.columnar import decide_all
from engine.decision import Outcome
from engine.evidence_facts import decide_again, inputs_from_json
from engine.frames_population import FramesPopulation, column_type
from engine.interpreter import decide, decide_units
from engine.policy_inputs import inputs_of
from policies.example_facts import ExampleFacts
from policies.examples import facts_from_example, run_examples
from policies.fixing import fix
from policies.library import read_library
from policies.policy import Policy
from policies.text import Bilingual
from policies.tree import Attribute
from policies.types import Date, from_day_number
from policies.vocabulary import Collection, Vocabulary
from profiles.catalog_reading import read_catalog

VOCABULARY = read_catalog().vocabulary
LIBRARY = read_library(Path(__file__).resolve().parents[2] / "policies", VOCABULARY)
# Every space has it, though no catalog declares it.
GRANTS = Collection("grants", Bilingual("已发放", "grants"), {})
OUTCOMES = {Outcome.ELIGIBLE: True, Outcome.INELIGIBLE: False, Outcome.UNDETERMINED: None}


class Written:
    """The people of one example, written out as frames."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.subjects: dict[str, dict[str, dict]] = {name: {} for name in vocabulary.spaces}
        self.items: dict[tuple[str, str], list[dict]] = {}
        self.unknown: set[tuple[str, str]] = set()

    def subject(self, facts: ExampleFacts, space: str, name: str) -> None:
        declared = self.vocabulary.spaces[space]
        row = {one: facts.values.get(one) for one in declared.attributes}
        for link in declared.links.values():
            row[link.name] = self._link(facts, link.name, link.target)
        self.subjects[space][name] = row
        for collection in (*declared.collections.values(), GRANTS):
            given = facts.collections.get(collection.name)
            if given is None:
                self.unknown.add((space, collection.name))
                continue
            listed = self.items.setdefault((space, collection.name), [])
            listed += [self._item(item, collection, name) for item in given]

    def _item(self, item: ExampleFacts, collection: Collection, owner: str) -> dict:
        row = {"owner": owner, "item": item.id}
        row |= {one: item.values.get(one) for one in collection.attributes}
        if collection.name == "grants":
            row |= item.values
        for link in collection.links.values():
            row[link.name] = self._link(item, link.name, link.target)
        if collection.member_space is not None:
            row["member"] = f"{owner}/{collection.name}/{item.id}"
            self.subject(item, collection.member_space, row["member"])
        return row

    def _link(self, facts: ExampleFacts, name: str, target: str) -> str | None:
        other = facts.links.get(name)
        if other is None:
            return None
        if other.values or other.links or other.collections:
            self.subject(other, target, other.id)
        return other.id

    def population(self) -> FramesPopulation | None:
        """None where one subject's collection is known and another's is not: frames cannot say that."""
        if self.unknown & set(self.items):
            return None
        spaces = {
            space: _frame([{"subject": one, **row} for one, row in rows.items()], self.vocabulary.spaces[space])
            for space, rows in self.subjects.items()
        }
        collections = {
            (space, name): _frame(rows, self.vocabulary.spaces[space].collections.get(name))
            for (space, name), rows in self.items.items()
        }
        return FramesPopulation(self.vocabulary, spaces, collections)


def _frame(rows: list[dict], declared: object) -> pl.DataFrame:
    names = ["subject", "owner", "item", "member"]
    if not rows:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    columns = {}
    for name in dict.fromkeys(one for row in rows for one in row):
        attribute = None if declared is None else declared.attributes.get(name)  # type: ignore[attr-defined]
        values = [row.get(name) for row in rows]
        kind = None if attribute is None else column_type(attribute.type)
        if attribute is not None and isinstance(attribute.type, Date):
            values = [None if value is None else from_day_number(value) for value in values]
        if kind is None and name == "granted_on":
            values, kind = [None if value is None else from_day_number(value) for value in values], pl.Date
        columns[name] = pl.Series(name, values, dtype=kind)
    return pl.DataFrame(columns)


def test_the_library_can_be_read() -> None:
    assert LIBRARY.policies


@pytest.mark.parametrize("policy", LIBRARY.policies.values(), ids=list(LIBRARY.policies))
def test_the_reference_gives_what_every_example_expects(policy: Policy) -> None:
    failed = [result for result in run_examples(policy, VOCABULARY, decide) if not result.passed]
    assert not failed


@pytest.mark.parametrize("policy", LIBRARY.policies.values(), ids=list(LIBRARY.policies))
def test_the_batch_gives_what_the_reference_gives(policy: Policy) -> None:
    compared = 0
    for example in policy.examples:
        fixed = fix(policy, VOCABULARY, example.on, given=example.given)
        facts = facts_from_example(policy, VOCABULARY, example.profile)
        written = Written(VOCABULARY)
        written.subject(facts, policy.space, "example")
        population = written.population()
        if population is None:
            continue
        compared += 1
        subjects = pl.Series(["example"])
        population = FramesPopulation(VOCABULARY, population.spaces, population.collections, {policy.space: subjects})
        matches = decide_all([fixed], population)
        assert matches.error(policy.id) is None, matches.error(policy.id)
        expected = [
            ("example", unit, OUTCOMES[decision.outcome], decision.amount)
            for unit, decision in sorted(decide_units(fixed, facts), key=lambda one: one[0])
        ]
        assert matches.outcomes(policy.id).rows() == expected, example.name
        for row in matches.rows(policy.id).rows(named=True):
            again = decide_again(fixed, inputs_from_json(fixed, row["evidence"]))
            assert (again.outcome, again.amount) == (Outcome.ELIGIBLE, row["amount"])
            read = ceilings_read(fixed, facts, _unit(policy, facts, row["unit"]))
            assert _opened(row["ceilings"]) == _opened(read), example.name
    assert compared * 2 > len(policy.examples)


def _unit(policy: Policy, facts: ExampleFacts, unit: str) -> ExampleFacts | None:
    if policy.for_each is None:
        return None
    return next(one for one in facts.items((policy.for_each,)) or () if one.id == unit)


def _opened(text: str | None) -> object:
    return None if text is None else json.loads(text)


@pytest.mark.parametrize("policy", sorted(LIBRARY.policies))
def test_a_datum_is_one_input_however_often_and_in_whatever_unit_a_policy_takes_it(policy: str) -> None:
    inputs = inputs_of(fix(LIBRARY.policies[policy], VOCABULARY, LIBRARY.policies[policy].in_force[0]))
    data = [(one.node.depth, one.node.path) for one in inputs if isinstance(one.node, Attribute)]
    assert len(data) == len(set(data))


def test_a_datum_is_shown_in_the_unit_and_with_the_decimals_that_the_catalog_declares() -> None:
    # Arithmetic takes the rate as a whole number of hundredths of a per cent.
    policy = LIBRARY.policies["cn-consumer-loan-interest"]
    (rate,) = (one for one in inputs_of(fix(policy, VOCABULARY, policy.in_force[0])) if one.name == "rate")
    assert rate.type == VOCABULARY.spaces["citizen"].collections["loans"].attributes["rate"].type
