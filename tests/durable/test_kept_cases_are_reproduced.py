"""A case on which the engines differ is kept as a file, from which every engine decides it again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from engine.columnar import Compiled, decide_all
from engine.decision import Population
from engine.difference_cases import read_case, replay
from engine.frames_population import FramesPopulation
from engine.interpreter import decide_units
from engine.matches import Matches
from engine.second_opinion import SecondOpinion
from engine.written_population import SUBJECT, written_population
from policies.errors import RunError
from policies.examples import facts_from_example
from policies.fixing import fix
from policies.library import read_library
from policies.policy import FixedPolicy, Policy
from profiles.catalog_reading import read_catalog

ROOT = Path(__file__).resolve().parents[2]
CITY = read_catalog().vocabulary
LIBRARY = read_library(ROOT / "policies", CITY)
DECIDE = Compiled.decide
# Examples that assume the value of an indicator are not what a run meets. Every third policy is enough: amounts,
# tiers, units, members, links and services are all among them.
WITH_OWN_VALUES = [one for one in LIBRARY.policies.values() if not all(each.given for each in one.examples)][::3]


def written(policy: Policy, number: int) -> tuple[FixedPolicy, FramesPopulation]:
    """Return one example of a policy as frames that hold its subject alone."""
    example = policy.examples[number]
    facts = facts_from_example(policy, CITY, example.profile)
    frames = written_population(facts, policy.space, CITY).frames()
    about = {policy.space: pl.Series([SUBJECT])}
    return fix(policy, CITY, example.on), FramesPopulation(CITY, frames.spaces, frames.collections, about)


def turned(self: Compiled, population: Population) -> Matches:
    """The batch compiler with every yes and no exchanged."""
    found = DECIDE(self, population)
    results = {
        name: replace(
            result,
            eligible=~result.eligible,
            amount=None if result.amount is None else pl.zeros((~result.eligible).sum(), pl.Int64, eager=True),
        )
        for name, result in found.results.items()
    }
    return Matches(results, found.errors)


def kept_case(fixed: FixedPolicy, population: FramesPopulation, folder: Path) -> list[Path]:
    opinion = SecondOpinion(CITY, 1, None, folder)
    opinion.look([fixed], population, decide_all([fixed], population, CITY))
    assert not opinion.failed, opinion.failed
    return sorted(folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("policy", WITH_OWN_VALUES, ids=lambda policy: policy.id)
def test_a_difference_in_a_policy_of_the_library_can_be_replayed(
    policy: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted into the batch compiler: it is found, kept, reproduced while it lasts, and gone when it is mended."""
    example = next(
        number
        for number, one in enumerate(policy.examples)
        if not one.given and any(d.outcome.value != "undetermined" for _, d in decide_units(*decidable(policy, number)))
    )
    fixed, population = written(policy, example)
    monkeypatch.setattr(Compiled, "decide", turned)
    files = kept_case(fixed, population, tmp_path / "differences")
    assert files
    for file in files:
        case = read_case(file)
        assert (case.policy, case.version, case.on) == (policy.id, policy.version, fixed.on.isoformat())
        again = replay(file, CITY)
        assert again.differs and dict(again.now) == dict(case.answers)
    monkeypatch.setattr(Compiled, "decide", DECIDE)
    for file in files:
        mended = replay(file, CITY)
        assert not mended.differs
        assert mended.now["interpreter"] == read_case(file).answers["interpreter"]


def decidable(policy: Policy, number: int) -> tuple[FixedPolicy, object]:
    example = policy.examples[number]
    return fix(policy, CITY, example.on), facts_from_example(policy, CITY, example.profile)


def test_no_case_is_kept_where_the_engines_agree(tmp_path: Path) -> None:
    for policy in list(LIBRARY.policies.values())[:8]:
        fixed, population = written(policy, 0)
        assert kept_case(fixed, population, tmp_path / "differences") == []


def test_one_case_gives_one_file_however_often_it_is_met(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Compiled, "decide", turned)
    fixed, population = written(LIBRARY.policies["cn-31-elderly-allowance"], 0)
    first = kept_case(fixed, population, tmp_path)
    assert len(first) == 1 and kept_case(fixed, population, tmp_path) == first


BROKEN: dict[str, Callable[[dict[str, object]], str]] = {
    "not JSON": lambda case: "{",
    "a list": lambda case: "[]",
    "another form": lambda case: json.dumps({**case, "form": "mianshen difference 9"}),
    "no text": lambda case: json.dumps({name: one for name, one in case.items() if name != "text"}),
    "facts of another form": lambda case: json.dumps({**case, "facts": {"id": "x"}}),
    "not a date": lambda case: json.dumps({**case, "on": "yesterday"}),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_is_no_case_is_told(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Compiled, "decide", turned)
    fixed, population = written(LIBRARY.policies["cn-31-elderly-allowance"], 0)
    (file,) = kept_case(fixed, population, tmp_path)
    file.write_text(BROKEN[kind](json.loads(file.read_text())))
    with pytest.raises(RunError) as refused:
        replay(file, CITY)
    assert refused.value.diagnostics[0].code == "not-a-case"


def test_a_case_is_replayed_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Compiled, "decide", turned)
    fixed, population = written(LIBRARY.policies["cn-31-elderly-allowance"], 0)
    (file,) = kept_case(fixed, population, tmp_path)
    found = subprocess.run(
        [sys.executable, "cli.py", "--lang", "en", "policies", "replay", str(file)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 0 and "the engines agree now" in found.stdout
    missing = subprocess.run(
        [sys.executable, "cli.py", "--lang", "en", "policies", "replay", str(tmp_path / "none.json")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert missing.returncode == RunError.exit_code and "not-a-case" in missing.stderr
    assert "Traceback" not in missing.stderr
    assert date.fromisoformat(read_case(file).on) == fixed.on
