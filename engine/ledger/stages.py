"""The stages of a grant and the one table of the moves between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from sqlalchemy import Connection, select, update

from engine.ledger import audit, tables
from engine.ledger.opening import Ledger, table
from policies.errors import LedgerError
from policies.policy import Delivery


class Stage(Enum):
    """Where a grant stands."""

    HINTED = "hinted"
    MATCHED = "matched"
    VERIFIED = "verified"
    AWAITING_CONSENT = "awaiting-consent"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    LAPSED = "lapsed"
    PUBLISHED = "published"
    APPROVED = "approved"
    ORDERED = "ordered"
    PAID = "paid"
    RETURNED = "returned"
    SUSPENDED = "suspended"
    STOPPED = "stopped"
    CORRECTED = "corrected"
    RECOVERY_PROPOSED = "recovery-proposed"
    RECOVERED = "recovered"


_S = Stage
# Not taking a benefit is never final: declined and lapsed can be confirmed again. Stopped, corrected and
# recovered are ends. What was paid comes back only by a proposal to a person.
TRANSITIONS: Mapping[Stage, frozenset[Stage]] = MappingProxyType(
    {
        _S.HINTED: frozenset({_S.STOPPED}),  # whatever an authority decides upon a hint is no grant of ours
        _S.MATCHED: frozenset({_S.VERIFIED, _S.AWAITING_CONSENT, _S.PUBLISHED, _S.APPROVED, _S.SUSPENDED, _S.STOPPED}),
        _S.VERIFIED: frozenset({_S.AWAITING_CONSENT, _S.PUBLISHED, _S.APPROVED, _S.SUSPENDED, _S.STOPPED}),
        _S.AWAITING_CONSENT: frozenset({_S.CONFIRMED, _S.DECLINED, _S.LAPSED, _S.SUSPENDED, _S.STOPPED}),
        _S.CONFIRMED: frozenset({_S.PUBLISHED, _S.APPROVED, _S.SUSPENDED, _S.STOPPED}),
        _S.DECLINED: frozenset({_S.AWAITING_CONSENT, _S.CONFIRMED}),
        _S.LAPSED: frozenset({_S.AWAITING_CONSENT, _S.CONFIRMED}),
        _S.PUBLISHED: frozenset({_S.APPROVED, _S.SUSPENDED, _S.STOPPED}),
        _S.APPROVED: frozenset({_S.ORDERED, _S.SUSPENDED, _S.STOPPED, _S.CORRECTED}),
        _S.ORDERED: frozenset({_S.PAID, _S.RETURNED}),
        _S.PAID: frozenset({_S.RETURNED, _S.RECOVERY_PROPOSED}),
        _S.RETURNED: frozenset({_S.ORDERED, _S.SUSPENDED, _S.STOPPED}),
        _S.SUSPENDED: frozenset({_S.MATCHED, _S.APPROVED, _S.STOPPED}),
        _S.STOPPED: frozenset(),
        _S.CORRECTED: frozenset(),
        _S.RECOVERY_PROPOSED: frozenset({_S.PAID, _S.RECOVERED}),
        _S.RECOVERED: frozenset(),
    }
)

# What stands in one of these gives its subject nothing (any more): it neither counts as received nor excludes.
ENDED = frozenset({_S.HINTED, _S.DECLINED, _S.LAPSED, _S.STOPPED, _S.CORRECTED, _S.RECOVERED})

_FIRST: Mapping[Delivery, Stage] = MappingProxyType(
    {
        "automatic": _S.APPROVED,  # the machine may grant
        "confirm": _S.AWAITING_CONSENT,
        "notify": _S.MATCHED,  # the person still has to do something
        "declare": _S.MATCHED,
        "channel": _S.APPROVED,  # a bank, school or hospital carries it out
    }
)


def first_stage(delivery: Delivery, *, is_hint: bool = False) -> Stage:
    """Return the stage in which a grant of a policy with this delivery begins; `is_hint`: people have to judge first."""
    return Stage.HINTED if is_hint else _FIRST[delivery]


def move(ledger: Ledger, grant: str, to: Stage, *, actor: str, reason: str = "") -> None:
    """Move one grant along the transition table, with its audit row. Raises LedgerError otherwise."""
    with ledger.writing() as connection:
        move_within(connection, grant, to, actor=actor, reason=reason, at=ledger.now())


def move_within(connection: Connection, grant: str, to: Stage, *, actor: str, reason: str, at: str) -> None:
    """Move one grant inside the caller's transaction."""
    grants = table(tables.Grant)
    found = connection.execute(select(grants.c.stage).where(grants.c.id == grant)).scalar()
    if found is None:
        raise LedgerError.of(
            "unknown-grant",
            f"没有编号为 `{grant}` 的兑现单",
            f"there is no grant `{grant}`",
            help_zh="用 mianshen grants 查看编号",
            help_en="look the id up with mianshen grants",
        )
    allowed = TRANSITIONS[Stage(found)]
    if to not in allowed:
        names = ", ".join(sorted(stage.value for stage in allowed)) or "-"
        raise LedgerError.of(
            "stage-not-reachable",
            f"兑现单 `{grant}` 不能从 `{found}` 变为 `{to.value}`",
            f"the grant `{grant}` cannot move from `{found}` to `{to.value}`",
            help_zh=f"从 {found} 可以到：{names}",
            help_en=f"from {found} it can move to: {names}",
        )
    connection.execute(update(grants).where(grants.c.id == grant).values(stage=to.value))
    audit.append(
        connection,
        at=at,
        actor=actor,
        action=audit.STAGE_MOVED,
        detail={"grant": grant, "from": found, "to": to.value, "reason": reason},
    )
