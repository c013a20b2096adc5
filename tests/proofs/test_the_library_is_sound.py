"""No policy of the library is impossible or open to everybody; whatever is found is confirmed, all of it in time."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from engine.interpreter import decide
from policies.examples import run_examples
from policies.library import read_library, read_policy_text
from policies.overlays import joined, parted
from policies.policy import Policy
from policies.proofs.comparing import compare
from policies.proofs.example_text import to_example
from policies.proofs.proving import prove
from policies.proofs.report import Verdict
from profiles.catalog_reading import read_catalog

VOCABULARY = read_catalog().vocabulary
LIBRARY = read_library(Path(__file__).resolve().parents[2] / "policies", VOCABULARY).policies
EVERY_POLICY = pytest.mark.parametrize("policy", LIBRARY.values(), ids=list(LIBRARY))
ON = date(2026, 11, 22)


@EVERY_POLICY
def test_somebody_can_be_eligible_and_somebody_cannot(policy: Policy) -> None:
    report = prove(policy, VOCABULARY, ON, decide, timeout_ms=20_000)
    assert report.verdicts["never"] is report.verdicts["always"] is Verdict.PROVED
    assert not report.refuses_approval
    assert not [one.message.en for one in report.findings if one.severity == "error"]
    assert not report.undecided, report.undecided
    samples = [to_example(one, finding.code) for finding in report.findings for one in finding.samples]
    head, _, tail = policy.text.partition("examples:\n")
    longer = read_policy_text(f"{head}examples:\n" + "\n".join(samples) + f"\n{tail}", VOCABULARY)
    assert len(longer.examples) == len(policy.examples) + len(samples)
    for result in run_examples(longer, VOCABULARY, decide)[: len(samples)]:
        assert result.passed, result


@EVERY_POLICY
def test_the_solver_needs_no_examples_to_find_somebody(policy: Policy) -> None:
    rule, overlays = parted(policy.text)
    without = [text.partition("examples:\n")[0] for text in (rule, *overlays)]
    bare = read_policy_text(joined(without[0], without[1:]), VOCABULARY)
    assert not bare.examples
    report = prove(bare, VOCABULARY, ON, decide, timeout_ms=20_000, only_extremes=True)
    assert report.verdicts["never"] is Verdict.PROVED


def test_a_policy_equals_itself_and_a_changed_figure_is_found() -> None:
    policy = LIBRARY["cn-31-elderly-allowance"]
    same = compare(policy, policy, VOCABULARY, ON, decide, timeout_ms=20_000)
    assert (same.relation, same.same_amounts) == ("equal", Verdict.PROVED)
    changed = read_policy_text(policy.text.replace("amount: 150", "amount: 160"), VOCABULARY)
    found = compare(policy, changed, VOCABULARY, ON, decide, timeout_ms=20_000)
    assert found.relation == "equal"
    assert [(one.first.amount, one.second.amount) for one in found.differences] == [(15_000, 16_000)]
