"""Commands about profiles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from notifier.commands.command_line import Json, On, command, day, group, installation, say

profiles_app = group(
    "画像:收数据、看来源、看缺口、看一个对象", "profiles: take in data, list sources, gaps, one subject"
)


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
        take_in_files(installation(), files, source, day(as_of), "partial" if partial else "full", say, as_json=json)
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

    sources(installation(), id, say, as_json=json)


@command(
    profiles_app,
    "gaps",
    "数据缺口:隔离的行,以及让决定悬而未决的数据",
    "gaps: quarantined rows, and data that keep decisions open",
)
def profiles_gaps(on: On = None, json: Json = False) -> None:
    from notifier.console.profiles import gaps

    gaps(installation(), day(on), say, as_json=json)


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

    show(installation(), subject, day(on), say, as_json=json)


@command(
    profiles_app,
    "statistics",
    "库中人口金字塔,与公布的统计数字对照;例:mianshen profiles statistics --figures",
    "the population pyramid of the store beside the published one; example: mianshen profiles statistics --figures",
)
def profiles_statistics(
    figures: Annotated[bool, typer.Option("--figures", help=say("列出样例城市依据的公布数字、来源与把握", "list the figures behind the sample city, with source and certainty"))] = False,
    on: On = None,
    json: Json = False,
) -> None:  # fmt: skip
    from notifier.console.statistics import show_statistics

    show_statistics(installation(), day(on), say, figures=figures, as_json=json)
