"""The vault opens to a named actor with a purpose, and to the right key and row only."""

from __future__ import annotations

import sqlite3
import stat
from datetime import UTC, datetime

import pytest

from policies.errors import MianshenError
from profiles.home import Home
from profiles.secret import secret_key
from profiles.vault import Contact, Secret, open_vault

SOMEBODY, OTHER = "a" * 32, "b" * 32


def _code(error: pytest.ExceptionInfo[MianshenError]) -> str:
    return error.value.diagnostics[0].code


def test_what_is_put_in_comes_out_and_an_empty_value_is_forgotten(home: Home) -> None:
    with open_vault(home) as vault:
        vault.put([Secret(SOMEBODY, "name", "张三"), Secret(SOMEBODY, "phone", "13800000001")])
        vault.put([Secret(SOMEBODY, "phone", None), Secret(SOMEBODY, "language", "zh")])
        assert vault.contact(SOMEBODY, "delivery", "notice") == Contact(name="张三", language="zh")
        assert vault.contact(OTHER, "delivery", "notice") == Contact()


def test_every_opening_is_logged_with_actor_purpose_and_time(home: Home) -> None:
    now = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    with open_vault(home, now=lambda: now) as vault:
        vault.contacts([SOMEBODY, OTHER], "payment", "batch 7")
        vault.number(SOMEBODY, "payment", "batch 8")
        lines = vault.openings()
        assert [(line.subject, line.purpose) for line in lines] == [
            (SOMEBODY, "batch 8"),
            (OTHER, "batch 7"),
            (SOMEBODY, "batch 7"),
        ]
        assert {line.actor for line in lines} == {"payment"}
        assert {line.at for line in lines} == {"2026-11-22T08:00:00+00:00"}
        assert lines[0].fields == ("number",)
        assert len(vault.openings(OTHER)) == 1


@pytest.mark.parametrize(("actor", "purpose"), [("", "notice"), ("delivery", " ")])
def test_nobody_opens_it_without_a_name_and_a_purpose(home: Home, actor: str, purpose: str) -> None:
    with open_vault(home) as vault:
        with pytest.raises(MianshenError) as error:
            vault.contact(SOMEBODY, actor, purpose)
        assert _code(error) == "opening-without-purpose"
        assert vault.openings() == []


def test_the_file_shows_nothing_readable(home: Home) -> None:
    with open_vault(home) as vault:
        vault.put([Secret(SOMEBODY, "name", "ZhangSanSan"), Secret(SOMEBODY, "number", "999999195805150016")])
    content = b"".join(path.read_bytes() for path in home.path.glob("vault.sqlite*"))
    assert b"ZhangSanSan" not in content and b"999999195805150016" not in content
    assert SOMEBODY.encode() in content


@pytest.mark.parametrize("column", ["subject", "field"])
def test_a_value_moved_to_another_row_or_column_does_not_open(home: Home, column: str) -> None:
    with open_vault(home) as vault:
        vault.put([Secret(SOMEBODY, "name", "张三")])
        database = sqlite3.connect(home.vault)
        moved = {"subject": OTHER, "field": "phone"}[column]
        database.execute(f"UPDATE sealed SET {column} = ?", (moved,))
        database.commit()
        database.close()
        with pytest.raises(MianshenError) as error:
            vault.contact(OTHER if column == "subject" else SOMEBODY, "delivery", "notice")
        assert _code(error) == "vault-sealed"


def test_another_key_does_not_open_it(home: Home) -> None:
    with open_vault(home) as vault:
        vault.put([Secret(SOMEBODY, "name", "张三")])
    home.key.write_text("00" * 32)
    with open_vault(home) as vault, pytest.raises(MianshenError) as error:
        vault.contact(SOMEBODY, "delivery", "notice")
    assert _code(error) == "vault-sealed"


def test_the_key_and_the_vault_are_for_their_owner_only(home: Home) -> None:
    open_vault(home).close()
    assert stat.S_IMODE(home.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.vault.stat().st_mode) == 0o600
    assert secret_key(home) == secret_key(home)


def test_a_lost_key_is_never_replaced_in_silence(home: Home) -> None:
    open_vault(home).close()
    home.key.unlink()
    with pytest.raises(MianshenError) as error:
        open_vault(home)
    assert _code(error) == "key-missing"


def test_a_damaged_key_is_refused(home: Home) -> None:
    secret_key(home)
    home.key.write_text("not hexadecimal")
    with pytest.raises(MianshenError) as error:
        secret_key(home)
    assert _code(error) == "key-damaged"


def test_a_file_that_is_no_vault_is_refused(home: Home) -> None:
    secret_key(home)
    home.vault.write_bytes(b"not a database, but long enough to look at" * 40)
    with pytest.raises(MianshenError) as error:
        open_vault(home)
    assert _code(error) == "vault-damaged"


def test_masked_contacts_can_be_shown_and_whole_ones_do_not_slip_into_logs() -> None:
    contact = Contact("张三丰", "13812340001", "anna@example.org", "6222020200011234567", "zh", "sms,page")
    assert contact.masked() == Contact(
        "张**", "138****0001", "a***@example.org", "***************4567", "zh", "sms,page"
    )
    text = repr([contact, Secret(SOMEBODY, "name", "张三丰")])
    assert "张三丰" not in text and "13812340001" not in text and "anna" not in text
    assert Contact().masked() == Contact()


def test_two_threads_may_open_it_at_once(home: Home) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with open_vault(home) as vault, ThreadPoolExecutor(4) as pool:
        vault.put(Secret(f"{number:032x}", "name", f"n{number}") for number in range(40))
        names = pool.map(lambda number: vault.contact(f"{number:032x}", "a", "b").name, range(40))
        assert list(names) == [f"n{number}" for number in range(40)]
        assert len(vault.openings()) == 40
