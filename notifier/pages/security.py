"""Headers that every answer carries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request
from starlette.responses import Response

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


async def with_security_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Add the headers; only the style sheet may be kept by a browser or a proxy."""
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers[name] = value
    static = request.url.path.startswith("/static/")
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
