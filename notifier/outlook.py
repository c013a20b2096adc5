"""What lies ahead of a decision, in words: what would settle it, what would change it, what time will bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from engine.decision import Decision, Facts, Outcome, ValueUsed
from engine.nearest_change import Change, NearestChange, nearest_changes
from engine.policy_inputs import types_by_name
from engine.searching import input_values
from engine.settling_sets import settling
from engine.upcoming import Upcoming, ending, upcoming
from notifier.titles import datum_of
from policies.plain_words import condition_in_words, value_in_words
from policies.policy import Condition, FixedPolicy
from policies.text import Bilingual
from policies.types import Date, Text, Type, Value
from policies.vocabulary import Vocabulary

_ANOTHER = Bilingual("别的值", "another value")
MOST_SETS, MOST_WAYS = 6, 3


@dataclass(frozen=True, slots=True)
class MissingFact:
    """One datum to be had; `agency` is who delivers it, None for what is computed or set by the policy."""

    name: str
    title: Bilingual
    agency: Bilingual | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One value as it is and as it would have to be, or will be."""

    name: str
    title: Bilingual
    now: Bilingual
    then: Bilingual


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A condition that turns, the clause it rests on, and the values in it that differ."""

    words: Bilingual
    clause: str | None
    values: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class ChangedDatum:
    """A datum that would have to be otherwise. `by`: `somebody` can change it, only `time` will, or `nobody` can."""

    name: str
    title: Bilingual
    now: Bilingual
    needed: Bilingual
    by: str


@dataclass(frozen=True, slots=True)
class Way:
    """A way from no to yes: the conditions that fall short, the data that would differ, the amount in fen then.

    `smallest` is False if a way with fewer data may exist.
    """

    conditions: tuple[Shortfall, ...]
    changes: tuple[ChangedDatum, ...]
    amount: int | None
    smallest: bool


@dataclass(frozen=True, slots=True)
class Coming:
    """What changes by itself on a day: the conditions that turn, and the amount in fen from then on.

    `known` is False if from that day on nothing can be told yet: an indicator of it is not published, say.
    """

    on: date
    conditions: tuple[Shortfall, ...]
    amount: int | None
    known: bool = True


@dataclass(frozen=True, slots=True)
class Outlook:
    """Everything that lies ahead of one decision.

    `settled_by` are the smallest sets of facts that could make an undetermined decision a yes, `surely` those
    that would settle it either way; `more` says that there may be further ones. `nearest` are the ways from a
    no to a yes that change the fewest data. `upcoming` is the day of a yes to come, `ending` the day on which a
    present yes ends.
    """

    settled_by: tuple[tuple[MissingFact, ...], ...] = ()
    surely: tuple[tuple[MissingFact, ...], ...] = ()
    more: bool = False
    nearest: tuple[Way, ...] = ()
    upcoming: Coming | None = None
    ending: Coming | None = None


def outlook_of(
    fixed: FixedPolicy,
    decision: Decision,
    facts: Facts,
    unit: Facts | None,
    vocabulary: Vocabulary,
    agencies: Mapping[str, Bilingual] | None = None,
) -> Outlook:
    """Return what lies ahead of `decision` on the policy's reference date.

    Args:
        fixed: the policy that decided.
        decision: what it decided; the decision of a `for_each` policy without known units has no outlook in time.
        facts: the subject.
        unit: the unit of a `for_each` policy; None if its units are not known.
        vocabulary: titles and codes.
        agencies: source id to the agency's name.
    """
    words = _Words(fixed, vocabulary, agencies or {}, types_by_name(fixed))
    if fixed.policy.for_each is not None and unit is None:
        missing = words.facts((fixed.policy.for_each,))
        return Outlook(settled_by=(missing,))
    policy = fixed.policy
    coming = upcoming(policy, vocabulary, facts, fixed.on, unit=unit)
    if decision.outcome is Outcome.ELIGIBLE:
        return Outlook(ending=words.coming(ending(policy, vocabulary, facts, fixed.on, unit=unit)))
    inputs = input_values(fixed, facts, unit)
    if decision.outcome is Outcome.UNDETERMINED:
        found = settling(fixed, inputs, vocabulary, limit=MOST_SETS, towards=("yes", "surely"))
        return Outlook(
            settled_by=tuple(words.facts(one) for one in found.yes),
            surely=tuple(words.facts(one) for one in found.surely),
            more=found.more,
            upcoming=words.coming(coming),
        )
    ways = nearest_changes(fixed, inputs, vocabulary, limit=MOST_WAYS)
    return Outlook(nearest=tuple(words.way(one) for one in ways), upcoming=words.coming(coming))


def coming_in_words(fixed: FixedPolicy, found: Upcoming, vocabulary: Vocabulary) -> Coming:
    """Return the day of a change in words."""
    return _Words(fixed, vocabulary, {}, types_by_name(fixed)).coming_on(found)


def facts_in_words(
    fixed: FixedPolicy, names: Sequence[str], vocabulary: Vocabulary, agencies: Mapping[str, Bilingual]
) -> tuple[MissingFact, ...]:
    """Return missing facts, named as decisions record them, with their titles and agencies."""
    return _Words(fixed, vocabulary, agencies, {}).facts(names)


@dataclass(frozen=True, slots=True)
class _Words:
    fixed: FixedPolicy
    vocabulary: Vocabulary
    agencies: Mapping[str, Bilingual]
    types: Mapping[str, Type]

    def facts(self, names: Sequence[str]) -> tuple[MissingFact, ...]:
        return tuple(self._fact(name) for name in names)

    def _fact(self, name: str) -> MissingFact:
        datum = datum_of(name, self.fixed.policy, self.vocabulary)
        agency = self.agencies.get(datum.source, Bilingual(datum.source, datum.source)) if datum.source else None
        return MissingFact(name, datum.title, agency)

    def title(self, name: str) -> Bilingual:
        return datum_of(name, self.fixed.policy, self.vocabulary).title

    def value(self, value: Value, kind: Type) -> Bilingual:
        if isinstance(value, str) and value and not value.strip("-"):
            return _ANOTHER  # stands for every text that the policy does not mention
        return Bilingual(
            value_in_words(value, kind, "zh", self.vocabulary), value_in_words(value, kind, "en", self.vocabulary)
        )

    def way(self, change: NearestChange) -> Way:
        shortfalls = tuple(self.shortfall(one.condition, one.now, one.needed) for one in change.conditions)
        changes = tuple(
            ChangedDatum(one.name, self.title(one.name), self.value(one.now, one.type), self.needed(one), one.by)
            for one in change.changes
        )
        return Way(shortfalls, changes, change.decision.amount, change.smallest)

    def needed(self, change: Change) -> Bilingual:
        if change.choices or change.within:
            inside = [self.value(one, change.type) for one in change.within]
            shown = [Bilingual(f"{one.zh} 范围内", f"within {one.en}") for one in inside]
            shown += [self.value(one, change.type) for one in change.choices]
            return Bilingual(" 或 ".join(one.zh for one in shown), " or ".join(one.en for one in shown))
        low, high = (None if one is None else self.value(one, change.type) for one in (change.low, change.high))
        date_like = isinstance(change.type, Date)
        if low is not None and high is not None:
            return low if change.low == change.high else Bilingual(f"{low.zh} 至 {high.zh}", f"{low.en} to {high.en}")
        if low is not None:
            return Bilingual(f"{low.zh} 或更晚" if date_like else f"至少 {low.zh}",
                             f"{low.en} or later" if date_like else f"at least {low.en}")  # fmt: skip
        if high is not None:
            return Bilingual(f"{high.zh} 或更早" if date_like else f"至多 {high.zh}",
                             f"{high.en} or earlier" if date_like else f"at most {high.en}")  # fmt: skip
        return Bilingual("任何值", "any value")

    def coming(self, found: Upcoming | None) -> Coming | None:
        return None if found is None else self.coming_on(found)

    def coming_on(self, found: Upcoming) -> Coming:
        turns = tuple(self.shortfall(one.condition, one.before, one.then) for one in found.turns)
        known = found.decision.outcome is not Outcome.UNDETERMINED
        return Coming(found.on, turns, found.decision.amount, known)

    def shortfall(self, condition: Condition, now: Sequence[ValueUsed], then: Sequence[ValueUsed]) -> Shortfall:
        words = Bilingual(condition_in_words(condition, "zh"), condition_in_words(condition, "en"))
        return Shortfall(words, condition.basis, tuple(self._differences(now, then)))

    def _differences(self, now: Sequence[ValueUsed], then: Sequence[ValueUsed]) -> Iterator[Difference]:
        before = {one.name: one.value for one in now}
        for one in then:
            was = before.get(one.name)
            if was is one.value or was == one.value:
                continue
            kind = self.types.get(one.name, Text())
            yield Difference(one.name, self.title(one.name), self.value(was, kind), self.value(one.value, kind))
