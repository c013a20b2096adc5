"""An approval is of the text that was read: another text, a failing example or the author's own hand is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.ledger import Ledger, open_ledger
from engine.ledger.approvals import add_version, all_approvals, approve
from policies.errors import LedgerError
from policies.library import read_policy_text
from profiles.catalog_reading import read_catalog
from tests.workbench.conftest import ELDERLY, Desk


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    found = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield found
    found.close()


def version(desk: Desk, what: str = str(ELDERLY)) -> str:
    last = desk.call("policies", "show", what).out.strip().splitlines()[-1]
    assert last.startswith("version: ")
    return last.removeprefix("version: ")


def test_exactly_what_was_shown_is_approved(desk: Desk) -> None:
    told = desk.call("policies", "approve", str(ELDERLY), "--by", "li", "--hash", version(desk)[:12])
    assert told.code == 0, told.problems


def test_a_file_that_has_changed_since_is_refused_and_nothing_is_approved(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "elderly.yaml"
    path.write_text(ELDERLY.read_text(encoding="utf-8"), encoding="utf-8")
    read = version(desk, str(path))
    path.write_text(ELDERLY.read_text(encoding="utf-8") + "# one more word\n", encoding="utf-8")
    told = desk.call("policies", "approve", str(path), "--by", "li", "--hash", read)
    assert told.code == 7
    assert "changed-since-review" in told.problems
    ledger = open_ledger(f"sqlite:///{desk.home / 'ledger.sqlite'}")
    assert all_approvals(ledger) == []
    ledger.close()


def test_a_hash_that_is_none_or_goes_with_several_policies_is_a_mistake(desk: Desk) -> None:
    assert "not-a-hash" in desk.call("policies", "approve", str(ELDERLY), "--by", "li", "--hash", "yes").problems
    told = desk.call("policies", "approve", str(ELDERLY), str(ELDERLY), "--by", "li", "--hash", "a" * 12)
    assert told.code == 2
    assert "one-policy-needed" in told.problems


def test_the_author_is_refused_in_whatever_case_the_name_is_written(desk: Desk) -> None:
    told = desk.call("policies", "approve", str(ELDERLY), "--by", "Policy Desk")
    assert told.code == 7
    assert "author-approves" in told.problems


@pytest.mark.parametrize(
    "spelled",
    [
        "Ｐｏｌｉｃｙ　Ｄｅｓｋ",
        "policy  desk",
        "policy\u200b desk",
        "policydesk",
        "policy-desk",
        "li, policy desk",
        "policy desk＋li",
    ],
)
def test_the_author_is_refused_in_whatever_spelling_and_in_whatever_company(ledger: Ledger, spelled: str) -> None:
    policy = read_policy_text(ELDERLY.read_text(encoding="utf-8"), read_catalog().vocabulary, str(ELDERLY))
    add_version(ledger, policy)
    with pytest.raises(LedgerError, match="author-approves"):
        approve(ledger, policy.version, spelled)
    assert approve(ledger, policy.version, "policy desk two")


def test_failing_examples_are_refused(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    text = ELDERLY.read_text(encoding="utf-8").replace("< 80, amount: 150}", "< 80, amount: 151}")
    path.write_text(text, encoding="utf-8")
    told = desk.call("policies", "approve", str(path), "--by", "li")
    assert told.code == 1
    assert "examples fail" in told.out


def test_the_approver_sees_in_words_what_is_different_from_the_approved_version(desk: Desk, changed: Path) -> None:
    assert desk.call("policies", "approve", str(ELDERLY), "--by", "li", "--from", "2026-01-01").code == 0
    told = desk.call("policies", "approve", str(changed), "--by", "li", "--from", "2026-02-01")
    assert told.code == 0, told.problems
    assert "compared with the approved" in told.out
    removed = [line for line in told.out.splitlines() if line.strip().startswith("-")]
    added = [line for line in told.out.splitlines() if line.strip().startswith("+")]
    assert any("75.00" in line for line in removed)
    assert any("80.00" in line for line in added)
