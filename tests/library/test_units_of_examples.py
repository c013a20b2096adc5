"""An example of a policy with units speaks of all units: one that it does not name must not be granted."""

from pathlib import Path

from engine.interpreter import decide
from policies.examples import run_examples
from policies.library import read_policy_text
from profiles.catalog_reading import read_catalog

FILE = Path(__file__).resolve().parents[2] / "policies" / "cn" / "job-expansion-2025.yaml"


def failures(expected: str) -> list[str]:
    """Return the failed examples of the rule file after one more example with this expectation."""
    example = f"""
  - name: probe
    on: 2025-10-15
    profile: {{active: true, kind: enterprise, hires: [{{id: a, group: graduate_year, insured_months: 3, person: p}}]}}
    expect: {expected}
"""
    vocabulary = read_catalog().vocabulary
    policy = read_policy_text(FILE.read_text(encoding="utf-8").rstrip() + example, vocabulary)
    return [result.name for result in run_examples(policy, vocabulary, decide) if not result.passed]


def test_an_example_that_names_no_unit_fails_if_one_is_granted() -> None:
    assert failures("{units: {}}") == ["probe [a]"]


def test_an_example_that_names_every_granted_unit_passes() -> None:
    assert failures("{units: {a: {eligible: true, amount: 1500}}}") == []
