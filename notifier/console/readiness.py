"""`mianshen policies readiness …`: could a policy run by itself, and what to change first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from engine.coverage import coverage_of
from engine.installation import Installation
from engine.ledger.retirements import Retired, retired_policies
from engine.qualitative_words import qualitative_words
from engine.readiness import Readiness, StoreState, readiness_of
from engine.readiness_store import quarantined_cells, store_state
from notifier.console.policies import examples_of, policy_of
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, progress, table
from policies.errors import SettingsError, StoreError
from policies.policy import Policy
from policies.text import Bilingual
from profiles.snapshot import Snapshot

_KINDS = {
    "judgement": ("须人裁定", "judgement"),
    "data": ("数据", "data"),
    "consent": ("本人同意", "consent"),
    "values": ("取值与期限", "values"),
    "payee": ("收款账户", "payee"),
    "words": ("定性词语", "words"),
    "examples": ("例子", "examples"),
    "clauses": ("条款依据", "clauses"),
    "unverified": ("未核实", "unverified"),
    "freshness": ("保鲜期", "freshness"),
}


def readiness(
    installation: Installation, ids: Sequence[str], on: date, say: Speech, *, everything: bool, as_json: bool
) -> int:
    """Print the readiness of the named policies, or a table of the whole library; return 0."""
    if everything == bool(ids):
        raise SettingsError.of(
            "ids-or-all", "写政策编号,或者写 --all", "give policy ids, or --all",
            help_zh="例: mianshen policies readiness --all", help_en="for example: mianshen policies readiness --all",
        )  # fmt: skip
    library = list(installation.library.policies.values())
    policies = library if everything else [policy_of(installation, each) for each in ids]
    snapshot, cells = _store(installation, on)
    found = []
    with progress() as bar:
        task = bar.add_task(say("评估", "looking"), total=len(policies))
        for policy in policies:
            found.append(_one(installation, policy, on, snapshot, cells))
            bar.advance(task)
    retired = retired_policies(installation.ledger, on) if snapshot is not None else {}
    if as_json:
        print_json([_to_json(one, retired.get(one.policy)) for one in found])
    elif everything:
        _print_library(found, retired, say)
    else:
        for one in found:
            _print_one(one, retired.get(one.policy), say, with_store=snapshot is not None)
    return 0


def _store(installation: Installation, on: date) -> tuple[Snapshot | None, Mapping[str, int]]:
    """Return the store and its quarantine; no store (yet) is no obstacle to asking."""
    try:
        return installation.snapshot(on), quarantined_cells(installation.home)
    except StoreError as error:
        if any(one.code == "store-empty" for one in error.diagnostics):
            return None, {}
        raise


def _one(
    installation: Installation, policy: Policy, on: date, snapshot: Snapshot | None, cells: Mapping[str, int]
) -> Readiness:
    state: Mapping[tuple[str, str], StoreState] | None = None
    if snapshot is not None:
        state = store_state(policy, snapshot, cells)
    return readiness_of(
        policy,
        installation.catalog,
        on,
        coverage=coverage_of(policy, installation.catalog.vocabulary),
        failing=sum(not each.passed for each in examples_of(installation, policy)),
        words=qualitative_words(),
        store=state,
    )


def _retired_words(one: Retired) -> Bilingual:
    return Bilingual(
        f"自 {one.since} 起停用（{one.by}：{one.reason}）；重新审批才会运行",
        f"retired since {one.since} (by {one.by}: {one.reason}); it runs only after it is approved anew",
    )


def _print_library(found: Sequence[Readiness], retired: Mapping[str, Retired], say: Speech) -> None:
    rows = []
    for one in sorted(found, key=lambda each: (-each.score, each.policy)):
        first = one.obstacles[0] if one.obstacles else None
        taken = " ".join(f"{say(*_KINDS[kind])}-{points}" for kind, points in one.taken_off.items())
        weighs = say.of(first.message) if first is not None else "-"
        if one.policy in retired:
            weighs = say.of(_retired_words(retired[one.policy]))
        rows.append((one.policy, one.score, taken, weighs))
    columns = [
        say("政策", "policy"),
        say("分", "score"),
        say("扣分", "taken off"),
        say("最要紧的一条", "what weighs most"),
    ]
    console.print(table(say("能否自动", "readiness to run by itself"), columns, rows, numbers=(1,)))


def _print_one(one: Readiness, retired: Retired | None, say: Speech, *, with_store: bool) -> None:
    console.print(f"{one.policy}: {one.score}/100", style="bold", markup=False)
    parts = "".join(f" - {points} {say(*_KINDS[kind])}" for kind, points in one.taken_off.items())
    console.print(f"  100{parts} = {one.score}", markup=False)
    if retired is not None:
        console.print(f"  {say.of(_retired_words(retired))}", markup=False, style="yellow")
    if not with_store:
        told = say("画像库里还没有数据,只按目录评估", "the profile store is empty: only the catalog was looked at")
        console.print(f"  {told}", markup=False, style="dim")
    for number, each in enumerate(one.obstacles, start=1):
        place = f"  {each.place}" if each.place.line is not None else ""
        console.print(f"  {number}. [-{each.points}] {say.of(each.message)}{place}", markup=False)
        console.print(f"     → {say.of(each.change)}", markup=False)


def _to_json(one: Readiness, retired: Retired | None) -> dict[str, Any]:
    words = None if retired is None else _retired_words(retired)
    return {
        "policy": one.policy,
        "version": one.version,
        "on": one.on,
        "score": one.score,
        "retired": None if words is None else {"zh": words.zh, "en": words.en},
        "formula": one.formula,
        "taken_off": dict(one.taken_off),
        "obstacles": [
            {
                "kind": each.kind,
                "points": each.points,
                "message": {"zh": each.message.zh, "en": each.message.en},
                "change": {"zh": each.change.zh, "en": each.change.en},
                "place": str(each.place) if each.place.line is not None else None,
            }
            for each in one.obstacles
        ],
    }
