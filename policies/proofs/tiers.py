"""Findings about the amount: tiers out of reach or overlapping, no amount at all, nothing to grant."""

from __future__ import annotations

from collections.abc import Sequence

from policies.proofs.bounds import is_partial
from policies.proofs.clauses import amount_clause, tier_clause
from policies.proofs.clauses import listed as words_of
from policies.proofs.conditions import granted, undetermined
from policies.proofs.encoding import EncodedPolicy
from policies.proofs.involved import involved, loose_leaves
from policies.proofs.questions import Found
from policies.proofs.report import Clause, Finding, Sample, Verdict
from policies.proofs.searching import Search
from policies.proofs.terms import YES, Formula, both, negated
from policies.proofs.verdicts import Verdicts
from policies.text import Bilingual
from policies.tree import walk


def reaches(policy: EncodedPolicy, number: int) -> list[Formula]:
    """Return what leads to a tier: those before it do not apply, and it does."""
    earlier = [when.false for when in policy.whens[:number] if when is not None]
    own = policy.whens[number]
    return [*earlier, YES if own is None else own.true]


def ask_tiers(search: Search, verdicts: Verdicts) -> None:
    """Ask of each tier whether anybody reaches it, and of each pair whether they compete."""
    fixed = search.fixed[0]
    reached = []
    for number in range(len(fixed.tiers)):
        if _ask_reached(search, verdicts, number):
            reached.append(number)
    for later in reached:
        for earlier in (one for one in reached if one < later):
            if fixed.tiers[later].when is not None:
                _ask_overlap(search, verdicts, earlier, later)


def _ask_reached(search: Search, verdicts: Verdicts, number: int) -> bool:
    question = f"tier-never-reached {number + 1}"
    own = tier_clause(search.fixed[0], number)

    def somebody(policies: Sequence[EncodedPolicy]) -> Formula:
        return both((policies[0].condition.true, *reaches(policies[0], number)))

    outcome = search.exists(somebody)
    if outcome.verdict is Verdict.REFUTED:
        verdicts.free_of(question)
    elif outcome.verdict is Verdict.NOT_DECIDED:
        words = Bilingual(f"{own.words.zh}能否轮到", f"whether {own.words.en} can be reached")
        verdicts.open(question, words, outcome.reason)
    else:
        verdicts.found(question, _unreached(search, number, own))
    return outcome.verdict is not Verdict.PROVED


def _unreached(search: Search, number: int, own: Clause) -> Finding:
    asked = search.general
    policy = asked.policies[0]
    fixed = policy.fixed
    loose, links = loose_leaves(policy)
    before = [one for one in range(number) if policy.whens[one] is not None]
    parts = reaches(policy, number)
    tiers = [*(tier_clause(fixed, one) for one in before), own]
    others = list(zip(parts, tiers, strict=True))
    clauses = involved(asked, policy.combined(loose).true, loose, links, others, search.timeout_ms)
    rest = tuple(one for one in clauses if one is not own)
    words = words_of(rest)
    if rest:
        message = Bilingual(
            f"{own.words.zh}永远轮不到，因为：{words.zh}",
            f"{own.words.en} can never be reached because of: {words.en}",
        )
    else:
        message = Bilingual(
            f"{own.words.zh}永远轮不到：它的条件对谁都不成立",
            f"{own.words.en} can never be reached: its condition holds for nobody",
        )
    return Finding("tier-never-reached", "warning", message, (own, *rest), own.place)


def _ask_overlap(search: Search, verdicts: Verdicts, earlier: int, later: int) -> None:
    """Bands that lie within each other (under 70, under 80) are meant; those that cross are worth a look."""
    question = f"tiers-overlap {earlier + 1} {later + 1}"

    def within(policies: Sequence[EncodedPolicy]) -> Formula:
        one, other = policies[0].whens[earlier], policies[0].whens[later]
        assert one is not None and other is not None
        return both((policies[0].condition.true, one.true, negated(other.true)))

    if search.nobody(within) is Found.NOBODY:
        verdicts.free_of(question)
        return

    def competing(policies: Sequence[EncodedPolicy]) -> Formula:
        policy = policies[0]
        other = policy.whens[later]
        assert other is not None
        first, second = policy.amounts[earlier], policy.amounts[later]
        differ = both((first.known, second.known, first.value != second.value))
        return both((policy.condition.true, *reaches(policy, earlier), other.true, differ))

    outcome = search.look(competing, granted)
    clauses = (tier_clause(search.fixed[0], earlier), tier_clause(search.fixed[0], later))
    words = words_of(clauses)
    message = Bilingual(
        f"两档对同一个人都成立而金额不同，由先后次序决定：{words.zh}",
        f"two tiers apply to one person with different amounts; their order decides: {words.en}",
    )
    finding = Finding("tiers-overlap", "note", message, clauses, clauses[1].place, outcome.samples)
    verdicts.settle(
        question, Bilingual(f"两档是否重叠：{words.zh}", f"whether these overlap: {words.en}"), outcome, finding
    )


def ask_amount(search: Search, verdicts: Verdicts) -> None:
    """Ask whether somebody who meets the condition gets no amount, or an amount of nothing."""
    fixed = search.fixed[0]
    if fixed.amount is None:
        return
    clause = amount_clause(fixed)
    if any(is_partial(node) for node in walk(fixed.amount)):
        _ask_gap(search, verdicts, clause)
    else:
        verdicts.free_of("no-amount")

    def nothing(policies: Sequence[EncodedPolicy]) -> Formula:
        policy = policies[0]
        assert policy.amount is not None
        return both((policy.condition.true, policy.amount.known, policy.amount.value == 0))

    def grants_nothing(samples: Sequence[Sample]) -> bool:
        return granted(samples) and samples[0].amount == 0

    outcome = search.look(nothing, grants_nothing)
    message = Bilingual(
        f"有人符合条件而金额为零：{clause.words.zh}", f"somebody is eligible for an amount of zero: {clause.words.en}"
    )
    finding = Finding("nothing-granted", "note", message, (clause,), clause.place, outcome.samples)
    question = Bilingual("符合条件的人金额是否总大于零", "whether everybody eligible gets more than zero")
    verdicts.settle("nothing-granted", question, outcome, finding)


def _ask_gap(search: Search, verdicts: Verdicts, clause: Clause) -> None:
    def gap(policies: Sequence[EncodedPolicy]) -> Formula:
        policy = policies[0]
        assert policy.amount is not None
        return both((policy.condition.true, negated(policy.amount.known)))

    outcome = search.look(gap, undetermined)
    message = Bilingual(
        f"有人符合全部条件，却算不出金额（表中没有的键、除以零或空集合）：{clause.words.zh}",
        "somebody meets every condition and yet has no amount (a key outside its table, a division by zero, "
        f"no records): {clause.words.en}",
    )
    finding = Finding("no-amount", "warning", message, (clause,), clause.place, outcome.samples)
    question = Bilingual("符合条件的人是否都算得出金额", "whether everybody eligible has an amount")
    verdicts.settle("no-amount", question, outcome, finding)
