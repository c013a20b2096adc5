"""From what was decided to what is granted: the allocation and the transaction of a batch, for one event.

Everything is read and written inside one write transaction of the ledger, so that neither a batch nor another
event can come between. The answer is kept in the same transaction: an event whose process died after it is
answered from there, and never granted a second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from hashlib import sha256

import polars as pl
from sqlalchemy import Connection, insert

from engine.allocating import KEY, Terms
from engine.decision import Outcome
from engine.events.answer import EventAnswer, Granted, ToLookAt, Waits
from engine.events.deciding import SubjectDecisions
from engine.events.ledger_rows import HeldGrant, fingerprint, held_grants, recorded_answer, waits_for
from engine.events.plain_grants import Candidate, funds_suffice, not_granted_yet, stand_alone, write_plain
from engine.events.standing import Standing
from engine.grant_terms import grant_terms
from engine.ledger import tables
from engine.ledger.earlier import WAITING_COLUMNS, WAITING_KEY, waiting_of_subjects
from engine.ledger.ids import grant_id
from engine.ledger.opening import Ledger, table, to_text_of_json
from engine.ledger.stages import first_stage
from engine.matching import WITH_EVIDENCE, Profiles
from engine.planning import Plan
from engine.recording import GrantTerms, Recorder, with_period, write_rows
from engine.settling import settle
from engine.settling_beside_events import EVENT_RUN
from policies.vocabulary import Vocabulary
from profiles.fault_points import fault_point


class GrantsMoved(Exception):
    """Somebody else granted the subject something since it was decided; decide again. Never leaves the road."""


@dataclass(frozen=True, slots=True)
class EventToRecord:
    """One decided event. `seen` is the state of the subjects' grants that the decisions rest on; None: on none."""

    run: str
    answer: EventAnswer
    decisions: Sequence[SubjectDecisions]
    standing: Standing
    profiles: Profiles
    vocabulary: Vocabulary
    actor: str
    seen: frozenset[tuple[str, str]] | None = None

    @property
    def candidates(self) -> list[Candidate]:
        """Everybody who qualifies."""
        return [row for one in self.decisions for row in one.rows]

    @property
    def subjects(self) -> list[str]:
        """The pseudonyms of those decided, sorted."""
        return sorted({one.subject for one in self.decisions})


def run_of_event(number: int, key: str) -> str:
    """Return the id under which an event is recorded: the same for the same event on every machine."""
    return f"{EVENT_RUN}{number:09d}-{sha256(key.encode()).hexdigest()[:12]}"


def record_event(ledger: Ledger, event: EventToRecord) -> EventAnswer:
    """Allocate and record; return the answer, completed. Doing it again changes nothing and answers the same.

    Raises:
        GrantsMoved: the decisions rest on past grants that have changed since.
        LedgerError: the ledger cannot be written.
    """
    if not event.candidates:
        # Most events grant nothing; they must not stand in line for the right to write.
        with ledger.reading() as connection:
            known = recorded_answer(connection, event.run)
            if known is not None:
                return known
            if not _waits(connection, event):
                return replace(event.answer, to_look_at=_to_look_at(event, held_grants(connection, event.subjects)))
    with ledger.writing() as connection:
        known = recorded_answer(connection, event.run)
        if known is not None:
            return known
        held = held_grants(connection, event.subjects)
        if event.seen is not None and fingerprint(held) != event.seen:
            raise GrantsMoved
        answer = replace(event.answer, to_look_at=_to_look_at(event, held))
        answer = _record_within(connection, ledger, event, held, answer)
        fault_point("event-recorded")
    fault_point("event-granted")
    return answer


def _record_within(
    connection: Connection, ledger: Ledger, event: EventToRecord, held: Sequence[HeldGrant], answer: EventAnswer
) -> EventAnswer:
    found = event.candidates
    terms = _terms(event, found)
    if stand_alone(frozenset(one.policy for one in found), terms) and not _waits(connection, event):
        granted = not_granted_yet(found, held, terms)
        if funds_suffice(connection, granted, terms):
            return _recorded_plainly(connection, ledger, event, granted, terms, answer)
    return _recorded_with_frames(connection, ledger, event, found, terms, answer)


