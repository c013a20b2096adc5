"""Words of legal texts that leave something to judgement, read from `qualitative_words.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from policies.text import Bilingual

FILE = Path(__file__).with_name("qualitative_words.yaml")


@dataclass(frozen=True, slots=True)
class Qualitative:
    """Words of one kind in both languages, and what to ask the authority for."""

    zh: tuple[str, ...]
    en: tuple[str, ...]
    ask: Bilingual


@dataclass(frozen=True, slots=True)
class FoundWord:
    """One word found in a text, in each language as it stands there (or as it was found in the other)."""

    word: Bilingual
    ask: Bilingual


@cache
def qualitative_words() -> tuple[Qualitative, ...]:
    """Return the list that comes with mianshen."""
    rows = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))
    return tuple(
        Qualitative(tuple(row["zh"]), tuple(row["en"]), Bilingual(row["ask"]["zh"], row["ask"]["en"])) for row in rows
    )


def words_in(text: Bilingual, words: Sequence[Qualitative]) -> Iterator[FoundWord]:
    """Yield the qualitative words of a text, one for each kind: the Chinese text decides, then the English one."""
    for kind in words:
        chinese = next((word for word in sorted(kind.zh, key=len, reverse=True) if word in text.zh), None)
        english = next((word for word in kind.en if re.search(rf"\b{re.escape(word)}\b", text.en, re.IGNORECASE)), None)
        found = chinese or english
        if found is not None:
            yield FoundWord(Bilingual(chinese or found, english or found), kind.ask)
