"""Cases of what an editor is told, kept as texts: a file with the cursor as ▮, and what must come of it.

=== what the case shows
> file: rule.yaml                 its name (default: rule.yaml)
> offers: a, b                    labels that must be offered; `> first: a` must stand at the top
> omits: c                        labels that must not be
> only: a, b                      exactly these
> inserts: a -> a:                what a label writes
> replaces: ki                    the text that is replaced
> hover: part; part               fragments of what is shown, in either language
> signature: form | argument      how the function around the cursor is written, and the argument it stands in
> goes: file | line               the file (`here` for the same) and the start of the line gone to
the text
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from policies.editing.positions import Point

MARK = "▮"


@dataclass(frozen=True)
class Case:
    """One case: its name, what it expects, the text without the mark, and where the mark was."""

    name: str
    file: str
    expected: tuple[tuple[str, str], ...]
    text: str
    point: Point

    def listed(self, key: str) -> list[str]:
        """Return the words of all lines with this key."""
        return [
            word.strip() for name, value in self.expected if name == key for word in value.split(", ") if word.strip()
        ]

    def all(self, key: str) -> list[str]:
        """Return the lines with this key."""
        return [value for name, value in self.expected if name == key]


def cases_in(folder: Path) -> Iterator[Case]:
    """Yield the cases of all files of a folder."""
    for path in sorted(folder.glob("*.txt")):
        for part in path.read_text(encoding="utf-8").split("=== ")[1:]:
            yield _case(part, path.stem)


def _case(part: str, topic: str) -> Case:
    head, _, body = part.partition("\n")
    expected: list[tuple[str, str]] = []
    while body.startswith("> "):
        line, _, body = body.partition("\n")
        key, _, value = line[2:].partition(":")
        expected.append((key.strip(), value.strip()))
    body = body.removesuffix("\n")
    before, mark, after = body.partition(MARK)
    assert mark and MARK not in after, f"{topic}: {head}: one cursor is needed"
    lines = before.split("\n")
    file = next((value for key, value in expected if key == "file"), "rule.yaml")
    return Case(f"{topic}: {head}", file, tuple(expected), before + after, Point(len(lines) - 1, len(lines[-1])))
