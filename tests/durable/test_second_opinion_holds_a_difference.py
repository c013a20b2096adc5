"""One answer on which the engines differ holds the policy: nobody is granted anything by it, and the case is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.columnar import Compiled
from engine.decision import Population
from engine.durable_engine import DurableEngine
from engine.frames_population import FramesPopulation
from engine.ledger import Ledger
from engine.ledger.grants import grants
from engine.matches import Matches
from engine.opinion_sampling import Chooser
from engine.run_report import RunReport
from engine.running import run
from engine.second_opinion import SecondOpinion
from notifier.console.opinions import sample_size
from policies.errors import DurableError, RunError, SettingsError
from policies.fixing import fix
from policies.policy import Condition, Policy
from policies.tree import Attribute as Datum
from policies.tree import Compare, Literal
from policies.types import Bool, Text
from policies.vocabulary import Attribute, Space, Vocabulary
from tests.run.small_city import (
    ON,
    PLAIN,
    at_least,
    city,
    library,
    money,
    policy,
    prepared,
    pseudonym,
    title,
    vocabulary,
)

DECIDE = Compiled.decide


def do(ledger: Ledger, policies: dict[str, Policy], **options: Any) -> RunReport:
    return run(ledger, options.pop("snapshot", None) or city(), policies, vocabulary(), ON, **options)


def two_policies() -> dict[str, Policy]:
    made = [policy("elder", at_least("age", 80), money(20_000)), policy("base", at_least("age", 60), money(5_000))]
    return {one.id: one for one in made}


def answer_wrongly(monkeypatch: pytest.MonkeyPatch, name: str, subject: str, answer: bool | None) -> None:
    """Let the batch compiler be wrong about one subject of one policy."""

    def wrong(self: Compiled, population: Population) -> Matches:
        found = DECIDE(self, population)
        results = dict(found.results)
        if name in results:
            result = results[name]
            assert result.frame is not None
            here = result.frame["subject"] == subject
            told = pl.select(pl.when(here).then(pl.lit(answer)).otherwise(result.eligible)).to_series()
            results[name] = replace(result, eligible=told)
        return Matches(results, found.errors)

    monkeypatch.setattr(Compiled, "decide", wrong)


def test_nobody_is_granted_by_a_policy_on_which_the_engines_differ_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = two_policies()
    ledger = prepared(tmp_path, policies)
    answer_wrongly(monkeypatch, "elder", pseudonym("c7"), True)  # seven years old
    report = do(ledger, policies, differences=tmp_path / "differences")
    elder, base = (next(one for one in report.policies if one.policy == name) for name in ("elder", "base"))
    assert elder.held is not None and elder.held.code == "second-opinion" and not elder.held.releasable
    assert elder.opinion.differences == 1 and elder.new_grants == 0
    assert base.held is None and base.new_grants > 0
    assert set(grants(ledger)["policy"]) == {"base"}
    (kept,) = (tmp_path / "differences").iterdir()
    assert kept.name in elder.held.reason.en and elder.opinion.files == (kept.name,)
    case = json.loads(kept.read_text())
    assert case["answers"]["columnar"]["outcome"] == "eligible"
    assert case["answers"]["interpreter"]["outcome"] == case["answers"]["durable-rules"]["outcome"] == "ineligible"
    assert case["facts"]["values"] == {"age": 7}
    assert case["version"] == policies["elder"].version and case["on"] == "2026-11-22" and case["period"] == "2026-11"


@pytest.mark.parametrize(("answer", "who"), [(False, "c85"), (None, "c85"), (True, "c49"), (None, "c7")])
def test_every_kind_of_wrong_answer_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bool | None, who: str
) -> None:
    policies = two_policies()
    ledger = prepared(tmp_path, policies)
    answer_wrongly(monkeypatch, "elder", pseudonym(who), answer)
    report = do(ledger, policies, only=["elder"])
    assert report.policies[0].held is not None and report.policies[0].held.code == "second-opinion"
    assert grants(ledger).is_empty()


def test_a_kept_case_names_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policies = two_policies()
    ledger = prepared(tmp_path, policies)
    answer_wrongly(monkeypatch, "elder", pseudonym("c7"), True)
    do(ledger, policies, differences=tmp_path / "differences")
    (kept,) = (tmp_path / "differences").iterdir()
    assert pseudonym("c7") not in kept.read_text() + kept.name
    assert kept.stat().st_mode & 0o077 == 0


def test_a_hold_cannot_be_released_by_hand_but_ends_when_the_engines_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = two_policies()
    ledger = prepared(tmp_path, policies)
    answer_wrongly(monkeypatch, "elder", pseudonym("c7"), True)
    do(ledger, policies)
    still = do(ledger, policies, release=["elder"])
    assert still.policies[1].policy == "elder" and still.policies[1].held is not None
    monkeypatch.setattr(Compiled, "decide", DECIDE)
    fixed = do(ledger, policies)
    assert fixed.policies[1].held is None and fixed.policies[1].new_grants == 76


def test_after_a_difference_everybody_is_decided_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A smaller sample would let the policy pass in the next run, by not meeting the case again."""
    policies = two_policies()
    ledger = prepared(tmp_path, policies)
    answer_wrongly(monkeypatch, "elder", pseudonym("c7"), True)
    assert do(ledger, policies, second_opinion=None).policies[1].held is not None
    again = do(ledger, policies, second_opinion=1)
    assert again.policies[1].opinion.decided == 400 and again.policies[1].held is not None


