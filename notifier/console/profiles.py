"""`mianshen profiles …`: take in files, list sources, show gaps, show one subject."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import polars as pl

from engine.installation import Installation
from engine.run_rows import all_runs
from notifier.console.speech import Speech
from notifier.console.subjects import subject_of
from notifier.console.tables import console, print_json, problems, progress, table
from policies.errors import IntakeError, MianshenError, SettingsError, StoreError
from policies.plain_words import value_in_words
from policies.types import Date, Type, from_day_number
from profiles.catalog_model import Catalog
from profiles.events.origin import Origin, origin_of
from profiles.intake import IntakeReport, source_of, take_in
from profiles.quarantine import REASONS, quarantined


def take_in_files(
    installation: Installation,
    files: list[Path],
    source: str | None,
    as_of: date,
    extract: Literal["full", "partial"],
    say: Speech,
    *,
    as_json: bool,
) -> int:
    """Take in each file, registers first; return the exit code: that of the last refused file, else 0.

    A refused file changes nothing and does not keep the others out.
    """
    catalog = installation.catalog
    order = {name: position for position, name in enumerate(catalog.sources)}
    named: list[tuple[str, Path]] = []
    reports: list[IntakeReport] = []
    exit_code = 0
    for file in files:
        try:
            named.append((source or source_of(file, catalog), file))
        except IntakeError as error:
            exit_code = error.exit_code
            _refused(error, say)
    with progress() as bar:
        for name, file in sorted(named, key=lambda pair: order.get(pair[0], len(order))):
            task = bar.add_task(file.name, total=None)
            try:
                reports.append(
                    take_in(
                        installation.home, catalog, name, file, as_of=as_of, extract=extract,
                        on_progress=lambda done, total, task=task: bar.update(task, completed=done, total=total),
                    )
                )  # fmt: skip
            except IntakeError as error:
                exit_code = error.exit_code
                _refused(error, say)
            bar.remove_task(task)
    if as_json:
        print_json(reports)
    elif reports:
        console.print(intake_table(reports, say))
    return exit_code


def _refused(error: MianshenError, say: Speech) -> None:
    for diagnostic in error.diagnostics:
        problems.print(diagnostic.render(say.language), style="red", markup=False)


def intake_table(reports: list[IntakeReport], say: Speech) -> object:
    """Return what came in, file by file, and what was quarantined and why."""
    columns = [
        say("来源", "source"), say("行", "rows"), say("收入", "taken"), say("未变", "unchanged"),
        say("隔离", "quarantined"), say("隔离原因(行数)", "why (rows)"),
    ]  # fmt: skip
    rows = []
    for report in reports:
        why = ", ".join(
            f"{say.of(REASONS[code]) if code in REASONS else code} {count}"
            for code, count in sorted(report.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
        )
        if report.already:
            why = say("同一文件已收过,没有变化", "the same file was taken in before; nothing changed")
        rows.append(
            (
                report.source,
                f"{report.rows:,}",
                f"{report.taken:,}",
                f"{report.unchanged:,}",
                f"{report.quarantined:,}",
                why,
            )
        )
    return table(say("收数", "intake"), columns, rows, numbers=(1, 2, 3, 4))


def sources(installation: Installation, id: str | None, say: Speech, *, as_json: bool) -> None:
    """Print all sources, or one with its columns."""
    known = installation.catalog.sources
    if id is not None and id not in known:
        raise SettingsError.of(
            "unknown-source", f"没有来源 `{id}`", f"there is no source `{id}`",
            help_zh="来源有: " + ", ".join(known), help_en="the sources are: " + ", ".join(known),
        )  # fmt: skip
    if as_json:
        print_json([each for each in known.values() if id in (None, each.id)])
        return
    if id is None:
        rows = [
            (each.id, say.of(each.title), say.of(each.agency), each.space, each.refresh, len(each.columns))
            for each in known.values()
        ]
        heads = [
            "id",
            say("名称", "title"),
            say("部门", "agency"),
            say("空间", "space"),
            say("更新", "refresh"),
            say("列", "columns"),
        ]
        console.print(table(say("数据来源", "sources"), heads, rows, numbers=(5,)))
        return
    source = known[id]
    console.print(f"[bold]{say.of(source.title)}[/bold]  {say.of(source.agency)}  {source.catalogue}")
    console.print(say.of(source.purpose))
    rows = [
        (column, say("证件号/编号", "identity"), "", "")
        for column in source.columns
        if column not in {f.column for f in source.fields}
    ]
    rows += [
        (each.column, each.name, each.role, say("必填", "required") if each.required else "") for each in source.fields
    ]
    console.print(table("", [say("文件列", "column"), say("目录名", "catalog name"), say("作用", "role"), ""], rows))


def gaps(installation: Installation, on: date, say: Speech, *, as_json: bool) -> None:
    """Print what lies in quarantine, and which data keep decisions open in the last run."""
    rows = quarantined(installation.home)
    by_reason = (
        rows.group_by("source", "column", "reason").agg(pl.len().alias("rows")).sort("rows", descending=True)
        if rows.height
        else rows
    )
    open_data = _open_decisions(installation)
    if as_json:
        print_json({"quarantine": by_reason.to_dicts(), "open_decisions": open_data})
        return
    console.print(
        table(
            say("隔离区", "quarantine"),
            [say("来源", "source"), say("列", "column"), say("原因", "reason"), say("行", "rows")],
            [
                (row["source"], row["column"], say.of(REASONS[row["reason"]]), f"{row['rows']:,}")
                for row in by_reason.to_dicts()
            ],
            numbers=(3,),
        )
    )
    console.print(
        table(
            say("上次批次中让决定悬而未决的数据", "data that kept decisions open in the last run"),
            [say("数据", "datum"), say("对象", "subjects"), say("政策", "policy")],
            [(each["datum"], f"{each['subjects']:,}", each["policy"]) for each in open_data],
            numbers=(1,),
        )
    )


def _open_decisions(installation: Installation) -> list[dict[str, object]]:
    """Return for each policy of the last finished run the datum most often unknown, most often first."""
    reports = [row.report for row in all_runs(installation.ledger) if row.report is not None]
    found = [
        {"datum": each["most_missing"][0], "subjects": each["most_missing"][1], "policy": each["policy"]}
        for each in (reports[0]["policies"] if reports else [])
        if each["most_missing"]
    ]
    return sorted(found, key=lambda each: -each["subjects"])


def show(installation: Installation, text: str, on: date, say: Speech, *, as_json: bool) -> None:
    """Print every datum of one subject with its value, source and date; never who it is."""
    subject = subject_of(installation.home, text)
    snapshot = installation.snapshot(on)
    space_name = snapshot.space_of(subject)
    if space_name is None:
        raise StoreError.of(
            "unknown-subject", "画像库里没有这个对象", "the profile store does not know this subject",
            help_zh="先收入登记类数据,或核对号码", help_en="take in the register first, or check the number",
        )  # fmt: skip
    vocabulary = installation.catalog.vocabulary
    space = vocabulary.spaces[space_name]
    facts = snapshot.facts(space_name, subject)
    listed = [
        (each, facts.value((each.name,)), origin_of(snapshot, space_name, subject, each.name))
        for each in space.attributes.values()
        if each.derivation is None
    ]
    if as_json:
        print_json({"subject": subject, "space": space_name, "data": [
            {
                "name": each.name, "value": _in_json(value, each.type), "source": each.source,
                "as_of": origin.as_of if origin is not None else None,
                "event": origin.event if origin is not None else None,
            }
            for each, value, origin in listed
        ]})  # fmt: skip
        return
    unknown = say("未知", "unknown")
    rows = [
        (
            say.of(each.title),
            unknown if value is None else value_in_words(value, each.type, say.language, vocabulary),
            _source_in_words(each.source, origin, installation.catalog, say),
            (origin.as_of if origin is not None else None) or "-",
        )
        for each, value, origin in listed
    ]
    console.print(f"{say.of(space.title)}  {subject}")
    console.print(
        table("", [say("数据", "datum"), say("值", "value"), say("来源", "source"), say("数据日期", "as of")], rows)
    )
    for name, collection in space.collections.items():
        items = facts.items((name,))
        count = unknown if items is None else str(len(items))
        console.print(f"{say.of(collection.title)}: {count}")


def _source_in_words(source: str, origin: Origin | None, catalog: Catalog, say: Speech) -> str:
    """Return the source, and the event if one has spoken since: `population, move (event 3)`."""
    if origin is None or origin.event is None:
        return source
    kind = catalog.events.get(origin.kind or "")
    title = say.of(kind.title) if kind is not None else str(origin.kind)
    return say(f"{source},{title}(事件 {origin.event})", f"{source}, {title} (event {origin.event})")


def _in_json(value: object, type: Type) -> object:
    """Return a value as a program reads it: a date is written as a date, not as the number of its day."""
    if isinstance(type, Date) and isinstance(value, int):
        return from_day_number(value).isoformat()
    return value
