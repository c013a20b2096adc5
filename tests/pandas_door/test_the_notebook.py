"""The analyst's notebook runs from top to bottom, and what it shows is what it would show today."""

from __future__ import annotations

import logging
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "engine" / "notebooks").glob("*.ipynb"))
ROOT = Path(__file__).resolve().parents[2]


def texts(notebook: nbformat.NotebookNode) -> list[str]:
    """Return what the cells print and show as text, in order."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            found.append(output.get("text") or output.get("data", {}).get("text/plain", ""))
    return found


def charts(notebook: nbformat.NotebookNode) -> int:
    """Return the number of pictures."""
    return sum("image/png" in one.get("data", {}) for cell in notebook.cells for one in cell.get("outputs", ()))


def test_there_is_a_notebook() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["what_would_change"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_stores(path: Path, monkeypatch) -> None:
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    stored = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    NotebookClient(fresh, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    assert texts(fresh) == texts(stored)
    assert charts(fresh) == charts(stored) >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_stores_no_error_and_no_path_of_a_machine(path: Path) -> None:
    written = path.read_text("utf-8")
    assert '"output_type": "error"' not in written
    assert str(ROOT) not in written and "/home/" not in written
