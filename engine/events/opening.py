"""The road of events of one installation, opened: log, ledger, profiles and the engine that fires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from engine.durable_engine import DurableEngine
from engine.events.road import EventRoad
from engine.installation import Installation
from policies.library import read_library
from policies.policy import FixedPolicy, Policy
from policies.vocabulary import Vocabulary
from profiles.events.log import EventLog


@contextmanager
def event_road(installation: Installation) -> Iterator[EventRoad]:
    """Open the road; events that a killed process left unanswered are not taken up yet (`EventRoad.take_up`).

    Raises:
        StoreError: the profile store, its key or the event log cannot be used.
        LedgerError: the ledger cannot be opened.
    """

    def policies() -> Mapping[str, Policy]:
        # Read anew whenever approvals change, so that an approved new text needs no restart.
        return read_library(installation.library_folder, installation.catalog.vocabulary).policies

    with (
        EventLog(installation.home, installation.catalog) as log,
        EventRoad(
            installation.ledger,
            installation.catalog,
            policies,
            log,
            installation.snapshot,
            firing_engine,
            installation.home.path / "differences",
        ) as road,
    ):
        yield road


def firing_engine(fixed: Sequence[FixedPolicy], vocabulary: Vocabulary) -> DurableEngine:
    """Return durable-rules in its own process, started."""
    engine = DurableEngine(fixed, vocabulary, deadline=10.0)
    engine.start()
    return engine
