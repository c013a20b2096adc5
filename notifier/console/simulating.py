"""`mianshen policies simulate`: what a policy would do to the present population, and what a new version changes."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.installation import Installation
from engine.ledger.approvals import all_approvals, approved_policies, version_text
from engine.ledger.earlier import past_grants_of
from engine.ledger.funds import balances
from engine.ledger.retirements import retired_policies
from engine.simulation.figures import CHANGES, Person, Simulation
from engine.simulation.grouping import grouping_of
from engine.simulation.simulating import simulate
from notifier.console.explaining import explain
from notifier.console.policies import policy_of
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, problems, progress, table
from notifier.explaining import Line
from notifier.reports.charts import missing_font
from notifier.reports.folder import PAGE, refuse_occupied, report_folder
from notifier.reports.pieces import Report, cell_in, yuan
from notifier.reports.pieces import Table as Figures
from notifier.reports.simulation import Told, notes_of, simulation_data, simulation_report
from notifier.reports.wording import CHANGE_WORDS, OUTCOMES, PERIOD_WORDS, Reasoned
from policies.errors import SettingsError
from policies.library import read_policy_text
from policies.policy import Policy
from policies.text import Bilingual
from profiles.snapshot import Snapshot

APPROVED = "approved"
_MOST_ROWS = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was asked for."""

    policy: str
    against: str | None
    on: date
    until: date | None
    samples: int
    report: Path | None
    exact: bool


def version_of(installation: Installation, text: str, on: date) -> Policy:
    """Return the policy that `text` names: a file, an id, `ID@approved` (on that day) or `ID@HASH`.

    Raises SettingsError, PolicyError with every finding of the checker, or LedgerError.
    """
    name, at, which = text.partition("@")
    if not at or text.endswith((".yaml", ".yml")):
        return policy_of(installation, text)
    if which == APPROVED:
        found = approved_policies(installation.ledger, on).get(name)
        versions = [] if found is None else [found.version]
    else:
        known = {one.version for one in all_approvals(installation.ledger) if one.policy == name}
        present = installation.library.policies.get(name)
        known |= {present.version} if present is not None else set()
        versions = sorted(one for one in known if which and one.startswith(which.lower()))
    if len(versions) != 1:
        raise _no_version(text, name, which, on, len(versions))
    present = installation.library.policies.get(name)
    if present is not None and present.version == versions[0]:
        return present
    file = f"{name}@{versions[0][:12]}"
    return read_policy_text(version_text(installation.ledger, versions[0]), installation.catalog.vocabulary, file)


def _no_version(text: str, name: str, which: str, on: date, found: int) -> SettingsError:
    if found:
        return SettingsError.of(
            "ambiguous-version", f"`{text}` 对应 {found} 个版本", f"`{text}` stands for {found} versions",
            help_zh="多写几位哈希", help_en="write more digits of the hash",
        )  # fmt: skip
    if which == APPROVED:
        return SettingsError.of(
            "no-approved-version",
            f"`{name}` 在 {on} 没有已审批的版本", f"no version of `{name}` is approved on {on}",
            help_zh="指明一个文件，或先审批", help_en="name a file, or approve one first",
        )  # fmt: skip
    return SettingsError.of(
        "unknown-version",
        f"规则库与账本里都没有 `{name}` 的版本 `{which}`",
        f"neither the library nor the ledger has a version `{which}` of `{name}`",
        help_zh="写成 政策编号@approved，或 政策编号@哈希（至少前几位）",
        help_en="write ID@approved, or ID@HASH with at least its first digits",
    )


