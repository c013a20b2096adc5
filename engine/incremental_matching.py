"""Matching in proportion to what has changed.

A policy that a finished run has already decided, in the same version and for the same period, is decided anew
only for those for whom something has changed since. Everybody else's answer is what it was, and with it the
ledger: whoever qualified then has been granted it, or waits and is therefore decided anew. The totals are those
of the earlier run, less what the chosen ones came to then, plus what they come to now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from engine.change_index import ChangeIndex
from engine.columnar import Compiled
from engine.grants_seen import grants_seen
from engine.ledger.earlier import PastGrants
from engine.ledger.who_waits import WhoWaits
from engine.matches import Matches
from engine.matching import (
    WITH_EVIDENCE,
    Matcher,
    Profiles,
    Progress,
    Spill,
    Totals,
    candidates_of,
    columnar_matcher,
    fixed_policies,
    match_everybody,
)
from engine.past_grants import WithPastGrants
from engine.planning import Plan
from engine.quiet_ledger import nothing_to_settle, terms_digest
from engine.redeciding import Anew, Because, Finder, Group, Redeciding, Reopen
from engine.restricted_population import RestrictedPopulation
from engine.run_basis import Basis
from engine.second_opinion import SecondOpinion
from policies.policy import FixedPolicy
from policies.vocabulary import Vocabulary
from profiles.fault_points import fault_point
from profiles.snapshot import Snapshot
from profiles.store import bucket_expression

_AT_ONCE = 100_000  # subjects picked out of several buckets that are decided together


@dataclass(frozen=True, slots=True)
class Redecided:
    """For how many subjects a decision could have changed, and why. `everybody`: for all that there are."""

    subjects: int
    because: tuple[Because, ...]
    everybody: bool


@dataclass(slots=True)
class Matched:
    """What matching found. `picked` holds, for policies that were not decided for everybody, for whom.

    `seen` is the number of the last audit row when the ledger was read. `still_waiting` counts, by policy and
    reason, those who wait as they did and were not even made candidates.
    """

    totals: dict[str, Totals]
    redecided: dict[str, Redecided] = field(default_factory=dict)
    picked: dict[str, pl.Series] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)
    seen: int = 0
    still_waiting: dict[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Matching:
    """What one run matches, and with what.

    `waiting` knows who waits for one of the policies; `recorded` gives `policy` and `subject` of those to whom this
    very run had granted one before it was interrupted.
    """

    plan: Plan
    profiles: Profiles
    vocabulary: Vocabulary
    past: PastGrants
    spill: Spill
    bases: Mapping[str, Basis]
    waiting: WhoWaits
    recorded: Callable[[], pl.DataFrame]
    reopen: Reopen | None = None
    on_progress: Progress | None = None
    matcher: Matcher = columnar_matcher
    full: bool = False
    opinion: SecondOpinion | None = None


def match_what_changed(matching: Matching) -> Matched:
    """Match all planned policies, each for everybody or for those concerned; put the candidates aside.

    Raises StoreError if the store cannot be read.
    """
    plan, vocabulary = matching.plan, matching.vocabulary
    matched = Matched({item.id: Totals() for item in plan.policies})
    fixed = {one.policy.id: one for one in fixed_policies(plan, vocabulary, matched.totals)}
    # Only grants that a rule of this run can take notice of are read.
    matching = replace(matching, past=matching.past.only(grants_seen(one.policy for one in fixed.values())))
    index = ChangeIndex({name: one.policy for name, one in fixed.items()}, vocabulary)
    planned = {item.id: item for item in plan.policies}
    finder = Finder(
        planned,
        fixed,
        matching.bases,
        matching.past,
        matching.profiles,
        vocabulary,
        index,
        matching.reopen,
        matching.on_progress,
    )
    matched.fingerprints = {name: finder.fingerprint(one) for name, one in fixed.items()}
    matched.seen = matching.past.seen
    asked = Redeciding({name: Anew.everybody(Because.ASKED) for name in fixed})
    found = asked if matching.full else finder.find()
    if not matching.full and found.nobody and nothing_to_settle(plan, matching.bases, matching.past):
        matched.still_waiting = {name: basis.waiting for name, basis in matching.bases.items()}
    else:
        _add_waiting(matching, finder, found)
    if matching.opinion is not None:
        subjects = _to_decide(matching, found, fixed)
        matching.opinion.prepare(list(fixed.values()), matching.profiles, subjects, matching.spill.folder)
    fault_point("changes-found")
    frames = []
    for group in found.groups:
        frames += list(_decide_group(matching, matched, group, found, fixed))
    if matched.picked:
        matched.still_waiting |= matching.waiting.left(matched.picked)
    everybody = [one for name, one in fixed.items() if found.anew[name].subjects is None]
    match_everybody(
        everybody,
        matching.profiles,
        vocabulary,
        matching.past,
        matching.spill,
        matched.totals,
        matching.on_progress,
        matcher=matching.matcher,
    )
    for one in everybody:
        name = one.policy.id
        because = tuple(found.anew[name].because)
        matched.redecided[name] = Redecided(matched.totals[name].subjects, because, True)
    _put_aside(matching, frames)
    return matched


def _to_decide(matching: Matching, found: Redeciding, fixed: Mapping[str, FixedPolicy]) -> int:
    """Return about how many subjects are decided, each counted once."""
    whole = {fixed[name].policy.space for name, one in found.anew.items() if one.subjects is None}
    picked = [_picked(group, found, [fixed[name] for name in group.names]) for group in found.groups]
    some = sum(subjects.len() for each in picked for space, subjects in each.items() if space not in whole)
    return some + sum(matching.profiles.count(space) for space in whole)


def _add_waiting(matching: Matching, finder: Finder, found: Redeciding) -> None:
    """Have those who wait decided anew; but not those who wait behind another benefit that still counts.

    Nothing that decides the latter may have moved since: neither stages of grants, nor the terms of allocation, nor,
    as they are decided if it has, what is known of them.
    """
    if not found.groups:
        return
    terms = terms_digest(matching.plan)
    lasting = [
        name
        for group in found.groups
        for name in group.names
        if (basis := matching.bases[name]).terms == terms and matching.past.runs_since(basis.seen) is not None
    ]
    # Being granted ends the waiting: what this run has recorded is read last.
    waiting = matching.waiting.to_decide(lasting)
    finder.add_waiting(found, pl.concat([waiting, matching.recorded()]))


def _decide_group(
    matching: Matching, matched: Matched, group: Group, found: Redeciding, fixed: Mapping[str, FixedPolicy]
) -> Iterator[pl.DataFrame]:
    """Decide the policies of one group for all whom any of them is about; yield the candidates."""
    picked = _picked(group, found, [fixed[name] for name in group.names])
    asked = [one for name in group.names if (one := fixed[name]).policy.space in picked]
    now = _State(Compiled(asked, matching.vocabulary), group.after, matching.past)
    then = _as_it_was(matching, matched, group, found, now)
    added = {name: Totals() for name in group.names}
    taken = {name: Totals() for name in group.names}
    about = {name: these for name in group.names if (these := found.anew[name].subjects) is not None}
    parts = 1 + sum(subjects.len() for subjects in picked.values()) // _AT_ONCE
    candidates: list[pl.DataFrame] = []
    # Portion by portion, now and then: most of what is read for the one is what is read for the other.
    for portion in _portions(picked, group.after.bucket_count):
        population, answers = now.decide(portion)
        if matching.opinion is not None:
            matching.opinion.look(asked, population, answers, parts, about)
        candidates += [candidates_of(one, answers, added[one.policy.id]) for one in asked]
        if then is not None:
            _, answers = then.decide(portion)
            for one in then.compiled.fixed:
                candidates_of(one, answers, taken[one.policy.id])
    doubtful = set()
    for name in group.names:
        error = added[name].error
        less = added[name] if group.same_data else taken[name]
        total = None if less.error else _reckoned(matching.bases[name].totals, less, added[name])
        if error:
            matched.totals[name].error = error
        elif total is None:
            found.anew[name] = Anew.everybody(Because.UNSURE)
            doubtful.add(name)
            continue
        else:
            matched.totals[name] = total
        matched.picked[name] = picked.get(fixed[name].policy.space, pl.Series("subject", [], dtype=pl.String))
        own = found.anew[name]
        because = tuple(sorted(own.because, key=lambda one: one.value))
        matched.redecided[name] = Redecided(own.subjects.len() if own.subjects is not None else 0, because, False)
    for frame in candidates:
        yield frame.filter(~pl.col("policy").is_in(list(doubtful)))


def _picked(group: Group, found: Redeciding, fixed: Sequence[FixedPolicy]) -> dict[str, pl.Series]:
    """Return by space the subjects that any policy of the group decides anew.

    All policies of the group decide all of them: that changes no answer, and is one pass instead of many.
    """
    by_space: dict[str, list[pl.Series]] = {}
    for one in fixed:
        subjects = found.anew[one.policy.id].subjects
        if subjects is not None and subjects.len():
            by_space.setdefault(one.policy.space, []).append(subjects)
    return {space: pl.concat(parts).unique().sort() for space, parts in by_space.items()}


@dataclass(frozen=True, slots=True)
class _State:
    """Compiled policies, and the state of the store and of the ledger that they are asked about."""

    compiled: Compiled
    snapshot: Snapshot
    past: PastGrants

    def decide(self, subjects: Mapping[str, pl.Series]) -> tuple[WithPastGrants, Matches]:
        """Return what was read of these subjects (by space), and the answers."""
        population = WithPastGrants(RestrictedPopulation(self.snapshot.bucket(0), subjects), self.past)
        return population, self.compiled.decide(population)


def _as_it_was(matching: Matching, matched: Matched, group: Group, found: Redeciding, now: _State) -> _State | None:
    """Return the state in which the group was decided; None if everybody's answer is what it was.

    So it is with the same data on the same date: only the candidates are needed then.
    """
    if group.same_data:
        return None
    compiled, past = now.compiled, matching.past.without(group.granted_since)
    if any(matching.bases[name].fingerprint != matched.fingerprints[name] for name in group.names):
        rules = [found.anew[one.policy.id].before for one in now.compiled.fixed]
        compiled = Compiled([one for one in rules if one is not None], matching.vocabulary)
    return _State(compiled, group.before, past)


def _portions(picked: Mapping[str, pl.Series], buckets: int) -> Iterator[dict[str, pl.Series]]:
    """Yield the picked subjects in portions of whole buckets, so that memory stays bounded."""
    placed = {
        space: subjects.to_frame("subject").with_columns(bucket_expression(buckets))
        for space, subjects in picked.items()
    }
    counts: Counter[int] = Counter()
    for frame in placed.values():
        counts.update(dict(frame.group_by("bucket").len().iter_rows()))
    portion: list[int] = []
    size = 0
    for bucket in sorted(counts):
        portion.append(bucket)
        size += counts[bucket]
        if size >= _AT_ONCE or bucket == max(counts):
            chosen = pl.col("bucket").is_in(portion)
            yield {space: frame.filter(chosen)["subject"] for space, frame in placed.items()}
            portion, size = [], 0


def _reckoned(whole: Totals, less: Totals, more: Totals) -> Totals | None:
    """Return `whole - less + more`, or None if that cannot be."""
    missing = Counter(whole.missing)
    missing.subtract(less.missing)
    missing.update(more.missing)
    total = Totals(
        subjects=whole.subjects - less.subjects + more.subjects,
        matched=whole.matched - less.matched + more.matched,
        matched_subjects=whole.matched_subjects - less.matched_subjects + more.matched_subjects,
        ineligible=whole.ineligible - less.ineligible + more.ineligible,
        undetermined=whole.undetermined - less.undetermined + more.undetermined,
        missing=Counter({key: number for key, number in missing.items() if number}),
    )
    counted = (total.subjects, total.matched, total.matched_subjects, total.ineligible, total.undetermined)
    return total if min(*counted, *missing.values(), 0) >= 0 else None


def _put_aside(matching: Matching, frames: Sequence[pl.DataFrame]) -> None:
    """Add candidates of picked subjects to those of their buckets."""
    rows = [frame for frame in frames if frame.height]
    if not rows:
        return
    placed = pl.concat(rows).with_columns(bucket_expression(len(matching.profiles.buckets)))
    for (bucket,), part in placed.partition_by("bucket", as_dict=True, include_key=False).items():
        before = matching.spill.read("candidates", int(bucket))
        matching.spill.write("candidates", int(bucket), pl.concat([before, part.select(list(WITH_EVIDENCE))]))
