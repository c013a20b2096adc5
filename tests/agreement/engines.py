"""Every engine behind one face: policies and a town in, the same answers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.columnar import decide_all
from engine.decision import Decision, Outcome
from engine.durable_engine import DurableEngine
from engine.interpreter import claim_key_and_need, decide_units
from engine.matches import Matches
from engine.pandas_door import decide_frame
from engine.undetermined_rows import settling_rows
from policies.policy import FixedPolicy
from tests.agreement.town_vocabulary import VOCABULARY
from tests.agreement.towns import Town

Key = tuple[str, str, str]  # policy, subject, unit
OUTCOMES = {True: Outcome.ELIGIBLE, False: Outcome.INELIGIBLE, None: Outcome.UNDETERMINED}


@dataclass(frozen=True)
class Answer:
    """What all engines must agree on."""

    outcome: Outcome
    amount: int | None
    settled_by: tuple[str, ...]


Answers = dict[Key, Answer]


def answer(decision: Decision) -> Answer:
    """Return what a decision answers."""
    return Answer(decision.outcome, decision.amount, decision.settled_by)


def by_interpreter(fixed: Sequence[FixedPolicy], town: Town) -> Answers:
    """Return the answers of the reference."""
    return {
        (one.policy.id, subject, unit): answer(decision)
        for one in fixed
        for subject in town.subjects[one.policy.space]
        for unit, decision in decide_units(one, town.facts(one.policy.space, subject))
    }


def from_matches(matches: Matches, fixed: Sequence[FixedPolicy]) -> Answers:
    """Return the answers of a batch; the errors of policies are raised."""
    found: Answers = {}
    for one in fixed:
        policy = one.policy.id
        settled = {row[:2]: tuple(row[2]) for row in settling_rows(matches, policy).iter_rows()}
        for subject, unit, eligible, amount in matches.outcomes(policy).iter_rows():
            found[policy, subject, unit] = Answer(OUTCOMES[eligible], amount, settled.get((subject, unit), ()))
    return found


def by_columns(fixed: Sequence[FixedPolicy], town: Town) -> Answers:
    """Return the answers of the columnar compiler on Polars."""
    return from_matches(decide_all(fixed, town.population(), VOCABULARY), fixed)


def by_pandas(fixed: Sequence[FixedPolicy], town: Town) -> Answers:
    """Return the answers of the columnar compiler, entered and left through pandas."""
    found: Answers = {}
    for space in sorted({one.policy.space for one in fixed}):
        frame, related = town.frames(space)
        mine = [one.policy for one in fixed if one.policy.space == space]
        rows = decide_frame(frame, mine, VOCABULARY, fixed[0].on, space=space, related=related)
        amounts = rows["amount_fen"].astype(object).where(rows["amount_fen"].notna(), None)
        columns = (rows["policy"], rows["subject"], rows["unit"], rows["outcome"], amounts, rows["settled_by"])
        for policy, subject, unit, outcome, amount, settled_by in zip(*columns, strict=True):
            fen = None if amount is None else int(amount)
            found[policy, subject, unit] = Answer(Outcome(outcome), fen, settled_by)
    return found


def claims_by_interpreter(fixed: Sequence[FixedPolicy], town: Town) -> dict[Key, tuple[str | None, int | None]]:
    """Return claim key and need of every eligible unit, from the reference."""
    found = {}
    for one in fixed:
        for subject in town.subjects[one.policy.space]:
            facts = town.facts(one.policy.space, subject)
            units = {"": None} if one.policy.for_each is None else {
                str(unit.id): unit for unit in facts.items((one.policy.for_each,)) or ()
            }  # fmt: skip
            for unit, decision in decide_units(one, facts):
                if decision.outcome is Outcome.ELIGIBLE:
                    found[one.policy.id, subject, unit] = claim_key_and_need(one, facts, units[unit])
    return found


def claims_by_columns(fixed: Sequence[FixedPolicy], town: Town) -> dict[Key, tuple[str | None, int | None]]:
    """Return claim key and need of every eligible unit, from the batch."""
    matches = decide_all(fixed, town.population(), VOCABULARY)
    return {
        (one.policy.id, row["subject"], row["unit"]): (row["claim_key"], row["need"])
        for one in fixed
        for row in matches.rows(one.policy.id).iter_rows(named=True)
    }


def by_durable_rules(fixed: Sequence[FixedPolicy], town: Town) -> Answers:
    """Return the answers of durable-rules; those of policies that it refuses are the reference's."""
    with DurableEngine(fixed, VOCABULARY) as engine:
        found = by_interpreter([one for one in fixed if one.policy.id in engine.refused], town)
        for space in {one.policy.space for one in fixed}:
            subjects = list(town.subjects[space])
            answered = engine.decide_many([town.facts(space, one) for one in subjects], space=space)
            for subject, answers in zip(subjects, answered, strict=True):
                for policy, unit, verdict in answers:
                    found[policy, subject, unit] = Answer(verdict.outcome, verdict.amount, verdict.settled_by)
    return found
