"""Commands of the workbench: a new rule file, its shadow, its readiness, the end of its use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from notifier.commands.command_line import By, Json, On, command, day, installation, say
from notifier.commands.policies import policies_app


@command(
    policies_app,
    "retire",
    "停用一项政策:从某天起不再跑批,已兑现的照旧。例:policies retire cn-31-elderly-allowance --by 李四 --reason 文件废止",
    "take a policy out of use from a day on; what was granted stays. "
    "Example: policies retire cn-31-elderly-allowance --by li --reason repealed",
)
def policies_retire(
    id: Annotated[str, typer.Argument(metavar="ID", help=say("政策编号", "policy id"))],
    by: By,
    reason: Annotated[str, typer.Option("--reason", help=say("理由,记入审计日志", "why; the audit log keeps it"))],
    on: On = None,
    json: Json = False,
) -> None:
    from notifier.console.retiring import retire_policy

    raise SystemExit(retire_policy(installation(), id, by, reason, day(on), say, as_json=json))


@command(
    policies_app,
    "new",
    "新建一个规则文件:逐项提问(或用选项),写出能通过检查、带注释和六个例子的骨架。例:policies new cn-31-some-subsidy",
    "a new rule file: asks (or takes options) and writes a skeleton that passes the checker, with comments and six "
    "examples. Example: policies new cn-31-some-subsidy --authority NAME --yes",
)
def policies_new(
    id: Annotated[str | None, typer.Argument(metavar="ID", help=say("编号,如 cn-31-some-subsidy", "id, such as cn-31-some-subsidy"))] = None,
    space: Annotated[str | None, typer.Option("--space", help=say("发给谁:citizen、enterprise、household", "for whom: citizen, enterprise, household"))] = None,
    region: Annotated[str | None, typer.Option("--region", metavar="CODE", help=say("六位行政区划代码;默认取自编号", "region code of six digits; by default that in the id"))] = None,
    title_zh: Annotated[str | None, typer.Option("--title-zh", help=say("中文名称", "title in Chinese"))] = None,
    title_en: Annotated[str | None, typer.Option("--title-en", help=say("英文名称", "title in English"))] = None,
    authority: Annotated[str | None, typer.Option("--authority", help=say("发文机关", "the authority"))] = None,
    document: Annotated[str | None, typer.Option("--document", help=say("文号", "number of the document"))] = None,
    author: Annotated[str | None, typer.Option("--author", help=say("作者", "the author"))] = None,
    starts: Annotated[str | None, typer.Option("--from", metavar="DATE", help=say("从哪天起施行", "in force from"))] = None,
    period: Annotated[str | None, typer.Option("--period", help=say("once、month、quarter、year 或 event", "once, month, quarter, year or event"))] = None,
    delivery: Annotated[str | None, typer.Option("--delivery", help=say("automatic、confirm、notify、declare 或 channel", "automatic, confirm, notify, declare or channel"))] = None,
    kind: Annotated[str | None, typer.Option("--kind", help=say("待遇:cash、waiver、refund、voucher、deduction、service、qualification", "benefit: cash, waiver, refund, voucher, deduction, service, qualification"))] = None,
    into: Annotated[Path | None, typer.Option("--into", metavar="FOLDER", help=say("写到哪个目录;默认规则库里该地区的目录", "the folder; by default that of the region in the library"))] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=say("不提问,没给的用默认值", "ask nothing; defaults stand in for what is not given"))] = False,
) -> None:  # fmt: skip
    from notifier.console.new_policy import new_policy

    given = {
        "id": id, "space": space, "region": region, "title_zh": title_zh, "title_en": title_en,
        "authority": authority, "document": document, "author": author, "starts": starts,
        "period": period, "delivery": delivery, "kind": kind,
    }  # fmt: skip
    raise SystemExit(new_policy(installation(), given, into, say, ask=not yes))


@command(
    policies_app,
    "readiness",
    "这项政策能不能自动兑现:逐条看数据、条款、定性词语、账户、例子,给出分数和先改什么。例:policies readiness --all",
    "could this policy run by itself: data, clauses, words left to judgement, accounts, examples; a score, and what "
    "to change first. Example: policies readiness --all",
)
def policies_readiness(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID|FILE", help=say("政策编号或文件", "policy ids or files"))] = None,
    everything: Annotated[bool, typer.Option("--all", help=say("整个规则库,一张表", "the whole library, in one table"))] = False,
    on: On = None,
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.readiness import readiness

    raise SystemExit(readiness(installation(), ids or [], day(on), say, everything=everything, as_json=json))


@command(
    policies_app,
    "shadow",
    "未审批的版本试运行:判定所有人,不兑现、不通知、不动资金;--report 与已审批版本兑现的相比。"
    "例:policies shadow 改过的文件.yaml --by 张三",
    "a version without approval in shadow: it decides everybody, grants nobody, tells nobody, moves no money; --report "
    "compares it with what the approved one granted. Example: policies shadow changed.yaml --by li",
)
def policies_shadow(
    id: Annotated[str, typer.Argument(metavar="ID|FILE", help=say("政策编号或文件", "policy id or file"))],
    by: By = "operator",
    on: On = None,
    report: Annotated[bool, typer.Option("--report", help=say("不运行,与已兑现的比较", "run nothing; compare with what was granted"))] = False,
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.shadowing import shadow_report, shadow_run

    if report:
        raise SystemExit(shadow_report(installation(), id, None if on is None else day(on), say, as_json=json))
    raise SystemExit(shadow_run(installation(), id, day(on), by, say, as_json=json))
