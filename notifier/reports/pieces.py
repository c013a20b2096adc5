"""What a report is made of, whatever it is about: paragraphs, tables and bar charts, in Chinese and English."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from policies.text import Bilingual

Cell = str | int | Bilingual


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph. A `note` is set smaller: how to read the figures."""

    words: Bilingual
    note: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """The figures that matter most: (name, value) pairs, shown large."""

    pairs: tuple[tuple[Bilingual, Bilingual], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `name` is that of its CSV file; the first column heads the rows, the others are set flush right
    unless `words`."""

    name: str
    title: Bilingual
    columns: tuple[Bilingual, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, its length (0 where the figure is hidden) and what is written at its end."""

    label: Bilingual
    value: int
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Horizontal bars, or with `upright` vertical ones along time. `name` is that of its files."""

    name: str
    title: Bilingual
    unit: Bilingual
    bars: tuple[Bar, ...]
    upright: bool = False


Piece = Paragraph | Facts | Table | Chart


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it."""

    title: Bilingual
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report; `data` becomes its JSON file."""

    title: Bilingual
    subtitle: Bilingual
    sections: tuple[Section, ...]
    data: object

    @property
    def charts(self) -> tuple[Chart, ...]:
        """All charts that show something, in order."""
        pieces = [piece for section in self.sections for piece in section.pieces]
        return tuple(piece for piece in pieces if isinstance(piece, Chart) and piece.bars)

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables, in order."""
        return tuple(piece for section in self.sections for piece in section.pieces if isinstance(piece, Table))


def yuan(fen: int) -> str:
    """Return fen as yuan with two decimals and thousands separators."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def both(words: Sequence[Bilingual], zh: str = "；", en: str = "; ") -> Bilingual:
    """Return several texts as one."""
    return Bilingual(zh.join(one.zh for one in words), en.join(one.en for one in words))


def cell_in(cell: Cell, language: str) -> str:
    """Return a cell in one language; whole numbers get thousands separators."""
    if isinstance(cell, Bilingual):
        return cell.zh if language == "zh" else cell.en
    return f"{cell:,}" if isinstance(cell, int) else cell
