"""`mianshen policies retire …`: take a policy out of use."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select

from engine.installation import Installation
from engine.ledger import tables
from engine.ledger.opening import table as ledger_table
from engine.ledger.retirements import retire
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json


def retire_policy(
    installation: Installation, id: str, by: str, reason: str, on: date, say: Speech, *, as_json: bool
) -> int:
    """Retire a policy and say what that means; return 0. Raises LedgerError."""
    made = retire(installation.ledger, id, by, reason, on)
    grants = _grants_of(installation, id)
    if as_json:
        print_json({"policy": id, "since": made.since, "by": made.by, "reason": made.reason, "grants_kept": grants})
        return 0
    console.print(
        say(
            f"政策 {id} 自 {made.since} 起停用({made.by}:{made.reason})",
            f"{id} is retired since {made.since} (by {made.by}: {made.reason})",
        ),
        style="bold",
        markup=False,
    )
    for line in (
        say(f"已兑现的 {grants} 笔照旧,不撤销、不停发", f"the {grants} grants made so far stay as they are"),
        say(
            f"{made.since} 之前错过的周期仍会补跑,也可用 run --on 指定更早的日期",
            f"periods missed before {made.since} are still made up; run --on takes earlier days",
        ),
        say(
            "要恢复,请另行审批(原版本或新版本均可)",
            "to take it up again, approve it anew: the same version or another",
        ),
    ):
        console.print(f"  {line}", markup=False)
    return 0


def _grants_of(installation: Installation, id: str) -> int:
    grants = ledger_table(tables.Grant)
    with installation.ledger.reading() as connection:
        return int(connection.execute(select(func.count()).where(grants.c.policy == id)).scalar_one())
