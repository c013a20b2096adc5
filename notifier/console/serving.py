"""`mianshen serve` and `mianshen schedule`: the calendar that runs by itself, and the pages."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import NoReturn

import uvicorn
from fastapi import FastAPI

from engine.events.opening import event_road
from engine.events.writer import EventWriter
from engine.installation import Installation
from engine.reference_day import ZONE, today
from engine.run_report import RunReport
from engine.running import run
from engine.schedule import RunSlots, Ticked, schedule_report, serve_forever
from notifier.ahead import ahead_of
from notifier.bundles.stories import stories_of
from notifier.console.demo import MARK
from notifier.console.notices import deliver
from notifier.console.runs import closing_words
from notifier.console.speech import Speech
from notifier.console.subjects import subject_of
from notifier.console.tables import console, print_json, problems, table
from notifier.events_api import EventsApi
from notifier.pages.application import create_app
from notifier.pages.login import login_link
from notifier.versions import policy_by_version
from policies.errors import MianshenError, SettingsError
from policies.library import read_library
from policies.policy import Policy
from profiles.home import Home
from profiles.secret import derived_key, secret_key
from profiles.vault import open_vault

# How long a stopped service waits for answers under way; a client that never finishes must not keep it running.
_PARTING_SECONDS = 10


def serve_until_stopped(folder: Path | None, host: str, port: int, *, demo: bool, schedule: bool, say: Speech) -> None:
    """Serve the pages and run the calendar until interrupted.

    Raises SettingsError if the address is not free, or if `demo` is asked for on data that are not the demo's.
    """
    home = Home.from_environment(folder)
    if demo and not (home.path / MARK).exists():
        raise SettingsError.of(
            "not-a-demo",
            f"`{home.path}` 不是演示数据,不能免登录打开网页",
            f"`{home.path}` does not hold the demo's data; its pages cannot be opened without a login",
            help_zh="先运行 `mianshen demo`",
            help_en="run `mianshen demo` first",
        )
    installation = Installation(home)
    ledger = installation.ledger
    listening = _listening(host, port)
    ticking = None
    if schedule:
        ticking = serve_forever(
            ledger, lambda: _library_now(installation), _runner(home), on_ticked=_teller(installation, say)
        )
    vocabulary = installation.catalog.vocabulary
    app = create_app(
        ledger=ledger,
        vault=open_vault(home),
        policies=policy_by_version(ledger, vocabulary, installation.library.policies.values()),
        vocabulary=vocabulary,
        catalog=installation.catalog,
        key=derived_key(secret_key(home), "pages"),
        demo=demo,
        ahead=lambda subject: ahead_of(installation, subject, today()),
        stories=lambda subject: stories_of(installation, subject, today()),
    )
    writer = EventWriter(lambda: event_road(Installation(home)), on_trouble=_trouble_teller(say))
    EventsApi(ledger, writer, derived_key(secret_key(home), "event-token"), installation.catalog.events).add_to(app)
    writer.start()
    start = f"http://{host}:{port}/" + ("demo" if demo else "")
    console.print(say(f"网页:{start}   停止:Ctrl-C", f"pages: {start}   stop: Ctrl-C"))
    try:
        _answer_until_stopped(app, listening)
    finally:
        writer.stop()
        if ticking is not None:
            ticking.stop()


def _listening(host: str, port: int) -> socket.socket:
    """Take the address before anything is started. Raises SettingsError if it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, kind, protocol)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(2048)  # from here on nobody else can have it, and who comes early waits
    except OSError as problem:
        raise SettingsError.of(
            "address-not-free",
            f"不能在 {host}:{port} 上监听:{problem.strerror}",
            f"cannot listen on {host}:{port}: {(problem.strerror or '').lower()}",
            help_zh="也许另一个 mianshen serve 正在用;用 --port 或 --host 另选",
            help_en="perhaps another mianshen serve uses it; choose another with --port or --host",
        ) from None
    return taken


