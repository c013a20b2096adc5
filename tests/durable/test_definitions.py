"""What a policy becomes in durable-rules: readable rules, within the limits, that the package itself runs."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from engine.benchmark_policies import benchmark_policies, benchmark_vocabulary
from engine.durable_conditions import Test as OneTest
from engine.durable_definition import definition, not_decided_by_durable_rules
from engine.durable_engine import DurableEngine
from engine.durable_lowering import DurablePolicy, lower
from engine.durable_rulesets import MOST_COMPARISONS, MOST_RULES, rulesets_of
from engine.durable_terms import RESERVED, TermBook, attribute_hashes
from engine.interpreter import decide_units
from policies import tree as t
from policies.errors import DurableError
from policies.examples import facts_from_example
from policies.fixing import fix
from policies.library import read_library, read_policy_text
from policies.policy import Condition, Policy
from profiles.catalog_reading import read_catalog
from tests.engine_compilers.generated_trees import BOOL, NUMBER, VOCABULARY, make_policy
from tests.engine_compilers.test_both_compilers_agree import generated_policy

HERE, ROOT = Path(__file__).parent, Path(__file__).resolve().parents[2]
CITY = read_catalog().vocabulary
ON = date(2026, 5, 20)
GOOD, BAD = sorted((HERE / "good").glob("*.yaml")), sorted((HERE / "bad").glob("*.yaml"))
FRAME = {
    "id": "case", "title": {"zh": "例", "en": "case"}, "space": "citizen", "authority": "bureau", "author": "author",
    "basis": [{"document": "doc 1", "date": date(2020, 1, 1)}], "region": "310000",
    "in_force": {"from": date(2020, 1, 1)}, "delivery": "automatic", "period": "month", "schedule": "0 2 1 * *",
    "benefit": {"kind": "service"},
    "examples": [{"name": "nothing is known", "on": ON, "profile": {}, "expect": {"eligible": "unknown"}}],
    "notice": {"granted": {"zh": "{title}", "en": "{title}"}},
}  # fmt: skip


def read(path: Path) -> tuple[Policy, dict[str, Any]]:
    """Return the policy of a file, the usual parts filled in, and what the file expects."""
    listed = ", ".join(str(number) for number in range(1, 100))
    yaml = YAML(typ="safe")
    found = yaml.load(path.read_text().replace("LIST", listed))
    attributes = {name: one for space in CITY.spaces.values() for name, one in space.attributes.items()}
    named = [
        name for name, one in attributes.items() if one.sensitivity == "sensitive" and name in str(found["policy"])
    ]
    text = StringIO()
    yaml.dump({**FRAME, "sensitive": dict.fromkeys(named, "a test"), **found["policy"]}, text)
    return read_policy_text(text.getvalue(), CITY, file=path.name), found


def in_words(policy: DurablePolicy, test: OneTest) -> str:
    name = policy.book.terms[test.term].name
    values = " ".join(str(one).lower() if isinstance(one, bool) else str(one) for one in test.values)
    operator = "=" if test.operator == "in" and len(test.values) == 1 else test.operator
    return f"{name} {operator} {values}"


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_policy_becomes_the_rules_that_the_file_shows(path: Path) -> None:
    policy, found = read(path)
    lowered = lower(fix(policy, CITY, ON), CITY)
    rules = {
        question.name: sorted(
            " and ".join(sorted(in_words(lowered, test) for test in one)) or "always" for one in question.alternatives
        )
        for question in lowered.questions
    }
    assert rules == found["rules"]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_the_rules_of_a_file_give_the_answers_that_it_shows(path: Path) -> None:
    policy, found = read(path)
    fixed = fix(policy, CITY, ON)
    with DurableEngine([fixed], CITY) as engine:
        for case in found["cases"]:
            facts = facts_from_example(policy, CITY, case["profile"])
            answers = engine.decide(facts, [policy.id])
            told = [(unit, one.outcome, one.amount, one.tier, one.settled_by) for _, unit, one in answers]
            assert told == [
                (unit, one.outcome, one.amount, one.tier, one.settled_by) for unit, one in decide_units(fixed, facts)
            ]
            if case["outcome"] == "left out":
                assert told == []
                continue
            ((_, _, verdict),) = answers
            assert (verdict.outcome.value, verdict.amount, verdict.tier) == (
                case["outcome"], case.get("amount"), case.get("tier"),
            ), case  # fmt: skip


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_what_cannot_be_expressed_exactly_is_refused_and_named(path: Path) -> None:
    policy, found = read(path)
    fixed = fix(policy, CITY, ON)
    with pytest.raises(DurableError) as refused:
        lower(fixed, CITY)
    diagnostic = refused.value.diagnostics[0]
    assert diagnostic.code == found["error"] and found["says"] in diagnostic.message.en
    assert policy.id in diagnostic.message.en and diagnostic.help is not None
    warning = not_decided_by_durable_rules(policy, CITY, ON)
    assert warning is not None and warning.severity == "warning"
    assert "not decided by durable-rules" in warning.message.en and warning.place.file == path.name
    with DurableEngine([fixed], CITY) as engine:
        assert engine.refused == {policy.id: diagnostic}
        assert engine.decide(facts_from_example(policy, CITY, {}), [policy.id]) == []


def test_a_constant_that_leaves_64_bits_is_refused() -> None:
    huge = t.Compare(BOOL, "<", t.Attribute(NUMBER, ("n",)), t.Literal(NUMBER, 2**63 - 1))
    with pytest.raises(DurableError) as refused:
        lower(make_policy("huge", Condition("leaf", expression=huge)), VOCABULARY)
    assert "64 bits" in refused.value.diagnostics[0].message.en


def test_every_policy_of_the_library_and_of_the_benchmark_can_be_expressed() -> None:
    library = read_library(ROOT / "policies", CITY)
    assert len(library.policies) >= 30
    for policy in library.policies.values():
        assert not_decided_by_durable_rules(policy, CITY, ON) is None
    invented = benchmark_vocabulary()
    for one in benchmark_policies(169, 1):
        lower(one.fixed, invented)


def test_no_ruleset_leaves_what_was_measured_to_be_sound() -> None:
    """At most 60 rules and 400 comparisons, one flat pattern, the guard in every rule, one canary."""
    policies = [one.fixed for one in benchmark_policies(300, 1)]
    book = TermBook()
    rulesets = rulesets_of([lower(one, benchmark_vocabulary(), book) for one in policies])
    for ruleset in rulesets:
        rules = ruleset.definition()
        assert len(rules) <= MOST_RULES == 60 and list(rules)[-1] == "canary"
        assert sum(rule.comparisons for rule in ruleset.rules) <= MOST_COMPARISONS
        for name, rule in rules.items():
            ((pattern,),) = ([list(one.values()) for one in rule["all"]],)
            conditions = pattern[0].get("$and", [pattern[0]])
            assert conditions[0] == {"kind": "case"} and (name == "canary") == (rule.get("pri") == 1000)
            for condition in conditions[1:]:
                ((key, inner),) = condition.items()
                assert key in ("$or", "$neq", "$lt", "$lte", "$gt", "$gte") or not key.startswith("$")
                alternatives = inner if key == "$or" else []
                assert all(len(one) == 1 and not isinstance(one[next(iter(one))], dict) for one in alternatives)
    assert sum(len(one.rules) for one in rulesets) > 1_000


def test_a_definition_is_the_same_each_time_it_is_made() -> None:
    policy = read_library(ROOT / "policies", CITY).policies["cn-31-elderly-allowance"]
    assert json.dumps(definition(policy, CITY, ON)) == json.dumps(definition(policy, CITY, ON))
    for seed in range(40):
        fixed = generated_policy(seed, 0, 4)
        assert definition(fixed, VOCABULARY, ON) == definition(fixed, VOCABULARY, ON)


def test_names_that_durable_rules_could_not_tell_apart_are_not_used() -> None:
    """Two names found to have one 32-bit hash: the second attribute gets another name."""
    one, other = "attr_70789", "attr_2110122"
    assert (
        attribute_hashes(one)[1] == attribute_hashes(other)[1] or attribute_hashes(one)[0] == attribute_hashes(other)[0]
    )
    book = TermBook()
    for name in (one, other, *RESERVED):
        book.number_of("value", t.Attribute(NUMBER, (name,)))
    names = [term.name for term in book.terms]
    assert names[0] == one and other not in names and not RESERVED & set(names)
    for which in (0, 1):
        assert len({attribute_hashes(name)[which] for name in names}) == len(names)


RAW_HOST = """
import json, sys
from durable.engine import Host, MessageNotHandledException
given = json.load(sys.stdin)
fired = []
class Quiet(Host):
    def _run(self):
        pass
