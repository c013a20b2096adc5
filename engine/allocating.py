"""Allocation: which candidates are granted, and why the others wait. Pure functions on frames.

A frame of candidates has `policy`, `subject`, `unit` ("" without for_each), `amount` (fen or null),
`claim_key`, `need` (larger is served first, null last). Who is turned down keeps the reason: eligible but not
granted must never look like not eligible. Every order ends in subject, policy and unit, so that the order of
rows, the number of buckets and the machine never matter.

A run settles, in this order: what was granted before; `excludes`; exclusive groups; then, base policies
before those that are net of them: `net_of`, ceilings (`engine.ceilings`), claims, funds. A place lost in a later step
is not offered again in the same run: the next run decides anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import NamedTuple

import polars as pl

from policies.periods import FIRST_DAY, LAST_DAY, Period, period_of
from policies.policy import CeilingSpan, Exclusive, Policy

ORDER = ("subject", "policy", "unit")
KEY = ("policy", "subject", "unit")


class Reason(Enum):
    """Why a candidate waits."""

    EXCLUDED = "excluded"  # holds, or now gets, a benefit that rules this one out
    EXCLUSIVE = "exclusive"  # another benefit of the same group was chosen
    NOTHING_LEFT = "nothing-left"  # the benefit that this one tops up already gives as much
    CEILING = "ceiling"  # earlier grants have used up what may be granted altogether
    CEILING_UNKNOWN = "ceiling-unknown"  # under which ceiling it falls is not known
    CLAIMED = "claimed"  # the person or certificate already supports another grant
    CLAIM_KEY_UNKNOWN = "claim-key-unknown"  # whom the claim is about is not known
    FUND = "fund"  # the fund was used up by those in greater need


class CeilingTerms(NamedTuple):
    """What allocation knows of a ceiling; `reading` is `Ceiling.reading`."""

    name: str
    within: CeilingSpan
    reading: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What allocation needs to know of one policy, for the run's reference date."""

    policy: str
    period: Period
    on: date
    fund: str | None = None
    for_each: str | None = None
    claim_group: str | None = None
    excludes: tuple[str, ...] = ()
    exclusive: Exclusive | None = None
    net_of: tuple[str, ...] = ()
    ceilings: tuple[CeilingTerms, ...] = ()  # in the order of the rule file

    def ceiling_span(self, within: CeilingSpan) -> tuple[date, date]:
        """The days within which grants count for a ceiling; the year is that of the period, or of the grant."""
        if within == "always":
            return FIRST_DAY, LAST_DAY
        timeless = self.period.kind in ("once", "event")
        if within == "period":
            return (FIRST_DAY, LAST_DAY) if timeless else (self.period.start, self.period.end)
        year = self.on.year if timeless else self.period.start.year
        return date(year, 1, 1), date(year, 12, 31)

    @property
    def span(self) -> tuple[date, date]:
        """The days within which other grants count for `net_of`: the period, or the calendar year."""
        if self.period.kind in ("once", "event"):
            return date(self.on.year, 1, 1), date(self.on.year, 12, 31)
        return self.period.start, self.period.end


@dataclass(frozen=True, slots=True)
class Settled:
    """Candidates that stay, and those who wait: with `reason`, `detail` besides the candidates' columns."""

    kept: pl.DataFrame
    waiting: pl.DataFrame


def terms_of(policy: Policy, on: date, period: Period | None = None) -> Terms:
    """Return the terms of a policy on the reference date."""
    return Terms(
        policy=policy.id,
        period=period or period_of(policy.period, on),
        on=on,
        fund=policy.fund,
        for_each=policy.for_each,
        claim_group=policy.claims.group if policy.claims else None,
        excludes=policy.excludes,
        exclusive=policy.exclusive,
        net_of=policy.net_of,
        ceilings=tuple(CeilingTerms(one.name, one.within, one.reading) for one in policy.benefit.ceilings),
    )


