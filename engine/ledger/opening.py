"""Opening a ledger: connections, transactions and the layout of its tables."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import polars as pl
from sqlalchemy import Connection, Engine, Table, create_engine, event, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError
from sqlalchemy.sql import Executable
from sqlmodel import SQLModel

from engine.ledger import tables
from engine.ledger.times import Clock, now_in_utc, to_text
from policies.errors import LedgerError

LAYOUT = 1
BUSY_SECONDS = 120
_WRITE_LOCK_OF_POSTGRES = 7_304_115  # any constant: writers of one ledger wait for each other on it


def table(model: type[SQLModel]) -> Table:
    """Return the SQLAlchemy table of a model."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Ledger:
    """An open ledger. Safe to share between threads; every process opens its own.

    `clock` tells the times that are written down.
    """

    url: str
    engine: Engine
    clock: Clock = now_in_utc

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open the one transaction that may write: others wait. Commits at the end, or nothing happened.

        Raises LedgerError if the ledger stays locked, or the disk refuses.
        """
        with _told(self.url), self.engine.connect() as connection:
            connection.execution_options(ledger_writes=True)
            with connection.begin():
                if self.engine.dialect.name == "postgresql":
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK_OF_POSTGRES})"))
                yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads: one consistent state, never waiting for writers."""
        with _told(self.url), self.engine.connect() as connection, connection.begin():
            yield connection

    def now(self) -> str:
        """Return the present moment as the ledger writes it."""
        return to_text(self.clock())

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()


def open_ledger(url: str, clock: Clock = now_in_utc) -> Ledger:
    """Open the ledger at an SQLAlchemy URL; create its tables if it is new.

    Raises:
        LedgerError: the URL is malformed, its driver is missing, the file is no ledger, or it was written by
            a newer version of mianshen.
    """
    ledger = Ledger(url, _engine(url), clock)
    with ledger.writing() as connection:
        SQLModel.metadata.create_all(connection, tables=_own_tables())
        for index in table(tables.Grant).indexes:  # a ledger that is older than one of them
            index.create(connection, checkfirst=True)
        version = table(tables.SchemaVersion)
        found = connection.execute(select(version.c.number)).scalar()
        if found is None:
            connection.execute(insert(version).values(number=LAYOUT, created_at=ledger.now()))
    if found is not None and found > LAYOUT:
        ledger.close()
        raise LedgerError.of(
            "ledger-newer",
            f"账本的表结构是第 {found} 版，本程序只认识第 {LAYOUT} 版",
            f"the ledger has table layout {found}, this program knows layout {LAYOUT}",
            help_zh="请使用写出该账本的新版 mianshen",
            help_en="use the newer mianshen that wrote this ledger",
        )
    return ledger


def to_text_of_json(value: object) -> str:
    """Return canonical JSON: keys sorted, no spaces, Chinese as it is."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@cache
def _statement_text(dialect: Any, statement: Executable) -> tuple[str, tuple[str, ...] | None]:
    compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    names = compiled.positiontup
    return str(compiled), None if names is None else tuple(names)


# The columns of a grant that never change once written (its stage does), as they look in a frame.
GRANT_COLUMNS: dict[str, type[pl.DataType]] = {
    "id": pl.String,
    "subject": pl.String,
    "space": pl.String,
    "policy": pl.String,
    "version": pl.String,
    "unit": pl.String,
    "period": pl.String,
    "amount": pl.Int64,
    "kind": pl.String,
    "payee": pl.String,
    "fund": pl.String,
    "on": pl.String,
    "evidence": pl.String,
}


def to_frame(rows: Sequence[Sequence[object]], columns: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    """Return rows of the database as a frame with exactly these columns and types."""
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    return pl.DataFrame(
        [pl.Series(name, value, dtype=kind) for (name, kind), value in zip(columns.items(), values, strict=True)]
    )


def insert_many(connection: Connection, model: type[SQLModel], columns: Mapping[str, Sequence[object]]) -> int:
    """Insert rows given by columns, past the ORM and past Core's per-row work; return how many.

    The statement is compiled for the database's own placeholders and handed to the driver's executemany.
    """
    names = tuple(columns)
    sql, order = _insert_text(connection.dialect, model, names)
    if order is None:  # a database with named placeholders
        rows: list[Any] = [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    else:
        rows = list(zip(*(columns[name] for name in order), strict=True))
    if rows:
        connection.exec_driver_sql(sql, rows)
    return len(rows)


@cache
def _insert_text(dialect: Any, model: type[SQLModel], names: tuple[str, ...]) -> tuple[str, tuple[str, ...] | None]:
    return _statement_text(dialect, insert(table(model)).values(dict.fromkeys(names)))


def _own_tables() -> list[Table]:
    models = [item for item in vars(tables).values() if isinstance(item, type)]
    return [table(m) for m in models if issubclass(m, SQLModel) and m is not SQLModel]


def _engine(url: str) -> Engine:
    try:
        address = make_url(url)
        arguments: dict[str, Any] = {}
        if address.get_backend_name() == "sqlite":
            arguments["connect_args"] = {"timeout": BUSY_SECONDS, "isolation_level": None}
            if address.database and address.database != ":memory:":
                Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, **arguments)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError, OSError) as fault:
        raise LedgerError.of(
            "ledger-url",
            f"打不开账本：{_short(fault)}",
            f"cannot open the ledger: {_short(fault)}",
            help_zh="MIANSHEN_LEDGER 应为 sqlite:///文件 或 postgresql+psycopg://用户@主机/库",
            help_en="set MIANSHEN_LEDGER to sqlite:///file or postgresql+psycopg://user@host/database",
        ) from fault
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own implicit BEGIN is off (isolation_level None): a deferred BEGIN that reads and then
    # writes fails under other writers, an immediate one waits.
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    for attempt in range(50):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:  # another process is just creating the file
            if attempt == 49:
                raise
            time.sleep(0.05)
    for setting in ("synchronous = FULL", "foreign_keys = ON", "cache_size = -65536", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("ledger_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Turn the database's own faults into an error that says what to do."""
    try:
        yield
    except OperationalError as fault:
        reason = _short(fault.orig or fault)
        if "locked" in reason:
            raise LedgerError.of(
                "ledger-busy",
                "账本一直被另一个进程占用",
                "the ledger stayed locked by another process",
                help_zh="等另一个进程结束后重试；中断的操作没有留下任何内容",
                help_en="wait for the other process and try again; nothing was half-written",
            ) from fault
        raise _unusable(reason) from fault
    except DatabaseError as fault:
        if "not a database" in str(fault) or "malformed" in str(fault):
            raise _unusable(_short(fault.orig or fault)) from fault
        raise


def _unusable(reason: str) -> LedgerError:
    return LedgerError.of(
        "ledger-unusable",
        f"账本不能读写：{reason}",
        f"the ledger cannot be read or written: {reason}",
        help_zh="检查路径、权限和磁盘空间；已提交的内容不受影响",
        help_en="check the path, the permissions and the free disk space; what was committed is safe",
    )


def _short(fault: object) -> str:
    return str(fault).strip().split("\n")[0]
