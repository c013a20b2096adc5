"""Outlooks are told in words that a citizen and an official can read, in Chinese and in English."""

from __future__ import annotations

from datetime import date

from rich.console import Console
from rich.tree import Tree

from engine.decision import Outcome
from engine.interpreter import decide
from notifier.console.outlook import add_outlook
from notifier.outlook import Outlook, outlook_of
from policies.fixing import fix
from policies.library import read_policy_text
from policies.text import Language
from tests.notifier.town import AGENCIES, ON, RULE, Person, person, vocabulary

HEAD = RULE.partition("examples:")[0]


def outlook(facts: Person, text: str = RULE) -> Outlook:
    fixed = fix(read_policy_text(text, vocabulary(), "rule.yaml"), vocabulary(), ON)
    return outlook_of(fixed, decide(fixed, facts), facts, None, vocabulary(), AGENCIES)


def printed(found: Outlook, language: Language) -> str:
    tree = Tree("decision")
    add_outlook(tree, found, language)
    console = Console(width=160, record=True, quiet=False, file=None, force_terminal=False)
    with console.capture() as told:
        console.print(tree)
    return told.get()


def test_a_no_that_time_will_turn_is_told_with_age_date_and_amount() -> None:
    found = outlook(person(born=date(1962, 3, 1)))
    assert found.upcoming is not None and found.upcoming.on == date(2027, 3, 1) and found.upcoming.amount == 7_500
    (way,) = found.nearest
    assert way.changes[0].by == "time" and way.changes[0].needed.en == "1961-11-20 or earlier"
    chinese, english = printed(found, "zh"), printed(found, "en")
    assert "现为 1962-03-01,需要 1961-11-20 或更早" in chinese and "只能等时间到" in chinese
    assert "其他不变,将符合于 2027-03-01  75.00 元" in chinese and "64岁 → 65岁" in chinese
    assert "now 1962-03-01, needs 1961-11-20 or earlier" in english and "only time will bring it" in english
    assert "if nothing else changes, eligible from 2027-03-01  75.00 yuan" in english


def test_a_number_a_region_and_a_truth_are_told_as_they_are_and_as_they_would_have_to_be() -> None:
    facts = person(pension=350_000, alone=False)
    needed = {change.name: change.needed for way in outlook(facts).nearest for change in way.changes}
    assert needed["pension"].zh == "至多 2,999.99元" and needed["pension"].en == "at most 2,999.99 yuan"
    assert (needed["alone"].zh, needed["alone"].en) == ("是", "yes")
    (change,) = outlook(person(hukou_region="330100")).nearest[0].changes
    assert change.needed.zh == "上海市 (310000) 范围内" and change.needed.en == "within Shanghai (310000)"


def test_every_set_that_would_settle_it_is_told_with_the_agency() -> None:
    found = outlook(person(pension=None))
    assert [[fact.name for fact in one] for one in found.settled_by] == [["alone"], ["pension"]]
    assert [[fact.name for fact in one] for one in found.surely] == [["alone", "pension"]]
    assert "每月养老金 (社保中心)" in printed(found, "zh")
    english = printed(found, "en")
    assert "could be a yes once any of these is known" in english
    assert (
        "settled either way once all of these are known: lives alone (Public security) and monthly pension" in english
    )
    one = outlook(person(pension=None, alone=False))
    assert "would be settled by: monthly pension (Pension office)" in printed(one, "en")


def test_a_yes_is_told_until_when() -> None:
    text = HEAD.replace("when: age >= minimum_age", "when: age < 71")
    found = outlook(person(born=date(1956, 1, 1)), text)
    assert found.ending is not None and found.ending.on == date(2027, 1, 1) and found.ending.known
    assert found.nearest == () and found.upcoming is None
    assert "no longer eligible from 2027-01-01" in printed(found, "en")
    assert "将不再符合于 2027-01-01" in printed(found, "zh")


def test_a_yes_that_cannot_be_told_any_more_is_not_called_a_no() -> None:
    text = HEAD.replace("values: {2016-05-01: 65}", "values: {2016-05-01: 65, 2027-01-01: null}")
    found = outlook(person(alone=True), text)
    assert found.ending is not None and not found.ending.known
    assert "cannot be told yet from 2027-01-01" in printed(found, "en")


def test_a_yes_without_end_has_nothing_ahead() -> None:
    found = outlook(person(alone=True))
    assert found == Outlook()
    assert printed(found, "zh").strip() == "decision"


def test_square_brackets_in_a_title_are_no_markup() -> None:
    text = HEAD.replace("zh: 已满65周岁, en: 65 or older", "zh: '[red]已满', en: '[bold]65 [/bold]or older'")
    assert "[bold]65 [/bold]or older" in printed(outlook(person(born=date(1962, 3, 1)), text), "en")
    assert outlook(person(born=date(1962, 3, 1)), text).nearest[0].conditions[0].words.zh == "[red]已满"


def test_the_outcome_decides_what_is_told() -> None:
    policy = read_policy_text(RULE, vocabulary(), "rule.yaml")
    fixed = fix(policy, vocabulary(), ON)
    for facts, outcome in ((person(), Outcome.ELIGIBLE), (person(pension=None), Outcome.UNDETERMINED), (person(born=date(1990, 1, 1)), Outcome.INELIGIBLE)):  # fmt: skip
        assert decide(fixed, facts).outcome is outcome
        found = outlook(facts)
        assert bool(found.settled_by) == (outcome is Outcome.UNDETERMINED)
        assert bool(found.nearest) == (outcome is Outcome.INELIGIBLE)
