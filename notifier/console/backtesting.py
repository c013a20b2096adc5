"""`mianshen policies backtest`: what a policy would have granted last year, beside what was granted."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.installation import Installation
from engine.ledger.retirements import retired_policies
from engine.simulation.backtesting import Backtest, Differing, PeriodTest, backtest, runs_from
from notifier.console.simulating import print_figures, tell_report, version_of, what_stands_against
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, progress
from notifier.reports.backtest import ToldDifference, backtest_data, backtest_report, notes, reason_words
from notifier.reports.folder import PAGE, ReportFolder, refuse_occupied, report_folder
from notifier.reports.pieces import Facts, yuan
from policies.policy import Policy
from policies.text import Bilingual


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was asked for."""

    policy: str
    since: date
    until: date
    samples: int
    report: Path | None
    exact: bool


def backtest_policy(installation: Installation, asked: Asked, say: Speech, *, as_json: bool) -> int:
    """Test, print the figures, and write the report if one was asked for. Raises MianshenError."""
    if asked.report is not None:
        refuse_occupied(asked.report)
    policy = version_of(installation, asked.policy, asked.until)
    with report_folder(asked.report) if asked.report is not None else nullcontext() as folder:
        found = _tested(installation, policy, asked, say, folder)
        samples = [one for test in found.periods for one in _samples(installation, policy, test)]
        retired = retired_policies(installation.ledger, asked.until).get(policy.id)
        report = backtest_report(policy, found, samples, exact=asked.exact, retired=retired)
        if folder is not None:
            folder.add(report, say.language)
    if as_json:
        print_json(
            {
                **backtest_data(found, exact=asked.exact),
                "report": None if asked.report is None else str(asked.report / PAGE),
            }
        )
        return 0
    console.print(say.of(report.title), style="bold", markup=False)
    console.print(say.of(report.subtitle), style="dim", markup=False)
    for piece in report.sections[0].pieces:
        if isinstance(piece, Facts):
            for name, value in piece.pairs:
                console.print(f"  {say.of(name)}: {say.of(value)}", markup=False)
    for figures in report.tables:
        if figures.rows:
            print_figures(figures, say, 24)
    for note in notes(found, retired):
        console.print(say.of(note.words), style="dim", markup=False)
    tell_report(asked.report, say)
    return 0


def _tested(
    installation: Installation, policy: Policy, asked: Asked, say: Speech, folder: ReportFolder | None
) -> Backtest:
    with progress() as bar:
        task = bar.add_task(say("回测", "backtesting"), total=None)
        return backtest(
            policy, installation.ledger, installation.catalog.vocabulary, installation.snapshot, installation.reopen,
            asked.since, asked.until, samples=asked.samples,
            on_differing=None if folder is None else folder.add_people,
            on_progress=lambda step, done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip


def _samples(installation: Installation, policy: Policy, test: PeriodTest) -> list[ToldDifference]:
    """Tell the samples of one period, from the very store that the period was read from."""
    if not test.samples:
        return []
    snapshot = installation.snapshot(test.on) if test.versions is None else installation.reopen(test.on, test.versions)
    later = runs_from(installation.ledger, test.on)

    def told(one: Differing) -> ToldDifference:
        if one.kind == "amount":
            fen = abs((one.would or 0) - (one.granted or 0))
            why = Bilingual(f"相差 {yuan(fen)} 元", f"the amounts differ by {yuan(fen)} yuan")
        elif one.reason in ("ineligible", "undetermined"):
            why = what_stands_against(
                installation, snapshot, policy, one.subject, one.unit, test.on, without_runs=later
            )  # fmt: skip
        else:
            why = reason_words(one.reason)
        return ToldDifference(one.period, one.kind, one.granted, one.would, why)

    return [told(one) for one in test.samples]
