"""What `mianshen policies test` tells: how an example fails, and what no example shows."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.markup import escape

from engine.coverage import Coverage, coverage_of
from engine.coverage_cases import propose
from engine.decision import TraceStep, ValueUsed
from engine.example_decisions import DecidedExample, decided_example, leaf_steps
from engine.policy_inputs import types_by_name
from notifier.console.speech import Speech
from notifier.console.tables import console
from policies.examples import ExampleResult
from policies.plain_words import condition_in_words, value_in_words
from policies.policy import Policy
from policies.types import Type
from policies.vocabulary import Vocabulary

_KINDS = {
    "outcome": ("结果", "answer"),
    "leaf": ("条件", "condition"),
    "decides": ("起决定作用", "decides"),
    "tier": ("档次", "tier"),
    "branch": ("分支", "branch"),
    "boundary": ("界限", "boundary"),
    "missing": ("缺数据", "missing datum"),
}


def print_failure(policy: Policy, vocabulary: Vocabulary, failed: ExampleResult, say: Speech) -> None:
    """Print a failing example as a difference: expected, found, and every condition with what it looked at."""
    console.print(f"    [red]✗[/red] {escape(failed.name)}  [dim]{escape(str(failed.place))}[/dim]")
    console.print(f"      [red]- {say('期望', 'expected')}: {escape(say.of(failed.expected))}[/red]")
    console.print(f"      [green]+ {say('得到', 'found')}: {escape(say.of(failed.found))}[/green]")
    for one in _decided(policy, vocabulary, failed):
        for step in leaf_steps(one.decision.trace):
            _print_step(step, one, vocabulary, say)
        _print_tier(one, say)


def _decided(policy: Policy, vocabulary: Vocabulary, failed: ExampleResult) -> list[DecidedExample]:
    examples = [one for one in policy.examples if one.place == failed.place]
    found = [one for example in examples for one in decided_example(policy, vocabulary, example)]
    return [one for one in found if one.name == failed.name]


def _print_step(step: TraceStep, one: DecidedExample, vocabulary: Vocabulary, say: Speech) -> None:
    mark = {True: "[green]✓[/green]", False: "[red]✗[/red]", None: "[yellow]?[/yellow]"}[step.result]
    words = condition_in_words(step.condition, say.language)
    place = escape(str(step.condition.place))
    console.print(f"      {mark} {escape(words)}  [dim]{place}[/dim]")
    types = types_by_name(one.fixed)
    used = ", ".join(f"{each.name} = {_value(each, types, vocabulary, say)}" for each in step.used)
    if step.condition.text and step.condition.text != words:
        console.print(f"          {step.condition.text}", markup=False, style="dim")
    if used:
        console.print(f"          {used}", markup=False)


def _value(used: ValueUsed, types: dict[str, Type], vocabulary: Vocabulary, say: Speech) -> str:
    kind = types.get(used.name)
    return str(used.value) if kind is None else value_in_words(used.value, kind, say.language, vocabulary)


def _print_tier(one: DecidedExample, say: Speech) -> None:
    if one.decision.tier is None:
        return
    tier = one.fixed.tiers[one.decision.tier]
    words = say(f"按第 {one.decision.tier + 1} 档", f"tier {one.decision.tier + 1} applies")
    console.print(f"      {words}: {escape(tier.text or '-')}  [dim]{escape(str(tier.place))}[/dim]")


def print_coverage(policy: Policy, vocabulary: Vocabulary, coverage: Coverage, say: Speech) -> None:
    """Print what no example of the policy shows, and cases that would."""
    total, seen = Counter[str](), Counter[str]()
    for point, names in coverage.points:
        total[point.kind] += 1
        seen[point.kind] += bool(names)
    parts = [f"{say(*_KINDS[kind])} {seen[kind]}/{total[kind]}" for kind in _KINDS if total[kind]]
    console.print("    " + " · ".join(parts), markup=False, style="dim")
    for point in coverage.unseen:
        about = f" `{point.text}`" if point.text else ""
        line = f"    [yellow]○[/yellow] {say(*_KINDS[point.kind])}{escape(about)}: {escape(say.of(point.words))}"
        console.print(f"{line}  [dim]{escape(str(point.place))}[/dim]")
    if coverage.never_deciding:
        told = say(
            "标为“起决定作用”的条件,没有一个例子的结果取决于它:总被别的条件盖过",
            "of a condition marked `decides` no example tells anything: in each the answer hangs on others",
        )
        console.print(f"    {told}", markup=False, style="dim")
    cases = list(propose(policy, vocabulary, coverage))
    if cases:
        told = say(
            "可粘贴到 examples: 下面的例子(结果是规则现在算出的,请对照法规核实):",
            "cases to paste under `examples:` (the answers are what the rule says now; compare them with the law):",
        )
        console.print(f"    {told}", markup=False, style="bold")
        for case in cases:
            console.print(case.text, markup=False, soft_wrap=True)


def coverage_to_json(policy: Policy, vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the coverage of one policy as plain data, with proposed cases."""
    coverage = coverage_of(policy, vocabulary)
    proposed = {case.point.key: case.text for case in propose(policy, vocabulary, coverage)}
    return {
        "version": coverage.version,
        "percent": coverage.percent,
        "seen": coverage.seen,
        "points": [
            {
                "key": point.key,
                "kind": point.kind,
                "words": {"zh": point.words.zh, "en": point.words.en},
                "text": point.text,
                "place": str(point.place),
                "examples": list(names),
                "proposed": proposed.get(point.key),
            }
            for point, names in coverage.points
        ],
        "never_deciding": [point.key for point in coverage.never_deciding],
    }
