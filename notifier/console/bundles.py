"""`mianshen events bundles`, and the combined notices that `events post` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from engine.events.answer import EventAnswer
from engine.installation import Installation
from notifier.bundles.preview import Preview, previews_of
from notifier.bundles.shelf import BundleLine, bundles_of, standing_of
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, problems
from notifier.settings import signature_from_environment
from notifier.versions import policy_by_version
from policies.bundles import Bundle
from policies.errors import Diagnostic
from profiles.events.log import EventLog

_EXIT_BAD_FILE = 3
_STATES = {
    "ready": ("已审批", "approved"),
    "not-approved": ("未审批", "not approved"),
    "retired": ("已停用", "retired"),
    "not-in-force": ("不在有效期", "not in force"),
}


def list_bundles(installation: Installation, on: date, say: Speech, *, as_json: bool) -> int:
    """Print every bundle with its policies and how they stand; return 3 if a bundle file has mistakes."""
    found = bundles_of(installation)
    policies = installation.library.policies
    lines = {
        name: standing_of(installation.ledger, installation.catalog, policies, one, on)
        for name, one in found.bundles.items()
    }
    mistakes = [each for error in found.errors for each in error.diagnostics]
    if as_json:
        print_json(
            {
                "bundles": [_as_json(one, lines[name]) for name, one in found.bundles.items()],
                "mistakes": [_mistake(one) for one in mistakes],
            }
        )
    else:
        for name, bundle in found.bundles.items():
            _print_bundle(installation, bundle, lines[name], say)
        for one in mistakes:
            problems.print(one.render(say.language), style="red", markup=False)
    return _EXIT_BAD_FILE if mistakes else 0


def _print_bundle(installation: Installation, bundle: Bundle, lines: Sequence[BundleLine], say: Speech) -> None:
    kinds = ", ".join(say.of(installation.catalog.events[kind].title) for kind in bundle.events)
    ready = sum(line.state == "ready" for line in lines)
    console.print(f"{bundle.id}  {say.of(bundle.title)}", markup=False, style="bold")
    when = say(f"事件后 {bundle.within_days} 天内合并告知", f"told together {bundle.within_days} days after the event")
    quiet = say("；低调", "; quiet") if bundle.is_quiet else ""
    head = say(f"事件：{kinds}；{when}{quiet}；就绪 {ready}/{len(lines)}",
               f"events: {kinds}; {when}{quiet}; ready {ready} of {len(lines)}")  # fmt: skip
    console.print(f"  {head}", markup=False, soft_wrap=True, style="dim")
    for line in lines:
        mark = "+" if line.state == "ready" else "-"
        private = say("，不具名", ", not named") if line.is_private else ""
        state = say(*_STATES[line.state])
        apart = ""
        if line.apart is not None:
            apart = say(f"，另行通知{line.apart.zh}", f", told to the {line.apart.en} in a notice of its own")
        text = f"  {mark} {say.of(line.title)} ({line.policy})  [{state}{private}{apart}]"
        console.print(text, markup=False, soft_wrap=True)


def _as_json(bundle: Bundle, lines: Sequence[BundleLine]) -> dict[str, Any]:
    return {
        "id": bundle.id,
        "title": bundle.title,
        "version": bundle.version,
        "events": list(bundle.events),
        "within_days": bundle.within_days,
        "quiet": bundle.is_quiet,
        "ready": sum(line.state == "ready" for line in lines),
        "policies": list(lines),
    }


def _mistake(one: Diagnostic) -> dict[str, Any]:
    return {"place": str(one.place), "code": one.code, "message": one.message, "help": one.help}


def previews(installation: Installation, answers: Sequence[EventAnswer]) -> Mapping[int, list[Preview]]:
    """Return the combined notices of posted events, by the event's number; nothing is sent and nothing written."""
    several = [one for one in answers if len(one.granted) > 1]
    if not several:
        return {}
    known = installation.library.policies.values()
    policy_of = policy_by_version(installation.ledger, installation.catalog.vocabulary, known)
    bundles = bundles_of(installation).bundles
    found: dict[int, list[Preview]] = {}
    with EventLog(installation.home, installation.catalog) as log:
        for answer in several:
            stored = log.event(answer.number)
            if stored is not None:
                found[answer.number] = previews_of(
                    installation.ledger, answer, stored, bundles, policy_of, signature_from_environment()
                )
    return found


def print_previews(found: Sequence[Preview], say: Speech) -> None:
    """Print the combined notices of one event."""
    for one in found:
        head = say(
            f"合并通知（{one.bundle}，{one.send_on} 起发送）", f"one notice ({one.bundle}, sent from {one.send_on})"
        )
        console.print(f"  = {head}: {say.of(one.text)}", markup=False, soft_wrap=True)
