"""`mianshen policies prove`: what holds of a policy for everybody, and where two policies differ."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from rich.markup import escape

from engine.installation import Installation
from engine.interpreter import decide
from engine.ledger.approvals import approved_policies, version_text
from notifier.console.policies import policy_of
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, progress
from policies.errors import SettingsError
from policies.library import read_policy_text
from policies.policy import Policy
from policies.proofs.example_text import to_example
from policies.proofs.report import Comparison, Finding, ProofReport, Sample, Undecided, Verdict
from policies.text import Bilingual

APPROVED = "approved"
_MARKS = {"error": "[red]✗[/red]", "warning": "[yellow]![/yellow]", "note": "[dim]·[/dim]"}
_SEVERITIES = {
    "error": Bilingual("错误", "error"),
    "warning": Bilingual("警告", "warning"),
    "note": Bilingual("提示", "note"),
}
_RELATIONS = {
    "equal": Bilingual("两项覆盖完全相同的人", "both grant exactly the same people"),
    "first-implies-second": Bilingual("凡第一项覆盖的人，第二项也覆盖", "everybody the first grants, the second grants too"),
    "second-implies-first": Bilingual("凡第二项覆盖的人，第一项也覆盖", "everybody the second grants, the first grants too"),
    "disjoint": Bilingual("没有人同时被两项覆盖", "nobody is granted by both"),
    "different": Bilingual("两项各有覆盖而对方不覆盖的人", "each grants somebody whom the other does not"),
    "not-decided": Bilingual("在限定时间内没有得出结论", "not decided in the time allowed"),
}  # fmt: skip
_DIFFERENCES = {
    "only-first": Bilingual("只有第一项覆盖", "granted by the first only"),
    "only-second": Bilingual("只有第二项覆盖", "granted by the second only"),
    "amounts": Bilingual("两项都覆盖，金额不同", "granted by both, with different amounts"),
}


def prove_policies(
    installation: Installation, ids: Sequence[str], on: date, seconds: float, say: Speech, *, as_json: bool
) -> int:
    """Prove the named policies, or all of the library; return 0, or 1 if one has an error."""
    from policies.proofs.proving import prove

    policies = [policy_of(installation, each) for each in ids] if ids else list(installation.library.policies.values())
    reports = []
    vocabulary = installation.catalog.vocabulary
    with progress() as bar:
        task = bar.add_task(say("证明", "proving"), total=len(policies))
        for policy in policies:
            report = prove(policy, vocabulary, on, decide, timeout_ms=_milliseconds(seconds))
            reports.append(report)
            if not as_json:
                _show_report(policy, report, say, in_full=len(policies) == 1)
            bar.advance(task)
    failed = any(each.severity == "error" for report in reports for each in report.findings)
    if as_json:
        print_json(reports)
    else:
        _show_total(reports, say)
    return 1 if failed else 0


def compare_policies(
    installation: Installation, id: str, against: str, on: date, seconds: float, say: Speech, *, as_json: bool
) -> None:
    """Compare one policy with another one, or with its own version that is approved."""
    from policies.proofs.comparing import compare

    first = policy_of(installation, id)
    second = _approved(installation, first, on) if against == APPROVED else policy_of(installation, against)
    found = compare(
        first, second, installation.catalog.vocabulary, on, decide, timeout_ms=_milliseconds(seconds)
    )  # fmt: skip
    if as_json:
        print_json(found)
        return
    show_comparison(found, say)


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _approved(installation: Installation, policy: Policy, on: date) -> Policy:
    found = approved_policies(installation.ledger, on).get(policy.id)
    if found is None:
        raise SettingsError.of(
            "no-approved-version",
            f"`{policy.id}` 在 {on} 没有已审批的版本",
            f"no version of `{policy.id}` is approved on {on}",
            help_zh="用 --against 指明另一个文件，或先审批",
            help_en="name another file with --against, or approve one first",
        )
    text = version_text(installation.ledger, found.version)
    return read_policy_text(text, installation.catalog.vocabulary, f"{policy.id}@{found.version[:12]}")


def _show_report(policy: Policy, report: ProofReport, say: Speech, *, in_full: bool) -> None:
    worst = next((level for level in ("error", "warning", "note") if level in _levels(report)), None)
    mark = "[green]✓[/green]" if worst is None else _MARKS[worst]
    proved = sum(verdict is Verdict.PROVED for verdict in report.verdicts.values())
    console.print(
        f"{mark} {report.policy}  " + say(f"{report.on} 问 {len(report.verdicts)} 项，证明 {proved} 项无此问题",
                                          f"on {report.on}: {len(report.verdicts)} questions, {proved} proved free")
    )  # fmt: skip
    for finding in report.findings:
        _show_finding(policy, finding, say, in_full=in_full)
    for each in report.undecided:
        _show_undecided(each, say)


def _levels(report: ProofReport) -> set[str]:
    return {finding.severity for finding in report.findings}


def _show_finding(policy: Policy, finding: Finding, say: Speech, *, in_full: bool) -> None:
    severity = say.of(_SEVERITIES[finding.severity])
    console.print(
        f"    {_MARKS[finding.severity]} {severity}\\[{finding.code}] [dim]{escape(str(finding.place))}[/dim]"
    )
    console.print(f"      {say.of(finding.message)}", markup=False, soft_wrap=True)
    if in_full or finding.severity == "error":
        for number, sample in enumerate(finding.samples, start=1):
            _show_sample(sample, _name_of(finding.code, number, len(finding.samples)), say)


def _name_of(code: str, number: int, count: int) -> str:
    words = code.replace("-", " ")
    return words if count == 1 else f"{words} {number}"


def _show_sample(sample: Sample, name: str, say: Speech) -> None:
    console.print("      " + say("样例（可粘贴到 examples: 之下）：", "a sample (can be pasted under examples:):"))
    console.print(to_example(sample, name), markup=False, soft_wrap=True)


def _show_undecided(one: Undecided, say: Speech) -> None:
    console.print(
        f"    [dim]?[/dim] {say('未定', 'not decided')}\\[{one.code}] {escape(say.of(one.question))}: "
        f"{escape(say.of(one.reason))}",
        soft_wrap=True,
    )


def _show_total(reports: Sequence[ProofReport], say: Speech) -> None:
    count = dict.fromkeys(_SEVERITIES, 0)
    for report in reports:
        for finding in report.findings:
            count[finding.severity] += 1
    undecided = sum(len(report.undecided) for report in reports)
    console.print(
        say(
            f"{len(reports)} 项政策：{count['error']} 个错误，{count['warning']} 个警告，{count['note']} 个提示，"
            f"{undecided} 项未定",
            f"{len(reports)} policies: {count['error']} errors, {count['warning']} warnings, {count['note']} notes, "
            f"{undecided} questions not decided",
        ),
        style="bold",
    )


def show_comparison(found: Comparison, say: Speech) -> None:
    """Print how two policies are related, with somebody on whom they differ."""
    first, second = (
        f"{name} ({version[:12]})"
        for name, version in ((found.first, found.first_version), (found.second, found.second_version))
    )
    console.print(say("第一项：", "first:  ") + first, markup=False)
    console.print(say("第二项：", "second: ") + second, markup=False)
    console.print(f"{found.on}: {say.of(_RELATIONS[found.relation])}", style="bold", markup=False)
    if found.relation != "disjoint" and "amounts" in found.verdicts:
        amounts = {
            Verdict.PROVED: say("两项都覆盖的人，金额都相同", "whoever both grant gets the same amount"),
            Verdict.REFUTED: say("两项都覆盖的人，金额有不同", "not all whom both grant get the same amount"),
            Verdict.NOT_DECIDED: say("金额是否相同未定", "whether the amounts are the same is not decided"),
        }
        console.print(amounts[found.same_amounts], markup=False)
    for difference in found.differences:
        console.print(f"  {say.of(_DIFFERENCES[difference.code])}", markup=False)
        yuan = [say.yuan(one.amount) for one in (difference.first, difference.second)]
        if difference.code == "amounts":
            console.print("      " + say(f"第一项 {yuan[0]} 元，第二项 {yuan[1]} 元",
                                         f"first {yuan[0]} yuan, second {yuan[1]} yuan"), markup=False)  # fmt: skip
        shown = difference.second if difference.code == "only-second" else difference.first
        _show_sample(shown, difference.code.replace("-", " "), say)
    for each in found.undecided:
        _show_undecided(each, say)
