"""Who may post events over the network: one token for each agency, of which only a keyed digest is kept."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b

from sqlalchemy import delete, insert, select

from engine.ledger import audit, tables
from engine.ledger.opening import Ledger, table
from policies.errors import LedgerError

_PREFIX = "mianshen-event-"  # makes a token that slipped into a file easy to find


@dataclass(frozen=True, slots=True)
class Sender:
    """An agency that may post the named kinds of events."""

    agency: str
    kinds: frozenset[str]


def make_token(ledger: Ledger, key: bytes, agency: str, kinds: Collection[str], *, actor: str) -> str:
    """Return a new token for an agency; it replaces the one before. It cannot be shown again.

    `key` is `derived_key(secret, "event-token")`. Raises LedgerError if nobody is named.
    """
    _require_actor(actor)
    token = _PREFIX + secrets.token_urlsafe(32)
    tokens, allowed = table(tables.EventToken), sorted(kinds)
    with ledger.writing() as connection:
        connection.execute(delete(tokens).where(tokens.c.agency == agency))
        connection.execute(
            insert(tokens).values(
                agency=agency,
                digest=_digest(key, token),
                kinds=json.dumps(allowed),
                made_at=ledger.now(),
                made_by=actor,
            )
        )
        audit.append(
            connection,
            at=ledger.now(),
            actor=actor,
            action="event-token-made",
            detail={"agency": agency, "kinds": allowed},
        )
    return token


def revoke_token(ledger: Ledger, agency: str, *, actor: str) -> bool:
    """Take an agency's token away; return False if it had none. Raises LedgerError if nobody is named."""
    _require_actor(actor)
    tokens = table(tables.EventToken)
    with ledger.writing() as connection:
        if not connection.execute(delete(tokens).where(tokens.c.agency == agency)).rowcount:
            return False
        audit.append(
            connection, at=ledger.now(), actor=actor, action="event-token-revoked", detail={"agency": agency}
        )  # fmt: skip
    return True


def sender_of(ledger: Ledger, key: bytes, token: str) -> Sender | None:
    """Return whose token it is, or None. Takes the same time whatever the token is."""
    tokens = table(tables.EventToken)
    given = _digest(key, token)
    found = None
    with ledger.reading() as connection:
        for row in connection.execute(select(tokens.c.agency, tokens.c.digest, tokens.c.kinds)):
            if hmac.compare_digest(row.digest, given):
                found = Sender(row.agency, frozenset(json.loads(row.kinds)))
    return found


def _digest(key: bytes, token: str) -> str:
    return blake2b(token.encode("utf-8", "surrogatepass"), key=key, digest_size=32).hexdigest()


def _require_actor(actor: str) -> None:
    if not actor.strip():
        raise LedgerError.of(
            "actor-missing", "没有写明操作人", "who does this is not named", help_zh="写 --by", help_en="give --by"
        )
