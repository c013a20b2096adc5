"""The pages over a town with a ledger, served by the real server where a browser needs them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from notifier.pages import create_app, login_link
from notifier.versions import policy_by_version
from tests.notifier.town import Town, open_town, vocabulary

KEY = b"k" * 32
ANNA, BEN = "a" * 32, "b" * 32
SITE = "https://benefits.test"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    opened = open_town(tmp_path)
    yield opened
    opened.vault.close()
    opened.ledger.close()


def application(town: Town, *, demo: bool = False) -> FastAPI:
    """Return the pages over a town."""
    return create_app(
        ledger=town.ledger, vault=town.vault, policies=policy_by_version(town.ledger, vocabulary()),
        vocabulary=vocabulary(), catalog=None, key=KEY, demo=demo,
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
