"""Every test gets its own copy of the town with bundles, a clock it may turn, and the real servers of notices."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.installation import Installation
from tests.bundles.bundle_town import Clock, birth, library, opened, post, settle
from tests.notifier.conftest import gateway, mail

__all__ = ["gateway", "mail"]


@pytest.fixture(scope="session")
def settled_with_bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("bundle-town")
    rules = library(folder / "rules")
    settle(folder / "home", rules).ledger.close()
    return folder / "home", rules


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def place(settled_with_bundles: tuple[Path, Path], tmp_path: Path, clock: Clock) -> Iterator[Installation]:
    home, rules = settled_with_bundles
    shutil.copytree(home, tmp_path / "home")
    installation = opened(tmp_path / "home", rules, clock)
    yield installation
    installation.ledger.close()


@pytest.fixture(scope="session")
def settled_with_birth(settled_with_bundles: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    home, rules = settled_with_bundles
    copy = tmp_path_factory.mktemp("birth-town") / "home"
    shutil.copytree(home, copy)
    installation = opened(copy, rules, Clock())
    post(installation, birth())
    installation.ledger.close()
    return copy


@pytest.fixture
def born(
    settled_with_birth: Path, settled_with_bundles: tuple[Path, Path], tmp_path: Path, clock: Clock
) -> Iterator[Installation]:
    """The town after the birth; nobody has been told yet."""
    shutil.copytree(settled_with_birth, tmp_path / "home")
    installation = opened(tmp_path / "home", settled_with_bundles[1], clock)
    yield installation
    installation.ledger.close()
