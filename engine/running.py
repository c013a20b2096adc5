"""The road of a run: plan, match, guard, allocate, record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl

from engine.allocating import KEY
from engine.grant_terms import grant_terms
from engine.guarding import guard
from engine.incremental_matching import Matching, match_what_changed
from engine.ledger.earlier import (
    WAITING_COLUMNS,
    WAITING_KEY,
    past_grants_of,
    waiting_of_plan,
    waiting_of_subjects,
)
from engine.ledger.opening import Ledger
from engine.ledger.who_waits import WhoWaits, by_subjects
from engine.matching import Matcher, Profiles, Progress, columnar_matcher, spilling
from engine.past_grants import reads_grants
from engine.planning import Plan, make_plan, pinned_plan
from engine.recording import Recorder, record_bucket, with_period
from engine.redeciding import Reopen
from engine.run_basis import find_bases, read_bases
from engine.run_opinion import opinion_of, require_second_opinion
from engine.run_report import RunReport
from engine.run_reporting import report_of
from engine.run_rows import (
    RunRow,
    begin_recording,
    finish,
    finished_runs,
    last_matched,
    recorded_by,
    start_or_join,
    unfinished,
)
from engine.run_work import Setting, Work
from engine.second_opinion import DEFAULT_SAMPLE
from engine.settling import Settlement, settle
from policies.errors import MianshenError, RunError
from policies.policy import Policy
from policies.vocabulary import Vocabulary
from profiles.fault_points import fault_point
from profiles.picked_rows import picking_rows


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
    full: bool = False,
    matcher: Matcher = columnar_matcher,
    second_opinion: int | None = DEFAULT_SAMPLE,
    differences: Path | None = None,
) -> RunReport:
    """Match everybody against the approved policies on the day `on` and record who is granted what.

    What an earlier run has decided, and nothing has changed since, is not decided again; the report says for
    whom it was. The ledger and all counts are those of a run that decides everybody.

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
        full: decide everybody, whatever has changed.
        matcher: the engine that decides those policies which are decided for everybody.
        second_opinion: how many subjects of each space are decided again by the interpreter and by
            durable-rules; None for everybody, 0 (dry runs only) for nobody.
        differences: the folder for cases on which the engines differ; default: none is kept.

    Raises:
        RunError: nothing can be planned, an unfinished run cannot be continued, or a real run asks for no
            second opinion.
        LedgerError: the ledger cannot be written.
        StoreError: the profiles cannot be read.
    """
    require_second_opinion(second_opinion, dry_run=dry_run)
    setting = Setting(ledger, policies, vocabulary, actor, on_progress, reopen, matcher, second_opinion, differences)
    asked = _Asked(on, tuple(only) if only is not None else None, tuple(release), full)
    if dry_run:
        with spilling() as spill:
            return _dry_run(setting, Work(_planned(setting, asked, dry_run=True), snapshot, spill, None))
    for row in unfinished(ledger):
        if row.plan != _as_pinned(_planned(setting, asked)) or row.versions != dict(snapshot.versions):
            _continue(setting, row, snapshot, on)
    plan = _planned(setting, asked)
    number, existed = start_or_join(ledger, plan.to_json(), snapshot.versions, actor)
    with spilling() as spill:
        work = Work(plan, snapshot, spill, number, continued=existed)
        return replace(_do(setting, work, snapshot, on), made_up=made_up)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the caller wants to be run."""

    on: date
    only: tuple[str, ...] | None
    release: tuple[str, ...]
    full: bool


def _planned(setting: Setting, asked: _Asked, dry_run: bool = False) -> Plan:
    plan = make_plan(
        setting.ledger,
        setting.policies,
        setting.vocabulary,
        asked.on,
        only=asked.only,
        release=asked.release,
        dry_run=dry_run,
    )
    if asked.full:
        return replace(plan, full=True)
    return replace(plan, basis={name: basis.run for name, basis in find_bases(setting.ledger, plan).items()})


