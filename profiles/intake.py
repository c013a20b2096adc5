"""Taking in an extract file: good rows to the store, bad ones to quarantine, all of it or nothing.

The road: the file is read as text in batches, checked column by column, spooled by bucket, and merged with
what the store holds. Delta versions, vault rows and quarantine rows are written first; the manifest makes
them count, in one step. The same file for the same day again changes nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from profiles import intake_refusals as refusals
from profiles.catalog_model import Catalog, Source
from profiles.fault_points import fault_point
from profiles.home import Home
from profiles.intake_checks import CheckPlan, check_batch
from profiles.intake_reading import Limits, digest_of, open_extract
from profiles.intake_writing import IntakeWriting
from profiles.manifest import (
    IntakeRecord,
    Manifest,
    commit_manifest,
    intake_records,
    read_manifest,
    remove_unfinished_records,
    require_key,
    write_record,
    writing,
)
from profiles.quarantine import quarantined
from profiles.secret import derived_key, key_fingerprint, secret_key
from profiles.store import lay_out_current
from profiles.vault import open_vault

__all__ = ["IntakeReport", "quarantined", "source_of", "take_in"]

ExtractKind = Literal["full", "partial"]
# A full extract that names fewer than half of those known is more likely cut off than true.
SMALLEST_SHARE, SHARE_MATTERS_FROM = 0.5, 100


@dataclass(frozen=True, slots=True)
class IntakeReport:
    """What became of a file.

    `rows` = `taken` (new or changed) + `unchanged` + `quarantined`; `removed` counts the subjects that a
    full extract no longer names; `reasons` counts quarantined rows by the first reason found in each;
    `warnings` counts what is odd but was taken in; `already` is true if this very file was taken in before
    (the numbers are then those of that time).
    """

    source: str
    file: str
    rows: int
    taken: int
    unchanged: int
    quarantined: int
    reasons: Mapping[str, int]
    digest: str
    already: bool
    removed: int = 0
    warnings: Mapping[str, int] = field(default_factory=dict)


def source_of(file: Path, catalog: Catalog) -> str:
    """Return the id of the source that `file` is named after (`<source>*.<ending>`).

    Raises:
        IntakeError: no source, or none that the name could mean.
    """
    name = file.name.split(".", 1)[0]
    found = [source for source in catalog.sources if name == source or name.startswith((f"{source}-", f"{source}_"))]
    found = found or [source for source in catalog.sources if name.startswith(source)]
    if found:
        return max(found, key=len)
    near = get_close_matches(name, catalog.sources, 1, 0.5)
    raise refusals.refusal(
        "unknown-source",
        file,
        f"文件名 `{file.name}` 不对应任何来源",
        f"no source is named in the file name `{file.name}`",
        f"是不是 `{near[0]}`？" if near else "请用“来源编号-日期.csv”命名，或指明来源",
        f"did you mean `{near[0]}`?" if near else "name it `<source>-<date>.csv`, or say the source",
    )


def take_in(
    home: Home,
    catalog: Catalog,
    source: str,
    file: Path,
    *,
    as_of: date,
    extract: ExtractKind = "full",
    on_progress: Callable[[int, int], None] | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    accept_shrinking: bool = False,
) -> IntakeReport:
    """Take in one extract file of one source.

    Args:
        home: the installation; its store is made on first use.
        catalog: the declarations of sources and code sets.
        source: the id of the source.
        file: the extract: .csv, .xlsx, .parquet, .jsonl or .ndjson.
        as_of: the day that the data describes.
        extract: `full` if subjects that the file does not name are gone, else `partial`.
        on_progress: called with rows done and rows in all (an estimate until the end).
        limits: file sizes still accepted.
        accept_shrinking: take in a full extract even if it names fewer than half of those known.

    Raises:
        IntakeError: the file is refused as a whole; nothing has changed.
        StoreError: another process is writing, the key is missing, or the store is damaged.
    """
    declared = _declared(catalog, source, file)
    digest = digest_of(file)
    secret = secret_key(home)
    with writing(home), open_vault(home) as vault:
        manifest = read_manifest(home)
        require_key(manifest, secret)
        scratch = home.store / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        earlier = _taken_in_before(home, manifest, catalog, source, digest, as_of, extract)
        if earlier is not None:
            return earlier
        _require_newer(manifest, source, file, as_of)
        vault.forget_unfinished()
        remove_unfinished_records(home, manifest)
        scratch.mkdir(mode=0o700)
        try:
            plan = CheckPlan(declared, catalog, as_of, derived_key(secret, "pseudonym"))
            intake = IntakeWriting(
                home, vault, manifest, plan, extract, file.name, scratch, derived_key(secret, "contact")
            )
            rows = _read(file, scratch, limits, plan, intake, on_progress)
            if not accept_shrinking:
                _require_plausible(manifest, declared, file, extract, intake.good_rows)
            report = _finish(home, manifest, intake, rows, digest, key_fingerprint(secret))
            lay_out_current(home, source)
            return report
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _read(
    file: Path,
    scratch: Path,
    limits: Limits,
    plan: CheckPlan,
    intake: IntakeWriting,
    on_progress: Callable[[int, int], None] | None,
) -> int:
    opened = open_extract(file, scratch, limits)
    source = plan.source
    needed = None if opened.complete_header else [source.key, *(each.column for each in source.fields if each.required)]
    refusals.check_columns(file, opened.header, source.columns, needed)
    rows = 0
    for frame in opened.batches():
        frame = frame.rename({name: name.strip() for name in frame.columns if name != name.strip()})
        refusals.check_columns(file, [name for name in frame.columns if not name.startswith("_")], source.columns, [])
        checked = check_batch(frame, plan)
        intake.add(checked)
        rows += checked.rows
        if on_progress is not None:
            on_progress(rows, max(opened.rows, rows))
        fault_point("intake-reading")
    if rows == 0:
        raise refusals.header_only(file)
    if on_progress is not None:
        on_progress(rows, rows)
    return rows


def _finish(
    home: Home, manifest: Manifest, intake: IntakeWriting, rows: int, digest: str, fingerprint: str
) -> IntakeReport:
    """Write everything, then let the manifest make it count."""
    fault_point("intake-before-writing")
    tables = intake.write()
    fault_point("intake-before-record")
    faults = intake.reasons()
    quarantined_rows = sum(faults.values())
    plan = intake.plan
    record = IntakeRecord(
        sequence=intake.sequence,
        source=plan.source.id,
        file=intake.file,
        digest=digest,
        as_of=plan.as_of.isoformat(),
        extract=intake.extract,
        version=tables[plan.source.id].version if plan.source.id in tables else -1,
        rows=rows,
        taken=rows - intake.unchanged - quarantined_rows,
        unchanged=intake.unchanged,
        quarantined=quarantined_rows,
        removed=intake.removed,
        reasons=faults,
        warnings=dict(intake.warnings),
        catalog=plan.catalog.digest,
    )
    write_record(home, record)
    fault_point("intake-before-manifest")
    merged = {**manifest.tables, **tables}
    commit_manifest(home, replace(manifest, sequence=intake.sequence, key=fingerprint, tables=merged))
    fault_point("intake-after-manifest")
    return _report(record, already=False)


def _report(record: IntakeRecord, already: bool) -> IntakeReport:
    return IntakeReport(
        source=record.source,
        file=record.file,
        rows=record.rows,
        taken=record.taken,
        unchanged=record.unchanged,
        quarantined=record.quarantined,
        reasons=record.reasons,
        digest=record.digest,
        already=already,
        removed=record.removed,
        warnings=record.warnings,
    )


def _taken_in_before(
    home: Home, manifest: Manifest, catalog: Catalog, source: str, digest: str, as_of: date, extract: str
) -> IntakeReport | None:
    for record in intake_records(home, manifest, source, digest):
        # Another catalog may read the same file otherwise: then it is worth another look.
        same_reading = record.catalog == catalog.digest and record.extract == extract
        if record.as_of == as_of.isoformat() and same_reading:
            return _report(record, already=True)
    return None


def _declared(catalog: Catalog, source: str, file: Path) -> Source:
    declared = catalog.sources.get(source)
    if declared is not None:
        return declared
    near = get_close_matches(source, catalog.sources, 1, 0.5)
    raise refusals.refusal(
        "unknown-source",
        file,
        f"目录中没有来源 `{source}`",
        f"the catalog has no source `{source}`",
        f"是不是 `{near[0]}`？" if near else f"可用：{' '.join(catalog.sources)}",
        f"did you mean `{near[0]}`?" if near else f"known are {' '.join(catalog.sources)}",
    )


def _require_newer(manifest: Manifest, source: str, file: Path, as_of: date) -> None:
    state = manifest.tables.get(source)
    if state is not None and state.as_of > as_of.isoformat():
        raise refusals.refusal(
            "older-extract",
            file,
            f"来源 `{source}` 已有 {state.as_of} 的数据，不能再导入 {as_of} 的",
            f"the source `{source}` already has data of {state.as_of}; {as_of} is older",
            "请核对数据日期",
            "check the day that the data describes",
        )


def _require_plausible(manifest: Manifest, source: Source, file: Path, extract: str, good_rows: int) -> None:
    state = manifest.tables.get(source.id)
    if extract != "full" or state is None or state.rows < SHARE_MATTERS_FROM:
        return
    if good_rows < SMALLEST_SHARE * state.rows:
        raise refusals.refusal(
            "shrunken-extract",
            file,
            f"全量文件只有 {good_rows} 行可用，而库中现有 {state.rows} 行",
            f"the full extract has {good_rows} good rows where the store has {state.rows}",
            "若是增量请按增量导入；若确实减少，请明确接受",
            "take it in as partial if it is one; if so many are really gone, accept that explicitly",
        )
