"""The pages over a town with a ledger, served by the real server where a browser needs them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from notifier.ahead import Ahead, what_lies_ahead
from notifier.pages import create_app, login_link
from notifier.versions import policy_by_version
from policies.library import read_policy_text
from tests.notifier.town import AGENCIES, ON, RULE, Town, open_town, person, vocabulary

KEY = b"k" * 32
ANNA, BEN = "a" * 32, "b" * 32
SITE = "https://benefits.test"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    opened = open_town(tmp_path)
    yield opened
    opened.vault.close()
    opened.ledger.close()


TOP_UP = (
    RULE.partition("examples:")[0]
    .replace("id: elderly-allowance", "id: pension-top-up")
    .replace("zh: 老年综合津贴, en: Allowance for the elderly", "zh: 养老金补差, en: Pension top-up")
    .replace("age >= minimum_age", "age >= 50")
)


def ahead_in_town(subject: str) -> list[Ahead]:
    """Anna is too young for one benefit by some months, and her pension is not known for the other."""
    if subject != ANNA:
        return []
    policies = [read_policy_text(text, vocabulary(), "rule.yaml") for text in (RULE, TOP_UP)]
    anna = person(born=date(1962, 3, 1), pension=None, alone=False)
    waiting = person(born=date(1962, 3, 1))
    return [
        *what_lies_ahead(policies[:1], waiting, vocabulary(), ON, AGENCIES),
        *what_lies_ahead(policies[1:], anna, vocabulary(), ON, AGENCIES),
    ]


def application(town: Town, *, demo: bool = False) -> FastAPI:
    """Return the pages over a town."""
    return create_app(
        ledger=town.ledger, vault=town.vault, policies=policy_by_version(town.ledger, vocabulary()),
        vocabulary=vocabulary(), catalog=None, key=KEY, demo=demo, ahead=ahead_in_town,
    )  # fmt: skip


def client_of(app: FastAPI, subject: str | None = None) -> TestClient:
    """Return a client, logged in by the real link if `subject` is given."""
    client = TestClient(app, base_url=SITE, follow_redirects=False, headers={"Accept-Language": "zh"})
    if subject is not None:
        token = login_link(SITE, KEY, subject).partition("token=")[2]
        assert client.post("/login", data={"token": token}).status_code == 303
    return client


@pytest.fixture
def served() -> Iterator[object]:
    """A function that serves an application on this machine and returns its address."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def serve(app: FastAPI) -> str:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        running.append((server, thread))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    yield serve
    for server, thread in running:
        server.should_exit = True
        thread.join(10)
