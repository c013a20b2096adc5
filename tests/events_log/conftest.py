"""The settled town, built once and copied for every test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiles.catalog_model import Catalog
from profiles.catalog_reading import read_catalog
from profiles.events.log import EventLog
from profiles.home import Home
from tests.events_log.event_town import settle


@pytest.fixture(scope="session")
def settled_town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the town as its first extracts describe it; tests copy it."""
    folder = tmp_path_factory.mktemp("event-town") / "home"
    settle(Home(folder))
    return folder


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """Return the shipped catalog."""
    return read_catalog()


@pytest.fixture
def home(settled_town: Path, tmp_path: Path) -> Home:
    """Return a copy of the town."""
    shutil.copytree(settled_town, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def log(home: Home, catalog: Catalog) -> Iterator[EventLog]:
    """Return the town's open event log."""
    with EventLog(home, catalog) as opened:
        yield opened
