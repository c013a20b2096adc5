"""What a run tells: per policy who qualified, who was granted, who waits and why, and what was held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from engine.guarding import Held
from engine.incremental_matching import Redecided
from engine.ledger.funds import Balance
from engine.opinion_deciding import Opinion
from policies.errors import Diagnostic
from policies.policy import Delivery
from policies.text import Bilingual


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """One policy of a run. Counts are units (subjects without for_each), amounts fen.

    `matched` = `new_grants` + `new_hints` + `already_granted` + those waiting, unless the policy is held. What people
    must judge (`not_automatic`) is a hint and never counts as a grant.
    `most_missing` is the datum most often unknown among the undetermined, with how often.
    `approved` is False only in a dry run. `delivery` says what a match means: granted by the machine
    (`automatic`, `channel`), granted if the person confirms (`confirm`), or only told (`notify`, `declare`).
    `redecided`: how many subjects were decided anew, and why; all others' answers are those of an earlier run.
    `missing` counts the undetermined for each datum that is unknown; `fingerprint` is that of the settled rule
    (see `engine.run_basis`), `seen` the last audit row when the ledger was read. `not_automatic` says why a machine
    must not decide this policy alone: its matches are hints. `findings` are warnings known when the run was planned,
    such as a public series without a value for the month.
    """

    policy: str
    title: Bilingual
    version: str
    period: str
    subjects: int = 0
    matched: int = 0
    ineligible: int = 0
    undetermined: int = 0
    most_missing: tuple[str, int] | None = None
    new_grants: int = 0
    new_hints: int = 0
    already_granted: int = 0
    waiting: Mapping[str, int] = field(default_factory=dict)
    amount: int = 0
    held: Held | None = None
    error: tuple[Diagnostic, ...] = ()
    approved: bool = True
    delivery: Delivery = "automatic"
    matched_subjects: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)
    fingerprint: str = ""
    seen: int = field(default=0, compare=False)  # a run that writes has written that it began
    redecided: Redecided = Redecided(0, (), True)  # noqa: RUF009 - frozen
    not_automatic: Diagnostic | None = None
    findings: tuple[Diagnostic, ...] = ()
    opinion: Opinion = Opinion()  # noqa: RUF009 - frozen

    @property
    def is_granted(self) -> bool:
        """True if nothing is left to do for the person."""
        return self.delivery in ("automatic", "channel")

    def to_json(self) -> dict[str, object]:
        """Return plain data, also for the ledger."""
        return {
            "policy": self.policy,
            "title": _bilingual(self.title),
            "version": self.version,
            "period": self.period,
            "subjects": self.subjects,
            "matched": self.matched,
            "ineligible": self.ineligible,
            "undetermined": self.undetermined,
            "most_missing": list(self.most_missing) if self.most_missing else None,
            "new_grants": self.new_grants,
            "new_hints": self.new_hints,
            "already_granted": self.already_granted,
            "waiting": dict(self.waiting),
            "amount": self.amount,
            "held": {
                "code": self.held.code,
                "reason": _bilingual(self.held.reason),
                "releasable": self.held.releasable,
            }
            if self.held
            else None,
            "error": [_diagnostic(one) for one in self.error],
            "approved": self.approved,
            "delivery": self.delivery,
            "not_automatic": _diagnostic(self.not_automatic) if self.not_automatic else None,
            "findings": [_diagnostic(one) for one in self.findings],
            "redecided": {
                "subjects": self.redecided.subjects,
                "everybody": self.redecided.everybody,
                "because": [one.value for one in self.redecided.because],
            },
            "second_opinion": self.opinion.to_json(),
            "totals": {
                "matched_subjects": self.matched_subjects,
                "missing": dict(self.missing),
                "fingerprint": self.fingerprint,
                "seen": self.seen,
            },
        }


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run. `run` is None for a dry run; `continued` says that it took up an unfinished run.

    `nothing_new`: the ledger's grants and waiting lists are what they were. `terms` is a digest of what
    allocation knew of the policies (see `engine.quiet_ledger`).
    """

    run: str | None
    on: date
    dry_run: bool
    policies: tuple[PolicyReport, ...]
    funds: tuple[Balance, ...]
    seconds: Mapping[str, float]
    nothing_new: bool
    continued: bool = False
    made_up: bool = False
    terms: str = ""

    @property
    def new_grants(self) -> int:
        """How many grants the run recorded (or would record)."""
        return sum(item.new_grants for item in self.policies)

    @property
    def new_hints(self) -> int:
        """How many hints the run recorded for authorities (or would record): these are no grants."""
        return sum(item.new_hints for item in self.policies)

    @property
    def amount(self) -> int:
        """The sum of the new grants in fen."""
        return sum(item.amount for item in self.policies)

    def to_json(self) -> dict[str, object]:
        """Return plain data, also for the ledger."""
        return {
            "run": self.run,
            "on": self.on.isoformat(),
            "dry_run": self.dry_run,
            "nothing_new": self.nothing_new,
            "continued": self.continued,
            "made_up": self.made_up,
            "terms": self.terms,
            "new_grants": self.new_grants,
            "new_hints": self.new_hints,
            "amount": self.amount,
            "policies": [item.to_json() for item in self.policies],
            "funds": [
                {
                    "fund": item.fund,
                    "title": _bilingual(item.title),
                    "appropriation": item.appropriation,
                    "used": item.used,
                    "available": item.available,
                }
                for item in self.funds
            ],
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
        }


def _bilingual(text: Bilingual) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _diagnostic(one: Diagnostic) -> dict[str, object]:
    return {
        "code": one.code,
        "message": _bilingual(one.message),
        "help": _bilingual(one.help) if one.help else None,
        "place": str(one.place),
    }
