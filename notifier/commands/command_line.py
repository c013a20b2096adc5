"""What all commands share: the language, groups, options, the home, and failures shown as diagnostics."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.reference_day import today
from notifier.console.failing import guarded
from notifier.console.speech import Speech, speech_of_process
from policies.errors import MianshenError, SettingsError


def _speech() -> Speech:
    try:
        return speech_of_process()
    except MianshenError as error:
        print(error.diagnostics[0].render("en"), file=sys.stderr)
        raise SystemExit(error.exit_code) from None


say = _speech()


def group(zh: str, en: str, **options: Any) -> typer.Typer:
    """A group of commands with the look that all groups have."""
    return typer.Typer(
        help=say(zh, en),
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        **options,
    )


class Chosen:
    """The options before the command."""

    home: Path | None = None


def installation() -> Any:
    """The installation whose home was chosen, by `--home`, by the environment, or by default."""
    from engine.installation import Installation
    from profiles.home import Home

    return Installation(Home.from_environment(Chosen.home))


def day(text: str | None) -> date:
    """The date written in an option; today without one.

    Raises:
        SettingsError: it is no date.
    """
    if text is None:
        return today()
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