def _recorded_plainly(
    connection: Connection,
    ledger: Ledger,
    event: EventToRecord,
    granted: Sequence[Candidate],
    terms: Mapping[str, Terms],
    answer: EventAnswer,
) -> EventAnswer:
    if not granted:
        return answer
    answer = replace(answer, run=event.run, granted=tuple(_line(event, one, terms) for one in granted))
    for bucket, decided in enumerate(event.decisions):
        mine = [one for one in granted if one.subject == decided.subject]
        if mine:
            write_plain(
                connection, _recorder(ledger, event, decided, {one.policy for one in mine}, terms), bucket, mine
            )
    _insert_decision(connection, ledger, event, answer)
    return answer


class _InMemory:
    """What the allocation puts aside (`engine.settling.PutAside`)."""

    def __init__(self) -> None:
        self._frames: dict[tuple[str, int], pl.DataFrame] = {}

    def write(self, name: str, bucket: int, frame: pl.DataFrame) -> None:
        self._frames[name, bucket] = frame

    def read(self, name: str, bucket: int, columns: Sequence[str] | None = None) -> pl.DataFrame:
        frame = self._frames[name, bucket]
        return frame if columns is None else frame.select(columns)


def _recorded_with_frames(
    connection: Connection,
    ledger: Ledger,
    event: EventToRecord,
    candidates: Sequence[Candidate],
    terms: Mapping[str, Terms],
    answer: EventAnswer,
) -> EventAnswer:
    """The whole allocation of a batch."""
    found = pl.DataFrame([one.row for one in candidates], schema=WITH_EVIDENCE, orient="row")
    kept, waiting = _allocated(connection, event, found, terms)
    waited = _waited(connection, event)
    granted_keys = with_period(kept.select(KEY), terms).select(WAITING_KEY)
    still = pl.concat([waiting.select(WAITING_KEY), granted_keys])
    no_longer = waited.join(still, on=WAITING_KEY, how="anti").select(WAITING_KEY)
    served = waited.join(granted_keys, on=WAITING_KEY, how="semi").select(WAITING_KEY)
    new = waiting.join(waited, on=list(WAITING_COLUMNS), how="anti", nulls_equal=True)
    lines = tuple(_line(event, Candidate(**row), terms) for row in kept.sort("subject", "policy", "unit").to_dicts())
    answer = replace(answer, waiting=_waiting_lines(event, waiting), granted=lines)
    if kept.is_empty() and new.is_empty() and no_longer.is_empty():
        return answer
    answer = replace(answer, run=event.run)
    gone = pl.concat([no_longer, served])
    for bucket, decided in enumerate(event.decisions):
        mine = pl.col("subject") == decided.subject
        rows, late, ended = kept.filter(mine), new.filter(mine), gone.filter(mine)
        if not (rows.is_empty() and late.is_empty() and ended.is_empty()):
            recorder = _recorder(ledger, event, decided, set(rows["policy"].to_list()), terms)
            write_rows(connection, recorder, bucket, rows, late, ended)
    _insert_decision(connection, ledger, event, answer)
    return answer


def _terms(event: EventToRecord, found: Sequence[Candidate]) -> dict[str, Terms]:
    """Return the terms that can matter here: of the candidates' policies and of all that are tied to them."""
    names = event.standing.tied({one.policy for one in found})
    return {name: event.standing.terms[name] for name in names if name in event.standing.terms}


