"""Cases that can be kept: policies, a town and a day, as a file that replays them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from policies.fixing import fix
from policies.library import read_policy_text
from policies.policy import FixedPolicy, Policy
from tests.agreement.engines import Answers
from tests.agreement.town_vocabulary import VOCABULARY
from tests.agreement.towns import Town

CORPUS = Path(__file__).parent / "corpus"
CASES = int(os.environ.get("MIANSHEN_AGREEMENT_CASES", "2500"))  # decisions, each made by every engine
Engine = Callable[[Sequence[FixedPolicy], Town], Answers]


@lru_cache(maxsize=256)
def checked(text: str) -> Policy:
    """Return the policy of a text. Raises PolicyError if it is none."""
    return read_policy_text(text, VOCABULARY)


@dataclass(frozen=True)
class Case:
    """Rule files that are decided together for everybody in a town."""

    policies: tuple[str, ...]
    town: Town
    on: date

    def fixed(self) -> list[FixedPolicy]:
        """Return the policies, settled for the day. Raises PolicyError if a text is not a policy."""
        return [fix(checked(text), VOCABULARY, self.on) for text in self.policies]

    def keep(self, what: str) -> Path:
        """Write the case to the corpus; the same policies and people come to the same file."""
        CORPUS.mkdir(exist_ok=True)
        content = {"what": what, "on": self.on.isoformat(), "policies": self.policies, "town": self.town.to_json()}
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        path = CORPUS / f"found-{sha256(text.encode()).hexdigest()[:8]}.json"
        path.write_text(text, "utf-8")
        return path


def kept_cases() -> list[Path]:
    """Return the files of the corpus."""
    return sorted(CORPUS.glob("*.json"))


def read_case(path: Path) -> Case:
    """Return a case of the corpus."""
    content = json.loads(path.read_text("utf-8"))
    return Case(tuple(content["policies"]), Town.from_json(content["town"]), date.fromisoformat(content["on"]))


def differences(case: Case, engines: dict[str, Engine]) -> list[str]:
    """Return what the engines do not agree on; the first engine is the reference."""
    fixed = case.fixed()
    (_, reference), *others = engines.items()
    expected = reference(fixed, case.town)
    found = []
    for name, engine in others:
        given = engine(fixed, case.town)
        for key in sorted(expected.keys() | given.keys()):
            if expected.get(key) != given.get(key):
                found.append(f"{name} for {key}: {given.get(key)} instead of {expected.get(key)}")
    return found


def problems(case: Case, engines: dict[str, Engine]) -> list[str]:
    """Return what the engines do not agree on, an engine that fails included."""
    try:
        return differences(case, engines)
    except Exception as problem:
        return [f"{type(problem).__name__}: {problem}"]
