"""What happens in a life is granted at once: one test for each promise to the person concerned."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

from rich.console import Console

from engine.events.answer import answer_from_json
from engine.events.road import EventRoad
from engine.installation import Installation
from engine.ledger import audit
from notifier.console.explaining import explain, to_tree
from notifier.console.subjects import subject_of
from policies.text import Bilingual
from tests.events_road.little_town import (
    BABY,
    FIRMS,
    MIDDLE,
    OLD,
    TODAY,
    citizen,
    event,
    full_run,
    granted,
    intake,
    post,
)  # fmt: skip


def test_a_birth_grants_the_childs_allowance_to_its_family(road: EventRoad, installation: Installation) -> None:
    posted = post(road, event("b1", "birth", MIDDLE[0], child=BABY, hukou_region="310115", lawful_birth=True))
    assert granted(posted) == [("family-allowance", 360_000)]
    with installation.ledger.reading() as connection:
        row = connection.exec_driver_sql('select payee, subject, fund, run from "grant"').one()
        told = connection.exec_driver_sql("select subject, space from announcement").one()
    assert row.payee is not None and row.payee != row.subject
    assert tuple(told) == (row.payee, "citizen")
    assert row.run == posted.answer.run
    assert audit.verify(installation.ledger).intact


def test_a_hire_grants_the_employers_subsidy_once_for_each_person(road: EventRoad) -> None:
    hired = event("h1", "hire", MIDDLE[15], employer=FIRMS[4], record_number="N1", contract_months=24)
    again = event("h2", "hire", MIDDLE[15], employer=FIRMS[3], record_number="N2", contract_months=24)
    first = post(road, hired)
    assert [(one.policy, one.amount, one.space) for one in first.answer.granted] == [
        ("hire-subsidy", 200_000, "enterprise")
    ]
    second = post(road, again)
    assert ("hire-subsidy", 200_000) not in granted(second)[1:]
    assert [one.reason for one in second.answer.waiting if one.policy == "hire-subsidy"] == ["claimed"]


def test_after_a_death_nothing_more_is_granted_and_earlier_grants_are_shown_to_a_person(
    road: EventRoad, installation: Installation
) -> None:
    full_run(installation)
    posted = post(road, event("d1", "death", OLD[0]))
    assert granted(posted) == [("household-relief", 100_000)]  # to those who are left, nothing to the dead
    assert {one.policy for one in posted.answer.to_look_at} == {"bonus-large", "regional-allowance", "top-up"}
    assert posted.answer.needs_a_person
    with installation.ledger.reading() as connection:
        stages = connection.exec_driver_sql("select distinct stage from \"grant\" where policy = 'top-up'").scalars()
        assert list(stages) == ["approved"]  # nothing was taken away


def test_a_move_grants_the_value_of_the_new_place(road: EventRoad) -> None:
    posted = post(road, event("m1", "move", OLD[3], hukou_region="440305"))
    assert ("regional-allowance", 25_000) in granted(posted)
    assert [one.policy for one in posted.answer.not_decided] == ["never-approved"]
    assert posted.answer.not_decided[0].code == "not-approved"


def test_a_policy_that_an_event_triggers_is_decided_although_it_reads_nothing_that_changed(road: EventRoad) -> None:
    posted = post(road, event("a1", "account_change", MIDDLE[1], phone="13800000000"))
    assert granted(posted) == [("farewell-service", None)]


def test_who_is_reached_through_a_link_is_decided_with_the_event(road: EventRoad) -> None:
    died = post(road, event("d2", "death", OLD[1]))
    assert ("household-relief", 100_000) in granted(died)
    linked = next(one for one in died.answer.linked if one.decided)
    assert (linked.policies, linked.subjects) == (("household-relief",), 1)
    classed = post(road, event("r1", "reclassification", FIRMS[0], insured_size_class="XS"))
    hired_there = [one for one in classed.answer.granted if one.policy == "worker-training"]
    assert len(hired_there) == 1  # whom the firm's hires name; the others are left to the next run


def test_exclusive_groups_and_top_ups_are_settled_as_in_a_run(road: EventRoad) -> None:
    posted = post(road, event("m2", "move", OLD[0], hukou_region="310101"))
    assert sorted(granted(posted)) == [("bonus-large", 70_000), ("regional-allowance", 10_000), ("top-up", 8_000)]
    assert [(one.policy, one.reason) for one in posted.answer.waiting] == [("bonus-small", "exclusive")]


def test_past_grants_are_facts_for_an_event_too(road: EventRoad, installation: Installation) -> None:
    full_run(installation)
    posted = post(road, event("m3", "move", OLD[2], hukou_region="440305"))
    assert ("loyalty", 1_000) in granted(posted)


def test_what_an_older_event_says_changes_nothing_and_grants_nothing(road: EventRoad) -> None:
    posted = post(road, event("old", "move", OLD[4], on="2026-10-01", hukou_region="440305"))
    assert (posted.answer.outcome, posted.answer.granted) == ("superseded", ())
    assert posted.answer.superseded == ("citizen.hukou_region",)


def test_whoever_posts_is_told_which_data_do_not_count_because_newer_ones_are_known(
    road: EventRoad, installation: Installation, tmp_path: Path
) -> None:
    intake(installation, tmp_path / "health", "health", "公民身份号码,符合规定生育", [[MIDDLE[1], "y"]])
    child = citizen(8, "20261001")
    posted = post(road, event("b9", "birth", MIDDLE[4], "2026-10-01", child=child, sex="1", lawful_birth=True))
    answer = posted.answer
    # No register has heard of the child, so it exists; but a later extract of the health office does not list it.
    assert (answer.outcome, answer.superseded) == ("applied", ("citizen.lawful_birth",))
    assert "family-allowance" not in [policy for policy, _ in granted(posted)]
    assert answer.to_sender()["superseded"] == ["citizen.lawful_birth"]
    assert answer_from_json(answer.to_json()) == answer


def test_a_contradictory_event_grants_nothing_and_calls_for_a_person(road: EventRoad) -> None:
    post(road, event("d3", "death", OLD[5], on="2026-11-18"))
    posted = post(road, event("m4", "move", OLD[5], on="2026-11-19", hukou_region="440305"))
    assert (posted.answer.outcome, posted.answer.granted) == ("contradictory", ())
    assert posted.answer.needs_a_person


def test_the_same_event_twice_is_answered_as_the_first_time(road: EventRoad, installation: Installation) -> None:
    raw = event("b2", "birth", MIDDLE[2], child=citizen(7, "20261120"), hukou_region="310115", lawful_birth=True)
    first, second = post(road, raw), post(road, raw)
    assert (first.again, second.again) == (False, True)
    assert first.answer == second.answer
    with installation.ledger.reading() as connection:
        assert connection.exec_driver_sql('select count(*) from "grant"').scalar() == 1


def test_a_policy_that_the_last_run_held_is_not_granted_by_events(road: EventRoad, installation: Installation) -> None:
    report = full_run(installation).to_json()
    for item in report["policies"]:
        if item["policy"] == "regional-allowance":
            item["held"] = {"code": "jump", "reason": {"zh": "突增", "en": "a jump"}, "releasable": True}
    with installation.ledger.writing() as connection:
        connection.exec_driver_sql("update run set report = ?", (json.dumps(report),))
    posted = post(road, event("m5", "move", OLD[6], hukou_region="440305"))
    held = [one for one in posted.answer.not_decided if one.policy == "regional-allowance"]
    assert [(one.code, one.reason) for one in held] == [("held", Bilingual("突增", "a jump"))]
    assert "regional-allowance" not in [name for name, _ in granted(posted)]


def test_an_explanation_names_the_event_that_told_a_datum(road: EventRoad, installation: Installation) -> None:
    post(road, event("m1", "move", OLD[3], hukou_region="440305"))
    subject = subject_of(installation.home, OLD[3])
    policy = installation.library.policies["regional-allowance"]
    (found,) = explain(installation, installation.snapshot(TODAY), policy, subject, TODAY)
    shown = StringIO()
    Console(file=shown, width=200).print(to_tree(found, "en"))
    assert "move" in shown.getvalue().lower()
    assert "(event 1) 2026-" in shown.getvalue()