def _allocated(
    connection: Connection, event: EventToRecord, found: pl.DataFrame, terms: Mapping[str, Terms]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return who is granted (with evidence) and who waits (`WAITING_COLUMNS`)."""
    if found.is_empty():
        return found, pl.DataFrame(schema=WAITING_COLUMNS)
    put_aside = _InMemory()
    put_aside.write("candidates", 0, found)
    names = found["policy"].unique().to_list()
    items = tuple(event.standing.planned[name] for name in sorted(names))
    settle(Plan(event.standing.on, items, terms), names, [0], put_aside, connection, None)
    kept = put_aside.read("kept", 0).join(found.select(*KEY, "evidence"), on=KEY, how="left", maintain_order="left")
    waiting = with_period(put_aside.read("waiting", 0), terms).select(*WAITING_COLUMNS)
    return kept.select(*WITH_EVIDENCE), waiting


def _recorder(
    ledger: Ledger,
    event: EventToRecord,
    decided: SubjectDecisions,
    names: set[str],
    terms: Mapping[str, Terms],
) -> Recorder:
    def days_of(space: str) -> Mapping[str, date]:
        return event.profiles.as_of(space, decided.subject if space == decided.space else None)

    known = cache(days_of)
    mine: dict[str, GrantTerms] = {
        name: grant_terms(event.standing.planned[name], event.vocabulary, known) for name in sorted(names)
    }
    return Recorder(ledger, event.run, event.standing.on, event.actor, mine, terms)


def _insert_decision(connection: Connection, ledger: Ledger, event: EventToRecord, answer: EventAnswer) -> None:
    connection.execute(
        insert(table(tables.EventDecision)).values(
            run=event.run,
            event=answer.number,
            on=answer.on.isoformat(),
            at=ledger.now(),
            store_version=to_text_of_json(dict(event.profiles.versions)),
            policies=to_text_of_json({name: event.standing.fixed[name].policy.version for name in answer.policies}),
            answer=to_text_of_json(answer.to_json()),
        )
    )


def _decided_keys(event: EventToRecord) -> set[tuple[str, str, str]]:
    return {
        (one.subject, name, event.standing.planned[name].period.key) for one in event.decisions for name in one.policies
    }


def _waits(connection: Connection, event: EventToRecord) -> bool:
    """Return whether anybody waits for anything that was decided."""
    waiting = waits_for(connection, event.subjects)
    return bool(waiting) and not _decided_keys(event).isdisjoint(waiting)


def _waited(connection: Connection, event: EventToRecord) -> pl.DataFrame:
    """Return what the subjects wait for of the policies that were decided for them, for the current periods."""
    names = {"subject": pl.String, "policy": pl.String, "period": pl.String}
    keys = pl.DataFrame(sorted(_decided_keys(event)), schema=names, orient="row")
    subjects = pl.Series("subject", event.subjects, dtype=pl.String)
    return waiting_of_subjects(connection, subjects).join(keys, on=list(names), how="semi")


def _to_look_at(event: EventToRecord, held: Sequence[HeldGrant]) -> tuple[ToLookAt, ...]:
    """Return the grants of the current periods that the decisions do not support any more."""
    decisions = {one.subject: one for one in event.decisions}
    found = []
    for one in sorted(held, key=lambda one: (one.subject, one.policy, one.unit, one.period)):
        decided = decisions[one.subject]
        if not one.counts or one.policy not in decided.policies:
            continue
        if one.period != event.standing.planned[one.policy].period.key:
            continue
        outcome = decided.outcomes.get((one.policy, one.unit))
        gone = outcome is None and one.policy in decided.units_known
        if outcome is Outcome.INELIGIBLE or gone:
            found.append(ToLookAt(one.policy, one.subject, one.unit, one.period, one.id, one.stage))
    return tuple(found)


def _waiting_lines(event: EventToRecord, waiting: pl.DataFrame) -> tuple[Waits, ...]:
    return tuple(
        Waits(
            row["policy"], event.standing.planned[row["policy"]].policy.title, row["subject"], row["unit"],
            row["period"], row["reason"], row["detail"], row["amount"],
        )
        for row in waiting.sort(WAITING_KEY).to_dicts()
    )  # fmt: skip


def _line(event: EventToRecord, one: Candidate, terms: Mapping[str, Terms]) -> Granted:
    policy, period = event.standing.planned[one.policy].policy, terms[one.policy].period.key
    number = grant_id(one.subject, policy.id, one.unit, period)
    stage = first_stage(policy.delivery, is_hint=policy.judgement is not None).value
    return Granted(policy.id, policy.title, policy.space, one.subject, one.unit, period, one.amount, number, stage)
