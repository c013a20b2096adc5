"""`mianshen run`, `grants`, `funds` and `audit`: what the ledger was told, and what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from rich.markup import escape
from rich.table import Table

from engine.installation import Installation
from engine.ledger import audit
from engine.ledger.funds import appropriate, balances
from engine.ledger.grants import grants, totals, waiting
from engine.matching import Matcher, Progress, columnar_matcher
from engine.run_report import PolicyReport, RunReport
from engine.run_rows import abandon
from engine.running import run
from engine.second_opinion import DEFAULT_SAMPLE
from notifier.console.opinions import second_opinion_words, way_on
from notifier.console.policies import policy_of
from notifier.console.redeciding import redeciding_words
from notifier.console.speech import Speech
from notifier.console.subjects import subject_of
from notifier.console.tables import console, print_json, problems, progress, table
from policies.errors import SettingsError

_STEPS = {
    "plan": ("计划", "plan"),
    "compare": ("比对日期", "compare dates"),
    "match": ("匹配", "match"),
    "spark": ("集群匹配", "match on the cluster"),
    "second-opinion": ("复核", "second opinion"),
    "guard": ("守护", "guard"),
    "allocate": ("分配", "allocate"),
    "record": ("记账", "record"),
}
_DELIVERY = {
    "automatic": ("直接兑现", "granted outright"),
    "channel": ("渠道直达", "through a channel"),
    "confirm": ("待确认", "to be confirmed"),
    "declare": ("申报享受", "to be declared"),
    "notify": ("仅提示", "told only"),
}
_WAITING = {
    "fund": ("资金不足", "fund exhausted"),
    "ceiling": ("已达累计上限", "the ceiling is used up"),
    "ceiling-unknown": ("属于哪个上限未知", "under which ceiling is unknown"),
    "claim-key-unknown": ("所支撑的人未知", "whom it is about is unknown"),
    "claimed": ("已被别处使用", "claimed elsewhere"),
    "excluded": ("与其他政策互斥", "excluded by another policy"),
    "exclusive": ("同组只取其一", "another of its group was chosen"),
    "nothing-left": ("已由其他兑现覆盖", "covered by an earlier grant"),
}


def run_batch(
    installation: Installation,
    on: date,
    say: Speech,
    *,
    dry_run: bool,
    only: Sequence[str] | None,
    release: Sequence[str],
    actor: str,
    as_json: bool,
    second_opinion: int | None = DEFAULT_SAMPLE,
    full: bool = False,
    master: str | None = None,
) -> bool:
    """Run the batch and print its report; return whether a person has to look at something."""
    report = run_with_progress(installation, on, say, dry_run=dry_run, only=only, release=release, actor=actor, second_opinion=second_opinion, full=full, master=master)  # fmt: skip
    if as_json:
        print_json(report.to_json())
    else:
        print_report(report, say)
    return any(each.held is not None or each.error for each in report.policies)


def abandon_run(installation: Installation, run_id: str, by: str, say: Speech) -> None:
    """Give up an unfinished run. Raises RunError if there is no such run."""
    abandon(installation.ledger, run_id, by, "given up on the command line")
    console.print(say(f"已放弃批次 {run_id}。", f"the run {run_id} was given up."))


def run_with_progress(
    installation: Installation,
    on: date,
    say: Speech,
    *,
    dry_run: bool = False,
    only: Sequence[str] | None = None,
    release: Sequence[str] = (),
    actor: str = "operator",
    second_opinion: int | None = DEFAULT_SAMPLE,
    full: bool = False,
    master: str | None = None,
) -> RunReport:
    """Run the batch with a progress bar on the error stream; with `master`, match on that Spark cluster.

    Raises as `engine.running.run` and `engine.spark_session.spark_session` do.
    """
    for error in installation.library.errors:
        for diagnostic in error.diagnostics:
            problems.print(diagnostic.render(say.language), style="yellow", markup=False)
    with progress() as bar:
        tasks: dict[str, object] = {}

        def on_progress(step: str, done: int, total: int) -> None:
            if step not in tasks:
                zh, en = _STEPS.get(step, (step, step))
                tasks[step] = bar.add_task(say(zh, en), total=total)
            bar.update(tasks[step], completed=done, total=total)  # type: ignore[arg-type]

        with _matcher(master, on_progress) as matcher:
            return run(
                installation.ledger,
                installation.snapshot(on),
                installation.library.policies,
                installation.catalog.vocabulary,
                on,
                only=only,
                release=release,
                dry_run=dry_run,
                actor=actor,
                on_progress=on_progress,
                reopen=installation.reopen,
                matcher=matcher,
                second_opinion=second_opinion,
                full=full,
                differences=installation.home.differences,
            )


@contextmanager
def _matcher(master: str | None, on_progress: Progress) -> Iterator[Matcher]:
    if master is None:
        yield columnar_matcher
        return
    from engine.spark_matching import SparkMatcher
    from engine.spark_session import spark_session

    with spark_session(master) as session:
        yield SparkMatcher(session, on_progress)


def print_report(report: RunReport, say: Speech) -> None:
    """Print the table of policies, what is held and why, the funds, and how long each step took."""
    if report.continued:
        console.print(say("接着完成上次被中断的批次。", "continued a run that was interrupted."))
    console.print(policy_table(report, say))
    for each in report.policies:
        if each.held is not None:
            reason, way = escape(say.of(each.held.reason)), escape(way_on(each.policy, each.held, say))
            console.print(f"[yellow]{say('暂停', 'held')}[/yellow] {each.policy}: {reason}  ({way})")
        for diagnostic in each.error:
            console.print(diagnostic.render(say.language), style="red", markup=False)
        for finding in each.findings:
            console.print(finding.render(say.language), style="yellow", markup=False)
        if each.not_automatic is not None:
            console.print(each.not_automatic.render(say.language), style="cyan", markup=False)
    words = second_opinion_words(report, say)
    if words:
        console.print(words)
    console.print(fund_table([each for each in report.funds if each.used], say))
    for line in redeciding_words(report, say):
        console.print(line)
    seconds = "  ".join(
        f"{say(*_STEPS.get(name, (name, name)))} {value:.2f}s" for name, value in report.seconds.items()
    )
    console.print(seconds, style="dim")
    console.print(closing_words(report, say), style="bold")


def closing_words(report: RunReport, say: Speech) -> str:
    """Return one sentence that says what the run did."""
    if report.nothing_new:
        return say(
            "没有新的兑现:符合条件的都已兑现过,没有重复发放。",
            "nothing new: whoever qualifies had been granted already, and nobody was granted twice.",
        )
    done = [each for each in report.policies if each.is_granted]
    hints = report.new_hints
    left = [each for each in report.policies if not each.is_granted and each.not_automatic is None]
    number, amount = sum(each.new_grants for each in done), say.yuan(sum(each.amount for each in done))
    more = sum(each.new_grants for each in left)
    words = say(
        f"直接兑现 {number:,} 笔,共 {amount} 元;另有 {more:,} 笔待本人确认或办理。",
        f"{number:,} granted outright, {amount} yuan in all; {more:,} more wait for the person to confirm or declare.",
    )
    if hints:
        words += " " + say(f"另有 {hints:,} 条线索转主管机关。", f"{hints:,} hints go to the authority.")
    if report.dry_run:
        return say("试算,什么也没有写入:", "dry run, nothing was written: ") + words
    return words


def policy_table(report: RunReport, say: Speech) -> Table:
    """Return one line per policy; columns that would be empty for all are left out."""
    made = table(
        say(f"政策 {report.on}", f"policies on {report.on}"),
        [say("符合", "matched"), say("新", "new"), say("金额(元)", "amount (yuan)"), say("未定", "undetermined"), say("最常缺的数据", "most often missing")],
        [], numbers=(0, 1, 2, 3), first=say("政策", "policy"),
    )  # fmt: skip
    with_hints = any(each.not_automatic is not None for each in report.policies)
    with_earlier = any(each.already_granted for each in report.policies)
    with_waiting = any(each.waiting for each in report.policies)
    if with_hints:
        made.add_column(say("新线索", "new hints"), justify="right")
    if with_earlier:
        made.add_column(say("已有", "already"), justify="right")
    if with_waiting:
        made.add_column(say("等待", "waiting"), overflow="fold")
    for each in report.policies:
        missing = f"{escape(each.most_missing[0])} ({each.most_missing[1]:,})" if each.most_missing else ""
        cells = [_policy_cell(each, say), f"{each.matched:,}", f"{each.new_grants:,}", say.yuan(each.amount)]
        cells += [f"{each.undetermined:,}", missing]
        cells += [f"{each.new_hints:,}" if each.new_hints else ""] if with_hints else []
        cells += [f"{each.already_granted:,}"] if with_earlier else []
        cells += [_reasons(each, say)] if with_waiting else []
        made.add_row(*cells)
    return made


def _policy_cell(each: PolicyReport, say: Speech) -> str:
    mark = " [yellow]![/yellow]" if each.held is not None or each.error else ""
    return f"{escape(say.of(each.title))}{mark}\n[dim]{each.policy} · {each.period} · {say(*_DELIVERY[each.delivery])}[/dim]"


def _reasons(each: PolicyReport, say: Speech) -> str:
    return ", ".join(
        f"{say(*_WAITING.get(code, (code, code)))} {count:,}" for code, count in each.waiting.items() if count
    )


def fund_table(funds: Sequence[object], say: Speech) -> Table:
    """Return one line per fund."""
    columns = [
        say("资金池", "fund"),
        "",
        say("拨款(元)", "appropriation (yuan)"),
        say("已占用", "used"),
        say("余额", "available"),
    ]
    rows = [
        (each.fund, say.of(each.title), say.yuan(each.appropriation), say.yuan(each.used), say.yuan(each.available))
        for each in funds
    ]  # fmt: skip
    return table(say("资金", "funds"), columns, rows, numbers=(2, 3, 4))


def show_funds(installation: Installation, say: Speech, *, as_json: bool) -> None:
    """Print all funds."""
    found = balances(installation.ledger)
    if as_json:
        print_json(
            [
                {"fund": each.fund, "title": each.title, "appropriation": each.appropriation,
                 "used": each.used, "available": each.available}
                for each in found
            ]
        )  # fmt: skip
    else:
        console.print(fund_table(found, say))


def appropriate_fund(installation: Installation, fund: str, yuan: str, by: str, say: Speech) -> None:
    """Set the appropriation of a fund that the catalog knows."""
    titles = installation.catalog.vocabulary.funds
    if fund not in titles:
        raise SettingsError.of(
            "unknown-fund", f"目录里没有资金池 `{fund}`", f"the catalog has no fund `{fund}`",
            help_zh="资金池有: " + ", ".join(titles), help_en="the funds are: " + ", ".join(titles),
        )  # fmt: skip
    appropriate(installation.ledger, fund, fen_of(yuan), title=titles[fund], actor=by)
    show_funds(installation, say, as_json=False)


def fen_of(yuan: str) -> int:
    """Return an amount written in yuan as fen.

    Raises SettingsError if it has more than two decimals, or more than the 15 digits that any ledger can hold.
    """
    found = re.fullmatch(r"([0-9]{1,15})(?:\.([0-9]{1,2}))?", yuan.replace(",", ""))
    if found is None:
        raise SettingsError.of(
            "not-an-amount", f"`{yuan}` 不是金额", f"`{yuan}` is not an amount",
            help_zh="写成 1000000 或 1000000.50(元),整数部分最多 15 位",
            help_en="write it like 1000000 or 1000000.50 (yuan), at most 15 digits before the point",
        )  # fmt: skip
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def show_grants(
    installation: Installation, subject: str | None, policy: str | None, limit: int, say: Speech, *, as_json: bool
) -> None:
    """Print grants, newest question first: of one subject, of one policy, or the totals of all."""
    whose = None if subject is None else subject_of(installation.home, subject)
    ledger = installation.ledger
    if whose is None and policy is None and not as_json:
        rows = [
            (row["policy"], row["period"], f"{row['grants']:,}", f"{row['subjects']:,}", say.yuan(row["amount"]))
            for row in totals(ledger).to_dicts()
        ]
        heads = [
            say("政策", "policy"),
            say("期间", "period"),
            say("笔数", "grants"),
            say("对象", "subjects"),
            say("金额(元)", "amount (yuan)"),
        ]
        console.print(table(say("兑现合计", "grants in all"), heads, rows, numbers=(2, 3, 4)))
        return
    found = grants(ledger, subject=whose, policy=policy, limit=limit)
    held_back = waiting(ledger, subject=whose, policy=policy, limit=limit)
    if policy is not None and not found.height and not held_back.height:
        policy_of(installation, policy)  # a mistyped id is refused; a policy that left the library is not
    if as_json:
        print_json({"grants": found.to_dicts(), "waiting": held_back.to_dicts()})
        return
    heads = [
        say("兑现单", "grant"),
        say("对象", "subject"),
        say("政策", "policy"),
        say("单元", "unit"),
        say("期间", "period"),
        say("金额(元)", "amount (yuan)"),
        say("状态", "stage"),
    ]
    console.print(
        table(
            say("兑现", "grants"), heads,
            [(row["id"], row["subject"], row["policy"], row["unit"], row["period"], say.yuan(row["amount"]), row["stage"]) for row in found.to_dicts()],
            numbers=(5,),
        )
    )  # fmt: skip
    if held_back.height:
        rows = [
            (
                row["subject"],
                row["policy"],
                row["period"],
                say(*_WAITING.get(row["reason"], (row["reason"],) * 2)),
                row["detail"],
            )
            for row in held_back.to_dicts()
        ]
        heads = [say("对象", "subject"), say("政策", "policy"), say("期间", "period"), say("原因", "reason"), ""]
        console.print(table(say("符合但在等待", "qualified, but waiting"), heads, rows))
    if found.height == limit:
        console.print(
            say(f"只列出前 {limit} 笔;用 --limit 看更多", f"the first {limit} are listed; --limit shows more"),
            style="dim",
        )


def verify_audit(installation: Installation, say: Speech, *, as_json: bool) -> int:
    """Verify the audit log; return the exit code, 0 if it is intact."""
    report = audit.verify(installation.ledger)
    if as_json:
        print_json(report)
    elif not report.entries:
        console.print(
            say("账本是空的:这里从未记录过任何操作。", "the ledger is empty: nothing was ever recorded here.")
        )
    elif report.intact:
        console.print(
            say(
                f"完好:{report.entries} 条记录首尾相连,{report.grants_checked:,} 笔兑现与批次摘要一致。",
                f"intact: {report.entries} entries are chained, {report.grants_checked:,} grants agree with their batch digests.",
            )
        )
        console.print(f"head {report.head}", style="dim")
    else:
        reason = say.of(report.reason) if report.reason else ""
        problems.print(
            say(f"第 {report.first_broken} 条起被改动:{reason}", f"altered at entry {report.first_broken}: {reason}"),
            style="red",
        )
    return 0 if report.intact else 1
