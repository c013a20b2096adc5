"""Ceilings: what one receiver gets over several grants of a policy is cut to what the ceilings leave.

Pure. The largest amounts come first, which serves the receiver best where items are counted; then the order of the
units' ids decides. Each gets the lowest that the ceilings it falls under allow. A plain
ceiling counts the amounts granted. One with a measure counts that of each unit, once in its span: a unit of whose
measure only a part has room gets that part of its amount, rounded down to fen; what was counted in earlier periods
comes before what is new. Nothing depends on the order of rows. Nobody is ever given too much for want of a datum: a
unit of which it is not known whether, with what, or with whom together it falls under a ceiling waits; an earlier
grant of which that is not known (an older version granted it, before the ceiling was written as it is) counts against
all groups of its subject.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from engine.allocating import ORDER, Reason, Settled, Terms, nobody_waits, waiting_for, within_span

Group = tuple[str, ...]
CEILING_GRANT_COLUMNS: dict[str, type[pl.DataType]] = {
    "policy": pl.String,
    "subject": pl.String,
    "unit": pl.String,
    "period": pl.String,
    "amount": pl.Int64,
    "on": pl.String,
    "ceilings": pl.String,
}


@dataclass(slots=True)
class _Used:
    """What counts already under one ceiling for one subject, in fen.

    `amounts` were granted, by group; `measures` count, by group and unit. `to_all` was granted to nobody knows which
    group, to the units `unread`.
    """

    amounts: dict[Group, int] = field(default_factory=dict)
    measures: dict[Group, dict[str, int]] = field(default_factory=dict)
    to_all: int = 0
    unread: set[str] = field(default_factory=set)

    def granted(self, group: Group) -> int:
        return self.to_all + self.amounts.get(group, 0)

    def measured(self, group: Group, unit: str, limit: int) -> int:
        """Return what the other units count; a grant of which no measure is known may have taken all there was."""
        others = sum(each for name, each in self.measures.get(group, {}).items() if name != unit)
        return others + (limit if self.unread - {unit} else 0)

    def take(self, group: Group, unit: str, amount: int, measure: int | None) -> None:
        if measure is None:
            self.amounts[group] = self.amounts.get(group, 0) + amount
        else:
            units = self.measures.setdefault(group, {})
            units[unit] = max(measure, units.get(unit, 0))


@dataclass(frozen=True, slots=True)
class _Allowed:
    """What one ceiling allows a unit, in fen: `amount`; of its measure `counted` (None: the ceiling has none)."""

    name: str
    group: Group
    limit: int
    before: int
    amount: int
    counted: int | None = None


@dataclass(frozen=True, slots=True)
class _Cut:
    """What becomes of one candidate: `amount` fen, or a reason to wait for the ceiling `name`."""

    amount: int
    ceilings: str
    reason: Reason | None = None
    name: str = ""


def settle_ceilings(rows: pl.DataFrame, terms: Mapping[str, Terms], granted: pl.DataFrame) -> Settled:
    """Cut the amounts of the candidates to what the ceilings of their policies leave; who is left nothing waits.

    Args:
        rows: candidates; `ceilings` says what the ceilings read of them (`Matches.rows`).
        terms: of their policies.
        granted: the grants of these subjects that still count (`CEILING_GRANT_COLUMNS`), those of the rows left out.

    Returns:
        The rows; in `ceilings` each ceiling they fall under now also tells `by_rule` (the amount before any was
        applied), `before` (what counted under it till then) and, with a measure, `counted` (how much of it counts
        now), in fen.
    """
    concerned = pl.col("policy").is_in([name for name, item in terms.items() if item.ceilings])
    mine = rows.filter(concerned & pl.col("ceilings").is_not_null() & pl.col("amount").is_not_null())
    if mine.is_empty():
        return Settled(rows, nobody_waits(rows))
    by_rule = [_by_rule(json.loads(text), amount) for amount, text in mine.select("amount", "ceilings").iter_rows()]
    order = ["policy", "subject", "_by_rule", "unit"]
    mine = mine.with_columns(_by_rule=pl.Series(by_rule, dtype=pl.Int64)).sort(
        order, descending=[False, False, True, False]
    )
    used = _used(granted, terms)
    fields = ("policy", "subject", "unit", "amount", "ceilings")
    for name, subject, unit, _, text in mine.select(fields).iter_rows():
        if any(one.unread for one in used.get((name, subject), {}).values()):
            _recognise(json.loads(text), unit, used[name, subject])
    cuts = [
        _cut(terms[name], unit, amount, text, used.setdefault((name, subject), {}))
        for name, subject, unit, amount, text in mine.select(fields).iter_rows()
    ]
    cut = mine.with_columns(
        _cut=pl.Series([one.amount for one in cuts], dtype=pl.Int64),
        ceilings=pl.Series([one.ceilings for one in cuts], dtype=pl.String),
        _reason=pl.Series([None if one.reason is None else one.reason.value for one in cuts], dtype=pl.String),
        _name=pl.Series([one.name for one in cuts], dtype=pl.String),
    )
    waiting = [
        waiting_for(cut.filter(_reason=reason.value).with_columns(amount=pl.col("_cut")), reason, pl.col("_name"))
        for reason in (Reason.CEILING, Reason.CEILING_UNKNOWN)
    ]
    columns = nobody_waits(rows).columns
    some = cut.filter(pl.col("_reason").is_null()).with_columns(amount=pl.col("_cut")).select(rows.columns)
    others = rows.join(mine.select("policy", "subject", "unit"), on=["policy", "subject", "unit"], how="anti")
    return Settled(pl.concat([others, some]).sort(ORDER), pl.concat([one.select(columns) for one in waiting]))


def _used(granted: pl.DataFrame, terms: Mapping[str, Terms]) -> dict[tuple[str, str], dict[str, _Used]]:
    """Return by policy and subject, then by ceiling, what was granted within its span."""
    found: dict[tuple[str, str], dict[str, _Used]] = {}
    for name in sorted(granted["policy"].unique()):
        item = terms[name]
        of_policy = granted.filter(pl.col("policy") == name)
        for ceiling, within, reading in item.ceilings:
            counted = within_span(of_policy, item.ceiling_span(within))
            for subject, unit, amount, text in counted.select("subject", "unit", "amount", "ceilings").iter_rows():
                read = (json.loads(text) if text else {}).get(ceiling)
                if read is not None and read.get("as") != reading:
                    read = None  # a version whose ceiling of this name read something else
                if read is not None and read["counts"] is False:
                    continue
                group = None if read is None else _group(read)
                used = found.setdefault((name, subject), {}).setdefault(ceiling, _Used())
                if read is None or group is None:
                    used.to_all += amount or 0
                    used.unread.add(unit)
                else:
                    used.take(group, unit, amount or 0, read.get("counted"))
    return found


def _recognise(read: Mapping[str, Any], unit: str, used: Mapping[str, _Used]) -> None:
    """Count the measure of a unit that was granted before its ceiling was written: now it can be read."""
    for name, one in read.items():
        group, known = _group(one), used.get(name)
        if known is None or unit not in known.unread or one.get("measure") is None or group is None:
            continue
        known.unread.discard(unit)
        if one["counts"] is not False and one["limit"] is not None:
            known.take(group, unit, 0, min(int(one["measure"]), int(one["limit"])))


def _cut(terms: Terms, unit: str, amount: int, text: str, used: dict[str, _Used]) -> _Cut:
    read: dict[str, dict[str, Any]] = json.loads(text)
    applying = [one.name for one in terms.ceilings if read.get(one.name, {}).get("counts") is not False]
    unknown = next((name for name in applying if not _is_known(read.get(name))), None)
    if unknown is not None:
        return _Cut(amount, text, Reason.CEILING_UNKNOWN, unknown)
    by_rule = _by_rule(read, amount)
    allowed = [_allowed(name, read[name], unit, by_rule, used.setdefault(name, _Used())) for name in applying]
    lowest = min(allowed, key=lambda one: one.amount, default=None)
    # Never above what was set aside for it when it was settled the first time.
    least = amount if lowest is None else min(amount, lowest.amount)
    for one in allowed:
        read[one.name].update(before=one.before, by_rule=by_rule)
        if one.counted is not None:
            read[one.name]["counted"] = one.counted
    told = json.dumps(read, ensure_ascii=False, separators=(",", ":"))
    if lowest is not None and least <= 0 < by_rule:
        return _Cut(by_rule, told, Reason.CEILING, lowest.name)
    for one in allowed:
        used[one.name].take(one.group, unit, least, one.counted)
    return _Cut(least, told)


def _by_rule(read: Mapping[str, Mapping[str, Any]], amount: int) -> int:
    """Return what the rule gave, in fen: whoever is settled a second time, inside the transaction, begins anew."""
    return next((int(one["by_rule"]) for one in read.values() if "by_rule" in one), amount)


def _is_known(read: Mapping[str, Any] | None) -> bool:
    if read is None or read["counts"] is None or read["limit"] is None or _group(read) is None:
        return False
    return "measure" not in read or read["measure"] is not None


def _allowed(name: str, read: Mapping[str, Any], unit: str, by_rule: int, used: _Used) -> _Allowed:
    group, limit = _group(read), int(read["limit"])
    assert group is not None
    if "measure" not in read:
        before = used.granted(group)
        return _Allowed(name, group, limit, before, min(by_rule, max(0, limit - before)))
    measure, before = int(read["measure"]), used.measured(group, unit, limit)
    counted = min(measure, max(0, limit - before))
    return _Allowed(name, group, limit, before, by_rule * counted // measure if measure > 0 else by_rule, counted)


def _group(read: Mapping[str, Any]) -> Group | None:
    keys: Sequence[str | None] = read.get("group", [])
    return None if any(key is None for key in keys) else tuple(str(key) for key in keys)


@dataclass(frozen=True, slots=True)
class CeilingTold:
    """How one ceiling stood when a grant was settled, in fen.

    `group` are the keys that the grants share; `before` is what counted under the ceiling till then, `by_rule` the
    amount before any ceiling. `measure` is what the unit counts, `counted` how much of that had room; both are None
    for a ceiling over amounts.
    """

    name: str
    group: Group
    limit: int
    before: int
    by_rule: int
    measure: int | None = None
    counted: int | None = None


def ceilings_told(text: str | None) -> Iterator[CeilingTold]:
    """Yield the ceilings that a grant was settled under, from its column `ceilings` after `settle_ceilings`."""
    for name, one in (json.loads(text) if text else {}).items():
        group = _group(one)
        if "before" in one and group is not None:
            limit, before, by_rule = (int(one[field]) for field in ("limit", "before", "by_rule"))
            yield CeilingTold(name, group, limit, before, by_rule, one.get("measure"), one.get("counted"))
