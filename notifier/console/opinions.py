"""The second opinion in the terminal: what was decided again, and a kept case of difference played once more."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from engine.difference_cases import EngineAnswer, replay
from engine.guarding import Held
from engine.installation import Installation
from engine.run_report import RunReport
from engine.second_opinion import HELD_CODE
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, table
from policies.errors import SettingsError

_OUTCOMES = {
    "eligible": ("符合", "eligible"),
    "ineligible": ("不符合", "ineligible"),
    "undetermined": ("未定", "undetermined"),
    "no-unit": ("没有这一条", "no such unit"),
}


def sample_size(text: str) -> int | None:
    """Return how many subjects of each space `--second-opinion` asks for; None for all. Raises SettingsError."""
    if text == "all":
        return None
    if text.isascii() and text.isdigit() and len(text) <= 12:
        return int(text)
    raise SettingsError.of(
        "not-a-sample", f"`{text}` 不是复核的人数", f"`{text}` is not a size of the second opinion",
        help_zh="写人数，例如 3000，或 all", help_en="give a number such as 3000, or all",
    )  # fmt: skip


def second_opinion_words(report: RunReport, say: Speech) -> str:
    """Return one sentence on what the second opinion came to; empty if there was none."""
    opinions = [each.opinion for each in report.policies]
    decided = sum(each.decided for each in opinions)
    if not decided:
        return ""
    yes, no = sum(each.yes for each in opinions), sum(each.no for each in opinions)
    open_, differing = sum(each.undetermined for each in opinions), sum(each.differences for each in opinions)
    words = say(
        f"复核:{decided:,} 件由解释器和 durable-rules 重新判定(符合 {yes:,},不符合 {no:,},未定 {open_:,})",
        f"second opinion: {decided:,} decided again by the interpreter and by durable-rules "
        f"({yes:,} yes, {no:,} no, {open_:,} undetermined)",
    )
    without = [each.policy for each in report.policies if each.opinion.without_durable is not None]
    if differing:
        words += say(f",[red]{differing:,} 件答案不同,有关政策已暂停[/red]",
                     f", [red]{differing:,} differ and hold their policies[/red]")  # fmt: skip
    else:
        words += say(",全部一致", ", all agree")
    if without:
        listed = escape(", ".join(without))
        words += say(f"。durable-rules 未参与:{listed}", f". Without durable-rules: {listed}")
    return words


def way_on(policy: str, held: Held, say: Speech) -> str:
    """Return what a person can do about a held policy."""
    if held.releasable:
        return say(f"核对后放行:mianshen run --release {policy}", f"after a check: mianshen run --release {policy}")
    if held.code == HELD_CODE:
        return say(
            "引擎之间有分歧,不能手工放行;用 mianshen policies replay 重现案例并上报",
            "the engines disagree, so it cannot be released by hand; reproduce the case with mianshen policies replay, "
            "and report it",
        )
    return say("请修正规则", "correct the rule")


def replay_case(installation: Installation, path: Path, say: Speech, *, as_json: bool) -> int:
    """Decide a kept case again and print both answers; return 1 if the engines still differ, else 0.

    Raises RunError if the file is no case.
    """
    found = replay(path, installation.catalog.vocabulary)
    if as_json:
        print_json({"case": found.case, "now": dict(found.now), "differs": found.differs})
        return 1 if found.differs else 0
    rows = [
        (engine, _words(found.case.answers.get(engine), say), _words(now, say)) for engine, now in found.now.items()
    ]
    case = found.case
    title = f"{case.policy} {case.version[:12]} · {case.on}" + (f" · {case.unit}" if case.unit else "")
    console.print(table(title, [say("引擎", "engine"), say("当时", "then"), say("现在", "now")], rows))
    console.print(
        say("各引擎的答案仍然不同。", "the engines still differ.")
        if found.differs
        else say("现在各引擎的答案一致。", "the engines agree now."),
        style="red" if found.differs else "green",
    )
    return 1 if found.differs else 0


def _words(answer: EngineAnswer | None, say: Speech) -> str:
    if answer is None:
        return say("未参与", "took no part")
    outcome = say(*_OUTCOMES.get(answer.outcome, (answer.outcome, answer.outcome)))
    return outcome if answer.amount is None else f"{outcome}, {say.yuan(answer.amount)} {say('元', 'yuan')}"
