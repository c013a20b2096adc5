"""Approving a policy after asking whether it can grant anybody, and whether it excludes anybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import NamedTuple

from engine.interpreter import decide
from engine.ledger import Ledger
from engine.ledger.approvals import add_version, approve, refuse_extremes
from policies.errors import Diagnostic, LedgerError, Place
from policies.policy import Policy
from policies.skeleton import left_of_the_skeleton
from policies.text import Bilingual
from policies.vocabulary import Vocabulary

# An approval does not wait long; what is open after that is recorded as open.
TIMEOUT_MS = 2_000


class Approval(NamedTuple):
    """`fresh` is False if the version was approved before; `warnings` tell what the proof left open."""

    fresh: bool
    warnings: tuple[Diagnostic, ...]


def approve_proved(
    ledger: Ledger, policy: Policy, vocabulary: Vocabulary, by: str, effective_on: date, timeout_ms: int = TIMEOUT_MS
) -> Approval:
    """Keep the policy's text and approve exactly this version.

    Raises LedgerError if its skeleton was never filled in, if it is proved that nobody or everybody is eligible, and
    for every other reason that `engine.ledger.approvals.approve` has. Where the proof is not found in time, the
    approval goes through with a warning, which the audit log keeps.
    """
    from policies.proofs.proving import prove

    left = left_of_the_skeleton(policy)
    if left:
        raise LedgerError([replace(one, severity="error") for one in left])
    proof = prove(policy, vocabulary, effective_on, decide, timeout_ms=timeout_ms, only_extremes=True)
    refuse_extremes(proof, policy.version)
    add_version(ledger, policy)
    fresh = approve(ledger, policy.version, by, effective_on, proof)
    warnings = tuple(
        Diagnostic(
            "proof-not-decided",
            Bilingual(
                f"政策 `{policy.id}`：{one.question.zh}，未能证明（{one.reason.zh}）",
                f"policy `{policy.id}`: it is not proved {one.question.en} ({one.reason.en})",
            ),
            Bilingual(
                f"用 `mianshen policies prove {policy.id} --timeout 60` 再证一次",
                f"try again with `mianshen policies prove {policy.id} --timeout 60`",
            ),
            Place(policy.file),
            "warning",
        )
        for one in proof.undecided
    )
    return Approval(fresh, warnings)
