"""Commands about life events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from notifier.commands.command_line import By, Json, On, command, day, group, installation, say

events_app = group("人生事件:报送、查看、种类", "life events: post, list, kinds")


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
    raise SystemExit(post_events(installation(), path, day(on), by, say, as_json=json))


@command(events_app, "list", "已保存的事件,或被拒收的事件", "the events that are stored, or those refused")
def events_list(
    refused: Annotated[bool, typer.Option("--refused", help=say("只看拒收的", "those that were refused"))] = False,
    limit: Annotated[int, typer.Option(min=1, help=say("最多几条", "at most so many"))] = 50,
    json: Json = False,
) -> None:
    from notifier.console.events import list_events

    list_events(installation(), say, limit=limit, refused=refused, as_json=json)


@command(events_app, "kinds", "事件有哪些种类,各有哪些字段", "which kinds of events there are, with their fields")
def events_kinds(
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help=say("只看一种", "one kind only"))] = None,
    json: Json = False,
) -> None:
    from notifier.console.events import show_kinds

    show_kinds(installation(), kind, say, as_json=json)


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

    make_event_token(installation(), agency, kind or [], by, say, revoke=revoke)
