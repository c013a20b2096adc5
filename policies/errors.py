"""The one error family.

    MianshenError                 everything a user can cause; carries diagnostics, never a bare string
    ├── PolicyError               a rule file that cannot be read, checked or run
    ├── CatalogError              a catalog file (spaces, sources, attributes, code sets, indicators)
    ├── IntakeError               an extract file refused as a whole (rows go to quarantine instead)
    ├── StoreError                the profile store or the vault is missing, locked or damaged
    ├── LedgerError               a rule of the ledger was about to be broken, or it cannot be opened
    ├── RunError                  a run cannot be planned or continued
    ├── DurableError              durable-rules cannot express a policy, or its process cannot be kept running
    ├── EventError               a life event that cannot be taken; it is kept, sealed, with the reason
    ├── DeliveryError             a channel is not configured, or refuses for good
    └── SettingsError             a setting, option or path is wrong

The library never prints. The command line shows the diagnostics and maps each class to its exit code.
Messages start in lower case, carry the user's text in backticks, end without a full stop, and say in
`help` what to do next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from policies.text import Bilingual, Language


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in a file: `line` and `column` count from 1; None where there is no such position."""

    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.file or "-"]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(parts)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: a stable `code` (such as `unknown-name`), a place, what is wrong, and what to do."""

    code: str
    message: Bilingual
    help: Bilingual | None = None
    place: Place = Place()
    severity: Literal["error", "warning", "note"] = "error"

    def render(self, language: Language = "en") -> str:
        """Return `file:line:column: error[code]: message` and, on a second line, the remedy."""
        word = {
            ("error", "zh"): "错误",
            ("warning", "zh"): "警告",
            ("note", "zh"): "说明",
            ("error", "en"): "error",
            ("warning", "en"): "warning",
            ("note", "en"): "note",
        }[self.severity, language]
        head = f"{word}[{self.code}]: {self.message.in_language(language)}"
        if self.place != Place():
            head = f"{self.place}: {head}"
        if self.help is None:
            return head
        label = "办法" if language == "zh" else "help"
        return f"{head}\n  {label}: {self.help.in_language(language)}"


class MianshenError(Exception):
    """A user's mistake or a refused action, told as diagnostics."""

    exit_code: ClassVar[int] = 1

    def __init__(self, diagnostics: Diagnostic | Sequence[Diagnostic]) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = (
            (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        )
        super().__init__("\n".join(diagnostic.render("en") for diagnostic in self.diagnostics))

    @classmethod
    def of(
        cls,
        code: str,
        zh: str,
        en: str,
        *,
        help_zh: str | None = None,
        help_en: str | None = None,
        place: Place = Place(),
    ) -> Self:
        """Build the error with a single diagnostic."""
        remedy = None
        if help_zh is not None or help_en is not None:
            remedy = Bilingual(help_zh or help_en or "", help_en or help_zh or "")
        return cls(Diagnostic(code, Bilingual(zh, en), remedy, place))


class PolicyError(MianshenError):
    """A rule file that cannot be read, checked or run."""

    exit_code = 3


class CatalogError(MianshenError):
    """A catalog file that cannot be read or contradicts itself."""

    exit_code = 4


class IntakeError(MianshenError):
    """An extract file that is refused as a whole."""

    exit_code = 5


class StoreError(MianshenError):
    """The profile store or the vault is missing, locked or damaged."""

    exit_code = 6


class LedgerError(MianshenError):
    """A rule of the ledger was about to be broken, or the ledger cannot be opened."""

    exit_code = 7


class RunError(MianshenError):
    """A run that cannot be planned or continued."""

    exit_code = 8


class DurableError(MianshenError):
    """A policy that durable-rules cannot express exactly, or its process that cannot be kept running."""

    exit_code = 12


class DeliveryError(MianshenError):
    """A channel that is not configured, or that refuses for good."""

    exit_code = 9


class EventError(MianshenError):
    """A life event that cannot be taken."""

    exit_code = 11


class SettingsError(MianshenError):
    """A setting, option or path that is wrong."""

    exit_code = 2
