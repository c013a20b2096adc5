"""If the two engines answer differently, nobody is granted anything by that policy, and the case is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.decision import Outcome
from engine.difference_cases import read_case
from engine.durable_engine import DurableEngine
from engine.installation import Installation
from tests.events_road.little_town import BABY, MIDDLE, OLD, event, granted, grants_in, open_road, post


class Faulty(DurableEngine):
    """An engine that takes every allowance for the old for half of what it is."""

    def decide(self, *arguments: Any, **options: Any) -> Any:
        return [
            (name, unit, replace(one, amount=one.amount // 2) if name == "regional-allowance" and one.amount else one)
            for name, unit, one in super().decide(*arguments, **options)
        ]


class Failing(DurableEngine):
    """An engine that takes everybody for eligible."""

    def decide(self, *arguments: Any, **options: Any) -> Any:
        found = super().decide(*arguments, **options)
        return [(name, unit, replace(one, outcome=Outcome.ELIGIBLE)) for name, unit, one in found]


def test_one_wrong_amount_stops_that_policy_alone_and_leaves_a_case(installation: Installation) -> None:
    with open_road(installation, Faulty) as road:
        posted = post(road, event("m1", "move", OLD[3], hukou_region="440305"))
        road._log.close()
    differing = [one for one in posted.answer.not_decided if one.code == "engines-differ"]
    assert [one.policy for one in differing] == ["regional-allowance"]
    assert "regional-allowance" not in [name for name, _ in granted(posted)]
    assert grants_in(installation, "regional-allowance") == []
    (file,) = (installation.home.path / "differences").iterdir()
    case = read_case(file)
    assert case.policy == "regional-allowance"
    answers = {name: one.amount for name, one in case.answers.items() if one is not None}
    assert (answers["interpreter"], answers["durable-rules"]) == (25_000, 12_500)
    text = file.read_text("utf-8")
    assert OLD[3] not in text and posted.answer.granted[0].subject not in text


def test_a_wrong_outcome_grants_nothing(installation: Installation) -> None:
    with open_road(installation, Failing) as road:
        posted = post(road, event("b1", "birth", MIDDLE[0], child=BABY, lawful_birth=False))
        road._log.close()
    assert granted(posted) == []
    assert "family-allowance" in [one.policy for one in posted.answer.not_decided]
    assert posted.answer.needs_a_person
