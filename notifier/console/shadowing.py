"""`mianshen policies shadow …`: run a version that is not approved beside the approved one, and compare."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from engine.installation import Installation
from engine.shadowing import Shadow, ShadowComparison, compare_shadow, run_shadow, shadows
from notifier.console.policies import policy_of
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, progress, table
from policies.errors import RunError


def _folder(installation: Installation) -> Path:
    return installation.home.path / "shadows"


def shadow_run(installation: Installation, id: str, on: date, by: str, say: Speech, *, as_json: bool) -> int:
    """Run one version in shadow and print what it would grant; return 0. Raises RunError, StoreError, PolicyError."""
    policy = policy_of(installation, id)
    snapshot = installation.snapshot(on)
    with progress() as bar:
        task = bar.add_task(say("试运行", "shadow"), total=None)

        def told(_step: str, done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        shadow = run_shadow(
            installation.ledger, snapshot, policy, installation.catalog.vocabulary, on, _folder(installation),
            by=by, on_progress=told,
        )  # fmt: skip
    if as_json:
        print_json(shadow)
        return 0
    console.print(
        say(
            f"{shadow.policy} 的版本 {shadow.version[:12]} 以试运行方式判定了 {shadow.subjects:,} 个对象({on},{shadow.period}):",
            f"the version {shadow.version[:12]} of {shadow.policy} has decided {shadow.subjects:,} in shadow "
            f"({on}, {shadow.period}):",
        ),
        style="bold",
        markup=False,
    )
    for line in (
        say(f"符合 {shadow.matched:,},共 {say.yuan(shadow.amount)} 元", f"eligible {shadow.matched:,}, {say.yuan(shadow.amount)} yuan in all"),
        say(f"不符合 {shadow.ineligible:,},无法判定 {shadow.undetermined:,}", f"not eligible {shadow.ineligible:,}, undetermined {shadow.undetermined:,}"),
        say("没有兑现、没有通知、没有动用资金;审计日志记了一行", "nobody was granted or told, no fund was touched; the audit log has one row"),
        say(f"与已审批版本比较:mianshen policies shadow {shadow.policy} --report", f"compare with the approved version: mianshen policies shadow {shadow.policy} --report"),
    ):  # fmt: skip
        console.print(f"  {line}", markup=False)
    return 0


def shadow_report(installation: Installation, id: str, on: date | None, say: Speech, *, as_json: bool) -> int:
    """Print the shadows of a policy beside what was granted for the same periods; return 0. Raises RunError."""
    name = policy_of(installation, id).id if id.endswith((".yaml", ".yml")) else id
    newest = {(one.on, one.version): one for one in shadows(installation.ledger, name) if on is None or one.on == on}
    if not newest:
        raise RunError.of(
            "no-shadow", f"`{name}` 还没有试运行过", f"`{name}` has not been run in shadow",
            help_zh="先试运行:mianshen policies shadow 编号或文件 --by 姓名",
            help_en="run it first: mianshen policies shadow ID-OR-FILE --by NAME",
        )  # fmt: skip
    compared = [compare_shadow(installation.ledger, one, _folder(installation)) for one in newest.values()]
    if as_json:
        print_json(compared)
        return 0
    _print(compared, say)
    return 0


def _print(compared: Sequence[ShadowComparison], say: Speech) -> None:
    rows = [_row(one.shadow, one, say) for one in compared]
    columns = [
        say("基准日", "on"), say("周期", "period"), say("版本", "version"), say("试运行符合", "in shadow"),
        say("元", "yuan"), say("已兑现", "granted"), say("元", "yuan"), say("相同", "the same"),
        say("金额不同", "other amount"), say("只在试运行", "shadow only"), say("其中等待", "of them waiting"),
        say("只在兑现", "granted only"),
    ]  # fmt: skip
    title = say(f"{compared[0].shadow.policy}:试运行与兑现", f"{compared[0].shadow.policy}: shadow and grants")
    console.print(table(title, columns, rows, numbers=tuple(range(3, 12))))


def _row(shadow: Shadow, one: ShadowComparison, say: Speech) -> tuple[object, ...]:
    return (
        shadow.on, shadow.period, shadow.version[:12], f"{shadow.matched:,}", say.yuan(shadow.amount),
        f"{one.granted:,}", say.yuan(one.granted_amount), f"{one.same:,}", f"{one.other_amount:,}",
        f"{one.shadow_only:,}", f"{one.waiting:,}", f"{one.granted_only:,}",
    )  # fmt: skip
