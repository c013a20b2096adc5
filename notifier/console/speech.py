"""Which language the terminal speaks, decided once, before the command line is built."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from policies.errors import SettingsError
from policies.text import Bilingual, Language


def language_of(arguments: Sequence[str], environment: Mapping[str, str]) -> Language:
    """Return the language asked for by `--lang zh|en`, else MIANSHEN_LANG, else the locale's, else English.

    Raises SettingsError for another language.
    """
    asked = None
    for position, argument in enumerate(arguments):
        if argument == "--lang" and position + 1 < len(arguments):
            asked = arguments[position + 1]
        elif argument.startswith("--lang="):
            asked = argument.partition("=")[2]
        elif argument == "--lang":
            asked = ""
    if asked is None:
        asked = environment.get("MIANSHEN_LANG") or None
    if asked is not None:
        if asked == "zh":
            return "zh"
        if asked == "en":
            return "en"
        raise SettingsError.of(
            "unknown-language",
            f"没有 `{asked}` 这种界面语言",
            f"there is no language `{asked}`",
            help_zh="请用 --lang zh 或 --lang en",
            help_en="use --lang zh or --lang en",
        )
    locale = environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"


def without_language(arguments: Sequence[str]) -> list[str]:
    """Return the arguments without `--lang`, which may stand before or after the command."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument == "--lang":
            skip = True
        elif not argument.startswith("--lang="):
            kept.append(argument)
    return kept


class Speech:
    """The chosen language, and the choice between two texts."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, zh: str, en: str) -> str:
        """Return the text in the chosen language."""
        return zh if self.language == "zh" else en

    def of(self, text: Bilingual) -> str:
        """Return `text` in the chosen language."""
        return text.in_language(self.language)

    def yuan(self, fen: int | None) -> str:
        """Return an amount given in fen as yuan with two decimals and thousands separators."""
        if fen is None:
            return "-"
        sign = "-" if fen < 0 else ""
        return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def speech_of_process() -> Speech:
    """Return the speech for this process: its arguments and its environment."""
    import sys

    return Speech(language_of(sys.argv[1:], os.environ))
