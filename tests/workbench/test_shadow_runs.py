"""A shadow decides everybody and changes nothing but the audit log; later it is compared with what was granted."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import polars as pl

from tests.workbench.conftest import DAY, Desk

NAME = "cn-31-elderly-allowance"


def written(desk: Desk) -> dict[str, str]:
    """Return a digest of every table of the ledger."""
    with sqlite3.connect(desk.home / "ledger.sqlite") as connection:
        tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
        return {
            name: hashlib.sha256(
                repr(sorted(connection.execute(f'select * from "{name}"'), key=repr)).encode()
            ).hexdigest()
            for name in tables
        }


def test_a_shadow_writes_one_audit_row_and_nothing_else(town: Desk, changed: Path) -> None:
    before = written(town)
    shadow = town.json("policies", "shadow", str(changed), "--by", "li", "--on", DAY)
    after = written(town)
    assert {name for name in after if after[name] != before.get(name)} == {"audit_entry"}
    assert shadow["matched"] + shadow["ineligible"] + shadow["undetermined"] == shadow["subjects"]
    assert town.call("audit", "verify").code == 0


def test_the_comparison_adds_up_against_grants_and_shadow(town: Desk, changed: Path) -> None:
    town.json("policies", "shadow", str(changed), "--by", "li", "--on", DAY)
    (one,) = town.json("policies", "shadow", NAME, "--report")
    shadow = one["shadow"]
    assert one["granted"] > 0
    assert one["same"] + one["other_amount"] + one["shadow_only"] == shadow["matched"]
    assert one["same"] + one["other_amount"] + one["granted_only"] == one["granted"]
    # 64 instead of 65 takes nobody away, and those under 70 get another amount.
    assert one["granted_only"] == 0
    assert one["other_amount"] > 0
    assert one["waiting"] <= one["shadow_only"]


def test_what_is_kept_names_nobody_and_is_the_same_the_second_time(town: Desk, changed: Path) -> None:
    first = town.json("policies", "shadow", str(changed), "--by", "li", "--on", DAY)
    second = town.json("policies", "shadow", str(changed), "--by", "zhao", "--on", DAY)
    assert first["digest"] == second["digest"]
    kept = pl.read_parquet(town.home / "shadows" / second["file"])
    assert kept.columns == ["subject", "unit", "amount"]
    assert kept.height == second["matched"]
    assert not list((town.home / "shadows").rglob("*.unfinished"))


def test_a_file_that_was_changed_since_is_not_believed(town: Desk, changed: Path) -> None:
    shadow = town.json("policies", "shadow", str(changed), "--by", "li", "--on", DAY)
    path = town.home / "shadows" / shadow["file"]
    kept = path.read_bytes()
    pl.read_parquet(path).with_columns(amount=pl.lit(1, pl.Int64)).write_parquet(path)
    told = town.call("policies", "shadow", NAME, "--report")
    assert told.code == 8 and "shadow-changed" in told.problems
    path.write_bytes(b"nonsense")
    told = town.call("policies", "shadow", NAME, "--report")
    assert told.code == 8 and "shadow-unreadable" in told.problems
    path.write_bytes(kept)


def test_the_approved_version_needs_no_shadow(town: Desk) -> None:
    told = town.call("policies", "shadow", NAME, "--by", "li", "--on", DAY)
    assert told.code == 8
    assert "version-approved" in told.problems


def test_a_policy_that_was_never_run_in_shadow_has_no_report(town: Desk) -> None:
    told = town.call("policies", "shadow", "cn-resident-pension", "--report")
    assert told.code == 8
    assert "no-shadow" in told.problems
