"""The policy in exactly the version that granted: what is told and shown never follows a later text."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.ledger.approvals import version_text
from engine.ledger.opening import Ledger
from policies.library import read_policy_text
from policies.policy import Policy
from policies.vocabulary import Vocabulary


def policy_by_version(ledger: Ledger, vocabulary: Vocabulary, known: Iterable[Policy] = ()) -> Callable[[str], Policy]:
    """Return a function from a version to its policy, read once.

    `known` are policies at hand; others are read from the text that the ledger keeps. The function raises
    LedgerError for an unknown version, and PolicyError if the catalog no longer knows what the text names.
    """
    found = {policy.version: policy for policy in known}

    def policy_of(version: str) -> Policy:
        if version not in found:
            found[version] = read_policy_text(version_text(ledger, version), vocabulary, version[:12])
        return found[version]

    return policy_of
