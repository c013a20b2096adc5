"""What an agency can rely on when it posts events to the service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from engine.durable_engine import DurableEngine
from engine.events.road import EventRoad
from engine.events.writer import EventWriter
from engine.installation import Installation
from engine.ledger.event_tokens import make_token, revoke_token
from notifier.events_api import EventsApi
from profiles.events.log import EventLog
from profiles.secret import derived_key, secret_key
from tests.events_road.little_town import FIRMS, MIDDLE, NOW, OLD, citizen, event, grants_in, open_road


@pytest.fixture
def key(installation: Installation) -> bytes:
    return derived_key(secret_key(installation.home), "event-token")


@pytest.fixture
def client(installation: Installation, key: bytes) -> Iterator[TestClient]:
    @contextmanager
    def opened() -> Iterator[EventRoad]:
        with open_road(installation) as road:
            yield road
            road._log.close()

    writer = EventWriter(opened, clock=lambda: NOW)
    app = FastAPI()
    EventsApi(installation.ledger, writer, key, installation.catalog.events).add_to(app)
    writer.start()
    with TestClient(app) as made:
        made.headers["Authorization"] = "Bearer " + make_token(
            installation.ledger, key, "all agencies", list(installation.catalog.events), actor="zhao"
        )
        yield made
    writer.stop()


BIRTH = event("b1", "birth", MIDDLE[0], child=citizen(3, "20261120"), hukou_region="310115", lawful_birth=True)


def post(client: TestClient, raw: object, **headers: str) -> Any:
    return client.post("/api/events", json=raw, headers=headers)


def test_what_follows_is_told_with_the_answer(client: TestClient, installation: Installation) -> None:
    answer = post(client, BIRTH)
    assert answer.status_code == 201
    told = answer.json()
    assert [(one["policy"], one["amount"]) for one in told["granted"]] == [("family-allowance", 360_000)]
    (granted,) = grants_in(installation)
    assert granted[1] not in answer.text  # an agency is told what follows, not who stands behind the pseudonym


def test_the_same_key_with_the_same_content_is_answered_alike_for_ever(client: TestClient) -> None:
    first, second, third = (post(client, BIRTH) for _ in range(3))
    assert [one.status_code for one in (first, second, third)] == [201, 200, 200]
    assert first.json() == second.json() == third.json()
    assert second.headers["idempotency-replayed"] == "true"


def test_the_key_may_stand_in_the_header(client: TestClient) -> None:
    bare = {name: value for name, value in BIRTH.items() if name != "key"}
    assert post(client, bare, **{"Idempotency-Key": "b1"}).status_code == 201
    assert post(client, BIRTH).status_code == 200
    assert post(client, BIRTH, **{"Idempotency-Key": "b2"}).status_code == 400


def test_a_chinese_key_is_the_same_key_in_the_header_and_in_the_event(client: TestClient) -> None:
    bare = {name: value for name, value in BIRTH.items() if name != "key"}
    in_header = client.post("/api/events", json=bare, headers={b"Idempotency-Key": "卫健-1".encode()})
    in_event = post(client, {**BIRTH, "key": "卫健-1"})
    assert (in_header.status_code, in_event.status_code) == (201, 200)
    assert in_header.json()["key"] == "卫健-1"


@pytest.mark.parametrize(("then", "status"), [("leaves", 400), ("waits", 408)])
def test_a_sender_that_never_finishes_its_event_holds_nothing_up_and_is_no_fault_of_the_service(
    client: TestClient, installation: Installation, key: bytes, then: str, status: int
) -> None:
    app = FastAPI()
    # No event is ever handed over, so the writer need not run.
    writer = EventWriter(lambda: open_road(installation))
    EventsApi(installation.ledger, writer, key, installation.catalog.events, patience=0.1).add_to(app)
    arriving = [{"type": "http.request", "body": b'{"key": "half', "more_body": True}]
    answers: list[Any] = []

    async def receive() -> Any:
        if arriving:
            return arriving.pop()
        if then == "waits":
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answers.append(message)

    token = client.headers["Authorization"].encode()
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/api/events", "query_string": b"",
        "headers": [(b"authorization", token), (b"content-type", b"application/json")],
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    assert (answers[0]["status"], json.loads(answers[1]["body"])["error"]) == (status, "body-incomplete")
    with EventLog(installation.home, installation.catalog) as log:
        assert (log.latest(), log.refused()) == (0, [])


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic dXNlcjpwYXNz", "Bearer \x7f"])
def test_without_a_valid_token_nothing_is_read(client: TestClient, installation: Installation, given: str) -> None:
    answer = post(client, BIRTH, Authorization=given)
    assert (answer.status_code, answer.json()["error"]) == (401, "token-needed")
    assert answer.headers["www-authenticate"] == "Bearer"
    with EventLog(installation.home, installation.catalog) as log:
        assert (log.latest(), log.refused()) == (0, [])


def test_a_revoked_token_is_no_token(client: TestClient, installation: Installation) -> None:
    assert revoke_token(installation.ledger, "all agencies", actor="zhao")
    assert post(client, BIRTH).status_code == 401


def test_a_token_opens_only_the_kinds_of_its_agency(client: TestClient, installation: Installation, key: bytes) -> None:
    token = make_token(installation.ledger, key, "public security", ["death", "move"], actor="zhao")
    mine = {"Authorization": f"Bearer {token}"}
    assert post(client, BIRTH, **mine).status_code == 403
    assert post(client, event("d1", "death", OLD[1]), **mine).status_code == 201


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        ({**BIRTH, "kind": "birthh"}, 422, "event-unknown-kind"),
        ({**BIRTH, "subject": citizen(9)}, 422, "event-unknown-subject"),
        ({**BIRTH, "occurred_on": "2026-11-23"}, 422, "event-from-the-future"),
        ({**BIRTH, "data": {"child": 7}}, 422, "event-wrong-type"),
        ({**BIRTH, "more": 1}, 422, "event-unknown-field"),
        ([BIRTH], 400, "event-not-json"),
    ],
)
def test_a_wrong_event_is_refused_with_its_reason_and_remedy(
    client: TestClient, installation: Installation, raw: object, status: int, code: str
) -> None:
    answer = post(client, raw)
    told = answer.json()
    assert answer.status_code == status
    assert code in [one["error"] for one in told["errors"]], told
    assert told["message"]["zh"] and told["message"]["en"] and told["help"]["en"]
    for number in (*MIDDLE, citizen(9)):
        assert number not in answer.text
    assert grants_in(installation) == []


def test_another_event_under_a_used_key_is_a_conflict(client: TestClient) -> None:
    assert post(client, BIRTH).status_code == 201
    answer = post(client, {**BIRTH, "subject": MIDDLE[1]})
    assert (answer.status_code, answer.json()["error"]) == (409, "event-key-reused")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe\x00", "application/json", 400),
        (b'{"key": "a", "key": "b"}', "application/json", 400),
        (b'{"a":' * 20_000, "application/json", 413),
        (b'{"a":' * 5_000, "application/json", 400),
        (b" " * 5_000_000, "application/json", 413),
        (json.dumps(BIRTH).encode(), "application/x-www-form-urlencoded", 415),
        (b"", "application/json", 400),
    ],
)
def test_a_body_that_is_no_event_is_refused(client: TestClient, body: bytes, kind: str, status: int) -> None:
    answer = client.post("/api/events", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, set(answer.json()) >= {"error", "message", "help"}) == (status, True)


def test_events_of_many_senders_are_all_answered(client: TestClient, installation: Installation) -> None:
    from concurrent.futures import ThreadPoolExecutor

    raws = [
        event(f"h{n}", "hire", MIDDLE[12 + n % 8], employer=FIRMS[n % 5], record_number=f"N{n % 8}", contract_months=24)
        for n in range(8)
    ]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda raw: post(client, raw).status_code, raws * 2))
    assert sorted(statuses) == [200] * 8 + [201] * 8
    # Each of the eight once, and the four of the extract, which their firms' events bring along.
    assert len(grants_in(installation, "hire-subsidy")) == 12


def test_after_an_unforeseen_fault_the_sender_is_told_to_post_again_and_the_service_goes_on(
    installation: Installation, key: bytes
) -> None:
    told: list[str] = []
    faults = [ZeroDivisionError("a text that may name somebody"), None, None]

    class Faulty(DurableEngine):
        def decide(self, *arguments: Any, **options: Any) -> Any:
            fault = faults.pop(0) if faults else None
            if fault is not None:
                raise fault
            return super().decide(*arguments, **options)

    @contextmanager
    def opened() -> Iterator[EventRoad]:
        with open_road(installation, Faulty) as road:
            yield road
            road._log.close()

    writer = EventWriter(opened, clock=lambda: NOW, on_trouble=lambda one: told.append(one.diagnostics[0].message.en))
    app = FastAPI()
    EventsApi(installation.ledger, writer, key, installation.catalog.events).add_to(app)
    writer.start()
    with TestClient(app) as sender:
        token = make_token(installation.ledger, key, "health", ["birth"], actor="zhao")
        sender.headers["Authorization"] = f"Bearer {token}"
        first = post(sender, BIRTH)
        assert (first.status_code, first.json()["error"]) == (503, "event-service-failed")
        assert first.headers["retry-after"] and "name somebody" not in first.text
        again = post(sender, BIRTH)
        assert again.status_code == 200  # it was stored at once, and taken up when the road was opened anew
        assert [one["policy"] for one in again.json()["granted"]] == ["family-allowance"]
    writer.stop()
    assert told == ["the event service met an unforeseen error (ZeroDivisionError)"]
    assert len(grants_in(installation)) == 1
