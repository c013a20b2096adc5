"""`mianshen policies diff A B`: what an author changed, what that proves to mean, and whom it concerns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from engine.installation import Installation
from engine.interpreter import decide
from engine.ledger.earlier import past_grants_of
from engine.simulation.figures import CHANGES, Against, Simulation
from engine.simulation.simulating import simulate
from notifier.console.proofs import show_comparison
from notifier.console.simulating import version_of
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json
from notifier.reports.wording import CHANGE_WORDS
from policies.errors import MianshenError
from policies.policy import Policy
from policies.proofs.comparing import compare
from policies.proofs.report import Comparison
from policies.text import Bilingual
from policies.version_changes import SECTIONS, Change, changes_between

_MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


def diff_policies(
    installation: Installation, first: str, second: str, on: date, seconds: float, say: Speech, *, as_json: bool
) -> int:
    """Print the differences of two policies or versions; return 0. Raises MianshenError.

    The first is the former one, the second the one to come. What cannot be proved or counted is said, with why.
    """
    former, present = (version_of(installation, text, on) for text in (first, second))
    changes = changes_between(former, present)
    proof = _proved(installation, former, present, on, seconds)
    concerned = _concerned(installation, former, present, on)
    if as_json:
        print_json(_data(former, present, on, changes, proof, concerned))
        return 0
    _print_changes(former, present, changes, say)
    console.print()
    if isinstance(proof, MianshenError):
        _tell_left_out(say("没有证明：", "nothing is proved: "), proof, say)
    else:
        show_comparison(proof, say)
    console.print()
    if isinstance(concerned, MianshenError):
        _tell_left_out(say("没有数人：", "nobody is counted: "), concerned, say)
    else:
        _print_concerned(concerned, on, say)
    return 0


def _proved(
    installation: Installation, former: Policy, present: Policy, on: date, seconds: float
) -> Comparison | MianshenError:
    try:
        milliseconds = max(1, round(seconds * 1000))
        return compare(former, present, installation.catalog.vocabulary, on, decide, timeout_ms=milliseconds)
    except MianshenError as error:
        return error


def _concerned(installation: Installation, former: Policy, present: Policy, on: date) -> Simulation | MianshenError:
    try:
        snapshot = installation.snapshot(on)
        with past_grants_of(installation.ledger, None) as past:
            return simulate(present, snapshot, installation.catalog.vocabulary, on, past, against=former, samples=0)
    except MianshenError as error:
        return error


def _tell_left_out(heading: str, error: MianshenError, say: Speech) -> None:
    message = error.diagnostics[0].message
    console.print(f"{heading}{say.of(message)}", style="yellow", markup=False)


def _print_changes(former: Policy, present: Policy, changes: tuple[Change, ...], say: Speech) -> None:
    for mark, one in (("A", former), ("B", present)):
        console.print(f"{mark}: {one.id} {one.version[:12]}  {say.of(one.title)}", markup=False)
    if not changes:
        same = former.version == present.version
        console.print(
            say("文本完全相同", "the very same text") if same
            else say("意思相同，只有注释或写法不同", "the same in meaning; only comments or layout differ")
        )  # fmt: skip
    section = None
    for change in changes:
        if change.section != section:
            section = change.section
            console.print(say.of(SECTIONS[section]), style="bold", markup=False)
        mark, style = _MARKS[change.kind]
        basis = f"  [{change.basis}]" if change.basis else ""
        console.print(f"  {mark} {change.name}{basis}", style=style, markup=False, soft_wrap=True)
        for before, words in (("-", change.before), ("+", change.after)):
            if words is not None:
                console.print(f"      {before} {say.of(words)}", markup=False, soft_wrap=True)


def _print_concerned(found: Simulation, on: date, say: Speech) -> None:
    against = found.against
    assert against is not None
    console.print(say(f"{on} 的人口里，B 代替 A：", f"in the population of {on}, with B in place of A:"), style="bold")
    for change in CHANGES[:5]:
        moved = against.moved[change]
        money = f"  {say.yuan(moved.difference)} {say('元', 'yuan')}" if moved.difference else ""
        console.print(f"  {say.of(CHANGE_WORDS[change])}: {moved.units:,}{money}", markup=False)
    before, after = against.decided, found.decided
    console.print("  " + say(
        f"每期金额 {say.yuan(before.total.amount)} 元 → {say.yuan(after.total.amount)} 元；"
        f"按年计 {say.yuan(before.yearly)} 元 → {say.yuan(after.yearly)} 元",
        f"amount per period {say.yuan(before.total.amount)} -> {say.yuan(after.total.amount)} yuan; "
        f"a year {say.yuan(before.yearly)} -> {say.yuan(after.yearly)} yuan",
    ), markup=False)  # fmt: skip


def _data(
    former: Policy, present: Policy, on: date, changes: tuple[Change, ...],
    proof: Comparison | MianshenError, concerned: Simulation | MianshenError,
) -> dict[str, object]:  # fmt: skip
    return {
        "first": {"policy": former.id, "version": former.version},
        "second": {"policy": present.id, "version": present.version},
        "on": on,
        "changes": changes,
        "proof": _left_out(proof) if isinstance(proof, MianshenError) else proof,
        "concerned": _left_out(concerned) if isinstance(concerned, MianshenError) else _counted(concerned),
    }


def _left_out(error: MianshenError) -> Mapping[str, object]:
    one = error.diagnostics[0]
    return {"left_out": one.code, "why": Bilingual(one.message.zh, one.message.en)}


def _counted(found: Simulation) -> Mapping[str, object]:
    against = found.against
    assert isinstance(against, Against)
    return {
        "moved": {name: {"units": one.units, "difference": one.difference} for name, one in against.moved.items()},
        "amount": {"first": against.decided.total.amount, "second": found.decided.total.amount},
        "yearly": {"first": against.decided.yearly, "second": found.decided.yearly},
    }
