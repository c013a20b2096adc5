"""The one door: the groups of commands, put together. `mianshen --help` teaches the whole tool.

The commands of the larger groups stand in `notifier.commands`; those without a group, and the small groups, here.
Everything heavy is imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from notifier.commands import bundles, simulating, workbench  # noqa: F401 - register their commands
from notifier.commands.command_line import By, Chosen, Json, On, command, day, group, installation, say
from notifier.commands.events import events_app
from notifier.commands.policies import policies_app
from notifier.commands.profiles import profiles_app
from notifier.console.failing import EXIT_CODES, EXIT_NEEDS_A_PERSON
from notifier.console.speech import without_language

_EPILOG = say("退出码:", "Exit codes:") + "  " + "  ".join(f"{code} {say(zh, en)};" for code, zh, en in EXIT_CODES)

app = group(
    "免申 —— 主动兑现引擎:谁符合条件,就直接兑现、说明理由、通知到人,无需申请。\n\n"
    "先看一遍完整流程:[bold]mianshen demo[/bold]。"
    "一天的工作:profiles import(收数据)→ policies check / approve(审规则)→ run(跑批)→ notices send(发通知)。",
    "mianshen: whoever qualifies is granted, told why and paid, without applying.\n\n"
    "See the whole road first: [bold]mianshen demo[/bold]. "
    "A day's work: profiles import (data) -> policies check / approve (rules) -> run (batch) -> notices send.",
    epilog=_EPILOG,
)
notices_app = group("通知:发送与查看", "notices: send and show")
funds_app = group("资金池:拨款与余额", "funds: appropriate and show balances")
audit_app = group("审计日志", "the audit log")
for name, commands in (
    ("policies", policies_app), ("profiles", profiles_app), ("notices", notices_app),
    ("funds", funds_app), ("events", events_app), ("audit", audit_app),
):  # fmt: skip
    app.add_typer(commands, name=name)


class EngineName(StrEnum):
    """Where a batch is matched."""

    COLUMNAR = "columnar"
    SPARK = "spark"


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"mianshen {version('mianshen')}")
        raise typer.Exit


@app.callback()
def _options(
    home: Annotated[
        Path | None,
        typer.Option("--home", help=say("数据目录,默认 .mianshen 或环境变量 MIANSHEN_HOME",
                                        "folder of all data; default .mianshen or MIANSHEN_HOME")),
    ] = None,
    lang: Annotated[str, typer.Option("--lang", help=say("zh 或 en;默认按系统语言", "zh or en; default by locale"))] = "",
    version: Annotated[
        bool,
        typer.Option("--version", help=say("显示版本号", "show the version"), callback=_tell_version, is_eager=True),
    ] = False,
) -> None:  # fmt: skip
    Chosen.home = home


def demo_home() -> Path:
    """The demo has a home of its own, so that it never mixes with working data."""
    from profiles.home import Home

    return Chosen.home or Home.from_environment().path / "demo"


@command(app, "demo", "样例城市走完全程:造数、收数、审规则、跑批、通知、解释",
         "a sample city, the whole road: generate, take in, approve, run, notify, explain")  # fmt: skip
def demo(
    citizens: Annotated[int, typer.Option(help=say("样例市民数", "how many citizens"), min=100)] = 100_000,
    seed: Annotated[int, typer.Option(help=say("随机种子:相同种子得到相同城市", "same seed, same city"))] = 1,
    on: On = None,
) -> None:
    """Run the demo in its own home beside the working data."""
    from notifier.console.demo import run_demo

    raise SystemExit(run_demo(demo_home(), citizens=citizens, seed=seed, on=day(on), say=say))


@command(app, "run", "跑批:计划、匹配、守护、分配、记账", "run the batch: plan, match, guard, allocate, record")
def run(
    on: On = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=say("只算不记", "decide, but write nothing"))] = False,
    policy: Annotated[list[str] | None, typer.Option("--policy", metavar="ID", help=say("只跑这些政策", "only these policies"))] = None,
    release: Annotated[list[str] | None, typer.Option("--release", metavar="ID", help=say("放行被守护暂停的政策", "release a policy that the guard holds"))] = None,
    abandon: Annotated[str | None, typer.Option("--abandon", metavar="RUN", help=say("放弃一个无法继续的未完成批次;已记录的兑现仍有效", "give up an unfinished run that cannot be continued; what it recorded stays valid"))] = None,
    second_opinion: Annotated[str, typer.Option("--second-opinion", metavar="N|all|0", help=say("每类对象抽多少个由另外两个引擎复核;all 全部;0 不复核(仅限 --dry-run)", "how many subjects of each space two other engines decide again; all: everybody; 0: none (with --dry-run only)"))] = "3000",
    engine: Annotated[EngineName, typer.Option("--engine", help=say("在本机匹配,或在 Spark 集群上匹配;结果与账本相同", "match in this process, or on a Spark cluster; the ledger is the same"))] = EngineName.COLUMNAR,
    master: Annotated[str, typer.Option("--master", metavar="URL", help=say("集群地址:local[*]、spark://主机:7077、yarn、k8s://…", "the cluster: local[*], spark://host:7077, yarn, k8s://…"))] = "local[*]",
    full: Annotated[bool, typer.Option("--full", help=say("全部重算,不只重算有变动的", "decide everybody, not only those for whom something has changed"))] = False,
    by: By = "operator",
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.opinions import sample_size
    from notifier.console.runs import abandon_run, run_batch

    if abandon is not None:
        abandon_run(installation(), abandon, by, say)
        return
    needs_a_person = run_batch(
        installation(), day(on), say,
        dry_run=dry_run, only=policy or None, release=release or [], actor=by, as_json=json, full=full,
        second_opinion=sample_size(second_opinion), master=master if engine is EngineName.SPARK else None,
    )  # fmt: skip
    raise SystemExit(EXIT_NEEDS_A_PERSON if needs_a_person else 0)


@command(
    app, "explain", "一项政策对一个对象:逐条说明为什么", "why a policy says yes, no or undetermined for one subject"
)
def explain(
    subject: Annotated[str, typer.Argument(help=say("假名或证件号", "pseudonym or identity number"))],
    policy: Annotated[str, typer.Argument(metavar="POLICY", help=say("政策编号或文件", "policy id or file"))],
    on: On = None,
    json: Json = False,
) -> None:
    from notifier.console.explaining import explain_subject

    explain_subject(installation(), subject, policy, day(on), say, as_json=json)


@command(
    app,
    "gaps",
    "数据缺口排名:哪些缺失的数据让多少决定悬而未决、涉及多少钱。"
    "金额:缺的数据都往有利处补齐后会兑现的数额,算得出的精确到分,算不出的按该政策现在的平均数估计;"
    "一项决定缺几项数据,就在每项下各计一次。(收数时隔离的行见 profiles gaps)",
    "rank missing data: how many decisions each keeps open, and how much money hangs on it. "
    "Money is what would be granted if all that is missing turned out favourably: to the fen where it can be "
    "computed, else the policy's present average as an estimate; a decision that lacks several data counts "
    "under each. (For rows quarantined at intake see: profiles gaps)",
)
def gaps(
    on: On = None,
    policy: Annotated[list[str] | None, typer.Option("--policy", metavar="ID", help=say("只看这些政策", "only these policies"))] = None,
    by: Annotated[str, typer.Option("--by", metavar="datum|agency|policy", help=say("按数据、部门或政策归类", "by datum, agency or policy"))] = "datum",
    top: Annotated[int, typer.Option("--top", min=1, help=say("最多列出多少行", "at most so many lines"))] = 20,
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.data_gaps import show_gaps

    raise SystemExit(show_gaps(installation(), day(on), policy or None, by, top, say, as_json=json))


@command(
    app,
    "upcoming",
    "前路:其他不变,接下来几个月里各政策将有多少人符合、多少人不再符合(在每月首日和最后一天逐一判定)",
    "ahead: how many become eligible in the coming months, or cease to be, if nothing but the date changes "
    "(everybody is decided on the first day of each month and on the last day)",
)
def upcoming(
    on: On = None,
    policy: Annotated[list[str] | None, typer.Option("--policy", metavar="ID", help=say("只看这些政策", "only these policies"))] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help=say("往前看多少天", "how many days ahead"))] = 90,
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.upcoming import show_upcoming

    raise SystemExit(show_upcoming(installation(), day(on), policy or [], days, say, as_json=json))


@command(app, "grants", "查兑现单", "look up grants")
def grants(
    subject: Annotated[str | None, typer.Option(help=say("假名或证件号", "pseudonym or identity number"))] = None,
    policy: Annotated[str | None, typer.Option(metavar="ID", help=say("只看这项政策", "only of this policy"))] = None,
    limit: Annotated[int, typer.Option(min=1, help=say("最多列出多少笔", "list at most"))] = 20,
    json: Json = False,
) -> None:
    from notifier.console.runs import show_grants

    show_grants(installation(), subject, policy, limit, say, as_json=json)


@command(
    notices_app,
    "send",
    "把公告变成投递并发送;失败的按退避时间重试",
    "turn announcements into deliveries and send them; failures are retried later",
)
def notices_send(json: Json = False) -> None:
    from notifier.console.notices import send

    raise SystemExit(send(installation(), say, as_json=json))


@command(
    notices_app, "show", "一个对象收到的通知;不给对象则看总数", "the notices of one subject; without one, the counts"
)
def notices_show(
    subject: Annotated[str | None, typer.Argument(help=say("假名或证件号", "pseudonym or identity number"))] = None,
    json: Json = False,
) -> None:
    from notifier.console.notices import show

    show(installation(), subject, say, as_json=json)


@command(
    notices_app,
    "link",
    "给一个对象生成登录链接(一天内一次有效)",
    "make a login link for one subject (one use, within a day)",
)
def notices_link(
    subject: Annotated[str, typer.Argument(help=say("假名或证件号", "pseudonym or identity number"))],
    base: Annotated[str, typer.Option("--base", help=say("网页地址", "where the pages are"))] = "http://127.0.0.1:8000",
) -> None:
    from notifier.console.serving import print_login_link

    print_login_link(installation(), subject, base, say)


@command(funds_app, "show", "各资金池的拨款、占用和余额", "appropriation, use and balance of every fund")
def funds_show(json: Json = False) -> None:
    from notifier.console.runs import show_funds

    show_funds(installation(), say, as_json=json)


@command(funds_app, "appropriate", "设定一个资金池的拨款额", "set the appropriation of a fund")
def funds_appropriate(
    fund: Annotated[
        str, typer.Argument(metavar="FUND", help=say("资金池编号,见 funds show", "fund id, see funds show"))
    ],
    yuan: Annotated[str, typer.Argument(help=say("元,最多两位小数", "yuan, at most two decimals"))],
    by: By,
) -> None:
    from notifier.console.runs import appropriate_fund

    appropriate_fund(installation(), fund, yuan, by, say)


@command(app, "serve", "按各政策的日历自动跑批,并提供网页", "run policies by their own calendars, and serve the pages")
def serve(
    host: Annotated[str, typer.Option(help=say("监听地址", "address to listen on"))] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help=say("监听端口", "port to listen on"))] = 8000,
    demo: Annotated[bool, typer.Option("--demo", help=say("演示:可挑一个样例人打开网页(仅限 make demo 的数据)", "demo: pick a sample person (only on the demo's data)"))] = False,
    schedule: Annotated[bool, typer.Option("--schedule/--no-schedule", help=say("是否按日历跑批", "whether to run the calendar"))] = True,
) -> None:  # fmt: skip
    from notifier.console.serving import serve_until_stopped

    home = demo_home() if demo else Chosen.home
    serve_until_stopped(home, host, port, demo=demo, schedule=schedule, say=say)


@command(
    app, "schedule", "日历:跑过什么、接下来跑什么、补跑了什么", "the calendar: what ran, what is next, what was made up"
)
def schedule(json: Json = False) -> None:
    from notifier.console.serving import show_schedule

    show_schedule(installation(), say, as_json=json)


@command(
    audit_app,
    "verify",
    "核对审计日志的哈希链和各批次摘要",
    "check the hash chain of the audit log and the digests of the batches",
)
def audit_verify(json: Json = False) -> None:
    from notifier.console.runs import verify_audit

    raise SystemExit(verify_audit(installation(), say, as_json=json))


@command(
    app,
    "bench",
    "在这台机器上测速:匹配、记账、收数;growth 规模增长;incremental 只算有变动的;events 事件时延;peers 与同类引擎比较",
    "measure matching, recording and intake on this machine; growth with its size; incremental after 1 % has changed; events from arrival to grant; peers beside other engines",
)
def bench(
    parts: Annotated[list[str] | None, typer.Argument(metavar="[matching|recording|intake|growth|incremental|events|peers]...", help=say("测哪些;默认前三项", "what to measure; default the first three"))] = None,
    subjects: Annotated[int | None, typer.Option(help=say("画像数;各项有自己的默认值", "profiles; each benchmark has its own default"), min=10_000)] = None,
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.benchmarks import run_benchmarks

    run_benchmarks(subjects, say, as_json=json, parts=parts or ())


def main() -> None:
    """Entry point of the console command."""
    sys.argv[1:] = without_language(sys.argv[1:])
    app()


if __name__ == "__main__":
    main()