def _as_pinned(plan: Plan) -> Mapping[str, object]:
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
        if not work.totals or work.plan.basis or any(reads_grants(item.policy) for item in work.plan.policies):
            _match(setting, work)  # what was read from the ledger may be out of date
        _guard(setting, work)
        answer = begin_recording(setting.ledger, work.run, finished_before)
        if answer == "begun":
            break
        for row in unfinished(setting.ledger):
            if row.id == answer:
                _continue(setting, row, snapshot, on)
    settlement = _settle(setting, work)
    changed, stale = _record(setting, work, settlement.seen)
    with work.timed("record"):
        report = report_of(setting, work, settlement, changed or not stale.is_empty())
        finish(setting.ledger, work.run, report.to_json(), stale, setting.actor)
    return report


def _dry_run(setting: Setting, work: Work) -> RunReport:
    _match(setting, work)
    _guard(setting, work)
    settlement = _settle(setting, work)
    return report_of(setting, work, settlement, changed=False)


def _match(setting: Setting, work: Work) -> None:
    plan, ledger = work.plan, setting.ledger
    opinion = opinion_of(setting, work)
    with work.timed("match"), past_grants_of(ledger, work.run) as past, opinion, picking_rows():
        work.matched = match_what_changed(
            Matching(
                plan=plan,
                profiles=work.profiles,
                vocabulary=setting.vocabulary,
                past=past,
                spill=work.spill,
                bases=read_bases(ledger, plan.basis),
                waiting=WhoWaits(ledger, frozenset(plan.pairs), work.run),
                recorded=lambda: _recorded(setting, work),
                reopen=setting.reopen,
                on_progress=setting.on_progress,
                matcher=opinion.watched(setting.matcher),
                full=plan.full,
                opinion=opinion,
            )
        )
    work.note_opinion(opinion)


def _recorded(setting: Setting, work: Work) -> pl.DataFrame:
    """Return `policy` and `subject` of whom this run has granted something before it was interrupted.

    They waited, or had changed, before: it must decide them again, or others would be served in their place.
    """
    with setting.ledger.reading() as connection:
        return recorded_by(connection, work.run)


def _guard(setting: Setting, work: Work) -> None:
    with work.timed("guard"):
        names = [item.id for item in work.plan.policies]
        work.held = guard(work.plan, work.totals, last_matched(setting.ledger, names))
        work.held |= work.opinion.held if work.opinion is not None else {}
    fault_point("guarded")


def _settle(setting: Setting, work: Work) -> Settlement:
    with work.timed("allocate"), setting.ledger.reading() as connection:
        names = [item.id for item in work.going_on]
        settlement = settle(work.plan, names, list(work.profiles.buckets), work.spill, connection, work.run)
    fault_point("allocated")
    return settlement


def _record(setting: Setting, work: Work, seen: int) -> tuple[bool, pl.DataFrame]:
    """Record every bucket. Returns whether anything changed, and who waits no longer."""
    assert work.run is not None
    waited = _waited(setting, work)
    days_of = cache(lambda space: work.profiles.as_of(space, None))
    recorder = Recorder(
        setting.ledger,
        work.run,
        work.plan.on,
        setting.actor,
        {item.id: grant_terms(item, setting.vocabulary, days_of) for item in work.going_on},
        work.plan.terms,
        seen,
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


def _waited(setting: Setting, work: Work) -> pl.DataFrame:
    """Return who of those that this run has decided waited before; whom an event made wait meanwhile goes on waiting."""
    picked = work.matched.picked
    periods = {item.id: item.period.key for item in work.going_on}
    with setting.ledger.reading() as connection:
        everybody = [(name, period) for name, period in periods.items() if name not in picked]
        found = [waiting_of_plan(connection, everybody)]
        for subjects, names in by_subjects({name: one for name, one in picked.items() if name in periods}):
            waiting = waiting_of_subjects(connection, subjects)
            found += [waiting.filter(policy=name, period=periods[name]) for name in names]
    return pl.concat(found)


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
