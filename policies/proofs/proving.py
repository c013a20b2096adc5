"""All that is asked about one policy."""

from __future__ import annotations

from datetime import date

from policies.examples import Decide
from policies.fixing import fix
from policies.policy import Policy
from policies.proofs.conditions import (
    ask_always,
    ask_answer,
    ask_effect,
    ask_never,
    eligible,
    granted,
)
from policies.proofs.dates import other_days, proof_day
from policies.proofs.monotony import ask_monotone
from policies.proofs.questions import Found
from policies.proofs.report import Finding, ProofReport, Verdict
from policies.proofs.searching import Search
from policies.proofs.tiers import ask_amount, ask_tiers
from policies.proofs.verdicts import Verdicts
from policies.text import Bilingual
from policies.vocabulary import Vocabulary

TIMEOUT_MS = 5_000


def prove(
    policy: Policy,
    vocabulary: Vocabulary,
    on: date,
    decide: Decide,
    *,
    timeout_ms: int = TIMEOUT_MS,
    only_extremes: bool = False,
) -> ProofReport:
    """Ask everything about a policy as it is on the day `on` (or the nearest day on which it is in force).

    `decide` is the engine that confirms every sample person; `timeout_ms` limits one search of the solver,
    of which a hard question takes a few.
    With `only_extremes` nothing is asked but whether the policy can never hold or always holds, which is
    what an approval needs to know. All data are taken to be known and within the bounds of the catalog;
    indicators may have any value.
    """
    day = proof_day(policy, on)
    search = Search(vocabulary, (fix(policy, vocabulary, day),), decide, timeout_ms)
    verdicts = Verdicts()
    ask_never(search, verdicts)
    ask_always(search, verdicts)
    extreme = bool(verdicts.findings)
    if verdicts.by_question["never"] is Verdict.REFUTED:
        _look_at_other_days(policy, search, day, verdicts)
    if not extreme and not only_extremes:
        for number in range(len(search.general.policies[0].leaves)):
            ask_effect(search, verdicts, number)
        ask_answer(search, verdicts)
        ask_tiers(search, verdicts)
        ask_amount(search, verdicts)
        ask_monotone(search, verdicts)
    return ProofReport(
        policy.id, policy.version, day, verdicts.by_question, tuple(verdicts.findings), tuple(verdicts.undecided)
    )


def _look_at_other_days(policy: Policy, search: Search, day: date, verdicts: Verdicts) -> None:
    """A rule of the season, or one whose parameters change, is not impossible because of the day looked at."""
    impossible = verdicts.findings[0]
    for other in other_days(policy, day):
        there = Search(search.vocabulary, (fix(policy, search.vocabulary, other),), search.decide, search.timeout_ms)
        if there.nobody(eligible) is not Found.SOMEBODY:
            continue
        outcome = there.look(eligible, granted)
        if outcome.verdict is not Verdict.REFUTED:
            continue
        verdicts.by_question["never"] = Verdict.PROVED
        message = Bilingual(
            f"{day} 没有人能符合，{other} 才有：{impossible.message.zh}",
            f"nobody can be eligible on {day}, but somebody can on {other}: {impossible.message.en}",
        )
        verdicts.findings[0] = Finding(
            "not-on-this-day", "note", message, impossible.clauses, impossible.place, outcome.samples
        )
        return