def test_agreement_is_reported_with_what_was_decided_again(tmp_path: Path) -> None:
    policies = library()
    ledger = prepared(tmp_path, policies, welfare=10**9, jobs=10**9)
    report = do(ledger, policies)
    for one in report.policies:
        assert one.opinion.differences == 0 and one.held is None
        assert (one.opinion.yes, one.opinion.no, one.opinion.undetermined) == (
            one.matched, one.ineligible, one.undetermined,
        ), one.policy  # fmt: skip
    assert "second-opinion" in report.seconds


def test_a_real_run_is_not_done_without_a_second_opinion(tmp_path: Path) -> None:
    policies = two_policies()
    ledger = prepared(tmp_path, policies)
    with pytest.raises(RunError) as refused:
        do(ledger, policies, second_opinion=0)
    assert refused.value.diagnostics[0].code == "second-opinion-needed"
    assert do(ledger, policies, second_opinion=0, dry_run=True).policies[0].opinion.decided == 0
    assert grants(ledger).is_empty()


def test_what_cannot_be_decided_again_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that breaks down gives no opinion, and without one nobody is granted."""

    def broken(self: DurableEngine, *args: object, **options: object) -> None:
        raise DurableError.of("durable-process-died", "无法作答", "it died")

    monkeypatch.setattr(DurableEngine, "decide_each", broken)
    policies = two_policies()
    ledger = prepared(tmp_path, policies)
    report = do(ledger, policies)
    assert all(one.held is not None and one.held.code == "second-opinion" for one in report.policies)
    assert grants(ledger).is_empty()


def test_the_process_of_durable_rules_may_die_in_the_middle_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies with the seventieth case of every process, and is started again as often."""
    monkeypatch.setenv("MIANSHEN_FAULT", "durable-case-decided:kill:70")
    monkeypatch.setattr("engine.opinion_deciding._AT_ONCE", 50)  # cases of one frame, which a process must survive
    policies = two_policies()
    ledger = prepared(tmp_path, policies)
    report = do(ledger, policies, snapshot=city(200))
    assert not any(one.held for one in report.policies) and report.new_grants > 0


def test_a_sample_is_the_same_each_time_and_holds_the_rare_answers() -> None:
    everybody = pl.Series([pseudonym(f"c{n}") for n in range(5_000)])
    chooser = Chooser(7, 100, 10)
    sample = chooser.sample(everybody)
    assert sample.len() == 100 and sorted(chooser.sample(everybody.reverse())) == sorted(sample)
    assert set(Chooser(8, 100, 10).sample(everybody)) != set(sample)
    assert Chooser(7, None, 10).sample(everybody).len() == 5_000


