"""Whom the second opinion looks at, and what the batch answered for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from engine.matches import Matches, PolicyResult
from engine.matching import Answers
from engine.opinion_deciding import Given

# Of each of yes, no and undetermined, so many of every policy are looked at in a run (if there are so many):
# a sample of everybody would hardly ever meet what is rare.
OF_EACH_ANSWER = 100


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses by a hash of the pseudonym, so that a run chooses the same subjects each time it is tried.

    `of_everybody` is how many subjects are chosen of one space in one part (bucket) of it, None for all;
    `of_each` how many of each answer are added for one policy; `seed` is the run's own.
    """

    seed: int
    of_everybody: int | None
    of_each: int

    def sample(self, subjects: pl.Series) -> pl.Series:
        """Return the part of `subjects` that is looked at for every policy."""
        return self._first(subjects, self.of_everybody)

    def added(self, answers: Answers, policy: str, chosen: pl.Series) -> pl.Series:
        """Return subjects to look at besides `chosen`, so that each answer of the policy is met often enough."""
        if self.of_everybody is None:
            return chosen.clear()
        if not isinstance(answers, Matches):
            return self._more(answers.rows(policy)["subject"], chosen)
        result = answers.result(policy)
        if result.frame is None:
            return chosen.clear()
        kept = result.kept if result.kept is not None else pl.repeat(True, len(result.eligible), eager=True)
        found = [
            self._more(result.frame["subject"].filter(mask & kept), chosen)
            for mask in (result.eligible.fill_null(False), result.eligible.is_null(), ~result.eligible.fill_null(True))
        ]
        return pl.concat(found).unique()

    def _more(self, having: pl.Series, chosen: pl.Series) -> pl.Series:
        """Return as many of `having` as `chosen` has too few of them."""
        if having.len() > 50 * self.of_each and chosen.len() > 20 * self.of_each:
            already = having.is_in(chosen.implode()).sum()
            if already >= self.of_each:
                return having.clear()
        distinct = having.unique()
        lacking = self.of_each - int(distinct.is_in(chosen.implode()).sum())
        if lacking <= 0:
            return having.clear()
        return self._first(distinct.filter(~distinct.is_in(chosen.implode())), lacking)

    def _first(self, subjects: pl.Series, number: int | None) -> pl.Series:
        if number is None or subjects.len() <= number:
            return subjects
        hashed = subjects.to_frame("subject").with_columns(drawn=pl.col("subject").hash(self.seed))
        return hashed.bottom_k(number, by=["drawn", "subject"])["subject"]


def given_answers(answers: Answers, policy: str, chosen: pl.Series) -> tuple[Given, bool]:
    """Return what the batch answered for the chosen subjects, and whether no and undetermined are told apart.

    An engine that only hands over who is eligible (a cluster) gives no answer for the others.
    """
    if isinstance(answers, Matches):
        return _of_result(answers.result(policy), chosen), True
    rows = answers.rows(policy).filter(pl.col("subject").is_in(chosen.implode()))
    return {(row["subject"], row["unit"]): (True, row["amount"]) for row in rows.iter_rows(named=True)}, False


def _of_result(result: PolicyResult, chosen: pl.Series) -> Given:
    if result.frame is None:
        return {(subject, ""): (None, None) for subject in chosen.to_list()}
    mask = result.frame["subject"].is_in(chosen.implode())
    if result.kept is not None:
        mask = mask & result.kept
    where = mask.arg_true()
    eligible = result.eligible.gather(where)
    constant = result.program.constant_amount
    amounts = pl.repeat(constant, len(where), dtype=pl.Int64, eager=True)
    if result.amount is not None:
        # Amounts are listed for the eligible rows alone: the n-th of them belongs to the n-th yes.
        place = result.eligible.fill_null(False).cast(pl.Int64).cum_sum().gather(where) - 1
        amounts = result.amount.gather(pl.select(pl.when(eligible).then(place)).to_series())
    subjects = result.frame["subject"].gather(where).to_list()
    units = [""] * len(subjects)
    if result.program.fixed.policy.for_each is not None:
        units = result.frame["unit"].gather(where).to_list()
    return {
        (subject, unit): (yes, amount if yes else None)
        for subject, unit, yes, amount in zip(subjects, units, eligible.to_list(), amounts.to_list(), strict=True)
    }


def seed_of(on: date, policies: Sequence[tuple[str, str]], versions: Mapping[str, int]) -> int:
    """Return the seed of a run: the same policies (id, version) on the same day and data draw the same subjects."""
    text = json.dumps([on.isoformat(), sorted(policies), sorted(versions.items())], ensure_ascii=False)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
