"""A ceiling over several grants holds whoever grants: events one after the other, and the runs between them."""

from __future__ import annotations

import json

from engine.events.road import EventRoad, Posted
from engine.installation import Installation
from tests.events_road.little_town import FIRMS, MIDDLE, approve_rules, event, full_run, grants_in, open_road, post

BONUS = "hire-bonus"


def hired(road: EventRoad, number: int) -> Posted:
    told = event(
        f"h{number}", "hire", MIDDLE[number], employer=FIRMS[4], record_number=f"N{number}", contract_months=36
    )
    return post(road, told)


def bonuses(posted: Posted) -> list[int | None]:
    return [one.amount for one in posted.answer.granted if one.policy == BONUS]


def test_events_one_after_the_other_grant_no_more_than_the_ceiling_and_a_run_adds_nothing(
    installation: Installation,
) -> None:
    approve_rules(installation, [BONUS])
    with open_road(installation) as road:
        assert [bonuses(hired(road, number)) for number in (13, 14, 15)] == [[200_000], [200_000], [100_000]]
        last = hired(road, 16)
        assert bonuses(last) == []
        assert [(one.policy, one.reason) for one in last.answer.waiting if one.policy == BONUS] == [(BONUS, "ceiling")]
        full_run(installation)
        # The four hires of the extracts belong to other firms, each within its own ceiling.
        assert sum(row[4] for row in grants_in(installation, BONUS)) == 500_000 + 4 * 200_000
        road._log.close()


def test_an_event_counts_what_a_run_has_granted_and_its_evidence_says_so(installation: Installation) -> None:
    approve_rules(installation, [BONUS])
    full_run(installation)
    with open_road(installation) as road:
        told = event("h1", "hire", MIDDLE[15], employer=FIRMS[0], record_number="N1", contract_months=36)
        assert bonuses(post(road, told)) == [200_000]
        told = event("h2", "hire", MIDDLE[16], employer=FIRMS[0], record_number="N2", contract_months=36)
        assert bonuses(post(road, told)) == [100_000]
        road._log.close()
    with installation.ledger.reading() as connection:
        rows = connection.exec_driver_sql(
            f"select evidence from \"grant\" where policy = '{BONUS}' and amount = 100000"
        )
        (text,) = rows.scalars()
    told_of = json.loads(text)["ceilings"]["one_firm"]
    assert (told_of["limit"], told_of["before"], told_of["by_rule"]) == (500_000, 400_000, 200_000)
