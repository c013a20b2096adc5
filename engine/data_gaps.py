"""Which data keep decisions open, how many, and how much money hangs on them.

A datum blocks an undetermined decision if it belongs to one of the smallest sets of facts that could make the
decision a yes; it blocks it *alone* if one of these sets is nothing but the datum. Money is what would be
granted if everything missing turned out favourably: where the amount can be computed without the missing data,
that amount to the fen; elsewhere what the policy grants on average to those it grants today, rounded down, and
told apart as an estimate. Exclusions, caps and funds come after a decision: they are not taken off.

One decision may be blocked by several data, and then counts, with its money, for each of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.columnar import Compiled
from engine.decision import Facts
from engine.decision_patterns import Pattern, Probes, patterns, probes_of
from engine.evidence_facts import EvidenceFacts
from engine.interpreter_values import Log, surroundings
from engine.ledger.earlier import PastGrants
from engine.matches import Matches
from engine.matching import Profiles, Progress
from engine.past_grants import WithPastGrants
from engine.policy_inputs import Input, inputs_of, whole_condition
from engine.settling_families import families_to_yes
from policies.errors import Diagnostic, MianshenError
from policies.policy import FixedPolicy
from policies.tree import Aggregate, Attribute
from policies.vocabulary import Collection, Space, Vocabulary


@dataclass(frozen=True, slots=True)
class MissingDatum:
    """A datum as the catalog knows it.

    `place` is the space, or `space.collection`, `name` the attribute or link in it; a whole collection, of whose
    items something is unknown, has the name "". What the policy should have set itself (a parameter, an
    indicator) has the place "". `source` is the id of the source that delivers it, "" if none does.
    """

    place: str
    name: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Weight:
    """How many decisions hang on something, and how much money, in fen.

    `decisions` counts them, `alone` those that hang on nothing else. `amount` is exact and `estimated` rests on
    averages. `unpriced` counts the decisions of which not even an estimate is possible (nobody is granted the
    policy today), and those of benefits without an amount.
    """

    decisions: int
    alone: int
    amount: int
    estimated: int
    unpriced: int

    @property
    def money(self) -> int:
        """Exact and estimated together, in fen."""
        return self.amount + self.estimated

    def __add__(self, other: Weight) -> Weight:
        """Return the weight of the decisions of two policies."""
        return Weight(
            self.decisions + other.decisions,
            self.alone + other.alone,
            self.amount + other.amount,
            self.estimated + other.estimated,
            self.unpriced + other.unpriced,
        )


@dataclass(frozen=True, slots=True)
class Gap:
    """What one datum blocks in one policy; `names` are its names there, as decisions record them."""

    policy: str
    datum: MissingDatum
    names: tuple[str, ...]
    weight: Weight


@dataclass(frozen=True, slots=True)
class SourceGap:
    """What the data of one source block in one policy, each decision counted once."""

    policy: str
    source: str
    weight: Weight


@dataclass(frozen=True, slots=True)
class OpenPolicy:
    """One policy: how many decisions are undetermined, how many of these no missing datum can turn into a yes.

    `weight` counts every other undetermined decision once; its `alone` those that hang on one datum only.
    """

    policy: str
    subjects: int
    undetermined: int
    barred: int
    weight: Weight
    error: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class GapsReport:
    """Gaps by datum and by source, those with the most money first, then with the most decisions; the policies."""

    gaps: tuple[Gap, ...]
    sources: tuple[SourceGap, ...]
    policies: tuple[OpenPolicy, ...]


@dataclass(slots=True)
class _Tally:
    decisions: int = 0
    alone: int = 0
    amount: int = 0
    unpriced: int = 0

    def add(self, pattern: Pattern, alone: bool) -> None:
        self.decisions += pattern.units
        self.alone += pattern.units if alone else 0
        self.amount += pattern.amount
        self.unpriced += pattern.units - pattern.priced

    def weight(self, average: int | None) -> Weight:
        estimated = 0 if average is None else average * self.unpriced
        return Weight(self.decisions, self.alone, self.amount, estimated, self.unpriced if average is None else 0)


@dataclass(slots=True)
class _Counting:
    """What one policy's buckets add up to."""

    probes: Probes
    subjects: int = 0
    undetermined: int = 0
    granted: int = 0
    granted_amount: int = 0
    barred: int = 0
    whole: _Tally = field(default_factory=_Tally)
    data: defaultdict[MissingDatum, _Tally] = field(default_factory=lambda: defaultdict(_Tally))
    sources: defaultdict[str, _Tally] = field(default_factory=lambda: defaultdict(_Tally))
    names: defaultdict[MissingDatum, set[str]] = field(default_factory=lambda: defaultdict(set))
    error: tuple[Diagnostic, ...] = ()

    @property
    def average(self) -> int | None:
        """What the policy grants on average, in fen; None if nothing can be said."""
        if self.probes.fixed.amount is None or not self.granted:
            return None
        return self.granted_amount // self.granted