def note(name):
    def run(c):
        fired.append(name)
    return run
for rules in given["rulesets"].values():
    for name, rule in rules.items():
        rule["run"] = note(name)
host = Quiet(given["rulesets"])
answers = []
for number, fact in enumerate(given["facts"]):
    fired.clear()
    for ruleset in given["rulesets"]:
        whole = {"id": "e", "sid": "0", **given["guard"], **fact}
        host.assert_fact(ruleset, dict(whole))
        host.retract_fact(ruleset, dict(whole))
    answers.append(list(fired))
print(json.dumps(answers))
"""


def test_what_show_prints_runs_in_durable_rules_itself() -> None:
    """`policies show ID --as durable`, given to the package's own Host by somebody who has nothing of ours."""
    shown = subprocess.run(
        [sys.executable, "cli.py", "policies", "show", "cn-31-elderly-allowance", "--as", "durable", "--on", "2026-05-20"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    printed = json.loads(shown.stdout)
    assert printed["on"] == "2026-05-20" and printed["guard"] == {"kind": "case"}
    assert printed["facts"]["age_in_month"]["from"] == ["birth_date"]
    known = {"hukou_region_first_2": "31", "age_in_month": 72, "alive": True}
    facts = [known, {**known, "alive": False}, {"age_in_month": 72, "alive": True}, {**known, "age_in_month": 64}]
    assert set(known) <= set(printed["facts"])
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RAW_HOST], input=json.dumps({**printed, "facts": facts}),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answers = [
        {word for name in names for word in ("yes", "no", "canary") if f" {word} " in f" {name} "}
        for names in json.loads(found.stdout)
    ]
    assert answers == [{"yes", "canary"}, {"no", "canary"}, {"canary"}, {"no", "canary"}]
