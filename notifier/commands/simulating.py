"""Commands that try a policy before it decides anything: simulate, backtest, diff."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from notifier.commands.command_line import Json, On, command, day, installation, say
from notifier.commands.policies import policies_app

_Report = Annotated[
    Path | None,
    typer.Option("--report", metavar="DIR", help=say("把网页、图表、表格和 JSON 写入一个新目录", "write a page, charts, tables and JSON into a new folder")),
]  # fmt: skip
_Sample = Annotated[
    int, typer.Option("--sample", min=0, max=100, metavar="N", help=say("每类变化说明几个人的原因", "explain so many people of each kind of change"))
]  # fmt: skip


@command(
    policies_app,
    "simulate",
    "模拟:拿一项政策或新版本过一遍当前人口,数人数、算成本,比较谁得谁失;不写账本。"
    "例:policies simulate 新版.yaml --against approved --until 2027-12-31 --report 报告",
    "try a policy or a new version on the present population: counts, cost, who gains and who loses; nothing is "
    "granted. Example: policies simulate new.yaml --against approved --until 2027-12-31 --report out",
)
def policies_simulate(
    policy: Annotated[str, typer.Argument(metavar="ID|FILE", help=say("政策编号、文件,或 编号@approved、编号@哈希", "policy id, file, ID@approved or ID@HASH"))],
    against: Annotated[str | None, typer.Option("--against", metavar="approved|ID|FILE", help=say("与哪个版本比较", "the version to compare with"))] = None,
    on: On = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help=say("逐期推算到哪天(只移动日期)", "project period by period up to this day; only the date moves"))] = None,
    sample: _Sample = 3,
    report: _Report = None,
    exact: Annotated[bool, typer.Option("--exact", help=say("不隐去少于 5 人的格子;含此选项的报告不要外传", "do not hide groups of fewer than five; such a report is not for sharing"))] = False,
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.simulating import Asked, simulate_policy

    last = None if until is None else day(until)
    asked = Asked(policy, against, day(on), last, sample, report, exact)
    raise SystemExit(simulate_policy(installation(), asked, say, as_json=json))


@command(
    policies_app,
    "backtest",
    "回测:用过去一年的数据判一遍,与账本实际兑现的比较;不写账本。例:policies backtest cn-31-elderly-allowance",
    "decide the periods of the last year and compare with what was granted; nothing is written. "
    "Example: policies backtest cn-31-elderly-allowance",
)
def policies_backtest(
    policy: Annotated[str, typer.Argument(metavar="ID|FILE", help=say("政策编号、文件,或 编号@approved、编号@哈希", "policy id, file, ID@approved or ID@HASH"))],
    since: Annotated[str | None, typer.Option("--from", metavar="DATE", help=say("从哪天起;默认截止日之前一年", "the first day; default a year before the last"))] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help=say("到哪天;默认今天", "the last day; default today"))] = None,
    sample: _Sample = 3,
    report: _Report = None,
    exact: Annotated[bool, typer.Option("--exact", help=say("报告里不隐去少于 5 人的格子", "do not hide groups of fewer than five in the report"))] = False,
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.backtesting import Asked, backtest_policy

    last = day(until)
    first = _year_before(last) if since is None else day(since)
    raise SystemExit(
        backtest_policy(installation(), Asked(policy, first, last, sample, report, exact), say, as_json=json)
    )


@command(
    policies_app,
    "diff",
    "比较两个版本:改了哪些字句,证明上差在谁身上,现有人口里影响多少人多少钱。"
    "例:policies diff cn-31-elderly-allowance@approved 新版.yaml",
    "compare two versions: what has changed in words, on whom they provably differ, how many people and how much "
    "money. Example: policies diff cn-31-elderly-allowance@approved new.yaml",
)
def policies_diff(
    first: Annotated[str, typer.Argument(metavar="A", help=say("原版本:编号、文件、编号@approved 或 编号@哈希", "the former one: id, file, ID@approved or ID@HASH"))],
    second: Annotated[str, typer.Argument(metavar="B", help=say("新版本", "the one to come"))],
    on: On = None,
    timeout: Annotated[float, typer.Option("--timeout", min=0.001, max=3600, metavar="SECONDS", help=say("一次求解至多几秒", "at most so many seconds for one search of the solver"))] = 5,
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.version_differences import diff_policies

    raise SystemExit(diff_policies(installation(), first, second, day(on), timeout, say, as_json=json))


def _year_before(last: date) -> date:
    """Return the day after the same day a year earlier: 22 November 2026 gives 23 November 2025."""
    same = last.replace(year=last.year - 1, day=min(last.day, 28) if last.month == 2 else last.day)
    return same + timedelta(days=1)
