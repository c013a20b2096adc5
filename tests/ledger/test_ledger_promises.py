"""What the ledger promises: opening, approval, funds, stages, audit."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import insert, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from engine.ledger import Ledger, audit, earlier, open_ledger, tables
from engine.ledger.approvals import add_version, all_approvals, approve, approved_policies, version_text
from engine.ledger.earlier import past_grants_of
from engine.ledger.funds import appropriate, available, balances
from engine.ledger.grants import grant, grants, totals
from engine.ledger.ids import announcement_id, grant_id, with_grant_ids
from engine.ledger.opening import _own_tables, insert_many, table
from engine.ledger.stages import TRANSITIONS, Stage, first_stage, move
from policies.errors import LedgerError
from policies.text import Bilingual
from tests.run.small_city import NOW, at_least, policy, prepared

TITLE = Bilingual("资金", "fund")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", clock=lambda: NOW)


def put_grant(ledger: Ledger, subject: str = "a" * 32, period: str = "2026-11", **changes: object) -> str:
    values: dict[str, object] = {
        "id": grant_id(subject, "base", "", period),
        "subject": subject,
        "space": "citizen",
        "policy": "base",
        "version": "v",
        "unit": "",
        "period": period,
        "amount": 100,
        "kind": "cash",
        "stage": "approved",
        "on": "2026-11-22",
        "run": "r",
        "evidence": "{}",
    }
    values |= changes
    with ledger.writing() as connection:
        connection.execute(insert(table(tables.Grant)).values(**values))
    return str(values["id"])


def test_a_ledger_is_durable_and_lets_readers_read_while_one_writes(ledger: Ledger) -> None:
    with ledger.writing() as connection:
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 2
        assert connection.exec_driver_sql("pragma foreign_keys").scalar() == 1
        with ledger.reading() as other:
            assert other.execute(text("select count(*) from run")).scalar() == 0


def test_opening_twice_changes_nothing(ledger: Ledger, tmp_path: Path) -> None:
    open_ledger(ledger.url).close()
    with ledger.reading() as connection:
        assert connection.execute(text("select count(*) from schema_version")).scalar() == 1


def test_a_ledger_of_a_newer_program_is_refused(ledger: Ledger) -> None:
    with ledger.writing() as connection:
        connection.execute(text("update schema_version set number = 99"))
    with pytest.raises(LedgerError, match="ledger-newer"):
        open_ledger(ledger.url)


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite:////proc/no/ledger.sqlite", "oracle9://x/y", "postgresql+nodriver://x/y"]
)
def test_a_wrong_address_is_told_with_a_remedy(url: str) -> None:
    with pytest.raises(LedgerError) as caught:
        open_ledger(url)
    assert caught.value.diagnostics[0].help is not None


def test_a_file_that_is_no_ledger_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    file.write_bytes(b"certainly not a database, but long enough to be read as one" * 20)
    before = file.read_bytes()
    with pytest.raises(LedgerError, match="ledger-unusable"):
        open_ledger(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_the_tables_can_be_made_in_postgresql() -> None:
    for one in _own_tables():
        assert "CREATE TABLE" in str(CreateTable(one).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


def test_there_is_one_grant_per_policy_subject_unit_and_period(ledger: Ledger) -> None:
    put_grant(ledger)
    with pytest.raises(IntegrityError):
        put_grant(ledger, id="another id")
    put_grant(ledger, period="2026-12")
    assert grants(ledger).height == 2


def test_a_grant_of_less_than_nothing_is_impossible(ledger: Ledger) -> None:
    with pytest.raises(IntegrityError):
        put_grant(ledger, amount=-1)


def test_what_fails_half_way_leaves_nothing_behind(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError), ledger.writing() as connection:
        connection.execute(insert(table(tables.Checkpoint)).values(run="r", bucket=0, grants=1, digest="d"))
        raise RuntimeError
    with ledger.reading() as connection:
        assert connection.execute(text("select count(*) from checkpoint")).scalar() == 0


def test_rows_by_columns_keep_their_values_in_any_order_of_columns(ledger: Ledger) -> None:
    with ledger.writing() as connection:
        columns = {"digest": ["x", "y"], "grants": [1, 2], "bucket": [0, 1], "run": ["r", "r"]}
        assert insert_many(connection, tables.Checkpoint, columns) == 2
        assert insert_many(connection, tables.Checkpoint, {name: [] for name in columns}) == 0
        rows = connection.execute(text("select run, bucket, grants, digest from checkpoint order by 2")).all()
    assert [tuple(row) for row in rows] == [("r", 0, 1, "x"), ("r", 1, 2, "y")]


def test_ids_are_the_same_one_by_one_and_by_frame() -> None:
    import polars as pl

    rows = [("a" * 32, "p", "", "2026"), ("b" * 32, "p", "1", "2026"), ("b" * 32, "q", "1", "once")]
    frame = pl.DataFrame(rows, schema=["subject", "policy", "unit", "period"], orient="row")
    assert with_grant_ids(frame)["id"].to_list() == [grant_id(*row) for row in rows]
    assert len({grant_id(*row) for row in rows}) == 3
    assert all(len(grant_id(*row)) == 32 for row in rows)
    assert announcement_id("x", "granted") == "x-granted"


def test_the_author_cannot_approve_and_letter_case_is_no_disguise(ledger: Ledger) -> None:
    one = policy("base", at_least("age", 60), author="Li Hua")
    assert add_version(ledger, one)
    for name in ("Li Hua", "li hua", "LI HUA "):
        with pytest.raises(LedgerError, match="author-approves"):
            approve(ledger, one.version, name)
    assert approved_policies(ledger, date(2999, 1, 1)) == {}


def test_only_the_approved_text_counts_and_only_from_its_day_on(ledger: Ledger) -> None:
    first = policy("base", at_least("age", 60))
    second = policy("base", at_least("age", 65))
    for one, day in ((first, date(2026, 1, 1)), (second, date(2026, 7, 1))):
        assert add_version(ledger, one) and not add_version(ledger, one)
        assert approve(ledger, one.version, "wang", day) and not approve(ledger, one.version, "zhou", day)
    assert approved_policies(ledger, date(2025, 12, 31)) == {}
    assert approved_policies(ledger, date(2026, 6, 30))["base"].version == first.version
    assert approved_policies(ledger, date(2026, 7, 1))["base"].version == second.version
    assert [item.approved_by for item in all_approvals(ledger)] == ["wang", "wang"]
    assert version_text(ledger, first.version) == first.text


def test_an_unknown_version_or_nobody_cannot_approve(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="unknown-version"):
        approve(ledger, "0" * 64, "wang")
    one = policy("base", at_least("age", 60))
    add_version(ledger, one)
    with pytest.raises(LedgerError, match="approver-missing"):
        approve(ledger, one.version, "  ")
    with pytest.raises(LedgerError, match="author-missing"):
        add_version(ledger, policy("other", at_least("age", 1), author=""))


def reserve(ledger: Ledger, fund: str, amount: int, kind: str = "reserved", bucket: int = 0) -> None:
    with ledger.writing() as connection:
        connection.execute(
            insert(table(tables.FundEntry)).values(
                fund=fund, policy="p", run="r", bucket=bucket, kind=kind, amount=amount, at="t"
            )
        )


def test_what_is_reserved_committed_or_paid_is_not_available_and_reversals_give_back(ledger: Ledger) -> None:
    assert available(ledger, "welfare") == 0
    appropriate(ledger, "welfare", 1_000, title=TITLE, actor="zhao")
    for amount, kind in ((100, "reserved"), (200, "committed"), (300, "paid"), (50, "reversed")):
        reserve(ledger, "welfare", amount, kind)
    assert available(ledger, "welfare") == 450
    assert balances(ledger)[0].used == 550
    with pytest.raises(LedgerError, match="appropriation-too-small"):
        appropriate(ledger, "welfare", 549, title=TITLE, actor="zhao")
    appropriate(ledger, "welfare", 550, title=TITLE, actor="zhao")
    assert available(ledger, "welfare") == 0


def test_every_stage_has_its_moves_and_every_delivery_a_first_stage() -> None:
    assert set(TRANSITIONS) == set(Stage)
    reachable = set().union(*TRANSITIONS.values()) | {Stage.MATCHED, Stage.HINTED}
    assert reachable == set(Stage)
    for delivery in ("automatic", "confirm", "notify", "declare", "channel"):
        assert first_stage(delivery) in Stage
        assert first_stage(delivery, is_hint=True) is Stage.HINTED


def test_a_grant_moves_only_along_the_table(ledger: Ledger) -> None:
    number = put_grant(ledger)
    move(ledger, number, Stage.ORDERED, actor="wang", reason="batch 1")
    with pytest.raises(LedgerError, match="stage-not-reachable"):
        move(ledger, number, Stage.MATCHED, actor="wang")
    with pytest.raises(LedgerError, match="unknown-grant"):
        move(ledger, "0" * 32, Stage.PAID, actor="wang")
    found = grant(ledger, number)
    assert found is not None and found["stage"] == "ordered"


def test_every_action_is_in_the_audit_log(tmp_path: Path) -> None:
    ledger = prepared(tmp_path, {"base": policy("base", at_least("age", 60))}, welfare=100)
    with ledger.reading() as connection:
        actions = [row[0] for row in connection.execute(text("select action from audit_entry order by number"))]
    assert actions == ["version-added", "version-approved", "fund-appropriated"]


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        ("update audit_entry set detail = replace(detail, '100', '999') where number = 3", 3),
        ("update audit_entry set actor = 'somebody' where number = 1", 1),
        ("delete from audit_entry where number = 2", 2),
        ("update audit_entry set number = number + 10 where number = 3", 3),
        ("update audit_entry set previous = hash where number = 2", 2),
    ],
)
def test_audit_tampering_is_detected_at_its_row(tmp_path: Path, tampering: str, broken: int) -> None:
    ledger = prepared(tmp_path, {"base": policy("base", at_least("age", 60))}, welfare=100)
    assert audit.verify(ledger).intact
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute(tampering)
    report = audit.verify(ledger)
    assert not report.intact
    assert report.first_broken == broken
    assert report.reason is not None


def test_a_grant_that_no_run_recorded_is_detected(ledger: Ledger) -> None:
    put_grant(ledger)
    assert not audit.verify(ledger).intact


def test_many_writers_at_once_all_succeed_in_one_chain(ledger: Ledger) -> None:
    def write(actor: str) -> None:
        for _ in range(10):
            with ledger.writing() as connection:
                audit.append(connection, at="t", actor=actor, action="test", detail={})

    threads = [threading.Thread(target=write, args=(f"writer {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = audit.verify(ledger)
    assert (report.intact, report.entries) == (True, 40)


def test_grants_are_found_by_subject_payee_and_policy(ledger: Ledger) -> None:
    put_grant(ledger)
    put_grant(ledger, subject="b" * 32, payee="a" * 32)
    assert grants(ledger, subject="a" * 32).height == 2
    assert grants(ledger, subject="b" * 32).height == 1
    assert grants(ledger, policy="other").is_empty()
    assert totals(ledger).rows() == [("base", "2026-11", 2, 2, 200)]
    assert grant(ledger, "none") is None


def test_times_without_a_zone_are_refused() -> None:
    from engine.ledger.times import from_text, to_text

    assert from_text(to_text(NOW)) == NOW
    assert to_text(NOW) == "2026-11-22T03:00:00Z"
    with pytest.raises(ValueError):
        to_text(datetime(2026, 11, 22))
    assert from_text("2026-11-22T03:00:00Z").tzinfo == UTC


def test_past_grants_are_the_same_whether_many_or_few_are_asked_about_and_whoever_granted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few subjects are looked up by name, many by range, far apart ones by name again; all answers are equal."""
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", clock=lambda: NOW)
    everybody = [f"{number:04x}" + "0" * 28 for number in range(0, 65_536, 1_021)]
    for subject in everybody:
        put_grant(ledger, subject)
        put_grant(ledger, subject, id=grant_id(subject, "other", "", "2026-11"), policy="other")
    crowded = everybody[7]
    for number in range(2_000):
        key = f"u{number}"
        put_grant(ledger, crowded, id=grant_id(crowded, "other", key, "2026-11"), policy="other", unit=key)
    with past_grants_of(ledger, None) as past:
        asked = pl.Series("owner", everybody[:60:7], dtype=pl.String)
        whole = past.of(asked, ["policy", "unit"])
        narrow = past.only(frozenset({"base"})).of(asked, ["policy", "unit"])
        # Whoever has more grants than a collection may hold keeps all: as many are not believed.
        own = whole.filter((pl.col("policy") == "base") | (pl.col("owner") == crowded))
        assert narrow.equals(own) and narrow.filter(pl.col("owner") == crowded).height > 2_000
        monkeypatch.setattr(earlier, "_FEW", 0)
        for times in (0, 10**9):
            monkeypatch.setattr(earlier, "_MANY_TIMES", times)
            assert past.of(asked, ["policy", "unit"]).equals(whole)
            assert past.only(frozenset({"base"})).of(asked, ["policy", "unit"]).equals(narrow)