def simulate_policy(installation: Installation, asked: Asked, say: Speech, *, as_json: bool) -> int:
    """Simulate, print the figures, and write the report if one was asked for. Raises MianshenError."""
    if asked.report is not None:
        refuse_occupied(asked.report)
    policy = version_of(installation, asked.policy, asked.on)
    against = None
    if asked.against is not None:
        named = f"{policy.id}@{APPROVED}" if asked.against == APPROVED else asked.against
        against = version_of(installation, named, asked.on)
    snapshot = installation.snapshot(asked.on)
    with report_folder(asked.report) if asked.report is not None else nullcontext() as folder:
        found = _simulated(
            installation, snapshot, policy, against, asked, say, None if folder is None else folder.add_people
        )
        reasons = tuple(
            reason_for(installation, snapshot, policy, against, person, asked.on)
            for person in (found.against.samples if found.against is not None and against is not None else ())
        )  # fmt: skip
        grouping = grouping_of(policy.space, installation.catalog.vocabulary, asked.on)
        told = Told(
            policy, found, grouping, installation.catalog.vocabulary, against, reasons, asked.exact, snapshot.versions,
            retired_policies(installation.ledger, asked.on).get(policy.id),
        )  # fmt: skip
        report = simulation_report(told)
        if folder is not None:
            folder.add(report, say.language)
    if as_json:
        print_json({**simulation_data(told), "report": None if asked.report is None else str(asked.report / PAGE)})
        return 0
    _print(told, report, say)
    tell_report(asked.report, say)
    return 0


