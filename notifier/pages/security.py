"""Headers that every answer carries."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from traceback import extract_tb

from fastapi import Request
from starlette.responses import Response

_log = logging.getLogger("mianshen.pages")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The login link holds a token: it must not travel on in a Referer.
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}


Answer = Callable[[Request], Awaitable[Response]]


def security_headers(on_fault: Callable[[Request], Response]) -> Callable[[Request, Answer], Awaitable[Response]]:
    """Return the middleware that gives every answer its headers, also the answer to a fault nobody foresaw.

    Such a fault is answered with `on_fault`; the log gets its kind and place, never its words: they may hold
    what somebody's data were.
    """

    async def with_security_headers(request: Request, call_next: Answer) -> Response:
        try:
            response = await call_next(request)
        except Exception as fault:
            _log.error("unexpected fault: %s at %s", type(fault).__name__, _place_of(fault))
            response = on_fault(request)
        return _with_headers(request, response)

    return with_security_headers


def _place_of(fault: Exception) -> str:
    frames = extract_tb(fault.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "-"


def _with_headers(request: Request, response: Response) -> Response:
    """Add the headers; only the style sheet may be kept by a browser or a proxy."""
    for name, value in _HEADERS.items():
        response.headers[name] = value
    static = request.url.path.startswith("/static/") and response.status_code < 400
    response.headers["Cache-Control"] = "public, max-age=3600" if static else "no-store"
    if request.url.scheme == "https":
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def comes_from_elsewhere(request: Request) -> bool:
    """Return True if another site's page has sent this form."""
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return True
    if origin is None:
        return False
    # Under no-referrer browsers send `null` with a form of our own; they also say where it comes from.
    if origin == "null":
        return request.headers.get("sec-fetch-site") not in ("same-origin", None)
    return origin.partition("://")[2] != request.headers.get("host")
