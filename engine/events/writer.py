"""The one thread through which a service takes events, in the order in which they arrive."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime

from engine.events.road import EventRoad, Posted
from engine.events.unforeseen import as_trouble
from engine.ledger.times import Clock, now_in_utc
from engine.reference_day import ZONE
from policies.errors import MianshenError, RunError

MOST_WAITING = 2_000
_LOOK_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    raw: Mapping[str, object]
    actor: str
    answer: Future[Posted]


class EventWriter:
    """Posts events one after another in a thread of its own; senders wait for their answers.

    At its start it takes up what a killed process has left; while nothing arrives it looks whether the day or
    the approved policies have changed, so that the next event does not wait for the engine.
    """

    def __init__(
        self,
        open_road: Callable[[], AbstractContextManager[EventRoad]],
        clock: Clock = now_in_utc,
        on_trouble: Callable[[MianshenError], None] | None = None,
    ) -> None:
        """Prepare; nothing happens before `start`.

        Args:
            open_road: opens the road, inside the thread.
            clock: tells the time of arrival and the day (of the zone of the schedule).
            on_trouble: is told why the road cannot be opened or an event cannot be taken up; both are tried again.
        """
        self._open_road, self._clock, self._on_trouble = open_road, clock, on_trouble
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._work, name="event-writer", daemon=True)
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the event that is being worked on; those still waiting are told to come again."""
        self._stopping.set()
        self._queue.put(None)
        self._thread.join()

    def submit(self, raw: Mapping[str, object], actor: str) -> Future[Posted]:
        """Hand in one event. Raises RunError if too many are waiting, or if the service is stopping."""
        waiting = _Waiting(raw, actor, Future())
        try:
            if self._stopping.is_set():
                raise queue.Full
            self._queue.put_nowait(waiting)
        except queue.Full:
            raise _come_again() from None
        return waiting.answer

    def today(self) -> date:
        """Return the reference date of an event that arrives now."""
        return self._now().astimezone(ZONE).date()

    def _now(self) -> datetime:
        return self._clock()

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._open_road() as road:
                    threading.Thread(target=self._lay_out, args=(road,), name="event-layout", daemon=True).start()
                    self._prepare(road)
                    self._serve(road)
            except Exception as problem:
                # Whatever it is: without this thread every sender would wait for ever.
                told = as_trouble(problem)
                self._tell(told)
                self._refuse_waiting(told)
        self._refuse_waiting(_come_again())

    def _lay_out(self, road: EventRoad) -> None:
        try:
            road.lay_out(self.today())
        except MianshenError as problem:
            self._tell(problem)

    def _prepare(self, road: EventRoad) -> None:
        road.ready(self.today())
        try:
            road.take_up(self.today())
        except MianshenError as problem:
            self._tell(problem)  # one event that cannot be answered now must not keep the others out

    def _serve(self, road: EventRoad) -> None:
        while not self._stopping.is_set():
            try:
                waiting = self._queue.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                self._prepare(road)
                continue
            if waiting is None:
                return
            if not waiting.answer.set_running_or_notify_cancel():
                continue
            try:
                posted = road.post(waiting.raw, today=self.today(), received_at=self._now(), actor=waiting.actor)
            except Exception as problem:
                told = as_trouble(problem)
                waiting.answer.set_exception(told)
                if told is not problem:
                    self._tell(told)
                    return  # the road is opened anew: nobody knows in what state it is
            else:
                waiting.answer.set_result(posted)

    def _refuse_waiting(self, problem: MianshenError) -> None:
        """Answer those who wait; without any, rest a moment before the road is opened again."""
        try:
            waiting = self._queue.get(timeout=0 if self._stopping.is_set() else 1.0)
            while True:
                if waiting is not None and waiting.answer.set_running_or_notify_cancel():
                    waiting.answer.set_exception(problem)
                waiting = self._queue.get_nowait()
        except queue.Empty:
            return

    def _tell(self, problem: MianshenError) -> None:
        if self._on_trouble is not None:
            self._on_trouble(problem)


def _come_again() -> RunError:
    error = RunError.of(
        "event-service-busy",
        "事件服务正忙或正在停止",
        "the event service is busy or stopping",
        help_zh="稍后用同一个 key 重报",
        help_en="post the event again with the same key in a moment",
    )
    assert isinstance(error, RunError)
    return error
