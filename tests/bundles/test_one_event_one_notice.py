"""Whoever is granted several things by one event is told once, of all of them, and of what is still to come."""

from __future__ import annotations

import json
from datetime import timedelta

from sqlalchemy import select

from engine.installation import Installation
from engine.ledger import audit, tables
from engine.ledger.opening import table
from notifier.bundles.combined import COMBINED, combined_from_text
from notifier.channels.channel import Channel
from notifier.deliveries import notices_of, told_of
from notifier.settings import channels_from_environment
from policies.bundles import read_bundle_text
from tests.bundles.bundle_town import (
    MORNING,
    SIGNATURE,
    Clock,
    approve_extra,
    birth,
    contact,
    deliveries,
    post,
    routed,
    run_of,
    sent,
)
from tests.events_road.little_town import MIDDLE, citizen, event, full_run
from tests.notifier.conftest import Gateway, MailServer

MOTHER = MIDDLE[1]


def by_mail(url: str) -> dict[str, Channel]:
    return channels_from_environment({"MIANSHEN_SMTP_URL": url, "MIANSHEN_SMTP_FROM": "notices@example.org"})


def by_sms(url: str) -> dict[str, Channel]:
    return channels_from_environment(
        {"MIANSHEN_SMS_URL": url, "MIANSHEN_SMS_SIGNATURE": SIGNATURE, "MIANSHEN_SMS_TOKEN": "gate-token"}
    )


def mother_of(place: Installation) -> str:
    """Return who is told of the gift to mothers: the woman herself."""
    rows = table(tables.Announcement)
    with place.ledger.reading() as connection:
        return str(connection.execute(select(rows.c.subject).where(rows.c.policy == "mother-gift")).scalar_one())


def combined(place: Installation) -> list[object]:
    rows = table(tables.Announcement)
    with place.ledger.reading() as connection:
        return list(connection.execute(select(rows).where(rows.c.kind == COMBINED).order_by(rows.c.id)))


def body_of(server: MailServer) -> str:
    return server.mails[-1].get_payload(decode=True).decode()  # type: ignore[union-attr]


def test_a_birth_is_told_in_one_mail_that_names_every_grant_and_what_is_missing(
    place: Installation, clock: Clock, mail: tuple[MailServer, str]
) -> None:
    server, url = mail
    (answer,) = post(place, birth())
    assert {one.policy for one in answer.granted} == {"family-allowance", "mother-gift"}
    told = mother_of(place)
    contact(place, told, name="李小妹", email="li@example.org")
    clock.forward(days=3)
    routed(place, "page", "email")
    assert sent(place, by_mail(url), clock).sent == 1
    (received,) = server.mails
    body = received.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert "以下2项待遇已核对，合计4,100元：育儿津贴3,600元、产妇慰问500元。" in body
    assert "孩子不满三周岁" in body and "您刚生育" in body
    assert "李**您好" in body and "李小妹" not in body
    assert "参保奖励：只差一项数据" in body and "学前营养餐：2027-11-20 起" in body
    assert sent(place, by_mail(url), clock).sent == 0


def test_every_grant_keeps_its_own_announcement_and_its_page(born: Installation, clock: Clock) -> None:
    told = mother_of(born)
    contact(born, told, email="li@example.org")
    clock.forward(days=3)
    assert routed(born, "page", "email") == {"page": 3, "email": 1}
    (one,) = combined(born)
    notice = combined_from_text(one.data)  # type: ignore[attr-defined]
    assert [part.policy for part in notice.parts] == ["family-allowance", "mother-gift"]
    notices = notices_of(born.ledger, told)
    assert sorted(each.kind for each in notices) == ["combined", "granted", "granted"]
    for part in notice.parts:
        (granted,) = told_of(notices, part.grant)
        assert [each.channel for each in granted.deliveries] == ["page", "email"]
    assert routed(born, "page", "email") == {}


def test_the_bundles_text_and_hash_stay_in_the_ledger_and_in_the_audit_log(born: Installation, clock: Clock) -> None:
    clock.forward(days=3)
    routed(born)
    (one,) = combined(born)
    versions = table(tables.BundleVersion)
    with born.ledger.reading() as connection:
        kept = connection.execute(select(versions)).one()
    file = born.library_folder / "bundles" / "birth.bundle.yaml"
    assert kept.text == file.read_text("utf-8") and kept.version == one.version  # type: ignore[attr-defined]
    assert read_bundle_text(kept.text).version == kept.version
    log = table(tables.AuditEntry)
    actions = ("bundle-kept", "notice-combined")
    with born.ledger.reading() as connection:
        found = connection.execute(select(log.c.detail).where(log.c.action.in_(actions))).scalars()
        assert [json.loads(each)["version"] for each in found] == [kept.version, kept.version]
    assert audit.verify(born.ledger).intact