def data_gaps(
    profiles: Profiles,
    fixed: Sequence[FixedPolicy],
    vocabulary: Vocabulary,
    past: PastGrants,
    on_progress: Progress | None = None,
) -> GapsReport:
    """Return which data block which decisions over the whole store.

    Args:
        profiles: the profile store, pinned.
        fixed: the policies, settled for the reference date.
        vocabulary: the catalog's names.
        past: earlier grants, for policies that ask for them.
        on_progress: called with `gaps`, the number of buckets done, and of all.

    Raises:
        StoreError: the profiles cannot be read. A policy that fails is reported with its error instead.
    """
    counting = {one.policy.id: _Counting(probes_of(one)) for one in fixed}
    compiled = Compiled([part for one in counting.values() for part in one.probes.all], vocabulary)
    buckets = list(profiles.buckets)
    for done, bucket in enumerate(buckets):
        if on_progress is not None:
            on_progress("gaps", done, len(buckets))
        matches = compiled.decide(WithPastGrants(profiles.bucket(bucket), past))
        for one in counting.values():
            _add(one, matches, vocabulary)
    if on_progress is not None:
        on_progress("gaps", len(buckets), len(buckets))
    return _report(counting)


def _report(counting: Mapping[str, _Counting]) -> GapsReport:
    sound = {name: one for name, one in counting.items() if not one.error}
    gaps = [
        Gap(name, datum, tuple(sorted(one.names[datum])), tally.weight(one.average))
        for name, one in sound.items()
        for datum, tally in one.data.items()
    ]
    gaps.sort(key=lambda gap: (*_heaviest(gap.weight), gap.policy, gap.datum.place, gap.datum.name))
    sources = [
        SourceGap(name, source, tally.weight(one.average))
        for name, one in sound.items()
        for source, tally in one.sources.items()
    ]
    sources.sort(key=lambda gap: (*_heaviest(gap.weight), gap.policy, gap.source))
    policies = [
        OpenPolicy(name, one.subjects, one.undetermined, one.barred, one.whole.weight(one.average), one.error)
        for name, one in counting.items()
    ]
    policies.sort(key=lambda one: (*_heaviest(one.weight), one.policy))
    return GapsReport(tuple(gaps), tuple(sources), tuple(policies))


def _heaviest(weight: Weight) -> tuple[int, int]:
    return -weight.money, -weight.decisions


def _add(counting: _Counting, matches: Matches, vocabulary: Vocabulary) -> None:
    """Add one bucket. A policy that fails in any bucket has an error and no gaps: half of them would mislead."""
    if counting.error:
        return
    policy = counting.probes.fixed.policy.id
    try:
        counts = matches.counts(policy)
        counting.subjects += counts.subjects
        counting.undetermined += counts.undetermined
        counting.granted += counts.matched
        counting.granted_amount += matches.amount(policy)
        for pattern in patterns(counting.probes, matches):
            _add_pattern(counting, pattern, vocabulary)
    except MianshenError as problem:
        counting.error = problem.diagnostics


