"""A large store for benchmarks: the sample city taken in once, then multiplied under other pseudonyms.

Every copy of a person keeps its data, its family and its employer; only the pseudonyms differ, so that they
spread over all buckets. Nothing of it goes through an intake, so there are no identity numbers in the vault.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from engine.installation import Installation
from engine.ledger.approvals import add_version, approve
from engine.ledger.funds import appropriate
from policies.errors import SettingsError
from profiles.catalog_model import Catalog, Source
from profiles.home import Home
from profiles.intake import source_of, take_in
from profiles.manifest import TableState, commit_manifest, create_store, read_manifest, writing
from profiles.sample_city import generate
from profiles.store import append_rows, bucket_expression, lay_out_current, open_current

FIRST_CITIZENS = 20_000
_PREFIXES = 65_536  # of four hexadecimal digits, which decide the bucket


def build_city(folder: Path, subjects: int, on: date, *, buckets: int = 16, seed: int = 1) -> Installation:
    """Make a home with about `subjects` subjects (citizens, households and enterprises together).

    All policies of the library are approved and every fund has plenty. A home that is there already is used
    as it is.

    Raises:
        SettingsError: `folder` holds something else.
    """
    installation = Installation(Home(folder))
    done = folder / "city.txt"
    if folder.exists() and any(folder.iterdir()):
        if not done.exists() or done.read_text() != f"{subjects} {on} {buckets} {seed}":
            raise SettingsError.of(
                "folder-in-use",
                f"`{folder}` 不是同一座测速城市",
                f"`{folder}` is not the same city for benchmarks",
                help_zh="换一个空目录",
                help_en="name an empty folder",
            )
        return installation
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mianshen-city-") as scratch:
        first = _first_city(Path(scratch), min(subjects, FIRST_CITIZENS), on, seed)
        catalog = installation.catalog
        there = sum(_counted(first, source) for source in catalog.sources.values() if source.kind == "register")
        # With its key the people of the sample city keep their pseudonyms: events can name them by their numbers.
        shutil.copyfile(first.key, installation.home.key)
        create_store(installation.home, buckets)
        _multiply(first, installation.home, catalog, max(1, round(subjects / there)))
    for policy in installation.library.policies.values():
        add_version(installation.ledger, policy, author=policy.author or "benchmark")
        approve(installation.ledger, policy.version, "approver", date(on.year, 1, 1))
    for fund, title in catalog.vocabulary.funds.items():
        appropriate(installation.ledger, fund, 10**15, title=title, actor="benchmark")
    done.write_text(f"{subjects} {on} {buckets} {seed}")
    return installation


def change_one_in(installation: Installation, one_in: int, on: date) -> int:
    """Write the rows of every `one_in`-th subject anew, in all sources, with data of others; return how many rows.

    It stands for a partial intake of every source: appended rows, a new sequence, a new manifest.
    """
    home, catalog = installation.home, installation.catalog
    with writing(home):
        manifest = read_manifest(home)
        tables = dict(manifest.tables)
        written = 0
        for source in catalog.sources.values():
            table = open_current(home, manifest, source.id)
            if table is None or source.kind == "identity":
                continue
            schema = {name: kind for name, kind in table.columns.items() if name != "bucket"}
            frames = []
            for bucket in range(manifest.buckets):
                rows = table.read(bucket, {name: kind for name, kind in schema.items() if name != "subject"})
                chosen = rows.filter(pl.col("subject").str.slice(4, 6).str.to_integer(base=16) % one_in == 0)
                data = [name for name in _data_columns(source) if name in chosen.columns]
                others = chosen.select(pl.col(data).shift(1)) if chosen.height > 1 else chosen.select(data)
                news = chosen.with_columns(
                    *others.get_columns(),
                    _sequence=pl.lit(manifest.sequence + 1, dtype=pl.Int64),
                    _as_of=pl.lit(on),
                )
                frames.append(news.with_columns(bucket=pl.lit(bucket, dtype=pl.Int32)))
            version = append_rows(home, source.id, tables[source.id], iter(frames), schema)
            written += sum(frame.height for frame in frames)
            if version is not None:
                state = tables[source.id]
                tables[source.id] = replace(state, version=version, as_of=on.isoformat(), layers=state.layers + 1)
        commit_manifest(home, replace(manifest, sequence=manifest.sequence + 1, tables=tables))
    _lay_out(home, tables)
    return written


def _data_columns(source: Source) -> list[str]:
    """Return the attributes of a source; links stay, so that families remain families."""
    return [each.attribute for each in source.stored_fields if each.attribute is not None]


def _first_city(scratch: Path, citizens: int, on: date, seed: int) -> Home:
    home, extracts = Installation(Home(scratch / "home")), scratch / "extracts"
    extracts.mkdir()
    generate(extracts, citizens=citizens, seed=seed, on=on)
    for file in sorted(extracts.iterdir()):
        take_in(home.home, home.catalog, source_of(file, home.catalog), file, as_of=on)
    return home.home


def _counted(home: Home, source: Source) -> int:
    state = read_manifest(home).tables.get(source.id)
    return state.rows if state is not None else 0


def _multiply(first: Home, home: Home, catalog: Catalog, copies: int) -> None:
    known = read_manifest(first)
    with writing(home):
        manifest = read_manifest(home)
        tables: dict[str, TableState] = {}
        for source in catalog.sources.values():
            table = open_current(first, known, source.id)
            if table is None or source.kind == "identity":
                continue
            schema = {name: kind for name, kind in table.columns.items() if name != "bucket"}
            rest = {name: kind for name, kind in schema.items() if name != "subject"}
            rows = pl.concat([table.read(bucket, rest) for bucket in range(known.buckets)])
            version = append_rows(home, source.id, None, _copies(rows, source, copies, manifest.buckets), schema)
            if version is not None:
                state = known.tables[source.id]
                tables[source.id] = replace(state, version=version, rows=state.rows * copies, layers=1)
        commit_manifest(home, replace(manifest, sequence=known.sequence, tables=tables))
    _lay_out(home, tables)


def _lay_out(home: Home, tables: Iterable[str]) -> None:
    """Lay out large files for look-ups, as an intake does."""
    for name in tables:
        lay_out_current(home, name)


def _copies(rows: pl.DataFrame, source: Source, copies: int, buckets: int) -> Iterator[pl.DataFrame]:
    """Yield bucket by bucket all copies of a table's rows."""
    pseudonyms = ["subject", *(each.link for each in source.stored_fields if each.link is not None)]
    pseudonyms += ["member"] if "member" in rows.columns else []
    prefixes = pl.Series("prefix", [f"{number:04x}" for number in range(_PREFIXES)])
    order = ["subject", "item"] if "item" in rows.columns else ["subject"]
    first = rows["subject"].str.head(4).str.to_integer(base=16).cast(pl.Int64)
    for bucket in range(buckets):
        parts = []
        for copy in range(copies):
            moved = (first + copy * (_PREFIXES // copies)) % _PREFIXES
            chosen = rows.filter(moved * buckets // _PREFIXES == bucket)
            parts.append(chosen.with_columns(_renamed(chosen, pseudonyms, copy * (_PREFIXES // copies), prefixes)))
        yield pl.concat(parts).with_columns(bucket_expression(buckets)).sort(order)


def _renamed(
    rows: pl.DataFrame, names: list[str], by: int, prefixes: pl.Series
) -> Mapping[str, pl.Series] | list[pl.Series]:
    """Return the columns of pseudonyms with their first four digits moved on by `by`."""
    renamed = []
    for name in names:
        first = rows[name].str.head(4).str.to_integer(base=16).cast(pl.Int64)
        moved = prefixes.gather(((first + by) % _PREFIXES).fill_null(0))
        fresh = pl.DataFrame({"head": moved, "tail": rows[name].str.slice(4)})
        renamed.append(fresh.select((pl.col("head") + pl.col("tail")).alias(name))[name])
    return renamed
