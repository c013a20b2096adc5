"""Where answers are collected while a policy is asked about."""

from __future__ import annotations

from dataclasses import dataclass, field

from policies.proofs.report import Finding, Undecided, Verdict
from policies.proofs.searching import TOO_LONG, Outcome
from policies.text import Bilingual


@dataclass(slots=True)
class Verdicts:
    """The verdicts so far, by question; the findings and the open questions."""

    by_question: dict[str, Verdict] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)

    def free_of(self, question: str) -> None:
        """The policy is proved to be free of what was asked for."""
        self.by_question[question] = Verdict.PROVED

    def found(self, question: str, finding: Finding) -> None:
        """The policy does what was asked for."""
        self.by_question[question] = Verdict.REFUTED
        self.findings.append(finding)

    def open(self, question: str, words: Bilingual, reason: Bilingual | None = None) -> None:
        """The question could not be decided."""
        self.by_question[question] = Verdict.NOT_DECIDED
        self.undecided.append(Undecided(question.partition(" ")[0], words, reason or TOO_LONG))

    def settle(self, question: str, words: Bilingual, outcome: Outcome, finding: Finding | None) -> None:
        """Record an outcome: `finding` is what it means if somebody was found."""
        if outcome.verdict is Verdict.PROVED:
            self.free_of(question)
        elif outcome.verdict is Verdict.REFUTED and finding is not None:
            self.found(question, finding)
        else:
            self.open(question, words, outcome.reason)
