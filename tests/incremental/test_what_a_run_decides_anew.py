"""A run decides those for whom something has changed, says so, and takes no chances where it cannot know."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from engine import redeciding, run_basis
from engine.ledger.stages import Stage, move
from engine.redeciding import Because
from engine.run_report import PolicyReport, RunReport
from engine.run_rows import all_runs
from notifier.console.redeciding import redeciding_words
from notifier.console.speech import Speech
from tests.incremental.changing_town import Town, moved_in, settled_town, what_it_counts, what_it_says


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settled")
    settled_town(folder)
    return folder


@pytest.fixture
def town(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(redeciding, "FEW", 0)
    monkeypatch.setattr(redeciding, "MOST_PICKED", 101)
    made = moved_in(template, tmp_path / "town", "changed", "full")
    for _ in range(3):  # some rules read what the first run has granted, and one what the second has
        made.run("changed")
        made.run("full", full=True)
    return made


def line(report: RunReport, policy: str) -> PolicyReport:
    return next(one for one in report.policies if one.policy == policy)


def is_right(town: Town, report: RunReport) -> bool:
    everybody = town.run("full", full=True)
    same = what_it_says(town.ledgers["changed"]) == what_it_says(town.ledgers["full"])
    return same and what_it_counts(report) == what_it_counts(everybody)


def test_after_nothing_has_happened_nobody_is_decided(town: Town) -> None:
    report = town.run("changed")
    assert report.nothing_new
    assert any(one.waiting for one in report.policies)
    assert all(one.redecided.subjects == 0 and one.redecided.because == () for one in report.policies)
    assert is_right(town, report)
    assert "nobody" in redeciding_words(report, Speech("en"))[0]


def test_those_who_wait_are_decided_as_soon_as_a_place_may_have_become_free(town: Town) -> None:
    town.appropriate("jobs", 900_000)
    report = town.run("changed")
    assert line(report, "hire").redecided.because == (Because.WAITING,)
    assert line(report, "hire").new_grants == 1
    assert is_right(town, report)


def test_whoever_holds_another_benefit_of_the_group_is_decided_again_only_when_that_ends(town: Town) -> None:
    town.run("changed")
    town.take("firms", [1, 2], seed=3)
    report = town.run("changed")
    assert line(report, "small").waiting["exclusive"] > 0
    assert line(report, "small").redecided.subjects == 0
    assert is_right(town, report)
    with town.ledgers["changed"].reading() as connection:
        query = 'select g.id from waiting w join "grant" g on g.subject = w.subject and g.policy = w.detail'
        held = connection.exec_driver_sql(f"{query} where w.policy = 'small' order by 1").scalars().first()
    assert held is not None
    for ledger in town.ledgers.values():
        move(ledger, held, Stage.STOPPED, actor="clerk", reason="moved away")
    report = town.run("changed")
    assert Because.WAITING in line(report, "small").redecided.because
    assert line(report, "small").new_grants == 1
    assert is_right(town, report)


def test_a_changed_firm_is_decided_anew_for_those_who_work_there(town: Town) -> None:
    town.run("changed")
    town.take("firms", [1, 2], seed=3)
    report = town.run("changed")
    assert 0 < line(report, "worker").redecided.subjects < line(report, "worker").subjects
    assert line(report, "worker").redecided.because == (Because.DATA,)
    assert line(report, "senior").redecided.subjects == 0
    assert is_right(town, report)


def test_a_grant_by_a_policy_that_a_rule_takes_no_notice_of_is_no_reason_to_decide_anybody_anew(town: Town) -> None:
    town.take("certificates", range(40), seed=5)
    report = town.run("changed")
    assert line(report, "skilled").new_grants > 0 and line(report, "senior").new_grants == 0
    town.run("full", full=True)
    report = town.run("changed")
    assert line(report, "loyal").redecided.subjects == 0
    assert line(report, "often").redecided.because == line(report, "hopeful").redecided.because == (Because.GRANTS,)
    assert is_right(town, report)


def test_a_birthday_is_decided_anew_without_any_datum_changing(town: Town) -> None:
    town.run("changed")
    town.day += timedelta(days=1)  # somebody, or nobody, turns 60 on 21 February 2024
    born = line(town.run("changed"), "senior").redecided
    town.day += timedelta(days=1)
    nobody = line(town.run("changed"), "senior").redecided
    assert born.because == (Because.DATE,) and born.subjects > 0
    assert nobody.subjects == 0


def test_a_new_period_a_new_version_and_a_full_run_decide_everybody(town: Town) -> None:
    town.versions["senior"] = 1
    town.approve_all()
    edited = town.run("changed")
    assert line(edited, "senior").redecided.everybody
    assert line(edited, "senior").redecided.because == (Because.FIRST,)
    assert not line(edited, "worker").redecided.everybody
    town.run("full", full=True)
    town.day += timedelta(days=10)  # 1 March: a new month, but neither a new year nor another once
    later = town.run("changed")
    assert line(later, "worker").redecided.everybody
    assert not line(later, "family").redecided.everybody
    assert not line(later, "welfare").redecided.everybody
    assert is_right(town, later)
    asked = town.run("changed", full=True)
    assert {one.redecided.because for one in asked.policies} == {(Because.ASKED,)}


def test_an_old_version_that_cannot_be_opened_means_that_everybody_is_decided(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.take("welfare", [1, 2, 3], seed=5)
    reopen = Town.reopen

    def gone(self: Town, on: object, versions: object) -> object:
        from policies.errors import StoreError

        raise StoreError.of("version-missing", "没有", "gone")

    monkeypatch.setattr(Town, "reopen", gone)
    report = town.run("changed")
    assert {one.redecided.because for one in report.policies} == {(Because.STORE,)}
    monkeypatch.setattr(Town, "reopen", reopen)
    assert is_right(town, report)


def test_another_engine_or_another_series_means_that_everybody_is_decided(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.reading += 20_000
    report = town.run("changed")
    assert line(report, "poor").redecided.because == (Because.CATALOG,)
    assert not line(report, "senior").redecided.everybody
    assert is_right(town, report)
    monkeypatch.setattr(run_basis, "DECIDES", run_basis.DECIDES + 1)
    after = town.run("changed")
    assert {one.redecided.because for one in after.policies} == {(Because.CATALOG,)}
    assert is_right(town, after)


def test_a_run_names_the_run_it_builds_upon(town: Town) -> None:
    before = {one.id for one in all_runs(town.ledgers["changed"])}
    report = town.run("changed")
    newest = next(one for one in all_runs(town.ledgers["changed"]) if one.id == report.run)
    (basis,) = set(newest.plan["basis"].values())
    assert basis in before and newest.id not in before


def test_the_console_says_how_much_was_decided_anew_and_why(town: Town) -> None:
    town.run("changed")
    town.take("firms", [1, 2], seed=3)
    report = town.run("changed")
    for language, words in (("zh", "数据变动"), ("en", "data changed")):
        lines = redeciding_words(report, Speech(language))
        anew = sum(one.redecided.subjects for one in report.policies)
        assert f"{anew:,}" in lines[0] and words in lines[1]