def _add_pattern(counting: _Counting, pattern: Pattern, vocabulary: Vocabulary) -> None:
    fixed = counting.probes.fixed
    sets = {frozenset(data) for data in _sets(fixed, pattern, vocabulary, counting.names)}
    if not sets:
        counting.barred += pattern.units
        return
    counting.whole.add(pattern, any(len(one) == 1 for one in sets))
    data: frozenset[MissingDatum] = frozenset().union(*sets)
    for datum in data:
        counting.data[datum].add(pattern, frozenset((datum,)) in sets)
    sources = {frozenset(datum.source for datum in one) for one in sets}
    for source in {datum.source for datum in data}:
        counting.sources[source].add(pattern, frozenset((source,)) in sources)


def _sets(
    fixed: FixedPolicy, pattern: Pattern, vocabulary: Vocabulary, names: defaultdict[MissingDatum, set[str]]
) -> Iterable[set[MissingDatum]]:
    for_each = fixed.policy.for_each
    if for_each is not None and for_each in pattern.inputs and pattern.inputs[for_each] is None:
        collection = vocabulary.spaces[fixed.policy.space].collections[for_each]
        datum = MissingDatum(f"{fixed.policy.space}.{for_each}", "", collection.source)
        names[datum].add(for_each)
        yield {datum}
        return
    inputs = inputs_of(fixed)
    subject = EvidenceFacts(pattern.inputs, "" if for_each is None else "subject.")
    facts: tuple[Facts, ...] = (subject,) if for_each is None else (subject, EvidenceFacts(pattern.inputs))
    by_name = {one.name: one for one in inputs}
    for family in families_to_yes(fixed, whole_condition(fixed), surroundings(facts, inputs, Log())):
        data = set()
        for name in family:
            datum = datum_of_input(by_name[name], fixed, vocabulary) if name in by_name else MissingDatum("", name)
            names[datum].add(name)
            data.add(datum)
        yield data


def datum_of_input(one: Input, fixed: FixedPolicy, vocabulary: Vocabulary) -> MissingDatum:
    """Return the datum behind an input: the attribute at the end of its path, or an aggregate's collection."""
    node = one.node
    space = vocabulary.spaces[fixed.policy.space]
    for_each = fixed.policy.for_each
    depth = node.depth if isinstance(node, Attribute) else node.from_depth
    if for_each is not None and depth == 1:
        unit = space.collections[for_each]
        return _follow(node, unit, f"{space.name}.{for_each}", vocabulary)
    return _follow(node, space, space.name, vocabulary)


def _follow(node: Attribute | Aggregate, at: Space | Collection, place: str, vocabulary: Vocabulary) -> MissingDatum:
    *links, last = node.path
    for name in links:
        link = at.links.get(name)
        if link is None:
            at, place = _member(at, place, vocabulary)
            link = at.links[name]
        at, place = vocabulary.spaces[link.target], link.target
    if isinstance(node, Aggregate):
        if isinstance(at, Collection):
            at, place = _member(at, place, vocabulary)
        collection = at.collections.get(last) if isinstance(at, Space) else None
        return MissingDatum(f"{place}.{last}", "", collection.source if collection is not None else "")
    own: Mapping[str, object] = {**at.attributes, **at.links}
    if last not in own:
        at, place = _member(at, place, vocabulary)
    found = at.attributes.get(last) or at.links.get(last)
    return MissingDatum(place, last, found.source if found is not None else "")


def _member(at: Space | Collection, place: str, vocabulary: Vocabulary) -> tuple[Space | Collection, str]:
    """Return the space of whom an item stands for; names that the item lacks are that subject's."""
    if isinstance(at, Collection) and at.member_space is not None:
        return vocabulary.spaces[at.member_space], at.member_space
    return at, place
