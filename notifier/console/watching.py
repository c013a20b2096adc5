"""`mianshen policies check --watch`: the files are checked, and their examples run, after every save."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from engine.installation import Installation
from notifier.bundles.shelf import check_bundle
from notifier.console.coverage import print_failure
from notifier.console.policies import examples_of, policy_in_file, warnings_of
from notifier.console.speech import Speech
from notifier.console.tables import console
from notifier.file_states import FileStates, states_of
from policies.bundles import is_bundle
from policies.errors import Diagnostic, PolicyError, SettingsError

# Editors write a file in several steps: what has changed is read once it has been quiet for one look.
_SECONDS = 0.3


def watch_files(installation: Installation, paths: Sequence[Path], say: Speech) -> int:
    """Check the files below `paths` (default: the library) after every save, until Ctrl-C; return 0.

    Raises SettingsError if a path does not exist when the watch begins.
    """
    watched = list(paths) or [installation.library_folder]
    missing = next((path for path in watched if not path.exists()), None)
    if missing is not None:
        raise SettingsError.of(
            "nothing-to-watch", f"没有 `{missing}`", f"there is no `{missing}`",
            help_zh="先写出文件:mianshen policies new", help_en="write the file first: mianshen policies new",
        )  # fmt: skip
    seen: FileStates | None = None
    try:
        while True:
            now = states_of(_files(watched))
            if now != seen:
                time.sleep(_SECONDS if seen is not None else 0)
                now = states_of(_files(watched))
                changed = [path for path in now if seen is None or now[path] != seen.get(path)]
                gone = [] if seen is None else [path for path in seen if path not in now]
                _look(installation, changed, gone, len(now), say)
                seen = now
            time.sleep(_SECONDS)
    except KeyboardInterrupt:
        console.print(say("不再监视", "no longer watching"), style="dim")
        return 0


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*.yaml") if one.is_file())
        elif path.exists():
            yield path


def _look(installation: Installation, changed: Sequence[Path], gone: Sequence[Path], total: int, say: Speech) -> None:
    if sys.stdout.isatty():
        console.clear()
    clean, failed = 0, 0
    for path in changed:
        ok = _check_one(installation, path, say)
        clean, failed = clean + ok, failed + (not ok)
    for path in gone:
        console.print(say(f"{path} 不见了", f"{path} is gone"), style="yellow", markup=False, soft_wrap=True)
    moment = datetime.now().astimezone().strftime("%H:%M:%S")
    verdict = say(f"{clean} 个没有问题", f"{clean} clean") + (
        say(f",{failed} 个有问题", f", {failed} with problems") if failed else ""
    )
    rest = say(f"共监视 {total} 个文件,Ctrl-C 结束", f"{total} files watched, Ctrl-C ends")
    console.print(f"{moment}  {verdict}  ·  {rest}", style="red" if failed else "green", markup=False)
    sys.stdout.flush()


def _check_one(installation: Installation, path: Path, say: Speech) -> bool:
    """Print what is wrong with one file, or one line if nothing is; return whether it is clean."""
    try:
        if is_bundle(path):
            check_bundle(installation, path)
            console.print(f"✓ {path.name}", style="green", markup=False)
            return True
        policy = policy_in_file(installation, path)
    except PolicyError as error:
        _print(error.diagnostics, say)
        return False
    warnings = warnings_of(policy, installation.catalog)
    _print(warnings, say)
    results = examples_of(installation, policy)
    failing = [one for one in results if not one.passed]
    for one in failing:
        print_failure(policy, installation.catalog.vocabulary, one, say)
    if failing:
        return False
    passed = say(f"{len(results)} 个例子都符合", f"{len(results)} examples pass")
    console.print(f"✓ {policy.id}  {passed}", style="green", markup=False)
    return True


def _print(findings: Sequence[Diagnostic], say: Speech) -> None:
    styles = {"error": "red", "warning": "yellow", "note": "cyan"}
    for each in findings:
        console.print(each.render(say.language), style=styles[each.severity], markup=False, soft_wrap=True)
