"""`mianshen demo`: a sample city walks the whole road, in a home of its own.

Nothing here is special to the demo but the city itself: the files go through the real intake, the rules are
checked, tested and approved, the batch runs and the notices are delivered by the same code as in production.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from engine.approving import approve_proved
from engine.installation import Installation
from engine.ledger.funds import appropriate
from engine.run_report import RunReport
from notifier.console.explaining import print_explained, sample_decisions
from notifier.console.notices import deliver, print_delivery_report
from notifier.console.policies import examples_of
from notifier.console.profiles import intake_table
from notifier.console.runs import closing_words, fund_table, policy_table, run_with_progress
from notifier.console.speech import Speech
from notifier.console.tables import console, problems, progress, table
from policies.errors import LedgerError, SettingsError
from policies.policy import Policy
from profiles.home import Home
from profiles.intake import IntakeReport, source_of, take_in
from profiles.sample_city import generate

APPROVER = "demo approver"
MARK = "city.json"
# Every fund of the catalog gets the same appropriation: 2,000 million yuan, in fen.
APPROPRIATION = 2_000_000_000_00


def run_demo(folder: Path, *, citizens: int, seed: int, on: date, say: Speech) -> int:
    """Run the demo in `folder`; return the exit code.

    Raises SettingsError if `folder` holds something that is not a demo; a demo of another size is replaced.
    """
    seconds: dict[str, float] = {}
    with _timed(seconds, say("造城", "generate")):
        extracts = _city(folder, citizens, seed, on, say)
    installation = Installation(Home(folder))
    with _timed(seconds, say("收数", "take in")):
        reports = _take_in(installation, extracts, on)
    console.print(intake_table(reports, say))
    with _timed(seconds, say("审规则", "check and approve rules")):
        _approve_library(installation, on, say)
    with _timed(seconds, say("跑批", "run")):
        report = run_with_progress(installation, on, say, actor="demo operator")
    console.print(policy_table(report, say))
    console.print(fund_table([each for each in report.funds if each.used], say))
    with _timed(seconds, say("通知", "notify")):
        delivered = deliver(installation, say)
    print_delivery_report(delivered, say)
    with _timed(seconds, say("解释", "explain")):
        _explain_three(installation, on, report)
    _close(folder, report, seconds, say)
    return 0


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - start


def _city(folder: Path, citizens: int, seed: int, on: date, say: Speech) -> Path:
    """Return the folder of the extract files: the city that is there, or a new one."""
    extracts, mark = folder / "extracts", folder / MARK
    wanted = {"citizens": citizens, "seed": seed}
    if mark.exists():
        found = json.loads(mark.read_text("utf-8"))
        if found == {**wanted, "on": found["on"], "complete": True}:
            console.print(
                say(f"样例城市已在 {folder},直接使用。", f"the sample city is already in {folder}; using it.")
            )
            return extracts
        console.print(say(f"重建 {folder} 里的样例城市。", f"building the sample city in {folder} anew."))
        shutil.rmtree(folder)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError.of(
            "not-a-demo", f"`{folder}` 里有别的内容,演示不会覆盖它", f"`{folder}` holds something else; the demo does not overwrite it",
            help_zh="用 --home 指定一个空目录", help_en="name an empty folder with --home",
        )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    # Marked before it is built: a demo that was interrupted here is recognised and built anew.
    mark.write_text(json.dumps({**wanted, "on": on.isoformat(), "complete": False}), "utf-8")
    generate(extracts, citizens=citizens, seed=seed, on=on)
    mark.write_text(json.dumps({**wanted, "on": on.isoformat(), "complete": True}), "utf-8")
    return extracts


def _take_in(installation: Installation, extracts: Path, on: date) -> list[IntakeReport]:
    catalog = installation.catalog
    as_of = date.fromisoformat(json.loads((extracts.parent / MARK).read_text("utf-8"))["on"])
    order = list(catalog.sources)
    files = sorted(extracts.iterdir(), key=lambda file: order.index(source_of(file, catalog)))
    reports = []
    with progress() as bar:
        overall = bar.add_task("extracts", total=len(files))
        for file in files:
            reports.append(take_in(installation.home, catalog, source_of(file, catalog), file, as_of=as_of))
            bar.advance(overall)
    return reports


def _approve_library(installation: Installation, on: date, say: Speech) -> None:
    library = installation.library
    for error in library.errors:
        for diagnostic in error.diagnostics:
            problems.print(diagnostic.render(say.language), style="red", markup=False)
    passed = failed = approved = 0
    for policy in library.policies.values():
        results = examples_of(installation, policy)
        bad = sum(not each.passed for each in results)
        passed, failed = passed + len(results) - bad, failed + bad
        if not bad:
            approved += _approve(installation, policy, on, say)
    for fund, title in installation.catalog.vocabulary.funds.items():
        appropriate(installation.ledger, fund, APPROPRIATION, title=title, actor=APPROVER)
    in_force = sum(
        p.in_force[0] <= on and (p.in_force[1] is None or on <= p.in_force[1]) for p in library.policies.values()
    )
    console.print(
        say(
            f"规则库:{len(library.policies)} 项政策({in_force} 项在 {on} 有效),{passed} 个例子通过,{failed} 个不符,新审批 {approved} 项",
            f"rule library: {len(library.policies)} policies ({in_force} in force on {on}), {passed} examples passed, {failed} failed, {approved} newly approved",
        )
    )


def _approve(installation: Installation, policy: Policy, on: date, say: Speech) -> bool:
    """A policy that proofs refuse is told and left out; the demo goes on with the others."""
    try:
        return approve_proved(installation.ledger, policy, installation.catalog.vocabulary, APPROVER, on).fresh
    except LedgerError as error:
        for diagnostic in error.diagnostics:
            problems.print(diagnostic.render(say.language), style="red", markup=False)
        return False


def _explain_three(installation: Installation, on: date, report: RunReport) -> None:
    for explained in sample_decisions(installation, on, report):
        print_explained(explained, ("zh", "en"))


def _close(folder: Path, report: RunReport, seconds: dict[str, float], say: Speech) -> None:
    rows: Sequence[tuple[str, str]] = [(step, f"{value:.1f}") for step, value in seconds.items()]
    console.print(
        table(
            say("用时(秒)", "seconds"),
            ["", ""],
            [*rows, (say("合计", "total"), f"{sum(seconds.values()):.1f}")],
            numbers=(1,),
        )
    )
    console.print(closing_words(report, say), style="bold")
    call = f"{_own_call()} --home {folder}"
    console.print(say("接下来可以试试:", "what to try next:"))
    for line in (
        f"{call} run --on {report.on}",
        f"{call} policies show cn-31-elderly-allowance",
        f"{call} grants --policy cn-31-elderly-allowance",
        f"{call} audit verify",
        f"{call} serve --demo",
    ):
        console.print(f"  {line}", markup=False)


def _own_call() -> str:
    """Return how this command line can be called again from here: by name, or by the path it was called with."""
    return "mianshen" if shutil.which("mianshen") else os.path.relpath(sys.argv[0])
