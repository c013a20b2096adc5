"""How fast a 40-column CSV extract is taken in on this machine: read, checked, pseudonymised, stored."""

from __future__ import annotations

import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from policies.text import Bilingual
from policies.types import MONEY_SCALE, Bool, Code, Date, Number, Text, Type
from policies.vocabulary import Attribute, CodeSet, Space, Vocabulary
from profiles.catalog_model import Catalog, Source, SourceField
from profiles.home import Home
from profiles.identity import RESIDENT_CHECKS, RESIDENT_WEIGHTS
from profiles.intake import take_in

AS_OF = date(2026, 11, 1)
# 39 columns of data beside the identity number.
_KINDS: tuple[tuple[str, int, Type], ...] = (
    ("flag", 11, Bool()),
    ("amount", 9, Number(MONEY_SCALE, "yuan", 0, 10**12)),
    ("count", 6, Number(0, "months", 0, 600)),
    ("day", 6, Date()),
    ("level", 6, Code("level")),
    ("remark", 1, Text()),
)
_LEVELS = ("full", "mostly", "partly", "none")


def intake_benchmark(rows: int = 200_000) -> dict[str, float]:
    """Take in a generated extract of `rows` rows and 40 columns, then one where 1 % of the rows changed.

    Returns:
        `rows`, `columns`, `seconds`, `rows_per_second`, and for the second intake `changed_rows`,
        `second_seconds`, `second_rows_per_second`, `second_bytes_written`.
    """
    with tempfile.TemporaryDirectory(prefix="mianshen-intake-") as folder:
        home, catalog = Home(Path(folder) / "home"), _catalog()
        first, second = Path(folder) / "bench-1.csv", Path(folder) / "bench-2.csv"
        frame = _extract(rows)
        frame.write_csv(first)
        changed = max(rows // 100, 1)
        later = frame.with_row_index().with_columns(
            pl.when(pl.col("index") < changed).then(pl.lit("123.45")).otherwise("amount_0").alias("amount_0")
        )
        later.drop("index").write_csv(second)
        start = time.perf_counter()
        report = take_in(home, catalog, "bench", first, as_of=AS_OF)
        seconds = time.perf_counter() - start
        assert report.taken == rows
        before = _bytes(home.store)
        start = time.perf_counter()
        report = take_in(home, catalog, "bench", second, as_of=AS_OF + timedelta(days=1))
        second_seconds = time.perf_counter() - start
        return {
            "rows": rows,
            "columns": frame.width,
            "seconds": seconds,
            "rows_per_second": rows / seconds,
            "changed_rows": report.taken,
            "second_seconds": second_seconds,
            "second_rows_per_second": rows / second_seconds,
            "second_bytes_written": _bytes(home.store) - before,
        }


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _columns() -> list[tuple[str, Type]]:
    return [(f"{name}_{number}", type_) for name, count, type_ in _KINDS for number in range(count)]


def _catalog() -> Catalog:
    words = Bilingual("基准", "benchmark")
    attributes = {name: Attribute(name, type_, words, "bench") for name, type_ in _columns()}
    fields = tuple(SourceField(name, type_, attribute=name) for name, type_ in _columns())
    source = Source("bench", words, words, "bench", words, "daily", "attributes", "citizen", "id", fields)
    levels = CodeSet("level", words, dict.fromkeys(_LEVELS, words))
    vocabulary = Vocabulary({"citizen": Space("citizen", words, attributes)}, {"level": levels})
    return Catalog(vocabulary, {"bench": source})


def _extract(rows: int) -> pl.DataFrame:
    random = np.random.default_rng(20261101)
    cells: dict[str, pl.Series] = {"id": _numbers(rows)}
    for name, type_ in _columns():
        cells[name] = _cells(type_, rows, random)
    return pl.DataFrame(cells)


def _cells(type_: Type, rows: int, random: np.random.Generator) -> pl.Series:
    if isinstance(type_, Bool):
        return pl.Series(np.array(["是", "否"])[random.integers(0, 2, rows)])
    if isinstance(type_, Number) and type_.is_money:
        fen = pl.Series(random.integers(0, 10**7, rows))
        return (fen // 100).cast(pl.String) + "." + (fen % 100).cast(pl.String).str.zfill(2)
    if isinstance(type_, Number):
        return pl.Series(random.integers(0, 600, rows)).cast(pl.String)
    if isinstance(type_, Date):
        days = pl.Series(random.integers(10_000, 20_000, rows)).cast(pl.Int32).cast(pl.Date)
        return days.dt.to_string("%Y-%m-%d")
    if isinstance(type_, Code):
        return pl.Series(np.array(_LEVELS)[random.integers(0, len(_LEVELS), rows)])
    return pl.Series(np.array(["备注一", "备注二", ""])[random.integers(0, 3, rows)])


def _numbers(rows: int) -> pl.Series:
    """Return different resident numbers with the unassigned prefix 999999."""
    days = pl.Series(np.arange(rows) // 1_000 % 36_000 - 25_000).cast(pl.Int32).cast(pl.Date)
    sequence = pl.Series(np.arange(rows) % 1_000).cast(pl.String).str.zfill(3)
    prefix = pl.Series(999_999 - np.arange(rows) // 36_000_000).cast(pl.String)
    first = prefix + days.dt.to_string("%Y%m%d") + sequence
    text = first.str.join("").item()
    digits = np.frombuffer(text.encode(), dtype=np.uint8).reshape(-1, 17).astype(np.int64) - 48
    checks = np.array(list(RESIDENT_CHECKS))[(digits @ np.array(RESIDENT_WEIGHTS)) % 11]
    return first + pl.Series(checks)
