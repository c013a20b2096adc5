"""`mianshen explain`: why a policy says yes, no or undetermined, condition by condition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
from rich.markup import escape
from rich.tree import Tree

from engine.columnar import decide_all
from engine.decision import Decision, Facts, Outcome
from engine.installation import Installation
from engine.interpreter import decide_units
from engine.ledger.approvals import approved_policies, version_text
from engine.past_grants import facts_with_past_grants
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
    """One decision for one subject (and unit), explained."""

    subject: str
    unit: str
    explanation: Explanation


def explain(installation: Installation, snapshot: Snapshot, policy: Policy, subject: str, on: date) -> list[Explained]:
    """Return the decision of `policy` for every unit of one subject. Raises StoreError for an unknown subject."""
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

    facts = facts_with_past_grants(snapshot.facts(policy.space, subject), subject, installation.ledger)
    events = _told_by_events(installation, snapshot, policy, subject)
    units = {} if policy.for_each is None else {_id_of(unit): unit for unit in facts.items((policy.for_each,)) or ()}

    def explained(unit: str, decision: Decision) -> Explained:
        ahead = outlook_of(fixed, decision, facts, units.get(unit), catalog.vocabulary, agencies)
        told = explanation_of(policy, fixed, decision, catalog.vocabulary, as_of, agencies, ahead, events)
        return Explained(subject, unit, told)

    return [explained(unit, decision) for unit, decision in decide_units(fixed, facts)]


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
    """Return the version that decides on day `on`: the approved one, else the library's present text."""
    approved = approved_policies(installation.ledger, on).get(id)
    present = installation.library.policies.get(id)
    if approved is None or (present is not None and present.version == approved.version):
        return policy_of(installation, id)
    return read_policy_text(version_text(installation.ledger, approved.version), installation.catalog.vocabulary, id)


def explain_subject(installation: Installation, text: str, id: str, on: date, say: Speech, *, as_json: bool) -> None:
    """Print the explanation of one policy for one subject."""
    subject = subject_of(installation.home, text)
    policy = deciding_policy(installation, id, on)
    found = explain(installation, installation.snapshot(on), policy, subject, on)
    if as_json:
        print_json(found)
        return
    if not found:
        console.print(say("没有可判定的条目。", "there is no unit to decide."))
    for each in found:
        print_explained(each, (say.language,))


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
        amount = f"  {found.amount // 100:,}.{found.amount % 100:02d} {say('元', 'yuan')}"
    unit = f" · {escape(explained.unit)}" if explained.unit else ""
    tree = Tree(
        f"[bold]{escape(found.title.in_language(language))}[/bold] · {found.on} · {explained.subject[:12]}…{unit}\n"
        f"[{colour}]{say(zh, en)}[/{colour}]{amount}   [dim]{escape('; '.join(found.basis))}[/dim]"
    )
    _add(tree, found.root, language)
    if found.amount_steps:
        steps = tree.add(say("金额怎样算出", "how the amount comes about"))
        for step in found.amount_steps:
            steps.add(_value(step, language))
    if found.judgement is not None:
        reason = escape(found.judgement.in_language(language))
        tree.add(f"[cyan]{say('只是线索，由主管机关决定', 'a hint only; the authority decides')}[/cyan]: {reason}")
    if found.duty is not None:
        day = f"  {say('期限', 'due')} {found.duty.due}" if found.duty.due is not None else ""
        tree.add(f"{say('此后的义务', 'to be done later')}: {escape(found.duty.words.in_language(language))}{day}")
    if found.outlook is not None:
        add_outlook(tree, found.outlook, language)
    return tree


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
