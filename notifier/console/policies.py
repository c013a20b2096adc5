"""`mianshen policies …`: check rule files, run their examples, show them, approve them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from engine.approving import approve_proved
from engine.ceiling_standing import after_ceilings
from engine.coverage import coverage_of
from engine.durable_definition import definition, not_decided_by_durable_rules
from engine.installation import Installation
from engine.interpreter import decide
from engine.plan_findings import expired_codes, silent_indicators
from engine.planning import is_in_force
from engine.reference_day import today
from notifier.bundles.shelf import bundles_of, check_bundle
from notifier.console.coverage import coverage_to_json, print_coverage, print_failure
from notifier.console.policy_forms import print_reads, print_tree
from notifier.console.reviewing import require_reviewed, tell_changes
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, problems, table
from policies.bundles import bundle_files, is_bundle
from policies.errors import Diagnostic, LedgerError, Place, PolicyError, SettingsError
from policies.examples import ExampleResult, run_examples
from policies.judgement import not_automatic
from policies.library import check_overlay_file, is_overlay, misnamed_files, overlay_files, read_with_places, rule_files
from policies.plain_words import to_plain_words
from policies.policy import Policy
from policies.reviewing import overdue_reviews
from policies.skeleton import left_of_the_skeleton
from profiles.catalog_model import Catalog

_STYLES = {"error": "red", "warning": "yellow", "note": "cyan"}


def check(installation: Installation, paths: Sequence[Path], say: Speech, *, as_json: bool) -> int:
    """Check files, folders, or the whole library; return 0, or 3 if one file has an error."""
    checked, findings = _check_paths(installation, paths) if paths else _check_library(installation)
    failed = any(each.severity == "error" for each in findings)
    if as_json:
        print_json({"checked": checked, "findings": findings})
    else:
        for each in findings:
            style = _STYLES[each.severity]
            problems.print(each.render(say.language), style=style, markup=False)
        errors = sum(each.severity == "error" for each in findings)
        warnings = sum(each.severity == "warning" for each in findings)
        console.print(
            say(
                f"检查了 {checked} 个规则文件:{errors} 个错误,{warnings} 个警告",
                f"{checked} rule files checked: {errors} errors, {warnings} warnings",
            )
        )
    return PolicyError.exit_code if failed else 0


def _check_library(installation: Installation) -> tuple[int, list[Diagnostic]]:
    library = installation.library
    bundles = bundles_of(installation)
    findings = [each for error in (*library.errors, *bundles.errors) for each in error.diagnostics]
    findings += [each for policy in library.policies.values() for each in warnings_of(policy, installation.catalog)]
    overlays = sum(len(policy.overlays) for policy in library.policies.values())
    files = len(library.policies) + overlays + len(library.errors) + len(bundles.bundles) + len(bundles.errors)
    return files, findings


def _check_paths(installation: Installation, paths: Sequence[Path]) -> tuple[int, list[Diagnostic]]:
    files: list[Path] = []
    findings: list[Diagnostic] = []
    for path in paths:
        within = sorted([*rule_files(path), *overlay_files(path), *bundle_files(path)]) if path.is_dir() else [path]
        files += within
        misnamed = misnamed_files(path) if path.is_dir() else ()
        findings += [each for error in misnamed for each in error.diagnostics]
        if not within and not misnamed:
            findings += _no_rule_files(path).diagnostics
    for file in files:
        findings += findings_in_file(installation, file)[0]
    return len(files), list(dict.fromkeys(findings))


def findings_in_file(
    installation: Installation, path: Path, text: str | None = None
) -> tuple[tuple[Diagnostic, ...], Policy | None]:
    """Return what is to be told of a file, and its policy if it is a rule or an overlay without errors.

    `text` stands for the file's content if given: what an editor has not saved yet.
    """
    try:
        if is_bundle(path):
            check_bundle(installation, path, text=text)
            return (), None
        policy = policy_in_file(installation, path, text=text)
        return warnings_of(policy, installation.catalog), policy
    except PolicyError as error:
        return error.diagnostics, None


def _no_rule_files(folder: Path) -> PolicyError:
    return PolicyError.of(
        "no-rule-files", f"`{folder}` 里没有规则文件", f"`{folder}` holds no rule file",
        help_zh="规则文件的名字以 .yaml 结尾", help_en="the names of rule files end in .yaml",
        place=Place(str(folder)),
    )  # fmt: skip


def warnings_of(policy: Policy, catalog: Catalog) -> tuple[Diagnostic, ...]:
    """Return what is to be told of a policy that has no errors: warnings, and notes on how it will be run."""
    day = today()
    refused = not_decided_by_durable_rules(policy, catalog.vocabulary, day)
    told = (not_automatic(policy), refused)
    silent = silent_indicators(policy, catalog.vocabulary, day) if is_in_force(policy, day) else ()
    found = (
        *policy.warnings,
        *left_of_the_skeleton(policy),
        *overdue_reviews(policy, day),
        *silent,
        *expired_codes(policy, catalog, day),
    )
    return (*found, *(one for one in told if one is not None))


def policy_in_file(installation: Installation, path: Path, *, text: str | None = None) -> Policy:
    """Return the policy of a rule file with the library's values of its places, or that of an overlay's rule.

    `text` stands for the file's content if given. Raises PolicyError with every finding.
    """
    read = check_overlay_file if is_overlay(path) else read_with_places
    return read(path, installation.library_folder, installation.catalog.vocabulary, text=text)


def policy_of(installation: Installation, text: str) -> Policy:
    """Return the policy with this id, or in this file. Raises SettingsError or PolicyError."""
    if text.endswith((".yaml", ".yml")):
        return policy_in_file(installation, Path(text))
    found = installation.library.policies.get(text)
    if found is None:
        raise SettingsError.of(
            "unknown-policy", f"规则库里没有政策 `{text}`", f"the library has no policy `{text}`",
            help_zh="`mianshen policies check` 列出有错误的文件;编号见规则文件的 id",
            help_en="`mianshen policies check` lists files with errors; ids stand in the rule files",
        )  # fmt: skip
    return found


def test(installation: Installation, ids: Sequence[str], say: Speech, *, as_json: bool, coverage: bool = False) -> int:
    """Run the examples of the named policies, or of all; return 0 if all passed, else 1.

    With `coverage` it is told what no example shows, with cases that would.
    """
    policies = [policy_of(installation, each) for each in ids] if ids else list(installation.library.policies.values())
    results = {policy.id: examples_of(installation, policy) for policy in policies}
    failures = sum(not each.passed for found in results.values() for each in found)
    vocabulary = installation.catalog.vocabulary
    if as_json:
        shown = {one.id: coverage_to_json(one, vocabulary) for one in policies} if coverage else {}
        print_json({"examples": results, "coverage": shown} if coverage else results)
        return 1 if failures else 0
    for policy in policies:
        name, found = policy.id, results[policy.id]
        passed = sum(each.passed for each in found)
        mark = "[green]✓[/green]" if passed == len(found) else "[red]✗[/red]"
        covered = coverage_of(policy, vocabulary)
        console.print(f"{mark} {name}  {passed}/{len(found)}  {say('覆盖', 'coverage')} {covered.percent}%")
        for each in found:
            if not each.passed:
                print_failure(policy, vocabulary, each, say)
        if coverage:
            print_coverage(policy, vocabulary, covered, say)
    total = sum(len(found) for found in results.values())
    console.print(say(f"{total} 个例子,{failures} 个不符", f"{total} examples, {failures} failed"), style="bold")
    return 1 if failures else 0


def examples_of(installation: Installation, policy: Policy) -> list[ExampleResult]:
    """Run the examples of one policy on the reference interpreter."""
    return run_examples(policy, installation.catalog.vocabulary, decide, after_ceilings)


def show(
    installation: Installation, id: str, form: str, say: Speech, on: date | None = None, *, as_json: bool = False
) -> None:
    """Print one policy in plain words, as a tree, its reads, its text, JSON, or what durable-rules get on a day.

    The day is today by default. `as_json` is for the reads.
    """
    policy = policy_of(installation, id)
    if form == "words":
        console.print(to_plain_words(policy, say.language), markup=False)
        console.print(say(f"版本:{policy.version}", f"version: {policy.version}"), style="dim", markup=False)
    elif form == "text":
        console.print(policy.text, markup=False)
    elif form == "json":
        print_json(policy)
    elif form == "durable":
        print_json(definition(policy, installation.catalog.vocabulary, on or today()))
    elif form == "tree":
        print_tree(policy, installation.catalog.vocabulary, on or today(), say)
    elif form == "reads":
        print_reads(installation, policy, say, as_json=as_json)
    else:
        raise SettingsError.of(
            "unknown-form", f"没有 `{form}` 这种形式", f"there is no form `{form}`",
            help_zh="用 words、tree、reads、text、json 或 durable",
            help_en="use words, tree, reads, text, json or durable",
        )  # fmt: skip


def approve(
    installation: Installation, ids: Sequence[str], by: str, effective: date, say: Speech, expected: str | None = None
) -> int:
    """Approve the present text of policies whose examples all pass; return 0, or 1 if one was refused.

    With `expected`, the hash that was reviewed (or its beginning), nothing else is approved.
    """
    policies = (
        list(installation.library.policies.values())
        if list(ids) == ["all"]
        else [policy_of(installation, each) for each in ids]
    )
    if expected is not None:
        require_reviewed(policies, expected)
    refused = 0
    rows = []
    for policy in policies:
        tell_changes(installation, policy, effective, say)
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
            of_the_text = any(each.code.endswith(("-eligible", "not-filled-in")) for each in error.diagnostics)
            if not of_the_text or len(policies) == 1:
                raise
            refused += 1
            for each in error.diagnostics:
                problems.print(each.render(say.language), style="red", markup=False)
            rows.append((policy.id, policy.version[:12], say("拒绝:见上", "refused, see above")))
            continue
        for each in warnings:
            problems.print(each.render(say.language), style="yellow", markup=False)
        rows.append(
            (policy.id, policy.version[:12], say("已审批", "approved") if fresh else say("早已审批", "approved before"))
        )
    console.print(table(say("审批", "approval"), [say("政策", "policy"), say("版本", "version"), ""], rows))
    return 1 if refused else 0
