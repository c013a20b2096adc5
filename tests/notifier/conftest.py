"""The town, the mail server and the SMS gateway that the tests of notices use. All of them are real."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.notifier.town import Town, open_town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    opened = open_town(tmp_path)
    yield opened
    opened.vault.close()
    opened.ledger.close()


class MailServer:
    """An SMTP server on this machine. `answers` are given to the next recipients, then 250."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.recipients: list[str] = []
        self.answers: list[str] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content))
        self.recipients += envelope.rcpt_tos
        return "250 OK"


@pytest.fixture
def mail() -> Iterator[tuple[MailServer, str]]:
    """A mail server and its URL."""
    handler = MailServer()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, f"smtp://127.0.0.1:{port}"
    controller.stop()


class Gateway:
    """An SMS gateway: sends once for a key. `script` says what happens to the next requests.

    `ok`; a status code; `slow`: takes the message, and answers after the caller has given up.
    """

    def __init__(self) -> None:
        self.script: list[str] = []
        self.keys: list[str] = []
        self.sent: dict[str, dict[str, str]] = {}
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        key = handler.headers["Idempotency-Key"]
        with self.lock:
            self.keys.append(key)
            self.headers.append(dict(handler.headers))
            step = self.script.pop(0) if self.script else "ok"
            status = int(step) if step.isdigit() else 200
            if status == 200:
                self.sent.setdefault(key, body)
        if step == "slow":
            time.sleep(0.8)
        answer = json.dumps({"id": f"provider-{len(self.sent)}"}).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(answer)))
            handler.end_headers()
            handler.wfile.write(answer)
        except (BrokenPipeError, ConnectionResetError):
            return  # the caller did not wait


@pytest.fixture
def gateway() -> Iterator[tuple[Gateway, str]]:
    """A gateway and its URL."""
    state = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.handle(self)

        def log_message(self, format: str, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state, f"http://127.0.0.1:{server.server_address[1]}/send"
    server.shutdown()
    server.server_close()
