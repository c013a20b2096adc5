"""What becomes of an event beside what is known: applied, superseded by something newer, or contradictory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from policies.errors import EventError
from policies.text import Bilingual
from policies.types import to_day_number
from policies.vocabulary import Collection as ItemCollection
from policies.vocabulary import Space
from profiles.catalog_event_model import SUBJECT
from profiles.events.checking import CheckedEvent
from profiles.events.model import Outcome, Statement
from profiles.events.patches import EXISTENCE, Patch, floor_of, overlay_row
from profiles.events.statements import subject_named
from profiles.point_reads import point_rows

if TYPE_CHECKING:
    from profiles.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome, what it changes and what was overtaken (place -> names), who is changed, and why not."""

    outcome: Outcome
    changed: Mapping[str, frozenset[str]]
    superseded: Mapping[str, frozenset[str]]
    subjects: tuple[tuple[str, str], ...]
    reason: Bilingual | None = None


@dataclass(slots=True)
class _Known:
    """What extracts and earlier events say of one subject in one source."""

    as_of: date | None
    floor: int | None
    row: Mapping[str, object] | None
    removed: bool
    patches: dict[tuple[str, str], Patch]


@dataclass(slots=True)
class Judge:
    """Judges one event against one snapshot; each source is looked at once.

    `late_contacts` are (subject, word of the vault) of which something newer is known.
    """

    snapshot: Snapshot
    event: CheckedEvent
    statements: Sequence[Statement]
    late_contacts: Collection[tuple[str, str]] = ()
    _seen: dict[tuple[str, str], _Known] = field(default_factory=dict)

    def judgement(self) -> Judgement:
        """Return what becomes of the event.

        Raises:
            EventError: a subject that the event names is not known, or the event says nothing.
        """
        if not self.statements and not self.event.contacts:
            raise EventError.of(
                "event-says-nothing", "事件没有任何可更新的数据", "the event changes nothing: none of its data is given",
                help_zh=f"至少给出一项：{' '.join(self.event.kind.data)}",
                help_en=f"give at least one of: {' '.join(self.event.kind.data)}",
            )  # fmt: skip
        self._require_subjects()
        reason = self._contradiction()
        if reason is not None:
            return Judgement("contradictory", {}, {}, (), reason)
        return self._weighed()

    # --- who is meant ------------------------------------------------------------------------------------

    def _registered(self) -> set[tuple[str, str]]:
        return {
            (said.space, said.subject) for said in self.statements if said.collection is None and said.name == EXISTENCE
        }

    def _require_subjects(self) -> None:
        kind, new = self.event.kind, self._registered()
        named = {SUBJECT: kind.space} | {
            name: one.identity for name, one in kind.data.items() if one.identity is not None
        }
        for name, space in named.items():
            subject = subject_named(self.event, name)
            if subject is None or (space, subject) in new or self.snapshot.exists(space, subject):
                continue
            raise EventError.of(
                "event-unknown-subject", f"`{name}` 所指的主体不在“{space}”登记中",
                f"the subject that `{name}` names is not in the register of `{space}`",
                help_zh="先导入登记数据，或先报送其出生、设立事件",
                help_en="take the register in first, or post the event of its birth or registration",
            )  # fmt: skip

    # --- what cannot be true -----------------------------------------------------------------------------

    def _contradiction(self) -> Bilingual | None:
        for space, subject in sorted(self._registered()):
            if self.snapshot.exists(space, subject):
                return Bilingual("要登记的主体已经存在", "the subject to be registered exists already")
        for name, attribute in self.event.kind.requires.items():
            reason = self._unmet(name, attribute)
            if reason is not None:
                return reason
        day = to_day_number(self.event.occurred_on)
        for said in self.statements:
            if said.collection is not None and said.name == EXISTENCE and said.value == 0:
                known = self._known(said)
                closed = known.patches.get((said.item, EXISTENCE))
                # An extract of a later day may have listed it again.
                counts = closed is not None and (known.floor is None or closed.day >= known.floor)
                if closed is not None and counts and closed.value == 0 and closed.day != day:
                    return Bilingual(
                        f"`{said.place}` 的该项已在另一天结束", f"the item of `{said.place}` has already ended on another day"
                    )  # fmt: skip
        return None

    def _unmet(self, name: str, attribute: str) -> Bilingual | None:
        """Return why the subject that `name` names cannot have this event, or None."""
        subject = subject_named(self.event, name)
        space = self.event.kind.space if name == SUBJECT else self.event.kind.data[name].identity
        if subject is None or space is None or (space, subject) in self._registered():
            return None
        source = self.snapshot.source_of_datum(space, attribute)
        if source is None:
            return None
        known = self._of(source.id, subject)
        patches = list(known.patches.values())
        table = self.snapshot.tables.get(source.id)
        row = overlay_row(
            known.row, known.removed, known.as_of, patches,
            table.full_as_of if table is not None else None, source.kind == "register",
        )  # fmt: skip
        value = row.cells.get(attribute) if row is not None else None
        if row is None or value is None or value:
            return None
        day = to_day_number(self.event.occurred_on)
        # An event says since which day it is so, an extract only that it is so on its day.
        told = row.days.get(attribute)
        since = told if told is not None else known.floor
        if since is not None and since < day:
            return Bilingual(
                f"`{name}` 的 `{attribute}` 在这一天以前已为否", f"`{attribute}` of `{name}` was already no before that day"
            )  # fmt: skip
        ends_it = any(
            (said.space, said.subject, said.name, said.value) == (space, subject, attribute, False)
            for said in self.statements
        )
        if ends_it and told is not None and told != day:
            return Bilingual(
                f"`{name}` 的 `{attribute}` 已在另一天变为否", f"`{attribute}` of `{name}` became no on another day"
            )  # fmt: skip
        return None

    # --- what is newer -----------------------------------------------------------------------------------

    def _weighed(self) -> Judgement:
        changed: dict[str, set[str]] = {}
        superseded: dict[str, set[str]] = {}
        subjects: dict[tuple[str, str], None] = {}
        day = to_day_number(self.event.occurred_on)
        won_items = {
            (said.source, said.subject, said.item)
            for said in self.statements
            if said.name == EXISTENCE and self._wins(said, day)
        }
        for said in self.statements:
            of_item = (said.source, said.subject, said.item) in won_items
            wins = of_item if said.collection is not None else self._wins(said, day)
            for place, names in self._names(said).items():
                (changed if wins else superseded).setdefault(place, set()).update(names)
            if wins:
                subjects[said.space, said.subject] = None
        for space, subject, word in self._contacts_given():
            wins = (subject, word) not in self.late_contacts
            (changed if wins else superseded).setdefault(space, set()).add(word)
            if wins:
                subjects[space, subject] = None
        reason = None
        if not changed:
            reason = Bilingual("已有更新的数据", "something newer is known")
        return Judgement(
            "applied" if changed else "superseded",
            {place: frozenset(names) for place, names in changed.items()},
            {place: frozenset(names) for place, names in superseded.items()},
            tuple(sorted(subjects, key=lambda one: one[1] != self.event.subject)),
            reason,
        )

    def _contacts_given(self) -> list[tuple[str, str, str]]:
        """Return space, subject and word of the contacts that come with the event."""
        return [
            (patch.space, subject, word)
            for patch in self.event.kind.patches
            for word, name in patch.contacts.items()
            if name in self.event.contacts and (subject := subject_named(self.event, patch.of)) is not None
        ]

    def _wins(self, said: Statement, day: int) -> bool:
        known = self._known(said)
        if known.floor is not None and day < known.floor:
            return False
        rival = known.patches.get((said.item, said.name))
        return rival is None or rival.day <= day

    def _names(self, said: Statement) -> dict[str, set[str]]:
        """Return the names that a statement touches, by place: a newcomer or an item touches all there are."""
        if said.name != EXISTENCE:
            return {said.place: {said.name}}
        space = self.snapshot.space(said.space)
        if said.collection is not None:
            return {said.place: _all_names(space.collections[said.collection])}
        everything = {said.space: _all_names(space)}
        return everything | {f"{said.space}.{name}": _all_names(one) for name, one in space.collections.items()}

    def _known(self, said: Statement) -> _Known:
        return self._of(said.source, said.subject)

    def _of(self, source: str, subject: str) -> _Known:
        key = (source, subject)
        if key not in self._seen:
            self._seen[key] = self._looked_up(source, subject)
        return self._seen[key]

    def _looked_up(self, source: str, subject: str) -> _Known:
        snapshot = self.snapshot
        bucket = snapshot.bucket_of(subject)
        table = snapshot.tables.get(source)
        patches = snapshot.patches_of(source, subject)
        rows = point_rows(table, bucket, subject) if table is not None else []
        as_of = rows[0]["_as_of"] if rows else None
        assert as_of is None or isinstance(as_of, date)
        is_register = snapshot.catalog.sources[source].kind == "register"
        floor = floor_of(as_of, table.full_as_of if table is not None else None, is_register)
        removed = bool(rows and rows[0]["_removed"])
        newest = {(patch.item, patch.name): patch for patch in patches}
        return _Known(as_of, floor, rows[0] if rows else None, removed, newest)


def _all_names(owner: Space | ItemCollection) -> set[str]:
    names = {*owner.attributes, *owner.links}
    return names | ({"member"} if isinstance(owner, ItemCollection) and owner.member_space is not None else set())
