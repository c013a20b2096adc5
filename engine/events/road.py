"""The road of an event: store, find the policies, decide, allocate and record, answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from engine.decision import Facts
from engine.events.answer import EventAnswer, NotDecided, answer_from_json
from engine.events.choosing import FEW, Chosen, changes_of, choose, with_linked, withheld
from engine.events.deciding import EventEngine, SubjectDecisions, decide_subject
from engine.events.differing import keep_cases
from engine.events.ledger_rows import HeldGrant, answer_in_ledger, fingerprint, held_grants, with_held_grants
from engine.events.linked import Backwards
from engine.events.recording import EventToRecord, GrantsMoved, record_event, run_of_event
from engine.events.standing import PoliciesNow, Standing, standing_on, still_standing
from engine.events.unforeseen import as_trouble
from engine.ledger.opening import Ledger
from policies.errors import MianshenError, RunError
from policies.policy import FixedPolicy
from policies.vocabulary import Vocabulary
from profiles.catalog_model import Catalog
from profiles.events.log import EventLog
from profiles.events.model import StoredEvent
from profiles.fault_points import fault_point
from profiles.snapshot import Snapshot

MakeEngine = Callable[[Sequence[FixedPolicy], Vocabulary], EventEngine]
_TRIES = 20  # deciding again because another process granted the same person something meanwhile


@dataclass(frozen=True, slots=True)
class Posted:
    """The answer to a posted event; `again`: the same event had been posted, and this is what was said then."""

    answer: EventAnswer
    again: bool


class EventRoad:
    """Takes events, one after another; safe to share between threads, which then wait for each other.

    It keeps the engine of events alive, and builds it anew when the day or the approved policies change.
    """

    def __init__(
        self,
        ledger: Ledger,
        catalog: Catalog,
        policies: PoliciesNow,
        log: EventLog,
        snapshot: Callable[[date], Snapshot],
        make_engine: MakeEngine,
        differences: Path,
    ) -> None:
        """Stand ready. The engine is started by the first event.

        Args:
            ledger: where grants go.
            catalog: spaces and kinds of events.
            policies: returns the rule library as it is now.
            log: the event log of the same installation.
            snapshot: opens the profiles as they are now, for a reference date.
            make_engine: builds the engine of events from a day's policies.
            differences: the folder of the cases on which engines differ.
        """
        self._ledger, self._catalog, self._policies = ledger, catalog, policies
        self._log, self._open, self._make_engine = log, snapshot, make_engine
        self._differences = differences
        self._lock = threading.RLock()
        self._standing: Standing | None = None
        self._engine: EventEngine | None = None

    def __enter__(self) -> EventRoad:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the engine's process."""
        with self._lock:
            if self._engine is not None:
                self._engine.close()
            self._engine = self._standing = None

    def ready(self, today: date) -> None:
        """Build the engine for a day before the first event of it arrives."""
        with self._lock:
            self._stand(today)

    def lay_out(self, today: date) -> None:
        """Lay the profiles out for single look-ups; without it the first ones of each file are slower.

        May be called from another thread while events are taken. Raises StoreError.
        """
        self._open(today).prepare_point_reads()

    def post(self, raw: Mapping[str, object], *, today: date, received_at: datetime, actor: str) -> Posted:
        """Take one event: store it, then grant what follows. Posted again, it is answered as the first time.

        Args:
            raw: the event as posted, see `profiles.events.log.EventLog.store`.
            today: the reference date of the decisions; no event may lie after it.
            received_at: when it arrived.
            actor: who posted it; named in the audit log.

        Raises:
            EventError: it is refused; nothing was changed.
            StoreError, LedgerError, RunError, DurableError: it is stored but not answered; `take_up` goes on.
        """
        with self._lock:
            stored = self._log.store(raw, today=today, received_at=received_at, actor=actor)
            fault_point("event-stored")
            if stored.answer is not None:
                return Posted(answer_from_json(stored.answer), again=True)
            return Posted(self._answered(stored, today, actor, stored.already), again=stored.already)

    def take_up(self, today: date) -> list[EventAnswer]:
        """Answer the events that a killed process has left unanswered, the oldest first.

        One that still cannot be answered does not keep the others waiting: what stood in its way is raised
        at the end.
        """
        answers: list[EventAnswer] = []
        trouble: MianshenError | None = None
        with self._lock:
            for stored in self._log.unanswered():
                try:
                    answers.append(self._answered(stored, today, stored.actor or "event", True))
                except Exception as problem:
                    trouble = trouble or as_trouble(problem)
        if trouble is not None:
            raise trouble
        return answers

    def _answered(self, stored: StoredEvent, today: date, actor: str, again: bool) -> EventAnswer:
        answer = self._recorded(stored, today, actor, again)
        self._log.answer(stored.number, answer.to_json())
        fault_point("event-answered")
        # If another process answered first, its answer stands.
        kept = self._log.event(stored.number)
        return answer if kept is None or kept.answer is None else answer_from_json(kept.answer)

    def _recorded(self, stored: StoredEvent, today: date, actor: str, again: bool) -> EventAnswer:
        run = run_of_event(stored.number, stored.key)
        # What was stored only now cannot have been recorded; what was stored before may have been.
        known = answer_in_ledger(self._ledger, run) if again else None
        if known is not None:
            return known
        for _ in range(_TRIES):
            try:
                return self._decided(stored, run, today, actor)
            except GrantsMoved:
                continue
        raise RunError.of(
            "event-in-contention",
            f"事件 {stored.number} 的对象正被其他进程反复兑现",
            f"other processes keep granting the subject of event {stored.number}",
            help_zh="稍后重报同一事件；它已保存",
            help_en="post the same event again later; it is stored",
        )

    def _decided(self, stored: StoredEvent, run: str, today: date, actor: str) -> EventAnswer:
        overtaken = sorted(f"{place}.{name}" for place, names in stored.superseded.items() for name in names)
        answer = EventAnswer(
            stored.number,
            stored.key,
            stored.kind,
            stored.outcome,
            stored.occurred_on,
            today,
            superseded=tuple(overtaken),
        )
        if stored.outcome == "contradictory":
            return answer
        standing, engine = self._stand(today)
        changes = changes_of(stored, self._log.changes(stored.number - 1, stored.number))
        refused = withheld(standing, stored, changes)
        snapshot = self._open(today)
        backwards = Backwards(snapshot, self._catalog.vocabulary, FEW)
        chosen = with_linked(choose(standing, stored, changes), standing, changes, backwards)
        if not chosen.policies:
            return replace(answer, not_decided=refused, linked=chosen.linked)
        decisions, seen = self._decisions(standing, engine, chosen, snapshot)
        fault_point("event-decided")
        complete = replace(
            answer,
            policies=tuple(sorted(chosen.names)),
            unclear=tuple(one for decided in decisions for one in decided.unclear),
            not_decided=(*refused, *_unique(decisions)),
            linked=chosen.linked,
            interpreted=tuple(sorted({name for decided in decisions for name in decided.interpreted})),
        )
        vocabulary = self._catalog.vocabulary
        event = EventToRecord(run, complete, decisions, standing, snapshot, vocabulary, actor, seen)
        return record_event(self._ledger, event)

    def _decisions(
        self, standing: Standing, engine: EventEngine, chosen: Chosen, snapshot: Snapshot
    ) -> tuple[list[SubjectDecisions], frozenset[tuple[str, str]] | None]:
        """Decide everybody; return also the state of the grants that was read, None if no policy reads them."""
        reading = standing.index.reading_grants & chosen.names
        held: list[HeldGrant] = []
        if reading:
            with self._ledger.reading() as connection:
                held = held_grants(connection, [subject for _, subject in chosen.policies])
        decisions = []
        for (space, subject), names in chosen.policies.items():
            facts: Facts = snapshot.facts(space, subject)
            if reading & names:
                facts = with_held_grants(facts, subject, held)
            fixed = {name: standing.fixed[name] for name in sorted(names)}
            decisions.append(decide_subject(engine, fixed, self._catalog.vocabulary, space, subject, facts))
        keep_cases(
            self._differences, decisions, standing.fixed, engine, snapshot, self._catalog.vocabulary, self._ledger
        )
        return decisions, fingerprint(held) if reading else None

    def _stand(self, today: date) -> tuple[Standing, EventEngine]:
        if self._standing is not None:
            self._standing = still_standing(self._ledger, self._standing, today)
        if self._standing is None or self._engine is None:
            vocabulary = self._catalog.vocabulary
            standing = standing_on(self._ledger, self._policies(), vocabulary, today)
            engine = self._make_engine(list(standing.fixed.values()), vocabulary)
            if self._engine is not None:
                self._engine.close()
            self._standing, self._engine = standing, engine
        return self._standing, self._engine


def _unique(decisions: Sequence[SubjectDecisions]) -> tuple[NotDecided, ...]:
    return tuple(dict.fromkeys(one for decided in decisions for one in decided.not_decided))