def test_rare_answers_are_always_among_those_decided_again(tmp_path: Path) -> None:
    """Three of 3,000 qualify, and few are undetermined: a sample of 50 would hardly meet them."""
    rare = policy("rare", at_least("income", 2_997_000), money(5_000))
    policies = {"rare": rare}
    ledger = prepared(tmp_path, policies)
    report = do(ledger, policies, snapshot=city(3_000), second_opinion=50)
    found = report.policies[0].opinion
    assert found.yes == report.policies[0].matched == 3
    assert 50 <= found.decided < 400


def test_only_those_who_were_decided_anew_get_another_opinion() -> None:
    """Of a policy that was decided anew for some, nobody else is looked at; one without any costs nothing."""
    fixed = [fix(one, vocabulary(), ON) for one in two_policies().values()]
    population = city().bucket(0)
    answers = Compiled(fixed, vocabulary()).decide(population)
    some = population.attributes("citizen", [])["subject"].head(5)
    opinion = SecondOpinion(vocabulary(), 1)
    opinion.look(fixed, population, answers, 1, {"elder": some, "base": some.clear()})
    assert {name: one.decided for name, one in opinion.opinions.items()} == {"elder": 5}


def test_more_people_than_are_held_in_memory_are_decided_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.second_opinion._IN_MEMORY", 7)
    fixed = [fix(one, vocabulary(), ON) for one in two_policies().values()]
    population = city().bucket(0)
    answers = Compiled(fixed, vocabulary()).decide(population)
    opinion = SecondOpinion(vocabulary(), 1, None)
    opinion.look(fixed, population, answers)
    everybody = population.attributes("citizen", []).height
    assert {name: one.decided for name, one in opinion.opinions.items()} == {"elder": everybody, "base": everybody}
    assert not opinion.held


def test_a_value_that_one_engine_cannot_hold_holds_the_policy_that_reads_it_alone() -> None:
    word = Text()
    long = Condition("leaf", expression=Compare(Bool(), "==", Datum(word, ("word",)), Literal(word, "a")))
    known = Vocabulary({"citizen": Space("citizen", title("citizen"), {
        "word": Attribute("word", word, title("word")), "age": Attribute("age", PLAIN, title("age")),
    })})  # fmt: skip
    fixed = [fix(one, known, ON) for one in (policy("long", long), policy("elder", at_least("age", 80)))]
    frame = pl.DataFrame({"subject": ["a", "b"], "word": ["x" * 20_000, "a"], "age": [90, 20]})
    population = FramesPopulation(known, {"citizen": frame}, {})
    opinion = SecondOpinion(known, 1)
    opinion.look(fixed, population, Compiled(fixed, known).decide(population))
    assert list(opinion.held) == ["long"] and "20,000" in opinion.held["long"].reason.en
    assert opinion.opinions["elder"].decided == 2


def test_a_policy_that_durable_rules_cannot_express_is_checked_by_the_interpreter_and_the_report_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = [Condition("any", (at_least("age", 60 + n), at_least("income", 100 * n))) for n in range(10)]
    policies = {"tangled": policy("tangled", Condition("all", tuple(ways)))}
    ledger = prepared(tmp_path, policies)
    told = do(ledger, policies, dry_run=True).policies[0]
    assert told.held is None and told.opinion.decided == 400
    assert told.opinion.without_durable is not None and "alternatives" in told.opinion.without_durable.en
    without = told.to_json()["second_opinion"]
    assert isinstance(without, dict) and without["without_durable"]["zh"]
    answer_wrongly(monkeypatch, "tangled", pseudonym("c85"), False)
    assert do(ledger, policies).policies[0].held is not None


def test_the_size_of_the_sample_is_a_number_or_all() -> None:
    assert [sample_size(text) for text in ("0", "1", "3000", "all")] == [0, 1, 3000, None]
    for text in ("", "-1", "some", "3.5", "1e3", "９", "9" * 13):
        with pytest.raises(SettingsError) as refused:
            sample_size(text)
        assert refused.value.diagnostics[0].code == "not-a-sample"
