"""An empty installation and the small town, for the tests of profiles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from profiles.catalog_model import Catalog
from profiles.home import Home
from tests.profiles.small_town import build_catalog, write_csv


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return an empty installation."""
    return Home(tmp_path / "home")


@pytest.fixture
def catalog() -> Catalog:
    """Return the small catalog."""
    return build_catalog()


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of CSV files by source name."""

    def write(name: str, header: Sequence[str], rows: Iterable[Sequence[object]], encoding: str = "utf-8") -> Path:
        return write_csv(tmp_path / name, header, rows, encoding)

    return write
