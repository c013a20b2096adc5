"""An editor as the protocol has it: a real server process, JSON-RPC over its standard input and output."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_SECONDS = 120


class Editor:
    """Starts the server, opens files and asks questions; positions are those of the protocol."""

    def __init__(
        self,
        language: str = "en",
        encodings: tuple[str, ...] | None = None,
        home: Path | None = None,
        *,
        has_snippets: bool = False,
        can_watch: bool = False,
    ) -> None:
        environment = {**os.environ, "MIANSHEN_LANG": language}
        if home is not None:
            environment["MIANSHEN_HOME"] = str(home)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli", "policies", "language-server", "--stdio"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=environment,
        )  # fmt: skip
        self.messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.shown: list[str] = []
        self.watched: list[str] = []
        self.pending: list[dict[str, Any]] = []
        self.number = 0
        threading.Thread(target=self._read, daemon=True).start()
        general = {"positionEncodings": list(encodings)} if encodings is not None else {}
        item = {"completionItem": {"snippetSupport": has_snippets}}
        watching = {"didChangeWatchedFiles": {"dynamicRegistration": can_watch}}
        asked = {"general": general, "textDocument": {"completion": item}, "workspace": watching}
        self.capabilities = self.ask("initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": asked})[
            "capabilities"
        ]
        self.tell("initialized", {})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None and kind is None:
            self.ask("shutdown", None)
            self.tell("exit", None)
            self.process.wait(_PATIENCE_SECONDS)
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        try:
            while header := stream.readline():
                length = 0
                while header.strip():
                    name, _, value = header.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                    header = stream.readline()
                self.messages.put(json.loads(stream.read(length)))
        except ValueError:
            pass  # closed while reading
        self.messages.put(None)

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        data = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False).encode()
        self.process.stdin.write(f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
        self.process.stdin.flush()

    def tell(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> Any:
        """Send a request and return its result."""
        self.number += 1
        number = self.number
        self._send({"id": number, "method": method, "params": params})
        answer = self._next(lambda one: one.get("id") == number and "method" not in one)
        assert "error" not in answer, answer
        return answer["result"]

    def _next(self, wanted: Any) -> dict[str, Any]:
        for one in self.pending:
            if wanted(one):
                self.pending.remove(one)
                return one
        while True:
            message = self.messages.get(timeout=_PATIENCE_SECONDS)
            assert message is not None, "the server has ended"
            if message.get("method") == "client/registerCapability":
                for one in message["params"]["registrations"]:
                    self.watched += [each["globPattern"] for each in one["registerOptions"]["watchers"]]
                self._send({"id": message["id"], "result": None})
            elif message.get("method") == "window/showMessage":
                self.shown.append(message["params"]["message"])
            elif wanted(message):
                return message
            else:
                self.pending.append(message)

    def open(self, path: Path, text: str | None = None) -> str:
        """Open a file with its text on disk, or another; return its address."""
        uri = path.resolve().as_uri()
        text = path.read_bytes().decode("utf-8") if text is None else text
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def change(self, uri: str, version: int, text: str) -> None:
        """Replace the text of an open file."""
        document = {"uri": uri, "version": version}
        self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def findings(self, uri: str, version: int = 1) -> list[dict[str, Any]]:
        """Wait for the findings of a version of a file and return them."""

        def wanted(message: dict[str, Any]) -> bool:
            params = message.get("params") or {}
            is_theirs = message.get("method") == "textDocument/publishDiagnostics" and params.get("uri") == uri
            return is_theirs and params.get("version") == version

        found: list[dict[str, Any]] = self._next(wanted)["params"]["diagnostics"]
        return found

    def at(self, method: str, uri: str, line: int, character: int) -> Any:
        """Ask a question about a place."""
        position = {"line": line, "character": character}
        return self.ask(f"textDocument/{method}", {"textDocument": {"uri": uri}, "position": position})
