"""The one small file that says what the store holds: which version of which table counts.

Everything of an intake is written first: Delta versions, vault rows, quarantine rows. It becomes visible in
one step, when the new manifest takes the old one's name. Readers look only at the versions
that a manifest names, so a process killed at any earlier moment has changed nothing that anybody sees, and
the next intake clears its remains away.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from policies.errors import StoreError
from profiles.home import Home
from profiles.secret import key_fingerprint, secret_key

FORMAT = 1
DEFAULT_BUCKETS = 16
MOST_BUCKETS = 4_096
MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class TableState:
    """What counts of one table: its Delta `version` and how many rows of the current state it has.

    `as_of` is the day of the newest extract; `full_as_of` the day of the newest full extract (empty: none):
    whoever is in the table was still in that extract. `layers` counts the appends since the last compaction.
    """

    version: int
    as_of: str = ""
    full_as_of: str = ""
    rows: int = 0
    layers: int = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """The committed state of the store. `sequence` counts the intakes and compactions so far."""

    sequence: int = 0
    buckets: int = DEFAULT_BUCKETS
    key: str = ""
    tables: Mapping[str, TableState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IntakeRecord:
    """The journal entry of one finished intake; it counts once the manifest's sequence has reached it."""

    sequence: int
    source: str
    file: str
    digest: str
    as_of: str
    extract: str
    version: int
    rows: int
    taken: int
    unchanged: int
    quarantined: int
    removed: int
    reasons: Mapping[str, int]
    warnings: Mapping[str, int] = field(default_factory=dict)
    catalog: str = ""  # the digest of the catalog that the file was checked against


def read_manifest(home: Home) -> Manifest:
    """Return the committed state; an empty one if nothing was ever taken in.

    Raises:
        StoreError: the manifest is damaged or of an unknown format.
    """
    path = home.store / MANIFEST_NAME
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(content["format"])
        tables = {name: TableState(**state) for name, state in content["tables"].items()}
        return Manifest(content["sequence"], content["buckets"], content["key"], tables)
    except FileNotFoundError:
        return Manifest()
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise StoreError.of(
            "manifest-damaged",
            f"档案库清单 `{path}` 已损坏或格式未知",
            f"the store's manifest `{path}` is damaged or of an unknown format",
            help_zh="请从备份恢复档案库",
            help_en="restore the store from a backup",
        ) from problem


def commit_manifest(home: Home, manifest: Manifest) -> None:
    """Make `manifest` the state that everybody sees, in one indivisible step that survives a power cut."""
    content = {
        "format": FORMAT,
        "sequence": manifest.sequence,
        "buckets": manifest.buckets,
        "key": manifest.key,
        "tables": {name: asdict(state) for name, state in sorted(manifest.tables.items())},
    }
    path = home.store / MANIFEST_NAME
    draft = path.with_suffix(".draft")
    _write_durably(draft, json.dumps(content, indent=1))
    draft.replace(path)
    _flush_folder(home.store)


def create_store(home: Home, buckets: int) -> Manifest:
    """Make an empty store with another number of buckets than the usual 16 (1 to 4,096).

    More buckets mean less memory per bucket and more, smaller files; the number is fixed for good.

    Raises:
        StoreError: the store exists already, or the number is out of range.
    """
    with writing(home):
        if (home.store / MANIFEST_NAME).exists() or not 1 <= buckets <= MOST_BUCKETS:
            raise StoreError.of(
                "store-not-made",
                f"无法新建档案库：`{home.store}` 已存在，或分桶数 {buckets} 不在 1 至 {MOST_BUCKETS} 之间",
                f"the store `{home.store}` exists, or {buckets} buckets are not within 1 to {MOST_BUCKETS}",
                help_zh="分桶数只能在新建时确定",
                help_en="the number of buckets can only be chosen for a new store",
            )
        manifest = Manifest(buckets=buckets, key=key_fingerprint(secret_key(home)))
        commit_manifest(home, manifest)
    return manifest


def write_record(home: Home, record: IntakeRecord) -> None:
    """Write the journal entry of an intake, before the manifest that makes it count."""
    folder = home.store / "intakes"
    folder.mkdir(exist_ok=True)
    name = f"{record.sequence:09d}.{record.source}.{record.digest[:16]}.json"
    _write_durably(folder / name, json.dumps(asdict(record), ensure_ascii=False))
    _flush_folder(folder)


def intake_records(
    home: Home, manifest: Manifest, source: str | None = None, digest: str | None = None
) -> list[IntakeRecord]:
    """Return the finished intakes, oldest first, of one source or of one file digest (SHA-256) if given."""
    pattern = f"*.{source or '*'}.{digest[:16] if digest else '*'}.json"
    records = []
    for path in sorted((home.store / "intakes").glob(pattern)):
        if int(path.name.split(".", 1)[0]) <= manifest.sequence:
            records.append(IntakeRecord(**json.loads(path.read_text("utf-8"))))
    return [record for record in records if digest is None or record.digest == digest]


def remove_unfinished_records(home: Home, manifest: Manifest) -> None:
    """Remove journal entries of intakes that never finished; the caller holds the lock."""
    for path in (home.store / "intakes").glob("*.json"):
        if int(path.name.split(".", 1)[0]) > manifest.sequence:
            path.unlink()


def require_key(manifest: Manifest, secret: bytes) -> None:
    """Raise StoreError if the store was built with another secret key: all pseudonyms would be strangers."""
    if manifest.key and manifest.key != key_fingerprint(secret):
        raise StoreError.of(
            "wrong-key",
            "密钥文件与档案库不符",
            "the key file does not belong to this store",
            help_zh="请恢复建库时的密钥文件，或改用另一个 MIANSHEN_HOME",
            help_en="restore the key file the store was built with, or use another MIANSHEN_HOME",
        )


@contextmanager
def writing(home: Home) -> Iterator[None]:
    """Hold the store's only writer's place; it is given up when the process ends, however it ends.

    Raises:
        StoreError: another process is writing.
    """
    home.store.mkdir(parents=True, exist_ok=True)
    with (home.store / "writer.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            raise StoreError.of(
                "store-busy",
                "另一个进程正在写入档案库",
                "another process is writing to the profile store",
                help_zh="等它结束后再试",
                help_en="try again when it has finished",
            ) from problem
        yield


def full_as_of(home: Home, manifest: Manifest, source: str, sequence: int) -> date | None:
    """Return the day of the newest full extract of `source` up to the intake `sequence`."""
    state = manifest.tables.get(source)
    if state is not None and sequence == manifest.sequence:
        return date.fromisoformat(state.full_as_of) if state.full_as_of else None
    days = [
        record.as_of
        for record in intake_records(home, manifest, source)
        if record.sequence <= sequence and record.extract == "full" and record.version >= 0
    ]
    return date.fromisoformat(max(days)) if days else None


def _write_durably(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
