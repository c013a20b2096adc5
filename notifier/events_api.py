"""`POST /api/events`: an agency posts a life event and is told at once what follows from it.

A bearer token says which agency it is; cookies and forms have no part in it. The same key with the same
content is answered the same way for ever, so a sender that heard nothing simply posts again. Neither answers
nor logs hold identity numbers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from engine.events.road import Posted
from engine.events.writer import EventWriter
from engine.ledger.event_tokens import Sender, sender_of
from engine.ledger.opening import Ledger
from policies.errors import Diagnostic, EventError, MianshenError
from policies.text import Bilingual
from profiles.events.reading import LARGEST_EVENT, read_event

PATH = "/api/events"
_STATUS_OF_CODE = {
    "event-key-reused": 409,
    "event-too-large": 413,
    "event-not-json": 400,
    "event-not-text": 400,
    "event-keys-differ": 400,
}
_AGAIN_SECONDS = "5"
_PATIENCE_SECONDS = 30.0


class _Refused(Exception):
    """A request that never becomes an event. Turned into an answer here; never leaves this file."""

    def __init__(self, status: int, code: str, zh: str, en: str, help_zh: str, help_en: str) -> None:
        super().__init__(code)
        self.status = status
        self.diagnostic = Diagnostic(code, Bilingual(zh, en), Bilingual(help_zh, help_en))


@dataclass(frozen=True, slots=True)
class EventsApi:
    """The endpoint. `key` is `derived_key(secret, "event-token")`, `kinds` are those of the catalog.

    A sender that has not sent its whole event within `patience` seconds is told to send it again.
    """

    ledger: Ledger
    writer: EventWriter
    key: bytes
    kinds: Collection[str]
    patience: float = _PATIENCE_SECONDS

    def add_to(self, app: FastAPI) -> None:
        """Add the route."""
        app.post(PATH, response_model=None)(self.post)

    async def post(self, request: Request) -> JSONResponse:
        """Answer one posted event."""
        try:
            sender = await asyncio.to_thread(self._sender, request)
            raw = _with_key(await _event_of(request, self.patience), _key_in_header(request))
            self._require_kind(sender, raw)
            posted = await asyncio.wrap_future(self.writer.submit(raw, sender.agency))
        except _Refused as refusal:
            return _refusal(refusal.status, [refusal.diagnostic])
        except EventError as error:
            return _refusal(_STATUS_OF_CODE.get(error.diagnostics[0].code, 422), error.diagnostics)
        except MianshenError as error:
            # Stored or not: posting it again with the same key is always right.
            return _refusal(503, error.diagnostics)
        return _answer(posted)

    def _sender(self, request: Request) -> Sender:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        sender = sender_of(self.ledger, self.key, token.strip()) if scheme.lower() == "bearer" else None
        if sender is None:
            raise _Refused(
                401,
                "token-needed",
                "需要有效的令牌",
                "a valid token is needed",
                "请求头写 Authorization: Bearer 令牌；令牌用 mianshen events token 生成",
                "send Authorization: Bearer TOKEN; make one with mianshen events token",
            )
        return sender

    def _require_kind(self, sender: Sender, raw: Mapping[str, object]) -> None:
        kind = raw.get("kind")
        if not isinstance(kind, str) or kind not in self.kinds or kind in sender.kinds:
            return  # what is no kind at all is refused, and kept, by the log
        listed = ", ".join(sorted(sender.kinds)) or "-"
        raise _Refused(
            403,
            "kind-not-allowed",
            "该令牌不能报送这类事件",
            "this token may not post events of this kind",
            f"可报送：{listed}",
            f"it may post: {listed}",
        )


async def _event_of(request: Request, patience: float) -> Mapping[str, object]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _Refused(
            415,
            "not-json",
            "请求体应为 JSON",
            "the body must be JSON",
            "请求头写 Content-Type: application/json",
            "send Content-Type: application/json",
        )
    try:
        async with asyncio.timeout(patience):
            return read_event(await _body_of(request))
    except TimeoutError:
        raise _body_incomplete(408) from None
    except ClientDisconnect:
        raise _body_incomplete(400) from None  # nobody hears it; but it is no fault of the service


async def _body_of(request: Request) -> bytes:
    """Return the body, of one that is too large only so much that it is seen to be."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_EVENT:
            return bytes(LARGEST_EVENT + 1)  # what comes after is never read into memory
        parts.append(part)
    return b"".join(parts)


def _body_incomplete(status: int) -> _Refused:
    return _Refused(
        status,
        "body-incomplete",
        "请求体没有在限时内收全",
        "the body did not arrive whole in time",
        "事件未保存；用同一个 key 重报",
        "the event was not stored; post it again with the same key",
    )


def _key_in_header(request: Request) -> str | None:
    """Return the key of the header as the sender wrote it: a header travels as bytes, and agencies write Chinese."""
    header = request.headers.get("idempotency-key")
    try:
        return None if header is None else header.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        raise EventError.of(
            "event-not-text",
            "请求头 Idempotency-Key 不是 UTF-8",
            "the header Idempotency-Key is not UTF-8",
            help_zh="用 UTF-8 写，或把 key 写在事件中",
            help_en="write it in UTF-8, or give the key in the event",
        ) from None


def _with_key(raw: Mapping[str, object], header: str | None) -> Mapping[str, object]:
    """Return the event with the key of the request's header, if it brings none itself."""
    if header is None:
        return raw
    if "key" not in raw:
        return {"key": header, **raw}
    if raw["key"] != header:
        raise EventError.of(
            "event-keys-differ",
            "请求头与事件中的 key 不同",
            "the keys in the header and in the event differ",
            help_zh="只写一处，或写成一样",
            help_en="give it in one place, or the same in both",
        )
    return raw


def _answer(posted: Posted) -> JSONResponse:
    headers = {"Idempotency-Replayed": "true"} if posted.again else {}
    return JSONResponse(posted.answer.to_sender(), 200 if posted.again else 201, headers)


def _refusal(status: int, diagnostics: Any) -> JSONResponse:
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": _AGAIN_SECONDS}}.get(status, {})
    told = [_told(one) for one in diagnostics]
    return JSONResponse({**told[0], "errors": told}, status, headers)


def _told(one: Diagnostic) -> dict[str, object]:
    remedy = {"zh": one.help.zh, "en": one.help.en} if one.help is not None else None
    return {"error": one.code, "message": {"zh": one.message.zh, "en": one.message.en}, "help": remedy}
