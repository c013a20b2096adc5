"""The change index: from a datum, a parameter, an indicator or a date to the policies that depend on it.

It also leads back from subjects whose data changed to the subjects whose decisions may change with them:
an employer that was reclassified to those who work there, a child to the family it is a member of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from engine.change_routes import EXISTENCE, Read, Route, Step, reads_of
from engine.matching import Profiles
from policies.policy import Condition, Policy
from policies.scopes import GRANTS
from policies.tree import IndicatorValue, Node, ParameterValue, Reference, walk
from policies.vocabulary import Vocabulary
from profiles.reverse_links import perhaps_leading_to
from profiles.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Changed:
    """Subjects for which something changed in one place.

    place     a space (`citizen`) or a collection (`enterprise.hires`); the owner's, for a collection
    names     attributes and links that may have changed; None: any, and also whether it exists
    subjects  pseudonyms (String), of the space before the dot
    """

    place: str
    names: frozenset[str] | None
    subjects: pl.Series


class ChangeIndex:
    """What each of some policies depends on. Pure: it knows the rules, not the data."""

    def __init__(self, policies: Mapping[str, Policy], vocabulary: Vocabulary) -> None:
        self.policies = dict(policies)
        self.vocabulary = vocabulary
        self._reads: dict[str, frozenset[Read]] = {}

    def reads(self, policy: str) -> frozenset[Read]:
        """Return the data that a policy reads, each with the route to it. Raises KeyError if it is not here."""
        if policy not in self._reads:
            self._reads[policy] = reads_of(self.policies[policy], self.vocabulary)
        return self._reads[policy]

    def policies_reading(self, changed: Mapping[str, Collection[str]]) -> frozenset[str]:
        """Return the policies that a change can concern, wherever the subject stands to it.

        `changed` maps places to the names that changed there; no names at all means that subjects of the
        place came or went. In a collection every change counts, because items may have come or gone.
        """
        return frozenset(
            name
            for name in self.policies
            if any(_touches(one, changed[one.place]) for one in self.reads(name) if one.place in changed)
        )

    @cached_property
    def by_parameter(self) -> Mapping[str, frozenset[str]]:
        """Policies by the names of the parameters that they use (`<policy>.<parameter>`)."""
        return {
            f"{name}.{node.name}": frozenset({name})
            for name, policy in self.policies.items()
            for node in nodes_of(policy)
            if isinstance(node, ParameterValue)
        }

    @cached_property
    def by_indicator(self) -> Mapping[str, frozenset[str]]:
        """Policies by the names of the public series that they read."""
        found: dict[str, set[str]] = defaultdict(set)
        for name, policy in self.policies.items():
            for node in nodes_of(policy):
                if isinstance(node, IndicatorValue):
                    found[node.name].add(name)
        return {name: frozenset(readers) for name, readers in sorted(found.items())}

    @cached_property
    def date_dependent(self) -> frozenset[str]:
        """The policies whose answer may differ from one day to the next although no datum changed.

        They name the reference date, a public series or a dated parameter with more than one value, or
        they read data that grow stale.
        """
        return frozenset(name for name in self.policies if self._depends_on_date(name))

    def _depends_on_date(self, name: str) -> bool:
        policy = self.policies[name]
        for node in nodes_of(policy):
            if isinstance(node, Reference | IndicatorValue):
                return True
            if isinstance(node, ParameterValue):
                dated = policy.parameters[node.name].dated
                if len(dated) > 1 or any(start > 0 for start, _ in dated):
                    return True
        return any(self.freshness_days(one) is not None for one in self.reads(name))

    def freshness_days(self, read: Read) -> int | None:
        """Return after how many days a datum counts as unknown; None: never."""
        space, _, collection = read.place.partition(".")
        declared = self.vocabulary.spaces.get(space)
        if declared is None:
            return None
        if collection:
            owner = declared.collections.get(collection)
            attribute = owner.attributes.get(read.name) if owner is not None else None
        else:
            attribute = declared.attributes.get(read.name)
        return attribute.freshness_days if attribute is not None else None

    @cached_property
    def reading_grants(self) -> frozenset[str]:
        """The policies that read what a subject was granted, by whatever policy."""
        return frozenset(
            name
            for name in self.policies
            if any(one.place.partition(".")[2] == GRANTS.name for one in self.reads(name))
        )

    def tied_to(self, policies: Iterable[str]) -> frozenset[str]:
        """Return the policies whose grants can change when those of `policies` do, themselves included.

        They exclude each other, share an exclusive group, a fund or a group of claims, top one another up,
        or read what was granted.
        """
        tied = set(policies)
        while True:
            more = {name for name in self.policies if name not in tied and self._is_tied(name, tied)}
            if not more:
                return frozenset(tied)
            tied |= more

    def _is_tied(self, name: str, to: Collection[str]) -> bool:
        if name in self.reading_grants:
            return True
        mine = self.policies[name]
        named = {*mine.excludes, *mine.net_of}
        for other_name in to:
            other = self.policies.get(other_name)
            if other_name in named:
                return True
            if other is not None and (name in (*other.excludes, *other.net_of) or _share(mine, other)):
                return True
        return False

    def explain(self, policy: str) -> list[str]:
        """Return what a policy depends on, one line each: the route, then the datum; sorted."""
        return sorted({f"{_spoken(one)}" for one in self.reads(policy)})


def affected_subjects(
    profiles: Profiles,
    index: ChangeIndex,
    changed: Sequence[Changed],
    policies: Collection[str] | None = None,
) -> dict[str, pl.Series]:
    """Return for each policy the subjects (of its space) whose decision `changed` may change, sorted.

    Links are followed backwards only where somebody at their end changed, by looking up who is linked to them,
    or else by reading the column of the link for everybody. Subjects that do not exist any more may be among the result.

    Args:
        profiles: the store after the change.
        index: the policies.
        changed: what changed.
        policies: only these; default all of the index.

    Raises:
        StoreError: the store cannot be read.
    """
    present = [one for one in changed if one.subjects.len()]
    ends = {name: _by_route(index.reads(name), present) for name in index.policies if _wanted(name, policies)}
    started = _followed_back(profiles, present, {end for found in ends.values() for end in found.items()})
    return {name: _union([started[end] for end in found.items()]) for name, found in sorted(ends.items())}


def _wanted(name: str, policies: Collection[str] | None) -> bool:
    return policies is None or name in policies


def affected_in_spaces(affected: Mapping[str, pl.Series], index: ChangeIndex) -> dict[str, pl.Series]:
    """Return the subjects of `affected_subjects` by space."""
    by_space: dict[str, list[pl.Series]] = defaultdict(list)
    for name, subjects in affected.items():
        by_space[index.policies[name].space].append(subjects)
    return {space: _union(parts) for space, parts in sorted(by_space.items())}


def _by_route(reads: Iterable[Read], changed: Sequence[Changed]) -> dict[Route, frozenset[int]]:
    """Return for each route the numbers of the changes that a policy sees at its end."""
    seen: dict[Route, set[int]] = defaultdict(set)
    for one in reads:
        for number, change in enumerate(changed):
            if change.place == one.place and (change.names is None or _touches(one, change.names)):
                seen[one.route].add(number)
    return {route: frozenset(numbers) for route, numbers in seen.items()}


End = tuple[Route, frozenset[int]]  # a route, and the numbers of the changes at its end


def _followed_back(profiles: Profiles, changed: Sequence[Changed], ends: Collection[End]) -> dict[End, pl.Series]:
    """Return for each end the subjects at the start of its route, sorted.

    The longest routes go first, and all that have come to the same link go over it together, so that its
    column is read once; what is kept of it are the rows that lead to somebody.
    """
    started: dict[End, pl.Series] = {}
    under_way = [(end, end[0], _union([changed[number].subjects for number in sorted(end[1])])) for end in ends]
    while under_way:
        longest = max(len(rest) for _, rest, _ in under_way)
        if longest == 0:
            started |= {end: found for end, _, found in under_way}
            break
        now = [one for one in under_way if len(one[1]) == longest]
        under_way = [one for one in under_way if len(one[1]) < longest]
        for step in sorted({rest[-1] for _, rest, _ in now}):
            together = [one for one in now if one[1][-1] == step]
            owners = _owners_of(profiles, step, [found for _, _, found in together])
            under_way += [(end, rest[:-1], found) for (end, rest, _), found in zip(together, owners, strict=True)]
    return started


def _owners_of(profiles: Profiles, step: Step, targets: Sequence[pl.Series]) -> list[pl.Series]:
    """Return for each group of targets the subjects whose link leads to one of them, sorted."""
    wanted = pl.concat(
        [one.to_frame("_target").with_columns(_group=pl.lit(number)) for number, one in enumerate(targets)]
    )
    if wanted.is_empty():
        return [_union([]) for _ in targets]
    found = pl.concat(
        links.join(wanted, on="_target", how="inner").select("subject", "_group").unique()
        for links in _links(profiles, step, wanted["_target"].unique())
    )
    return [_union([found.filter(pl.col("_group") == number)["subject"]]) for number in range(len(targets))]


def _links(profiles: Profiles, step: Step, targets: pl.Series) -> Iterator[pl.DataFrame]:
    """Yield `subject` and `_target` of links: at least all that lead to `targets`."""
    space, _, collection = step.place.partition(".")
    candidates = None
    if isinstance(profiles, Snapshot):
        candidates = perhaps_leading_to(profiles, space, collection or None, step.column, targets)
    for bucket in profiles.buckets if candidates is None else [0]:
        population = profiles.bucket(bucket)
        if not collection:
            rows = population.attributes(space, [step.column], candidates)
        else:
            owners = population.attributes(space, [], candidates)["subject"]
            names = [] if step.column == "member" else [step.column]
            rows = population.items(space, collection, names, owners).rename({"owner": "subject"})
        yield rows.select("subject", pl.col(step.column).alias("_target")).drop_nulls()


def _union(parts: Sequence[pl.Series]) -> pl.Series:
    empty = pl.Series("subject", [], dtype=pl.String)
    return pl.concat([empty, *(part.alias("subject").cast(pl.String) for part in parts)]).unique().sort()


def _touches(read: Read, names: Collection[str]) -> bool:
    return "." in read.place or not names or read.name in names or (read.name == EXISTENCE and EXISTENCE in names)


def nodes_of(policy: Policy) -> Iterator[Node]:
    """Yield every node that outcome, amount, claim or need depends on."""

    def of(condition: Condition) -> Iterator[Node]:
        if condition.expression is not None:
            yield from walk(condition.expression)
        for child in condition.children:
            yield from of(child)

    yield from of(policy.eligibility)
    claimed = policy.claims.key if policy.claims is not None else None
    limits = (node for ceiling in policy.benefit.ceilings for node in ceiling.nodes)
    for node in (policy.benefit.amount, policy.unit_where, policy.order_of_need, claimed, *limits):
        if node is not None:
            yield from walk(node)


def _share(one: Policy, other: Policy) -> bool:
    if one.fund is not None and one.fund == other.fund:
        return True
    if one.claims is not None and other.claims is not None and one.claims.group == other.claims.group:
        return True
    return one.exclusive is not None and other.exclusive is not None and one.exclusive.group == other.exclusive.group


def _spoken(read: Read) -> str:
    way = "".join(f"{step.place}.{step.column} -> " for step in read.route)
    return f"{way}{read.place}.{read.name}" if read.name else f"{way}{read.place}"
