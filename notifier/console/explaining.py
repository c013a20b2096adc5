"""`mianshen explain`: why a policy says yes, no or undetermined, condition by condition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl
from rich.markup import escape
from rich.tree import Tree

from engine.ceiling_standing import standing_under_ceilings
from engine.columnar import decide_all
from engine.decision import Decision, Facts, Outcome
from engine.installation import Installation
from engine.interpreter import decide_units
from engine.ledger.approvals import all_approvals, approved_policies, version_text
from engine.ledger.retirements import retired_policies
from engine.past_grants import facts_with_past_grants
from engine.planning import is_in_force
from engine.run_report import RunReport
from notifier.console.outlook import add_outlook
from notifier.console.policies import policy_of
from notifier.console.speech import Speech
from notifier.console.subjects import subject_of
from notifier.console.tables import console, print_json
from notifier.explaining import Explanation, Line, ShownValue, Told, explanation_of
from notifier.outlook import outlook_of
from policies.errors import StoreError
from policies.fixing import fix
from policies.library import read_policy_text
from policies.policy import Policy
from policies.text import Bilingual, Language
from profiles.events.origin import origin_of
from profiles.snapshot import Snapshot

_OUTCOMES = {
    Outcome.ELIGIBLE: ("符合", "eligible", "green"),
    Outcome.INELIGIBLE: ("不符合", "not eligible", "red"),
    Outcome.UNDETERMINED: ("未定:缺少数据", "undetermined: data are missing", "yellow"),
}
_MARKS = {True: "[green]✓[/green]", False: "[red]✗[/red]", None: "[yellow]?[/yellow]"}


@dataclass(frozen=True, slots=True)
class Explained:
    """One decision for one subject (and unit), explained. `not_in_use` says why no run would make this decision."""

    subject: str
    unit: str
    explanation: Explanation
    not_in_use: Bilingual | None = None


def explain(
    installation: Installation,
    snapshot: Snapshot,
    policy: Policy,
    subject: str,
    on: date,
    *,
    without_runs: frozenset[str] = frozenset(),
) -> list[Explained]:
    """Return the decision of `policy` for every unit of one subject, as if `without_runs` had granted nothing.

    Raises StoreError for an unknown subject.
    """
    if not snapshot.exists(policy.space, subject):
        raise StoreError.of(
            "unknown-subject",
            f"画像库的 `{policy.space}` 空间里没有这个对象", f"the space `{policy.space}` has no such subject",
            help_zh="核对号码,或先收入登记类数据", help_en="check the number, or take in the register first",
        )  # fmt: skip
    catalog = installation.catalog
    fixed = fix(policy, catalog.vocabulary, on)
    as_of = snapshot.as_of(policy.space, subject)
    agencies = {each.id: each.agency for each in catalog.sources.values()}

    facts = facts_with_past_grants(snapshot.facts(policy.space, subject), subject, installation.ledger, without_runs)
    events = _told_by_events(installation, snapshot, policy, subject)
    units = {} if policy.for_each is None else {_id_of(unit): unit for unit in facts.items((policy.for_each,)) or ()}

    decided = decide_units(fixed, facts)
    amounts = {unit: one.amount for unit, one in decided if one.amount is not None}
    # A replayed period stops before grants are settled, and so before ceilings.
    standing = {} if without_runs else standing_under_ceilings(fixed, subject, facts, amounts, installation.ledger)

    def explained(unit: str, decision: Decision) -> Explained:
        ahead = outlook_of(fixed, decision, facts, units.get(unit), catalog.vocabulary, agencies)
        told = explanation_of(
            policy, fixed, decision, catalog.vocabulary, as_of, agencies, ahead, events, standing.get(unit)
        )
        return Explained(subject, unit, told)

    return [explained(unit, decision) for unit, decision in decided]


def _told_by_events(installation: Installation, snapshot: Snapshot, policy: Policy, subject: str) -> dict[str, Told]:
    """Return what life events have said since the last extract of the data that the policy reads of the subject."""
    found = {}
    for name in policy.reads.get(policy.space, ()):
        origin = origin_of(snapshot, policy.space, subject, name)
        if origin is None or origin.event is None:
            continue
        kind = installation.catalog.events.get(origin.kind or "")
        title = kind.title if kind is not None else Bilingual(str(origin.kind), str(origin.kind))
        words = Bilingual(f"{title.zh}（事件{origin.event}）", f"{title.en} (event {origin.event})")
        found[name if policy.for_each is None else f"subject.{name}"] = Told(words, origin.as_of)
    return found


def _id_of(unit: Facts) -> str:
    return str(getattr(unit, "id", ""))


def deciding_policy(installation: Installation, id: str, on: date) -> Policy:
    """Return the version that decides on day `on`: the approved one, else the library's present text.

    Of a retired policy whose file has left the library it is the version that was approved last.
    """
    approved = approved_policies(installation.ledger, on).get(id)
    present = installation.library.policies.get(id)
    if present is None and approved is None and id in retired_policies(installation.ledger, on):
        approved = [one for one in all_approvals(installation.ledger) if one.policy == id][-1]
    if approved is None or (present is not None and present.version == approved.version):
        return policy_of(installation, id)
    return read_policy_text(version_text(installation.ledger, approved.version), installation.catalog.vocabulary, id)


def explain_subject(installation: Installation, text: str, id: str, on: date, say: Speech, *, as_json: bool) -> None:
    """Print the explanation of one policy for one subject."""
    subject = subject_of(installation.home, text)
    policy = deciding_policy(installation, id, on)
    words = not_in_use(installation, policy, on)
    found = [
        replace(each, not_in_use=words)
        for each in explain(installation, installation.snapshot(on), policy, subject, on)
    ]
    if as_json:
        print_json(found)
        return
    if not found:
        console.print(say("没有可判定的条目。", "there is no unit to decide."))
    for each in found:
        print_explained(each, (say.language,))


def not_in_use(installation: Installation, policy: Policy, on: date) -> Bilingual | None:
    """Return why no run decides by this policy on the day, or None: retired, not approved, or not in force."""
    retired = retired_policies(installation.ledger, on).get(policy.id)
    rest = Bilingual(
        "不再据此兑现，这里只是规则会怎样判", "nobody is granted anything by it; this is what the rule would say"
    )
    if retired is not None:
        return Bilingual(
            f"本政策自 {retired.since} 起停用（{retired.by}：{retired.reason}）：{rest.zh}",
            f"the policy is retired since {retired.since} (by {retired.by}: {retired.reason}): {rest.en}",
        )
    if policy.id not in approved_policies(installation.ledger, on):
        return Bilingual(f"本政策没有已审批的版本：{rest.zh}", f"no version of the policy is approved: {rest.en}")
    if not is_in_force(policy, on):
        return Bilingual(f"本政策在 {on} 不在施行期内：{rest.zh}", f"the policy is not in force on {on}: {rest.en}")
    return None


def print_explained(explained: Explained, languages: Sequence[Language]) -> None:
    """Print one explained decision in each of the languages."""
    for language in languages:
        console.print(to_tree(explained, language))


def to_tree(explained: Explained, language: Language) -> Tree:
    """Return the explanation as a tree for the terminal."""

    def say(zh: str, en: str) -> str:
        return zh if language == "zh" else en

    found = explained.explanation
    zh, en, colour = _OUTCOMES[found.outcome]
    amount = ""
    if found.amount is not None:
        amount = f"  {_yuan(found.amount)} {say('元', 'yuan')}"
    if found.left is not None and found.left != found.amount:
        amount += say(f" → 上限之后 {_yuan(found.left)} 元", f" → {_yuan(found.left)} yuan after the ceilings")
    unit = f" · {escape(explained.unit)}" if explained.unit else ""
    tree = Tree(
        f"[bold]{escape(found.title.in_language(language))}[/bold] · {found.on} · {explained.subject[:12]}…{unit}\n"
        f"[{colour}]{say(zh, en)}[/{colour}]{amount}   [dim]{escape('; '.join(found.basis))}[/dim]"
    )
    if explained.not_in_use is not None:
        tree.add(f"[yellow]{escape(explained.not_in_use.in_language(language))}[/yellow]")
    _add(tree, found.root, language)
    if found.amount_steps:
        steps = tree.add(say("金额怎样算出", "how the amount comes about"))
        for step in found.amount_steps:
            steps.add(_value(step, language))
    if found.ceilings or found.waits is not None:
        _add_ceilings(tree, found, language)
    if found.judgement is not None:
        reason = escape(found.judgement.in_language(language))
        tree.add(f"[cyan]{say('只是线索，由主管机关决定', 'a hint only; the authority decides')}[/cyan]: {reason}")
    if found.duty is not None:
        day = f"  {say('期限', 'due')} {found.duty.due}" if found.duty.due is not None else ""
        tree.add(f"{say('此后的义务', 'to be done later')}: {escape(found.duty.words.in_language(language))}{day}")
    if found.outlook is not None:
        add_outlook(tree, found.outlook, language)
    return tree


def _add_ceilings(tree: Tree, found: Explanation, language: Language) -> None:
    branch = tree.add("累计上限" if language == "zh" else "at most over several grants")
    for one in found.ceilings:
        clause = f"  [dim]〔{escape(one.clause)}〕[/dim]" if one.clause else ""
        values = branch.add(f"{escape(one.words.in_language(language))}{clause}")
        for value in one.values:
            values.add(f"[dim]{_value(value, language)}[/dim]")
    if found.waits is not None:
        branch.add(f"[yellow]{escape(found.waits.in_language(language))}[/yellow]")


def _yuan(amount: int) -> str:
    return f"{amount // 100:,}.{amount % 100:02d}"


def _add(tree: Tree, line: Line, language: Language) -> None:
    clause = f"  [dim]〔{escape(line.clause)}〕[/dim]" if line.clause else ""
    branch = tree.add(f"{_MARKS[line.result]} {escape(line.words.in_language(language))}{clause}")
    for value in line.values:
        branch.add(f"[dim]{_value(value, language)}[/dim]")
    for child in line.children:
        _add(branch, child, language)


def _value(value: ShownValue, language: Language) -> str:
    origin = ""
    if value.source is not None:
        day = f" {value.as_of}" if value.as_of is not None else ""
        event = f", {escape(value.event.in_language(language))}" if value.event is not None else ""
        origin = f"  ({escape(value.source.in_language(language))}{event}{day})"
    return f"{escape(value.title.in_language(language))}: {escape(value.value.in_language(language))}{origin}"


def sample_decisions(installation: Installation, on: date, report: RunReport) -> list[Explained]:
    """Return a yes, a no and an undetermined decision of one policy of the run, the one that says most."""
    snapshot = installation.snapshot(on)
    vocabulary = installation.catalog.vocabulary
    for id in _by_interest(report):
        policy = deciding_policy(installation, id, on)
        fixed = fix(policy, vocabulary, on)
        for bucket in snapshot.buckets:
            outcomes = decide_all([fixed], snapshot.bucket(bucket), vocabulary).outcomes(id)
            chosen = [
                outcomes.filter(wanted).row(0, named=True)
                for wanted in (pl.col("eligible"), ~pl.col("eligible"), pl.col("eligible").is_null())
                if outcomes.filter(wanted).height
            ]
            if len(chosen) == 3:
                return [
                    explained
                    for row in chosen
                    for explained in explain(installation, snapshot, policy, row["subject"], on)
                    if explained.unit == row["unit"]
                ]
    return []


def _by_interest(report: RunReport) -> Iterator[str]:
    """Yield policies with all three outcomes, those with the most matches first."""
    told = [each for each in report.policies if each.matched and each.undetermined and each.ineligible]
    yield from (each.policy for each in sorted(told, key=lambda each: -each.matched))
