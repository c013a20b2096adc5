"""The basis of a run: for each policy the last finished run that decided the same, and what it found.

A run that has a basis only decides anew those for whom something has changed since. What "the same" means is
strict: one version of the policy, one period, not held, no error, and a fingerprint of the settled rule and of
the declarations of all data that it reads.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from engine.change_routes import Read
from engine.ledger import tables
from engine.ledger.opening import Ledger, table
from engine.matching import Totals
from engine.planning import Plan
from engine.run_rows import finished_run_ids
from policies.policy import Condition, FixedPolicy
from policies.vocabulary import Vocabulary

# To be raised whenever an engine comes to decide anything otherwise than before: every policy is then
# decided for everybody once.
DECIDES = 1
_LOOK_BACK = 100  # finished runs; a policy that none of them decided is decided for everybody


@dataclass(frozen=True, slots=True)
class Basis:
    """What run `run` found for one policy on the day `on`, in the store's `versions`.

    `seen` is the number of the last audit row when it read what had been granted before, `waiting` how many of
    the policy's candidates it made wait, by reason. The rest is said of the run as a whole: whether it found
    nothing new to do, the digest of the terms of allocation, and which policies it planned.
    """

    run: str
    on: date
    versions: Mapping[str, int]
    totals: Totals
    fingerprint: str
    seen: int
    waiting: Mapping[str, int]
    nothing_new: bool
    terms: str
    planned: frozenset[str]


def find_bases(ledger: Ledger, plan: Plan) -> dict[str, Basis]:
    """Return for each planned policy its basis: the newest finished run that decided the same.

    A policy that was held since then has none: whatever was wrong is looked for among everybody.
    """
    runs = table(tables.Run)
    open_ones = {item.id: item for item in plan.policies if item.approved}
    found: dict[str, Basis] = {}
    with ledger.reading() as connection:
        for number in finished_run_ids(connection, _LOOK_BACK):
            if not open_ones:
                break
            row = connection.execute(select(runs).where(runs.c.id == number)).one()
            planned = dict(json.loads(row.plan)["policies"])
            asked = [name for name, item in open_ones.items() if planned.get(name) == item.policy.version]
            if not asked:
                continue
            report = json.loads(row.report)
            entries = {entry["policy"]: entry for entry in report["policies"]}
            for name in asked:
                entry = entries.get(name)
                if entry is None or not _is_sound(entry):
                    del open_ones[name]
                elif entry["period"] == open_ones[name].period.key:
                    found[name] = _basis(row, report, entry)
                    del open_ones[name]
    return found


def read_bases(ledger: Ledger, pinned: Mapping[str, str]) -> dict[str, Basis]:
    """Return the bases that a plan has pinned (policy -> run); one that is not there any more is left out."""
    runs = table(tables.Run)
    found: dict[str, Basis] = {}
    with ledger.reading() as connection:
        query = select(runs.c.id, runs.c.on, runs.c.store_version, runs.c.report)
        for row in connection.execute(query.where(runs.c.id.in_(sorted(set(pinned.values()))))).fetchall():
            report = json.loads(row.report)
            for entry in report["policies"]:
                if pinned.get(entry["policy"]) == row.id and "totals" in entry:
                    found[entry["policy"]] = _basis(row, report, entry)
    return found


def _is_sound(entry: Mapping[str, Any]) -> bool:
    """Return whether a report's entry can be built upon; those of older versions of mianshen cannot."""
    return entry["held"] is None and not entry["error"] and bool(entry.get("totals"))


def _basis(row: Any, report: Mapping[str, Any], entry: Mapping[str, Any]) -> Basis:
    totals = entry["totals"]
    return Basis(
        run=row.id,
        on=date.fromisoformat(row.on),
        versions=json.loads(row.store_version),
        totals=Totals(
            subjects=entry["subjects"],
            matched=entry["matched"],
            matched_subjects=totals["matched_subjects"],
            ineligible=entry["ineligible"],
            undetermined=entry["undetermined"],
            missing=Counter(totals["missing"]),
        ),
        fingerprint=totals["fingerprint"],
        seen=totals["seen"],
        waiting=entry["waiting"],
        nothing_new=report["nothing_new"],
        terms=report.get("terms", ""),
        planned=frozenset(each["policy"] for each in report["policies"]),
    )


# Fingerprints


def fingerprint(fixed: FixedPolicy, reads: Iterable[Read], vocabulary: Vocabulary) -> str:
    """Return a digest (SHA-256) of all that a settled policy's answers rest on, data apart.

    Two settled policies with one fingerprint give every subject the same answer, from the same data.
    """
    digests = _Digests()
    parts = [
        str(DECIDES),
        digests.condition(fixed.eligibility),
        *(digests.of(node) for node in (fixed.amount, fixed.unit_where, fixed.claim_key, fixed.order_of_need)),
        repr((fixed.policy.space, fixed.policy.for_each, fixed.policy.payee)),
        *sorted(repr((one, _declared(one, vocabulary))) for one in reads),
    ]
    return sha256("\n".join(parts).encode()).hexdigest()


def _declared(read: Read, vocabulary: Vocabulary) -> tuple[object, ...]:
    """Return what the catalog says of a datum, as far as answers depend on it."""
    space, _, name = read.place.partition(".")
    declared = vocabulary.spaces.get(space)
    if declared is None:
        return ()
    collection = declared.collections.get(name)
    owner = collection if collection is not None else declared
    attribute, link = owner.attributes.get(read.name), owner.links.get(read.name)
    return (
        None if collection is None else (collection.member_space, collection.source),
        None if attribute is None else (repr(attribute.type), attribute.source, attribute.freshness_days),
        None if link is None else (link.target, link.source),
    )


class _Digests:
    """Digests of trees by structure; a part that several trees share is digested once."""

    def __init__(self) -> None:
        # The node is kept with its digest: an object's id is only unique while the object lives.
        self._known: dict[int, tuple[object, str]] = {}

    def condition(self, condition: Condition) -> str:
        parts = [self.condition(child) for child in condition.children]
        return self._hash([condition.kind, self.of(condition.expression), *parts])

    def of(self, value: object) -> str:
        if isinstance(value, tuple) and any(is_dataclass(one) for one in value):
            return self._hash([self.of(one) for one in value])
        if not is_dataclass(value):
            return repr(value)
        if id(value) not in self._known:
            parts = [f"{field.name}={self.of(getattr(value, field.name))}" for field in fields(value)]
            self._known[id(value)] = (value, self._hash([type(value).__name__, *parts]))
        return self._known[id(value)][1]

    def _hash(self, parts: Iterable[str]) -> str:
        return sha256("\x00".join(parts).encode()).hexdigest()
