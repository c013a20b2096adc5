"""Every test gets its own copy of one little town."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.events.road import EventRoad
from engine.installation import Installation
from profiles.home import Home
from tests.events_road.little_town import RULES, open_road, town


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town") / "home"
    made = town(folder)
    made.ledger.close()
    return folder


@pytest.fixture
def installation(settled: Path, tmp_path: Path) -> Iterator[Installation]:
    shutil.copytree(settled, tmp_path / "home")
    made = Installation(Home(tmp_path / "home"), RULES)
    yield made
    made.ledger.close()


@pytest.fixture
def road(installation: Installation) -> Iterator[EventRoad]:
    with open_road(installation) as made:
        yield made
    made._log.close()
