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
from engine.grants_seen import grants_seen
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
    granted_since    the runs that have granted since an audit row
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
    granted_since: dict[int, frozenset[str] | None] = field(default_factory=dict)
    granted_by: dict[frozenset[str], pl.DataFrame] = field(default_factory=dict)

    def find(self) -> Redeciding:
        """Return for whom something has changed. Raises StoreError if the store as it is cannot be read."""
        found = Redeciding()
        for name in self.fixed:
            found.anew[name] = self._with_basis(name)
        by_store: dict[tuple[date, tuple[tuple[str, int], ...]], list[str]] = defaultdict(list)
        for name, anew in found.anew.items():
            if anew.subjects is not None:
                basis = self.bases[name]
                by_store[basis.on, tuple(sorted(basis.versions.items()))].append(name)
        for (on, versions), names in by_store.items():
            self._add_groups(found, on, dict(versions), names)
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

    def _add_groups(self, found: Redeciding, on: date, versions: Mapping[str, int], names: Sequence[str]) -> None:
        """Add the groups of those policies that the same store was read for."""
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
        by_grants = self._add_grants(found, group)
        self._add_changed_rules(found, group)
        for since, together in by_grants.items():
            self._close(found, replace(group, names=tuple(together), granted_since=since))

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
            subjects = changed_subjects(group.before, group.after, source)
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

    def _add_grants(self, found: Redeciding, group: Group) -> dict[frozenset[str], list[str]]:
        """Add those who were granted something since that a policy takes notice of.

        Returns the policies by the runs whose grants they did not see then; most read no grants, or there are none.
        """
        by_grants: dict[frozenset[str], list[str]] = defaultdict(list)
        for name in group.names:
            reads = name in self.index.reading_grants
            since = self._granted_since(self.bases[name].seen) if reads else frozenset()
            if since is None:
                found.anew[name] = Anew.everybody(Because.STAGES)
                continue
            granted = self._granted(since, name) if since else {}
            by_grants[since if granted else frozenset()].append(name)
            changed = [Changed(f"{space}.{GRANTS.name}", None, subjects) for space, subjects in granted.items()]
            if changed:
                _add(
                    found.anew[name], affected_subjects(group.after, self.index, changed, [name])[name], Because.GRANTS
                )
        return by_grants

    def _granted(self, since: frozenset[str], name: str) -> dict[str, pl.Series]:
        """Return by space those granted something by these runs that the policy takes notice of."""
        if since not in self.granted_by:
            reading = [self.fixed[one].policy for one in self.index.reading_grants]
            self.granted_by[since] = self.past.granted_by(since, grants_seen(reading))
        rows, seen = self.granted_by[since], grants_seen([self.fixed[name].policy])
        if seen is not None:
            rows = rows.filter(pl.col("policy").is_in(sorted(seen)) | pl.col("crowded"))
        parts = rows.partition_by("space", as_dict=True)
        return {str(space): part["subject"].unique() for (space,), part in parts.items()}

    def _granted_since(self, seen: int) -> frozenset[str] | None:
        """Return `PastGrants.runs_since`, asked once for each."""
        if seen not in self.granted_since:
            self.granted_since[seen] = self.past.runs_since(seen)
        return self.granted_since[seen]

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
