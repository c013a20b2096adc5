"""The one door: parse, call, print, exit code. `mianshen --help` teaches the whole tool.

Everything heavy is imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from notifier.console.failing import EXIT_CODES, EXIT_NEEDS_A_PERSON, guarded
from notifier.console.speech import Speech, speech_of_process, without_language
from policies.errors import MianshenError, SettingsError


def _speech() -> Speech:
    try:
        return speech_of_process()
    except MianshenError as error:
        print(error.diagnostics[0].render("en"), file=sys.stderr)
        raise SystemExit(error.exit_code) from None


say = _speech()

_EPILOG = say("退出码:", "Exit codes:") + "  " + "  ".join(f"{code} {say(zh, en)};" for code, zh, en in EXIT_CODES)


def _group(zh: str, en: str, **options: Any) -> typer.Typer:
    return typer.Typer(
        help=say(zh, en),
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        **options,
    )


app = _group(
    "免申 —— 主动兑现引擎:谁符合条件,就直接兑现、说明理由、通知到人,无需申请。\n\n"
    "先看一遍完整流程:[bold]mianshen demo[/bold]。"
    "一天的工作:profiles import(收数据)→ policies check / approve(审规则)→ run(跑批)→ notices send(发通知)。",
    "mianshen: whoever qualifies is granted, told why and paid, without applying.\n\n"
    "See the whole road first: [bold]mianshen demo[/bold]. "
    "A day's work: profiles import (data) -> policies check / approve (rules) -> run (batch) -> notices send.",
    epilog=_EPILOG,
)
policies_app = _group("政策规则文件:检查、跑例子、查看、审批", "rule files: check, test, show, approve")
profiles_app = _group(
    "画像:收数据、看来源、看缺口、看一个对象", "profiles: take in data, list sources, gaps, one subject"
)
notices_app = _group("通知:发送与查看", "notices: send and show")
funds_app = _group("资金池:拨款与余额", "funds: appropriate and show balances")
events_app = _group("人生事件:报送、查看、种类", "life events: post, list, kinds")
audit_app = _group("审计日志", "the audit log")
for name, group in (
    ("policies", policies_app), ("profiles", profiles_app), ("notices", notices_app),
    ("funds", funds_app), ("events", events_app), ("audit", audit_app),
):  # fmt: skip
    app.add_typer(group, name=name)


class EngineName(StrEnum):
    """Where a batch is matched."""

    COLUMNAR = "columnar"
    SPARK = "spark"


class _Chosen:
    """The options before the command."""

    home: Path | None = None


@app.callback()
def _options(
    home: Annotated[
        Path | None,
        typer.Option("--home", help=say("数据目录,默认 .mianshen 或环境变量 MIANSHEN_HOME",
                                        "folder of all data; default .mianshen or MIANSHEN_HOME")),
    ] = None,
    lang: Annotated[str, typer.Option("--lang", help=say("zh 或 en;默认按系统语言", "zh or en; default by locale"))] = "",
) -> None:  # fmt: skip
    _Chosen.home = home


def _installation() -> Any:
    from engine.installation import Installation
    from profiles.home import Home

    return Installation(Home.from_environment(_Chosen.home))


def _demo_home() -> Path:
    """The demo has a home of its own, so that it never mixes with working data."""
    from profiles.home import Home

    return _Chosen.home or Home.from_environment().path / "demo"


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now().astimezone().date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError.of(
            "not-a-date", f"`{text}` 不是日期", f"`{text}` is not a date",
            help_zh="写成 2026-11-22 这样", help_en="write it like 2026-11-22",
        ) from None  # fmt: skip


def command(group: typer.Typer, name: str, zh: str, en: str) -> Any:
    """Register a command whose failures are shown as diagnostics with their exit code."""

    def register(function: Any) -> Any:
        return group.command(name, help=say(zh, en))(guarded(say)(function))

    return register


On = Annotated[
    str | None, typer.Option("--on", metavar="DATE", help=say("基准日,默认今天", "reference date; default today"))
]
Json = Annotated[bool, typer.Option("--json", help=say("输出 JSON,供程序读取", "print JSON for programs"))]
By = Annotated[str, typer.Option("--by", help=say("操作人姓名或工号", "name or staff number of who does it"))]


@command(app, "demo", "样例城市走完全程:造数、收数、审规则、跑批、通知、解释",
         "a sample city, the whole road: generate, take in, approve, run, notify, explain")  # fmt: skip
def demo(
    citizens: Annotated[int, typer.Option(help=say("样例市民数", "how many citizens"), min=100)] = 100_000,
    seed: Annotated[int, typer.Option(help=say("随机种子:相同种子得到相同城市", "same seed, same city"))] = 1,
    on: On = None,
) -> None:
    """Run the demo in its own home beside the working data."""
    from notifier.console.demo import run_demo

    raise SystemExit(run_demo(_demo_home(), citizens=citizens, seed=seed, on=_day(on), say=say))


@command(
    policies_app, "check", "检查规则文件;不给路径则检查整个规则库", "check rule files; without paths, the whole library"
)
def policies_check(
    paths: Annotated[list[Path] | None, typer.Argument(help=say("文件或目录", "files or folders"))] = None,
    json: Json = False,
) -> None:
    from notifier.console.policies import check

    raise SystemExit(check(_installation(), paths or [], say, as_json=json))


@command(policies_app, "test", "跑规则文件里的例子", "run the examples inside the rule files")
def policies_test(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID|FILE", help=say("政策编号或文件;默认全部", "policy ids or files; default all"))] = None,
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.policies import test

    raise SystemExit(test(_installation(), ids or [], say, as_json=json))


@command(policies_app, "show", "用平实的话说明一项政策", "explain one policy in plain words")
def policies_show(
    id: Annotated[str, typer.Argument(metavar="ID|FILE", help=say("政策编号或文件", "policy id or file"))],
    form: Annotated[str, typer.Option("--as", help=say("words 平实语言;text 原文;json 结构;durable 供 durable-rules 运行的定义", "words, text, json, or durable: the definition that durable-rules run"))] = "words",
    on: On = None,
) -> None:  # fmt: skip
    from notifier.console.policies import show

    show(_installation(), id, form, say, None if on is None else _day(on))


@command(policies_app, "approve", "审批一项政策的当前文本(审批人不能是作者)",
         "approve the present text of a policy (never by its author)")  # fmt: skip
def policies_approve(
    ids: Annotated[list[str], typer.Argument(metavar="ID|all", help=say("政策编号,或 all 表示全部", "policy ids, or all"))],
    by: By,
    effective: Annotated[str | None, typer.Option("--from", metavar="DATE", help=say("从哪天起生效,默认今天", "effective from; default today"))] = None,
) -> None:  # fmt: skip
    from notifier.console.policies import approve

    raise SystemExit(approve(_installation(), ids, by, _day(effective), say))


@command(
    policies_app,
    "prove",
    "证明:有没有谁能符合、有没有不起作用的条件、轮不到的档次;两个版本差在谁身上",
    "prove: whether anybody can be eligible, what has no effect, which tier is out of reach, where two versions differ",
)
def policies_prove(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID|FILE", help=say("政策编号或文件;默认全部", "policy ids or files; default all"))] = None,
    all_of_them: Annotated[bool, typer.Option("--all", help=say("整个规则库", "the whole library"))] = False,
    against: Annotated[str | None, typer.Option("--against", metavar="ID|FILE|approved", help=say("与另一项政策、另一个文件或已审批的版本比较", "compare with another policy, file, or the approved version"))] = None,
    on: On = None,
    timeout: Annotated[float, typer.Option("--timeout", min=0.001, max=3600, metavar="SECONDS", help=say("一次求解至多几秒", "at most so many seconds for one search of the solver"))] = 5,
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.proofs import compare_policies, prove_policies

    named = ids or []
    if all_of_them and named:
        raise SettingsError.of(
            "all-and-ids", "--all 与政策编号不能同时给", "--all and policy ids exclude each other",
            help_zh="二者取一", help_en="give one of them",
        )  # fmt: skip
    if against is None:
        raise SystemExit(prove_policies(_installation(), named, _day(on), timeout, say, as_json=json))
    if len(named) != 1:
        raise SettingsError.of(
            "one-policy-needed", "比较时须指明一项政策", "a comparison needs exactly one policy before --against",
            help_zh="例: mianshen policies prove 政策编号 --against 文件",
            help_en="for example: mianshen policies prove ID --against FILE",
        )  # fmt: skip
    compare_policies(_installation(), named[0], against, _day(on), timeout, say, as_json=json)


@command(
    policies_app,
    "replay",
    "重现一个保存下来的分歧案例:三个引擎再判一次",
    "play a kept case of difference again: all three engines decide it anew",
)
def policies_replay(
    file: Annotated[Path, typer.Argument(help=say("数据目录 differences 里的文件", "a file from the folder differences of the home"))],
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.opinions import replay_case

    raise SystemExit(replay_case(_installation(), file, say, as_json=json))


@command(
    policies_app,
    "schema",
    "打印规则文件的 JSON Schema(供编辑器补全)",
    "print the JSON Schema of rule files, for editors",
)
def policies_schema() -> None:
    import json

    from policies.schema import json_schema

    print(json.dumps(json_schema(_installation().catalog.vocabulary), ensure_ascii=False, indent=2))


@command(profiles_app, "import", "收入部门送来的数据文件", "take in extract files of the agencies")
def profiles_import(
    files: Annotated[list[Path], typer.Argument(help=say("CSV、Excel、Parquet 或 JSON Lines", "CSV, Excel, Parquet or JSON Lines"))],
    source: Annotated[str | None, typer.Option(help=say("来源编号;默认按文件名判断", "source id; default by file name"))] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="DATE", help=say("数据截至日,默认今天", "day the data describe; default today"))] = None,
    partial: Annotated[bool, typer.Option("--partial", help=say("只含变动的行(默认是全量)", "holds changed rows only (default: full extract)"))] = False,
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.profiles import take_in_files

    raise SystemExit(
        take_in_files(_installation(), files, source, _day(as_of), "partial" if partial else "full", say, as_json=json)
    )


@command(
    profiles_app,
    "sources",
    "列出数据来源:部门、用途、更新频率、文件的列",
    "list the sources: agency, purpose, refresh, columns",
)
def profiles_sources(
    id: Annotated[str | None, typer.Argument(help=say("只看一个来源的各列", "one source, with its columns"))] = None,
    json: Json = False,
) -> None:
    from notifier.console.profiles import sources

    sources(_installation(), id, say, as_json=json)


@command(
    profiles_app,
    "gaps",
    "数据缺口:隔离的行,以及让决定悬而未决的数据",
    "gaps: quarantined rows, and data that keep decisions open",
)
def profiles_gaps(on: On = None, json: Json = False) -> None:
    from notifier.console.profiles import gaps

    gaps(_installation(), _day(on), say, as_json=json)


@command(
    profiles_app,
    "show",
    "一个对象的画像:每项数据的值、来源、日期",
    "one subject's profile: each datum with source and date",
)
def profiles_show(
    subject: Annotated[str, typer.Argument(help=say("假名或证件号", "pseudonym or identity number"))],
    on: On = None,
    json: Json = False,
) -> None:
    from notifier.console.profiles import show

    show(_installation(), subject, _day(on), say, as_json=json)


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
        abandon_run(_installation(), abandon, by, say)
        return
    needs_a_person = run_batch(
        _installation(), _day(on), say,
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

    explain_subject(_installation(), subject, policy, _day(on), say, as_json=json)


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

    raise SystemExit(show_gaps(_installation(), _day(on), policy or None, by, top, say, as_json=json))


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

    raise SystemExit(show_upcoming(_installation(), _day(on), policy or [], days, say, as_json=json))


@command(app, "grants", "查兑现单", "look up grants")
def grants(
    subject: Annotated[str | None, typer.Option(help=say("假名或证件号", "pseudonym or identity number"))] = None,
    policy: Annotated[str | None, typer.Option(metavar="ID", help=say("只看这项政策", "only of this policy"))] = None,
    limit: Annotated[int, typer.Option(min=1, help=say("最多列出多少笔", "list at most"))] = 20,
    json: Json = False,
) -> None:
    from notifier.console.runs import show_grants

    show_grants(_installation(), subject, policy, limit, say, as_json=json)


@command(
    notices_app,
    "send",
    "把公告变成投递并发送;失败的按退避时间重试",
    "turn announcements into deliveries and send them; failures are retried later",
)
def notices_send(json: Json = False) -> None:
    from notifier.console.notices import send

    raise SystemExit(send(_installation(), say, as_json=json))


@command(
    notices_app, "show", "一个对象收到的通知;不给对象则看总数", "the notices of one subject; without one, the counts"
)
def notices_show(
    subject: Annotated[str | None, typer.Argument(help=say("假名或证件号", "pseudonym or identity number"))] = None,
    json: Json = False,
) -> None:
    from notifier.console.notices import show

    show(_installation(), subject, say, as_json=json)


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

    print_login_link(_installation(), subject, base, say)


@command(funds_app, "show", "各资金池的拨款、占用和余额", "appropriation, use and balance of every fund")
def funds_show(json: Json = False) -> None:
    from notifier.console.runs import show_funds

    show_funds(_installation(), say, as_json=json)


@command(funds_app, "appropriate", "设定一个资金池的拨款额", "set the appropriation of a fund")
def funds_appropriate(
    fund: Annotated[
        str, typer.Argument(metavar="FUND", help=say("资金池编号,见 funds show", "fund id, see funds show"))
    ],
    yuan: Annotated[str, typer.Argument(help=say("元,最多两位小数", "yuan, at most two decimals"))],
    by: By,
) -> None:
    from notifier.console.runs import appropriate_fund

    appropriate_fund(_installation(), fund, yuan, by, say)


@command(
    events_app,
    "post",
    "报送事件:先保存,再立即兑现随之而来的待遇",
    "post events: stored first, then what follows is granted at once",
)
def events_post(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-",
            help=say(
                "JSON Lines、一个 JSON 对象或列表;- 为标准输入", "JSON Lines, one JSON object or a list; - for stdin"
            ),
        ),
    ],
    by: Annotated[str, typer.Option("--by", help=say("报送方", "who posts them"))] = "events post",
    on: On = None,
    json: Json = False,
) -> None:
    from notifier.console.events import post_events

    path = None if file == "-" else Path(file)
    raise SystemExit(post_events(_installation(), path, _day(on), by, say, as_json=json))


@command(events_app, "list", "已保存的事件,或被拒收的事件", "the events that are stored, or those refused")
def events_list(
    refused: Annotated[bool, typer.Option("--refused", help=say("只看拒收的", "those that were refused"))] = False,
    limit: Annotated[int, typer.Option(min=1, help=say("最多几条", "at most so many"))] = 50,
    json: Json = False,
) -> None:
    from notifier.console.events import list_events

    list_events(_installation(), say, limit=limit, refused=refused, as_json=json)


@command(events_app, "kinds", "事件有哪些种类,各有哪些字段", "which kinds of events there are, with their fields")
def events_kinds(
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help=say("只看一种", "one kind only"))] = None,
    json: Json = False,
) -> None:
    from notifier.console.events import show_kinds

    show_kinds(_installation(), kind, say, as_json=json)


@command(
    events_app,
    "token",
    "给一个部门生成报送令牌(POST /api/events 用),或收回",
    "make a token with which an agency posts to POST /api/events, or revoke it",
)
def events_token(
    agency: Annotated[str, typer.Argument(metavar="AGENCY", help=say("部门,见 events kinds", "see events kinds"))],
    by: By,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help=say("可报送的种类,可多次;默认该部门的全部种类", "kinds it may post, repeatable; default those of the agency"))
    ] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help=say("收回令牌", "take the token away"))] = False,
) -> None:  # fmt: skip
    from notifier.console.events import make_event_token

    make_event_token(_installation(), agency, kind or [], by, say, revoke=revoke)


@command(app, "serve", "按各政策的日历自动跑批,并提供网页", "run policies by their own calendars, and serve the pages")
def serve(
    host: Annotated[str, typer.Option(help=say("监听地址", "address to listen on"))] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help=say("监听端口", "port to listen on"))] = 8000,
    demo: Annotated[bool, typer.Option("--demo", help=say("演示:可挑一个样例人打开网页(仅限 make demo 的数据)", "demo: pick a sample person (only on the demo's data)"))] = False,
    schedule: Annotated[bool, typer.Option("--schedule/--no-schedule", help=say("是否按日历跑批", "whether to run the calendar"))] = True,
) -> None:  # fmt: skip
    from notifier.console.serving import serve_until_stopped

    home = _demo_home() if demo else _Chosen.home
    serve_until_stopped(home, host, port, demo=demo, schedule=schedule, say=say)


@command(
    app, "schedule", "日历:跑过什么、接下来跑什么、补跑了什么", "the calendar: what ran, what is next, what was made up"
)
def schedule(json: Json = False) -> None:
    from notifier.console.serving import show_schedule

    show_schedule(_installation(), say, as_json=json)


@command(
    audit_app,
    "verify",
    "核对审计日志的哈希链和各批次摘要",
    "check the hash chain of the audit log and the digests of the batches",
)
def audit_verify(json: Json = False) -> None:
    from notifier.console.runs import verify_audit

    raise SystemExit(verify_audit(_installation(), say, as_json=json))


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
