"""What a proof answers: findings with their clauses and a sample person, and what could not be decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Literal

from policies.errors import Place
from policies.text import Bilingual

Severity = Literal["error", "warning", "note"]


class Verdict(Enum):
    """The answer to one question about a rule."""

    PROVED = "proved"
    REFUTED = "refuted"
    NOT_DECIDED = "not-decided"


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition or tier that a finding is about: its plain words, its source text, its basis, its place."""

    words: Bilingual
    text: str
    basis: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class Sample:
    """A person who shows a finding, confirmed by an engine.

    `profile` and `given` are written as in an example of a rule file (dates are dates, money is yuan);
    `outcome` is what the engine decided, `amount` in fen. With `for_each` they are those of the unit that was
    looked for, and `units` holds every unit's, by its id.
    """

    on: date
    profile: Mapping[str, object]
    outcome: str
    amount: int | None
    given: Mapping[str, object]
    units: Mapping[str, tuple[str, int | None]] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule does, and probably should not.

    `code` is stable: `never`, `always`, `no-effect`, `tier-never-reached`, `tiers-overlap`, `no-amount`,
    `no-answer`, `nothing-granted`, `not-monotone`. `error` findings keep a policy from being approved.
    """

    code: str
    severity: Severity
    message: Bilingual
    clauses: tuple[Clause, ...]
    place: Place
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class Undecided:
    """A question that had no answer: `code` is that of the finding it asked for."""

    code: str
    question: Bilingual
    reason: Bilingual


@dataclass(frozen=True, slots=True)
class ProofReport:
    """Everything asked about one version of one policy on one day.

    `verdicts` answers for each question (by its code, with the number of the clause or tier behind it,
    such as `no-effect 2`) whether the policy was proved to be free of the finding.
    """

    policy: str
    version: str
    on: date
    verdicts: Mapping[str, Verdict]
    findings: tuple[Finding, ...]
    undecided: tuple[Undecided, ...]

    @property
    def refuses_approval(self) -> bool:
        """True if the policy can never hold or always holds."""
        return any(one.code in ("never", "always") for one in self.findings)


Relation = Literal["equal", "first-implies-second", "second-implies-first", "disjoint", "different", "not-decided"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Somebody on whom two policies differ, as each of them decides."""

    code: Literal["only-first", "only-second", "amounts"]
    first: Sample
    second: Sample


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two policies, or two versions of one, are related on one day.

    `relation` is about who is granted: `first-implies-second` means that everybody whom the first grants
    is granted by the second, too. `same_amounts` says whether all whom both grant get the same amount.
    `verdicts` holds the answer to each single question; `differences` the people who refute it.
    """

    first: str
    second: str
    first_version: str
    second_version: str
    on: date
    relation: Relation
    same_amounts: Verdict
    verdicts: Mapping[str, Verdict]
    differences: tuple[Difference, ...]
    undecided: tuple[Undecided, ...]