def _answer_until_stopped(app: FastAPI, listening: socket.socket) -> None:
    """Answer requests until interrupted or terminated; either way the caller can then end what it has started."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=_PARTING_SECONDS)

    def end(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    # The server sends itself the signal again once it has ended; by default that would end the process at once.
    signal.signal(signal.SIGTERM, end)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def _trouble_teller(say: Speech) -> Callable[[MianshenError], None]:
    def tell(problem: MianshenError) -> None:
        for diagnostic in problem.diagnostics:
            problems.print(diagnostic.render(say.language), style="red", markup=False)

    return tell


def _library_now(installation: Installation) -> Mapping[str, Policy]:
    """The library is read anew at every look, so that an approved new text needs no restart."""
    return read_library(installation.library_folder, installation.catalog.vocabulary).policies


def _runner(home: Home) -> RunSlots:
    def run_slots(policies: Sequence[str], on: date, made_up: bool) -> RunReport:
        installation = Installation(home)
        return run(
            installation.ledger, installation.snapshot(on), installation.library.policies,
            installation.catalog.vocabulary, on,
            only=policies, actor="schedule", reopen=installation.reopen, made_up=made_up,
            differences=installation.home.differences,
        )  # fmt: skip

    return run_slots


def _teller(installation: Installation, say: Speech) -> Callable[[Ticked], None]:
    def on_ticked(ticked: Ticked) -> None:
        for report in ticked.reports:
            label = say("补跑", "made up") if report.made_up else say("按期", "on time")
            console.print(f"{datetime.now(ZONE):%Y-%m-%d %H:%M:%S} {report.on} {label}: {closing_words(report, say)}")
        for policies, error in ticked.failures:
            for diagnostic in error.diagnostics:
                problems.print(f"{', '.join(policies)}: {diagnostic.render(say.language)}", style="red", markup=False)
        try:
            # Also without new grants: deliveries that failed before may be due again.
            deliver(installation, say)
        except MianshenError as error:
            for diagnostic in error.diagnostics:
                problems.print(diagnostic.render(say.language), style="red", markup=False)

    return on_ticked


def show_schedule(installation: Installation, say: Speech, *, as_json: bool) -> None:
    """Print for each approved policy its calendar, its last run, what is missed and what is next."""
    lines = schedule_report(installation.ledger, installation.library.policies, datetime.now(ZONE))
    if as_json:
        print_json(lines)
        return
    if not lines:
        console.print(say("还没有审批过的政策。", "no policy is approved yet."))
        return
    rows = []
    for each in lines:
        last = "-"
        if each.last is not None:
            made_up = say("(补跑)", " (made up)") if each.last.made_up else ""
            last = f"{each.last.due_at.astimezone(ZONE):%Y-%m-%d %H:%M} {each.last.state}{made_up}"
        following = "-" if each.next_at is None else f"{each.next_at.astimezone(ZONE):%Y-%m-%d %H:%M}"
        problem = "" if each.problem is None else each.problem.diagnostics[0].message.in_language(say.language)
        missed = ", ".join(f"{slot.due_at.astimezone(ZONE):%Y-%m-%d}" for slot in each.missed) or problem or "-"
        rows.append((each.policy, each.calendar, last, missed, following))
    heads = [
        say("政策", "policy"),
        say("日历", "calendar"),
        say("上次", "last"),
        say("待补跑", "to make up"),
        say("下次", "next"),
    ]
    console.print(table(say("日历(北京时间)", "the calendar (Beijing time)"), heads, rows))


def print_login_link(installation: Installation, text: str, base: str, say: Speech) -> None:
    """Print a link that opens one subject's page once, within a day."""
    subject = subject_of(installation.home, text)
    key = derived_key(secret_key(installation.home), "pages")
    console.print(login_link(base, key, subject), markup=False, soft_wrap=True)
    console.print(say("一天内有效,只能用一次。", "valid for a day, for one use."), style="dim")
