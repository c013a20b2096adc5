"""The small vocabulary of the language's tests, and the rules that the overlays here are laid over."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from policies.vocabulary import Vocabulary
from tests.policies.conftest import small_vocabulary

RULES = Path(__file__).parent / "rules"


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    """The small vocabulary."""
    return small_vocabulary()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the rules that a test may change."""
    copied = tmp_path / "rules"
    shutil.copytree(RULES, copied)
    return copied
