"""Each file of bad/ shows the findings that its first lines name and no others; those of good/ show none.

`# expect: CODE text=… samples=N message=…; …` names the code, the source text of the clause that the finding
stands on, the number of sample people, and words of the message. Notes are looked at where they are expected.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from engine.interpreter import decide
from policies.errors import Place
from policies.examples import run_examples
from policies.library import read_policy, read_policy_text
from policies.policy import Policy
from policies.proofs.example_text import to_example
from policies.proofs.proving import prove
from policies.proofs.report import Finding, ProofReport
from policies.vocabulary import Vocabulary
from tests.policies.conftest import small_vocabulary

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))
GOOD = sorted((HERE / "good").glob("*.yaml"))
ON = date(2026, 5, 20)
HEADER = re.compile(r"# expect: (\S+)(?: text=(.+?))?(?: samples=(\d+))?(?: message=(.+))?")
VOCABULARY: Vocabulary = small_vocabulary()


@dataclass(frozen=True)
class Expected:
    code: str
    text: str | None
    samples: int
    fragments: tuple[str, ...]


def expected_of(path: Path) -> list[Expected]:
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("# expect:"):
            break
        matched = HEADER.fullmatch(line)
        assert matched is not None, line
        code, text, samples, message = matched.groups()
        found.append(Expected(code, text, int(samples or 0), tuple((message or "").split("; "))))
    return found


def report_of(path: Path) -> tuple[Policy, ProofReport]:
    policy = read_policy(path, VOCABULARY)
    return policy, prove(policy, VOCABULARY, ON, decide, timeout_ms=20_000)


def told(report: ProofReport) -> str:
    found = [f"{one.severity} {one.code} {one.place.line}: {one.message.en}" for one in report.findings]
    return "\n".join([*found, *(f"? {one.code} {one.reason.en}" for one in report.undecided)])


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_what_is_wrong_is_found_with_its_clauses_and_a_person(path: Path) -> None:
    policy, report = report_of(path)
    expected = expected_of(path)
    assert not report.undecided, told(report)
    looked_at = [one for one in report.findings if one.severity != "note" or one.code == expected[0].code]
    assert sorted(one.code for one in looked_at) == sorted(one.code for one in expected), told(report)
    for one in expected:
        assert any(fits(finding, one) for finding in looked_at), told(report)
    for finding in report.findings:
        assert finding.place.file == str(path) and finding.place.line is not None
        assert finding.message.zh and not finding.message.en.endswith(".")
    pasted_samples_pass(policy, report)


def fits(finding: Finding, expected: Expected) -> bool:
    if finding.code != expected.code or len(finding.samples) != expected.samples:
        return False
    if expected.text is not None and finding.clauses[0].text != expected.text:
        return False
    return all(fragment in finding.message.en for fragment in expected.fragments)


def pasted_samples_pass(policy: Policy, report: ProofReport) -> None:
    """Every sample is an example that the rule file can hold, and that passes there."""
    samples = [one for finding in report.findings for one in finding.samples]
    if not samples:
        return
    examples = "\n".join(to_example(one, f"sample {number}") for number, one in enumerate(samples))
    longer = read_policy_text(f"{policy.text}examples:\n{examples}\n", VOCABULARY)
    assert longer.examples[0].place != Place()
    for result in run_examples(longer, VOCABULARY, decide):
        assert result.passed, (result, examples)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_what_is_right_has_no_error_and_no_warning(path: Path) -> None:
    _, report = report_of(path)
    assert [one.code for one in expected_of(path)] == ["nothing"]
    assert not report.undecided, told(report)
    assert not [one for one in report.findings if one.severity != "note"], told(report)


def test_every_kind_of_finding_has_a_file() -> None:
    codes = {one.code for path in BAD for one in expected_of(path)}
    assert codes == {
        "never", "always", "no-effect", "tier-never-reached", "tiers-overlap", "no-amount", "no-answer",
        "nothing-granted", "not-monotone", "not-on-this-day",
    }  # fmt: skip
    assert len(BAD) >= 40
