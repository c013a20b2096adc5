"""The command about life-event bundles."""

from __future__ import annotations

from notifier.commands.command_line import Json, On, command, day, installation, say
from notifier.commands.events import events_app


@command(
    events_app,
    "bundles",
    "组合:一个人生事件带来哪些政策、是否就绪、何时合并成一份通知。"
    "组合文件在规则库的 bundles/ 下,如 birth.bundle.yaml。例:mianshen events bundles --json",
    "bundles: which policies follow from a life event, whether they are ready, and when their one notice is sent. "
    "They stand in bundles/ of the library, such as birth.bundle.yaml. Example: mianshen events bundles --json",
)
def events_bundles(on: On = None, json: Json = False) -> None:
    from notifier.console.bundles import list_bundles

    raise SystemExit(list_bundles(installation(), day(on), say, as_json=json))