def test_the_notice_waits_for_the_runs_of_the_window_and_names_what_they_grant(
    born: Installation, clock: Clock, mail: tuple[MailServer, str]
) -> None:
    server, url = mail
    told = mother_of(born)
    contact(born, told, email="li@example.org")
    assert routed(born, "page", "email") == {}  # the pages show the grants all the same
    assert len(notices_of(born.ledger, told)) == 2
    approve_extra(born, "later-grant")
    clock.forward(days=1)
    run_of(born, "later-grant", MORNING.date() + timedelta(days=1))
    clock.forward(days=2)
    routed(born, "page", "email")
    assert sent(born, by_mail(url), clock).sent == 1
    assert "以下3项待遇已核对，合计4,900元：育儿津贴3,600元、产妇慰问500元、生育补贴800元。" in body_of(server)


def test_what_is_granted_after_the_notice_is_told_by_itself(
    born: Installation, clock: Clock, mail: tuple[MailServer, str]
) -> None:
    server, url = mail
    told = mother_of(born)
    contact(born, told, email="li@example.org")
    clock.forward(days=3)
    routed(born, "page", "email")
    sent(born, by_mail(url), clock)
    approve_extra(born, "later-grant")
    run_of(born, "later-grant", MORNING.date() + timedelta(days=3))
    routed(born, "page", "email")
    assert sent(born, by_mail(url), clock).sent == 1
    assert "您的生育补贴800元，无需申请" in body_of(server) and "育儿津贴" not in body_of(server)


def test_a_single_grant_of_a_bundle_is_told_in_its_own_words(
    place: Installation, clock: Clock, mail: tuple[MailServer, str]
) -> None:
    server, url = mail
    (answer,) = post(place, birth(mother=MIDDLE[0]))  # a father: the gift is not for him
    (grant,) = answer.granted
    assert grant.policy == "family-allowance"
    told = _told_of(place, grant.grant)
    contact(place, told, email="wang@example.org")
    clock.forward(days=3)
    routed(place, "page", "email")
    assert sent(place, by_mail(url), clock).sent == 1
    assert combined(place) == [] and "3,600" in body_of(server)


def _told_of(place: Installation, grant: str) -> str:
    rows = table(tables.Announcement)
    with place.ledger.reading() as connection:
        return str(connection.execute(select(rows.c.subject).where(rows.c.grant == grant)).scalar_one())


def test_the_same_event_posted_twice_is_told_once(
    born: Installation, clock: Clock, mail: tuple[MailServer, str]
) -> None:
    server, url = mail
    told = mother_of(born)
    contact(born, told, email="li@example.org")
    clock.forward(days=3)
    post(born, birth())
    routed(born, "page", "email")
    sent(born, by_mail(url), clock)
    post(born, birth())
    routed(born, "page", "email")
    sent(born, by_mail(url), clock)
    assert len(server.mails) == 1 and len(combined(born)) == 1


def test_an_event_that_arrives_late_is_counted_from_its_arrival(place: Installation, clock: Clock) -> None:
    post(place, event("b1", "birth", MOTHER, "2026-06-01", child=citizen(9, "20260601"), lawful_birth=True))
    clock.forward(days=2)
    assert routed(place) == {}
    clock.forward(days=1)
    assert routed(place) == {"page": 3}
    assert len(combined(place)) == 1


def test_an_sms_says_how_many_and_how_much_and_keeps_to_the_conventions(
    born: Installation, clock: Clock, gateway: tuple[Gateway, str]
) -> None:
    state, url = gateway
    told = mother_of(born)
    contact(born, told, name="李小妹", phone="13812345678", channels="inbox,sms")
    clock.forward(days=3)
    routed(born, "page", "sms")
    assert sent(born, by_sms(url), clock).sent == 1
    (row,) = deliveries(born, told, "sms")
    text = state.sent[row.id]["text"]
    assert text.startswith(f"【{SIGNATURE}】") and len(text) <= 70
    assert "2项待遇" in text and "合计4100元" in text


