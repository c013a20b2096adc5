"""Tables, JSON and progress in the terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date
from enum import Enum
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

# Where there is no terminal (a pipe, a log), rich would assume 80 columns, too few for these tables.
_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 140
console = Console(highlight=False, width=_WIDTH)
# Never wrapped: a path or an expression broken over two lines can neither be searched nor copied.
problems = Console(stderr=True, highlight=False, soft_wrap=True)


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    numbers: Sequence[int] = (),
    first: str | None = None,
) -> Table:
    """Return a table; `numbers` are the positions of the columns that are set flush right.

    What stands in the cells is shown as it is: square brackets from data are no markup.
    `first` heads one more column at the left, wide enough for ids to stay in one line.
    """
    made = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    if first is not None:
        made.add_column(first, min_width=40, overflow="fold")
    for position, column in enumerate(columns):
        made.add_column(column, justify="right" if position in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(escape(str(cell)) for cell in row))
    return made


def print_json(value: Any) -> None:
    """Print `value` (frozen dataclasses, enums and dates included) as JSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(value)
    return str(value)


def progress() -> Progress:
    """Return a progress bar that vanishes when done and is silent where there is no terminal."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=problems, transient=True, disable=not problems.is_terminal,
    )  # fmt: skip
