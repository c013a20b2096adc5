"""How a catalog's mistakes are collected and told: with file, line, column and a remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from policies.document import Document
from policies.errors import CatalogError, Diagnostic, Place
from policies.text import Bilingual


@dataclass(slots=True)
class Findings:
    """The mistakes found so far; `raise_if_any` ends the reading with all of them at once."""

    found: list[Diagnostic] = field(default_factory=list)

    def add(self, code: str, place: Place, zh: str, en: str, help_zh: str, help_en: str) -> None:
        """Note one mistake."""
        self.found.append(Diagnostic(code, Bilingual(zh, en), Bilingual(help_zh, help_en), place))

    def raise_if_any(self) -> None:
        """Raise CatalogError with every mistake, in the order of file and line."""
        if self.found:
            raise CatalogError(sorted(self.found, key=lambda one: (one.place.file or "", one.place.line or 0)))


@dataclass(frozen=True, slots=True)
class Where:
    """A place in one of the files, from which places further in can be reached by key."""

    document: Document
    path: tuple[Any, ...]

    def __truediv__(self, key: Any) -> Where:
        return Where(self.document, (*self.path, key))

    @property
    def place(self) -> Place:
        """Where the value stands."""
        return self.document.place(self.path)

    @property
    def key_place(self) -> Place:
        """Where the key stands."""
        return self.document.key_place(self.path)


def suggestion(name: str, known: Iterable[str]) -> tuple[str, str]:
    """Return the remedy (zh, en) for an unknown `name`: the nearest known one, else the list."""
    choices: Sequence[str] = sorted(known)
    near = get_close_matches(name, choices, n=1, cutoff=0.6)
    if near:
        return f"是否为 `{near[0]}`?", f"did you mean `{near[0]}`?"
    shown = ", ".join(f"`{one}`" for one in choices[:12]) + (" …" if len(choices) > 12 else "")
    return f"可用的有: {shown or '无'}", f"known are: {shown or 'none'}"
