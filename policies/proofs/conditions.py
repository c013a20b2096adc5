"""Findings about the eligibility: it can never hold, always holds, or has a condition without effect."""

from __future__ import annotations

from collections.abc import Sequence

from policies.policy import Condition
from policies.proofs.bounds import is_partial
from policies.proofs.clauses import amount_clause, clause_of, listed
from policies.proofs.encoding import EncodedPolicy
from policies.proofs.involved import differs, involved, loose_leaves
from policies.proofs.report import Finding, Sample, Verdict
from policies.proofs.searching import Search
from policies.proofs.terms import Formula, both, negated
from policies.proofs.verdicts import Verdicts
from policies.text import Bilingual
from policies.tree import walk

NEVER = Bilingual("有没有人能符合", "whether anybody can be eligible")
ALWAYS = Bilingual("有没有人会不符合", "whether anybody can be refused")


def eligible(policies: Sequence[EncodedPolicy]) -> Formula:
    """Somebody is granted."""
    return policies[0].eligible


def not_met(policies: Sequence[EncodedPolicy]) -> Formula:
    """Somebody does not meet the condition."""
    return negated(policies[0].condition.true)


def granted(samples: Sequence[Sample]) -> bool:
    """The engine grants."""
    return samples[0].outcome == "eligible"


def not_granted(samples: Sequence[Sample]) -> bool:
    """The engine does not grant."""
    return samples[0].outcome != "eligible"


def undetermined(samples: Sequence[Sample]) -> bool:
    """The engine has no answer, although it has all data."""
    return samples[0].outcome == "undetermined"


def ask_never(search: Search, verdicts: Verdicts) -> None:
    """Ask whether anybody at all can be eligible."""
    if "eligible" in search.of_examples:
        verdicts.free_of("never")
        return
    outcome = search.look(eligible, granted)
    if outcome.verdict is Verdict.REFUTED:
        verdicts.free_of("never")
    elif outcome.verdict is Verdict.PROVED:
        verdicts.found("never", _never_finding(search))
    else:
        verdicts.open("never", NEVER, outcome.reason)


def _never_finding(search: Search) -> Finding:
    """Return what makes the policy impossible: the clauses that contradict each other."""
    asked = search.general
    policy = asked.policies[0]
    loose, links = loose_leaves(policy)
    others = []
    if policy.amount is not None:
        others.append((policy.amount.known, amount_clause(policy.fixed)))
    clauses = involved(asked, policy.combined(loose).true, loose, links, others, search.timeout_ms)
    words = listed(clauses)
    message = Bilingual(f"没有人能符合：{words.zh}", f"nobody can ever be eligible: {words.en}")
    if len(clauses) > 1:
        message = Bilingual(f"没有人能符合，这些条件互相矛盾：{words.zh}",
                            f"nobody can ever be eligible; these contradict each other: {words.en}")  # fmt: skip
    return Finding("never", "error", message, clauses, clauses[0].place if clauses else policy.whole.place)


def ask_always(search: Search, verdicts: Verdicts) -> None:
    """Ask whether anybody can fail to meet the condition."""
    if "ineligible" in search.of_examples:
        verdicts.free_of("always")
        return
    outcome = search.look(not_met, not_granted)
    if outcome.verdict is Verdict.REFUTED:
        verdicts.free_of("always")
    elif outcome.verdict is Verdict.PROVED:
        verdicts.found("always", _always_finding(search))
    else:
        verdicts.open("always", ALWAYS, outcome.reason)


def _always_finding(search: Search) -> Finding:
    asked = search.general
    policy = asked.policies[0]
    loose, links = loose_leaves(policy)
    clauses = involved(asked, negated(policy.combined(loose).true), loose, links, (), search.timeout_ms)
    words = listed(clauses)
    message = Bilingual(
        f"条件对每个人都成立，谁也不会被排除：{words.zh}",
        f"the condition holds for everybody whose data are known; it excludes nobody: {words.en}",
    )
    return Finding("always", "error", message, clauses, clauses[0].place if clauses else policy.whole.place)


def ask_effect(search: Search, verdicts: Verdicts, number: int) -> None:
    """Ask whether leaving out the leaf with this number (from 0) would change anything for anybody."""
    leaf = search.general.policies[0].leaves[number][0]
    question = f"no-effect {number + 1}"
    own = clause_of(leaf)
    words = Bilingual(f"条件“{own.words.zh}”是否起作用", f"whether the condition `{own.text}` has an effect")

    def changes(policies: Sequence[EncodedPolicy]) -> Formula:
        policy = policies[0]
        return differs(policy.condition, policy.combined(without=policy.leaves[number][0]))

    outcome = search.exists(changes)
    if outcome.verdict is Verdict.REFUTED:
        verdicts.free_of(question)
    elif outcome.verdict is Verdict.NOT_DECIDED:
        verdicts.open(question, words, outcome.reason)
    else:
        verdicts.found(question, _effect_finding(search, leaf))


def _effect_finding(search: Search, leaf: Condition) -> Finding:
    asked = search.general
    policy = asked.policies[0]
    loose, links = loose_leaves(policy)
    claim = differs(policy.combined(loose), policy.combined(loose, without=leaf))
    clauses = involved(asked, claim, loose, links, (), search.timeout_ms)
    own = clause_of(leaf)
    others = tuple(one for one in clauses if one.place != own.place or one.text != own.text)
    words = listed(others)
    if others:
        message = Bilingual(
            f"条件“{own.words.zh}”不起作用，有了以下条件它不改变任何结果：{words.zh}",
            f"the condition `{own.text}` has no effect; these already decide it: {words.en}",
        )
    else:
        message = Bilingual(
            f"条件“{own.words.zh}”不起作用：它对每个人的结果都一样",
            f"the condition `{own.text}` has no effect; its answer is the same for everybody",
        )
    return Finding("no-effect", "warning", message, (own, *others), own.place)


def ask_answer(search: Search, verdicts: Verdicts) -> None:
    """Ask whether the condition can stay open for somebody whose data are all known."""
    partial = [
        clause_of(leaf)
        for leaf, _ in search.general.policies[0].leaves
        if leaf.expression is not None and any(is_partial(node) for node in walk(leaf.expression))
    ]
    if not partial:
        verdicts.free_of("no-answer")
        return

    def open_question(policies: Sequence[EncodedPolicy]) -> Formula:
        condition = policies[0].condition
        return both((negated(condition.true), negated(condition.false)))

    outcome = search.look(open_question, undetermined)
    words = listed(partial)
    message = Bilingual(
        f"数据齐全也可能无法判定（除以零、表中没有的键、空集合的最大最小值）：{words.zh}",
        "the condition can stay undetermined although all data are known (a division by zero, a key outside "
        f"its table, the extreme of no records): {words.en}",
    )
    finding = Finding("no-answer", "note", message, tuple(partial), partial[0].place, outcome.samples)
    question = Bilingual("数据齐全时是否总能判定", "whether known data always decide")
    verdicts.settle("no-answer", question, outcome, finding)
