"""A run's report, put together from what its steps have found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from engine.incremental_matching import Redecided
from engine.ledger.funds import Balance, balances
from engine.opinion_deciding import Opinion
from engine.plan_findings import silent_indicators
from engine.quiet_ledger import terms_digest
from engine.run_report import PolicyReport, RunReport
from engine.run_work import Setting, Work
from engine.settling import Settlement
from policies.judgement import not_automatic


def report_of(setting: Setting, work: Work, settlement: Settlement, changed: bool) -> RunReport:
    """Return what a run came to; `changed`: it has written something."""
    granted: Counter[str] = Counter()
    amounts: Counter[str] = Counter()
    waiting: dict[str, Counter[str]] = {item.id: Counter() for item in work.plan.policies}
    for bucket in work.profiles.buckets:
        kept = work.spill.read("kept", bucket, ["policy", "amount"])
        sums = kept.group_by("policy").agg(pl.len(), pl.col("amount").sum())
        for policy, count, amount in sums.iter_rows():
            granted[policy] += count
            amounts[policy] += amount
        turned = work.spill.read("waiting", bucket, ["policy", "reason"])
        for policy, reason, count in turned.group_by("policy", "reason").len().iter_rows():
            waiting[policy][reason] += count
    for policy, reasons in work.matched.still_waiting.items():
        if policy not in work.held:
            waiting[policy].update(reasons)
    opinions = work.opinion.opinions if work.opinion is not None else {}
    reports = []
    for item in work.plan.policies:
        totals, name = work.totals[item.id], item.id
        judged = not_automatic(item.policy)
        missing = sorted(totals.missing.items(), key=lambda pair: (-pair[1], pair[0]))
        reports.append(
            PolicyReport(
                policy=name,
                title=item.policy.title,
                version=item.policy.version,
                period=item.period.key,
                subjects=totals.subjects,
                matched=totals.matched,
                ineligible=totals.ineligible,
                undetermined=totals.undetermined,
                most_missing=missing[0] if missing else None,
                new_grants=granted[name] if judged is None else 0,
                new_hints=0 if judged is None else granted[name],
                already_granted=_already(work, settlement, name, granted[name] + waiting[name].total()),
                waiting=dict(sorted(waiting[name].items())),
                amount=amounts[name],
                held=work.held.get(name),
                error=totals.error,
                approved=item.approved,
                delivery=item.policy.delivery,
                not_automatic=judged,
                findings=silent_indicators(item.policy, setting.vocabulary, work.plan.on),
                matched_subjects=totals.matched_subjects,
                missing=dict(sorted(totals.missing.items())),
                fingerprint=work.matched.fingerprints.get(name, ""),
                seen=work.matched.seen,
                redecided=work.matched.redecided.get(name, Redecided(totals.subjects, (), True)),
                opinion=opinions.get(name, Opinion()),
            )
        )
    nothing_new = not changed if work.run is not None else not granted.total()
    return RunReport(
        run=work.run,
        on=work.plan.on,
        dry_run=work.run is None,
        policies=tuple(reports),
        funds=tuple(_balances(setting, work, amounts)),
        seconds=dict(work.seconds),
        nothing_new=nothing_new,
        continued=work.continued,
        terms=terms_digest(work.plan),
    )


def _balances(setting: Setting, work: Work, amounts: Mapping[str, int]) -> list[Balance]:
    """Return the funds; a dry run shows them as they would be."""
    found = balances(setting.ledger)
    if work.run is not None:
        return found
    would: Counter[str] = Counter()
    for item in work.plan.policies:
        if item.policy.fund is not None:
            would[item.policy.fund] += amounts[item.id]
    return [replace(one, used=one.used + would[one.fund]) for one in found]


def _already(work: Work, settlement: Settlement, name: str, found_now: int) -> int:
    """Return how many of those who qualify had the grant before.

    Of a policy that was decided for some only, the others who qualify are not among the candidates: all of
    them have been granted, or they would be waiting and have been decided.
    """
    if name in work.held or name not in work.matched.picked:
        return settlement.already[name]
    return work.totals[name].matched - found_now
