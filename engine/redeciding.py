"""Whom a run decides anew, policy by policy, and why: everybody, or those for whom something has changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum

import polars as pl

from engine.change_index import Changed, ChangeIndex, affected_subjects
from engine.change_routes import EXISTENCE
from engine.differing_rules import DifferingRules, Pair, differing_parts
from engine.ledger.earlier import PastGrants
from engine.matching import Profiles, Progress
from engine.planning import Planned
from engine.run_basis import Basis, fingerprint
from policies.errors import MianshenError
from policies.fixing import fix
from policies.policy import FixedPolicy
from policies.scopes import GRANTS
from policies.vocabulary import Vocabulary
from profiles.catalog_model import Catalog, Source
from profiles.snapshot import Snapshot
from profiles.snapshot_changes import changed_subjects

# From this share of a space's subjects on (in percent), deciding everybody costs less than picking them out,
# unless they are few: then all of them are decided in one go.
MOST_PICKED = 30
FEW = 100_000

# Opens the profile store again in pinned versions: (reference date, versions).
Reopen = Callable[[date, Mapping[str, int]], Profiles]


class Because(Enum):
    """Why subjects are decided anew."""

    ASKED = "asked"  # a full run was asked for
    FIRST = "first"  # no finished run has decided this version for this period, or the last one held it
    STAGES = "stages-moved"  # the policy reads what was granted, and stages of grants have moved since
    CATALOG = "catalog"  # the catalog or the engine now gives the rule another meaning than it had then
    STORE = "store-gone"  # the profiles cannot be read any more as they were then
    SOURCE = "new-source"  # a source was taken in for the first time
    RULE = "other-data"  # the rule of this date looks at other data than that of the earlier date
    MANY = "many"  # it would be so many that deciding everybody is quicker
    UNSURE = "unsure"  # the totals would not come out; to be on the safe side
    DATA = "data"  # data have changed
    DATE = "date"  # the date, a dated parameter or a public series has changed
    GRANTS = "grants"  # grants have been recorded that the policy reads
    WAITING = "waiting"  # they wait for a fund, a claim or another benefit


@dataclass(slots=True)
class Anew:
    """Whom one policy decides anew. `subjects` None: everybody, then `because` holds the only reason."""

    subjects: pl.Series | None
    because: set[Because]
    before: FixedPolicy | None = None

    @classmethod
    def everybody(cls, because: Because) -> Anew:
        """Return the answer that is always right."""
        return cls(None, {because})


@dataclass(frozen=True, slots=True)
class Group:
    """Policies with one basis: the store as it was then, and as it is now.

    `granted_since` are the runs (and events) whose grants the policies did not see then.
    """

    on: date
    before: Snapshot
    after: Snapshot
    names: tuple[str, ...]
    granted_since: frozenset[str] = frozenset()

    @property
    def same_profiles(self) -> bool:
        """Whether the store reads as it did."""
        return self.before.on == self.after.on and self.before.versions == self.after.versions

    @property
    def same_data(self) -> bool:
        """Whether nothing can read otherwise than it did, the ledger included."""
        return self.same_profiles and not self.granted_since


@dataclass(slots=True)
class Redeciding:
    """The answer for a whole run: for each policy whom to decide anew, and the groups of those with a basis."""

    anew: dict[str, Anew] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    @property
    def nobody(self) -> bool:
        """Whether nothing has changed for anybody."""
        return all(one.subjects is not None and one.subjects.is_empty() for one in self.anew.values())


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds whom to decide anew.

    planned, fixed   the policies of the run, and settled for its date
    bases            what earlier runs found
    past             the ledger, as it is read now
    compared         whose data of a source differ: by the date and versions of then, and the source
    """

    planned: Mapping[str, Planned]
    fixed: Mapping[str, FixedPolicy]
    bases: Mapping[str, Basis]
    past: PastGrants
    profiles: Profiles
    vocabulary: Vocabulary
    index: ChangeIndex
    reopen: Reopen | None
    on_progress: Progress | None = None
    compared: dict[tuple[date, tuple[tuple[str, int], ...], str], pl.Series | None] = field(default_factory=dict)

    def find(self) -> Redeciding:
        """Return for whom something has changed. Raises StoreError if the store as it is cannot be read."""
        found = Redeciding()
        for name in self.fixed:
            found.anew[name] = self._with_basis(name)
        by_basis: dict[tuple[date, tuple[tuple[str, int], ...], int | None], list[str]] = defaultdict(list)
        for name, anew in found.anew.items():
            if anew.subjects is not None:
                basis = self.bases[name]
                seen = basis.seen if name in self.index.reading_grants else None  # others do not mind
                by_basis[basis.on, tuple(sorted(basis.versions.items())), seen].append(name)
        for (on, versions, seen), names in by_basis.items():
            self._add_group(found, on, dict(versions), seen, names)
        return found

    def fingerprint(self, fixed: FixedPolicy) -> str:
        """Return the fingerprint of a settled policy."""
        return fingerprint(fixed, self.index.reads(fixed.policy.id), self.vocabulary)

    def _with_basis(self, name: str) -> Anew:
        """Return nobody yet, with the rule as it was, if the policy has a basis; else everybody."""
        basis = self.bases.get(name)
        if basis is None:
            return Anew.everybody(Because.FIRST)
        if not isinstance(self.profiles, Snapshot):
            return Anew.everybody(Because.STORE)
        item = self.planned[name]
        try:
            before = fix(item.policy, self.vocabulary, basis.on, item.period)
        except MianshenError:
            return Anew.everybody(Because.CATALOG)
        if self.fingerprint(before) != basis.fingerprint:
            return Anew.everybody(Because.CATALOG)
        return Anew(_nobody(), set(), before)

    def _add_group(
        self, found: Redeciding, on: date, versions: Mapping[str, int], seen: int | None, names: Sequence[str]
    ) -> None:
        before = self._opened(on, versions)
        if before is None:
            for name in names:
                found.anew[name] = Anew.everybody(Because.STORE)
            return
        assert isinstance(self.profiles, Snapshot)
        group = Group(on, before, self.profiles, tuple(names))
        try:
            self._add_changed_data(found, group)
        except MianshenError:
            # Files of then may be gone although their log is there; those of now are read again, and whoever
            # decides everybody meets their damage.
            for name in names:
                found.anew[name] = Anew.everybody(Because.STORE)
            return
        since = self._add_grants(found, group, seen)
        self._add_changed_rules(found, group)
        self._close(found, replace(group, granted_since=since))

    def add_waiting(self, found: Redeciding, waiting: pl.DataFrame) -> None:
        """Add those who wait: `policy` and `subject`."""
        groups, found.groups = found.groups, []
        for group in groups:
            for name in group.names:
                _add(found.anew[name], waiting.filter(pl.col("policy") == name)["subject"], Because.WAITING)
            self._close(found, group)

    def _close(self, found: Redeciding, group: Group) -> None:
        """Add the group of those policies that have not too many to decide."""
        remaining = []
        for name in group.names:
            subjects, space = found.anew[name].subjects, self.planned[name].policy.space
            if subjects is None:
                continue
            if subjects.len() > FEW and subjects.len() * 100 > self.profiles.count(space) * MOST_PICKED:
                found.anew[name] = Anew.everybody(Because.MANY)
            else:
                remaining.append(name)
        if remaining:
            found.groups.append(replace(group, names=tuple(remaining)))

    def _opened(self, on: date, versions: Mapping[str, int]) -> Snapshot | None:
        assert isinstance(self.profiles, Snapshot)
        if self.profiles.on == on and self.profiles.versions == dict(versions):
            return self.profiles
        if self.reopen is None:
            return None
        try:
            opened = self.reopen(on, versions)
        except MianshenError:
            return None
        return opened if isinstance(opened, Snapshot) and opened.versions == dict(versions) else None

    def _add_changed_data(self, found: Redeciding, group: Group) -> None:
        if group.same_profiles:
            return
        places = {one.place for name in group.names for one in self.index.reads(name)}
        changed: list[Changed] = []
        for source in _sources(group.after.catalog, places):
            subjects = self._changed(group, source)
            if subjects is None:
                for name in self.index.policies_reading(_what_it_says(source)) & set(group.names):
                    found.anew[name] = Anew.everybody(Because.SOURCE)
            elif subjects.len():
                (place, names) = next(iter(_what_it_says(source).items()))
                changed.append(Changed(place, frozenset(names) if names else None, subjects))
        if not changed:
            return
        open_ones = [name for name in group.names if found.anew[name].subjects is not None]
        for name, subjects in affected_subjects(group.after, self.index, changed, open_ones).items():
            _add(found.anew[name], subjects, Because.DATA)

    def _changed(self, group: Group, source: Source) -> pl.Series | None:
        """Return `changed_subjects`; groups that differ in the ledger alone share the answer."""
        versions = tuple(sorted(group.before.versions.items()))
        key = (group.on, versions, source.id)
        if key not in self.compared:
            self.compared[key] = changed_subjects(group.before, group.after, source)
        return self.compared[key]

    def _add_grants(self, found: Redeciding, group: Group, seen: int | None) -> frozenset[str]:
        """Add those who were granted something since, for policies that read it; return by which runs.

        `seen` None: no policy of the group does.
        """
        if seen is None:
            return frozenset()
        readers = list(group.names)
        since = self.past.runs_since(seen)
        if since is None:
            for name in readers:
                found.anew[name] = Anew.everybody(Because.STAGES)
            return frozenset()
        granted = self.past.granted_by(since).partition_by("space", as_dict=True, include_key=False)
        changed = [Changed(f"{space}.{GRANTS.name}", None, rows["subject"]) for (space,), rows in granted.items()]
        if changed:
            for name, subjects in affected_subjects(group.after, self.index, changed, readers).items():
                _add(found.anew[name], subjects, Because.GRANTS)
        return since

    def _add_changed_rules(self, found: Redeciding, group: Group) -> None:
        """Add those for whom the rule, settled for two dates, says two things of the same data."""
        parts: dict[str, tuple[FixedPolicy, Sequence[Pair]]] = {}
        for name in group.names:
            before = found.anew[name].before
            if found.anew[name].subjects is None or before is None:
                continue
            if self.fingerprint(before) == self.fingerprint(self.fixed[name]):
                continue
            pairs = differing_parts(before, self.fixed[name])
            if pairs is None:
                found.anew[name] = Anew.everybody(Because.RULE)
            elif pairs:
                parts[name] = (before, pairs)
        if not parts:
            return
        try:
            for name, subjects in self._differing(parts):
                _add(found.anew[name], subjects, Because.DATE)
        except Exception:
            # Whatever cannot be worked out here is met again, and reported, when everybody is decided.
            for name in parts:
                found.anew[name] = Anew.everybody(Because.UNSURE)

    def _differing(self, parts: Mapping[str, tuple[FixedPolicy, Sequence[Pair]]]) -> Iterator[tuple[str, pl.Series]]:
        rules = DifferingRules(parts, self.vocabulary)
        buckets = list(self.profiles.buckets)
        for done, bucket in enumerate(buckets):
            if self.on_progress is not None:
                self.on_progress("compare", done, len(buckets))
            yield from rules.subjects(self.profiles.bucket(bucket)).items()
        if self.on_progress is not None:
            self.on_progress("compare", len(buckets), len(buckets))


def _add(anew: Anew, subjects: Iterable[str] | pl.Series, because: Because) -> None:
    more = pl.Series("subject", subjects, dtype=pl.String)
    if anew.subjects is not None and more.len():
        anew.subjects = pl.concat([anew.subjects, more]).unique().sort()
        anew.because.add(because)


def _nobody() -> pl.Series:
    return pl.Series("subject", [], dtype=pl.String)


def _sources(catalog: Catalog, places: Collection[str]) -> list[Source]:
    """Return the sources that go to the store and speak about one of `places`."""
    return [
        source
        for source in catalog.sources.values()
        if source.kind != "identity" and next(iter(_what_it_says(source))) in places
    ]


def _what_it_says(source: Source) -> dict[str, frozenset[str]]:
    """Return the place that a source speaks about, and the names; none for a collection: all."""
    if source.collection is not None:
        return {f"{source.space}.{source.collection}": frozenset()}
    names = {each.name for each in source.stored_fields}
    return {source.space: frozenset(names | ({EXISTENCE} if source.kind == "register" else set()))}
