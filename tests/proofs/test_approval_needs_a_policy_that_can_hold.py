"""What can never hold or always holds cannot be approved; what is not decided in time can, and is on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.approving import approve_proved
from engine.interpreter import decide
from engine.ledger import Ledger, open_ledger, tables
from engine.ledger.approvals import approve, approved_policies, version_text
from engine.ledger.audit import verify
from engine.ledger.opening import table
from policies.errors import LedgerError
from policies.library import read_policy
from policies.policy import Policy
from policies.proofs.proving import prove
from tests.policies.conftest import small_vocabulary

HERE = Path(__file__).parent
VOCABULARY = small_vocabulary()
ON = date(2026, 5, 20)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    yield open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")


def policy(name: str) -> Policy:
    return read_policy(HERE / f"{name}.yaml", VOCABULARY)


def last_audit(ledger: Ledger) -> dict[str, object]:
    entries = table(tables.AuditEntry)
    with ledger.reading() as connection:
        row = connection.execute(select(entries).order_by(entries.c.number.desc()).limit(1)).one()
    found = json.loads(row.detail)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("bad/ages_that_exclude_each_other", "never-eligible"),
        ("bad/somebody_in_an_empty_list", "never-eligible"),
        ("bad/always_or_its_opposite", "always-eligible"),
    ],
)
def test_an_impossible_or_always_true_policy_is_refused_and_leaves_no_trace(
    ledger: Ledger, name: str, code: str
) -> None:
    refused = policy(name)
    with pytest.raises(LedgerError, match=code) as caught:
        approve_proved(ledger, refused, VOCABULARY, "wang", ON)
    told = caught.value.diagnostics[0]
    assert told.help is not None and "policies prove" in told.help.en
    assert told.place.file == refused.file and told.place.line is not None
    assert approved_policies(ledger, date(2999, 1, 1)) == {}
    with pytest.raises(LedgerError, match="unknown-version"):
        version_text(ledger, refused.version)


def test_a_sound_policy_is_approved_and_the_proof_is_on_record(ledger: Ledger) -> None:
    one = policy("good/bands_of_age")
    approval = approve_proved(ledger, one, VOCABULARY, "wang", ON)
    assert approval.fresh and approval.warnings == ()
    assert last_audit(ledger)["proof"] == {"never": "proved", "always": "proved"}
    assert last_audit(ledger)["proved_on"] == "2026-05-20"
    assert approved_policies(ledger, ON)[one.id].version == one.version
    assert not approve_proved(ledger, one, VOCABULARY, "zhou", ON).fresh
    assert verify(ledger).intact


def test_a_rule_of_the_season_is_approved_out_of_season(ledger: Ledger) -> None:
    assert approve_proved(ledger, policy("bad/only_in_december"), VOCABULARY, "wang", ON).fresh
    assert approve_proved(ledger, policy("good/when_prices_rise"), VOCABULARY, "wang", ON).fresh


def test_what_is_not_decided_in_time_is_approved_with_a_warning_on_record(ledger: Ledger) -> None:
    # Whether two cubes add up to a third is more than any solver settles in a moment.
    approval = approve_proved(ledger, policy("cubes"), VOCABULARY, "wang", ON, timeout_ms=50)
    assert approval.fresh
    assert {one.code for one in approval.warnings} == {"proof-not-decided"}
    proof = last_audit(ledger)["proof"]
    assert isinstance(proof, dict) and proof == {"never": "not-decided", "always": "proved"}


def test_the_proof_of_another_version_approves_nothing(ledger: Ledger) -> None:
    one, other = policy("good/bands_of_age"), policy("good/a_service")
    approve_proved(ledger, other, VOCABULARY, "wang", ON)
    proof = prove(one, VOCABULARY, ON, decide)
    with pytest.raises(LedgerError, match="proof-of-another-version"):
        approve(ledger, other.version, "wang", ON, proof)
