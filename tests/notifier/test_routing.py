"""Every announcement becomes deliveries exactly once, by the roads the person has and wants."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from engine.ledger import tables
from engine.ledger.opening import insert_many, open_ledger, table
from notifier.deliveries import counts, notices_of, unrouted
from notifier.routing import BATCH, route
from profiles.vault import Contact
from tests.notifier.town import Town

ANNA, BEN, CHEN = "a" * 32, "b" * 32, "c" * 32


def _contacts(town: Town):  # type: ignore[no-untyped-def]
    return lambda subjects: town.vault.contacts(subjects, "notifier", "routing")


def test_everybody_finds_the_notice_on_the_page_at_once(town: Town) -> None:
    town.grant(ANNA)
    assert route(town.ledger, _contacts(town)) == {"page": 1}
    (notice,) = notices_of(town.ledger, ANNA)
    assert [(each.channel, each.state) for each in notice.deliveries] == [("page", "delivered")]
    assert (notice.amount, notice.period, notice.stage) == (15_000, "2026-11", "approved")


def test_mail_and_sms_go_only_to_those_who_have_them_and_want_them(town: Town) -> None:
    for subject in (ANNA, BEN, CHEN):
        town.grant(subject)
    town.contact(ANNA, email="anna@example.org", phone="13800000001", language="en")
    town.contact(BEN, email="ben@example.org", phone="13800000002", channels="inbox,sms")
    found = route(town.ledger, _contacts(town), ("page", "email", "sms"))
    assert found == {"page": 3, "email": 1, "sms": 2}
    assert [each.channel for each in notices_of(town.ledger, BEN)[0].deliveries] == ["page", "sms"]
    with town.ledger.reading() as connection:
        rows = connection.execute(select(table(tables.Delivery))).all()
    assert {row.id for row in rows if row.subject == ANNA and row.language == "en"} == {
        row.id for row in rows if row.subject == ANNA
    }
    assert all(row.id == f"{row.announcement}:{row.channel}" for row in rows)


def test_without_a_configured_channel_no_contact_is_opened(town: Town) -> None:
    town.grant(ANNA)
    town.contact(ANNA, email="anna@example.org")
    route(town.ledger, _contacts(town))
    assert town.vault.openings(ANNA) == []


def test_routing_again_adds_nothing(town: Town) -> None:
    town.grant(ANNA)
    route(town.ledger, _contacts(town))
    assert route(town.ledger, _contacts(town)) == {}
    assert counts(town.ledger) == {"page": {"delivered": 1}}


def _announce(town: Town, count: int) -> None:
    columns: Mapping[str, Sequence[object]] = {
        "id": [f"{number:032x}-granted" for number in range(count)],
        "subject": [f"{number:032x}" for number in range(count)],
        "space": ["citizen"] * count,
        "grant": [None] * count,
        "policy": [town.policy.id] * count,
        "version": [town.policy.version] * count,
        "kind": ["granted"] * count,
        "data": ['{"amount":100,"period":"2026-11"}'] * count,
        "on": ["2026-11-20"] * count,
        "routed": [False] * count,
    }
    with town.ledger.writing() as connection:
        insert_many(connection, tables.Announcement, columns)


def test_more_than_a_batch_is_routed_whole_and_progress_is_told(town: Town) -> None:
    _announce(town, BATCH + 7)
    told: list[tuple[int, int]] = []
    found = route(town.ledger, _contacts(town), on_progress=lambda done, total: told.append((done, total)))
    assert found == {"page": BATCH + 7}
    assert told == [(BATCH, BATCH + 7), (BATCH + 7, BATCH + 7)]
    assert unrouted(town.ledger) == 0


def test_two_routers_at_once_route_everything_once(town: Town) -> None:
    _announce(town, 2_000)
    found: list[dict[str, int]] = []

    def work() -> None:
        ledger = open_ledger(town.ledger.url)
        found.append(route(ledger, lambda subjects: {s: Contact(phone="13800000001") for s in subjects}, ("sms",)))
        ledger.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each.get("page", 0) for each in found) == 2_000
    assert counts(town.ledger) == {"page": {"delivered": 2_000}, "sms": {"created": 2_000}}
