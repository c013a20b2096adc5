"""The second opinion of a run: how much of it, and of which policies everybody is asked about."""

from __future__ import annotations

import json

from sqlalchemy import select

from engine.ledger import tables
from engine.ledger.opening import Ledger, table
from engine.opinion_sampling import seed_of
from engine.run_work import Setting, Work
from engine.second_opinion import HELD_CODE, SecondOpinion
from policies.errors import RunError

_RUNS_LOOKED_AT = 50


def require_second_opinion(size: int | None, *, dry_run: bool) -> None:
    """Raise RunError `second-opinion-needed` for a run that would grant on the word of one engine alone."""
    if size is not None and (size < 0 or (size == 0 and not dry_run)):
        raise RunError.of(
            "second-opinion-needed",
            "正式运行必须复核：没有复核就不能兑现",
            "a real run needs a second opinion: nothing is granted on the word of one engine",
            help_zh="给出人数，例如 --second-opinion 3000，或 all；只有 --dry-run 可以为 0",
            help_en="give a number such as --second-opinion 3000, or all; only --dry-run takes 0",
        )


def opinion_of(setting: Setting, work: Work) -> SecondOpinion:
    """Return the second opinion of a run, not yet given."""
    doubted = frozenset() if setting.second_opinion == 0 else doubted_policies(setting.ledger, work)
    return SecondOpinion(
        setting.vocabulary,
        seed_of(work.plan.on, [(item.id, item.policy.version) for item in work.plan.policies], work.profiles.versions),
        setting.second_opinion,
        setting.differences,
        doubted,
    )


def doubted_policies(ledger: Ledger, work: Work) -> frozenset[str]:
    """Return the planned policies of which the last finished run of this version found a difference.

    Another sample might miss what the last one has met: of these everybody is decided again.
    """
    runs, wanted = table(tables.Run), {item.id: item.policy.version for item in work.plan.policies}
    found: dict[str, bool] = {}
    finished = (
        select(runs.c.report)
        .where(runs.c.state == "finished")
        .order_by(runs.c.finished_at.desc(), runs.c.id.desc())
        .limit(_RUNS_LOOKED_AT)
    )
    with ledger.reading() as connection:
        for text in connection.execute(finished).scalars():
            for item in json.loads(text)["policies"]:
                name = item["policy"]
                if name in wanted and item.get("version") == wanted[name]:
                    held = item.get("held")
                    found.setdefault(name, held is not None and held["code"] == HELD_CODE)
            if len(found) == len(wanted):
                break
    return frozenset(name for name, doubted in found.items() if doubted)
