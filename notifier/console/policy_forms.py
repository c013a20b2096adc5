"""The forms of `mianshen policies show` beside plain words: a tree, and a table of what a policy reads."""

from __future__ import annotations

from datetime import date
from typing import Any

from rich.markup import escape
from rich.tree import Tree

from engine.installation import Installation
from engine.policy_reads import reads_of
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, table
from policies.fixing import constant, fix
from policies.plain_words import value_in_words
from policies.policy import Condition, FixedPolicy, Policy
from policies.tree import Named, Node, walk
from policies.vocabulary import Vocabulary

_GROUPS = {
    "all": ("全部满足", "all of"),
    "any": ("满足其一", "any of"),
    "none": ("都不成立", "none of"),
}


def print_tree(policy: Policy, vocabulary: Vocabulary, on: date, say: Speech) -> None:
    """Print conditions and amounts as a tree, with clauses and the values in force on a day."""
    fixed = fix(policy, vocabulary, on)
    root = Tree(f"[bold]{escape(say.of(policy.title))}[/bold]  [dim]{policy.id} · {on}[/dim]", highlight=False)
    first, last = policy.in_force
    if on < first or (last is not None and last < on):
        root.add(f"[yellow]{say(f'{on} 不在有效期内', f'not in force on {on}')}[/yellow]")
    if policy.for_each is not None:
        root.add(f"{say('逐条判定', 'decided for each of')}: {policy.for_each}")
    _add(root, fixed.eligibility, fixed, vocabulary, say)
    _add_amounts(root, fixed, vocabulary, say)
    console.print(root)


def _add(parent: Tree, condition: Condition, fixed: FixedPolicy, vocabulary: Vocabulary, say: Speech) -> None:
    if condition.kind != "leaf":
        says = f"  {escape(say.of(condition.says))}" if condition.says is not None else ""
        branch = parent.add(f"[bold]{say(*_GROUPS[condition.kind])}[/bold]{says}{_basis(condition)}")
        for child in condition.children:
            _add(branch, child, fixed, vocabulary, say)
        return
    words = say.of(condition.says) if condition.says is not None else condition.text
    leaf = parent.add(f"{escape(words)}{_basis(condition)}")
    if condition.says is not None:
        leaf.add(f"[dim]{escape(condition.text)}[/dim]")
    assert condition.expression is not None
    _add_values(leaf, condition.expression, fixed, vocabulary, say)


def _basis(condition: Condition) -> str:
    return f"  [dim]〔{escape(condition.basis)}〕[/dim]" if condition.basis else ""


def _add_values(leaf: Tree, node: Node, fixed: FixedPolicy, vocabulary: Vocabulary, say: Speech) -> None:
    """Add the parameters and indicators below a node with their value; those by place or table by name only."""
    known = {*fixed.policy.parameters, *vocabulary.indicators}
    seen: set[str] = set()
    for one in walk(node):
        if not isinstance(one, Named) or one.name not in known or one.name in seen:
            continue
        seen.add(one.name)
        value = constant(one.child)
        shown = value_in_words(value, one.type, say.language, vocabulary)
        if value is None and any(True for _ in walk(one.child)) and not _is_empty(one.child):
            shown = say("按地区、表格或日期而定", "by place, table or date")
        leaf.add(f"[cyan]{one.name} = {escape(shown)}[/cyan]")


def _is_empty(node: Node) -> bool:
    return getattr(node, "missing", None) is not None


def _add_amounts(root: Tree, fixed: FixedPolicy, vocabulary: Vocabulary, say: Speech) -> None:
    benefit = fixed.policy.benefit
    branch = root.add(f"[bold]{say('待遇', 'benefit')}[/bold]  {benefit.kind}")
    for number, tier in enumerate(fixed.tiers, start=1):
        when = tier.text or say("其余", "otherwise")
        leaf = branch.add(f"{number}. {escape(when)}  →  {escape(tier.amount_text)}")
        for node in (one for one in (tier.when, tier.amount) if one is not None):
            _add_values(leaf, node, fixed, vocabulary, say)
    if not fixed.tiers and fixed.amount is not None:
        leaf = branch.add(escape(benefit.text))
        _add_values(leaf, fixed.amount, fixed, vocabulary, say)
    for key, text in benefit.limits:
        branch.add(f"{key}: {escape(text)}")
    for one in fixed.ceilings:
        words = f"{escape(say.of(one.says))}: " if one.says is not None else ""
        basis = f"  [dim]〔{escape(one.basis)}〕[/dim]" if one.basis else ""
        leaf = branch.add(f"{say('累计上限', 'ceiling')} {one.name}  {words}{escape(one.text)}{basis}")
        for name, text in (
            ("measure", one.measure_text),
            ("for_each", ", ".join(one.key_texts)),
            ("when", one.when_text),
        ):
            if text:
                leaf.add(f"[dim]{name}: {escape(text)}[/dim]")
        _add_values(leaf, one.amount, fixed, vocabulary, say)


def print_reads(installation: Installation, policy: Policy, say: Speech, *, as_json: bool) -> None:
    """Print what a policy reads, with agency, source, freshness and sensitivity."""
    reads = reads_of(policy, installation.catalog)
    if as_json:
        print_json(_reads_to_json(installation, policy))
        return
    rows = []
    for one in reads.data:
        source = one.source
        days = one.freshness_days
        rows.append(
            (
                one.place,
                one.name,
                say.of(one.title),
                say.of(source.agency) if source is not None else say("没有来源", "no source"),
                source.id if source is not None else "-",
                say(f"{days} 天", f"{days} days")
                if days is not None
                else say("不过时", "never stale")
                if one.lasting
                else "-",
                (one.purpose or say("未声明用途", "no purpose declared")) if one.sensitive else "-",
            )
        )
    columns = [
        say("位置", "place"), say("名称", "name"), say("含义", "meaning"), say("部门", "agency"),
        say("来源", "source"), say("保鲜期", "fresh for"), say("敏感:用途", "sensitive: purpose"),
    ]  # fmt: skip
    console.print(table(say(f"{policy.id} 读取的数据", f"data that {policy.id} reads"), columns, rows))
    for label, names in (
        (say("推算项", "worked out by the catalog"), reads.derived),
        (say("参数", "parameters"), reads.parameters),
        (say("公共指标", "public series"), reads.indicators),
        (say("日期", "dates"), reads.dates),
    ):
        if names:
            console.print(f"{label}: {', '.join(names)}", markup=False)


def _reads_to_json(installation: Installation, policy: Policy) -> dict[str, Any]:
    reads = reads_of(policy, installation.catalog)
    return {
        "policy": policy.id,
        "version": policy.version,
        "data": [
            {
                "place": one.place,
                "name": one.name,
                "title": {"zh": one.title.zh, "en": one.title.en},
                "kind": one.kind,
                "source": one.source.id if one.source is not None else None,
                "agency": {"zh": one.source.agency.zh, "en": one.source.agency.en} if one.source is not None else None,
                "refresh": one.source.refresh if one.source is not None else None,
                "freshness_days": "never" if one.lasting else one.freshness_days,
                "sensitive": one.sensitive,
                "purpose": one.purpose,
            }
            for one in reads.data
        ],
        "derived": list(reads.derived),
        "parameters": list(reads.parameters),
        "indicators": list(reads.indicators),
        "dates": list(reads.dates),
    }