def _simulated(
    installation: Installation, snapshot: Snapshot, policy: Policy, against: Policy | None, asked: Asked, say: Speech,
    on_changed: object,
) -> Simulation:  # fmt: skip
    funds = {one.fund: one for one in balances(installation.ledger)}
    with progress() as bar, past_grants_of(installation.ledger, None) as past:
        task = bar.add_task(say("模拟", "simulating"), total=None)
        return simulate(
            policy, snapshot, installation.catalog.vocabulary, asked.on, past, against=against, until=asked.until,
            balance=funds.get(policy.fund or ""), samples=asked.samples,
            on_changed=on_changed,  # type: ignore[arg-type]
            on_progress=lambda step, done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip


def reason_for(
    installation: Installation, snapshot: Snapshot, policy: Policy, against: Policy | None, person: Person, on: date
) -> Reasoned:
    """Return why one person's answer changes: the conditions that stand against the version that says no."""
    assert against is not None
    refusing = policy if person.change == "loses" else against
    why = amounts_differ(person)
    if person.change in ("gains", "loses"):
        why = what_stands_against(installation, snapshot, refusing, person.subject, person.unit, on)
    return Reasoned(
        person.subject, person.unit, person.change,
        _answer(person.before, person.before_amount), _answer(person.after, person.after_amount), why,
    )  # fmt: skip


def amounts_differ(person: Person) -> Bilingual:
    """Return in words how far the two amounts are apart."""
    fen = abs((person.after_amount or 0) - (person.before_amount or 0))
    return Bilingual(f"相差 {yuan(fen)} 元", f"the amounts differ by {yuan(fen)} yuan")


def _answer(outcome: str, fen: int | None) -> Bilingual:
    words = OUTCOMES[outcome]
    if fen is None:
        return words
    return Bilingual(f"{words.zh}，{yuan(fen)} 元", f"{words.en}, {yuan(fen)} yuan")


def what_stands_against(
    installation: Installation,
    snapshot: Snapshot,
    policy: Policy,
    subject: str,
    unit: str,
    on: date,
    *,
    without_runs: frozenset[str] = frozenset(),
) -> Bilingual:
    """Return the conditions that do not hold for somebody, as if `without_runs` had granted nothing."""
    if not snapshot.exists(policy.space, subject):
        return Bilingual("画像库里没有这个对象", "the profile store does not have this subject")
    for each in explain(installation, snapshot, policy, subject, on, without_runs=without_runs):
        if each.unit == unit:
            lines = list(dict.fromkeys(_against(each.explanation.root, wanted=True)))
            if lines:
                return Bilingual("；".join(zh for zh, _ in lines), "; ".join(en for _, en in lines))
            return Bilingual("条件都成立，金额无法计算", "the conditions hold, but the amount cannot be worked out")
    return Bilingual("该版本不把它算作一条", "that version does not count it as a unit")


def _against(line: Line, *, wanted: bool) -> list[tuple[str, str]]:
    if line.result is wanted:
        return []
    if not line.children:
        # The values that were looked at stay out: a report is passed on, and they are somebody's.
        state = Bilingual("未定", "not known") if line.result is None else Bilingual("不成立", "does not hold")
        if not wanted:
            state = state if line.result is None else Bilingual("成立", "holds")
        return [(f"“{line.words.zh}”{state.zh}", f'"{line.words.en}" {state.en}')]
    inner = not wanted if line.kind == "none" else wanted
    told = None if line.result is None else not inner
    return [found for one in line.children if one.result is told for found in _against(one, wanted=inner)]


def tell_report(folder: Path | None, say: Speech) -> None:
    """Print where the report stands, if there is one."""
    if folder is not None:
        console.print(say(f"报告：{folder / PAGE}", f"report: {folder / PAGE}"), markup=False, soft_wrap=True)
        missing = missing_font()
        if missing is not None:
            problems.print(say.of(missing), style="yellow", markup=False, soft_wrap=True)


def print_figures(figures: Figures, say: Speech, most: int = _MOST_ROWS) -> None:
    """Print one table of a report; of a long one the first rows."""
    rows = [[cell_in(cell, say.language) for cell in row] for row in figures.rows[:most]]
    columns = [say.of(column) for column in figures.columns]
    numbers = () if figures.words else range(1, len(columns))
    console.print(table(say.of(figures.title), columns, rows, tuple(numbers)))
    if len(figures.rows) > most:
        left = len(figures.rows) - most
        console.print(say(f"……还有 {left} 行，见 --report", f"… {left} more rows, see --report"), style="dim")


def _print(told: Told, report: Report, say: Speech) -> None:
    decided = told.simulation.decided
    total = decided.total
    console.print(say.of(report.title), style="bold", markup=False)
    console.print(say.of(report.subtitle), style="dim", markup=False)
    console.print(say(
        f"符合 {total.yes:,}，不符合 {total.no:,}，未定 {total.undetermined:,}（共 {decided.subjects:,} 个对象）",
        f"{total.yes:,} eligible, {total.no:,} not, {total.undetermined:,} undetermined, "
        f"of {decided.subjects:,} subjects",
    ))  # fmt: skip
    if told.policy.benefit.amount is not None:
        period = say.of(PERIOD_WORDS[told.policy.period])
        console.print(say(
            f"金额 {say.yuan(total.amount)} 元（{period}），平均 {say.yuan(decided.mean)} 元，"
            f"中位数 {say.yuan(decided.median)} 元",
            f"{say.yuan(total.amount)} yuan {period}, mean {say.yuan(decided.mean)}, median "
            f"{say.yuan(decided.median)}",
        ))  # fmt: skip
        if told.policy.period not in ("once", "event"):
            yearly = say.yuan(decided.yearly)
            console.print(say(f"按年计 {yearly} 元", f"{yearly} yuan in a year"))
    against = told.simulation.against
    if against is not None:
        console.print(say("变化：", "changes: ") + "，".join(
            f"{say.of(CHANGE_WORDS[one])} {against.moved[one].units:,}" for one in CHANGES
        ).replace("，", say("，", ", ")), markup=False)  # fmt: skip
    wanted = ("tiers", "bands", "conditions", "missing", "changes", "samples", "months")
    for figures in report.tables:
        if figures.name in wanted and figures.rows:
            print_figures(figures, say, 24 if figures.name in ("bands", "months") else _MOST_ROWS)
    fund = told.simulation.fund
    if fund is not None and fund.appropriation is not None and fund.years is not None:
        years = f"{fund.years // 100}.{fund.years % 100:02d}"
        console.print(say(f"资金 {fund.fund}：够 {years} 年", f"fund {fund.fund}: lasts {years} years"))
    for note in notes_of(told.policy, told.retired):
        console.print(say.of(note), style="dim", markup=False)
