"""What is due goes out once per key, whatever breaks; nothing personal is left in logs."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.ledger import tables
from engine.ledger.opening import open_ledger, table
from notifier.channels.channel import Channel, Message
from notifier.channels.email import message_id
from notifier.channels.sms import SmsChannel
from notifier.routing import route
from notifier.sending import MOST_ATTEMPTS, SendingReport, send_due
from notifier.settings import channels_from_environment
from notifier.templates import renderer
from notifier.versions import policy_by_version
from policies.errors import DeliveryError
from profiles.vault import open_vault
from tests.notifier.conftest import Gateway, MailServer
from tests.notifier.town import SIGNATURE, Town, vocabulary

ROOT = Path(__file__).resolve().parents[2]
ANNA, BEN = "a" * 32, "b" * 32


def _settings(url: str) -> dict[str, str]:
    if url.startswith("smtp"):
        return {"MIANSHEN_SMTP_URL": url, "MIANSHEN_SMTP_FROM": "notices@example.org"}
    return {"MIANSHEN_SMS_URL": url, "MIANSHEN_SMS_SIGNATURE": SIGNATURE, "MIANSHEN_SMS_TOKEN": "gate-token"}


def _route(town: Town, *channels: str) -> None:
    route(town.ledger, lambda subjects: town.vault.contacts(subjects, "notifier", "routing"), channels)


def _send(town: Town, channels: dict[str, Channel]) -> SendingReport:
    render = renderer(policy_by_version(town.ledger, vocabulary()), SIGNATURE)
    return send_due(town.ledger, town.vault, channels, render, town.clock)


def _delivery(town: Town, channel: str):  # type: ignore[no-untyped-def]
    deliveries = table(tables.Delivery)
    with town.ledger.reading() as connection:
        return connection.execute(select(deliveries).where(deliveries.c.channel == channel)).one()


def _with_sms(town: Town, subject: str = ANNA) -> None:
    town.grant(subject)
    town.contact(subject, name="张三丰", phone="13812345678", channels="inbox,sms")
    _route(town, "page", "sms")


def test_a_mail_arrives_in_words_with_a_message_id_made_of_its_key(town: Town, mail: tuple[MailServer, str]) -> None:
    server, url = mail
    number = town.grant(ANNA)
    town.contact(ANNA, name="张三丰", email="anna@example.org", channels="inbox,email")
    _route(town, "page", "email")
    report = _send(town, channels_from_environment(_settings(url)))
    assert (report.sent, report.by_channel) == (1, {"email": {"sent": 1}})
    (received,) = server.mails
    assert server.recipients == ["anna@example.org"]
    assert received["Message-ID"] == message_id(f"{number}-granted:email", "notices@example.org")
    body = received.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert "150元" in body and "2026年11月" in body and "某府发〔2016〕24号" in body
    assert "张**您好" in body and "张三丰" not in body
    assert _delivery(town, "email").state == "sent"
    assert _send(town, channels_from_environment(_settings(url))) == SendingReport()


def test_an_english_reader_gets_english(town: Town, mail: tuple[MailServer, str]) -> None:
    server, url = mail
    town.grant(ANNA)
    town.contact(ANNA, email="anna@example.org", language="en")
    _route(town, "email")
    _send(town, channels_from_environment(_settings(url)))
    body = server.mails[0].get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert "Your allowance for November 2026 is 150 yuan" in body


def test_a_busy_mail_server_is_asked_again_later_with_the_same_message_id(
    town: Town, mail: tuple[MailServer, str]
) -> None:
    server, url = mail
    server.answers = ["450 busy"]
    town.grant(ANNA)
    town.contact(ANNA, email="anna@example.org")
    _route(town, "email")
    channels = channels_from_environment(_settings(url))
    assert _send(town, channels).temporary == 1
    failed = _delivery(town, "email")
    assert (failed.state, failed.error) == ("temporary-failure", "smtp-450")
    assert _send(town, channels) == SendingReport()
    town.clock.forward(minutes=2)
    assert _send(town, channels).sent == 1
    assert len(server.mails) == 1


def test_an_address_that_is_refused_is_not_tried_again(town: Town, mail: tuple[MailServer, str]) -> None:
    server, url = mail
    server.answers = ["550 no such user anna@example.org"]
    town.grant(ANNA)
    town.contact(ANNA, email="anna@example.org")
    _route(town, "email")
    assert _send(town, channels_from_environment(_settings(url))).permanent == 1
    failed = _delivery(town, "email")
    assert (failed.state, failed.error) == ("permanent-failure", "smtp-550")
    town.clock.forward(days=9)
    assert _send(town, channels_from_environment(_settings(url))) == SendingReport()


def test_an_sms_carries_its_key_and_keeps_to_the_conventions(town: Town, gateway: tuple[Gateway, str]) -> None:
    state, url = gateway
    _with_sms(town)
    assert _send(town, channels_from_environment(_settings(url))).sent == 1
    row = _delivery(town, "sms")
    assert state.keys == [row.id] and row.provider_id == "provider-1"
    assert state.headers[0]["Authorization"] == "Bearer gate-token"
    text = state.sent[row.id]["text"]
    assert text.startswith(f"【{SIGNATURE}】张**您好") and len(text) <= 70 and "150元" in text


def test_a_gateway_that_takes_the_message_and_then_hangs_is_asked_with_the_same_key(
    town: Town, gateway: tuple[Gateway, str]
) -> None:
    state, url = gateway
    state.script = ["slow", "503", "ok"]
    _with_sms(town)
    channels: dict[str, Channel] = {"sms": SmsChannel(url, SIGNATURE, timeout=0.3)}
    assert _send(town, channels).temporary == 1
    assert _delivery(town, "sms").error == "gateway-timeout"
    for minutes in (2, 6):
        town.clock.forward(minutes=minutes)
        report = _send(town, channels)
    assert report.sent == 1
    assert len(state.keys) == 3 and len(set(state.keys)) == 1 and len(state.sent) == 1


def test_a_gateway_that_never_answers_is_given_up_after_some_attempts(town: Town, gateway: tuple[Gateway, str]) -> None:
    state, url = gateway
    state.script = ["500"] * 20
    _with_sms(town)
    channels = channels_from_environment(_settings(url))
    for _ in range(MOST_ATTEMPTS):
        _send(town, channels)
        town.clock.forward(days=2)
    assert _delivery(town, "sms").state == "permanent-failure"
    assert len(state.keys) == MOST_ATTEMPTS


def test_what_is_due_for_a_channel_that_is_not_configured_is_told_before_anything_goes(town: Town) -> None:
    _with_sms(town)
    with pytest.raises(DeliveryError) as raised:
        _send(town, channels_from_environment({}))
    diagnostic = raised.value.diagnostics[0]
    assert diagnostic.help is not None and "MIANSHEN_SMS_URL" in diagnostic.help.en
    assert _delivery(town, "sms").attempts == 0


SENDER = """\
import sys
from pathlib import Path
from tests.notifier.town import *
from notifier.sending import send_due
from notifier.settings import channels_from_environment
from notifier.templates import renderer
from notifier.versions import policy_by_version
folder = Path(sys.argv[1])
clock = Clock()
ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}", clock)
render = renderer(policy_by_version(ledger, vocabulary()), SIGNATURE)
send_due(ledger, open_vault(Home(folder)), channels_from_environment(), render, clock)
"""


def test_a_sender_killed_between_call_and_record_leaves_a_message_that_goes_out_once(
    town: Town, gateway: tuple[Gateway, str]
) -> None:
    state, url = gateway
    _with_sms(town)
    environment = {**os.environ, **_settings(url), "MIANSHEN_FAULT": "channel-called:kill", "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", SENDER, str(town.home.path)], env=environment, check=False, cwd=ROOT)
    assert killed.returncode < 0
    assert _delivery(town, "sms").state == "sending"
    channels = channels_from_environment(_settings(url))
    assert _send(town, channels) == SendingReport()  # the lease of the dead still holds
    town.clock.forward(minutes=11)
    assert _send(town, channels).sent == 1
    assert len(state.keys) == 2 and len(set(state.keys)) == 1 and len(state.sent) == 1


def test_two_senders_at_once_send_everything_under_one_key_each(town: Town, gateway: tuple[Gateway, str]) -> None:
    state, url = gateway
    for number in range(30):
        town.grant(f"{number:032x}"[::-1])
        town.contact(f"{number:032x}"[::-1], phone="13812345678")
    _route(town, "sms")
    reports: list[SendingReport] = []

    def work() -> None:
        ledger, vault = open_ledger(town.ledger.url, town.clock), open_vault(town.home)
        render = renderer(policy_by_version(ledger, vocabulary()), SIGNATURE)
        reports.append(send_due(ledger, vault, channels_from_environment(_settings(url)), render, town.clock))
        vault.close()
        ledger.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each.sent for each in reports) == 30
    assert sorted(state.keys) == sorted(set(state.keys)) and len(state.sent) == 30


def test_every_contact_is_opened_with_a_purpose_and_stays_out_of_logs(
    town: Town, gateway: tuple[Gateway, str], caplog: pytest.LogCaptureFixture
) -> None:
    state, url = gateway
    state.script = ["400"]
    with caplog.at_level(logging.DEBUG):
        _with_sms(town)
        _send(town, channels_from_environment(_settings(url)))
    opened = town.vault.openings(ANNA)
    assert {each.actor for each in opened} == {"notifier"}
    assert any(each.purpose == f"delivery {_delivery(town, 'sms').id}" for each in opened)
    with town.ledger.reading() as connection:
        stored = json.dumps([list(row) for row in connection.execute(select(table(tables.Delivery)))])
    for secret in ("13812345678", "张三丰", "gate-token"):
        assert secret not in caplog.text
        assert secret not in stored
    assert "138" not in repr(Message("13812345678", "", "…"))


def test_a_slow_channel_gives_back_what_it_cannot_send_in_time(town: Town, gateway: tuple[Gateway, str]) -> None:
    _, url = gateway
    for subject in (ANNA, BEN):
        _with_sms(town, subject)
    sms = SmsChannel(url, SIGNATURE)

    class Slow:
        """The real channel, on a day when every call takes six minutes."""

        def send(self, message: Message, key: str) -> str:
            town.clock.forward(minutes=6)
            return sms.send(message, key)

    assert _send(town, {"sms": Slow()}).sent == 2
