"""What may be decided on a day: the approved policies in force that nobody has held, made ready for events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection, bindparam, func, select

from engine.allocating import Terms, terms_of
from engine.change_index import ChangeIndex
from engine.events.answer import NotDecided
from engine.ledger import tables
from engine.ledger.approvals import approved_policies
from engine.ledger.opening import Ledger, table
from engine.ledger.retirements import Retired, retired_policies
from engine.planning import Planned, approved_text, is_in_force
from policies.errors import MianshenError
from policies.fixing import fix
from policies.periods import period_of
from policies.policy import FixedPolicy, Policy
from policies.text import Bilingual
from policies.vocabulary import Vocabulary

# Entries of the audit log after which other policies may be decided than before.
_CHANGING = ("version-approved", "policy-retired", "policy-resumed", "run-finished", "run-abandoned")
_ENTRIES = table(tables.AuditEntry)
_LAST_ENTRY = select(func.coalesce(func.max(_ENTRIES.c.number), 0))
_CHANGES_SINCE = (
    select(_ENTRIES.c.number).where(_ENTRIES.c.number > bindparam("seen"), _ENTRIES.c.action.in_(_CHANGING)).limit(1)
)


@dataclass(frozen=True)
class Standing:
    """The policies of one day.

    fixed     what events decide
    planned   the same with their periods
    withheld  what events do not decide, and why; the index knows these too
    terms     of all known policies: earlier grants of others may rule out
    seen      the number of the last entry of the audit log that was looked at
    """

    on: date
    fixed: Mapping[str, FixedPolicy]
    planned: Mapping[str, Planned]
    withheld: Mapping[str, NotDecided]
    terms: Mapping[str, Terms]
    index: ChangeIndex
    seen: int

    def tied(self, names: Iterable[str]) -> frozenset[str]:
        """Return `names` and all policies that stand with them in one exclusion, group or top-up."""
        tied, todo = set(names), list(names)
        while todo:
            for other in self._neighbours(todo.pop()) - tied:
                tied.add(other)
                todo.append(other)
        return frozenset(tied)

    def _neighbours(self, name: str) -> set[str]:
        mine = self.terms.get(name)
        if mine is None:
            return set()
        group = mine.exclusive.group if mine.exclusive is not None else None
        near = {
            other
            for other, item in self.terms.items()
            if name in item.excludes
            or name in item.net_of
            or (group is not None and item.exclusive is not None and item.exclusive.group == group)
        }
        return (near | set(mine.excludes) | set(mine.net_of)) - {name}


def standing_on(ledger: Ledger, policies: Mapping[str, Policy], vocabulary: Vocabulary, on: date) -> Standing:
    """Return what stands on day `on`. A policy that cannot be settled for the day is withheld, not raised."""
    with ledger.reading() as connection:
        seen = _last_entry(connection)
        held = _held_by_last_run(connection)
    approved = approved_policies(ledger, on)
    fixed: dict[str, FixedPolicy] = {}
    planned: dict[str, Planned] = {}
    known: dict[str, Policy] = {name: policy for name, policy in policies.items() if is_in_force(policy, on)}
    retired = retired_policies(ledger, on)
    withheld = {
        name: _retired(retired[name]) if name in retired else _not_approved(name)
        for name in known
        if name not in approved
    }
    for name, version in sorted(approved.items()):
        known.pop(name, None)
        try:
            policy = approved_text(ledger, policies, vocabulary, version)
            if not is_in_force(policy, on):
                continue
            known[name] = policy
            if name in held:
                withheld[name] = NotDecided(name, "held", held[name])
                continue
            item = Planned(policy, period_of(policy.period, on))
            fixed[name] = fix(policy, vocabulary, on, item.period)
            planned[name] = item
        except MianshenError as problem:
            withheld[name] = NotDecided(name, "failed", problem.diagnostics[0].message)
    terms = {name: terms_of(policy, on) for name, policy in {**policies, **known}.items()}
    return Standing(on, fixed, planned, withheld, terms, ChangeIndex(known, vocabulary), seen)


def still_standing(ledger: Ledger, standing: Standing, on: date) -> Standing | None:
    """Return `standing`, looked after, if it is what `standing_on` would return now, else None.

    Costs one look at the end of the audit log.
    """
    if standing.on != on:
        return None
    with ledger.reading() as connection:
        last = _last_entry(connection)
        if last == standing.seen:
            return standing
        if connection.execute(_CHANGES_SINCE, {"seen": standing.seen}).first() is not None:
            return None
    return replace(standing, seen=last)


def _last_entry(connection: Connection) -> int:
    return int(connection.execute(_LAST_ENTRY).scalar_one())


def _held_by_last_run(connection: Connection) -> dict[str, Bilingual]:
    """Return why each policy is held whose last finished run held it."""
    runs = table(tables.Run)
    query = (
        select(runs.c.report)
        .where(runs.c.state == "finished")
        .order_by(runs.c.finished_at.desc(), runs.c.started_at.desc(), runs.c.id)
    )
    held: dict[str, Bilingual] = {}
    seen: set[str] = set()
    for text in connection.execute(query).scalars():
        for item in json.loads(text).get("policies", ()):
            if item["policy"] not in seen and item["held"] is not None:
                reason = item["held"]["reason"]
                held[item["policy"]] = Bilingual(reason["zh"], reason["en"])
            seen.add(item["policy"])
    return held


def _retired(one: Retired) -> NotDecided:
    reason = Bilingual(
        f"自 {one.since} 起由 {one.by} 停用：{one.reason}", f"retired since {one.since} by {one.by}: {one.reason}"
    )
    return NotDecided(one.policy, "retired", reason)


def _not_approved(name: str) -> NotDecided:
    reason = Bilingual("尚未审批", "no version of it is approved")
    return NotDecided(name, "not-approved", reason)


PoliciesNow = Callable[[], Mapping[str, Policy]]
