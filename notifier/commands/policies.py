"""Commands about rule files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from notifier.commands.command_line import By, Json, On, command, day, group, installation, say
from policies.errors import SettingsError

policies_app = group("政策规则文件:检查、跑例子、查看、审批", "rule files: check, test, show, approve")


@command(
    policies_app, "check", "检查规则文件;不给路径则检查整个规则库", "check rule files; without paths, the whole library"
)
def policies_check(
    paths: Annotated[list[Path] | None, typer.Argument(help=say("文件或目录", "files or folders"))] = None,
    watch: Annotated[bool, typer.Option("--watch", help=say("每次保存后再检查并跑例子;Ctrl-C 结束", "check again, and run the examples, after every save; Ctrl-C ends it"))] = False,
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.policies import check

    if watch:
        from notifier.console.watching import watch_files

        raise SystemExit(watch_files(installation(), paths or [], say))
    raise SystemExit(check(installation(), paths or [], say, as_json=json))


@command(policies_app, "test", "跑规则文件里的例子,并说明它们覆盖了规则的多少。例:policies test cn-31-elderly-allowance --coverage",
         "run the examples inside the rule files, and tell how much of the rule they show. "
         "Example: policies test cn-31-elderly-allowance --coverage")  # fmt: skip
def policies_test(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID|FILE", help=say("政策编号或文件;默认全部", "policy ids or files; default all"))] = None,
    coverage: Annotated[bool, typer.Option("--coverage", help=say("列出没有例子显示的条件、档次、界限和缺项,并给出可粘贴的例子", "list the conditions, tiers, boundaries and missing data that no example shows, with cases ready to paste"))] = False,
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.policies import test

    raise SystemExit(test(installation(), ids or [], say, as_json=json, coverage=coverage))


@command(policies_app, "show", "用平实的话说明一项政策", "explain one policy in plain words")
def policies_show(
    id: Annotated[str, typer.Argument(metavar="ID|FILE", help=say("政策编号或文件", "policy id or file"))],
    form: Annotated[str, typer.Option("--as", help=say("words 平实语言;tree 条件树和当日的值;reads 读取哪些数据、来自哪里;text 原文;json 结构;durable 供 durable-rules 运行的定义", "words; tree: conditions with the values of the day; reads: which data, from whom; text; json; or durable: the definition that durable-rules run"))] = "words",
    on: On = None,
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.policies import show

    chosen = "json" if json and form == "words" else form
    show(installation(), id, chosen, say, None if on is None else day(on), as_json=json)


@command(policies_app, "approve", "审批一项政策的当前文本(审批人不能是作者)",
         "approve the present text of a policy (never by its author)")  # fmt: skip
def policies_approve(
    ids: Annotated[list[str], typer.Argument(metavar="ID|all", help=say("政策编号,或 all 表示全部", "policy ids, or all"))],
    by: By,
    effective: Annotated[str | None, typer.Option("--from", metavar="DATE", help=say("从哪天起生效,默认今天", "effective from; default today"))] = None,
    reviewed: Annotated[str | None, typer.Option("--hash", metavar="HASH", help=say("只审批这个版本(policies show 末行的哈希,至少前 12 位);文件此后改过就拒绝", "approve this version only: the hash at the end of `policies show`, at least its first 12 digits; refused if the file has changed since"))] = None,
) -> None:  # fmt: skip
    from notifier.console.policies import approve

    raise SystemExit(approve(installation(), ids, by, day(effective), say, reviewed))


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
        raise SystemExit(prove_policies(installation(), named, day(on), timeout, say, as_json=json))
    if len(named) != 1:
        raise SettingsError.of(
            "one-policy-needed", "比较时须指明一项政策", "a comparison needs exactly one policy before --against",
            help_zh="例: mianshen policies prove 政策编号 --against 文件",
            help_en="for example: mianshen policies prove ID --against FILE",
        )  # fmt: skip
    compare_policies(installation(), named[0], against, day(on), timeout, say, as_json=json)


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

    raise SystemExit(replay_case(installation(), file, say, as_json=json))


@command(
    policies_app,
    "schema",
    "打印规则文件的 JSON Schema,供编辑器补全和检查。例:policies schema --catalog > policy.schema.json",
    "print the JSON Schema of rule files, for completion and checking in editors. "
    "Example: policies schema --catalog > policy.schema.json",
)
def policies_schema(
    overlay: Annotated[bool, typer.Option("--overlay", help=say("覆盖文件(某地的值)的 Schema", "that of overlay files: the values of a place"))] = False,
    bundle: Annotated[bool, typer.Option("--bundle", help=say("事件包文件的 Schema", "that of bundle files: one life event, several policies"))] = False,
    catalog: Annotated[bool, typer.Option("--catalog", help=say("连同目录:例子里的数据项、代码、区划、指标和政策编号也能补全;与 --overlay 同用则含各政策开放的参数", "with the catalog: data in examples, codes, regions, indicators and policy ids are completed too; with --overlay also the parameters that each policy has opened"))] = False,
) -> None:  # fmt: skip
    from notifier.console.editor_schemas import print_schema

    print_schema(installation(), overlay=overlay, bundle=bundle, catalog=catalog)


@command(
    policies_app,
    "language-server",
    "供编辑器使用的语言服务(标准输入输出):检查、补全、悬停说明、转到定义、重命名、快速修复。怎样配置见 policies/guide/editors.md",
    "the language server for editors, on standard input and output: findings, completion, hover, go to definition, renaming, quick fixes. "
    "How to set an editor up: policies/guide/editors.md",
)
def policies_language_server(
    stdio: Annotated[bool, typer.Option("--stdio", help=say("许多编辑器会加上;总是标准输入输出", "many editors add it; it is always standard input and output"))] = True,
) -> None:  # fmt: skip
    import signal
    import sys

    from notifier.language_server.knowing import Knowing
    from notifier.language_server.server import language_server

    # Waiting for input it would not hear of an interruption; there is nothing to save.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.stdin.isatty():
        zh = "这个命令由编辑器启动(见 policies/guide/editors.md);Ctrl-C 结束"
        en = "editors start this command (see policies/guide/editors.md); Ctrl-C ends it"
        print(say(zh, en), file=sys.stderr)
    language_server(Knowing(installation()), say).start_io()
