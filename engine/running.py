"""The road of a run: plan, match, guard, allocate, record."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache

import polars as pl

from engine.allocating import KEY
from engine.guarding import Held, guard
from engine.ledger.earlier import WAITING_COLUMNS, past_grants_of, waiting_of_plan
from engine.ledger.funds import Balance, balances
from engine.ledger.opening import Ledger
from engine.ledger.stages import first_stage
from engine.matching import Profiles, Progress, Spill, Totals, match, spilling
from engine.planning import Plan, Planned, make_plan, pinned_plan
from engine.recording import WAITING_KEY, GrantTerms, Recorder, record_bucket, with_period
from engine.run_report import PolicyReport, RunReport
from engine.run_rows import (
    RunRow,
    begin_recording,
    finish,
    finished_runs,
    last_matched,
    start_or_join,
    unfinished,
)
from engine.settling import Settlement, settle
from policies.errors import MianshenError, RunError
from policies.policy import Policy
from policies.vocabulary import Vocabulary
from profiles.fault_points import fault_point

# Opens the profile store again in pinned versions: (reference date, versions).
Reopen = Callable[[date, Mapping[str, int]], Profiles]


@dataclass(frozen=True)
class Setting:
    """What all runs of one call share."""

    ledger: Ledger
    policies: Mapping[str, Policy]
    vocabulary: Vocabulary
    actor: str
    on_progress: Progress | None = None
    reopen: Reopen | None = None


@dataclass
class Work:
    """One run while it is being done. `run` is None for a dry run."""

    plan: Plan
    profiles: Profiles
    spill: Spill
    run: str | None
    continued: bool = False
    totals: dict[str, Totals] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def going_on(self) -> list[Planned]:
        """The policies that are not held."""
        return [item for item in self.plan.policies if item.id not in self.held]

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the time of the block to a step."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start


def run(
    ledger: Ledger,
    snapshot: Profiles,
    policies: Mapping[str, Policy],
    vocabulary: Vocabulary,
    on: date,
    *,
    only: Sequence[str] | None = None,
    release: Sequence[str] = (),
    dry_run: bool = False,
    actor: str = "mianshen",
    on_progress: Progress | None = None,
    reopen: Reopen | None = None,
    made_up: bool = False,
) -> RunReport:
    """Match everybody against the approved policies on the day `on` and record who is granted what.

    An unfinished run of this or another process is finished first, with the plan and the store versions it
    had pinned; if it is this very run, it is continued. Doing the same run again grants nothing new.

    Args:
        ledger: where grants go.
        snapshot: the profile store in pinned versions, for the day `on`.
        policies: the rule library by id.
        vocabulary: the catalog's names.
        on: the reference date.
        only: policies to run, default all.
        release: policies that a person lets pass their guard once.
        dry_run: decide and report, write nothing; policies without approval take part as shadows.
        actor: who is named in the audit log.
        on_progress: called with step, done and total.
        reopen: opens the store in the versions an unfinished run had pinned.
        made_up: for the report: this run makes up a missed slot.

    Raises:
        RunError: nothing can be planned, or an unfinished run cannot be continued.
        LedgerError: the ledger cannot be written.
        StoreError: the profiles cannot be read.
    """
    setting = Setting(ledger, policies, vocabulary, actor, on_progress, reopen)
    with spilling() as spill:
        if dry_run:
            plan = make_plan(ledger, policies, vocabulary, on, only=only, release=release, dry_run=True)
            return _dry_run(setting, Work(plan, snapshot, spill, None))
    for row in unfinished(ledger):
        if row.plan != _plan_or_none(setting, on, only, release) or row.versions != dict(snapshot.versions):
            _continue(setting, row, snapshot, on)
    plan = make_plan(ledger, policies, vocabulary, on, only=only, release=release)
    number, existed = start_or_join(ledger, plan.to_json(), snapshot.versions, actor)
    with spilling() as spill:
        work = Work(plan, snapshot, spill, number, continued=existed)
        return replace(_do(setting, work, snapshot, on), made_up=made_up)


def _plan_or_none(
    setting: Setting, on: date, only: Sequence[str] | None, release: Sequence[str]
) -> Mapping[str, object]:
    plan = make_plan(setting.ledger, setting.policies, setting.vocabulary, on, only=only, release=release)
    pinned: Mapping[str, object] = json.loads(json.dumps(plan.to_json()))
    return pinned


def _continue(setting: Setting, row: RunRow, snapshot: Profiles, on: date) -> None:
    """Finish an unfinished run with what it had pinned."""
    try:
        plan = pinned_plan(setting.ledger, setting.policies, setting.vocabulary, row.plan)
        if plan.on == on and row.versions == dict(snapshot.versions):
            profiles = snapshot
        elif setting.reopen is not None:
            profiles = setting.reopen(plan.on, row.versions)
        else:
            raise RunError.of(
                "store-not-pinned",
                "没有该运行所用版本的档案",
                "the store is not open in the versions of that run",
            )
    except MianshenError as problem:
        reason = problem.diagnostics[0].message
        raise RunError.of(
            "run-unfinished",
            f"未完成的运行 `{row.id}` 不能继续：{reason.zh}",
            f"the unfinished run `{row.id}` cannot be continued: {reason.en}",
            help_zh=f"恢复它所用的档案版本，或放弃该运行：mianshen run --abandon {row.id}",
            help_en=f"restore the store versions it used, or give the run up: mianshen run --abandon {row.id}",
        ) from problem
    with spilling() as spill:
        _do(setting, Work(plan, profiles, spill, row.id, continued=True), snapshot, on)


def _do(setting: Setting, work: Work, snapshot: Profiles, on: date) -> RunReport:
    assert work.run is not None
    while True:
        with setting.ledger.reading() as connection:
            finished_before = finished_runs(connection)
        if not work.totals or any(_reads_grants(item.policy) for item in work.plan.policies):
            _match(setting, work)
        _guard(setting, work)
        answer = begin_recording(setting.ledger, work.run, finished_before)
        if answer == "begun":
            break
        for row in unfinished(setting.ledger):
            if row.id == answer:
                _continue(setting, row, snapshot, on)
    settlement = _settle(setting, work)
    changed, stale = _record(setting, work)
    with work.timed("record"):
        report = _report(setting, work, settlement, changed or not stale.is_empty())
        finish(setting.ledger, work.run, report.to_json(), stale, setting.actor)
    return report


def _dry_run(setting: Setting, work: Work) -> RunReport:
    _match(setting, work)
    _guard(setting, work)
    settlement = _settle(setting, work)
    return _report(setting, work, settlement, changed=False)


def _match(setting: Setting, work: Work) -> None:
    with work.timed("match"), past_grants_of(setting.ledger, work.run) as past:
        work.totals = match(work.plan, work.profiles, setting.vocabulary, past, work.spill, setting.on_progress)


def _guard(setting: Setting, work: Work) -> None:
    with work.timed("guard"):
        names = [item.id for item in work.plan.policies]
        work.held = guard(work.plan, work.totals, last_matched(setting.ledger, names))
    fault_point("guarded")


def _settle(setting: Setting, work: Work) -> Settlement:
    with work.timed("allocate"), setting.ledger.reading() as connection:
        names = [item.id for item in work.going_on]
        settlement = settle(work.plan, names, list(work.profiles.buckets), work.spill, connection, work.run)
    fault_point("allocated")
    return settlement


def _record(setting: Setting, work: Work) -> tuple[bool, pl.DataFrame]:
    """Record every bucket. Returns whether anything changed, and who waits no longer."""
    assert work.run is not None
    pairs = [(item.id, item.period.key) for item in work.going_on]
    with setting.ledger.reading() as connection:
        waited = waiting_of_plan(connection, pairs)
    days_of = cache(lambda space: work.profiles.as_of(space, None))
    recorder = Recorder(
        setting.ledger,
        work.run,
        work.plan.on,
        setting.actor,
        {item.id: _grant_terms(setting, item, days_of) for item in work.going_on},
        work.plan.terms,
    )
    changed = False
    buckets = list(work.profiles.buckets)
    for done, bucket in enumerate(buckets):
        if setting.on_progress is not None:
            setting.on_progress("record", done, len(buckets))
        with work.timed("record"):
            rows = _with_evidence(work, bucket)
            waiting = with_period(work.spill.read("waiting", bucket), work.plan.terms).select(*WAITING_COLUMNS)
            new = waiting.join(waited, on=list(WAITING_COLUMNS), how="anti", nulls_equal=True)
            granted = with_period(rows.select(KEY), work.plan.terms)
            no_longer = waited.join(granted, on=WAITING_KEY, how="semi").select(WAITING_KEY)
            recorded = record_bucket(recorder, bucket, rows, new, no_longer)
            changed = changed or not (rows.is_empty() and new.is_empty())
            late = recorded.turned_down.select(WAITING_KEY)
            for still in (waiting.select(WAITING_KEY), granted.select(WAITING_KEY), late):
                waited = waited.join(still, on=WAITING_KEY, how="anti")
            if recorded.turned_down.height:
                _note_late(work, bucket, recorded.turned_down)
    if setting.on_progress is not None:
        setting.on_progress("record", len(buckets), len(buckets))
    return changed, waited.select(WAITING_KEY)


def _note_late(work: Work, bucket: int, turned_down: pl.DataFrame) -> None:
    """Who lost a place inside the transaction counts as waiting in the report."""
    kept = work.spill.read("kept", bucket)
    lost = kept.join(turned_down, on=KEY, how="semi").join(turned_down.select(*KEY, "reason", "detail"), on=KEY)
    before = work.spill.read("waiting", bucket)
    work.spill.write("waiting", bucket, pl.concat([before, lost.select(before.columns)]))
    work.spill.write("kept", bucket, kept.join(turned_down, on=KEY, how="anti"))


def _with_evidence(work: Work, bucket: int) -> pl.DataFrame:
    kept = work.spill.read("kept", bucket)
    if kept.is_empty():
        return kept.with_columns(evidence=pl.lit("{}"))
    evidence = work.spill.read("candidates", bucket, [*KEY, "evidence"])
    return kept.join(evidence, on=KEY, how="left", maintain_order="left")


def _grant_terms(setting: Setting, item: Planned, days_of: Callable[[str], Mapping[str, date]]) -> GrantTerms:
    policy = item.policy
    return GrantTerms(
        policy=policy.id,
        version=policy.version,
        space=policy.space,
        period=item.period.key,
        kind=policy.benefit.kind,
        stage=first_stage(policy.delivery).value,
        fund=policy.fund,
        payee_space=_target_of(policy, setting.vocabulary),
        as_of=_as_of(policy, setting.vocabulary, days_of),
    )


def _target_of(policy: Policy, vocabulary: Vocabulary) -> str | None:
    """Return the space that the payee's path leads to; links of the unit come before the subject's."""
    space: str | None = policy.space
    for depth, name in enumerate(policy.payee):
        owner = vocabulary.spaces[space or policy.space]
        links = dict(owner.links)
        if depth == 0 and policy.for_each is not None and policy.for_each in owner.collections:
            links |= owner.collections[policy.for_each].links
        space = links[name].target if name in links else None
        if space is None:
            return None
    return space if policy.payee else None


def _as_of(policy: Policy, vocabulary: Vocabulary, days_of: Callable[[str], Mapping[str, date]]) -> str:
    """Return as JSON the day of every source that the policy reads; `days_of` gives those of a space."""
    days: dict[str, str] = {}
    for place, names in policy.reads.items():
        space, _, collection = place.partition(".")
        declared = vocabulary.spaces.get(space)
        if declared is None:
            continue
        of_collection = declared.collections.get(collection)
        owner = of_collection if of_collection is not None else declared
        sources = {
            found.source for name in names if (found := owner.attributes.get(name) or owner.links.get(name)) is not None
        }
        if of_collection is not None:
            sources.add(of_collection.source)
        known = days_of(space)
        days |= {name: known[name].isoformat() for name in sources if name in known}
    return json.dumps(days, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _reads_grants(policy: Policy) -> bool:
    return any(place.endswith(".grants") or place == "grants" for place in policy.reads)


def _report(setting: Setting, work: Work, settlement: Settlement, changed: bool) -> RunReport:
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
    reports = []
    for item in work.plan.policies:
        totals, name = work.totals[item.id], item.id
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
                new_grants=granted[name],
                already_granted=settlement.already[name],
                waiting=dict(sorted(waiting[name].items())),
                amount=amounts[name],
                held=work.held.get(name),
                error=totals.error,
                approved=item.approved,
                delivery=item.policy.delivery,
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