def test_nobody_is_told_by_a_channel_they_did_not_choose(born: Installation, clock: Clock) -> None:
    told = mother_of(born)
    contact(born, told, email="li@example.org", phone="13812345678", channels="inbox")
    clock.forward(days=3)
    assert routed(born, "page", "email", "sms") == {"page": 3}


def test_an_english_reader_gets_the_combined_notice_in_english(
    born: Installation, clock: Clock, mail: tuple[MailServer, str]
) -> None:
    server, url = mail
    told = mother_of(born)
    contact(born, told, email="li@example.org", language="en")
    clock.forward(days=3)
    routed(born, "page", "email")
    sent(born, by_mail(url), clock)
    body = body_of(server)
    assert "These 2 benefits are yours, 4,100 yuan in all: Family allowance (3,600 yuan)" in body.replace(
        "育儿津贴", ""
    )
    assert "the child is under three; it comes by itself" in body


def test_what_tells_of_a_hardship_is_counted_and_not_named(
    place: Installation, clock: Clock, mail: tuple[MailServer, str]
) -> None:
    server, url = mail
    approve_extra(place, "care-grant")
    post(place, birth())
    told = mother_of(place)
    contact(place, told, email="li@example.org")
    clock.forward(days=3)
    routed(place, "page", "email")
    assert sent(place, by_mail(url), clock).sent == 1
    body = body_of(server)
    assert "以下2项待遇已核对，合计4,100元" in body and "另有1项，请在市民主页查看" in body
    assert "残疾" not in body and len(combined_from_text(combined(place)[0].data).parts) == 3  # type: ignore[attr-defined]


def test_nobody_writes_to_those_who_have_died_and_nobody_is_congratulated_after(
    born: Installation, clock: Clock, mail: tuple[MailServer, str]
) -> None:
    told = mother_of(born)
    contact(born, told, email="li@example.org")
    clock.forward(days=2)
    post(born, event("d1", "death", MOTHER, "2026-11-22"))
    clock.forward(days=1)
    assert set(routed(born, "page", "email")) == {"page"}
    assert len(combined(born)) == 1  # for whoever acts for her; the page shows it


def test_two_events_of_one_person_on_one_day_are_two_notices_and_tell_nothing_twice(
    place: Installation, clock: Clock
) -> None:
    post(place, birth())
    post(place, birth("b2", child=citizen(12, "20261120")))
    clock.forward(days=3)
    routed(place)
    parts = [part.grant for row in combined(place) for part in combined_from_text(row.data).parts]  # type: ignore[attr-defined]
    assert len(parts) == len(set(parts))
    rows = table(tables.Announcement)
    with place.ledger.reading() as connection:
        assert connection.execute(select(rows.c.id).where(rows.c.routed.is_(False))).all() == []


def test_a_changed_bundle_does_not_change_what_was_told(
    born: Installation, clock: Clock, mail: tuple[MailServer, str]
) -> None:
    server, url = mail
    told = mother_of(born)
    contact(born, told, email="li@example.org")
    clock.forward(days=3)
    routed(born, "page", "email")
    file = born.library_folder / "bundles" / "birth.bundle.yaml"
    before = file.read_text("utf-8")
    try:
        file.write_text(before.replace("孩子出生的登记已收到", "另一种说法"), "utf-8")
        sent(born, by_mail(url), clock)
    finally:
        file.write_text(before, "utf-8")
    assert "孩子出生的登记已收到" in body_of(server)


def test_a_busy_mail_server_gets_the_same_notice_again_under_the_same_key(
    born: Installation, clock: Clock, mail: tuple[MailServer, str]
) -> None:
    server, url = mail
    server.answers = ["450 busy"]
    told = mother_of(born)
    contact(born, told, email="li@example.org")
    clock.forward(days=3)
    routed(born, "page", "email")
    assert sent(born, by_mail(url), clock).temporary == 1
    clock.forward(minutes=2)
    assert sent(born, by_mail(url), clock).sent == 1
    assert len(server.mails) == 1
    (row,) = deliveries(born, told, "email")
    assert row.state == "sent" and row.id == f"{combined(born)[0].id}:email"  # type: ignore[attr-defined]


def test_without_an_event_everything_is_told_as_before(place: Installation, clock: Clock) -> None:
    full_run(place)
    found = routed(place)
    assert found["page"] > 10 and combined(place) == []