def split_already_granted(
    candidates: pl.DataFrame, terms: Mapping[str, Terms], earlier: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the candidates without a grant for their key yet, and those with one."""
    periods = pl.DataFrame(
        [(name, item.period.key) for name, item in sorted(terms.items())],
        schema={"policy": pl.String, "period": pl.String},
        orient="row",
    )
    known = earlier.join(periods, on=["policy", "period"], how="semi").select(KEY)
    return (
        candidates.join(known, on=KEY, how="anti", maintain_order="left"),
        candidates.join(known, on=KEY, how="semi", maintain_order="left"),
    )


def settle_within_subjects(candidates: pl.DataFrame, terms: Mapping[str, Terms], earlier: pl.DataFrame) -> Settled:
    """Apply `excludes` and exclusive groups, which never look beyond one subject.

    `earlier` are the subject's grants that still count (policy, subject, unit, period).
    `terms` should hold all policies, also those without candidates: an earlier grant may rule out.
    """
    if candidates.is_empty():
        return Settled(candidates, nobody_waits(candidates))
    settled = Settled(candidates, nobody_waits(candidates))
    settled = _settle_excludes(settled, terms, earlier)
    groups = sorted({item.exclusive.group for item in terms.values() if item.exclusive is not None})
    for group in groups:
        settled = _settle_exclusive(settled, group, terms, earlier)
    return settled


def layers(terms: Mapping[str, Terms], planned: Sequence[str]) -> list[list[str]]:
    """Return the planned policies such that whatever one is net of lies in a layer before it."""
    remaining, result = sorted(planned), []
    while remaining:
        layer = [name for name in remaining if not set(terms[name].net_of) & (set(remaining) - {name})]
        if not layer:  # two policies net of each other: the first by name counts as the base
            layer = remaining[:1]
        result.append(layer)
        remaining = [name for name in remaining if name not in layer]
    return result


def settle_net_of(rows: pl.DataFrame, terms: Mapping[str, Terms], granted: pl.DataFrame) -> Settled:
    """Subtract what the base policies grant within the same span; who has nothing left waits.

    `granted` has policy, subject, unit, period, amount and `on` (ISO text): earlier grants and this run's.
    """
    settled = Settled(rows, nobody_waits(rows))
    for name in sorted(rows["policy"].unique()):
        item = terms[name]
        if not item.net_of:
            continue
        mine = settled.kept.filter(pl.col("policy") == name)
        others = settled.kept.filter(pl.col("policy") != name)
        base = within_span(granted.filter(pl.col("policy").is_in(list(item.net_of))), item.span)
        by_unit = all(_same_units(item, terms.get(other)) for other in item.net_of)
        key = ["subject", "unit"] if by_unit else ["subject"]
        sums = base.group_by(key).agg(_base=pl.col("amount").sum())
        reached = pl.col("amount").cum_sum().over(key)
        left = (reached - pl.col("_base")).clip(lower_bound=0)
        left_before = (reached - pl.col("amount") - pl.col("_base")).clip(lower_bound=0)
        netted = (
            mine.join(sums, on=key, how="left")
            .with_columns(pl.col("_base").fill_null(0))
            .sort("subject", "unit")
            .with_columns(_net=left - left_before)
        )
        nothing = netted.filter((pl.col("_net") <= 0) & (pl.col("_base") > 0)).drop("_net", "_base")
        some = netted.filter(((pl.col("_net") > 0) | (pl.col("_base") <= 0)) | pl.col("_net").is_null())
        some = some.with_columns(amount="_net").drop("_net", "_base")
        settled = Settled(
            pl.concat([others, some.select(rows.columns)]),
            pl.concat([settled.waiting, waiting_for(nothing, Reason.NOTHING_LEFT, ", ".join(item.net_of))]),
        )
    return Settled(settled.kept.sort(ORDER), settled.waiting)


def settle_claims(rows: pl.DataFrame, terms: Mapping[str, Terms], taken: pl.DataFrame) -> Settled:
    """Give each (group, key) to one candidate: the one in greatest need. `taken` holds group and key."""
    groups = pl.DataFrame(
        [(name, item.claim_group) for name, item in sorted(terms.items()) if item.claim_group is not None],
        schema={"policy": pl.String, "group": pl.String},
        orient="row",
    )
    free = rows.join(groups, on="policy", how="anti")
    claiming = rows.join(groups, on="policy", how="inner")
    unknown = claiming.filter(pl.col("claim_key").is_null())
    known = claiming.filter(pl.col("claim_key").is_not_null())
    open_ones = known.join(taken.select("group", claim_key="key"), on=["group", "claim_key"], how="anti")
    winners = _in_order_of_need(open_ones).unique(["group", "claim_key"], keep="first", maintain_order=True)
    losers = known.join(winners, on=KEY, how="anti")
    waiting = pl.concat(
        [
            waiting_for(unknown.drop("group"), Reason.CLAIM_KEY_UNKNOWN, ""),
            waiting_for(losers, Reason.CLAIMED, pl.col("group")).drop("group"),
        ]
    )
    kept = pl.concat([free, winners.select(rows.columns)]).sort(ORDER)
    return Settled(kept, waiting.select(nobody_waits(rows).columns))


def demand(rows: pl.DataFrame, terms: Mapping[str, Terms]) -> dict[str, int]:
    """Return what the rows would take from each fund, in fen."""
    sums = _with_fund(rows, terms).group_by("fund").agg(pl.col("amount").sum())
    return {fund: amount for fund, amount in sums.iter_rows() if fund is not None}


def settle_funds(rows: pl.DataFrame, terms: Mapping[str, Terms], available: Mapping[str, int]) -> Settled:
    """Serve each fund in order of need until it is used up.

    Strictly in order: once somebody cannot be served, nobody in less need is served from that fund.
    """
    with_fund = _in_order_of_need(_with_fund(rows, terms))
    limits = pl.DataFrame(sorted(available.items()), schema={"fund": pl.String, "_limit": pl.Int64}, orient="row")
    reckoned = with_fund.join(limits, on="fund", how="left", maintain_order="left").with_columns(
        _reached=pl.col("amount").fill_null(0).cum_sum().over("fund")
    )
    takes_nothing = pl.col("fund").is_null() | pl.col("amount").is_null()
    fits = takes_nothing | (pl.col("_reached") <= pl.col("_limit").fill_null(0))
    kept, short = reckoned.filter(fits), reckoned.filter(~fits)
    waiting = waiting_for(short, Reason.FUND, pl.col("fund")).select(nobody_waits(rows).columns)
    return Settled(kept.select(rows.columns).sort(ORDER), waiting)


def _settle_excludes(settled: Settled, terms: Mapping[str, Terms], earlier: pl.DataFrame) -> Settled:
    present = set(settled.kept["policy"].unique())
    holding = set(earlier["policy"].unique())
    kept, waiting = settled.kept, [settled.waiting]
    for name in _yielding_last(terms, sorted(present)):
        rivals = _rivals(name, terms) & (present | holding)
        mine = pl.col("policy") == name
        for rival in sorted(rivals):
            key = _common_key(terms[name], terms.get(rival))
            held = _overlapping(earlier.filter(pl.col("policy") == rival), terms[name].period)
            # Whoever yields to `name` is not settled yet and must not rule it out.
            now = kept.filter((pl.col("policy") == rival) & (pl.lit(_goes_first(rival, name, terms))))
            blocking = pl.concat([held.select(key), now.select(key)]).unique()
            lost = kept.filter(mine).join(blocking, on=key, how="semi")
            if lost.height:
                kept = kept.join(lost.select(KEY), on=KEY, how="anti", maintain_order="left")
                waiting.append(waiting_for(lost, Reason.EXCLUDED, rival))
    return Settled(kept, pl.concat(waiting))


def _settle_exclusive(settled: Settled, group: str, terms: Mapping[str, Terms], earlier: pl.DataFrame) -> Settled:
    members = {
        name: item.exclusive
        for name, item in terms.items()
        if item.exclusive is not None and item.exclusive.group == group
    }
    present = sorted(set(members) & set(settled.kept["policy"].unique()))
    if not present:
        return settled
    kept, waiting = settled.kept, [settled.waiting]
    collections = {terms[name].for_each for name in members}
    key = ["subject", "unit"] if len(collections) == 1 and None not in collections else ["subject"]
    for name in present:
        others = [other for other in members if other != name]
        held = _overlapping(earlier.filter(pl.col("policy").is_in(others)), terms[name].period)
        holding = held.group_by(key).agg(_holds=pl.col("policy").min())
        lost = kept.filter(pl.col("policy") == name).join(holding, on=key, how="inner")
        kept = kept.join(lost.select(KEY), on=KEY, how="anti", maintain_order="left")
        waiting.append(waiting_for(lost, Reason.EXCLUSIVE, pl.col("_holds")).select(waiting[0].columns))
    rows = kept.filter(pl.col("policy").is_in(list(members)))
    highest = all(exclusive.choose == "highest" for exclusive in members.values())
    ranks = pl.DataFrame(
        [(name, exclusive.rank) for name, exclusive in sorted(members.items())],
        schema={"policy": pl.String, "_rank": pl.Int64},
        orient="row",
    )
    offers = rows.group_by([*key, "policy"]).agg(_sum=pl.col("amount").sum()).join(ranks, on="policy")
    first = pl.col("_sum") if highest else pl.lit(0)
    winners = (
        offers.with_columns(_first=first)
        .sort([*key, "_first", "_rank", "policy"], descending=[False] * len(key) + [True, False, False])
        .unique(key, keep="first", maintain_order=True)
        .select(*key, _winner="policy")
    )
    lost = rows.join(winners, on=key, how="inner").filter(pl.col("policy") != pl.col("_winner"))
    kept = kept.join(lost.select(KEY), on=KEY, how="anti", maintain_order="left")
    waiting.append(waiting_for(lost, Reason.EXCLUSIVE, pl.col("_winner")).select(waiting[0].columns))
    return Settled(kept, pl.concat(waiting))


def _rivals(name: str, terms: Mapping[str, Terms]) -> set[str]:
    """Return whom `name` names and who names it: one who holds either does not get the other."""
    naming = {other for other, item in terms.items() if name in item.excludes}
    return (set(terms[name].excludes) | naming) - {name}


def _goes_first(rival: str, name: str, terms: Mapping[str, Terms]) -> bool:
    """The one that names the other gives way; if both do, the first by name goes first."""
    if rival in terms[name].excludes:
        item = terms.get(rival)
        return item is None or name not in item.excludes or rival < name
    return False


def _yielding_last(terms: Mapping[str, Terms], names: Sequence[str]) -> list[str]:
    remaining, result = list(names), []
    while remaining:
        ready = [n for n in remaining if not set(terms[n].excludes) & (set(remaining) - {n})]
        result.append((ready or remaining)[0])
        remaining.remove(result[-1])
    return result


def _same_units(one: Terms, other: Terms | None) -> bool:
    return other is not None and one.for_each is not None and one.for_each == other.for_each


def _common_key(one: Terms, other: Terms | None) -> list[str]:
    return ["subject", "unit"] if _same_units(one, other) else ["subject"]


def days_of_period(key: str) -> tuple[date, date]:
    """Return the first and last day of a period's key; `once` and `event` hold for ever."""
    if not key[:1].isdigit():
        return FIRST_DAY, LAST_DAY
    year = int(key[:4])
    if len(key) == 4:
        period = period_of("year", date(year, 1, 1))
    elif key[4] == "Q":
        period = period_of("quarter", date(year, 3 * int(key[5:]), 1))
    else:
        period = period_of("month", date(year, int(key[5:]), 1))
    return period.start, period.end


def _overlapping(grants: pl.DataFrame, period: Period) -> pl.DataFrame:
    keys = []
    for key in grants["period"].unique():
        start, end = days_of_period(key)
        if start <= period.end and period.start <= end:
            keys.append(key)
    return grants.filter(pl.col("period").is_in(keys))


def within_span(grants: pl.DataFrame, span: tuple[date, date]) -> pl.DataFrame:
    """Keep what was granted for days in the span; for `once` and `event` the day of the grant decides."""
    keys = []
    for key in grants["period"].unique():
        start, end = days_of_period(key)
        if key[:1].isdigit() and start <= span[1] and span[0] <= end:
            keys.append(key)
    first, last = (day.isoformat() for day in span)
    timeless = ~pl.col("period").str.contains(r"^\d") & pl.col("on").is_between(pl.lit(first), pl.lit(last))
    return grants.filter(pl.col("period").is_in(keys) | timeless)


def _with_fund(rows: pl.DataFrame, terms: Mapping[str, Terms]) -> pl.DataFrame:
    funds = pl.DataFrame(
        [(name, item.fund) for name, item in sorted(terms.items())],
        schema={"policy": pl.String, "fund": pl.String},
        orient="row",
    )
    return rows.join(funds, on="policy", how="left", maintain_order="left")


def _in_order_of_need(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort("need", *ORDER, descending=[True, False, False, False], nulls_last=[True, False, False, False])


def waiting_for(rows: pl.DataFrame, reason: Reason, detail: str | pl.Expr) -> pl.DataFrame:
    """Return the rows as waiting for a reason; `detail` is what people are told besides."""
    text = pl.lit(detail) if isinstance(detail, str) else detail
    return rows.with_columns(reason=pl.lit(reason.value, dtype=pl.String), detail=text.cast(pl.String))


def nobody_waits(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the empty frame of those who wait, with the columns of the rows."""
    return waiting_for(rows.clear(), Reason.FUND, "")
