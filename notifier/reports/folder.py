"""A report's folder: written whole beside its place, then moved there in one step."""

from __future__ import annotations

import csv
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from notifier.reports.charts import draw, inline
from notifier.reports.page import page_of
from notifier.reports.pieces import Report, Table, cell_in
from policies.errors import SettingsError
from policies.text import Language

PAGE, DATA, PEOPLE = "report.html", "report.json", "people.csv"
_LANGUAGES: tuple[Language, ...] = ("zh", "en")


class ReportFolder:
    """A folder being filled. What names people (by pseudonym) is for the operator's eyes: only the owner may read it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begun = False

    def add_people(self, frame: pl.DataFrame) -> None:
        """Append rows to `people.csv`; the first ones also write the heading."""
        file = self.path / PEOPLE
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            if not self._begun:
                writer.writerow(frame.columns)
                self._begun = True
            writer.writerows(frame.iter_rows())

    def add(self, report: Report, first: Language) -> None:
        """Write the page, the charts, one CSV for each table, and the data."""
        inlined: dict[tuple[str, Language], str] = {}
        charts = self.path / "charts"
        charts.mkdir()
        for chart in report.charts:
            for language in _LANGUAGES:
                svg, png = draw(chart, language)
                (charts / f"{chart.name}.{language}.svg").write_text(svg, encoding="utf-8")
                (charts / f"{chart.name}.{language}.png").write_bytes(png)
                inlined[chart.name, language] = inline(svg, f"{chart.name}-{language}")
        for table in report.tables:
            _write_table(self.path / f"{table.name}.csv", table, first)
        (self.path / PAGE).write_text(page_of(report, inlined, first), encoding="utf-8")
        text = json.dumps(report.data, ensure_ascii=False, indent=2, default=str)
        (self.path / DATA).write_text(text + "\n", encoding="utf-8")


@contextmanager
def report_folder(wanted: Path) -> Iterator[ReportFolder]:
    """Open a folder for a report; if the block succeeds it stands at `wanted`, else nothing is left.

    Raises SettingsError `report-exists` if something is there already, or `report-unwritable`.
    """
    refuse_occupied(wanted)
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{wanted.name}-", dir=wanted.parent))
    except OSError as error:
        raise _unwritable(wanted, error) from None
    try:
        yield ReportFolder(partial)
        partial.chmod(0o755)
        try:
            # An empty folder gives way; one that has been filled meanwhile does not.
            partial.replace(wanted)
        except OSError as error:
            raise _unwritable(wanted, error) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def refuse_occupied(wanted: Path) -> None:
    """Raise SettingsError if `wanted` is a file, or a folder that is not empty."""
    if not wanted.exists() or (wanted.is_dir() and not any(wanted.iterdir())):
        return
    raise SettingsError.of(
        "report-exists",
        f"`{wanted}` 已存在，且不是空目录；报告不会覆盖它",
        f"`{wanted}` exists and is no empty folder; a report does not overwrite it",
        help_zh="给 --report 另一个目录，或先移走它",
        help_en="give --report another folder, or move this one away first",
    )


def _unwritable(wanted: Path, error: OSError) -> SettingsError:
    return SettingsError.of(
        "report-unwritable",
        f"报告无法写入 `{wanted}`：{error.strerror}",
        f"the report cannot be written to `{wanted}`: {error.strerror}",
        help_zh="给 --report 一个可写的目录", help_en="give --report a folder that can be written",
    )  # fmt: skip


def _write_table(path: Path, table: Table, language: Language) -> None:
    # The mark at the beginning tells spreadsheets that this is UTF-8; they would show Chinese as rubbish.
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([column.in_language(language) for column in table.columns])
        for row in table.rows:
            writer.writerow([str(cell) if isinstance(cell, int) else _safe(cell_in(cell, language)) for cell in row])


def _safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    is_number = text.replace(",", "").replace(".", "").lstrip("-").isdigit()
    return f"'{text}" if text[:1] in "=+-@" and text and not is_number else text
