"""`mianshen events …`: post events of a file, list what was stored and refused, teach the kinds."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from engine.events.answer import EventAnswer, answer_from_json
from engine.events.opening import event_road
from engine.events.road import EventRoad
from engine.installation import Installation
from engine.ledger.event_tokens import make_token, revoke_token
from notifier.bundles.preview import Preview
from notifier.console.bundles import previews, print_previews
from notifier.console.event_kinds import kind_table, kinds_as_json
from notifier.console.failing import EXIT_NEEDS_A_PERSON
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, problems, progress, table
from notifier.pages.words import STAGES
from policies.errors import Diagnostic, EventError, MianshenError, Place, SettingsError
from profiles.events.log import EventLog
from profiles.events.model import RefusedEvent, StoredEvent
from profiles.events.reading import LARGEST_FILE, read_events
from profiles.secret import derived_key, secret_key

_MANY = 50  # from so many events on there is a bar instead of a line for each
_REASONS = {
    "excluded": ("已享受与其互斥的待遇", "holds a benefit that rules it out"),
    "exclusive": ("同组待遇只享一项", "another benefit of the same group was chosen"),
    "nothing-left": ("已由基础待遇覆盖", "the base benefit already gives as much"),
    "claimed": ("该人员或证书已用于另一份兑现", "the person or certificate supports another grant"),
    "ceiling": ("已达累计上限", "earlier grants have used up the ceiling"),
    "ceiling-unknown": ("属于哪个累计上限不明", "under which ceiling it falls is not known"),
    "claim-key-unknown": ("关联人员不明", "whom the claim is about is not known"),
    "fund": ("资金已用完", "the fund is used up"),
}
_OUTCOMES = {
    "applied": ("已入画像", "applied"),
    "superseded": ("已有更新的数据", "superseded by newer data"),
    "contradictory": ("与已知情况矛盾,待人工核查", "contradicts what is known; a person looks at it"),
    "refused": ("拒收", "refused"),
}


def post_events(
    installation: Installation, file: Path | None, today: date, by: str, say: Speech, *, as_json: bool
) -> int:
    """Post the events of a file (None: standard input); return the exit code.

    Good events are taken even if others are refused. Raises EventError if the file as a whole cannot be read.
    """
    name = "-" if file is None else str(file)
    data = sys.stdin.buffer.read(LARGEST_FILE + 1) if file is None else _beginning(file)
    events = read_events(data, name)
    counts: dict[str, int] = {}
    lines: list[Any] = []
    answers: list[EventAnswer] = []
    refused = False
    with event_road(installation) as road, progress() as bar:
        taken_up = _taken_up(road, today, say)
        task = bar.add_task(say("事件", "events"), total=len(events)) if len(events) >= _MANY else None
        for place, event in events:
            answer, again = _one(road, place, event, today, by)
            refused = refused or isinstance(answer, EventError)
            outcome = "refused" if isinstance(answer, EventError) else answer.outcome
            counts[outcome] = counts.get(outcome, 0) + 1
            lines.append({**_plain(place, answer), "again": again})
            if isinstance(answer, EventAnswer):
                answers.append(answer)
            if not as_json:
                _print_one(place, answer, say, quiet=task is not None, again=again)
            if task is not None:
                bar.advance(task)
    combined = previews(installation, answers)
    if as_json:
        for line in lines:
            line["combined"] = combined.get(line.get("number"), [])
        print_json({"events": lines, "counts": counts, "taken_up": taken_up})
    else:
        if task is None:
            _print_combined(answers, combined, say)
        _print_summary(lines, counts, taken_up, say)
    if refused:
        return EventError.exit_code
    return EXIT_NEEDS_A_PERSON if any(one["needs_a_person"] for one in lines) else 0


def _beginning(file: Path) -> bytes:
    """Return the file, of one that is too large only so much that it is seen to be."""
    with file.open("rb") as opened:
        return opened.read(LARGEST_FILE + 1)


def _taken_up(road: EventRoad, today: date, say: Speech) -> int:
    """Finish what a killed process has left; what still cannot be answered is told, and keeps nobody out."""
    try:
        return len(road.take_up(today))
    except MianshenError as problem:
        for diagnostic in problem.diagnostics:
            problems.print(diagnostic.render(say.language), style="red", markup=False)
        return 0


def _one(
    road: EventRoad, place: Place, event: Mapping[str, object] | EventError, today: date, by: str
) -> tuple[EventAnswer | EventError, bool]:
    """Return the answer, and whether the event had been posted before."""
    if isinstance(event, EventError):
        return event, False
    try:
        posted = road.post(event, today=today, received_at=datetime.now(UTC), actor=by)
    except EventError as refusal:
        return EventError([_placed(one, place) for one in refusal.diagnostics]), False
    return posted.answer, posted.again


def _placed(diagnostic: Diagnostic, place: Place) -> Diagnostic:
    return diagnostic if diagnostic.place.file is not None else replace(diagnostic, place=place)


def _plain(place: Place, answer: EventAnswer | EventError) -> dict[str, Any]:
    if isinstance(answer, EventAnswer):
        return {"place": str(place), **answer.to_json(), "needs_a_person": answer.needs_a_person}
    first = answer.diagnostics[0]
    return {
        "place": str(first.place),
        "outcome": "refused",
        "needs_a_person": False,
        "code": first.code,
        "message": {"zh": first.message.zh, "en": first.message.en},
        "help": {"zh": first.help.zh, "en": first.help.en} if first.help else None,
    }


def _print_one(place: Place, answer: EventAnswer | EventError, say: Speech, *, quiet: bool, again: bool) -> None:
    if isinstance(answer, EventError):
        for diagnostic in answer.diagnostics:
            problems.print(diagnostic.render(say.language), style="red", markup=False)
        return
    if quiet and not answer.needs_a_person:
        return
    outcome = say(*_OUTCOMES[answer.outcome])
    if again:
        outcome += say("(此前已报送,答复如前)", " (posted before; answered as then)")
    console.print(f"{place}  #{answer.number} {answer.kind}: {outcome}", markup=False, soft_wrap=True)
    if answer.superseded:
        names = " ".join(answer.superseded)
        text = say(f"已有更新的数据,以下不计: {names}", f"newer data are known, so these do not count: {names}")
        console.print(f"  ~ {text}", markup=False, soft_wrap=True)
    for one in answer.granted:
        amount = f" {say.yuan(one.amount)}" if one.amount is not None else ""
        unit = f" {one.unit}" if one.unit else ""
        stage = say.of(STAGES[one.stage]) if one.stage in STAGES else one.stage
        console.print(f"  + {say.of(one.title)} {one.period}{unit}{amount}  [{stage}]", markup=False, soft_wrap=True)
    for wait in answer.waiting:
        reason = say(*_REASONS[wait.reason]) if wait.reason in _REASONS else wait.reason
        detail = f" ({wait.detail})" if wait.detail else ""
        console.print(f"  … {say.of(wait.title)} {wait.period}: {reason}{detail}", markup=False, soft_wrap=True)
    for look in answer.to_look_at:
        text = say("不再符合条件,请人工核查", "no longer supported by the data; a person looks at it")
        console.print(f"  ! {look.policy} {look.period} {look.grant}: {text}", markup=False, soft_wrap=True)
    for refusal in answer.not_decided:
        console.print(f"  - {refusal.policy}: {say.of(refusal.reason)}", markup=False, soft_wrap=True)
    if answer.unclear:
        count = len(answer.unclear)
        text = say(f"{count} 项因数据不全未定", f"{count} undetermined for want of data")
        console.print(f"  ? {text}", markup=False)
    for linked in answer.linked:
        names = ", ".join(linked.policies)
        if linked.decided:
            text = say(f"一并判定了 {linked.subjects} 个关联对象", f"decided {linked.subjects} linked subjects as well")
        else:
            text = say("关联对象留给下一次跑批", "linked subjects are left to the next run")
        console.print(f"  > {text}: {names}", markup=False, soft_wrap=True)


def _print_combined(answers: Sequence[EventAnswer], combined: Mapping[int, list[Preview]], say: Speech) -> None:
    for answer in {one.number: one for one in answers}.values():
        if combined.get(answer.number):
            console.print(f"#{answer.number}", markup=False)
            print_previews(combined[answer.number], say)


def _print_summary(lines: list[Any], counts: Mapping[str, int], taken_up: int, say: Speech) -> None:
    granted = [one for line in lines for one in line.get("granted", ())]
    amount = sum(one["amount"] or 0 for one in granted)
    parts = [f"{say(*_OUTCOMES[name])} {count}" for name, count in counts.items()]
    console.print(
        say(
            f"{len(lines)} 个事件({','.join(parts)});新兑现 {len(granted)} 份,{say.yuan(amount)} 元",
            f"{len(lines)} events ({', '.join(parts)}); {len(granted)} new grants, {say.yuan(amount)} yuan",
        ),
        markup=False,
    )
    if taken_up:
        console.print(
            say(
                f"先补做了 {taken_up} 个上次中断的事件",
                f"{taken_up} events left by an interruption were finished first",
            ),
            style="dim",
        )


def list_events(installation: Installation, say: Speech, *, limit: int, refused: bool, as_json: bool) -> None:
    """Print the newest events of the log, or those that were refused."""
    with EventLog(installation.home, installation.catalog) as log:
        if refused:
            _print_refused(log.refused(limit), say, as_json=as_json)
            return
        stored = log.events(limit)
    if as_json:
        print_json([_stored_as_json(one) for one in stored])
        return
    rows = [_stored_row(one, say) for one in stored]
    heads = (
        "#", say("发生日", "day"), say("种类", "kind"), "key", say("报送方", "by"), say("结果", "outcome"),
        say("兑现", "grants"), say("元", "yuan"),
    )  # fmt: skip
    console.print(table(say("事件", "events"), heads, rows, numbers=(0, 6, 7)))


def _print_refused(found: Sequence[RefusedEvent], say: Speech, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [(one.last_at[:19], one.actor, one.code, say.of(one.reason), one.times) for one in found]
    heads = (
        say("最近", "last"), say("报送方", "by"), say("代码", "code"), say("原因", "reason"), say("次数", "times"),
    )  # fmt: skip
    console.print(table(say("拒收的事件", "refused events"), heads, rows, numbers=(4,)))


def _stored_row(one: StoredEvent, say: Speech) -> tuple[object, ...]:
    answer = None if one.answer is None else answer_from_json(one.answer)
    state = say("未答复", "not answered yet") if answer is None else say(*_OUTCOMES[one.outcome])
    grants, amount = (0, 0) if answer is None else (len(answer.granted), answer.amount)
    return one.number, one.occurred_on, one.kind, one.key, one.actor, state, grants, say.yuan(amount)


def _stored_as_json(one: StoredEvent) -> dict[str, Any]:
    return {
        "number": one.number,
        "key": one.key,
        "kind": one.kind,
        "outcome": one.outcome,
        "occurred_on": one.occurred_on,
        "received_at": one.received_at,
        "actor": one.actor,
        "answer": one.answer,
    }


def show_kinds(installation: Installation, kind: str | None, say: Speech, *, as_json: bool) -> None:
    """Print the kinds of events, or one with its fields and an example. Raises EventError for an unknown one."""
    kinds = installation.catalog.events
    if kind is not None and kind not in kinds:
        raise EventError.of(
            "event-unknown-kind",
            f"没有事件种类 `{kind}`",
            f"there is no kind of event `{kind}`",
            help_zh=f"可用:{' '.join(kinds)}",
            help_en=f"known are {' '.join(kinds)}",
        )
    chosen = [kinds[kind]] if kind is not None else list(kinds.values())
    if as_json:
        sys.stdout.write(json.dumps(kinds_as_json(chosen, installation.catalog), ensure_ascii=False, indent=2) + "\n")
        return
    kind_table(chosen, installation.catalog, say, detailed=kind is not None)


def make_event_token(
    installation: Installation, agency: str, kinds: list[str], by: str, say: Speech, *, revoke: bool
) -> None:
    """Print a new token for an agency, or take its token away.

    Raises SettingsError if the catalog assigns the agency no kind of event and none is named, or for unknown kinds.
    """
    known = installation.catalog.events
    if revoke:
        if not revoke_token(installation.ledger, agency, actor=by):
            raise SettingsError.of(
                "no-token", f"`{agency}` 没有令牌", f"`{agency}` has no token",
                help_zh="核对名称", help_en="check the name",
            )  # fmt: skip
        console.print(say(f"已收回 {agency} 的令牌", f"the token of {agency} is revoked"), markup=False)
        return
    chosen = kinds or [one.name for one in known.values() if agency in (one.agency.zh, one.agency.en)]
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise SettingsError.of(
            "unknown-kind",
            f"没有事件种类 `{unknown[0]}`",
            f"there is no kind of event `{unknown[0]}`",
            help_zh=f"可用：{' '.join(known)}",
            help_en=f"known are {' '.join(known)}",
        )
    if not chosen:
        agencies = {one.agency.zh: one.agency.en for one in known.values()}
        raise SettingsError.of(
            "agency-without-kinds",
            f"目录没有给 `{agency}` 分派任何事件种类",
            f"the catalog assigns no kind of event to `{agency}`",
            help_zh=f"目录中的部门：{'、'.join(agencies)}；其他部门用 --kind 指定种类",
            help_en=f"agencies of the catalog: {', '.join(agencies.values())}; for others name the kinds with --kind",
        )
    key = derived_key(secret_key(installation.home), "event-token")
    token = make_token(installation.ledger, key, agency, chosen, actor=by)
    console.print(token, markup=False, soft_wrap=True)
    listed = " ".join(sorted(chosen))
    problems.print(
        say(
            f"{agency} 可报送:{listed}。令牌只显示这一次,旧令牌已失效。",
            f"{agency} may post: {listed}. The token is shown only this once; an earlier one is void.",
        ),
        markup=False,
    )
