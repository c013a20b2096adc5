"""`mianshen policies …`: check rule files, run their examples, show them, approve them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from rich.markup import escape

from engine.approving import approve_proved
from engine.durable_definition import definition, not_decided_by_durable_rules
from engine.installation import Installation
from engine.interpreter import decide
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, problems, table
from policies.errors import Diagnostic, LedgerError, Place, PolicyError, SettingsError
from policies.examples import ExampleResult, run_examples
from policies.library import read_policy
from policies.plain_words import to_plain_words
from policies.policy import Policy
from policies.reviewing import overdue_reviews
from policies.vocabulary import Vocabulary


def check(installation: Installation, paths: Sequence[Path], say: Speech, *, as_json: bool) -> int:
    """Check files, folders, or the whole library; return 0, or 3 if one file has an error."""
    checked, findings = _check_paths(installation, paths) if paths else _check_library(installation)
    failed = any(each.severity == "error" for each in findings)
    if as_json:
        print_json({"checked": checked, "findings": findings})
    else:
        for each in findings:
            style = "red" if each.severity == "error" else "yellow"
            problems.print(each.render(say.language), style=style, markup=False)
        errors = sum(each.severity == "error" for each in findings)
        warnings = len(findings) - errors
        console.print(
            say(
                f"检查了 {checked} 个规则文件:{errors} 个错误,{warnings} 个警告",
                f"{checked} rule files checked: {errors} errors, {warnings} warnings",
            )
        )
    return PolicyError.exit_code if failed else 0


def _check_library(installation: Installation) -> tuple[int, list[Diagnostic]]:
    library = installation.library
    findings = [each for error in library.errors for each in error.diagnostics]
    vocabulary = installation.catalog.vocabulary
    findings += [each for policy in library.policies.values() for each in _warnings(policy, vocabulary)]
    return len(library.policies) + len(library.errors), findings


def _check_paths(installation: Installation, paths: Sequence[Path]) -> tuple[int, list[Diagnostic]]:
    files: list[Path] = []
    findings: list[Diagnostic] = []
    for path in paths:
        within = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
        files += within
        if not within:
            findings += _no_rule_files(path).diagnostics
    for file in files:
        try:
            vocabulary = installation.catalog.vocabulary
            findings += _warnings(read_policy(file, vocabulary), vocabulary)
        except PolicyError as error:
            findings += error.diagnostics
    return len(files), findings


def _no_rule_files(folder: Path) -> PolicyError:
    return PolicyError.of(
        "no-rule-files", f"`{folder}` 里没有规则文件", f"`{folder}` holds no rule file",
        help_zh="规则文件的名字以 .yaml 结尾", help_en="the names of rule files end in .yaml",
        place=Place(str(folder)),
    )  # fmt: skip


def _warnings(policy: Policy, vocabulary: Vocabulary) -> tuple[Diagnostic, ...]:
    today = datetime.now().astimezone().date()
    refused = not_decided_by_durable_rules(policy, vocabulary, today)
    return (*policy.warnings, *overdue_reviews(policy, today), *((refused,) if refused else ()))


def policy_of(installation: Installation, text: str) -> Policy:
    """Return the policy with this id, or in this file. Raises SettingsError or PolicyError."""
    if text.endswith((".yaml", ".yml")):
        return read_policy(Path(text), installation.catalog.vocabulary)
    found = installation.library.policies.get(text)
    if found is None:
        raise SettingsError.of(
            "unknown-policy", f"规则库里没有政策 `{text}`", f"the library has no policy `{text}`",
            help_zh="`mianshen policies check` 列出有错误的文件;编号见规则文件的 id",
            help_en="`mianshen policies check` lists files with errors; ids stand in the rule files",
        )  # fmt: skip
    return found


def test(installation: Installation, ids: Sequence[str], say: Speech, *, as_json: bool) -> int:
    """Run the examples of the named policies, or of all; return 0 if all passed, else 1."""
    policies = [policy_of(installation, each) for each in ids] if ids else list(installation.library.policies.values())
    results = {policy.id: examples_of(installation, policy) for policy in policies}
    failures = sum(not each.passed for found in results.values() for each in found)
    if as_json:
        print_json(results)
        return 1 if failures else 0
    for name, found in results.items():
        passed = sum(each.passed for each in found)
        mark = "[green]✓[/green]" if passed == len(found) else "[red]✗[/red]"
        console.print(f"{mark} {name}  {passed}/{len(found)}")
        for each in found:
            if not each.passed:
                console.print(f"    [red]✗[/red] {escape(each.name)}  [dim]{escape(str(each.place))}[/dim]")
                console.print(f"      {say('期望', 'expected')}: {escape(_words(each.expected, say))}")
                console.print(f"      {say('得到', 'found')}: {escape(_words(each.found, say))}")
    total = sum(len(found) for found in results.values())
    console.print(say(f"{total} 个例子,{failures} 个不符", f"{total} examples, {failures} failed"), style="bold")
    return 1 if failures else 0


def examples_of(installation: Installation, policy: Policy) -> list[ExampleResult]:
    """Run the examples of one policy on the reference interpreter."""
    return run_examples(policy, installation.catalog.vocabulary, decide)


def _words(value: object, say: Speech) -> str:
    return value if isinstance(value, str) else say.of(value)  # type: ignore[arg-type]


def show(installation: Installation, id: str, form: str, say: Speech, on: date | None = None) -> None:
    """Print one policy in plain words, as its text, as JSON, or as durable-rules get it on a day (default today)."""
    policy = policy_of(installation, id)
    if form == "words":
        console.print(to_plain_words(policy, say.language), markup=False)
    elif form == "text":
        console.print(policy.text, markup=False)
    elif form == "json":
        print_json(policy)
    elif form == "durable":
        today = datetime.now().astimezone().date()
        print_json(definition(policy, installation.catalog.vocabulary, on or today))
    else:
        raise SettingsError.of(
            "unknown-form", f"没有 `{form}` 这种形式", f"there is no form `{form}`",
            help_zh="用 words、text、json 或 durable", help_en="use words, text, json or durable",
        )  # fmt: skip


def approve(installation: Installation, ids: Sequence[str], by: str, effective: date, say: Speech) -> int:
    """Approve the present text of policies whose examples all pass; return 0, or 1 if one was refused."""
    policies = (
        list(installation.library.policies.values())
        if list(ids) == ["all"]
        else [policy_of(installation, each) for each in ids]
    )
    refused = 0
    rows = []
    for policy in policies:
        failed = [each for each in examples_of(installation, policy) if not each.passed]
        if failed:
            refused += 1
            rows.append(
                (
                    policy.id,
                    policy.version[:12],
                    say(f"拒绝:{len(failed)} 个例子不符", f"refused: {len(failed)} examples fail"),
                )
            )
            continue
        try:
            fresh, warnings = approve_proved(
                installation.ledger, policy, installation.catalog.vocabulary, by, effective
            )  # fmt: skip
        except LedgerError as error:
            # One policy that is refused does not keep the others from being approved; a wrong approver does.
            if not any(each.code.endswith("-eligible") for each in error.diagnostics) or len(policies) == 1:
                raise
            refused += 1
            for each in error.diagnostics:
                problems.print(each.render(say.language), style="red", markup=False)
            rows.append((policy.id, policy.version[:12], say("拒绝:证明有误", "refused by proof")))
            continue
        for each in warnings:
            problems.print(each.render(say.language), style="yellow", markup=False)
        rows.append(
            (policy.id, policy.version[:12], say("已审批", "approved") if fresh else say("早已审批", "approved before"))
        )
    console.print(table(say("审批", "approval"), [say("政策", "policy"), say("版本", "version"), ""], rows))
    return 1 if refused else 0
