"""The event log's SQLite file: events, their patches, contacts still on the way to the vault, and refusals."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from policies.errors import StoreError

FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS event (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, kind TEXT NOT NULL,
    space TEXT NOT NULL, subject TEXT NOT NULL, occurred_on TEXT NOT NULL, received_at TEXT NOT NULL,
    actor TEXT NOT NULL, data TEXT NOT NULL, outcome TEXT NOT NULL, changed TEXT NOT NULL,
    superseded TEXT NOT NULL, subjects TEXT NOT NULL, reason TEXT, answer TEXT
);
CREATE INDEX IF NOT EXISTS event_unanswered ON event (number) WHERE answer IS NULL;
CREATE INDEX IF NOT EXISTS event_of_subject ON event (subject, number);
CREATE TABLE IF NOT EXISTS patch (
    source TEXT NOT NULL, bucket INTEGER NOT NULL, subject TEXT NOT NULL, item TEXT NOT NULL,
    name TEXT NOT NULL, day INTEGER NOT NULL, event INTEGER NOT NULL, value,
    PRIMARY KEY (source, bucket, subject, item, name, day, event)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS patch_of_event ON patch (event);
CREATE TABLE IF NOT EXISTS patched_source (source TEXT PRIMARY KEY, first_event INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sealed_patch (
    event INTEGER NOT NULL, source TEXT NOT NULL, subject TEXT NOT NULL, field TEXT NOT NULL,
    day INTEGER NOT NULL, value BLOB NOT NULL, in_vault INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (subject, field, day, event)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sealed_patch_waiting ON sealed_patch (event) WHERE in_vault = 0;
CREATE TABLE IF NOT EXISTS refused (
    digest TEXT NOT NULL, code TEXT NOT NULL, zh TEXT NOT NULL, en TEXT NOT NULL, sealed BLOB NOT NULL,
    first_at TEXT NOT NULL, last_at TEXT NOT NULL, times INTEGER NOT NULL, actor TEXT NOT NULL,
    PRIMARY KEY (digest, code)
);
"""


def open_database(path: Path) -> sqlite3.Connection:
    """Open the event log at `path`, making it (mode 0600) on first use.

    Raises:
        StoreError: the file is damaged, of another format, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, timeout=60, check_same_thread=False, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, FORMAT):
            raise sqlite3.DatabaseError(f"format {version}")
        if version == 0:
            with transaction(connection):
                for statement in _TABLES.split(";\n"):
                    if statement.strip():
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {FORMAT}")
        return connection
    except (sqlite3.Error, OSError) as problem:
        raise damaged(path) from problem


def damaged(path: Path) -> StoreError:
    """Return the error for an event log that cannot be used."""
    return StoreError.of(
        "event-log-damaged", f"事件日志 `{path}` 无法打开或已损坏",
        f"the event log `{path}` cannot be opened or is damaged",
        help_zh="检查磁盘空间和权限；若文件损坏，请从备份恢复",
        help_en="check disk space and permissions; if the file is damaged, restore it from a backup",
    )  # fmt: skip


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Hold the only writer's place from the first statement on; all of it happens, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may have rolled it back already, or may have left it open: the next one needs it closed.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def unhurried(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """As `transaction`, without waiting for the disk: for what can be found out again after a power cut."""
    connection.execute("PRAGMA synchronous = NORMAL")
    try:
        with transaction(connection):
            yield connection
    finally:
        connection.execute("PRAGMA synchronous = FULL")
